// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A pcap or pcapng capture loaded into memory. Written once, then read by any thread.
//
// A frame is the bytes that the capture holds of it: one that was cut short when it was captured is
// a shorter frame here, and counted.
#ifndef REPLAY_FILE_H
#define REPLAY_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <weir/error.h>

enum {
	REPLAY_MAX_BYTES = 1 << 30,  // of a file, and of its frames in memory
	REPLAY_MAX_FRAMES = 1 << 24, // of a file
	REPLAY_LINE = 64,            // frames start on, and are zero up to, a multiple of this
};

struct replay_entry {
	uint32_t line; // where the frame starts, in units of REPLAY_LINE
	uint32_t size; // bytes, 1 to WEIR_FRAME_MAX
};

struct replay_file {
	struct replay_entry *entries;
	uint8_t *bytes;
	uint32_t n_frames;    // at least 1
	uint32_t n_truncated; // of which the capture holds less than was on the wire
	uint64_t n_bytes;     // sum of the sizes
	size_t bytes_room, entries_room;
};

// Loads the regular file at path; *file is written on success only. Refuses with a sentence what is
// missing, not a regular file, not a capture of Ethernet frames, damaged, empty or too large. May
// block. Caller frees with replay_file_unload().
int replay_file_load(const char *path, struct replay_file *file, struct weir_error *error);
// The same from an open stream; name: for messages. Takes ownership of the stream, also on failure.
int replay_file_read(
	FILE *stream, const char *name, struct replay_file *file, struct weir_error *error);
void replay_file_unload(struct replay_file *file);

#endif
