// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The descriptor, and what the core asks for: states of ports, and events.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "capture.schema.h"

// ---- States of ports

static struct known_port *port_get(struct captures *x, const struct weir_target *target)
{
	struct known_port *p = x->ports;

	while (p && p->id != target->port)
		p = p->next;
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return NULL;
		p->id = target->port;
		snprintf(p->name, sizeof(p->name), "%s", target->name);
		p->next = x->ports;
		x->ports = p;
	}
	p->n_states++;
	return p;
}

static void port_put(struct captures *x, struct known_port *port)
{
	struct known_port **link = &x->ports;

	if (--port->n_states > 0)
		return;
	while (*link != port)
		link = &(*link)->next;
	*link = port->next;
	free(port);
}

// The number of the port in the capture's file, -1 when it is not captured.
static int interface_of(const struct capture *c, weir_port_id port)
{
	if (c->phase != CAPTURE_PLACING && c->phase != CAPTURE_RUNNING)
		return -1;
	for (unsigned i = 0; i < c->n_ports; i++)
		if (c->ports[i].id == port && !c->ports[i].gone)
			return (int)i;
	return -1;
}

static unsigned count_feeds(const struct captures *x, weir_port_id port)
{
	unsigned n = 0;

	for (const struct capture *c = x->first; c; c = c->next)
		if (interface_of(c, port) >= 0)
			n += (unsigned)__builtin_popcount(c->stages);
	return n;
}

static int fill_stage(
	const struct captures *x, struct port_state *s, unsigned stage, struct weir_plan *plan)
{
	unsigned n = s->first[stage];

	for (struct capture *c = x->first; c; c = c->next) {
		int interface = interface_of(c, s->port->id);

		if (interface >= 0 && (c->stages & 1u << stage))
			s->feeds[n++] = (struct feed){ c->writer, c, (uint16_t)interface };
	}
	s->first[stage + 1] = (uint8_t)n;
	return n == s->first[stage] ? weir_plan_inactive(plan, (enum weir_stage)stage) : 0;
}

static int prepare(void *instance, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error)
{
	struct captures *x = instance;
	struct port_state *s;
	int failed = 0;

	// The switch itself has no frames.
	if (target->port == WEIR_PORT_NONE)
		return 0;
	s = calloc(1, sizeof(*s) + count_feeds(x, target->port) * sizeof(s->feeds[0]));
	if (s)
		s->port = port_get(x, target);
	if (!s || !s->port) {
		free(s);
		return weir_refuse(
			error, -ENOMEM, NULL, "port %s: no memory for its captures", target->name);
	}
	for (unsigned stage = 0; !failed && stage < WEIR_N_STAGES; stage++)
		failed = fill_stage(x, s, stage, plan);
	if (failed) {
		port_put(x, s->port);
		free(s);
		return weir_refuse(
			error, failed, NULL, "port %s: the host refuses its plan", target->name);
	}
	*prepared = s;
	return 0;
}

static const void *commit(void *instance, void *prepared)
{
	struct port_state *s = prepared;

	(void)instance;
	if (!s)
		return NULL;
	s->port->live = true;
	for (unsigned i = 0; i < s->first[WEIR_N_STAGES]; i++)
		capture_fed(s->feeds[i].capture, s->port->id);
	return s;
}

static void abort_state(void *instance, void *prepared)
{
	struct port_state *s = prepared;

	if (!s)
		return;
	port_put(instance, s->port);
	free(s);
}

static void release(void *instance, const void *state)
{
	struct port_state *s = (struct port_state *)state;

	for (unsigned i = 0; i < s->first[WEIR_N_STAGES]; i++)
		capture_unfed(s->feeds[i].capture);
	port_put(instance, s->port);
	free(s);
}

// ---- Life and events

static int attach(struct weir_attachment *attachment, void **instance, struct weir_error *error)
{
	struct captures *x = calloc(1, sizeof(*x));

	if (!x)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	x->attachment = attachment;
	*instance = x;
	return 0;
}

static void detach(void *instance)
{
	capture_end_all(instance);
	free(instance);
}

static void event(void *instance, const struct weir_event *event)
{
	if (event->kind == WEIR_EVENT_PORT_REMOVED)
		capture_port_gone(instance, event->port);
}

static void timer(void *instance, uint64_t cookie)
{
	capture_due(instance, cookie);
}

WEIR_EXTENSION("capture", WEIR_CLASS_CAPTURE, .version = "1.0",
	.summary = "Writes frames of ports into pcapng files", .schema = weir_schema,
	.schema_size = sizeof(weir_schema), .ingress = capture_decide, .egress = capture_decide,
	.dropped = capture_decide, .visit = capture_visit, .attach = attach, .detach = detach,
	.prepare = prepare, .commit = commit, .abort = abort_state, .release = release,
	.event = event, .timer = timer, .call = captures_call, .call_gone = captures_call_gone);
