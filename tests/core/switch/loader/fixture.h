// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the tests of the loader share: the compiled modules as bytes, and a private directory to
// write damaged copies to. Every function ends the test on failure.
#ifndef WEIR_TESTS_LOADER_FIXTURE_H
#define WEIR_TESTS_LOADER_FIXTURE_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct module {
	uint8_t *bytes;
	size_t size;
};

// The content of loader_VARIANT.so. Caller frees with module_free.
struct module module_read(const char *variant);
void module_free(struct module *module);

// Where the Weir note's description stands, and the descriptor.
size_t module_note(const struct module *module);
size_t module_descriptor(const struct module *module);

// Where the program header of a type stands (the n-th one, from 0), and the value of the dynamic
// entry with a tag.
size_t module_segment(const struct module *module, unsigned type, unsigned n);
size_t module_dynamic(const struct module *module, int64_t tag);

// Where an address that the dynamic entry names lies in the file.
size_t module_table(const struct module *module, int64_t tag);

// Overwrites size bytes, 1 to 8, with a value of the machine's own byte order.
void module_put(struct module *module, size_t offset, uint64_t value, size_t size);

// A directory that only this process's user can write; made anew by each call, as cmocka's setup.
int directory_create(void **state);
int directory_remove(void **state);

// Writes a file (mode 0644) into the directory; *state of directory_create. path: PATH_MAX bytes.
void directory_write(
	const char *directory, const char *name, const struct module *module, char *path);

// Whether code of a module has run since the last call.
bool has_run(void);

#endif
