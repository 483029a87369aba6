// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Telling how a decision comes about: a second table of decision operations, each of which calls
// that of decision.c and tells what came of it. Nobody who does not trace passes through here.
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "datapath/composer.h"

enum { LINE_SIZE = 256 };

static struct composer *composer(struct weir_decision *decision)
{
	return (struct composer *)decision;
}

void composer_vtell(struct composer *c, enum weir_stage stage, enum compose_action action,
	uint32_t value, const char *format, va_list arguments)
{
	struct compose_trace *trace = c->context->trace;
	char line[LINE_SIZE];

	vsnprintf(line, sizeof(line), format, arguments);
	trace->n_refused += action == COMPOSE_REFUSED;
	trace->n_decided += action != COMPOSE_EXPLAIN;
	trace->tell(trace, &(struct compose_step){ .port = c->port,
				   .stage = stage,
				   .hook = c->hook,
				   .action = action,
				   .value = value,
				   .text = line });
}

void composer_tell(struct composer *c, enum weir_stage stage, enum compose_action action,
	uint32_t value, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	composer_vtell(c, stage, action, value, format, arguments);
	va_end(arguments);
}

void composer_trace_call(struct composer *c, const struct hook *hook,
	void (*call)(struct composer *c, const struct hook *hook))
{
	c->context->trace->n_decided = 0;
	call(c, hook);
	if (c->context->trace->n_decided == 0)
		composer_tell(c, hook->stage, COMPOSE_PASS, 0, "%s", "");
	c->hook = NULL; // what follows is the core's
}

const char *composer_port_name(const struct composer *c, uint32_t id)
{
	const struct snapshot_port *port = snapshot_port(c->context->snapshot, (uint16_t)id);

	return port ? port->name : "";
}

// ---- What extensions say

// Before an operation is recorded: false, and told, when the hook has no say any more.
static bool begin(struct composer *c, unsigned *n_refused)
{
	*n_refused = c->context->trace->n_refused;
	return !c->hook_ended;
}

// Behind it: told, unless that was a refusal.
__attribute__((format(printf, 6, 7))) static void end(struct composer *c, bool counts,
	unsigned n_refused, enum compose_action action, uint32_t value, const char *format, ...)
{
	va_list arguments;

	if (c->context->trace->n_refused != n_refused)
		return;
	va_start(arguments, format);
	composer_vtell(
		c, c->hook->stage, counts ? action : COMPOSE_IGNORED, value, format, arguments);
	va_end(arguments);
}

static void trace_drop(struct weir_decision *d, unsigned reason)
{
	struct composer *c = composer(d);
	unsigned n_refused;
	bool counts = begin(c, &n_refused);

	composer_decision_ops.drop(d, reason);
	end(c, counts, n_refused, COMPOSE_DROP, entry_reason(c->hook->entry, reason), "%s",
		counts ? "" : "drop");
}

static void trace_exclude(struct weir_decision *d, unsigned reason)
{
	struct composer *c = composer(d);
	unsigned n_refused;
	bool counts = begin(c, &n_refused);

	composer_decision_ops.exclude(d, reason);
	end(c, counts, n_refused, COMPOSE_EXCLUDE, entry_reason(c->hook->entry, reason), "%s",
		counts ? "" : "exclude");
}

static void set_text(uint64_t field, const void *value, size_t size, char *text, size_t text_size)
{
	uint16_t id;
	struct op op;

	if (field == WEIR_FIELD_VLAN_ID && size == sizeof(id)) {
		memcpy(&id, value, sizeof(id));
		snprintf(text, text_size, id ? "set-vlan %u" : "pop-vlan", id);
	} else if (field == WEIR_FIELD_VLAN_PCP && size == 1) {
		snprintf(text, text_size, "set-pcp %u", *(const uint8_t *)value);
	} else {
		op = composer_set_op(field, value, size);
		program_format(&op, 1, NULL, text, text_size);
	}
}

static void trace_set(struct weir_decision *d, uint64_t field, const void *value, size_t size)
{
	struct composer *c = composer(d);
	char text[LINE_SIZE] = "";
	unsigned n_refused;
	bool counts = begin(c, &n_refused);

	composer_decision_ops.set(d, field, value, size);
	// What was refused may have any size.
	if (c->context->trace->n_refused == n_refused)
		set_text(field, value, size, text, sizeof(text));
	end(c, counts, n_refused, COMPOSE_SET, 0, "%s", text);
}

static void trace_meter(struct weir_decision *d, uint32_t meter)
{
	struct composer *c = composer(d);
	unsigned n_refused;
	bool counts = begin(c, &n_refused);

	composer_decision_ops.meter(d, meter);
	end(c, counts, n_refused, COMPOSE_METER, meter, "%s", counts ? "" : "meter");
}

static void trace_visit(struct weir_decision *d, uint8_t tcp_flags)
{
	struct composer *c = composer(d);
	const char *then = c->hook->entry->extension->class == WEIR_CLASS_CAPTURE
				   ? ""
				   : ", and may drop or change it: what follows is for what it "
				     "lets pass as it is";
	unsigned n_refused;
	bool counts = begin(c, &n_refused);

	composer_decision_ops.visit(d, tcp_flags);
	if (tcp_flags)
		end(c, counts, n_refused, COMPOSE_VISIT, 0,
			"frames with any of the TCP flags 0x%02x%s", tcp_flags, then);
	else
		end(c, counts, n_refused, COMPOSE_VISIT, 0, "every frame%s", then);
}

static void trace_copy(struct weir_decision *d, uint32_t sink, uint32_t one_in)
{
	struct composer *c = composer(d);
	unsigned n_refused;
	bool counts = begin(c, &n_refused);

	composer_decision_ops.copy(d, sink, one_in);
	if (one_in == 1)
		end(c, counts, n_refused, COMPOSE_COPY, 0, "to %s", composer_port_name(c, sink));
	else
		end(c, counts, n_refused, COMPOSE_COPY, 0, "1 in %u to %s", one_in,
			composer_port_name(c, sink));
}

static void trace_forward(struct weir_decision *d, weir_port_id port)
{
	struct composer *c = composer(d);
	unsigned n_refused;
	bool counts = begin(c, &n_refused);

	composer_decision_ops.forward(d, port);
	end(c, counts, n_refused, COMPOSE_FORWARD, 0, "to %s", composer_port_name(c, port));
}

static void trace_flood(struct weir_decision *d)
{
	struct composer *c = composer(d);
	unsigned n_refused;
	bool counts = begin(c, &n_refused);

	composer_decision_ops.flood(d);
	end(c, counts, n_refused, COMPOSE_FLOOD, 0, "%s", "to every port of its VLAN");
}

static void trace_native(struct weir_decision *d)
{
	struct composer *c = composer(d);
	unsigned n_refused;
	bool counts = begin(c, &n_refused);

	composer_decision_ops.native(d);
	end(c, counts, n_refused, COMPOSE_NATIVE, 0, "%s", "as without an extension that forwards");
}

static void trace_police(struct weir_decision *d, uint32_t policer)
{
	struct composer *c = composer(d);
	unsigned n_refused;
	bool counts = begin(c, &n_refused);

	composer_decision_ops.police(d, policer);
	end(c, counts, n_refused, COMPOSE_POLICE, policer, "%s", counts ? "" : "police");
}

static void trace_police_as(struct weir_decision *d, uint32_t policer, unsigned reason)
{
	struct composer *c = composer(d);
	unsigned n_refused;
	bool counts = begin(c, &n_refused);

	composer_decision_ops.police_as(d, policer, reason);
	end(c, counts, n_refused, COMPOSE_POLICE, policer, "%s", counts ? "" : "police");
}

static int trace_session_find(struct weir_decision *d, struct weir_session_found *found)
{
	struct composer *c = composer(d);
	unsigned n_refused;
	bool counts = begin(c, &n_refused);
	int result = composer_decision_ops.session_find(d, found);
	const char *way = result <= 0                                ? "there is none"
			  : found->direction == WEIR_SESSION_FORWARD ? "found, forward"
								     : "found, reverse";

	end(c, counts, n_refused, COMPOSE_SESSION, 0, "%s", way);
	return result;
}

static void trace_session_related(struct weir_decision *d, unsigned reason)
{
	struct composer *c = composer(d);
	unsigned n_refused;
	bool counts = begin(c, &n_refused);

	composer_decision_ops.session_related(d, reason);
	end(c, counts, n_refused, COMPOSE_SESSION, 0,
		"passes what quotes a packet of one, drops the rest");
}

static void session_text(const struct composer *c, uint32_t idle_s, char *text, size_t size)
{
	const struct session_use *use = composer_session_of(c);
	uint8_t flags = c->context->trace->tcp_flags;
	uint32_t first_s = session_first_idle_s(idle_s, flags);

	if (use && use->kind == SESSION_USE_OPEN && first_s < idle_s && !(flags & TH_RST))
		snprintf(text, size,
			"opened by the first frame, for %u s after the last, once the connection "
			"is established for %u s",
			first_s, idle_s);
	else if (use && use->kind == SESSION_USE_OPEN)
		snprintf(text, size, "opened by the first frame, for %u s after the last", first_s);
	else if (use && use->kind == SESSION_USE_HOLD)
		snprintf(text, size, "there is one already");
	else if (use && use->kind == SESSION_USE_ROOM)
		snprintf(text, size, "not opened: there is no room");
	else
		snprintf(text, size, "not opened: such a flow has none");
}

static void trace_session(struct weir_decision *d, const struct weir_session *session)
{
	struct composer *c = composer(d);
	char text[LINE_SIZE] = "session";
	unsigned n_refused;
	bool counts = begin(c, &n_refused);

	composer_decision_ops.session(d, session);
	if (counts)
		session_text(c, session->idle_s, text, sizeof(text));
	end(c, counts, n_refused, COMPOSE_SESSION, 0, "%s", text);
	if (!counts || !c->hook_ended)
		return;
	// For lack of room.
	if (key_bits(c->key.w[0], KEY_FRAGMENT_SHIFT, 2) == WEIR_FRAGMENT_FIRST)
		composer_tell(c, c->hook->stage, COMPOSE_FRAGMENT, 0, "%s",
			"remembered: later ones of its datagram are dropped, too");
	composer_tell(c, c->hook->stage, COMPOSE_DROP, c->drop_reason, "%s", "");
}

static void verdict_text(
	const struct composer *c, const struct weir_fragment_verdict *v, char *text, size_t size)
{
	const struct weir_extension *extension = c->hook->entry->extension;

	if (v->verdict == WEIR_FRAGMENT_DROP)
		snprintf(text, size, "dropped as %s", extension->drop_reasons[v->reason].token);
	else if (v->verdict == WEIR_FRAGMENT_POLICE)
		snprintf(text, size, "passed by policer");
	else
		snprintf(text, size, "passed");
}

static void trace_fragment(struct weir_decision *d, const struct weir_fragment_verdict *verdict,
	void (*say)(struct weir_decision *, const struct weir_fragment_verdict *), const char *what)
{
	struct composer *c = composer(d);
	char text[LINE_SIZE] = "";
	unsigned n_refused;
	bool counts = begin(c, &n_refused);

	say(d, verdict);
	// What was refused, or came too late to be looked at, may have any reason.
	if (counts && c->context->trace->n_refused == n_refused)
		verdict_text(c, verdict, text, sizeof(text));
	end(c, counts, n_refused, COMPOSE_FRAGMENT,
		verdict->verdict == WEIR_FRAGMENT_POLICE ? verdict->policer + 1 : 0, "%s %s", what,
		text);
}

static void trace_fragment_remember(
	struct weir_decision *d, const struct weir_fragment_verdict *verdict)
{
	trace_fragment(d, verdict, composer_decision_ops.fragment_remember,
		"remembered: later ones of its datagram are");
}

static void trace_fragment_follow(
	struct weir_decision *d, const struct weir_fragment_verdict *unknown)
{
	trace_fragment(d, unknown, composer_decision_ops.fragment_follow,
		"treated as the first one of its datagram; unless that is remembered,");
}

static void trace_egress_class(struct weir_decision *d, uint8_t class)
{
	struct composer *c = composer(d);
	unsigned n_refused;
	bool counts = begin(c, &n_refused);

	composer_decision_ops.egress_class(d, class);
	end(c, counts, n_refused, COMPOSE_CLASS, class, "egress class %u", class);
}

void compose_trace_init(struct compose_trace *trace,
	void (*tell)(struct compose_trace *trace, const struct compose_step *step))
{
	struct weir_decision_ops ops = composer_decision_ops;

	ops.drop = trace_drop;
	ops.exclude = trace_exclude;
	ops.set = trace_set;
	ops.meter = trace_meter;
	ops.visit = trace_visit;
	ops.copy = trace_copy;
	ops.forward = trace_forward;
	ops.flood = trace_flood;
	ops.native = trace_native;
	ops.police = trace_police;
	ops.police_as = trace_police_as;
	ops.session = trace_session;
	ops.session_find = trace_session_find;
	ops.session_related = trace_session_related;
	ops.fragment_remember = trace_fragment_remember;
	ops.fragment_follow = trace_fragment_follow;
	// A service that the host does not have stays NULL.
	ops.egress_class = ops.egress_class ? trace_egress_class : NULL;
	*trace = (struct compose_trace){ .tell = tell, .ops = ops };
}
