// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What writer.c (the control thread's side of a writer), writer_thread.c and writer_parting.c
// share.
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
	size_t written;               // bytes of the buffer that are in the file already
	uint8_t *buffer;
	struct comment comments[WRITER_COMMENTS];
	const struct record *heads[]; // the oldest record of each lane
};

// The buffer holds the file's header. Runs until writer_finish(); context: the struct writer.
void *writer_run(void *context);
// Around each system call of the thread that the file's disk may hold up. Neither returns when the
// control thread has gone meanwhile. The thread.
void writer_system_begin(struct writer *writer);
void writer_system_end(struct writer *writer);
// The last that the thread does. The same.
void writer_thread_over(struct writer *writer);
// Frees everything but the ring. Whose it is.
void writer_free(struct writer *writer);
// And the ring. Control thread; there is no thread.
void writer_discard(struct writer *writer);
// What the lanes lost. Any thread.
uint64_t writer_lost_in_lanes(const struct writer *writer);

#endif
