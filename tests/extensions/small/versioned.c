// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A filter in several versions, all called "versioned", to replace one another. It drops what its
// policies say, meters and polices the rest, and counts by what it saves, per switch and port, how
// often it was replaced. Versions 1 and 2 save that in different layouts, and say their drop
// reasons in different orders. Others are wrong in one way each (VERSIONED_WRONG). It logs its
// life:
//     "1.0 attached", "2.0 takes 1 of the switch by layout 1", "1.0 forgets", "1.0 detached"
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <weir/extension.h>

#include VERSIONED_PB
#include VERSIONED_SCHEMA

#ifndef VERSIONED_CLASS
#define VERSIONED_CLASS WEIR_CLASS_FILTER
#endif
#ifndef VERSIONED_WRONG
#define VERSIONED_WRONG 0
#endif

enum { PORTS = 16, POLICIES = 64, TIMER_MS = 5000 };
// Nobody reaches it: with the greatest burst that is a second's at version 1.
#define RATE_BPS UINT64_C(8000000000)

enum { WRONG_ATTACH = 1, WRONG_RESTORE, WRONG_PREPARE, WRONG_SAVE, WRONG_LATER, WRONG_OFFEND };

#if VERSIONED_LAYOUT == 1
#define VERSION "1.0"
enum { DROP_UNWANTED, DROP_OLD };
#define REASONS                                                                                    \
	{ "unwanted", "nobody wants it" },                                                         \
	{                                                                                          \
		"old", "only version 1 knows this"                                                 \
	}
#else
#define VERSION "2.0"
enum { DROP_NEW, DROP_UNWANTED };
#define REASONS                                                                                    \
	{ "new", "only version 2 knows this" },                                                    \
	{                                                                                          \
		"unwanted", "nobody wants it now"                                                  \
	}
#endif

struct versioned {
	struct weir_attachment *attachment;
	uint32_t replaced[1 + PORTS]; // by target: the switch, ports by index
};

struct port_state {
	uint32_t meter, policer;
	unsigned n;
	uint16_t l4_dst[POLICIES]; // network order
};

static int attach(struct weir_attachment *attachment, void **instance, struct weir_error *error)
{
	struct versioned *v = calloc(1, sizeof(*v));

	if (!v)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	v->attachment = attachment;
	weir_log(attachment, LOG_DEBUG, VERSION " attached");
	if (VERSIONED_WRONG == WRONG_ATTACH) {
		free(v);
		return weir_refuse(error, -EIO, NULL, "it does not like it here");
	}
	weir_timer(attachment, 1, TIMER_MS);
	*instance = v;
	return 0;
}

static void detach(void *instance)
{
	struct versioned *v = instance;

	weir_log(v->attachment, LOG_DEBUG, VERSION " detached");
	free(v);
}

static int fill(struct port_state *state, const struct weir_target *target)
{
	for (size_t i = 0; i < target->n_policies && i < POLICIES; i++) {
		Versioned__Versioned *m = versioned__versioned__unpack(
			NULL, target->policies[i].size, target->policies[i].bytes);

		if (!m)
			return -ENOMEM;
		state->l4_dst[state->n++] = htons((uint16_t)m->l4_dst);
		versioned__versioned__free_unpacked(m, NULL);
	}
	return 0;
}

static int prepare(void *instance, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error)
{
	struct port_state *state = calloc(1, sizeof(*state));
	int failed = state ? 0 : -ENOMEM;

	(void)instance;
	if (!failed && target->port != WEIR_PORT_NONE) {
		failed = weir_plan_meter(plan, "all", &state->meter);
		if (!failed)
			failed = weir_plan_policer(plan, "all", RATE_BPS * VERSIONED_LAYOUT,
				WEIR_POLICER_BURST_MAX_BYTES, &state->policer);
	}
	if (!failed)
		failed = fill(state, target);
	// The second port's, so that others have been prepared.
	if (!failed && VERSIONED_WRONG == WRONG_PREPARE && strcmp(target->name, "p1") == 0)
		failed = weir_refuse(error, -EINVAL, NULL, "p1 is not for it");
	if (failed)
		free(state);
	else
		*prepared = state;
	return failed;
}

static void release(void *instance, const void *state)
{
	struct versioned *v = instance;

	if (state)
		weir_log(v->attachment, LOG_DEBUG, VERSION " forgets");
	free((void *)state);
}

static void decide(const void *opaque, const struct weir_flow *flow, struct weir_decision *d)
{
	const struct port_state *state = opaque;

	if (VERSIONED_WRONG == WRONG_OFFEND) // destinations are excluded at stage egress
		weir_exclude(d, DROP_UNWANTED);
	for (unsigned i = 0; i < state->n; i++) {
		if (state->l4_dst[i] != flow->l4_dst)
			continue;
#if VERSIONED_LAYOUT == 1
		weir_drop(d, flow->l4_dst == htons(1) ? DROP_OLD : DROP_UNWANTED);
#else
		weir_drop(d, flow->l4_dst == htons(2) ? DROP_NEW : DROP_UNWANTED);
#endif
		return;
	}
	weir_meter(d, state->meter);
	weir_police(d, state->policer);
	weir_visit(d, 0);
}

// Marks the frames with the version that has seen them.
static void visit(const void *state, struct weir_visit *v)
{
	(void)state;
	for (unsigned i = 0; i < v->n; i++) {
		struct weir_frame *frame = weir_visit_edit(v, i);

		if (frame)
			frame->data[frame->linear - 1] = VERSIONED_LAYOUT;
	}
}

static void timer(void *instance, uint64_t cookie)
{
	struct versioned *v = instance;

	weir_log(v->attachment, LOG_DEBUG, VERSION " timer %u", (unsigned)cookie);
}

// ---- What it saves

static unsigned index_of(weir_port_id port)
{
	return port == WEIR_PORT_NONE ? 0 : 1 + (port & 0xffff) % PORTS;
}

static int save(void *instance, weir_port_id port, struct weir_save *s, struct weir_error *error)
{
	const struct versioned *v = instance;
	uint32_t replaced = v->replaced[index_of(port)];
	char text[32];

	if (VERSIONED_WRONG == WRONG_SAVE)
		return weir_refuse(error, -EIO, NULL, "it is too shy");
	if (VERSIONED_LAYOUT == 1)
		return weir_save_write(s, &replaced, sizeof(replaced));
	snprintf(text, sizeof(text), "replaced %u times", replaced);
	return weir_save_write(s, text, strlen(text));
}

static int restore(void *instance, weir_port_id port, uint32_t layout, const void *bytes,
	size_t size, struct weir_error *error)
{
	struct versioned *v = instance;
	char text[32] = "";
	uint32_t replaced = 0;

	if (VERSIONED_WRONG == WRONG_RESTORE)
		return weir_refuse(error, -EINVAL, NULL, "layout %u: it knows only 7", layout);
	if (layout == 1 && size == sizeof(replaced))
		memcpy(&replaced, bytes, size);
	else if (layout == 2 && size < sizeof(text))
		sscanf(memcpy(text, bytes, size), "replaced %u times", &replaced);
	else
		return weir_refuse(error, -EINVAL, NULL, "layout %u: must be 1 or 2", layout);
	v->replaced[index_of(port)] = replaced + 1;
	weir_log(v->attachment, LOG_DEBUG, VERSION " takes %u of %s by layout %u", replaced,
		port == WEIR_PORT_NONE ? "the switch" : "a port", layout);
	// A port that was there before.
	if (VERSIONED_WRONG == WRONG_LATER && port != WEIR_PORT_NONE && (port & 0xffff) == 1)
		return weir_refuse(error, -EINVAL, NULL, "it is full");
	return 0;
}

WEIR_EXTENSION("versioned", VERSIONED_CLASS, .version = VERSION,
	.summary = "Takes the place of itself", .reads = WEIR_FIELD_L4_DST,
	.drop_reasons = WEIR_DROP_REASONS(REASONS
#ifdef VERSIONED_TWINS
		,
		REASONS
#endif
		),
	.schema = weir_schema, .schema_size = sizeof(weir_schema), .ingress = decide,
	.visit = visit, .attach = attach, .detach = detach, .prepare = prepare, .release = release,
	.timer = timer, .save = save, .restore = restore, .save_version = VERSIONED_LAYOUT);
