// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Applying a document: which switches there are.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>

#include "switch/apply.h"
#include "switch/document.h"
#include "switch/item.h"
#include "switch/notice.h"
#include "switch/session.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

struct switch_step {
	struct step step;
	struct vswitch *vswitch;
	struct vswitch **link; // removed: where it was
};

static void name(const struct step *step, char *text, size_t size)
{
	snprintf(text, size, "%s", ((const struct switch_step *)step)->vswitch->name);
}

// ---- Removing

static void undo_removal(struct apply *x, struct step *step)
{
	struct switch_step *removal = (struct switch_step *)step;

	(void)x;
	*removal->link = removal->vswitch;
}

static void finish_removal(struct apply *x, struct step *step)
{
	struct switch_step *removal = (struct switch_step *)step;

	(void)x;
	vswitch_end_now(removal->vswitch);
}

static const struct step_class removal_class = { "remove", "switch", name, undo_removal,
	finish_removal };

// Its ports go first, one by one; whoever is on the stack may veto each.
static int plan_removal(struct apply *x, struct vswitch **link)
{
	struct vswitch *s = *link;
	const unsigned n_ports = s->n_ports;
	struct switch_step *removal;
	int failed = 0;

	for (unsigned i = 0; !failed && i < s->n_indices; i++)
		if (s->ports[i])
			failed = plan_port_removal(x, s->ports[i], true);
	if (failed)
		return failed;
	removal = step_add(x, &removal_class, sizeof(*removal));
	if (!removal)
		return -ENOMEM;
	removal->vswitch = s;
	removal->link = link;
	step_say(x, &removal->step, "ports %u, extensions %u", n_ports, s->n_attachments);
	*link = s->next;
	x->queues = true;
	return 0;
}

static bool is_wanted(const struct apply *x, const struct vswitch *s)
{
	return document_find(x->document,
		&(struct weir_item){ .kind = WEIR_ITEM_SWITCH, .switch_name = s->name });
}

int plan_switch_removals(struct apply *x)
{
	struct vswitch **link = &x->weir->switches;
	int failed = 0;

	if (!(x->flags & WEIR_PRUNE))
		return 0;
	while (!failed && *link) {
		struct vswitch *s = *link;

		if (is_wanted(x, s)) {
			link = &s->next;
			continue;
		}
		failed = plan_removal(x, link);
	}
	return failed;
}

// ---- Adding

static void undo_adding(struct apply *x, struct step *step)
{
	struct switch_step *adding = (struct switch_step *)step;

	(void)x;
	vswitch_unlink(adding->vswitch);
	vswitch_discard(adding->vswitch);
}

static void finish_adding(struct apply *x, struct step *step)
{
	struct switch_step *adding = (struct switch_step *)step;

	note_switch(adding->vswitch, false);
	weir_notify(x->weir, "switch-added", adding->vswitch->name, "", "", "switch %s added",
		adding->vswitch->name);
}

static const struct step_class adding_class = { "add", "switch", name, undo_adding, finish_adding };

static struct weir_switch_config config_of(const struct weir_item *item)
{
	return (struct weir_switch_config){
		.size = sizeof(struct weir_switch_config),
		.n_flows = item->vswitch.n_flows,
		.n_sessions = item->vswitch.n_sessions,
		.n_port_sessions = item->vswitch.n_port_sessions,
	};
}

// Those that the document chose.
static void say_sizes(struct apply *x, struct step *step, const struct vswitch *s)
{
	char flows[32] = "", sessions[64] = "";

	if (s->n_flows)
		snprintf(flows, sizeof(flows), "flows %u", s->n_flows);
	if (s->n_sessions || s->n_port_sessions)
		snprintf(sessions, sizeof(sessions), "%ssessions %u, %u at a port",
			*flows ? ", " : "", vswitch_n_sessions(s), vswitch_n_port_sessions(s));
	if (*flows || *sessions)
		step_say(x, step, "%s%s", flows, sessions);
}

static int add(struct apply *x, const struct weir_item *item)
{
	struct weir_switch_config config = config_of(item);
	struct vswitch *s = vswitch_make(x->weir, item->switch_name, &config);
	struct switch_step *adding;
	int failed;

	if (!s)
		return no_memory(x);
	failed = vswitch_link(s, x->error);
	adding = failed ? NULL : step_add(x, &adding_class, sizeof(*adding));
	if (!adding) {
		if (!failed)
			vswitch_unlink(s);
		vswitch_discard(s);
		return failed ? failed : -ENOMEM;
	}
	adding->vswitch = s;
	say_sizes(x, &adding->step, s);
	s->target.made_ids = item->vswitch.made_ids;
	x->queues = true;
	return 0;
}

// What a switch that is there has stays as it is; a document that says nothing of it means that.
static int check_size(
	struct apply *x, const struct vswitch *s, const char *field, unsigned wanted, unsigned has)
{
	if (!wanted || wanted == has)
		return 0;
	return weir_refuse(x->error, -EBUSY, field,
		"%s %u: switch \"%s\" has %u, which only changes by removing and adding it", field,
		wanted, s->name, has);
}

static int check_sizes(struct apply *x, const struct vswitch *s, const struct weir_item *item)
{
	struct weir_switch_config config = config_of(item);
	int failed;

	if (s && !config.n_sessions)
		config.n_sessions = vswitch_n_sessions(s);
	failed = vswitch_check(&config, x->error);
	if (failed || !s)
		return failed;
	failed = check_size(x, s, "flows", config.n_flows, vswitch_n_flows(s));
	if (!failed)
		failed = check_size(x, s, "sessions", config.n_sessions, vswitch_n_sessions(s));
	return failed ? failed
		      : check_size(x, s, "port_sessions", config.n_port_sessions,
				vswitch_n_port_sessions(s));
}

int plan_switches(struct apply *x)
{
	const struct document_entry *entry = x->document->first[WEIR_ITEM_SWITCH];
	int failed = 0;

	for (; !failed && entry; entry = entry->next) {
		const char *wanted = entry->item.switch_name;
		const struct vswitch *s = vswitch_find(x->weir, wanted, NULL);

		failed = s ? 0 : name_check("switch", wanted, x->error);
		if (!failed)
			failed = check_sizes(x, s, &entry->item);
		if (!failed && !s)
			failed = add(x, &entry->item);
		failed = item_refuse(x, entry, failed);
	}
	return failed;
}
