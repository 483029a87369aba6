// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Damaged files: the dynamic linker would crash or abort on most of these, so the loader has to
// see the damage first. What it lets pass is given to the dynamic linker here, in this process.
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "switch/loader.h"

static int load(const char *directory, const struct module *module, struct weir_error *error)
{
	struct loader *loader = NULL;
	struct extension *extension = NULL;
	char path[PATH_MAX];
	int ret;

	directory_write(directory, "test.so", module, path);
	assert_int_equal(loader_create(NULL, 0, &loader), 0);
	ret = loader_load(loader, "test", path, &extension, error);
	assert_true(!ret == !!extension);
	loader_destroy(loader);
	return ret;
}

#define SEGMENT(type, n, member)                                                                   \
	type, n, offsetof(ElfW(Phdr), member), sizeof(((ElfW(Phdr) *)0)->member)

static const struct segment_row {
	unsigned type, n;
	size_t offset, size;
	uint64_t value;
	int expected;
	const char *sentence;
} segment_rows[] = {
	{ SEGMENT(PT_LOAD, 0, p_offset), 1 << 30, -ELIBBAD, "ends behind" },
	{ SEGMENT(PT_LOAD, 0, p_offset), UINT64_MAX, -ELIBBAD, "ends behind" },
	{ SEGMENT(PT_LOAD, 0, p_filesz), UINT64_MAX, -ELIBBAD, "ends behind" },
	{ SEGMENT(PT_LOAD, 0, p_memsz), 0, -ELIBBAD, "larger than its memory" },
	{ SEGMENT(PT_LOAD, 0, p_memsz), 1 << 30, -ELIBBAD, "ends behind address" },
	{ SEGMENT(PT_LOAD, 0, p_memsz), 1 << 20, -ELIBBAD, "overlaps" },
	{ SEGMENT(PT_LOAD, 0, p_flags), 0, -ELIBBAD, "not readable" },
	{ SEGMENT(PT_LOAD, 0, p_vaddr), 1, -ELIBBAD, "cannot be mapped" },
	{ SEGMENT(PT_LOAD, 0, p_align), 3, -ELIBBAD, "power of two" },
	{ SEGMENT(PT_LOAD, 0, p_align), UINT64_C(1) << 40, -ELIBBAD, "power of two" },
	{ SEGMENT(PT_LOAD, 1, p_vaddr), 0, -ELIBBAD, "overlaps" },
	{ SEGMENT(PT_LOAD, 1, p_vaddr), UINT64_MAX - 4095, -ELIBBAD, "ends behind address" },
	{ SEGMENT(PT_LOAD, 1, p_flags), PF_R, -ELIBBAD, "its initialisation" },
	{ SEGMENT(PT_LOAD, 3, p_flags), PF_R, -ELIBBAD, "" },
	{ SEGMENT(PT_DYNAMIC, 0, p_type), PT_NULL, -ELIBBAD, "no dynamic section" },
	{ SEGMENT(PT_DYNAMIC, 0, p_vaddr), 64, -ELIBBAD, "not about a part" },
	{ SEGMENT(PT_DYNAMIC, 0, p_offset), 64, -ELIBBAD, "not about a part" },
	{ SEGMENT(PT_DYNAMIC, 0, p_filesz), 64, -ELIBBAD, "no end" },
	{ SEGMENT(PT_GNU_EH_FRAME, 0, p_type), PT_DYNAMIC, -ELIBBAD, "more than one" },
	{ SEGMENT(PT_NOTE, 0, p_offset), UINT64_MAX, -ELIBBAD, "ends behind" },
	{ SEGMENT(PT_NOTE, 0, p_vaddr), UINT64_MAX, -ELIBBAD, "not about a part" },
	{ SEGMENT(PT_GNU_RELRO, 0, p_memsz), 1 << 20, -ELIBBAD, "not about a part" },
	{ SEGMENT(PT_GNU_RELRO, 0, p_vaddr), 0, -ELIBBAD, "not about a part" },
	{ SEGMENT(PT_GNU_STACK, 0, p_type), PT_NULL, -ELIBBAD, "executable stack" },
	{ SEGMENT(PT_GNU_STACK, 0, p_flags), PF_R | PF_W | PF_X, -ELIBBAD, "executable stack" },
};

static void test_segments(void **state)
{
	for (size_t i = 0; i < sizeof(segment_rows) / sizeof(segment_rows[0]); i++) {
		const struct segment_row *row = &segment_rows[i];
		struct module module = module_read("good");
		struct weir_error error = { .code = 0 };
		int ret;

		module_put(&module, module_segment(&module, row->type, row->n) + row->offset,
			row->value, row->size);
		ret = load(*state, &module, &error);
		if (ret != row->expected || !strstr(error.message, row->sentence))
			fail_msg("row %zu: %d %s", i, ret, error.message);
		module_free(&module);
	}
}

static const struct dynamic_row {
	int64_t tag;
	uint64_t value;
	const char *sentence;
} dynamic_rows[] = {
	{ DT_STRTAB, UINT64_MAX, "its string table" },
	{ DT_STRSZ, UINT64_MAX, "its string table" },
	{ DT_STRSZ, 0, "its string table has no end" },
	{ DT_STRSZ, 2, "string" },
	{ DT_SYMTAB, 1 << 30, "its symbol table" },
	{ DT_SYMENT, 8, "its symbol table" }, // the dynamic linker asserts it
	{ DT_RELA, UINT64_MAX, "its relocations" },
	{ DT_RELASZ, 1 << 30, "its relocations" },
	{ DT_RELASZ, 7, "its relocations" },
	{ DT_RELAENT, 8, "its relocations" }, // asserted
	{ DT_GNU_HASH, UINT64_MAX - 4, "its hash table" },
	{ DT_INIT, 0, "its initialisation" },
	{ DT_INIT, UINT64_MAX, "its initialisation" },
	{ DT_FINI, 0, "its termination" },
	{ DT_INIT_ARRAY, UINT64_MAX, "its constructors" },
	{ DT_INIT_ARRAYSZ, 1 << 30, "its constructors" },
	{ DT_FINI_ARRAY, 4, "destructor" },
	{ DT_NEEDED, 1 << 30, "names a string" },
	{ DT_VERNEED, UINT64_MAX, "wanted versions" },
	{ DT_VERSYM, UINT64_MAX, "symbols' versions" },
};

static void test_dynamic(void **state)
{
	for (size_t i = 0; i < sizeof(dynamic_rows) / sizeof(dynamic_rows[0]); i++) {
		const struct dynamic_row *row = &dynamic_rows[i];
		struct module module = module_read("good");
		struct weir_error error = { .code = 0 };
		int ret;

		module_put(&module, module_dynamic(&module, row->tag), row->value, 8);
		ret = load(*state, &module, &error);
		if (ret != -ELIBBAD || !strstr(error.message, row->sentence))
			fail_msg("row %zu: %d %s", i, ret, error.message);
		module_free(&module);
	}
}

static void test_hash_table(void **state)
{
	static const struct {
		size_t word;
		uint64_t value;
		const char *sentence;
	} words[] = {
		{ 0, 0, "an impossible size" }, // buckets
		{ 0, UINT32_MAX, "ends behind" },
		{ 1, UINT32_MAX, "not exported" }, // first exported symbol
		{ 2, 0, "an impossible size" },    // words of the Bloom filter
		{ 2, 3, "an impossible size" },
		{ 2, 1U << 31, "ends behind" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct module module = module_read("good");
		size_t table = module_table(&module, DT_GNU_HASH);
		struct weir_error error = { .code = 0 };
		int ret;

		module_put(&module, table + 4 * words[i].word, words[i].value, 4);
		ret = load(*state, &module, &error);
		if (ret != -ELIBBAD || !strstr(error.message, words[i].sentence))
			fail_msg("row %zu: %d %s", i, ret, error.message);
		module_free(&module);
	}
}

// The dynamic linker asserts that it has loaded the library of every wanted version.
static void test_versions(void **state)
{
	struct module module = module_read("good");
	size_t file = module_table(&module, DT_VERNEED) + offsetof(ElfW(Verneed), vn_file);
	struct weir_error error = { .code = 0 };

	module_put(&module, file, 0, sizeof(ElfW(Word)));
	assert_int_equal(load(*state, &module, &error), -ELIBBAD);
	assert_non_null(strstr(error.message, "a library it does not need"));
	module_free(&module);
}

// Pointers that the object has of its own parts.
static void test_relocations(void **state)
{
	static const uint64_t addends[] = { UINT64_MAX, UINT64_C(1) << 63, 1 << 30, 0x1000000 };
	struct module module = module_read("good");
	size_t table = module_table(&module, DT_RELA);
	uint64_t n;

	memcpy(&n, module.bytes + module_dynamic(&module, DT_RELACOUNT), sizeof(n));
	assert_true(n > 4);
	for (size_t i = 0; i < n * 4; i++) {
		size_t at = table + i / 4 * sizeof(ElfW(Rela)) + offsetof(ElfW(Rela), r_addend);
		struct weir_error error = { .code = 0 };
		uint64_t before;
		int ret;

		memcpy(&before, module.bytes + at, sizeof(before));
		module_put(&module, at, addends[i % 4], sizeof(before));
		ret = load(*state, &module, &error);
		if (ret != -ELIBBAD || !strstr(error.message, "makes a pointer out of it"))
			fail_msg("relocation %zu: %d %s", i / 4, ret, error.message);
		module_put(&module, at, before, sizeof(before));
	}
	module_free(&module);
}

// A linker writes the section headers last, so a file without its end is always noticed.
static void test_truncated(void **state)
{
	struct module module = module_read("good");
	size_t whole = module.size;
	struct weir_error error;

	for (size_t size = 1; size < whole; size += size < 1024 ? 1 : 61) {
		int ret;

		module.size = size;
		ret = load(*state, &module, &error);
		if (ret != -ELIBBAD && ret != -ENOEXEC)
			fail_msg("%zu bytes: %d %s", size, ret, error.message);
	}
	module.size = whole;
	assert_int_equal(load(*state, &module, &error), 0);
	module_free(&module);
}

// Each byte of a table is changed in several ways, one at a time. Only what the change makes of the
// process counts: it is still there.
static unsigned mutate(const char *directory, struct module *module, size_t start, size_t size)
{
	static const uint8_t changes[] = { 0x01, 0x08, 0x80, 0xff };
	unsigned n_refused = 0;

	for (size_t i = start; i < start + size; i++) {
		for (size_t c = 0; c < sizeof(changes); c++) {
			module->bytes[i] ^= changes[c];
			n_refused += load(directory, module, NULL) != 0;
			module->bytes[i] ^= changes[c];
		}
	}
	return n_refused;
}

static void test_mutated_header(void **state)
{
	struct module module = module_read("good");

	assert_true(mutate(*state, &module, 0, sizeof(ElfW(Ehdr))) > 64);
	module_free(&module);
}

// All segments but the loadable ones, whose offsets and addresses say which bytes are code.
static void test_mutated_segments(void **state)
{
	static const unsigned types[] = { PT_DYNAMIC, PT_NOTE, PT_GNU_RELRO, PT_GNU_STACK,
		PT_GNU_EH_FRAME };
	struct module module = module_read("good");
	unsigned n_refused = 0;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		n_refused += mutate(
			*state, &module, module_segment(&module, types[i], 0), sizeof(ElfW(Phdr)));
	assert_true(n_refused > 500);
	module_free(&module);
}

// Not what says which relocations there are: code that lacks some cannot be told from code that
// needs none.
static void test_mutated_tables(void **state)
{
	static const int64_t values[] = { DT_STRTAB, DT_STRSZ, DT_SYMTAB, DT_SYMENT, DT_RELAENT,
		DT_GNU_HASH, DT_VERSYM, DT_VERNEED, DT_VERNEEDNUM, DT_RELACOUNT, DT_NEEDED,
		DT_INIT_ARRAYSZ, DT_FINI_ARRAYSZ };
	static const struct {
		int64_t tag;
		size_t size;
	} tables[] = { { DT_GNU_HASH, 36 }, { DT_VERNEED, 32 }, { DT_VERSYM, 16 } };
	struct module module = module_read("good");
	unsigned n_refused = 0;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		n_refused += mutate(*state, &module, module_dynamic(&module, values[i]), 8);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		n_refused += mutate(
			*state, &module, module_table(&module, tables[i].tag), tables[i].size);
	assert_true(n_refused > 500);
	module_free(&module);
}

static void test_mutated_note(void **state)
{
	struct module module = module_read("good");
	size_t size = offsetof(struct weir_note, name) + sizeof("test") -
		      offsetof(struct weir_note, magic);

	// The minor version that it needs, 2, becomes none that there is.
	assert_int_equal(mutate(*state, &module, module_note(&module), size), 4 * size);
	module_free(&module);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, directory_create, directory_remove)
	const struct CMUnitTest tests[] = {
		TEST(test_segments),
		TEST(test_dynamic),
		TEST(test_hash_table),
		TEST(test_versions),
		TEST(test_relocations),
		TEST(test_truncated),
		TEST(test_mutated_header),
		TEST(test_mutated_segments),
		TEST(test_mutated_tables),
		TEST(test_mutated_note),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
