// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "control/store_internal.h"

enum {
	RESERVE_BYTES = 4 << 20, // left free beside what a batch needs, in the journal and then in
				 // the database
	PROBE_MS = 1000,
};

// ---- Notes

void store_note(void *context, bool removed, const struct weir_item *item)
{
	struct store *s = context;

	store_batch_add(s->open, removed, item);
}

bool store_is_clean(const struct store *s)
{
	return !s->open->first && !s->open->error.code;
}

int store_commit(struct store *s, store_done *done, void *context)
{
	struct store_batch *next, *ended = s->open;

	if (s->closing)
		return -ESHUTDOWN;
	next = store_batch_create();
	if (!next)
		return -ENOMEM;
	s->open = next;
	s->n_ended++;
	ended->done = done;
	ended->context = context;
	pthread_mutex_lock(&s->lock);
	*s->ended_end = ended;
	s->ended_end = &ended->next;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

// ---- Whether it can be written

static bool has_room(const struct store *s, struct weir_error *error)
{
	uint64_t needed = RESERVE_BYTES + 2 * (uint64_t)s->open->size, free_bytes;
	struct statvfs status;

	if (fstatvfs(s->directory.fd, &status)) {
		weir_refuse(error, -errno, NULL,
			"state \"%.200s\": its file system cannot be looked at: %s", s->path,
			strerror(errno));
		return false;
	}
	free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
	if (free_bytes >= needed)
		return true;
	weir_refuse(error, -ENOSPC, NULL,
		"state \"%.200s\": its file system has %llu kB left: %llu kB must be free to keep "
		"a change",
		s->path, (unsigned long long)(free_bytes >> 10),
		(unsigned long long)(needed >> 10));
	return false;
}

bool store_ready(struct store *s, struct weir_error *error)
{
	int failed;

	pthread_mutex_lock(&s->lock);
	failed = s->unready.code;
	if (failed) {
		if (error)
			*error = s->unready;
		if (!s->probe_wanted && store_now_ms() - s->probed_ms >= PROBE_MS) {
			s->probe_wanted = true;
			pthread_cond_signal(&s->work);
		}
	}
	pthread_mutex_unlock(&s->lock);
	return failed ? false : has_room(s, error);
}

// ---- Reports

int store_fd(const struct store *s)
{
	return s->event_fd;
}

// What is to be reported, and with a failure also all that has ended since.
static struct store_batch *take_written(struct store *s)
{
	struct store_batch *written;

	pthread_mutex_lock(&s->lock);
	if (s->halted.code) {
		for (struct store_batch *b = s->ended; b; b = b->next)
			b->error = s->halted;
		*s->written_end = s->ended;
		s->ended = NULL;
		s->ended_end = &s->ended;
		s->halted.code = 0;
	}
	written = s->written;
	s->written = NULL;
	s->written_end = &s->written;
	pthread_mutex_unlock(&s->lock);
	return written;
}

void store_process(struct store *s)
{
	struct store_batch *written;
	uint64_t count;

	// Nothing to read is as good: what is there is taken either way.
	if (read(s->event_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	written = take_written(s);
	// All of them first: who is told of a failure may load what is on disk.
	for (struct store_batch *b = written; b; b = b->next)
		s->n_ended--;
	while (written) {
		struct store_batch *batch = written;

		written = batch->next;
		if (batch->done)
			batch->done(batch->context, batch->error.code ? &batch->error : NULL);
		store_batch_destroy(batch);
	}
}

// ---- Open and close

static void discard(struct store *s)
{
	store_batch_destroy(s->open);
	if (s->event_fd >= 0)
		close(s->event_fd);
	free(s->path);
	free(s);
}

static int open_database(struct store *s, struct weir_error *error)
{
	int failed = store_make(s->directory.fd, s->path, error);

	failed = failed ? failed : store_database_open(s->directory.fd, s->path, &s->db, error);
	if (failed)
		return failed;
	failed = store_statements_prepare(s->db, &s->statements);
	if (failed) {
		failed = store_refuse(s->db, s->path, failed, "used", error);
		// As it was: what does not fit its version is damaged.
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
	} else {
		failed = store_mark(s->directory.fd, s->path, error);
	}
	failed = failed ? failed : store_writer_start(s, error);
	if (failed) {
		store_statements_finalize(&s->statements);
		sqlite3_close(s->db);
	}
	return failed;
}

static struct store *make(const char *directory)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->ended_end = &s->ended;
	s->written_end = &s->written;
	s->open = store_batch_create();
	s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (asprintf(&s->path, "%s/state.db", directory) < 0)
		s->path = NULL;
	if (s->open && s->path && s->event_fd >= 0)
		return s;
	discard(s);
	return NULL;
}

int store_open(const char *directory, struct store **store, struct weir_error *error)
{
	struct store *s = make(directory);
	int failed;

	if (!s)
		return weir_refuse(error, -ENOMEM, NULL,
			"state directory \"%.200s\": no memory, or no file descriptor, to use it",
			directory);
	failed = store_directory_open(directory, &s->directory, error);
	if (!failed) {
		failed = open_database(s, error);
		if (failed)
			store_directory_close(&s->directory);
	}
	if (failed)
		discard(s);
	else
		*store = s;
	return failed;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	s->closing = true;
	store_writer_stop(s);
	store_process(s);
	store_writer_fini(s);
	store_statements_finalize(&s->statements);
	// Writes the journal back; should that fail, it is read by the next one who opens it.
	sqlite3_close(s->db);
	store_directory_close(&s->directory);
	discard(s);
}
