// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/program.h"
#include "datapath/text.h"

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

struct writer {
	struct text text;
	const char *(*port_name)(void *, uint16_t);
	const char *(*reason_name)(void *, uint16_t);
	void *context;
};

static void put_port(struct writer *w, const char *verb, uint16_t port)
{
	const char *name = w->port_name ? w->port_name(w->context, port) : NULL;

	if (name)
		text_put(&w->text, "%s %s", verb, name);
	else
		text_put(&w->text, "%s #%u", verb, port);
}

static void put_address(struct writer *w, const char *what, int family, const void *address)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family, address, text, sizeof(text));
	text_put(&w->text, "%s %s", what, text);
}

static void put_mac(struct writer *w, const char *what, const uint8_t *m)
{
	text_put(&w->text, "%s %02x:%02x:%02x:%02x:%02x:%02x", what, m[0], m[1], m[2], m[3], m[4],
		m[5]);
}

static void put_drop(struct writer *w, uint16_t reason)
{
	const char *name = w->reason_name ? w->reason_name(w->context, reason) : NULL;

	if (name)
		text_put(&w->text, "drop %s", name);
	else
		text_put(&w->text, "drop #%u", reason);
}

static void put_related(struct writer *w, const struct op *op)
{
	text_put(&w->text, "related or ");
	put_drop(w, op_related_reason(op));
}

static void put_verdict(struct writer *w, const struct op *op)
{
	if (op->flags & FRAGMENT_DROPS)
		put_drop(w, (uint16_t)op->reason);
	else if (op->policer)
		text_put(&w->text, "police %u", op->policer - 1);
	else
		text_put(&w->text, "pass");
}

static void put_fragment(struct writer *w, const struct op *op)
{
	text_put(&w->text, op->code == OP_REMEMBER ? "remember " : "follow-first or ");
	put_verdict(w, op);
}

static void put_tos(struct writer *w, uint32_t arg)
{
	uint32_t value = arg & 0xff, keep = arg >> 8 & 0xff;

	if (keep == 0)
		text_put(&w->text, "set-dscp %u ecn %u", value >> 2, value & 3);
	else if (keep == 3)
		text_put(&w->text, "set-dscp %u", value >> 2);
	else
		text_put(&w->text, "set-tos 0x%02x keep 0x%02x", value, keep);
}

static void put_tci(struct writer *w, uint32_t arg)
{
	if (arg >> 16 & 0x0fff)
		text_put(&w->text, "set-vlan %u%s", arg & 0xfff, arg >> 16 & 0xe000 ? " " : "");
	if (arg >> 16 & 0xe000)
		text_put(&w->text, "set-pcp %u", arg >> 13 & 7);
}

static void put_op(struct writer *w, const struct op *op)
{
	switch ((enum op_code)op->code) {
	case OP_OUTPUT:
		put_port(w, "output", op->port);
		break;
	case OP_DELIVER:
		put_port(w, "deliver", op->port);
		break;
	case OP_FLOOD:
		text_put(&w->text, op->arg ? "flood vlan %u" : "flood", op->arg);
		break;
	case OP_DROP:
		put_drop(w, (uint16_t)op->arg);
		break;
	case OP_END:
		text_put(&w->text, "end");
		break;
	case OP_METER:
		text_put(&w->text, "meter %u", op->arg);
		break;
	case OP_LOST:
		text_put(&w->text, "meter %u if lost", op->arg);
		break;
	case OP_POLICE:
		text_put(&w->text, "police %u", op->arg);
		break;
	case OP_VISIT:
		text_put(&w->text, op->flags ? "visit #%u if tcp-flags 0x%02x" : "visit #%u",
			op->arg, op->flags);
		break;
	case OP_COPY:
		put_port(w, "copy", op->port);
		break;
	case OP_TRACK:
		text_put(&w->text, "track");
		break;
	case OP_RELATED:
		put_related(w, op);
		break;
	case OP_REMEMBER:
	case OP_FOLLOW:
		put_fragment(w, op);
		break;
	case OP_PUSH_VLAN:
		text_put(&w->text, "push-vlan %u", op->arg & 0xfff);
		break;
	case OP_POP_VLAN:
		text_put(&w->text, "pop-vlan");
		break;
	case OP_SET_TCI:
		put_tci(w, op->arg);
		break;
	case OP_SET_ETH_DST:
		put_mac(w, "set-eth-dst", op->bytes);
		break;
	case OP_SET_ETH_SRC:
		put_mac(w, "set-eth-src", op->bytes);
		break;
	case OP_SET_TOS:
		put_tos(w, op->arg);
		break;
	case OP_SET_IPV4_SRC:
		put_address(w, "set-ip-src", AF_INET, &op->arg);
		break;
	case OP_SET_IPV4_DST:
		put_address(w, "set-ip-dst", AF_INET, &op->arg);
		break;
	case OP_SET_IPV6_SRC:
		put_address(w, "set-ip-src", AF_INET6, op->address);
		break;
	case OP_SET_IPV6_DST:
		put_address(w, "set-ip-dst", AF_INET6, op->address);
		break;
	case OP_SET_L4_SRC:
		text_put(&w->text, "set-l4-src %u", ntohs((uint16_t)op->arg));
		break;
	case OP_SET_L4_DST:
		text_put(&w->text, "set-l4-dst %u", ntohs((uint16_t)op->arg));
		break;
	case N_OP_CODES:
		break;
	}
}

void program_format(const struct op ops[], unsigned n,
	const char *(*port_name)(void *context, uint16_t port),
	const char *(*reason_name)(void *context, uint16_t reason), void *context, char *text,
	size_t size)
{
	struct writer w = { { text, size, 0 }, port_name, reason_name, context };

	text[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		if (i)
			text_put(&w.text, ", ");
		put_op(&w, &ops[i]);
	}
}
