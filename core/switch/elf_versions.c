// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The versions of symbols, as the dynamic linker walks through them when it loads an object: two
// lists of lists, linked by distances, and a number for every symbol that it takes for an index.
#include <errno.h>
#include <string.h>

#include "switch/elf_dynamic.h"

enum { INDEX_MASK = 0x7fff }; // the bit above it hides a version

static int corrupt(struct weir_error *error, const char *what)
{
	return weir_refuse(error, -ELIBBAD, "path", "is corrupt: %s", what);
}

static void raise(uint16_t *highest, uint16_t index)
{
	if ((index & INDEX_MASK) > *highest)
		*highest = index & INDEX_MASK;
}

// The versions wanted of one library.
static int check_wanted(
	const struct elf_dynamic *d, uint64_t address, uint16_t *highest, struct weir_error *error)
{
	for (;;) {
		const uint8_t *bytes = elf_image_at(d->image, address, sizeof(ElfW(Vernaux)));
		ElfW(Vernaux) wanted;

		if (!bytes)
			return corrupt(error, "its wanted versions end behind their segment");
		memcpy(&wanted, bytes, sizeof(wanted));
		if (wanted.vna_name >= d->strings_size)
			return corrupt(error, "a version's name is outside of the string table");
		raise(highest, wanted.vna_other);
		if (!wanted.vna_next)
			return 0;
		if (wanted.vna_next < sizeof(wanted))
			return corrupt(error, "its wanted versions overlap");
		address += wanted.vna_next;
	}
}

static int check_libraries(const struct elf_dynamic *d, uint16_t *highest, struct weir_error *error)
{
	uint64_t address;
	bool more = elf_dynamic_find(d, DT_VERNEED, &address);

	while (more) {
		const uint8_t *bytes = elf_image_at(d->image, address, sizeof(ElfW(Verneed)));
		ElfW(Verneed) library;
		int ret;

		if (!bytes)
			return corrupt(error, "its wanted versions end behind their segment");
		memcpy(&library, bytes, sizeof(library));
		// The dynamic linker asserts that it has loaded the library.
		if (library.vn_file >= d->strings_size ||
			!elf_dynamic_needs(d, d->strings + library.vn_file))
			return corrupt(error, "it wants versions of a library it does not need");
		ret = check_wanted(d, address + library.vn_aux, highest, error);
		if (ret)
			return ret;
		more = library.vn_next;
		if (more && library.vn_next < sizeof(library))
			return corrupt(error, "its wanted versions overlap");
		address += library.vn_next;
	}
	return 0;
}

static int check_own(const struct elf_dynamic *d, uint16_t *highest, struct weir_error *error)
{
	uint64_t address;
	bool more = elf_dynamic_find(d, DT_VERDEF, &address);

	while (more) {
		const uint8_t *bytes = elf_image_at(d->image, address, sizeof(ElfW(Verdef)));
		ElfW(Verdef) version;
		ElfW(Verdaux) name;

		if (!bytes)
			return corrupt(error, "its versions end behind their segment");
		memcpy(&version, bytes, sizeof(version));
		bytes = elf_image_at(d->image, address + version.vd_aux, sizeof(name));
		if (!bytes)
			return corrupt(error, "its versions end behind their segment");
		memcpy(&name, bytes, sizeof(name));
		if (name.vda_name >= d->strings_size)
			return corrupt(error, "a version's name is outside of the string table");
		raise(highest, version.vd_ndx);
		more = version.vd_next;
		if (more && version.vd_next < sizeof(version))
			return corrupt(error, "its versions overlap");
		address += version.vd_next;
	}
	return 0;
}

static int check_indices(const struct elf_dynamic *d, uint16_t highest, struct weir_error *error)
{
	uint64_t address;
	const uint8_t *bytes;

	if (!elf_dynamic_find(d, DT_VERSYM, &address))
		return 0;
	bytes = elf_image_at(d->image, address, (uint64_t)d->n_symbols * sizeof(uint16_t));
	if (!bytes)
		return corrupt(error, "its symbols' versions end behind their segment");
	for (uint32_t i = 0; i < d->n_symbols; i++) {
		uint16_t index;

		memcpy(&index, bytes + i * sizeof(index), sizeof(index));
		if (!highest || (index & INDEX_MASK) > highest)
			return corrupt(error, "a symbol has a version that is not there");
	}
	return 0;
}

int elf_versions_check(const struct elf_dynamic *d, struct weir_error *error)
{
	uint16_t highest = 0;
	int ret = check_libraries(d, &highest, error);

	if (!ret)
		ret = check_own(d, &highest, error);
	return ret ? ret : check_indices(d, highest, error);
}
