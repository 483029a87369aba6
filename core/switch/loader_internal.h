// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Between the files of the loader. The sentences that the functions of checks leave in *error are
// ends: extension_open() puts the file's name before them.
#ifndef WEIR_SWITCH_LOADER_INTERNAL_H
#define WEIR_SWITCH_LOADER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "switch/loader.h"

struct extension {
	struct extension *next;
	struct weir_extension descriptor;
	struct weir_schema *schema;
	char *path;
	bool by_name; // found in the directories
	void *library;
	int memory; // that the library is mapped from
	unsigned number;
	unsigned needs_minor;
	unsigned n_references;
};

// Loads the file, as loader_load(); the extension is not among the loaded ones yet, and the
// caller's, to be freed with extension_free().
int extension_open(
	const char *name, const char *path, struct extension **out, struct weir_error *error);
// Unloads it.
void extension_free(struct extension *extension);

// ---- Checks

// Opens path for reading as far as it is trusted: loader.h says what that means. Returns a file
// descriptor of a regular file of at most LOADER_MAX_SIZE bytes, which the caller closes, or
// negative errno; -ENOENT: there is no such file.
int loader_open_trusted(const char *path, struct weir_error *error);

// Copies the file into sealed memory, called weir-NAME in /proc/PID/maps. Returns its descriptor,
// which the caller closes, or negative errno.
int loader_copy_sealed(int file, const char *name, struct weir_error *error);

// Checks a sealed copy without running anything of it. Returns 0 with *note filled.
int loader_check_file(int sealed, struct weir_note *note, struct weir_error *error);

// Checks what a note says: class, name (must be `name`), versions, size of the descriptor.
int loader_check_note(const struct weir_note *note, const char *name, struct weir_error *error);

// Copies to *copy what this host knows of a descriptor, after checking it against the note and the
// contract. The schema is left to the caller.
int loader_check_descriptor(const struct weir_extension *descriptor, const struct weir_note *note,
	struct weir_extension *copy, struct weir_error *error);

#endif
