// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "pcapng_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint16_t get16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static void read_bytes(struct pcapng_file *file, const char *path)
{
	FILE *f = fopen(path, "rb");
	long size;

	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	assert_true(size >= 0);
	rewind(f);
	file->bytes = malloc((size_t)size + 1);
	file->size = (size_t)size;
	assert_non_null(file->bytes);
	assert_int_equal(fread(file->bytes, 1, file->size, f), file->size);
	fclose(f);
}

// The value of an option, NULL when the block has none; the options end with the block or with the
// one that says so.
static const uint8_t *option(const uint8_t *at, const uint8_t *end, uint16_t code, uint16_t *size)
{
	const uint8_t *found = NULL;

	while (at < end) {
		uint16_t n = get16(at + 2);

		assert_true(at + 4 + n <= end);
		if (get16(at) == 0) {
			assert_int_equal(n, 0);
			assert_ptr_equal(at + 4, end);
			return found;
		}
		if (get16(at) == code) {
			*size = n;
			found = at + 4;
		}
		at += 4 + (n + 3u) / 4 * 4;
	}
	assert_ptr_equal(at, end);
	return found;
}

static void text_option(
	const uint8_t *at, const uint8_t *end, uint16_t code, char *text, size_t room)
{
	uint16_t size = 0;
	const uint8_t *value = option(at, end, code, &size);

	assert_true(size < room);
	if (value)
		memcpy(text, value, size);
	text[value ? size : 0] = '\0';
}

static void read_interface(struct pcapng_file *file, const uint8_t *block, uint32_t size)
{
	struct pcapng_port *port = &file->ports[file->n_ports++];
	const uint8_t *options = block + 16, *end = block + size - 4, *value;
	uint16_t n = 0;

	assert_int_equal(get16(block + 8), 1); // LINKTYPE_ETHERNET
	port->snap = get32(block + 12);
	text_option(options, end, 2, port->name, sizeof(port->name));
	value = option(options, end, 9, &n);
	assert_non_null(value);
	assert_int_equal(n, 1);
	assert_int_equal(*value, 9);
}

static void read_frame(struct pcapng_file *file, const uint8_t *block, uint32_t size)
{
	struct pcapng_frame *frame = &file->frames[file->n_frames++];
	const uint8_t *options, *end = block + size - 4, *value;
	uint16_t n = 0;

	frame->interface = get32(block + 8);
	frame->time_ns = (uint64_t)get32(block + 12) << 32 | get32(block + 16);
	frame->captured = get32(block + 20);
	frame->size = get32(block + 24);
	frame->bytes = block + 28;
	assert_true(frame->interface < file->n_ports);
	assert_true(frame->captured <= frame->size && frame->captured <= size - 32);
	options = block + 28 + (frame->captured + 3) / 4 * 4;
	text_option(options, end, 1, frame->comment, sizeof(frame->comment));
	value = option(options, end, 2, &n);
	assert_true(value && n == 4);
	frame->flags = get32(value);
}

void pcapng_read(struct pcapng_file *file, const char *path)
{
	*file = (struct pcapng_file){ 0 };
	read_bytes(file, path);
	file->frames = calloc(file->size / 32 + 1, sizeof(*file->frames));
	for (size_t at = 0; at < file->size;) {
		const uint8_t *block = file->bytes + at;
		uint32_t size = file->size - at >= 12 ? get32(block + 4) : 0;

		if (size < 12 || size % 4 || size > file->size - at)
			fail_msg("%s: a block of %u bytes at %zu of %zu", path, size, at,
				file->size);
		assert_int_equal(get32(block + size - 4), size);
		if (at == 0) {
			assert_int_equal(get32(block), 0x0a0d0d0a);
			assert_int_equal(get32(block + 8), 0x1a2b3c4d);
		} else if (get32(block) == 1) {
			read_interface(file, block, size);
		} else {
			assert_int_equal(get32(block), 6);
			read_frame(file, block, size);
		}
		at += size;
	}
}

void pcapng_free(struct pcapng_file *file)
{
	free(file->bytes);
	free(file->frames);
}

unsigned pcapng_count(const struct pcapng_file *file, const char *port, const char *comment)
{
	unsigned n = 0;

	for (unsigned i = 0; i < file->n_frames; i++)
		n += (!port || strcmp(file->ports[file->frames[i].interface].name, port) == 0) &&
		     (!comment || strcmp(file->frames[i].comment, comment) == 0);
	return n;
}
