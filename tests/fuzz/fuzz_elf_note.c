// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the loader looks at before a file is loaded: headers, note, dynamic section. Inputs are
// files as they lie on disk.
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "switch/elf_dynamic.h"
#include "switch/elf_note.h"

static void require(bool condition)
{
	if (!condition)
		abort();
}

// A refusal is a sentence with the code that is returned.
static bool passed(int ret, const struct weir_error *error)
{
	require(ret <= 0);
	require(!ret || (error->code == ret && *error->message));
	return !ret;
}

// Whoever passes must be safe to walk through: names end within the string table.
static void walk(const struct elf_dynamic *dynamic)
{
	require(dynamic->strings_size && !dynamic->strings[dynamic->strings_size - 1]);
	require(dynamic->first_exported < dynamic->n_symbols);
	elf_dynamic_exports(dynamic, "weir_extension", sizeof(struct weir_extension));
	require(!elf_dynamic_exports(dynamic, "weir_extension", SIZE_MAX));
	elf_dynamic_needs(dynamic, "libc.so.6");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_image image;
	struct elf_dynamic dynamic;
	struct weir_error error = { .code = 0 };
	struct weir_note note;

	if (!passed(elf_image_init(&image, data, size, &error), &error))
		return 0;
	require(image.n_segments >= 1 && image.n_segments <= ELF_MAX_SEGMENTS);
	if (passed(elf_note_find(&image, &note, &error), &error))
		require(memchr(note.name, '\0', sizeof(note.name)) &&
			note.magic == WEIR_NOTE_MAGIC);
	if (passed(elf_dynamic_check(&dynamic, &image, &error), &error))
		walk(&dynamic);
	return 0;
}
