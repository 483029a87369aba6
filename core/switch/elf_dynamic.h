// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The dynamic section of a shared object: what the dynamic linker follows without asking.
//
// elf_dynamic_check() refuses what would make it read outside of the object, fail one of its
// assertions (which would end the process), or load something that can never be unloaded again.
// Bytes and threads as for elf_image.h.
#ifndef WEIR_SWITCH_ELF_DYNAMIC_H
#define WEIR_SWITCH_ELF_DYNAMIC_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "switch/elf_image.h"

struct elf_dynamic {
	const struct elf_image *image; // borrowed as long as this is used
	const uint8_t *entries;        // ElfW(Dyn), unaligned, without the DT_NULL at the end
	size_t n_entries;
	const char *strings; // strings_size bytes, the last one is zero
	size_t strings_size;
	ElfW(Addr) symbols;      // where n_symbols ElfW(Sym) stand
	uint32_t n_symbols;      // those that relocations may name
	uint32_t first_exported; // those before it cannot be found by name
};

// Checks the dynamic section and all that it points to, and fills *dynamic. Returns 0, -ENOEXEC (a
// program, not a library), -ELIBBAD (corrupt), -ENOSYS (it exports nothing) or -ENOTSUP (sound, but
// linked in a way that an extension must not be), with the end of a sentence that begins with the
// file's name. error may be NULL.
int elf_dynamic_check(
	struct elf_dynamic *dynamic, const struct elf_image *image, struct weir_error *error);

// Whether the object exports a variable of this name with at least size bytes.
bool elf_dynamic_exports(const struct elf_dynamic *dynamic, const char *name, size_t size);

// ---- Between the files elf_*.c that check its parts

// The value of the entry with this tag; false when there is none.
bool elf_dynamic_find(const struct elf_dynamic *dynamic, int64_t tag, uint64_t *value);

// Whether one of the libraries that the object needs has this name.
bool elf_dynamic_needs(const struct elf_dynamic *dynamic, const char *library);

// Checks the hash table and the symbols, with entries and strings set; sets the rest of *dynamic.
// Returns 0, -ELIBBAD, -ENOSYS or -ENOTSUP.
int elf_symbols_check(struct elf_dynamic *dynamic, struct weir_error *error);

// Checks the versions of symbols, with the rest of *dynamic set. Returns 0 or -ELIBBAD.
int elf_versions_check(const struct elf_dynamic *dynamic, struct weir_error *error);

// Checks relocations, constructors and destructors, with the rest of *dynamic set. Returns 0 or
// -ELIBBAD.
int elf_relocations_check(const struct elf_dynamic *dynamic, struct weir_error *error);

#endif
