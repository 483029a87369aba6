// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/durable.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "control/store.h"

// Meters lose at most a second: half of it until they are noted, the rest until that is on disk.
enum { CLOCK_MS = 500, LOG_MS = 60000 };

STAILQ_HEAD(waits, durable_wait);

// A commit is in one of the queues, in this order: open until the store has taken its batch (it
// does unless memory is out), under way until the store has reported that, then kept or lost until
// its owner is told, which is never while the store or the switch is on the stack.
struct durable {
	struct weir *weir;
	struct store *store;
	uv_poll_t poll;   // store_fd
	uv_timer_t clock; // meters, and what has to be tried again
	unsigned n_handles;
	struct waits open, under_way, kept, lost;
	uint64_t n_ended;    // batches that the store has taken
	uint64_t n_reported; // and those that it has reported
	bool behind; // a batch was lost: the switch is ahead of the store, and has to go back
	bool restored;
	bool stopping;
	struct weir_error error;  // why it was lost
	struct durable_wait once; // a commit of its own, one at a time
	bool once_waits;
	bool once_changed; // there is more in it than meters
	bool changed;      // and in what is noted for the open batch
	bool all_meters;   // the store may have older counts than those that moved last
	uint64_t logged_ms;
	void (*log)(void *context, int level, const char *line);
	void *log_context;
	void (*stopped)(void *context);
	void *stopped_context;
};

__attribute__((format(printf, 3, 4))) static void log_line(
	const struct durable *durable, int level, const char *format, ...)
{
	char line[640];
	va_list arguments;

	if (!durable->log)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	durable->log(durable->log_context, level, line);
}

// What happens again and again while a disk is full is logged once a minute.
static bool may_log(struct durable *durable)
{
	const uint64_t now = uv_now(durable->clock.loop);

	if (durable->logged_ms && now - durable->logged_ms < LOG_MS)
		return false;
	durable->logged_ms = now;
	return true;
}

// ---- Commits

// A store_done. Batches are reported in their order; so are the commits that wait for them.
static void on_batch(void *context, const struct weir_error *error)
{
	struct durable *durable = context;
	struct waits *to = error ? &durable->lost : &durable->kept;
	struct durable_wait *wait;

	durable->n_reported++;
	if (error && !durable->behind) {
		durable->behind = true;
		durable->error = *error;
	}
	while ((wait = STAILQ_FIRST(&durable->under_way)) && wait->batch <= durable->n_reported) {
		STAILQ_REMOVE_HEAD(&durable->under_way, link);
		STAILQ_INSERT_TAIL(to, wait, link);
	}
}

// Gives the store what was noted. Without memory for that it stays open, and goes with the next.
static void end_batch(struct durable *durable)
{
	struct durable_wait *wait;

	if (store_commit(durable->store, on_batch, durable) < 0)
		return;
	durable->n_ended++;
	durable->changed = false;
	for (wait = STAILQ_FIRST(&durable->open); wait; wait = STAILQ_NEXT(wait, link))
		wait->batch = durable->n_ended;
	STAILQ_CONCAT(&durable->under_way, &durable->open);
}

void durable_commit(
	struct durable *durable, struct durable_wait *wait, durable_done *done, void *context)
{
	wait->done = done;
	wait->context = context;
	STAILQ_INSERT_TAIL(&durable->open, wait, link);
	// What builds on something that was lost is lost as well.
	if (!durable->behind)
		end_batch(durable);
}

// A weir_change_handler.
static void on_change(void *context, bool removed, const struct weir_item *item)
{
	struct durable *durable = context;

	durable->changed = true;
	store_note(durable->store, removed, item);
}

static void tell(struct waits *waits, const struct weir_error *error)
{
	struct durable_wait *wait;

	while ((wait = STAILQ_FIRST(waits))) {
		STAILQ_REMOVE_HEAD(waits, link);
		wait->done(wait->context, error);
	}
}

// ---- Back to what is on disk

static int load(struct durable *durable, unsigned flags, size_t *n_items, struct weir_error *error)
{
	struct weir_document *document = weir_document_create();
	int result;

	if (!document)
		return weir_refuse(error, -ENOMEM, NULL, "out of memory for the saved state");
	result = store_load(durable->store, document, error);
	if (result == 0)
		result = weir_apply(durable->weir, document, flags, NULL, NULL, error);
	*n_items = weir_document_n_items(document);
	weir_document_destroy(document);
	return result;
}

// Tells those whose change was lost that nothing is left of it, or why something may be. A failed
// attempt is made again by the clock, until when nobody may change anything.
static void take_back(struct durable *durable)
{
	struct weir_error error = durable->error, problem;
	size_t n_items = 0;

	STAILQ_CONCAT(&durable->lost, &durable->open); // store_load() forgets what they noted
	weir_on_change(durable->weir, NULL, NULL);
	if (load(durable, WEIR_PRUNE | WEIR_RESTORE, &n_items, &problem) == 0) {
		durable->behind = durable->changed = false;
		durable->all_meters = true;
		weir_refuse(&error, durable->error.code, NULL, "nothing was changed: %s",
			durable->error.message);
		if (may_log(durable))
			log_line(durable, LOG_ERR,
				"a change could not be kept and was taken back: %s",
				durable->error.message);
	} else {
		weir_refuse(&error, durable->error.code, NULL,
			"the change could not be kept (%.180s), and not be taken back either "
			"(%.180s)",
			durable->error.message, problem.message);
		if (may_log(durable))
			log_line(durable, LOG_CRIT, "%s", error.message);
	}
	weir_on_change(durable->weir, on_change, durable);
	tell(&durable->lost, &error);
}

// Nothing was changed by anybody: nothing has to go back.
static bool lost_meters_only(const struct durable *durable)
{
	return STAILQ_FIRST(&durable->lost) == &durable->once &&
	       !STAILQ_NEXT(&durable->once, link) && !durable->once_changed &&
	       STAILQ_EMPTY(&durable->open) && store_is_clean(durable->store);
}

// Brings everything to where it should be after the store reported or the clock ticked.
static void settle(struct durable *durable)
{
	tell(&durable->kept, NULL);
	if (!durable->behind || durable->n_reported != durable->n_ended)
		return;
	if (!lost_meters_only(durable)) {
		take_back(durable);
		return;
	}
	durable->behind = false;
	durable->all_meters = true;
	tell(&durable->lost, &durable->error);
}

static void on_store(uv_poll_t *poll, int status, int events)
{
	struct durable *durable = poll->data;

	(void)status;
	(void)events;
	store_process(durable->store);
	settle(durable);
}

bool durable_ready(struct durable *durable, struct weir_error *error)
{
	struct weir_error problem;

	if (durable->behind) {
		weir_refuse(error, -EAGAIN, NULL,
			"nothing was changed: an earlier change is being taken back, which could "
			"not be kept: %s",
			durable->error.message);
		return false;
	}
	if (store_ready(durable->store, &problem))
		return true;
	weir_refuse(error, problem.code, NULL, "nothing was changed: %s", problem.message);
	return false;
}

// ---- Meters, and saved state

static void note_row(void *context, const struct weir_item *item)
{
	struct durable *durable = context;

	store_note(durable->store, false, item);
}

void durable_note_meters(struct durable *durable)
{
	weir_export_meters(durable->weir, durable->all_meters, note_row, durable);
	durable->all_meters = false;
}

// Who lost it is not told by anybody else.
static void on_once(void *context, const struct weir_error *error)
{
	struct durable *durable = context;

	durable->once_waits = false;
	if (error && !durable->stopping && may_log(durable))
		log_line(durable, LOG_ERR, "the meters could not be kept: %s", error->message);
}

static void commit_once(struct durable *durable)
{
	durable->once_waits = true;
	durable->once_changed = durable->changed;
	durable_commit(durable, &durable->once, on_once, durable);
}

static void on_clock(uv_timer_t *clock)
{
	struct durable *durable = clock->data;

	settle(durable);
	if (durable->behind)
		return;
	if (!STAILQ_EMPTY(&durable->open))
		end_batch(durable);
	if (!durable->restored || durable->once_waits || !store_ready(durable->store, NULL))
		return;
	durable_note_meters(durable);
	if (!store_is_clean(durable->store))
		commit_once(durable);
}

// ---- The beginning and the end

static void on_closed(uv_handle_t *handle)
{
	struct durable *durable = handle->data;
	void (*stopped)(void *context) = durable->stopped;
	void *context = durable->stopped_context;

	if (--durable->n_handles > 0)
		return;
	free(durable);
	if (stopped)
		stopped(context);
}

int durable_open(struct weir *weir, uv_loop_t *loop, const struct durable_options *options,
	struct durable **out, struct weir_error *error)
{
	struct durable *durable = calloc(1, sizeof(*durable));
	int result;

	if (!durable)
		return weir_refuse(error, -ENOMEM, NULL, "out of memory for the saved state");
	durable->weir = weir;
	durable->log = options->log;
	durable->log_context = options->log_context;
	STAILQ_INIT(&durable->open);
	STAILQ_INIT(&durable->under_way);
	STAILQ_INIT(&durable->kept);
	STAILQ_INIT(&durable->lost);
	result = store_open(options->directory, &durable->store, error);
	if (result < 0) {
		free(durable);
		return result;
	}
	result = uv_poll_init(loop, &durable->poll, store_fd(durable->store));
	if (result < 0) {
		store_close(durable->store);
		free(durable);
		return weir_refuse(error, result, NULL, "cannot follow the state directory: %s",
			uv_strerror(result));
	}
	uv_timer_init(loop, &durable->clock);
	durable->n_handles = 2;
	durable->poll.data = durable->clock.data = durable;
	uv_poll_start(&durable->poll, UV_READABLE, on_store);
	uv_timer_start(&durable->clock, on_clock, CLOCK_MS, CLOCK_MS);
	*out = durable;
	return 0;
}

int durable_restore(struct durable *durable, struct weir_error *error)
{
	size_t n_items = 0;
	int result;

	result = load(durable, WEIR_RESTORE, &n_items, error);
	if (result < 0)
		return result;
	weir_on_change(durable->weir, on_change, durable);
	durable->restored = true;
	if (n_items > 0)
		log_line(durable, LOG_NOTICE, "restored: %zu items", n_items);
	return 0;
}

// Everything that can still be noted, in one last batch.
static void save_last(struct durable *durable)
{
	struct weir_error error = { 0 };

	durable->all_meters = true;
	durable_note_meters(durable);
	if (weir_export_saved(durable->weir, note_row, durable, &error) < 0)
		log_line(durable, LOG_ERR, "an extension's state could not be saved: %s",
			error.message);
	if (!durable->once_waits)
		commit_once(durable);
	else
		end_batch(durable);
}

// The store reports while it closes, and nobody is left to change anything or to be brought back.
void durable_stop(struct durable *durable, void (*stopped)(void *context), void *context)
{
	bool is_committed;

	if (!durable) {
		stopped(context);
		return;
	}
	durable->stopping = true;
	durable->stopped = stopped;
	durable->stopped_context = context;
	weir_on_change(durable->weir, NULL, NULL);
	if (durable->restored && !durable->behind)
		save_last(durable);
	is_committed = store_is_clean(durable->store) && STAILQ_EMPTY(&durable->open);
	uv_close((uv_handle_t *)&durable->poll, on_closed);
	store_close(durable->store);
	durable->store = NULL;
	if (!durable->behind && !is_committed) {
		durable->behind = true;
		weir_refuse(&durable->error, -ENOMEM, NULL, "out of memory for the last changes");
	}
	if (durable->behind)
		log_line(durable, LOG_ERR, "the last changes and counts are not kept: %s",
			durable->error.message);
	STAILQ_CONCAT(&durable->lost, &durable->open);
	tell(&durable->kept, NULL);
	tell(&durable->lost, &durable->error);
	uv_close((uv_handle_t *)&durable->clock, on_closed);
}
