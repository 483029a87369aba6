// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Timers and posts: how an extension gets onto the control thread at a time, or from a thread of
// its own.
//
// Timers run by weir_now_ns(), which in a laboratory is a clock of its own; a timerfd wakes the
// control thread when the first should be due, at a granularity of a millisecond. Nothing is
// delivered to an attachment that is being detached.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <time.h>

#include <weir/extension.h>

#include "switch/attachment.h"
#include "switch/host.h"
#include "switch/vswitch.h"
#include "switch/wait.h"
#include "switch/weir.h"

struct timer {
	uint64_t cookie, due_ns;
};

// What any thread of the extension pushes; owned by the attachment.
struct post {
	struct post *next;
	uint64_t cookie;
};

// Those of one attachment, the first one due last: taken from the end.
struct timers {
	unsigned n;
	struct timer list[WEIR_TIMERS_MAX];
};

static struct attachment *attachment_of(struct weir_attachment *public)
{
	return (struct attachment *)public;
}

// ---- The clock

// A millisecond at least: who set several close together is woken once.
static void arm(struct weir *w, uint64_t due_ns)
{
	uint64_t now_ns = weir_now_ns(w), left_ms;
	struct itimerspec once = { 0 };

	w->timer_due_ns = due_ns;
	if (due_ns != UINT64_MAX) {
		left_ms = due_ns > now_ns ? (due_ns - now_ns + 999999) / 1000000 : 1;
		once.it_value.tv_sec = (time_t)(left_ms / 1000);
		once.it_value.tv_nsec = (long)(left_ms % 1000) * 1000000;
	}
	if (timerfd_settime(w->due_fd, 0, &once, NULL) < 0)
		abort(); // the descriptor is ours and the time is in range: anything else is a bug
}

static uint64_t due_of(uint64_t now_ns, uint64_t delay_ms)
{
	// Nothing is due at once, so that a hook that sets its own timer anew comes to an end.
	uint64_t delay_ns = 1;

	if (delay_ms && __builtin_mul_overflow(delay_ms, UINT64_C(1000000), &delay_ns))
		return UINT64_MAX;
	return now_ns > UINT64_MAX - delay_ns ? UINT64_MAX : now_ns + delay_ns;
}

// ---- Setting

static void take_out(struct timers *t, uint64_t cookie)
{
	for (unsigned i = 0; t && i < t->n; i++) {
		if (t->list[i].cookie != cookie)
			continue;
		t->n--;
		memmove(&t->list[i], &t->list[i + 1], (t->n - i) * sizeof(t->list[0]));
		return;
	}
}

// Of several due at the same time, the one that was set first comes first.
static void put_in(struct timers *t, struct timer timer)
{
	unsigned at = 0;

	while (at < t->n && t->list[at].due_ns > timer.due_ns)
		at++;
	memmove(&t->list[at + 1], &t->list[at], (t->n - at) * sizeof(t->list[0]));
	t->list[at] = timer;
	t->n++;
}

int host_timer(struct weir_attachment *public, uint64_t cookie, uint64_t delay_ms)
{
	struct attachment *a = attachment_of(public);
	struct weir *w = a->weir;
	struct timer timer = { cookie, 0 };

	take_out(a->timers, cookie);
	if (delay_ms == WEIR_TIMER_OFF || a->detached)
		return 0;
	if (!a->timers)
		a->timers = calloc(1, sizeof(*a->timers));
	if (!a->timers)
		return -ENOMEM;
	if (a->timers->n == WEIR_TIMERS_MAX)
		return -ENOSPC;
	timer.due_ns = due_of(weir_now_ns(w), delay_ms);
	put_in(a->timers, timer);
	if (timer.due_ns < w->timer_due_ns)
		arm(w, timer.due_ns);
	return 0;
}

// The attachment may be in use by its extension's threads until detach() has returned.
int host_post(struct weir_attachment *public, uint64_t cookie)
{
	struct attachment *a = attachment_of(public);
	struct post *post = malloc(sizeof(*post));

	if (!post)
		return -ENOMEM;
	*post = (struct post){ __atomic_load_n(&a->posts, __ATOMIC_RELAXED), cookie };
	while (!__atomic_compare_exchange_n(
		&a->posts, &post->next, post, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		continue;
	__atomic_store_n(&a->weir->posted, true, __ATOMIC_RELEASE);
	control_wake(a->weir);
	return 0;
}

// ---- Delivering

static void deliver(struct attachment *a, uint64_t cookie)
{
	if (!a->detached && a->descriptor->timer)
		a->descriptor->timer(a->instance, cookie);
}

static void run_timers(struct attachment *a, uint64_t now_ns)
{
	while (!a->detached && a->timers && a->timers->n &&
		a->timers->list[a->timers->n - 1].due_ns <= now_ns)
		deliver(a, a->timers->list[--a->timers->n].cookie);
}

static struct post *take_posts(struct attachment *a)
{
	struct post *post = __atomic_exchange_n(&a->posts, NULL, __ATOMIC_ACQUIRE), *first = NULL;

	while (post) { // they were pushed last first
		struct post *next = post->next;

		post->next = first;
		first = post;
		post = next;
	}
	return first;
}

static void run_posts(struct attachment *a)
{
	struct post *post = take_posts(a);

	while (post) {
		struct post *next = post->next;

		deliver(a, post->cookie);
		free(post);
		post = next;
	}
}

static uint64_t first_due(const struct weir *w)
{
	uint64_t first = UINT64_MAX;

	for (const struct vswitch *s = w->switches; s; s = s->next)
		for (const struct attachment *a = s->attachments; a; a = a->next)
			if (a->timers && a->timers->n &&
				a->timers->list[a->timers->n - 1].due_ns < first)
				first = a->timers->list[a->timers->n - 1].due_ns;
	return first;
}

void host_timers_run(struct weir *w)
{
	uint64_t now_ns = weir_now_ns(w), expirations;
	bool due = now_ns >= w->timer_due_ns;

	// It expires by the kernel's clock; the other one may not be there yet.
	due |= read(w->due_fd, &expirations, sizeof(expirations)) == sizeof(expirations);
	// Before the posts are taken: what comes meanwhile says so again.
	if (!__atomic_exchange_n(&w->posted, false, __ATOMIC_ACQUIRE) && !due)
		return;
	for (struct vswitch *s = w->switches; s; s = s->next) {
		for (struct attachment *a = s->attachments, *next; a; a = next) {
			// A hook may end calls, and a client that hears of it may do anything.
			a->refs++;
			run_posts(a);
			run_timers(a, now_ns);
			next = a->next;
			attachment_put(a);
		}
	}
	if (due)
		arm(w, first_due(w));
}

void host_timers_free(struct attachment *a)
{
	struct post *post = take_posts(a);

	while (post) {
		struct post *next = post->next;

		free(post);
		post = next;
	}
	free(a->timers);
	a->timers = NULL;
}
