// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "capture.h"

enum {
	PLACE_MS = 5000, // until ports must have been prepared
	AGAIN_MS = 1000, // until they are asked again to let go
	END_S = 2,       // that the files get in all when the extension leaves
};

// ---- Finding

struct known_port *port_named(struct captures *x, const char *name)
{
	for (struct known_port *p = x->ports; p; p = p->next)
		if (p->live && strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

struct capture *capture_named(struct captures *x, const char *name)
{
	for (struct capture *c = x->first; c; c = c->next)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

bool capture_has_ended(const struct capture *c)
{
	return c->phase == CAPTURE_ENDED;
}

// Cookies: of posts by the writer, and of the capture's timer.
uint64_t capture_cookie(const struct capture *c)
{
	return c->id * 2;
}

static uint64_t timer_cookie(const struct capture *c)
{
	return c->id * 2 + 1;
}

// ---- The list

void capture_free(struct capture *c)
{
	if (!c)
		return;
	writer_destroy(c->writer, NULL);
	free(c->file);
	free(c);
}

static void unlink_capture(struct capture *c)
{
	struct capture **link = &c->owner->first;

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
}

void capture_forget(struct capture *c)
{
	unlink_capture(c);
	answer_refused(c);
	answer_stopped(c);
	capture_free(c);
}

// Of those that ended by themselves only the latest are remembered.
static void forget_oldest(struct captures *x)
{
	struct capture *oldest = NULL;
	unsigned n = 0;

	for (struct capture *c = x->first; c; c = c->next) {
		if (!capture_has_ended(c))
			continue;
		oldest = oldest ? oldest : c;
		n++;
	}
	if (n > ENDED_MAX)
		capture_forget(oldest);
}

// Those that a detach would end.
static void tell_running(struct captures *x)
{
	unsigned n = 0;

	for (const struct capture *c = x->first; c; c = c->next)
		n += c->phase < CAPTURE_ENDING;
	weir_running(x->attachment, n, "captures");
}

void capture_add(struct captures *x, struct capture *c)
{
	struct capture **end = &x->first;

	while (*end)
		end = &(*end)->next;
	*end = c;
	tell_running(x);
}

// ---- Into place

static void refresh_ports(struct capture *c, uint64_t timeout_ms)
{
	struct weir_attachment *a = c->owner->attachment;
	int failed = weir_timer(a, timer_cookie(c), timeout_ms);

	for (unsigned i = 0; !failed && i < c->n_ports; i++)
		if (!c->ports[i].gone)
			failed = weir_refresh(a, c->ports[i].id);
	// Without memory nothing is asked again, and nobody would be told.
	if (failed && c->phase == CAPTURE_PLACING)
		capture_end(c, true, "no memory to prepare its ports");
}

static bool any_port(const struct capture *c)
{
	for (unsigned i = 0; i < c->n_ports; i++)
		if (!c->ports[i].gone)
			return true;
	return false;
}

static bool is_placed(const struct capture *c)
{
	for (unsigned i = 0; i < c->n_ports; i++)
		if (!c->ports[i].gone && !c->ports[i].placed)
			return false;
	return true;
}

// The timer of a capture that is being placed comes at once when its last port has been prepared:
// what was prepared is published then.
static void look_soon(struct capture *c)
{
	if (c->phase == CAPTURE_PLACING && is_placed(c))
		weir_timer(c->owner->attachment, timer_cookie(c), 0);
}

void capture_fed(struct capture *c, weir_port_id port)
{
	c->fed++;
	for (unsigned i = 0; i < c->n_ports; i++)
		if (c->ports[i].id == port)
			c->ports[i].placed = true;
	look_soon(c);
}

static void opened(struct capture *c)
{
	c->phase = CAPTURE_PLACING;
	refresh_ports(c, PLACE_MS);
}

static void placed(struct capture *c)
{
	if (!is_placed(c)) {
		capture_end(c, true, "its ports were not prepared in time");
		return;
	}
	c->phase = CAPTURE_RUNNING;
	answer_started(c);
}

// ---- To the end

void capture_end(struct capture *c, bool failed, const char *reason)
{
	if (c->phase >= CAPTURE_ENDING)
		return;
	c->phase = CAPTURE_ENDING;
	tell_running(c->owner);
	c->failed = failed;
	snprintf(c->reason, sizeof(c->reason), "%s", reason ? reason : "");
	// For a client that has no answer yet it never was.
	c->forget |= c->start != NULL;
	if (c->fed == 0)
		writer_finish(c->writer);
	else
		refresh_ports(c, AGAIN_MS);
}

void capture_unfed(struct capture *c)
{
	if (--c->fed > 0)
		return;
	if (c->phase == CAPTURE_ENDING)
		writer_finish(c->writer);
	else
		capture_end(c, true, "its ports cannot be prepared");
}

void capture_port_gone(struct captures *x, weir_port_id port)
{
	char reason[REASON_MAX];

	for (struct known_port *p = x->ports; p; p = p->next)
		if (p->id == port)
			p->live = false;
	for (struct capture *c = x->first; c; c = c->next) {
		for (unsigned i = 0; i < c->n_ports; i++) {
			if (c->ports[i].id != port)
				continue;
			c->ports[i].gone = true;
			snprintf(reason, sizeof(reason), "port %s was removed", c->ports[i].name);
		}
		if (!any_port(c))
			capture_end(c, false, reason);
		else
			look_soon(c);
	}
}

// The writer's end is the last word on how the capture ended, unless that is said already.
static void take_reason(struct capture *c)
{
	if (c->failed || c->writer->cause == WRITER_TOLD)
		return;
	c->failed = c->writer->cause == WRITER_FAILED;
	writer_reason(c->writer, c->reason, sizeof(c->reason));
}

static void ended(struct capture *c)
{
	struct captures *x = c->owner;

	take_reason(c);
	c->counts = writer_counts(c->writer);
	writer_destroy(c->writer, NULL);
	c->writer = NULL;
	c->phase = CAPTURE_ENDED;
	tell_running(x);
	weir_timer(x->attachment, timer_cookie(c), WEIR_TIMER_OFF);
	if (c->forget)
		capture_forget(c);
	else
		forget_oldest(x);
}

static void ended_by_itself(struct capture *c)
{
	char reason[REASON_MAX];

	if (c->phase >= CAPTURE_ENDING) // the writer has more to say
		return;
	writer_reason(c->writer, reason, sizeof(reason));
	capture_end(c, c->writer->cause == WRITER_FAILED, reason);
}

// ---- What is due

static void writer_due(struct capture *c)
{
	switch (writer_phase(c->writer)) {
	case WRITER_OPENING:
		break;
	case WRITER_WRITING:
		if (c->phase == CAPTURE_OPENING)
			opened(c);
		break;
	case WRITER_ENDED:
		ended_by_itself(c);
		break;
	case WRITER_GONE:
		ended(c);
		break;
	}
}

static void timer_due(struct capture *c)
{
	if (c->phase == CAPTURE_PLACING)
		placed(c);
	else if (c->phase == CAPTURE_ENDING && c->fed > 0)
		refresh_ports(c, AGAIN_MS);
}

void capture_due(struct captures *x, uint64_t cookie)
{
	for (struct capture *c = x->first; c; c = c->next) {
		if (c->id != cookie / 2 || capture_has_ended(c))
			continue;
		if (cookie == timer_cookie(c))
			timer_due(c);
		else
			writer_due(c);
		return;
	}
}

// Writes what is left, as far as the disks take it in time: nothing else happens meanwhile.
static void complete(struct capture *c, const struct timespec *until)
{
	bool completed = writer_destroy(c->writer, until);

	c->writer = NULL;
	if (!completed)
		weir_log(c->owner->attachment, LOG_WARNING,
			"capture %s: \"%.200s\" is incomplete: its disk does not take it in time",
			c->name, c->file);
}

void capture_end_all(struct captures *x)
{
	struct capture *next;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += END_S;

	for (struct capture *c = x->first; c; c = c->next)
		if (!capture_has_ended(c))
			writer_finish(c->writer);
	for (struct capture *c = x->first; c; c = next) {
		next = c->next;
		complete(c, &until);
		capture_free(c);
	}
}
