// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The control thread's side of sessions: what ends them, who is told, and who lists them.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/datapath.h"
#include "datapath/flow_table.h"
#include "datapath/session.h"
#include "datapath/session_flow.h"
#include "datapath/session_text.h"
#include "switch/attachment.h"
#include "switch/policy.h"
#include "switch/port.h"
#include "switch/reasons.h"
#include "switch/session.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

int sessions_check(unsigned n_sessions, unsigned n_port_sessions, struct weir_error *error)
{
	unsigned most = n_sessions ? n_sessions : SESSIONS_DEFAULT;

	if (n_sessions && (n_sessions < WEIR_SESSIONS_MIN || n_sessions > WEIR_SESSIONS_MAX))
		return weir_refuse(error, -EINVAL, "sessions", "sessions %u: must be %d to %d",
			n_sessions, WEIR_SESSIONS_MIN, WEIR_SESSIONS_MAX);
	if (n_port_sessions > most)
		return weir_refuse(error, -EINVAL, "port_sessions",
			"port sessions %u: must be 1 to %u, as many as the switch has",
			n_port_sessions, most);
	return 0;
}

unsigned vswitch_n_sessions(const struct vswitch *s)
{
	return s->n_sessions ? s->n_sessions : SESSIONS_DEFAULT;
}

// By default one port leaves half of them to the others.
unsigned vswitch_n_port_sessions(const struct vswitch *s)
{
	return s->n_port_sessions ? s->n_port_sessions : vswitch_n_sessions(s) / 2;
}

// ---- Ends

struct telling {
	struct vswitch *vswitch;
	uint64_t now_ns;
};

static struct attachment *opener_of(const struct vswitch *s, const struct session *session)
{
	for (struct attachment *a = s->attachments; a; a = a->next)
		if (attachment_stands_for(a, session->attachment))
			// The cookie goes back to the code that made it, as long as that is there.
			return a->id == session->attachment ? a : a->predecessor;
	return NULL;
}

static void tell_end(const struct attachment *a, const struct session *session, uint64_t now_ns)
{
	struct weir_session_end end;

	if (!a->descriptor->session_ended || !a->attached)
		return;
	session_describe_end(session, now_ns, &end);
	a->descriptor->session_ended(a->instance, &end);
}

// An extension that has left the stack is told by sessions_leave().
static bool ended(void *context, const struct session *session)
{
	const struct telling *t = context;
	const struct attachment *a = opener_of(t->vswitch, session);

	if (a)
		tell_end(a, session, t->now_ns);
	return a;
}

// What every worker has told of its flows' counters. One without such flows has nothing to tell.
static uint32_t told(const struct vswitch *s, uint64_t now_ns)
{
	uint32_t least = flow_tick(now_ns);

	for (unsigned i = 0; i < s->weir->n_workers; i++) {
		const struct datapath *dp = s->datapaths[i];
		uint32_t its = __atomic_load_n(&dp->sessions_told, __ATOMIC_ACQUIRE);

		if (__atomic_load_n(&dp->n_session_flows, __ATOMIC_ACQUIRE) &&
			(int32_t)(its - least) < 0)
			least = its;
	}
	return least;
}

void sessions_run(struct weir *w)
{
	uint64_t now_ns = weir_now_ns(w);

	if (now_ns / 1000000000 == w->sessions_ran_s)
		return;
	w->sessions_ran_s = now_ns / 1000000000;
	for (struct vswitch *s = w->switches; s; s = s->next) {
		struct telling telling = { s, now_ns };
		struct session_run run = {
			.now_ns = now_ns,
			.told = told(s, now_ns),
			.ended = ended,
			.context = &telling,
		};

		session_table_run(s->sessions, &run);
	}
}

static unsigned end_all(
	struct vswitch *s, const struct session_filter *filter, enum weir_session_cause cause)
{
	return session_table_end(
		s->sessions, filter, cause, (uint32_t)(weir_now_ns(s->weir) / 1000000000));
}

void sessions_end_port(struct vswitch *s, weir_port_id port)
{
	end_all(s, &(struct session_filter){ .port = port }, WEIR_SESSION_PORT_REMOVED);
}

struct leaving {
	const struct attachment *attachment;
	uint64_t now_ns;
};

static bool tell_leaving(void *context, const struct session *session)
{
	const struct leaving *l = context;

	tell_end(l->attachment, session, l->now_ns);
	return true;
}

void sessions_leave(struct attachment *a)
{
	struct vswitch *s = a->vswitch;
	struct leaving leaving = { a, weir_now_ns(a->weir) };
	struct session_run run = {
		.now_ns = leaving.now_ns, .ended = tell_leaving, .context = &leaving
	};

	// With the switch went its workers' lists: their flows tell nothing any more by themselves.
	if (s->removed)
		for (unsigned i = 0; i < a->weir->n_workers; i++)
			datapath_drop_sessions(s->datapaths[i]);
	end_all(s, &(struct session_filter){ .port = WEIR_PORT_NONE, .attachment = a->id },
		WEIR_SESSION_DETACHED);
	session_table_report(s->sessions, a->id, &run);
}

void sessions_hand_over(const struct attachment *from, const struct attachment *to)
{
	struct leaving leaving = { from, weir_now_ns(from->weir) };
	struct session_run run = {
		.now_ns = leaving.now_ns, .ended = tell_leaving, .context = &leaving
	};

	session_table_hand_over(from->vswitch->sessions, from->id, to->id, &run);
}

// With those that it has not been handed over yet by the version before it.
static unsigned end_own(const struct attachment *a, struct session_filter filter)
{
	unsigned n;

	filter.attachment = a->id;
	n = end_all(a->vswitch, &filter, WEIR_SESSION_ENDED);
	if (!a->predecessor)
		return n;
	filter.attachment = a->predecessor->id;
	return n + end_all(a->vswitch, &filter, WEIR_SESSION_ENDED);
}

int host_sessions_end(struct weir_attachment *public, weir_port_id port, uint64_t cookie)
{
	struct session_filter filter = { .port = port, .cookie = cookie };

	return (int)end_own((const struct attachment *)public, filter);
}

int host_sessions_end_some(
	struct weir_attachment *public, weir_port_id port, const uint64_t *cookies, size_t n)
{
	struct session_filter filter = { .port = port, .cookies = cookies, .n = n };

	return n ? (int)end_own((const struct attachment *)public, filter) : 0;
}

// ---- Listing

// All policies of a switch's ports, by serial: of those, one may have opened a session.
struct openers {
	const struct policy **policies;
	size_t n;
};

static int by_serial(const void *left, const void *right)
{
	const struct policy *const *a = left, *const *b = right;

	return ((*a)->serial > (*b)->serial) - ((*a)->serial < (*b)->serial);
}

static int openers_find(const struct vswitch *s, struct openers *o)
{
	size_t room = 0;

	for (unsigned i = 0; i < s->n_indices; i++)
		for (const struct policy *p = s->ports[i] ? s->ports[i]->target.policies : NULL; p;
			p = p->next)
			room++;
	o->policies = malloc((room + 1) * sizeof(struct policy *));
	if (!o->policies)
		return -ENOMEM;
	for (unsigned i = 0; i < s->n_indices; i++)
		for (const struct policy *p = s->ports[i] ? s->ports[i]->target.policies : NULL; p;
			p = p->next)
			o->policies[o->n++] = p;
	qsort(o->policies, o->n, sizeof(struct policy *), by_serial);
	return 0;
}

static const char *opener_name(
	const struct openers *o, const struct session *session, const struct port *port)
{
	size_t from = 0, to = o->n;

	while (from < to) {
		size_t at = from + (to - from) / 2;

		if (o->policies[at]->serial < session->cookie)
			from = at + 1;
		else
			to = at;
	}
	for (; from < o->n && o->policies[from]->serial == session->cookie; from++) {
		const struct policy *p = o->policies[from];

		if (session->cookie && attachment_stands_for(p->attachment, session->attachment) &&
			policy_find(&port->target, p->attachment, p->id) == p)
			return p->id;
	}
	return "";
}

struct listing {
	const struct vswitch *vswitch;
	struct openers openers;
	uint64_t now_ns;
	weir_session_row *row;
	void *context;
};

static void show(void *context, const struct session *session)
{
	const struct listing *l = context;
	const struct vswitch *s = l->vswitch;
	const struct reason_names *owner = s->weir->reasons[session->key.w[0] >> 48];
	uint16_t index = (uint16_t)session->port;
	const struct port *port = index < s->n_indices ? s->ports[index] : NULL;
	struct weir_session_end end;
	char key[SESSION_TEXT_SIZE];

	port = port && port->id == session->port ? port : NULL;
	session_describe_end(session, l->now_ns, &end);
	session_format(&end, key, sizeof(key));
	l->row(l->context, &(struct weir_session_info){
				   .switch_name = s->name,
				   .extension = owner ? owner->owner : "",
				   .port = port ? port->name : "",
				   .key = key,
				   .state = session_state_name(session_state(session)),
				   .cookie = session->cookie,
				   .frames = end.frames[WEIR_SESSION_FORWARD],
				   .bytes = end.bytes[WEIR_SESSION_FORWARD],
				   .reverse_frames = end.frames[WEIR_SESSION_REVERSE],
				   .reverse_bytes = end.bytes[WEIR_SESSION_REVERSE],
				   .age_s = (uint32_t)(end.age_ms / 1000),
				   .idle_s = (uint32_t)(end.idle_ms / 1000),
				   .expires_s = session_expires_s(session, l->now_ns),
				   .policy = port ? opener_name(&l->openers, session, port) : "",
			   });
}

int weir_session_list(struct weir *w, const char *switch_name, weir_session_row *row, void *context,
	struct weir_error *error)
{
	struct vswitch *s = vswitch_find(w, switch_name, error);
	struct listing listing = {
		.vswitch = s, .now_ns = weir_now_ns(w), .row = row, .context = context
	};

	if (!s)
		return -ENOENT;
	if (openers_find(s, &listing.openers) < 0)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for the list");
	session_table_list(s->sessions, show, &listing);
	free(listing.openers.policies);
	return 0;
}
