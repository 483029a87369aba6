// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The writer of one capture: a ring that workers fill, and the thread that turns its records into a
// pcapng file.
//
// A worker never waits: what does not fit into its lane is lost, and counted in the lane. The
// thread takes the records of all lanes in the order of their times, as far as they are there, and
// writes them in large pieces. It ends by itself when a limit is reached or the file cannot be
// written; then `closed` tells the workers to stop, what they still hand over is let go of, and the
// control thread is told by weir_post(). In the end the file always consists of whole blocks.
//
// Only the thread waits for the file's disk, in every system call that may. The control thread
// waits for the thread when the extension leaves, and no longer than it is told to: a thread that
// is held up by then is left behind with what it needs for its end, and the code of the extension
// stays in memory.
//
// Counts: every frame that was shown to the capture while it took frames is either captured (its
// block has been written to the file) or lost. What is still on its way is neither yet.
#ifndef CAPTURE_WRITER_H
#define CAPTURE_WRITER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <weir/extension.h>

// A record of the ring; the bytes of the frame follow.
struct record {
	uint64_t time_ns;  // by the host's clock
	uint32_t size;     // of the frame
	uint32_t drop;     // at stage WEIR_STAGE_DROP: why
	uint32_t captured; // bytes that follow
	uint32_t place;    // record_place()
};

_Static_assert(sizeof(struct record) == 24, "part of every frame's cost");

// interface: number of the port in the file; stage: enum weir_stage.
static inline uint32_t record_place(uint16_t interface, uint8_t stage)
{
	return (uint32_t)interface << 8 | stage;
}

struct writer_lane {
	_Alignas(64) uint64_t lost; // its worker: rw, others: r
};

enum writer_phase {
	WRITER_OPENING, // the file is being emptied and given its header
	WRITER_WRITING,
	WRITER_ENDED, // by itself; the thread waits for writer_finish()
	WRITER_GONE,  // the thread has done its last and can be joined at once
};

enum writer_cause {
	WRITER_TOLD, // by writer_finish()
	WRITER_COUNT,
	WRITER_SIZE,
	WRITER_FAILED,
};

struct writer_options {
	struct weir_attachment *attachment;
	uint64_t cookie;               // of the weir_post() for every new phase
	const char *const *interfaces; // names of the ports, only used by writer_create()
	unsigned n_interfaces;
	uint32_t snap;                // 0: all
	uint64_t count_max, size_max; // frames, bytes of the file; UINT64_MAX: no limit
};

struct writer_counts {
	uint64_t captured, lost; // frames
	uint64_t bytes;          // of the file
};

struct writer {
	// What workers look at.
	_Alignas(64) struct weir_attachment *attachment;
	struct weir_ring *ring;
	struct writer_lane *lanes;
	uint32_t snap; // UINT32_MAX: all
	bool closed;   // atomic; writer: w, workers: r

	// Between the control thread and the writer; atomics.
	_Alignas(64) uint32_t phase; // enum writer_phase
	bool finishing, abandoned;
	pthread_mutex_t mutex;       // guards what follows, and writes of abandoned
	struct writer_counts counts; // lost: without the lanes'
	bool lanes_counted;          // what the lanes lost is in counts
	bool apart; // the thread is in a system call, or ends: needs the ring and the host no more
	bool over;  // the thread has done its last, nothing is left to it
	bool left;  // the control thread has gone; everything is the thread's
	pthread_cond_t changed; // one of these three

	// Settled from the phase WRITER_ENDED to writer_finish(), and with WRITER_GONE.
	enum writer_cause cause;
	int failure; // negative errno of WRITER_FAILED
	bool torn;   // the file could not be cut back to whole blocks

	// The writer's own.
	struct writer_thread *thread;
};

// Refuses with a sentence: -EINVAL (a size that the header does not fit into), -ENOMEM. Control
// thread. Caller frees with writer_destroy().
int writer_create(
	const struct writer_options *options, struct writer **writer, struct weir_error *error);
// Starts the thread, which empties the file and writes its header. fd: a regular file, open for
// writing; taken over on success. Refuses with what the system says to a new thread. Control
// thread. Ends with writer_finish() and, when the phase is WRITER_GONE, writer_destroy().
int writer_start(struct writer *writer, int fd, struct weir_error *error);
// No worker fills the ring any more: the thread is to write what is there and to end. Control
// thread.
void writer_finish(struct writer *writer);
// Joins the thread, if it was started, and frees everything. With the phase WRITER_GONE this does
// not block; before it waits until the time `until` of CLOCK_MONOTONIC, which may be NULL for a
// writer that was not started or is WRITER_GONE. False: the thread is held up by the file's disk:
// it was left behind, loses what it has not written, and frees the rest when it comes back. After
// writer_finish(). Accepts NULL. Control thread.
bool writer_destroy(struct writer *writer, const struct timespec *until);

enum writer_phase writer_phase(const struct writer *writer);
// Control thread.
struct writer_counts writer_counts(struct writer *writer);
// Why it ended, "" when it was told to. Phase WRITER_ENDED or WRITER_GONE.
void writer_reason(const struct writer *writer, char *text, size_t size);

#endif
