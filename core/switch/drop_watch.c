// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The control thread's side of watching drops: who watches what, and handing over the samples.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/drop_watch.h"
#include "datapath/rcu.h"
#include "datapath/ring.h"
#include "datapath/sized.h"
#include "datapath/summary.h"
#include "switch/drop_watch.h"
#include "switch/observe.h"
#include "switch/policing.h"
#include "switch/port.h"
#include "switch/reasons.h"
#include "switch/vswitch.h"
#include "switch/wait.h"
#include "switch/weir.h"

enum { EVERY_MS = 50, NS_PER_S = 1000000000 };

struct weir_drop_watch {
	struct deferred deferred; // for its end
	struct weir *weir;
	struct weir_drop_watch *next; // in weir->watching
	char switch_name[WEIR_NAME_MAX];
	weir_drop_sample_handler *handler; // NULL: it has ended
	void *context;
	uint64_t n_told;           // of the lost ones
	struct drop_watch *shared; // with the workers
	uint64_t n_lost[];         // by worker, as its last sample said
};

// ---- Beginning and ending

static int check(struct weir *w, const struct weir_drop_filter *f, struct weir_error *error)
{
	unsigned n = 0;

	for (const struct weir_drop_watch *watch = w->watching; watch; watch = watch->next)
		n++;
	if (n >= WEIR_DROP_WATCHES_MAX)
		return weir_refuse(error, -EBUSY, NULL, "%u watch drops already: at most %d may", n,
			WEIR_DROP_WATCHES_MAX);
	if ((f->switch_name && !vswitch_find(w, f->switch_name, error)) ||
		(f->port && !port_find(w, f->port, error)))
		return -ENOENT;
	return 0;
}

static int find_reasons(const struct weir *w, const struct weir_drop_filter *f,
	struct drop_watch *shared, struct weir_error *error)
{
	if (!f->reason && !f->extension)
		return 0;
	if (f->extension && !reasons_find(w, NULL, f->extension, NULL, 0))
		return weir_refuse(error, -ENOENT, "extension",
			"extension \"%s\": none of that name has drop reasons; \"core\" has",
			f->extension);
	shared->n_wants = reasons_find(w, f->reason, f->extension, shared->wants, DROP_WANTS_MAX);
	if (shared->n_wants == 0)
		return weir_refuse(error, -ENOENT, "reason",
			"reason \"%s\": %s%s; reasons are tokens as drop list shows them",
			f->reason, f->extension ? f->extension : "there is none of that name",
			f->extension ? " has none of that name" : "");
	if (shared->n_wants > DROP_WANTS_MAX)
		return weir_refuse(error, -E2BIG, "reason",
			"reason \"%s\": %u extensions have it: at most %d can be watched at once",
			f->reason, shared->n_wants, DROP_WANTS_MAX);
	return 0;
}

static void watch_free(struct weir_drop_watch *watch)
{
	if (watch->shared)
		ring_destroy(watch->shared->ring);
	free(watch->shared);
	free(watch);
}

static void retire(struct deferred *deferred)
{
	watch_free((struct weir_drop_watch *)deferred);
}

static struct weir_drop_watch *watch_make(struct weir *w)
{
	struct weir_drop_watch *watch = calloc(
		1, sizeof(*watch) + w->n_workers * sizeof(watch->n_lost[0]));
	size_t size = sizeof(struct drop_watch) + w->n_workers * sizeof(struct drop_lane);

	if (!watch)
		return NULL;
	watch->weir = w;
	watch->shared = aligned_alloc(_Alignof(struct drop_watch), size);
	if (watch->shared)
		memset(watch->shared, 0, size);
	if (!watch->shared ||
		ring_create(w->n_workers, DROP_LANE_BYTES, &watch->shared->ring) < 0) {
		watch_free(watch);
		return NULL;
	}
	return watch;
}

// Runs while somebody watches.
static void set_timer(const struct weir *w, bool runs)
{
	struct timespec every = { .tv_nsec = runs ? EVERY_MS * 1000000L : 0 };

	timerfd_settime(w->drops_fd, 0, &(struct itimerspec){ every, every }, NULL);
}

static void begin(struct weir *w, struct weir_drop_watch *watch)
{
	watch->next = w->watching;
	w->watching = watch;
	watch->shared->next = w->drop_watches;
	rcu_publish(&w->drop_watches, watch->shared);
	set_timer(w, true);
}

int weir_drop_watch(struct weir *w, const struct weir_drop_filter *given,
	weir_drop_sample_handler *handler, void *context, struct weir_drop_watch **out,
	struct weir_error *error)
{
	struct weir_drop_filter taken, *filter = &taken;
	int failed = SIZED_TAKE(weir_drop_filter, extension, filter, given, error);
	struct weir_drop_watch *watch;

	if (!failed)
		failed = check(w, filter, error);
	watch = failed ? NULL : watch_make(w);
	if (failed)
		return failed;
	if (!watch)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for watching drops");
	failed = find_reasons(w, filter, watch->shared, error);
	if (failed) {
		watch_free(watch);
		return failed;
	}
	watch->handler = handler;
	watch->context = context;
	if (filter->port)
		snprintf(watch->shared->port, sizeof(watch->shared->port), "%s", filter->port);
	if (filter->switch_name) {
		snprintf(watch->switch_name, sizeof(watch->switch_name), "%s", filter->switch_name);
		watch->shared->generation = vswitch_find(w, filter->switch_name, NULL)->generation;
	}
	begin(w, watch);
	*out = watch;
	return 0;
}

// Unlinked now; workers may still be in it until the grace period is over, and drop_watches_run()
// until it returns.
void weir_drop_watch_end(struct weir_drop_watch *watch)
{
	struct weir_drop_watch **link;
	struct drop_watch **shared;
	struct weir *w;

	if (!watch)
		return;
	w = watch->weir;
	for (link = &w->watching; *link != watch;)
		link = &(*link)->next;
	*link = watch->next;
	for (shared = &w->drop_watches; *shared != watch->shared;)
		shared = &(*shared)->next;
	rcu_publish(shared, watch->shared->next);
	watch->handler = NULL;
	if (!w->watching)
		set_timer(w, false);
	weir_defer(w, &watch->deferred, retire);
}

void drop_watches_free(struct weir *w)
{
	while (w->watching)
		weir_drop_watch_end(w->watching);
}

// ---- Handing over

static const char *switch_of(const struct weir *w, const struct generation *generation)
{
	for (const struct vswitch *s = w->switches; s; s = s->next)
		if (s->generation == generation)
			return s->name;
	return "";
}

// The wall clock's time of what happened at now_ns of the host's clock.
static void set_time(const struct weir *w, uint64_t now_ns, struct weir_drop_sample *sample)
{
	uint64_t clock_ns = weir_now_ns(w), ns;
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	ns = (uint64_t)wall.tv_sec * NS_PER_S + (uint64_t)wall.tv_nsec;
	if (clock_ns > now_ns)
		ns -= clock_ns - now_ns;
	sample->time = ns / NS_PER_S;
	sample->time_ns = (uint32_t)(ns % NS_PER_S);
}

// The policer over whose rate the frame was, unless it is gone and another one has its number.
static const char *policer_of(
	const struct weir *w, const struct drop_sample *sample, char name[/* POLICER_NAME_SIZE */])
{
	const struct policing *p = NULL;

	for (const struct vswitch *s = w->switches; sample->policer && s; s = s->next)
		if (s->generation == sample->generation)
			p = policing_at(s, sample->policer - 1);
	if (!p || p->since_ns > sample->now_ns)
		return "";
	policer_name(p, sample->port, name);
	return name;
}

static void hand_over(struct weir_drop_watch *watch, unsigned worker, const struct drop_sample *s)
{
	const struct weir *w = watch->weir;
	struct weir_frame frame = { .refs = 1 };
	char summary[SUMMARY_SIZE], policer[POLICER_NAME_SIZE];
	struct weir_drop_sample sample = {
		.switch_name = switch_of(w, s->generation),
		.port = s->port,
		.stage = stage_name(s->cause >> 16 & 0xff),
		.summary = summary,
		.frame_size = s->size,
		.bytes = s->bytes,
		.n_bytes = s->n_bytes,
		.lost = s->n_lost - watch->n_lost[worker],
		.policer = policer_of(w, s, policer),
	};
	uint8_t bytes[DROP_SAMPLE_BYTES];

	// The switch that it was for is gone, and another one has its clock's place.
	if (watch->switch_name[0] && strcmp(watch->switch_name, sample.switch_name) != 0)
		return;
	watch->n_lost[worker] = s->n_lost;
	memcpy(bytes, s->bytes, s->n_bytes);
	frame.data = bytes;
	frame.size = s->size;
	frame.linear = s->n_bytes;
	frame_summary(&frame, false, summary);
	set_time(w, s->now_ns, &sample);
	sample.reason = reason_describe(w, (uint16_t)s->cause, &sample.text, &sample.extension);
	watch->handler(watch->context, &sample);
}

// As many as there can be at once, and no more: who drops faster than this reads loses samples.
static void empty_lane(struct weir_drop_watch *watch, unsigned worker)
{
	struct weir_ring *ring = watch->shared->ring;
	size_t left = DROP_LANE_BYTES;
	const struct drop_sample *sample;
	uint32_t size;

	while (watch->handler && (sample = ring_next(ring, worker, &size))) {
		hand_over(watch, worker, sample);
		ring_release(ring, worker);
		if (size >= left)
			break;
		left -= size;
	}
}

// A handler may end its own watch, which is then kept until a grace period is over, or another.
void drop_watches_run(struct weir *w)
{
	struct weir_drop_watch *watch, *next;

	for (watch = w->watching; watch; watch = next) {
		for (unsigned i = 0; watch->handler && i < w->n_workers; i++)
			empty_lane(watch, i);
		next = watch->next;
	}
}
