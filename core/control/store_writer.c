// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The journal (SQLite's WAL) is written back into the database by the thread after it has reported
// what it wrote: when it has grown to FULL_JOURNAL frames, or to SOME_JOURNAL and nothing has come
// for IDLE_MS. Then it is written again from its beginning, so that it stays about that long, and
// what is overwritten in place is synced faster than what makes a file grow.
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "control/store_internal.h"

enum { SOME_JOURNAL = 256, FULL_JOURNAL = 2048, IDLE_MS = 100 };

enum work { WORK_WRITE, WORK_PROBE, WORK_TIDY, WORK_NONE };

static struct timespec now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time;
}

int64_t store_now_ms(void)
{
	struct timespec time = now();

	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

// ---- Under `database`

static int note_journal(void *context, sqlite3 *db, const char *name, int n_frames)
{
	struct store *s = context;

	(void)db;
	(void)name;
	s->wal_frames = n_frames;
	return SQLITE_OK;
}

static int tidy(struct store *s, struct weir_error *error)
{
	int failed;

	if (s->wal_frames < SOME_JOURNAL)
		return 0;
	failed = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (failed)
		return store_refuse(s->db, s->path, failed, "tidied up", error);
	s->wal_frames = 0;
	sqlite3_db_release_memory(s->db); // of a great batch
	return 0;
}

// A transaction that failed in its last step, the sync, is in the journal all the same: were the
// daemon killed now, the next one would find there what has been refused. The probe takes its
// place.
static int probe(struct store *s, struct weir_error *error)
{
	int failed = store_probe(&s->statements);

	if (failed) {
		failed = store_refuse(s->db, s->path, failed, "written", error);
		store_roll_back(s->db, &s->statements);
		return failed;
	}
	return tidy(s, error);
}

static int write_group(struct store *s, const struct store_batch *batches, struct weir_error *error)
{
	int failed = store_write(&s->statements, batches);

	if (failed) {
		failed = store_refuse(s->db, s->path, failed, "written", error);
		store_roll_back(s->db, &s->statements);
	}
	return failed;
}

// ---- Under `lock`

// What there is to do now, waited for. A failure that nobody has been told of ends the writing, and
// a journal that cannot be written back waits for the next probe.
static enum work wait_for_work(struct store *s)
{
	bool idle = false;

	for (;;) {
		struct timespec until = now();
		bool can_tidy = !s->unready.code && s->wal_frames >= SOME_JOURNAL;

		if (can_tidy && !s->stopping && (idle || s->wal_frames >= FULL_JOURNAL))
			return WORK_TIDY;
		if (s->ended && !s->halted.code)
			return WORK_WRITE;
		if (s->stopping)
			return WORK_NONE;
		if (s->probe_wanted)
			return WORK_PROBE;
		if (!can_tidy) {
			pthread_cond_wait(&s->work, &s->lock);
			continue;
		}
		until.tv_nsec += IDLE_MS * 1000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		idle = pthread_cond_timedwait(&s->work, &s->lock, &until) == ETIMEDOUT;
	}
}

static void set_unready(struct store *s, int failed, const struct weir_error *error)
{
	s->probed_ms = store_now_ms();
	if (failed)
		s->unready = *error;
	else
		s->unready.code = 0;
}

// Takes the batches that have ended by now, up to the first that is spoiled; that one alone when it
// is the first.
static struct store_batch *take_group(struct store *s)
{
	struct store_batch *group = s->ended, *last = group;

	while (!last->error.code && last->next && !last->next->error.code)
		last = last->next;
	s->ended = last->next;
	if (!s->ended)
		s->ended_end = &s->ended;
	last->next = NULL;
	return group;
}

static void hand_back(struct store *s, struct store_batch *group)
{
	static const uint64_t one = 1;

	*s->written_end = group;
	while (*s->written_end)
		s->written_end = &(*s->written_end)->next;
	// A counter at its greatest value takes no more, and is readable.
	if (write(s->event_fd, &one, sizeof(one)) < 0)
		return;
}

static void do_write(struct store *s)
{
	struct weir_error error = { .code = 0 }, why = { .code = 0 };
	struct store_batch *group = take_group(s);
	bool spoiled = group->error.code != 0;
	int failed = 0;

	if (spoiled) {
		s->halted = group->error;
		hand_back(s, group);
		return;
	}
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_lock(&s->database);
	failed = write_group(s, group, &error);
	if (failed)
		probe(s, &why);
	pthread_mutex_unlock(&s->database);
	for (struct store_batch *b = group; b && failed; b = b->next)
		b->error = error;
	pthread_mutex_lock(&s->lock);
	set_unready(s, why.code, &why);
	if (failed)
		s->halted = error;
	hand_back(s, group);
}

static void do_other(struct store *s, int (*work)(struct store *s, struct weir_error *error))
{
	struct weir_error error;
	int failed;

	pthread_mutex_unlock(&s->lock);
	pthread_mutex_lock(&s->database);
	failed = work(s, &error);
	pthread_mutex_unlock(&s->database);
	pthread_mutex_lock(&s->lock);
	set_unready(s, failed, &error);
}

// ---- The thread

static void *run(void *argument)
{
	struct store *s = argument;
	enum work work;

	pthread_mutex_lock(&s->lock);
	while ((work = wait_for_work(s)) != WORK_NONE) {
		if (work == WORK_WRITE) {
			do_write(s);
		} else if (work == WORK_TIDY) {
			do_other(s, tidy);
		} else {
			do_other(s, probe);
			s->probe_wanted = false;
		}
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static int init_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	int failed = pthread_condattr_init(&attributes);

	if (failed)
		return failed;
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	failed = pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
	return failed;
}

int store_writer_start(struct store *s, struct weir_error *error)
{
	sigset_t all, before;
	int failed = init_condition(&s->work);

	if (failed)
		return weir_refuse(
			error, -failed, NULL, "no condition variable: %s", strerror(failed));
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->database, NULL);
	sqlite3_wal_hook(s->db, note_journal, s);
	// Signals are the control thread's business.
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed) {
		pthread_cond_destroy(&s->work);
		return weir_refuse(
			error, -failed, NULL, "no thread to write the state: %s", strerror(failed));
	}
	pthread_setname_np(s->thread, "weir-store");
	return 0;
}

void store_writer_stop(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
}

void store_writer_fini(struct store *s)
{
	pthread_cond_destroy(&s->work);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->database);
}
