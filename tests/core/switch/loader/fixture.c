// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <ftw.h>

#include <cmocka.h>

#include <weir/extension.h>

#include "fixture.h"

struct module module_read(const char *variant)
{
	struct module module;
	struct stat status;
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/loader_%s.so", LOADER_MODULES, variant);
	file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &status), 0);
	module.size = (size_t)status.st_size;
	module.bytes = malloc(module.size);
	assert_non_null(module.bytes);
	assert_int_equal(fread(module.bytes, 1, module.size, file), module.size);
	fclose(file);
	return module;
}

void module_free(struct module *module)
{
	free(module->bytes);
}

// The only place of these bytes.
static size_t locate(const struct module *module, const void *bytes, size_t size)
{
	const uint8_t *found = memmem(module->bytes, module->size, bytes, size);
	size_t offset;

	assert_non_null(found);
	offset = (size_t)(found - module->bytes);
	assert_null(memmem(found + 1, module->size - offset - 1, bytes, size));
	return offset;
}

size_t module_note(const struct module *module)
{
	static const struct {
		char owner[8];
		uint32_t magic;
	} start = { "Weir", WEIR_NOTE_MAGIC };

	return locate(module, &start, sizeof(start)) + sizeof(start.owner);
}

size_t module_descriptor(const struct module *module)
{
	struct {
		uint32_t size;
		uint16_t abi_major, abi_minor;
		uint32_t class;
	} start = { .abi_major = WEIR_ABI_MAJOR, .class = WEIR_CLASS_FILTER };
	size_t note = module_note(module);

	// The note says how large it is, and which minor version it has at least: here exactly, or
	// one less.
	memcpy(&start.size,
		module->bytes + note + offsetof(struct weir_note, descriptor_size) -
			offsetof(struct weir_note, magic),
		sizeof(start.size));
	memcpy(&start.abi_minor,
		module->bytes + note + offsetof(struct weir_note, needs_minor) -
			offsetof(struct weir_note, magic),
		sizeof(start.abi_minor));
	if (!memmem(module->bytes, module->size, &start, sizeof(start)))
		start.abi_minor++;
	return locate(module, &start, sizeof(start));
}

static ElfW(Phdr) segment_at(const struct module *module, size_t offset)
{
	ElfW(Phdr) segment;

	memcpy(&segment, module->bytes + offset, sizeof(segment));
	return segment;
}

size_t module_segment(const struct module *module, unsigned type, unsigned n)
{
	ElfW(Ehdr) header;

	memcpy(&header, module->bytes, sizeof(header));
	for (unsigned i = 0; i < header.e_phnum; i++) {
		size_t offset = header.e_phoff + i * sizeof(ElfW(Phdr));

		if (segment_at(module, offset).p_type == type && n-- == 0)
			return offset;
	}
	fail_msg("no segment of type %u", type);
	return 0;
}

size_t module_dynamic(const struct module *module, int64_t tag)
{
	ElfW(Phdr) segment = segment_at(module, module_segment(module, PT_DYNAMIC, 0));
	ElfW(Dyn) entry;

	for (size_t i = 0; i < segment.p_filesz; i += sizeof(entry)) {
		memcpy(&entry, module->bytes + segment.p_offset + i, sizeof(entry));
		if (entry.d_tag == tag)
			return segment.p_offset + i + offsetof(ElfW(Dyn), d_un);
	}
	fail_msg("no dynamic entry 0x%llx", (unsigned long long)tag);
	return 0;
}

size_t module_table(const struct module *module, int64_t tag)
{
	ElfW(Addr) address;

	memcpy(&address, module->bytes + module_dynamic(module, tag), sizeof(address));
	for (unsigned i = 0;; i++) {
		ElfW(Phdr) segment = segment_at(module, module_segment(module, PT_LOAD, i));

		if (address >= segment.p_vaddr && address < segment.p_vaddr + segment.p_filesz)
			return address - segment.p_vaddr + segment.p_offset;
	}
}

void module_put(struct module *module, size_t offset, uint64_t value, size_t size)
{
	assert_true(offset + size <= module->size);
	for (size_t i = 0; i < size; i++) {
		size_t at = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? i : size - 1 - i;

		module->bytes[offset + at] = (uint8_t)(value >> 8 * i);
	}
}

int directory_create(void **state)
{
	char template[] = "/tmp/weir-loader-test-XXXXXX";

	*state = mkdtemp(template) ? strdup(template) : NULL;
	return *state ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

int directory_remove(void **state)
{
	int ret = nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	free(*state);
	return ret;
}

void directory_write(
	const char *directory, const char *name, const struct module *module, char *path)
{
	FILE *file;

	assert_true(snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fchmod(fileno(file), 0644), 0);
	assert_int_equal(fwrite(module->bytes, 1, module->size, file), module->size);
	assert_int_equal(fclose(file), 0);
}

bool has_run(void)
{
	bool ran = getenv("WEIR_LOADER_TEST_RAN");

	unsetenv("WEIR_LOADER_TEST_RAN");
	return ran;
}
