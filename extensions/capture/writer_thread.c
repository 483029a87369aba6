// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "writer_internal.h"

enum {
	DRAIN_MAX = 4096, // records between looks at empty lanes and at the clock
	FLUSH_MS = 100,   // the longest that a block waits in the buffer
	NAP_US = 1000,
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t now_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC_COARSE) / 1000000;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = NAP_US * 1000 }, NULL);
}

// Two clocks cannot be read at once: a new offset counts only when it is more than the noise of
// that, so that the order of frames is the order of their times until somebody sets the clock.
static void follow_clock(struct writer_thread *t)
{
	int64_t offset = (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));

	if (llabs(offset - t->offset_ns) > 1000000)
		t->offset_ns = offset;
}

// ---- Phases

static void enter(struct writer *w, enum writer_phase phase)
{
	__atomic_store_n(&w->phase, phase, __ATOMIC_RELEASE);
	while (weir_post(w->attachment, w->thread->cookie) < 0 &&
		!__atomic_load_n(&w->abandoned, __ATOMIC_ACQUIRE))
		nap();
}

static bool is_open(const struct writer *w)
{
	return !w->closed;
}

uint64_t writer_lost_in_lanes(const struct writer *w)
{
	uint64_t lost = 0;

	for (unsigned i = 0; i < w->thread->n_lanes; i++)
		lost += __atomic_load_n(&w->lanes[i].lost, __ATOMIC_RELAXED);
	return lost;
}

static void lose(struct writer *w, uint64_t n)
{
	pthread_mutex_lock(&w->mutex);
	w->counts.lost += n;
	pthread_mutex_unlock(&w->mutex);
}

static void close_intake(struct writer *w, enum writer_cause cause)
{
	w->cause = cause;
	__atomic_store_n(&w->closed, true, __ATOMIC_RELAXED);
}

// ---- The file

static int truncate_file(struct writer *w, uint64_t size)
{
	int failed;

	writer_system_begin(w);
	failed = ftruncate(w->thread->fd, (off_t)size) < 0 ? -errno : 0;
	writer_system_end(w);
	return failed;
}

// Writes a piece of the buffer out. The position is the writer's own: the client holds the same
// open file. Who goes alone afterwards needs to know how far it came.
static int write_piece(struct writer *w)
{
	struct writer_thread *t = w->thread;
	int failed = 0;
	ssize_t n;

	writer_system_begin(w);
	n = pwrite(t->fd, t->buffer + t->written, t->used - t->written,
		(off_t)(w->counts.bytes + t->written));
	if (n > 0)
		t->written += (size_t)n;
	else if (n == 0)
		failed = -ENOSPC;
	else if (errno != EINTR)
		failed = -errno;
	writer_system_end(w);
	return failed;
}

static int close_file(struct writer *w)
{
	int failed;

	writer_system_begin(w);
	failed = close(w->thread->fd) < 0 ? -errno : 0;
	w->thread->fd = -1;
	writer_system_end(w);
	return failed;
}

static void fail(struct writer *w, int failure)
{
	struct writer_thread *t = w->thread;
	uint64_t packets;
	size_t written = t->written;
	size_t whole = pcapng_whole_blocks(t->buffer, written, &packets);

	w->failure = failure;
	w->torn = whole != written && truncate_file(w, w->counts.bytes + whole) < 0;
	pthread_mutex_lock(&w->mutex);
	w->counts.captured += packets;
	w->counts.lost += t->n_buffered - packets;
	w->counts.bytes += whole;
	pthread_mutex_unlock(&w->mutex);
	t->used = t->written = 0;
	t->n_buffered = 0;
	close_intake(w, WRITER_FAILED);
}

// Writes the buffer out.
static void flush(struct writer *w)
{
	struct writer_thread *t = w->thread;

	while (t->written < t->used) {
		int failed = write_piece(w);

		if (failed) {
			fail(w, failed);
			return;
		}
	}
	pthread_mutex_lock(&w->mutex);
	w->counts.captured += t->n_buffered;
	w->counts.bytes += t->used;
	pthread_mutex_unlock(&w->mutex);
	t->used = t->written = 0;
	t->n_buffered = 0;
}

// What comes after a limit was never to be captured: it does not count.
static void reach(struct writer *w, enum writer_cause limit)
{
	close_intake(w, limit);
	pthread_mutex_lock(&w->mutex);
	w->counts.lost += writer_lost_in_lanes(w);
	w->lanes_counted = true;
	pthread_mutex_unlock(&w->mutex);
	flush(w);
}

static void open_file(struct writer *w)
{
	int failed = truncate_file(w, 0);

	if (failed)
		fail(w, failed);
	else
		flush(w);
	enter(w, is_open(w) ? WRITER_WRITING : WRITER_ENDED);
}

// Some file systems say only now that they could not write.
static void complete(struct writer *w)
{
	int failed = close_file(w);

	if (!failed || w->cause == WRITER_FAILED)
		return;
	w->failure = failed;
	close_intake(w, WRITER_FAILED);
}

// ---- Records

static const struct comment *comment_of(struct writer *w, uint32_t drop)
{
	struct comment *c = &w->thread->comments[drop % WRITER_COMMENTS];
	struct weir_drop_cause cause;

	if (c->known && c->drop == drop)
		return c;
	weir_drop_describe(w->attachment, drop, &cause);
	c->known = true;
	c->drop = drop;
	c->direction = cause.stage == WEIR_STAGE_EGRESS ? PCAPNG_OUTBOUND : PCAPNG_INBOUND;
	snprintf(c->text, sizeof(c->text), "stage=drop reason=%s extension=%s", cause.reason,
		cause.extension);
	return c;
}

static void describe(struct writer *w, const struct record *r, struct pcapng_packet *packet)
{
	const struct comment *c;

	switch ((enum weir_stage)(r->place & 0xff)) {
	case WEIR_STAGE_INGRESS:
		packet->direction = PCAPNG_INBOUND;
		packet->comment = "stage=ingress";
		break;
	case WEIR_STAGE_EGRESS:
		packet->direction = PCAPNG_OUTBOUND;
		packet->comment = "stage=egress";
		break;
	default:
		c = comment_of(w, r->drop);
		packet->direction = c->direction;
		packet->comment = c->text;
		break;
	}
}

// Puts the frame's block into the buffer, unless a limit forbids it.
static void take(struct writer *w, const struct record *r)
{
	struct writer_thread *t = w->thread;
	struct pcapng_packet packet = {
		.interface = r->place >> 8,
		.time_ns = r->time_ns + (uint64_t)t->offset_ns,
		.bytes = r + 1,
		.captured = r->captured,
		.size = r->size,
	};
	size_t size;

	describe(w, r, &packet);
	size = pcapng_packet_size(&packet);
	if (size > t->size_max - w->counts.bytes - t->used) {
		reach(w, WRITER_SIZE);
		return;
	}
	if (size > t->room - t->used)
		flush(w);
	if (!is_open(w)) {
		lose(w, 1);
		return;
	}
	if (t->used == 0)
		t->oldest_ms = now_ms();
	t->used += pcapng_packet(t->buffer + t->used, &packet);
	t->n_buffered++;
	if (++t->n_taken == t->count_max)
		reach(w, WRITER_COUNT);
}

static const struct record *next_of(const struct writer *w, unsigned lane)
{
	uint32_t size;

	return weir_ring_next(w->attachment, w->ring, lane, &size);
}

// The lane whose oldest record is older than the others'; n_lanes when there is none.
static unsigned oldest_lane(const struct writer_thread *t)
{
	unsigned oldest = t->n_lanes;

	for (unsigned i = 0; i < t->n_lanes; i++)
		if (t->heads[i] &&
			(oldest == t->n_lanes || t->heads[i]->time_ns < t->heads[oldest]->time_ns))
			oldest = i;
	return oldest;
}

// Returns how many records there were, at most DRAIN_MAX.
static unsigned drain(struct writer *w)
{
	struct writer_thread *t = w->thread;
	unsigned n, lane;

	follow_clock(t);
	for (unsigned i = 0; i < t->n_lanes; i++)
		t->heads[i] = next_of(w, i);
	for (n = 0; n < DRAIN_MAX && (lane = oldest_lane(t)) < t->n_lanes; n++) {
		if (is_open(w))
			take(w, t->heads[lane]);
		else if (w->cause == WRITER_FAILED)
			lose(w, 1);
		weir_ring_release(w->attachment, w->ring, lane);
		t->heads[lane] = next_of(w, lane);
	}
	return n;
}

// ---- The thread

static void rest(struct writer *w, unsigned n_drained)
{
	struct writer_thread *t = w->thread;

	// While frames come, the thread does not wait to be woken, which would cost the workers a
	// system call each time, but looks again a little later.
	if (n_drained == DRAIN_MAX)
		return;
	if (n_drained > 0)
		nap();
	else if (weir_ring_wait(w->attachment, w->ring, t->used ? FLUSH_MS : -1) == 0)
		flush(w);
	if (t->used && now_ms() - t->oldest_ms >= FLUSH_MS)
		flush(w);
}

void *writer_run(void *context)
{
	struct writer *w = context;
	bool told;

	pthread_setname_np(pthread_self(), "weir-capture");
	weir_ring_touch(w->attachment, w->ring); // nobody fills it before the file is open
	open_file(w);
	told = !is_open(w);
	for (;;) {
		// Before the ring: what was in it when finishing was set will be taken.
		bool finishing = __atomic_load_n(&w->finishing, __ATOMIC_ACQUIRE);
		unsigned n = drain(w);

		if (!is_open(w) && !told) {
			told = true;
			enter(w, WRITER_ENDED);
		}
		if (n > 0 || !finishing)
			rest(w, n);
		else
			break;
	}
	flush(w);
	complete(w);
	enter(w, WRITER_GONE);
	writer_thread_over(w);
	return NULL;
}
