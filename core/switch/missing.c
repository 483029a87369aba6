// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Extensions that are wanted and cannot be had, and the ports that are blocked for them.
//
// A missing one is an attachment without an extension: it has a place on the stack, policies that
// nobody has checked, and a descriptor of no hooks, so that whoever walks the stack need not know.
// One that is there may refuse what it is told of some target: then that target has a refusal in
// place of a state. In both cases frames do not pass unseen by an extension that was to see them,
// unless the attachment is fail_open.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/text.h"
#include "switch/attachment.h"
#include "switch/change.h"
#include "switch/extensions.h"
#include "switch/item.h"
#include "switch/loader.h"
#include "switch/missing.h"
#include "switch/notice.h"
#include "switch/policy.h"
#include "switch/port.h"
#include "switch/remark.h"
#include "switch/stack.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

struct missing {
	struct weir_extension descriptor;
	char name[WEIR_NAME_MAX];
	char reason[BLOCKED_REASON_SIZE];
	char *path;  // NULL: by name
	char *moved; // what it is to be, between missing_move_make() and its end
};

int missing_make(struct attachment *a, const char *name, const char *path, const char *reason)
{
	struct missing *missing = calloc(1, sizeof(*missing));

	if (missing && path)
		missing->path = strdup(path);
	if (!missing || (path && !missing->path)) {
		free(missing);
		return -ENOMEM;
	}
	snprintf(missing->name, sizeof(missing->name), "%s", name);
	snprintf(missing->reason, sizeof(missing->reason), "%s", reason);
	missing->descriptor = (struct weir_extension){
		.size = sizeof(missing->descriptor),
		.name = missing->name,
		.version = "",
		.summary = "",
	};
	a->missing = missing;
	a->descriptor = &missing->descriptor;
	return 0;
}

void missing_free(struct missing *missing)
{
	if (missing)
		free(missing->path);
	free(missing);
}

const char *missing_reason(const struct attachment *a)
{
	const struct target_state *state = target_state_of(&a->vswitch->target, a);

	if (a->missing)
		return a->missing->reason;
	return state && state->refusal ? state->refusal : "";
}

const char *attachment_path(const struct attachment *a)
{
	return a->missing ? a->missing->path : extension_named_path(a->extension);
}

bool attached_anywhere(const struct weir *w, const char *name, bool missing_too)
{
	for (struct vswitch *s = w->switches; s; s = s->next) {
		const struct attachment *a = attachment_find(s, name);

		if (a && (missing_too || !a->missing))
			return true;
	}
	return false;
}

// ---- Another path

static struct attachment *missing_on(struct vswitch *s, const char *name)
{
	struct attachment *a = attachment_find(s, name);

	return a && a->missing ? a : NULL;
}

int missing_move_make(const struct weir *w, const char *name, const char *path)
{
	for (struct vswitch *s = w->switches; s; s = s->next) {
		struct attachment *m = missing_on(s, name);

		if (!m || !path)
			continue;
		m->missing->moved = strdup(path);
		if (!m->missing->moved)
			return -ENOMEM;
	}
	return 0;
}

void missing_move_discard(const struct weir *w, const char *name)
{
	for (struct vswitch *s = w->switches; s; s = s->next) {
		struct attachment *m = missing_on(s, name);

		if (!m)
			continue;
		free(m->missing->moved);
		m->missing->moved = NULL;
	}
}

unsigned missing_move(const struct weir *w, const char *name)
{
	unsigned n = 0;

	for (struct vswitch *s = w->switches; s; s = s->next) {
		struct attachment *m = missing_on(s, name);

		if (!m)
			continue;
		free(m->missing->path);
		m->missing->path = m->missing->moved;
		m->missing->moved = NULL;
		note_attachment(m, false);
		n++;
	}
	return n;
}

// ---- Trying again

static void give_policies(const struct attachment *from, struct attachment *to)
{
	struct vswitch *s = from->vswitch;

	policies_give(&s->target, from, to);
	for (unsigned i = 0; i < s->n_indices; i++)
		if (s->ports[i])
			policies_give(&s->ports[i]->target, from, to);
}

static struct extension *load(const struct attachment *m, bool *loaded, struct weir_error *error)
{
	struct weir *w = m->weir;
	const char *name = m->missing->name;

	*loaded = false;
	if (loader_find(w->loader, name))
		return loader_find(w->loader, name);
	if (weir_extension_load(w, name, m->missing->path, 0, error) < 0)
		return NULL;
	*loaded = true;
	return loader_find(w->loader, name);
}

// Puts one that is there in the place of the missing one, which is off the stack.
static int replace(struct attachment *m, struct extension *extension, int order, unsigned flags,
	struct weir_error *error)
{
	struct vswitch *s = m->vswitch;
	struct wait *wait = attachment_end_make(m);
	struct attachment *a = wait ? attachment_make(s, extension, order, flags) : NULL;
	int failed;

	if (!a) {
		free(wait);
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	}
	give_policies(m, a);
	failed = attachment_enter(a, flags, error);
	if (failed || (flags & WEIR_DRY_RUN)) {
		give_policies(a, m);
		attachment_give_up(a);
		free(wait);
		return failed;
	}
	attachment_end(m, wait);
	note_attachment(a, false);
	weir_notify(s->weir, "extension-attached", s->name, "", a->descriptor->name,
		"extension %s, which was %s, attached to switch %s with order %d",
		a->descriptor->name, m->expelled ? "expelled" : "missing", s->name, a->order);
	return 0;
}

void missing_remark(const struct weir *w, const char *name, bool made)
{
	char buffer[256] = "";
	struct text where = { buffer, sizeof(buffer), 0 };

	for (struct vswitch *s = w->switches; s; s = s->next) {
		const struct attachment *a = attachment_find(s, name);

		if (a && a->missing)
			text_put(&where, "%s%s on %s", where.used ? ", " : "",
				a->expelled ? "expelled" : "missing", s->name);
	}
	if (where.used)
		weir_remark(w, made,
			"extension %s: stays %s; extension attach tries the new version there",
			name, buffer);
}

int missing_retry(struct attachment *m, int order, unsigned flags, struct weir_error *error)
{
	struct vswitch *s = m->vswitch;
	struct weir_error own = { 0 };
	struct extension *extension;
	bool loaded;
	int failed = 0;

	if (m->fail_open)
		flags |= WEIR_FAIL_OPEN;
	if (order == WEIR_ORDER_DEFAULT)
		order = m->order;
	extension = load(m, &loaded, &own);
	stack_unlink(s, m);
	if (!extension)
		failed = own.code;
	if (!failed)
		failed = stack_check(s, extension_descriptor(extension), order, &own);
	if (!failed)
		failed = replace(m, extension, order, flags, &own);
	if (!failed && !(flags & WEIR_DRY_RUN))
		return 0;
	stack_insert(s, m);
	if (loaded)
		extension_unneed(s->weir, extension);
	if (!failed)
		return 0;
	if (!(flags & WEIR_DRY_RUN)) {
		m->expelled = false; // it is missing for another reason now
		snprintf(m->missing->reason, sizeof(m->missing->reason), "%.*s",
			(int)sizeof(m->missing->reason) - 1, own.message);
	}
	if (!extension)
		return weir_refuse(error, failed, own.field,
			"%.300s; to attach it from another file, first extension load %s --path "
			"FILE",
			own.message, m->missing->name);
	return weir_refuse(error, failed, own.field, "%s", own.message);
}

bool attachment_is_refused(const struct attachment *a)
{
	const struct target_state *state = target_state_of(&a->vswitch->target, a);

	return state && state->refusal;
}

int refused_retry(struct attachment *a, unsigned flags, struct weir_error *error)
{
	struct vswitch *s = a->vswitch;
	struct change change = { 0 };
	int failed = change_prepare(&change, a, &s->target, error);

	if (failed)
		return failed;
	failed = change_carry_out(&change, flags, change_publish_target, &s->target);
	if (failed)
		return weir_refuse(error, failed, NULL, "no memory");
	if (flags & WEIR_DRY_RUN)
		return 0;
	weir_notify(s->weir, "extension-attached", s->name, "", a->descriptor->name,
		"extension %s takes its policies of switch %s again", a->descriptor->name, s->name);
	return 0;
}

// ---- Blocked ports

bool port_is_blocked(const struct port *port, char reason[])
{
	struct vswitch *s = port->target.vswitch;

	for (const struct attachment *a = s->attachments; a; a = a->next) {
		const struct target_state *state = target_state_of(&port->target, a);
		const char *why = missing_reason(a);

		if (a->fail_open)
			continue;
		if (!a->missing && !*why && !(state && state->refusal))
			continue;
		if (!*why)
			why = state && state->refusal ? state->refusal : "is missing";
		if (reason)
			snprintf(reason, BLOCKED_REASON_SIZE, "extension %s: %.*s",
				a->descriptor->name, BLOCKED_REASON_SIZE / 2 + 80, why);
		return true;
	}
	return false;
}

void port_tell_blocked(const struct port *port)
{
	struct vswitch *s = port->target.vswitch;
	char reason[BLOCKED_REASON_SIZE];

	if (port_is_blocked(port, reason))
		weir_notify(s->weir, "port-blocked", s->name, port->name, "",
			"port %s passes nothing: %s", port->name, reason);
	else
		weir_notify(s->weir, "port-unblocked", s->name, port->name, "",
			"port %s passes frames again", port->name);
}
