// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <string.h>

#include "switch/elf_dynamic.h"

static int corrupt(struct weir_error *error, const char *what)
{
	return weir_refuse(error, -ELIBBAD, "path", "is corrupt: %s", what);
}

static uint32_t word_at(const uint8_t *bytes, size_t i)
{
	uint32_t word;

	memcpy(&word, bytes + i * sizeof(word), sizeof(word));
	return word;
}

// The greatest symbol that a bucket begins with, 0 when all are empty; one before `first` when
// there is such a one.
static uint32_t last_bucket(const uint8_t *buckets, uint32_t n_buckets, uint32_t first)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < n_buckets; i++) {
		uint32_t symbol = word_at(buckets, i);

		if (symbol && symbol < first)
			return symbol;
		if (symbol > last)
			last = symbol;
	}
	return last;
}

// Only the GNU hash table says how many symbols there are: its last chain ends with the last one.
// Chains of the older table can be cycles.
static int count_symbols(struct elf_dynamic *d, struct weir_error *error)
{
	uint64_t address;
	uint32_t n_buckets, n_bloom, symbol;
	const uint8_t *table, *buckets, *chain;

	if (!elf_dynamic_find(d, DT_GNU_HASH, &address))
		return weir_refuse(error, -ENOTSUP, "path",
			"has no GNU hash table; it must be linked with --hash-style=gnu or both");
	table = elf_image_at(d->image, address, 4 * sizeof(uint32_t));
	if (!table)
		return corrupt(error, "its hash table is not where the dynamic section says");
	n_buckets = word_at(table, 0);
	d->first_exported = word_at(table, 1);
	n_bloom = word_at(table, 2);
	// The dynamic linker asserts the power of two.
	if (!n_buckets || !n_bloom || n_bloom & (n_bloom - 1))
		return corrupt(error, "its hash table has an impossible size");
	address += 4 * sizeof(uint32_t) + (uint64_t)n_bloom * sizeof(ElfW(Addr));
	buckets = elf_image_at(d->image, address, (uint64_t)n_buckets * sizeof(uint32_t));
	if (!buckets)
		return corrupt(error, "its hash table ends behind its segment");
	address += (uint64_t)n_buckets * sizeof(uint32_t);
	symbol = last_bucket(buckets, n_buckets, d->first_exported);
	if (!symbol)
		return weir_refuse(error, -ENOSYS, "path",
			"exports nothing; an extension exports its descriptor");
	if (symbol < d->first_exported)
		return corrupt(error, "its hash table holds a symbol that is not exported");
	do {
		chain = elf_image_at(d->image,
			address + (uint64_t)(symbol - d->first_exported) * sizeof(uint32_t),
			sizeof(uint32_t));
		if (!chain)
			return corrupt(error, "a chain of its hash table has no end");
		symbol++;
	} while (!(word_at(chain, 0) & 1));
	d->n_symbols = symbol;
	return 0;
}

static ElfW(Sym) symbol_at(const struct elf_dynamic *d, uint32_t i)
{
	const uint8_t *bytes = elf_image_at(d->image, d->symbols, sizeof(ElfW(Sym)));
	ElfW(Sym) symbol;

	memcpy(&symbol, bytes + i * sizeof(symbol), sizeof(symbol));
	return symbol;
}

static int check_symbols(struct elf_dynamic *d, struct weir_error *error)
{
	uint64_t value;

	elf_dynamic_find(d, DT_SYMTAB, &value);
	d->symbols = value;
	if (!elf_image_at(d->image, d->symbols, (uint64_t)d->n_symbols * sizeof(ElfW(Sym))))
		return corrupt(error, "its symbol table ends behind its segment");
	for (uint32_t i = 0; i < d->n_symbols; i++)
		if (symbol_at(d, i).st_name >= d->strings_size)
			return corrupt(error, "a symbol's name is outside of the string table");
	return 0;
}

int elf_symbols_check(struct elf_dynamic *d, struct weir_error *error)
{
	int ret = count_symbols(d, error);

	if (!ret)
		ret = check_symbols(d, error);
	return ret;
}

bool elf_dynamic_exports(const struct elf_dynamic *d, const char *name, size_t size)
{
	for (uint32_t i = d->first_exported; i < d->n_symbols; i++) {
		ElfW(Sym) symbol = symbol_at(d, i);

		if (symbol.st_shndx == SHN_UNDEF || strcmp(d->strings + symbol.st_name, name) != 0)
			continue;
		return ELF64_ST_TYPE(symbol.st_info) == STT_OBJECT && symbol.st_size >= size &&
		       elf_image_segment(d->image, symbol.st_value, symbol.st_size, PF_R);
	}
	return false;
}
