// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "switch/attachment.h"
#include "switch/change.h"
#include "switch/extensions.h"
#include "switch/host.h"
#include "switch/item.h"
#include "switch/loader.h"
#include "switch/notice.h"
#include "switch/policy.h"
#include "switch/port.h"
#include "switch/schema.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

// Makes an id that has never been given out here; returns its number, which is taken when the
// policy is added.
static unsigned make_id(
	const struct target *t, const struct attachment *a, char id[/* POLICY_ID_SIZE */])
{
	unsigned number = t->made_ids;

	do
		snprintf(id, POLICY_ID_SIZE, "%u", ++number);
	while (policy_find(t, a, id));
	return number;
}

// The number of an id that was made for the target will not be made again, now and after a restart.
static void take_id(struct target *t, unsigned number)
{
	t->made_ids = number;
	if (t->port)
		note_port(t->port, false);
	else
		note_switch(t->vswitch, false);
}

static struct attachment *attached(
	const struct target *t, const char *extension, struct weir_error *error)
{
	return attachment_need(t->vswitch, extension, "extension", error);
}

struct policy *policy_make(struct attachment *a, const struct schema_type *type, const char *id,
	const void *bytes, size_t size)
{
	struct policy *p = malloc(sizeof(*p) + size);

	if (!p)
		return NULL;
	*p = (struct policy){ .attachment = a, .type = type->name, .size = size };
	snprintf(p->id, sizeof(p->id), "%s", id);
	if (size)
		memcpy(p->bytes, bytes, size);
	return p;
}

struct policy *policy_make_unchecked(
	struct attachment *a, const char *type, const char *id, const void *bytes, size_t size)
{
	size_t type_size = strlen(type) + 1;
	struct policy *p = malloc(sizeof(*p) + size + type_size);

	if (!p)
		return NULL;
	*p = (struct policy){ .attachment = a, .unchecked = true, .size = size };
	snprintf(p->id, sizeof(p->id), "%s", id);
	if (size)
		memcpy(p->bytes, bytes, size);
	p->type = memcpy(p->bytes + size, type, type_size);
	return p;
}

// One policy less, where the extension does not take what there is: what it says of the rest is
// known afterwards, and no reason to keep the one.
static int prepare_fewer(struct change *change, struct target *t, struct attachment *a)
{
	struct weir_error why;
	int refused = change_prepare_or_refuse(change, a, t, &why);

	return refused < 0 ? refused : 0;
}

// Has the extension prepare for the policies that the target's list now holds, and puts that in
// force.
static int carry_out(struct target *t, struct attachment *a, bool fewer, unsigned flags,
	struct weir_error *error)
{
	const struct target_state *before = target_state_of(t, a);
	struct change change = { 0 };
	int failed = review(
		t->vswitch, WEIR_EVENT_POLICY_CHANGED, t->port, a->descriptor->name, error);

	if (failed)
		return failed;
	if (fewer && before && before->refusal)
		failed = prepare_fewer(&change, t, a);
	else
		failed = change_prepare(&change, a, t, error);
	if (failed)
		return failed;
	failed = change_carry_out(&change, flags, change_publish_target, t);
	return failed ? weir_refuse(error, failed, NULL, "no memory") : 0;
}

// Who adds one of another type means another one, or has forgotten what the id is of: it does not
// take the place of what stands there. One of the same type does, as a whole, and keeps its meter
// and its policer.
static int check_replaced(const struct target *t, const struct policy *before,
	const struct schema_type *type, struct weir_error *error)
{
	const char *extension = policy_extension(before);
	char target[WEIR_NAME_MAX + 8];

	// That of an unchecked one may not have been said.
	if (!*before->type || strcmp(before->type, type->name) == 0)
		return 0;
	target_name(t, target);
	return weir_refuse(error, -EEXIST, "id",
		"id \"%s\": is that of a policy %s.%s on %s, which one of type %s does not "
		"replace: "
		"remove it, or give another id",
		before->id, extension, before->type, target, type->name);
}

int weir_policy_schema(struct weir *w, const char *target, const char *extension,
	const void **bytes, size_t *size, struct weir_error *error)
{
	struct target *t = target_find(w, target, error);
	struct attachment *a = t ? attached(t, extension, error) : NULL;

	if (!a)
		return -ENOENT;
	if (a->missing)
		return policy_refuse_missing(a, error);
	extension_give_schema(a->extension, bytes, size);
	return 0;
}

int weir_policy_add(struct weir *w, const char *target, const char *extension, const char *type,
	const char *id, const void *bytes, size_t size, char made_id[], unsigned flags,
	struct weir_error *error)
{
	struct target *t = target_find(w, target, error);
	struct attachment *a = t ? attached(t, extension, error) : NULL;
	const struct schema_type *found = a ? policy_check(t, a, type, bytes, size, error) : NULL;
	struct policy *policy, *before;
	unsigned number = t ? t->made_ids : 0;
	char name[POLICY_ID_SIZE];
	int failed;

	if (!found)
		return error && error->code ? error->code : -ENOENT;
	failed = id ? policy_check_id(id, error) : 0;
	if (failed)
		return failed;
	if (id && *id)
		snprintf(name, sizeof(name), "%s", id);
	else
		number = make_id(t, a, name);
	before = policy_find(t, a, name);
	failed = before ? check_replaced(t, before, found, error) : 0;
	if (failed)
		return failed;
	policy = policy_make(a, found, name, bytes, size);
	if (!policy)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	failed = policy_check_key(t, policy, found, error);
	if (failed) {
		free(policy);
		return failed;
	}
	// In the place of the one with the same id, or at the end.
	if (before)
		policy_replace(t, before, policy);
	else
		policy_append(t, policy);
	failed = carry_out(t, a, false, flags, error);
	if (failed || (flags & WEIR_DRY_RUN)) {
		if (before)
			policy_replace(t, policy, before);
		else
			policy_unlink(t, policy);
		free(policy);
		return failed;
	}
	free(before);
	if (number != t->made_ids)
		take_id(t, number);
	note_policy(t, policy, false);
	if (made_id)
		memcpy(made_id, name, sizeof(name));
	weir_notify(w, "policy-changed", t->vswitch->name, t->port ? t->port->name : "", extension,
		"policy %s of %s on %s %s", name, extension, target, before ? "replaced" : "added");
	tell(t->vswitch, WEIR_EVENT_POLICY_CHANGED, t->port, extension);
	return 0;
}

int weir_policy_remove(struct weir *w, const char *target, const char *extension, const char *id,
	unsigned flags, struct weir_error *error)
{
	struct target *t = target_find(w, target, error);
	struct attachment *a = t ? attached(t, extension, error) : NULL;
	struct policy *policy = a && id ? policy_find(t, a, id) : NULL;
	int failed;

	if (!a)
		return -ENOENT;
	if (!policy)
		return weir_refuse(error, -ENOENT, "id",
			"policy \"%.64s\" of %s on %s: there is none", id ? id : "", extension,
			target);
	policy_unlink(t, policy);
	failed = carry_out(t, a, true, flags, error);
	if (failed || (flags & WEIR_DRY_RUN)) {
		policy_link(t, policy);
		return failed;
	}
	note_policy(t, policy, true);
	weir_notify(w, "policy-changed", t->vswitch->name, t->port ? t->port->name : "", extension,
		"policy %s of %s on %s removed", policy->id, extension, target);
	free(policy);
	tell(t->vswitch, WEIR_EVENT_POLICY_CHANGED, t->port, extension);
	return 0;
}

// NULL: of all.
struct policies_wanted {
	const char *extension, *type;
};

static void list_target(const struct target *t, const struct policies_wanted *wanted,
	weir_policy_row *row, void *context)
{
	char name[WEIR_NAME_MAX + 8];

	target_name(t, name);
	for (const struct policy *p = t->policies; p; p = p->next) {
		struct weir_policy_info info = { name, policy_extension(p), p->type, p->id,
			p->bytes, p->size };

		if ((!wanted->extension || strcmp(wanted->extension, info.extension) == 0) &&
			(!wanted->type || strcmp(wanted->type, info.type) == 0))
			row(context, &info);
	}
}

// What is not known is a mistake. The types of an extension that is missing are not known.
static int check_wanted(
	struct weir *w, const struct policies_wanted *wanted, struct weir_error *error)
{
	struct extension *extension;
	const struct weir_schema *schema;
	struct weir_error own;
	int failed;

	if (!wanted->extension)
		return wanted->type ? weir_refuse(error, -EINVAL, "type",
					      "type \"%.40s\": of which extension must be given",
					      wanted->type)
				    : 0;
	failed = extension_check_known(w, wanted->extension, error);
	if (failed)
		return failed;
	extension = loader_find(w->loader, wanted->extension);
	if (!extension || !wanted->type)
		return 0;
	schema = extension_schema(extension);
	if (!schema)
		return weir_refuse(error, -ENOENT, "type", "type \"%.40s\": %s has no policies",
			wanted->type, wanted->extension);
	if (schema_find(schema, SCHEMA_POLICY, wanted->type, &own))
		return 0;
	if (error)
		*error = own;
	return own.code;
}

int weir_policy_list(struct weir *w, const char *target, const char *extension, const char *type,
	weir_policy_row *row, void *context, struct weir_error *error)
{
	struct policies_wanted wanted = { extension, type && *type ? type : NULL };
	struct target *only = target ? target_find(w, target, error) : NULL;
	int failed;

	if (target && !only)
		return -ENOENT;
	failed = check_wanted(w, &wanted, error);
	if (failed || only) {
		if (!failed)
			list_target(only, &wanted, row, context);
		return failed;
	}
	for (struct vswitch *s = w->switches; s; s = s->next) {
		list_target(&s->target, &wanted, row, context);
		for (unsigned i = 0; i < s->n_indices; i++)
			if (s->ports[i])
				list_target(&s->ports[i]->target, &wanted, row, context);
	}
	return 0;
}
