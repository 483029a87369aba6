// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the dynamic linker writes into an object, and the functions that it calls in it.
#include <errno.h>
#include <string.h>

#include "switch/elf_dynamic.h"

_Static_assert(__ELF_NATIVE_CLASS == 64, "relocations are read as 64-bit machines write them");

// The relocation that adds the base address.
#if defined(__x86_64__)
enum { RELATIVE = R_X86_64_RELATIVE };
#elif defined(__aarch64__)
enum { RELATIVE = R_AARCH64_RELATIVE };
#elif defined(__riscv)
enum { RELATIVE = R_RISCV_RELATIVE };
#elif defined(__powerpc64__)
enum { RELATIVE = R_PPC64_RELATIVE };
#elif defined(__s390x__)
enum { RELATIVE = R_390_RELATIVE };
#else
#error "the name of this machine's relative relocation is needed here"
#endif

enum { MAX_FUNCTIONS = 4096 }; // constructors, and destructors

struct relocations {
	const uint8_t *bytes;
	size_t n;
};

static struct relocations find_table(
	const struct elf_dynamic *d, int64_t address_tag, int64_t size_tag)
{
	uint64_t address, size;

	if (!elf_dynamic_find(d, address_tag, &address) || !elf_dynamic_find(d, size_tag, &size))
		return (struct relocations){ .n = 0 };
	return (struct relocations){
		.bytes = elf_image_at(d->image, address, size),
		.n = size / sizeof(ElfW(Rela)),
	};
}

static ElfW(Rela) relocation_at(const struct relocations *table, size_t i)
{
	ElfW(Rela) r;

	memcpy(&r, table->bytes + i * sizeof(r), sizeof(r));
	return r;
}

// Behind the last element of an array counts as in it.
static bool is_in_object(const struct elf_image *image, ElfW(Addr) address)
{
	return elf_image_segment(image, address, 1, PF_R) ||
	       (address > 0 && elf_image_segment(image, address - 1, 1, PF_R));
}

static int check_table(const struct elf_dynamic *d, const struct relocations *table,
	uint64_t n_relative, struct weir_error *error)
{
	for (size_t i = 0; i < table->n; i++) {
		ElfW(Rela) r = relocation_at(table, i);

		// The dynamic linker asserts it.
		if (i < n_relative && ELF64_R_TYPE(r.r_info) != RELATIVE)
			return weir_refuse(error, -ELIBBAD, "path",
				"is corrupt: relocation %zu is not relative", i);
		if (ELF64_R_SYM(r.r_info) >= d->n_symbols ||
			!elf_image_segment(d->image, r.r_offset, sizeof(ElfW(Addr)), PF_R | PF_W))
			return weir_refuse(error, -ELIBBAD, "path",
				"is corrupt: relocation %zu is about a place or a symbol that "
				"it does not have",
				i);
		if (ELF64_R_TYPE(r.r_info) == RELATIVE &&
			!is_in_object(d->image, (ElfW(Addr))r.r_addend))
			return weir_refuse(error, -ELIBBAD, "path",
				"is corrupt: relocation %zu makes a pointer out of it", i);
	}
	return 0;
}

static bool is_code(const struct elf_dynamic *d, ElfW(Addr) address)
{
	return elf_image_segment(d->image, address, 1, PF_R | PF_X);
}

// Whether the pointer at this address will be one to code of the object, or to a symbol. Without a
// relocation of its own it has one in the packed table, which adds the base to what stands there.
static bool points_to_code(
	const struct elf_dynamic *d, const struct relocations *table, ElfW(Addr) address)
{
	ElfW(Addr) value;

	for (size_t i = 0; i < table->n; i++) {
		ElfW(Rela) r = relocation_at(table, i);

		if (r.r_offset == address)
			return ELF64_R_TYPE(r.r_info) != RELATIVE ||
			       is_code(d, (ElfW(Addr))r.r_addend);
	}
	memcpy(&value, elf_image_at(d->image, address, sizeof(value)), sizeof(value));
	return is_code(d, value);
}

static int check_functions(const struct elf_dynamic *d, const struct relocations *table,
	int64_t address_tag, int64_t size_tag, struct weir_error *error)
{
	uint64_t address, size;

	if (!elf_dynamic_find(d, address_tag, &address) || !elf_dynamic_find(d, size_tag, &size))
		return 0;
	if (size / sizeof(ElfW(Addr)) > MAX_FUNCTIONS)
		goto corrupt;
	for (uint64_t i = 0; i < size; i += sizeof(ElfW(Addr)))
		if (!points_to_code(d, table, address + i))
			goto corrupt;
	return 0;
corrupt:
	return weir_refuse(error, -ELIBBAD, "path",
		"is corrupt: a constructor or destructor is not code, or there are more than %d",
		MAX_FUNCTIONS);
}

int elf_relocations_check(const struct elf_dynamic *d, struct weir_error *error)
{
	struct relocations data = find_table(d, DT_RELA, DT_RELASZ);
	struct relocations calls = find_table(d, DT_JMPREL, DT_PLTRELSZ);
	uint64_t n_relative = 0;
	int ret;

	elf_dynamic_find(d, DT_RELACOUNT, &n_relative);
	ret = check_table(d, &data, n_relative, error);
	if (!ret)
		ret = check_table(d, &calls, 0, error);
	if (!ret)
		ret = check_functions(d, &data, DT_INIT_ARRAY, DT_INIT_ARRAYSZ, error);
	if (!ret)
		ret = check_functions(d, &data, DT_FINI_ARRAY, DT_FINI_ARRAYSZ, error);
	return ret;
}
