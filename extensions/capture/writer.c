// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "writer_internal.h"

enum {
	// 50 ms of a million 128-byte frames per second: what a disk may pause without loss.
	LANE_BYTES = 8 << 20,
	BUFFER_BYTES = 1 << 20, // of blocks, written at once
};

static size_t put_header(uint8_t *at, size_t room, const struct writer_options *o)
{
	struct utsname host = { 0 };
	char os[sizeof(host.sysname) + sizeof(host.release) + 1];
	size_t used;

	uname(&host);
	snprintf(os, sizeof(os), "%s %s", host.sysname, host.release);
	used = pcapng_section(at, host.machine, os, "Weir capture");
	for (unsigned i = 0; i < o->n_interfaces && room - used >= PCAPNG_HEADER_MAX; i++)
		used += pcapng_interface(at + used, o->interfaces[i], o->snap);
	return used;
}

void writer_free(struct writer *w)
{
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->mutex);
	if (w->thread)
		free(w->thread->buffer);
	free(w->thread);
	free(w->lanes);
	free(w);
}

void writer_discard(struct writer *w)
{
	weir_ring_destroy(w->attachment, w->ring);
	writer_free(w);
}

static void init_changed(struct writer *w)
{
	pthread_condattr_t clock;

	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&w->changed, &clock);
	pthread_condattr_destroy(&clock);
}

static struct writer *allocate(const struct writer_options *o)
{
	unsigned n_lanes = weir_n_workers(o->attachment);
	struct writer *w = aligned_alloc(64, sizeof(*w));
	struct writer_thread *t;

	if (!w)
		return NULL;
	memset(w, 0, sizeof(*w));
	pthread_mutex_init(&w->mutex, NULL);
	init_changed(w);
	w->attachment = o->attachment;
	w->snap = o->snap ? o->snap : UINT32_MAX;
	w->lanes = aligned_alloc(64, n_lanes * sizeof(*w->lanes));
	w->thread = t = calloc(1, sizeof(*t) + n_lanes * sizeof(t->heads[0]));
	if (t)
		t->buffer = malloc(BUFFER_BYTES);
	if (!w->lanes || !t || !t->buffer ||
		weir_ring_create(o->attachment, LANE_BYTES, &w->ring) < 0) {
		writer_discard(w);
		return NULL;
	}
	memset(w->lanes, 0, n_lanes * sizeof(*w->lanes));
	t->room = BUFFER_BYTES;
	t->n_lanes = n_lanes;
	t->fd = -1;
	t->cookie = o->cookie;
	t->count_max = o->count_max;
	t->size_max = o->size_max;
	t->used = put_header(t->buffer, t->room, o);
	return w;
}

// Signals are for the daemon's threads. (SIGXFSZ comes to the thread that writes beyond a limit,
// where it is as good as the error that write() returns.)
static int start_thread(struct writer *w)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&w->thread->id, NULL, writer_run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -failed;
}

int writer_create(const struct writer_options *o, struct writer **out, struct weir_error *error)
{
	struct writer *w = allocate(o);
	int failed;

	if (!w)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for the capture's ring");
	if (w->thread->used <= o->size_max) {
		*out = w;
		return 0;
	}
	failed = weir_refuse(error, -EINVAL, "size",
		"size \"%llu\": must be at least %zu, for the file's header",
		(unsigned long long)o->size_max, w->thread->used);
	writer_discard(w);
	return failed;
}

int writer_start(struct writer *w, int fd, struct weir_error *error)
{
	int failed;

	w->thread->fd = fd;
	failed = start_thread(w);
	if (failed) {
		w->thread->fd = -1;
		return weir_refuse(
			error, failed, NULL, "no thread for the capture: %s", strerror(-failed));
	}
	w->thread->started = true;
	return 0;
}

void writer_finish(struct writer *w)
{
	__atomic_store_n(&w->finishing, true, __ATOMIC_RELEASE);
	weir_ring_wake(w->attachment, w->ring);
}

enum writer_phase writer_phase(const struct writer *w)
{
	return __atomic_load_n(&w->phase, __ATOMIC_ACQUIRE);
}

struct writer_counts writer_counts(struct writer *w)
{
	struct writer_counts counts;

	pthread_mutex_lock(&w->mutex);
	counts = w->counts;
	if (!w->lanes_counted)
		counts.lost += writer_lost_in_lanes(w);
	pthread_mutex_unlock(&w->mutex);
	return counts;
}

void writer_reason(const struct writer *w, char *text, size_t size)
{
	*text = '\0';
	switch (w->cause) {
	case WRITER_TOLD:
		break;
	case WRITER_COUNT:
		snprintf(text, size, "has the %llu frames that it was to have",
			(unsigned long long)w->thread->count_max);
		break;
	case WRITER_SIZE:
		snprintf(text, size, "one more frame would be more than the %llu bytes allowed",
			(unsigned long long)w->thread->size_max);
		break;
	case WRITER_FAILED:
		snprintf(text, size, "the file cannot be written: %s%s", strerror(-w->failure),
			w->torn ? ", nor be cut back to its last whole block" : "");
		break;
	}
}
