// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <stdlib.h>
#include <string.h>

#include "datapath/program.h"

enum { CHAINS_MIN = 1024 };

struct program_table {
	unsigned n;
	struct program *buried;
	unsigned n_chains; // a power of two
	struct program **chains;
};

struct program_table *program_table_create(void)
{
	struct program_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->n_chains = CHAINS_MIN;
	table->chains = calloc(table->n_chains, sizeof(struct program *));
	if (!table->chains) {
		free(table);
		return NULL;
	}
	return table;
}

void program_table_destroy(struct program_table *table)
{
	if (!table)
		return;
	program_bury(table);
	for (unsigned i = 0; i < table->n_chains; i++) {
		while (table->chains[i]) {
			struct program *program = table->chains[i];

			table->chains[i] = program->next;
			free(program);
		}
	}
	free(table->chains);
	free(table);
}

static uint32_t hash_ops(const struct op *ops, unsigned n)
{
	const unsigned char *bytes = (const unsigned char *)ops;
	uint64_t hash = n;

	for (size_t i = 0; i < n * sizeof(*ops); i += 8) {
		uint64_t word;

		memcpy(&word, bytes + i, 8);
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	return (uint32_t)hash;
}

static void find_kept_output(struct program *program)
{
	const struct op *last = &program->ops[program->n_ops - 1];

	if (last == program->ops || last->code != OP_OUTPUT)
		return;
	for (const struct op *op = program->ops; op < last; op++) {
		if (op->code == OP_METER) {
			program->meters = true;
		} else if (op->code == OP_TRACK) {
			program->tracks = true;
		} else if (op->code == OP_SET_TOS && !program->sets_tos) {
			program->sets_tos = true;
			program->tos = (uint16_t)op->arg;
		} else {
			return;
		}
	}
	program->kept_output = last->port;
}

static struct program *program_make(const struct op *ops, unsigned n, uint32_t hash)
{
	struct program *program = malloc(sizeof(*program) + n * sizeof(*ops));

	if (!program)
		return NULL;
	*program = (struct program){
		.hash = hash,
		.n_ops = (uint16_t)n,
		.output = n == 1 && ops[0].code == OP_OUTPUT ? ops[0].port : PROGRAM_NOT_PLAIN,
		.kept_output = PROGRAM_NOT_PLAIN,
		.drops = ops[n - 1].code == OP_DROP,
	};
	memcpy(program->ops, ops, n * sizeof(*ops));
	for (unsigned i = 0; i < n; i++)
		program->visits |= ops[i].code == OP_VISIT;
	find_kept_output(program);
	return program;
}

static void unbury(struct program_table *table, struct program *program)
{
	struct program **link = &table->buried;

	while (*link != program)
		link = &(*link)->next;
	*link = program->next;
	program->buried = false;
}

static struct program *find(struct program *chain, const struct op *ops, unsigned n, uint32_t hash)
{
	for (; chain; chain = chain->next)
		if (chain->hash == hash && chain->n_ops == n &&
			memcmp(chain->ops, ops, n * sizeof(*ops)) == 0)
			return chain;
	return NULL;
}

static struct program **chain_of(struct program_table *table, uint32_t hash)
{
	return &table->chains[hash & (table->n_chains - 1)];
}

// Keeps chains short when every flow has a program of its own (NAT, say). Without memory they grow
// long.
static void grow(struct program_table *table)
{
	unsigned old = table->n_chains;
	struct program **chains = calloc(old * 2, sizeof(*chains)), **before = table->chains;

	if (!chains)
		return;
	table->chains = chains;
	table->n_chains = old * 2;
	for (unsigned i = 0; i < old; i++) {
		while (before[i]) {
			struct program *program = before[i],
				       **chain = chain_of(table, program->hash);

			before[i] = program->next;
			program->next = *chain;
			*chain = program;
		}
	}
	free(before);
}

struct program *program_get(struct program_table *table, const struct op ops[], unsigned n)
{
	uint32_t hash = hash_ops(ops, n);
	struct program **chain = chain_of(table, hash);
	struct program *program = find(*chain, ops, n, hash);

	if (!program) {
		if (table->n > table->n_chains) {
			grow(table);
			chain = chain_of(table, hash);
		}
		program = find(table->buried, ops, n, hash);
		if (program)
			unbury(table, program);
		else
			program = program_make(ops, n, hash);
		if (!program)
			return NULL;
		program->next = *chain;
		*chain = program;
		table->n++;
	}
	program->refs++;
	return program;
}

void program_put(struct program_table *table, struct program *program)
{
	struct program **link = chain_of(table, program->hash);

	if (--program->refs > 0)
		return;
	while (*link != program)
		link = &(*link)->next;
	*link = program->next;
	table->n--;
	program->buried = true;
	program->next = table->buried;
	table->buried = program;
}

void program_bury(struct program_table *table)
{
	while (table->buried) {
		struct program *program = table->buried;

		table->buried = program->next;
		free(program);
	}
}

unsigned program_count(const struct program_table *table)
{
	return table->n;
}
