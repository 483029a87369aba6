// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "switch/elf_dynamic.h"

#include <errno.h>
#include <string.h>

// Tables that the dynamic section names by address and size.
static const struct table {
	int64_t address, size, entry_size; // tags; 0 = no such tag
	size_t expected;                   // bytes of an entry
	ElfW(Word) flags;                  // of the segment that it lies in
	bool required;
	const char *name;
} tables[] = {
	{ DT_STRTAB, DT_STRSZ, 0, 1, PF_R, true, "string table" },
	{ DT_SYMTAB, 0, DT_SYMENT, sizeof(ElfW(Sym)), PF_R, true, "symbol table" },
	{ DT_RELA, DT_RELASZ, DT_RELAENT, sizeof(ElfW(Rela)), PF_R, false, "relocations" },
	{ DT_JMPREL, DT_PLTRELSZ, 0, sizeof(ElfW(Rela)), PF_R, false, "PLT relocations" },
	{ DT_RELR, DT_RELRSZ, DT_RELRENT, sizeof(ElfW(Addr)), PF_R, false, "packed relocations" },
	{ DT_INIT_ARRAY, DT_INIT_ARRAYSZ, 0, sizeof(ElfW(Addr)), PF_R, false, "constructors" },
	{ DT_FINI_ARRAY, DT_FINI_ARRAYSZ, 0, sizeof(ElfW(Addr)), PF_R, false, "destructors" },
	{ DT_INIT, 0, 0, 1, PF_R | PF_X, false, "initialisation" },
	{ DT_FINI, 0, 0, 1, PF_R | PF_X, false, "termination" },
	{ DT_PLTGOT, 0, 0, sizeof(ElfW(Addr)), PF_R | PF_W, false, "global offset table" },
};

enum { N_TABLES = sizeof(tables) / sizeof(tables[0]) };

static ElfW(Dyn) entry_at(const struct elf_dynamic *d, size_t i)
{
	ElfW(Dyn) entry;

	memcpy(&entry, d->entries + i * sizeof(entry), sizeof(entry));
	return entry;
}

bool elf_dynamic_find(const struct elf_dynamic *d, int64_t tag, uint64_t *value)
{
	for (size_t i = 0; i < d->n_entries; i++) {
		ElfW(Dyn) entry = entry_at(d, i);

		if (entry.d_tag == tag) {
			*value = entry.d_un.d_val;
			return true;
		}
	}
	return false;
}

bool elf_dynamic_needs(const struct elf_dynamic *d, const char *library)
{
	for (size_t i = 0; i < d->n_entries; i++) {
		ElfW(Dyn) entry = entry_at(d, i);

		if (entry.d_tag == DT_NEEDED && strcmp(d->strings + entry.d_un.d_val, library) == 0)
			return true;
	}
	return false;
}

static int locate(struct elf_dynamic *d, struct weir_error *error)
{
	const ElfW(Phdr) *found = NULL;

	for (unsigned i = 0; i < d->image->n_segments; i++) {
		if (d->image->segments[i].p_type != PT_DYNAMIC)
			continue;
		if (found)
			return weir_refuse(error, -ELIBBAD, "path",
				"is corrupt: it has more than one dynamic section");
		found = &d->image->segments[i];
	}
	// The dynamic linker adds the base address to the values in place.
	if (!found || !elf_image_segment(d->image, found->p_vaddr, found->p_memsz, PF_R | PF_W))
		return weir_refuse(error, -ELIBBAD, "path",
			"is corrupt: it has no dynamic section that is writable");
	d->entries = d->image->bytes + found->p_offset;
	d->n_entries = found->p_filesz / sizeof(ElfW(Dyn));
	for (size_t i = 0; i < d->n_entries && i < ELF_MAX_DYNAMIC; i++) {
		if (entry_at(d, i).d_tag == DT_NULL) {
			d->n_entries = i;
			return 0;
		}
	}
	return weir_refuse(error, -ELIBBAD, "path",
		"is corrupt: its dynamic section has no end within %d entries", ELF_MAX_DYNAMIC);
}

static int check_unique(const struct elf_dynamic *d, struct weir_error *error)
{
	for (size_t i = 0; i < d->n_entries; i++) {
		int64_t tag = entry_at(d, i).d_tag;

		for (size_t j = 0; j < i && tag != DT_NEEDED; j++)
			if (entry_at(d, j).d_tag == tag)
				return weir_refuse(error, -ELIBBAD, "path",
					"is corrupt: its dynamic section has two entries 0x%llx",
					(unsigned long long)tag);
	}
	return 0;
}

static int check_table(const struct elf_dynamic *d, const struct table *t, struct weir_error *error)
{
	uint64_t address = 0, size = t->expected, entry_size = t->expected;
	bool present = elf_dynamic_find(d, t->address, &address);

	if (t->size && elf_dynamic_find(d, t->size, &size) != present)
		goto corrupt;
	if (t->entry_size && elf_dynamic_find(d, t->entry_size, &entry_size) != present)
		goto corrupt;
	if (!present && t->required)
		goto corrupt;
	if (present && (entry_size != t->expected || size % t->expected ||
			       !elf_image_at(d->image, address, size) ||
			       !elf_image_segment(d->image, address, size, t->flags)))
		goto corrupt;
	return 0;
corrupt:
	return weir_refuse(error, -ELIBBAD, "path",
		"is corrupt: its %s is missing or not where the dynamic section says", t->name);
}

static int check_tables(struct elf_dynamic *d, struct weir_error *error)
{
	uint64_t address = 0, size = 0;

	for (unsigned i = 0; i < N_TABLES; i++) {
		int ret = check_table(d, &tables[i], error);

		if (ret)
			return ret;
	}
	elf_dynamic_find(d, DT_STRTAB, &address);
	elf_dynamic_find(d, DT_STRSZ, &size);
	d->strings = (const char *)elf_image_at(d->image, address, size);
	d->strings_size = size;
	if (!size || d->strings[size - 1])
		return weir_refuse(
			error, -ELIBBAD, "path", "is corrupt: its string table has no end");
	return 0;
}

static bool names_string(int64_t tag)
{
	return tag == DT_NEEDED || tag == DT_SONAME || tag == DT_RPATH || tag == DT_RUNPATH ||
	       tag == DT_AUDIT || tag == DT_DEPAUDIT || tag == DT_CONFIG || tag == DT_FILTER ||
	       tag == DT_AUXILIARY;
}

static int check_strings(const struct elf_dynamic *d, struct weir_error *error)
{
	for (size_t i = 0; i < d->n_entries; i++) {
		ElfW(Dyn) entry = entry_at(d, i);

		if (names_string(entry.d_tag) && entry.d_un.d_val >= d->strings_size)
			return weir_refuse(error, -ELIBBAD, "path",
				"is corrupt: dynamic entry %zu names a string that is not there",
				i);
	}
	return 0;
}

// How the file was linked, where an extension has no choice.
static int check_flags(const struct elf_dynamic *d, struct weir_error *error)
{
	uint64_t flags = 0, flags_1 = 0, value;

	elf_dynamic_find(d, DT_FLAGS, &flags);
	elf_dynamic_find(d, DT_FLAGS_1, &flags_1);
	if (flags_1 & DF_1_PIE)
		return weir_refuse(error, -ENOEXEC, "path", "is a program, not a shared object");
	if (flags_1 & DF_1_NODELETE)
		return weir_refuse(error, -ENOTSUP, "path",
			"is linked with -z nodelete; an extension must be able to be unloaded");
	if (flags & DF_TEXTREL || elf_dynamic_find(d, DT_TEXTREL, &value))
		return weir_refuse(error, -ENOTSUP, "path",
			"has relocations in its code; it must be compiled with -fPIC");
	// The dynamic linker asserts what follows.
	if (elf_dynamic_find(d, DT_REL, &value) || elf_dynamic_find(d, DT_RELENT, &value) ||
		(elf_dynamic_find(d, DT_PLTREL, &value) && value != DT_RELA))
		return weir_refuse(error, -ELIBBAD, "path",
			"is corrupt: its relocations are not of the kind of this machine");
	return 0;
}

int elf_dynamic_check(
	struct elf_dynamic *d, const struct elf_image *image, struct weir_error *error)
{
	int ret;

	*d = (struct elf_dynamic){ .image = image };
	ret = locate(d, error);
	if (!ret)
		ret = check_unique(d, error);
	if (!ret)
		ret = check_flags(d, error);
	if (!ret)
		ret = check_tables(d, error);
	if (!ret)
		ret = check_strings(d, error);
	if (!ret)
		ret = elf_symbols_check(d, error);
	if (!ret)
		ret = elf_versions_check(d, error);
	if (!ret)
		ret = elf_relocations_check(d, error);
	return ret;
}
