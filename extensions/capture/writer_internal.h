// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What writer.c (the control thread's side of a writer) and writer_thread.c share.
#ifndef CAPTURE_WRITER_INTERNAL_H
#define CAPTURE_WRITER_INTERNAL_H

#include "pcapng.h"
#include "writer.h"

enum { WRITER_COMMENTS = 64 }; // that are remembered, of drops

// What is said of the drops of one cause.
struct comment {
	uint32_t drop;
	bool known;
	enum pcapng_direction direction;
	char text[PCAPNG_TEXT_MAX + 1];
};

// The thread's own, once it runs; count_max and size_max stay as they are.
struct writer_thread {
	pthread_t id;
	bool started; // control thread
	int fd;
	uint64_t cookie, count_max, size_max;
	unsigned n_lanes;
	int64_t offset_ns;            // from the host's clock to the time of day
	uint64_t oldest_ms;           // when the oldest block in the buffer was put there
	uint64_t n_taken, n_buffered; // frames: in all, in the buffer
	size_t used, room;            // of the buffer
	uint8_t *buffer;
	struct comment comments[WRITER_COMMENTS];
	const struct record *heads[]; // the oldest record of each lane
};

// The buffer holds the file's header. Runs until writer_finish(); context: the struct writer.
void *writer_run(void *context);
// What the lanes lost. Any thread.
uint64_t writer_lost_in_lanes(const struct writer *writer);

#endif
