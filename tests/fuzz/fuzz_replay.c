// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The loader of the NIC kind `replay`: any bytes as a capture file. A capture that is accepted is
// checked against what the kind relies on when it hands out frames.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/frame.h>

#include "fuzz.h"
#include "nic/replay_file.h"

static void check_frames(const struct replay_file *file)
{
	uint64_t n_bytes = 0, next_line = 0;

	if (file->n_frames == 0 || file->n_truncated > file->n_frames)
		abort();
	for (uint32_t i = 0; i < file->n_frames; i++) {
		const struct replay_entry *entry = &file->entries[i];
		uint64_t n_lines = (entry->size + REPLAY_LINE - 1) / REPLAY_LINE;
		const uint8_t *end = file->bytes + (entry->line + n_lines) * REPLAY_LINE;

		if (entry->size == 0 || entry->size > WEIR_FRAME_MAX || entry->line != next_line)
			abort();
		// The last line is copied whole: it must be there, and hold nothing of another
		// frame.
		for (const uint8_t *b = end - n_lines * REPLAY_LINE + entry->size; b < end; b++)
			if (*b)
				abort();
		next_line += n_lines;
		n_bytes += entry->size;
	}
	if (n_bytes != file->n_bytes || next_line * REPLAY_LINE > file->bytes_room)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weir_error error = { 0 };
	struct replay_file file;
	FILE *stream;
	int ret;

	if (size == 0)
		return 0; // fmemopen() refuses it
	stream = fmemopen((void *)(uintptr_t)data, size, "rb");
	if (!stream)
		abort();
	ret = replay_file_read(stream, "input", &file, &error);
	if (ret) {
		if (ret > 0 || error.code != ret || !error.message[0])
			abort();
		return 0;
	}
	check_frames(&file);
	replay_file_unload(&file);
	return 0;
}
