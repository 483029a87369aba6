// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Applying a document: what the ports are connected to.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "nic/nic.h"
#include "switch/apply.h"
#include "switch/document.h"
#include "switch/host.h"
#include "switch/notice.h"
#include "switch/port.h"
#include "switch/port_nic.h"
#include "switch/remark.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"
#include "switch/workers.h"

static bool in_use(enum weir_port_state state)
{
	return state == WEIR_PORT_CONNECTED || state == WEIR_PORT_NIC_LOST;
}

static const char *spec_of(const struct weir_item *item)
{
	return item->port.nic ? item->port.nic : "";
}

static bool is_wanted(const struct weir_item *item)
{
	return *spec_of(item) && !item->port.disconnected;
}

bool nic_differs(const struct port *port, const struct weir_item *item, char text[])
{
	bool other = strcmp(port->nic_spec, spec_of(item)) != 0;
	bool wanted = is_wanted(item);

	if (other)
		step_append(text, "nic", spec_of(item));
	if (wanted != in_use(port->state) && !other)
		step_append(text, "disconnected", wanted ? "no" : "yes");
	return other || wanted != in_use(port->state);
}

// ---- Planning

// The port stays, without a NIC that works; it is one of those that are looked for.
static void lose(struct port_step *step, const char *why)
{
	step->open = false;
	step->port->state = WEIR_PORT_NIC_LOST;
	snprintf(step->port->reason, sizeof(step->port->reason), "%.150s", why);
}

static int ask(struct apply *x, const struct port *port, bool wanted)
{
	struct vswitch *s = port->target.vswitch;
	int failed = 0;

	if (!port->snapshot)
		return 0; // it is new: asked as a whole
	if (in_use(port->state))
		failed = apply_review(x, s, WEIR_EVENT_NIC_DISCONNECTED, port, NULL);
	if (!failed && wanted)
		failed = apply_review(x, s, WEIR_EVENT_NIC_CONNECTED, port, NULL);
	return failed;
}

static void take_away(struct port_step *step, char *spec)
{
	struct port *port = step->port;

	step->spec = port->nic_spec;
	step->old = port->nic;
	step->old_retired = port->nic_retired;
	step->state = port->state;
	memcpy(step->reason, port->reason, sizeof(step->reason));
	step->first_worker = port->first_worker;
	step->nic_after = port->nic_after;
	port->nic_spec = spec;
	port->nic = NULL;
	port->nic_retired = NULL;
	port->reason[0] = '\0';
	port->nic_after = 0;
	port->leaving = true;
	step->nic = true;
}

int nic_plan(struct apply *x, struct port_step *step)
{
	const struct weir_item *item = &step->entry->item;
	struct port *port = step->port;
	bool wanted = is_wanted(item);
	int failed = ask(x, port, wanted), malformed = 0;
	char *spec;

	if (!failed && *spec_of(item))
		malformed = nic_check(spec_of(item), x->error);
	if (failed || (malformed && !restoring(x)))
		return failed ? failed : malformed;
	spec = strdup(spec_of(item));
	if (!spec)
		return no_memory(x);
	take_away(step, spec);
	*x->nics_end = step;
	x->nics_end = &step->next_nic;
	x->queues |= wanted || step->old;
	step->open = wanted;
	port->state = wanted  ? WEIR_PORT_NIC_LOST
		      : *spec ? WEIR_PORT_DISCONNECTED
			      : WEIR_PORT_CREATED;
	if (malformed && wanted)
		lose(step, x->error->message);
	return 0;
}

void nic_undo(struct port_step *step)
{
	struct port *port = step->port;

	if (port->nic) {
		nic_close(port->nic); // no worker has used it
		free(port->nic_retired);
	}
	free(port->nic_spec);
	port->nic_spec = step->spec;
	port->nic = step->old;
	port->nic_retired = step->old_retired;
	port->state = step->state;
	memcpy(port->reason, step->reason, sizeof(port->reason));
	port->first_worker = step->first_worker;
	port->nic_after = step->nic_after;
	port->leaving = false;
}

// ---- Checking all of them

// Who has an interface or a device, or is to have it.
struct claim {
	char what[NIC_CLAIM_SIZE];
	struct port *port;
	struct retired_nic *held; // by a NIC that is going
};

static int by_what(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	return strcmp(x->what, y->what);
}

struct claims {
	size_t n;
	struct claim *list;
};

static void claim(struct claims *c, const char *spec, struct port *port, struct retired_nic *held)
{
	struct claim *claim = &c->list[c->n];

	nic_claim(spec, claim->what);
	if (!claim->what[0])
		return;
	claim->port = port;
	claim->held = held;
	c->n++;
}

static struct port_step *step_of(const struct apply *x, const struct port *port)
{
	for (struct port_step *step = x->nics; step; step = step->next_nic)
		if (step->port == port && in_use(port->state))
			return step;
	return NULL;
}

// Two ports on one interface would each take every frame; of a device there is one only.
static int refuse_second(struct apply *x, struct port *a, struct port *b)
{
	struct port_step *first = step_of(x, a), *second = step_of(x, b);
	char what[NIC_CLAIM_SIZE];

	// The one that the document names later, or names at all.
	if (!second || (first && first->entry->number > second->entry->number)) {
		struct port_step *other = second;
		struct port *port = a;

		second = first;
		first = other;
		a = b;
		b = port;
	}
	if (!second)
		return 0; // it was so before
	nic_claim(b->nic_spec, what);
	weir_refuse(x->error, -EBUSY, "nic", "nic \"%.64s\": port %s of switch %s has the %s",
		b->nic_spec, a->name, a->target.vswitch->name, what);
	if (!restoring(x))
		return item_blame(x, second->entry, -EBUSY);
	lose(second, x->error->message);
	return 0;
}

static int check_claims(struct apply *x, struct claims *c)
{
	int failed = 0;

	for (struct vswitch *s = x->weir->switches; s; s = s->next)
		for (unsigned i = 0; i < s->n_indices; i++)
			if (s->ports[i] && in_use(s->ports[i]->state))
				claim(c, s->ports[i]->nic_spec, s->ports[i], NULL);
	qsort(c->list, c->n, sizeof(*c->list), by_what);
	for (size_t i = 1; !failed && i < c->n; i++)
		if (strcmp(c->list[i - 1].what, c->list[i].what) == 0)
			failed = refuse_second(x, c->list[i - 1].port, c->list[i].port);
	return failed;
}

// Finds who has to wait until what it claims is given up by its present owner.
static void find_waits(struct apply *x, struct claims *c)
{
	c->n = 0;
	for (struct port_step *step = x->nics; step; step = step->next_nic)
		if (step->old)
			claim(c, step->spec, step->port, step->old_retired);
	for (struct port_step *step = x->leaving; step; step = step->next_nic)
		if (step->port->nic)
			claim(c, step->port->nic_spec, step->port, step->old_retired);
	qsort(c->list, c->n, sizeof(*c->list), by_what);
	for (struct port_step *step = x->nics; step; step = step->next_nic) {
		struct claim key = { .port = step->port }, *found;

		nic_claim(step->port->nic_spec, key.what);
		if (!step->open || !key.what[0])
			continue;
		found = bsearch(&key, c->list, c->n, sizeof(*c->list), by_what);
		if (found)
			step->waits_for = found->held;
	}
}

int nics_check(struct apply *x)
{
	struct claims claims = { 0 };
	size_t room = 1;
	int failed;

	if (!x->nics)
		return 0;
	for (struct vswitch *s = x->weir->switches; s; s = s->next)
		room += s->n_ports;
	for (struct port_step *step = x->nics; step; step = step->next_nic)
		room++;
	for (struct port_step *step = x->leaving; step; step = step->next_nic)
		room++;
	claims.list = calloc(room, sizeof(*claims.list));
	if (!claims.list)
		return no_memory(x);
	failed = check_claims(x, &claims);
	if (!failed)
		find_waits(x, &claims);
	free(claims.list);
	return failed;
}

// ---- Opening

static int open_or_try(struct apply *x, struct port *port)
{
	unsigned flags = port->nic_forced ? WEIR_FORCE : 0;

	return x->flags & WEIR_DRY_RUN ? port_try_nic(port, port->nic_spec, flags, x->error)
				       : port_open_nic(port, port->nic_spec, flags, x->error);
}

static int open_one(struct apply *x, struct port_step *step)
{
	struct port *port = step->port;
	int failed;

	if (step->waits_for) {
		snprintf(port->reason, sizeof(port->reason),
			"%.100s: waits until another port has given it up", port->nic_spec);
		return 0;
	}
	failed = open_or_try(x, port);
	port->leaving = true; // not to be polled yet
	if (!failed || failed == -ENOMEM)
		return failed;
	if (!restoring(x) && !(x->flags & WEIR_LOST_NICS))
		return item_blame(x, step->entry, failed);
	lose(step, x->error->message);
	return 0;
}

int nics_open(struct apply *x)
{
	int failed = 0;

	for (struct port_step *step = x->nics; !failed && step; step = step->next_nic)
		if (step->open)
			failed = open_one(x, step);
	return failed;
}

// ---- In force

void nics_force(struct apply *x)
{
	unsigned n = 0;

	for (struct port_step *step = x->nics; step; step = step->next_nic) {
		struct port *port = step->port;

		// None of them is in the workers' lists yet, by which port_open_nic() spreads them.
		port->first_worker = (port->first_worker + n++) % x->weir->n_workers;
		port->leaving = false;
		if (step->old)
			port_end_nic(port, step->old, step->old_retired);
		free(step->spec);
		if (!restoring(x))
			port_remark_nic(port);
	}
	if (x->queues)
		weir_publish_queues_later(x->weir);
}

void nics_wait(struct apply *x)
{
	for (struct port_step *step = x->nics; step; step = step->next_nic)
		if (step->waits_for)
			step->port->nic_after = retired_nic_ending(step->waits_for);
}

void nic_tell(struct port_step *step)
{
	struct port *port = step->port;
	struct vswitch *s = port->target.vswitch;

	if (in_use(step->state)) {
		weir_notify(s->weir, "nic-disconnected", s->name, port->name, "",
			"port %s disconnected", port->name);
		tell(s, WEIR_EVENT_NIC_DISCONNECTED, port, NULL);
	}
	if (port->nic) {
		weir_notify(s->weir, "nic-connected", s->name, port->name, "",
			"port %s connected to %s", port->name, port->nic_spec);
		tell(s, WEIR_EVENT_NIC_CONNECTED, port, NULL);
	} else if (port->state == WEIR_PORT_NIC_LOST) {
		weir_notify(s->weir, "nic-lost", s->name, port->name, "", "port %s has no NIC: %s",
			port->name, port->reason);
		tell(s, WEIR_EVENT_NIC_LOST, port, NULL);
	}
}
