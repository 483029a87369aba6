// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A filter with sessions. Ports whose name ends in an even digit are protected: what they send
// opens a session, and they get what belongs to one, or is a request to TCP 22 or UDP 53. What else
// a request says follows from its destination port:
//     7  the session ends after 60 s in any case
//     8  it passes without a session when there is no room
//    10  it is dropped for a reason of the extension's when there is no room
//    11  the session ends after 100 s without a frame, not 20
// The cookie is the destination port. It logs every session that has ended.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <syslog.h>

#include <weir/extension.h>

#ifndef STATEFUL_VERSION
#define STATEFUL_VERSION "1.0"
#endif

enum { DROP_UNSOLICITED, DROP_NO_ROOM, DROP_UNRELATED };

static int attach(struct weir_attachment *attachment, void **instance, struct weir_error *error)
{
	(void)error;
	*instance = attachment;
	return 0;
}

static int prepare(void *instance, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error)
{
	size_t n = strlen(target->name);

	(void)instance;
	(void)error;
	*prepared = NULL;
	if (target->port != WEIR_PORT_NONE && target->name[n - 1] % 2 == 0)
		return 0;
	weir_plan_inactive(plan, WEIR_STAGE_INGRESS);
	return weir_plan_inactive(plan, WEIR_STAGE_EGRESS);
}

static void open_session(const struct weir_flow *flow, struct weir_decision *d)
{
	struct weir_session session = {
		.size = sizeof(session),
		.idle_s = 20,
		.cookie = ntohs(flow->l4_dst),
		.full_reason = DROP_NO_ROOM,
	};

	if (flow->l4_dst == htons(11))
		session.idle_s = 100;
	if (flow->l4_dst == htons(7))
		session.absolute_s = 60;
	if (flow->l4_dst == htons(8))
		session.full = WEIR_SESSION_FULL_PASS;
	if (flow->l4_dst == htons(10))
		session.full = WEIR_SESSION_FULL_REASON;
	weir_session(d, &session);
}

static void ingress(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	struct weir_session_found found;

	(void)state;
	if (weir_session_find(d, &found) == 1)
		weir_explain(d, "session %llu", (unsigned long long)found.cookie);
	else if (weir_session_fits(flow))
		open_session(flow, d);
}

static bool is_served(const struct weir_flow *flow)
{
	return (flow->l4 == WEIR_L4_TCP && flow->l4_dst == htons(22)) ||
	       (flow->l4 == WEIR_L4_UDP && flow->l4_dst == htons(53));
}

static void egress(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	struct weir_session_found found;

	(void)state;
	if (flow->l3 == WEIR_L3_ARP || weir_session_find(d, &found) == 1)
		return;
	if (weir_session_quotes(flow))
		weir_session_related(d, DROP_UNRELATED);
	else if (is_served(flow))
		open_session(flow, d);
	else
		weir_drop(d, DROP_UNSOLICITED);
}

static void session_ended(void *instance, const struct weir_session_end *end)
{
	static const char *const causes[] = { "idle", "expired", "closed", "port-removed", "ended",
		"detached", "replaced" };

	weir_log(instance, LOG_DEBUG,
		STATEFUL_VERSION
		" %s %llu: %u > %u, %llu frames %llu bytes, %llu frames %llu bytes back;",
		causes[end->cause], (unsigned long long)end->cookie, ntohs(end->l4_src),
		ntohs(end->l4_dst), (unsigned long long)end->frames[WEIR_SESSION_FORWARD],
		(unsigned long long)end->bytes[WEIR_SESSION_FORWARD],
		(unsigned long long)end->frames[WEIR_SESSION_REVERSE],
		(unsigned long long)end->bytes[WEIR_SESSION_REVERSE]);
}

// The settings of a port have changed: its sessions end.
static void event(void *instance, const struct weir_event *event)
{
	if (event->kind == WEIR_EVENT_PORT_CHANGED)
		weir_log(instance, LOG_DEBUG, "%d to end;",
			weir_sessions_end(instance, event->port, 0));
}

WEIR_EXTENSION("stateful", WEIR_CLASS_FILTER, .version = STATEFUL_VERSION,
	.summary = "Lets replies in", .reads = WEIR_SESSION_FIELDS,
	.drop_reasons = WEIR_DROP_REASONS({ "unsolicited", "nobody has asked for this" },
		{ "no-room", "there is no room for another session" },
		{ "unrelated", "it is about no session" }),
	.ingress = ingress, .egress = egress, .attach = attach, .prepare = prepare,
	.session_ended = session_ended, .event = event);
