// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Captures that the tests of the NIC kind `replay` write, in a directory of their own.
#ifndef REPLAY_FILES_H
#define REPLAY_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "nic/nic.h"

enum { LINK_ETHERNET = 1, LINK_LINUX_SLL = 113 };

static char directory[] = "/tmp/weir-replay-XXXXXX";
static char path[256];

static inline const char *name(const char *file)
{
	snprintf(path, sizeof(path), "%s/%s", directory, file);
	return path;
}

static inline FILE *begin(const char *file, uint32_t link_type)
{
	uint32_t header[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, link_type };
	FILE *stream = fopen(name(file), "wb");

	assert_non_null(stream);
	assert_int_equal(fwrite(header, sizeof(header), 1, stream), 1);
	return stream;
}

// A frame whose bytes all are its number.
static inline void add(FILE *stream, uint32_t captured, uint32_t on_the_wire, int number)
{
	uint32_t header[4] = { 0, 0, captured, on_the_wire };

	assert_int_equal(fwrite(header, sizeof(header), 1, stream), 1);
	for (uint32_t i = 0; i < captured; i++)
		fputc(number, stream);
}

static inline uint32_t size_of(int number)
{
	static const uint32_t sizes[] = { 60, 64, 65, 1514, 14, 2048, 2049, 9014, 65600, 1 };

	return sizes[number % 10];
}

static inline void write_frames(const char *file, int n)
{
	FILE *stream = begin(file, LINK_ETHERNET);

	for (int i = 0; i < n; i++)
		add(stream, size_of(i), size_of(i), i);
	assert_int_equal(fclose(stream), 0);
}

static inline int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static inline int remove_directory(void **state)
{
	char command[300];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

static inline struct nic *open_replay(const char *file, const char *with)
{
	struct nic_options options = { .n_workers = 1 };
	struct weir_error error = { 0 };
	char specification[400];
	struct nic *nic;

	snprintf(specification, sizeof(specification), "replay:%s%s", name(file), with);
	if (nic_open(specification, &options, &nic, &error))
		fail_msg("%s", error.message);
	return nic;
}

#endif
