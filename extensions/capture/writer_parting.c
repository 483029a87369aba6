// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// How the control thread and the writer's thread part. A thread that a disk holds up cannot be
// ended, nor be waited for: then the control thread goes first.
//
// In its system calls the thread needs nothing of the host, so that it may be left there at any
// time; elsewhere it is on its way to the next one, or to its end, and waits for no disk.
#include <dlfcn.h>
#include <unistd.h>

#include "writer_internal.h"

// ---- The thread

// The control thread is about to go, or has gone: what can still be done for the file is done.
__attribute__((noreturn)) static void go_alone(struct writer *w)
{
	struct writer_thread *t = w->thread;
	uint64_t packets;
	size_t whole;

	pthread_mutex_lock(&w->mutex);
	while (!w->left)
		pthread_cond_wait(&w->changed, &w->mutex);
	pthread_mutex_unlock(&w->mutex);
	whole = pcapng_whole_blocks(t->buffer, t->written, &packets);
	// If that fails, nobody is there to be told.
	if (whole == t->written || ftruncate(t->fd, (off_t)(w->counts.bytes + whole)) == 0)
		t->written = 0;
	if (t->fd >= 0)
		close(t->fd);
	writer_free(w);
	pthread_exit(NULL);
}

void writer_system_begin(struct writer *w)
{
	bool abandoned;

	pthread_mutex_lock(&w->mutex);
	abandoned = w->abandoned;
	w->apart = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->mutex);
	if (abandoned)
		go_alone(w);
}

void writer_system_end(struct writer *w)
{
	bool abandoned;

	pthread_mutex_lock(&w->mutex);
	abandoned = w->abandoned;
	w->apart = abandoned;
	pthread_mutex_unlock(&w->mutex);
	if (abandoned)
		go_alone(w);
}

void writer_thread_over(struct writer *w)
{
	pthread_mutex_lock(&w->mutex);
	w->over = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->mutex);
}

// ---- The control thread

// Keeps the extension's code in memory until the process ends: the thread will come back to it.
static void *keep_code(void)
{
	Dl_info own;

	return dladdr((void *)writer_run, &own) ? dlopen(own.dli_fname, RTLD_NOW | RTLD_NOLOAD)
						: NULL;
}

// With the mutex.
static void wait_until(struct writer *w, const struct timespec *until)
{
	int timed_out = 0;

	while (!w->over && !timed_out)
		timed_out = pthread_cond_timedwait(&w->changed, &w->mutex, until);
}

// Gives everything but the ring to the thread. With the mutex.
static void leave(struct writer *w)
{
	pthread_detach(w->thread->id);
	weir_ring_destroy(w->attachment, w->ring);
	w->left = true;
	pthread_cond_signal(&w->changed);
}

// False: the thread is to be joined. That is soon, unless its code cannot be kept.
static bool left(struct writer *w, const struct timespec *until)
{
	void *code = NULL;
	bool over;

	pthread_mutex_lock(&w->mutex);
	wait_until(w, until);
	if (!w->over)
		code = keep_code();
	if (code)
		__atomic_store_n(&w->abandoned, true, __ATOMIC_RELEASE);
	while (code && !w->apart && !w->over)
		pthread_cond_wait(&w->changed, &w->mutex);
	over = w->over;
	if (code && !over)
		leave(w);
	pthread_mutex_unlock(&w->mutex);
	if (code && over)
		dlclose(code);
	return code && !over;
}

bool writer_destroy(struct writer *w, const struct timespec *until)
{
	if (!w)
		return true;
	if (w->thread->started) {
		if (until && left(w, until))
			return false;
		pthread_join(w->thread->id, NULL);
	}
	writer_discard(w);
	return true;
}
