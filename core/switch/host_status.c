// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Statuses: asking extensions what can be observed of a port or switch now.
#include <errno.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/snapshot.h"
#include "switch/attachment.h"
#include "switch/extensions.h"
#include "switch/host.h"
#include "switch/loader.h"
#include "switch/port.h"
#include "switch/schema.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

// One question to one attachment, and who hears the answers.
struct question {
	struct weir_status public; // first
	struct attachment *attachment;
	const struct schema_type *type;
	const char *target;
	weir_policy_row *row;
	void *context;
};

static int status_add(struct weir_status *public, const char *id, const void *bytes, size_t size)
{
	const struct question *q = (const struct question *)public;
	struct extension_counters *c = &q->attachment->counters;
	struct weir_error error;

	if (schema_check(q->type->message, bytes, size, &error) < 0) {
		extension_offend(c, &c->invalid, "status %s: %s", q->type->name, error.message);
		return -EINVAL;
	}
	q->row(q->context, &(struct weir_policy_info){
				   .target = q->target,
				   .extension = q->attachment->descriptor->name,
				   .type = q->type->name,
				   .id = id ? id : "",
				   .bytes = bytes,
				   .size = size,
			   });
	return 0;
}

static const struct weir_status_ops status_ops = {
	.size = sizeof(struct weir_status_ops),
	.add = status_add,
};

// A status that names no target can be asked of either.
static bool fits(const struct schema_type *type, const struct target *t)
{
	return t->port ? type->on_port || !type->on_switch : type->on_switch || !type->on_port;
}

// type: the only one that is asked for, or NULL.
struct listing {
	const struct schema_type *type;
	weir_policy_row *row;
	void *context;
	struct weir_error *error;
};

static int ask(const struct listing *l, struct attachment *a, const struct target *t,
	const struct schema_type *type)
{
	char name[WEIR_NAME_MAX + 8];
	struct question q = {
		.public = { .ops = &status_ops, .type = type->name },
		.attachment = a,
		.type = type,
		.target = name,
		.row = l->row,
		.context = l->context,
	};
	struct weir_error own = { 0 };
	int failed;

	target_name(t, name);
	failed = refusal_tame(
		&own, a->descriptor->status(a->instance, t->port ? t->port->id : WEIR_PORT_NONE,
			      &q.public, &own));
	if (!failed)
		return 0;
	return weir_refuse(l->error, failed, own.field, "extension %s: %.250s", a->descriptor->name,
		own.message[0] ? own.message : strerror(-failed));
}

static int ask_target(const struct listing *l, struct attachment *a, const struct target *t)
{
	const struct weir_schema *schema = extension_schema(a->extension);
	int failed = 0;

	for (size_t i = 0; !failed && i < schema_n_types(schema); i++) {
		const struct schema_type *type = schema_type_at(schema, i);

		if (type->role == SCHEMA_STATUS && (!l->type || type == l->type) && fits(type, t))
			failed = ask(l, a, t, type);
	}
	return failed;
}

static int ask_everywhere(const struct listing *l, struct attachment *a)
{
	struct vswitch *s = a->vswitch;
	int failed = ask_target(l, a, &s->target);

	for (unsigned i = 0; !failed && i < s->n_indices; i++)
		if (s->ports[i])
			failed = ask_target(l, a, &s->ports[i]->target);
	return failed;
}

static int ask_one(const struct listing *l, const struct target *t, const char *extension)
{
	struct attachment *a = attachment_need(t->vswitch, extension, "extension", l->error);

	if (!a)
		return -ENOENT;
	if (l->type && !fits(l->type, t))
		return weir_refuse(l->error, -EINVAL, "target",
			"status %s.%s: is of a %s, not of a %s", extension, l->type->name,
			t->port ? "switch" : "port", t->port ? "port" : "switch");
	return ask_target(l, a, t);
}

static int find_extension(struct weir *w, const char *name, const char *type,
	const struct schema_type **only, struct weir_error *error)
{
	struct extension *extension = extension_loaded(w, name, "extension", error);
	const struct weir_schema *schema = extension ? extension_schema(extension) : NULL;
	const struct schema_message *message;
	struct weir_error own;

	if (!extension)
		return -ENOENT;
	if (!schema || !extension_descriptor(extension)->status)
		return weir_refuse(
			error, -ENOENT, "extension", "extension \"%s\": has no statuses", name);
	*only = NULL;
	if (!type || !*type)
		return 0;
	message = schema_find(schema, SCHEMA_STATUS, type, &own);
	if (!message) {
		if (error)
			*error = own;
		return own.code;
	}
	*only = schema_type_of(message);
	return 0;
}

int weir_status_list(struct weir *w, const char *target, const char *extension, const char *type,
	weir_policy_row *row, void *context, struct weir_error *error)
{
	struct listing l = { .row = row, .context = context, .error = error };
	struct target *only = target ? target_find(w, target, error) : NULL;
	unsigned n = 0;
	int failed;

	if (target && !only)
		return -ENOENT;
	failed = find_extension(w, extension, type, &l.type, error);
	if (failed || only)
		return failed ? failed : ask_one(&l, only, extension);
	for (struct vswitch *s = w->switches; !failed && s; s = s->next) {
		struct attachment *a = attachment_find(s, extension);

		if (a)
			failed = ask_everywhere(&l, a);
		n += a != NULL;
	}
	if (n == 0)
		failed = weir_refuse(error, -ENOENT, "extension",
			"extension \"%s\": is not attached to any switch", extension);
	return failed;
}
