// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The steps of a document being applied, and how its refusals are told.
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "switch/apply.h"
#include "switch/arena.h"
#include "switch/document.h"
#include "switch/host.h"
#include "switch/notice.h"
#include "switch/port.h"
#include "switch/target.h"
#include "switch/vswitch.h"

// ---- Steps

void *step_add(struct apply *x, const struct step_class *class, size_t size)
{
	struct step *step = arena_alloc(&x->arena, size);

	if (!step) {
		no_memory(x);
		return NULL;
	}
	step->class = class;
	step->previous = x->last;
	if (x->last)
		x->last->next = step;
	else
		x->first = step;
	x->last = step;
	return step;
}

void step_say(struct apply *x, struct step *step, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	step->text = arena_text(&x->arena, text);
}

void step_append(char text[], const char *what, const char *value)
{
	size_t n = strlen(text);

	snprintf(text + n, STEP_TEXT_SIZE - n, "%s%s %.100s", n ? ", " : "", what,
		value && *value ? value : "none");
}

void steps_undo(struct apply *x)
{
	for (struct step *step = x->last; step; step = step->previous)
		if (step->class->undo)
			step->class->undo(x, step);
}

void steps_finish(struct apply *x)
{
	for (struct step *step = x->first; step; step = step->next)
		if (step->class->finish)
			step->class->finish(x, step);
}

void steps_show(const struct apply *x)
{
	char name[STEP_NAME_SIZE];

	for (const struct step *step = x->first; x->row && step; step = step->next) {
		struct weir_difference difference = {
			.action = step->class->action,
			.object = step->class->object,
			.name = name,
			.text = step->text ? step->text : "",
		};

		if (!step->class->name)
			continue;
		step->class->name(step, name, sizeof(name));
		x->row(x->context, &difference);
	}
}

// ---- Refusals

struct left_out {
	struct step step;
	const struct weir_item *item;
};

static const char *const objects[N_ITEM_KINDS] = { [WEIR_ITEM_SWITCH] = "switch",
	[WEIR_ITEM_EXTENSION] = "extension",
	[WEIR_ITEM_PORT] = "port",
	[WEIR_ITEM_POLICY] = "policy",
	[WEIR_ITEM_FDB] = "fdb",
	[WEIR_ITEM_METER] = "meter",
	[WEIR_ITEM_SAVED] = "saved" };

static void name_item(const struct weir_item *item, char *text, size_t size)
{
	switch (item->kind) {
	case WEIR_ITEM_SWITCH:
		snprintf(text, size, "%s", item->switch_name);
		break;
	case WEIR_ITEM_EXTENSION:
		snprintf(text, size, "%.64s %.64s", item->switch_name, item->name);
		break;
	case WEIR_ITEM_PORT:
		snprintf(text, size, "%.64s", item->name);
		break;
	case WEIR_ITEM_FDB:
		snprintf(text, size, "%.64s %.32s %u", item->switch_name, item->fdb.mac,
			item->fdb.vlan);
		break;
	case WEIR_ITEM_POLICY:
		snprintf(
			text, size, "%.64s %.64s %.64s", item->target, item->name, item->policy.id);
		break;
	default:
		snprintf(text, size, "%.64s %.64s", item->target, item->name);
		break;
	}
}

static void left_out_name(const struct step *step, char *text, size_t size)
{
	name_item(((const struct left_out *)step)->item, text, size);
}

static void left_out_finish(struct apply *x, struct step *step)
{
	const struct weir_item *item = ((struct left_out *)step)->item;
	char name[STEP_NAME_SIZE];

	name_item(item, name, sizeof(name));
	weir_notify(x->weir, "item-left-out", item->switch_name ? item->switch_name : "", "", "",
		"%s %s: %s", objects[item->kind], name, step->text ? step->text : "");
}

// By the item's kind: what a row says of it.
static const struct step_class left_out_classes[N_ITEM_KINDS] = {
#define LEFT_OUT(kind, what)                                                                       \
	[kind] = { "add", what, .name = left_out_name, .finish = left_out_finish }
	LEFT_OUT(WEIR_ITEM_SWITCH, "switch"),
	LEFT_OUT(WEIR_ITEM_EXTENSION, "extension"),
	LEFT_OUT(WEIR_ITEM_PORT, "port"),
	LEFT_OUT(WEIR_ITEM_POLICY, "policy"),
	LEFT_OUT(WEIR_ITEM_FDB, "fdb"),
	LEFT_OUT(WEIR_ITEM_METER, "meter"),
	LEFT_OUT(WEIR_ITEM_SAVED, "saved"),
#undef LEFT_OUT
};

int item_blame(struct apply *x, const struct document_entry *entry, int failed)
{
	char field[sizeof(x->error->field)];

	if (!entry || failed == -ENOMEM || !failed)
		return failed;
	snprintf(field, sizeof(field), "items[%zu]%s%.32s", entry->number,
		x->error->field[0] ? "." : "", x->error->field);
	memcpy(x->error->field, field, sizeof(field));
	return failed;
}

int item_refuse(struct apply *x, const struct document_entry *entry, int failed)
{
	struct left_out *out;

	if (!restoring(x) || failed == -ENOMEM || !failed)
		return item_blame(x, entry, failed);
	out = step_add(x, &left_out_classes[entry->item.kind], sizeof(*out));
	if (!out)
		return -ENOMEM;
	out->item = &entry->item;
	step_say(x, &out->step, "left out: %s", x->error->message);
	*x->error = (struct weir_error){ 0 };
	return 0;
}

// What is not there may have been before.
static void explain_absence(struct apply *x)
{
	size_t n = strlen(x->error->message);

	if (x->flags & WEIR_PRUNE)
		snprintf(x->error->message + n, sizeof(x->error->message) - n,
			" in the document, which removes what it does not name");
}

struct vswitch *apply_find_switch(struct apply *x, const char *name)
{
	struct vswitch *s = vswitch_find(x->weir, name, x->error);

	if (!s)
		explain_absence(x);
	return s;
}

struct port *apply_find_port(struct apply *x, const char *name)
{
	struct port *port = port_find(x->weir, name, x->error);

	if (!port)
		explain_absence(x);
	return port;
}

struct target *apply_find_target(struct apply *x, const char *name)
{
	struct target *t = target_find(x->weir, name, x->error);

	if (!t)
		explain_absence(x);
	return t;
}

int no_memory(struct apply *x)
{
	return weir_refuse(x->error, -ENOMEM, NULL, "no memory to apply the document");
}

int apply_review(struct apply *x, struct vswitch *s, enum weir_event_kind kind,
	const struct port *port, const char *extension)
{
	return restoring(x) ? 0 : review(s, kind, port, extension, x->error);
}
