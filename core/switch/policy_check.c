// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Whether policies are what the schema of their extension allows.
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/extension.h>

#include "switch/attachment.h"
#include "switch/loader.h"
#include "switch/missing.h"
#include "switch/policy.h"
#include "switch/schema.h"
#include "switch/target.h"
#include "switch/vswitch.h"

int policy_check_id(const char *id, struct weir_error *error)
{
	size_t n = strlen(id);

	if (n >= POLICY_ID_SIZE)
		return weir_refuse(error, -EINVAL, "id", "id \"%.64s\": must have at most %d bytes",
			id, POLICY_ID_SIZE - 1);
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)id[i]) && !strchr("_-.:", id[i]))
			return weir_refuse(error, -EINVAL, "id",
				"id \"%s\": letters, digits, \"_\", \"-\", \".\" and \":\" are "
				"allowed",
				id);
	return 0;
}

// Without a name: the one that is named like the extension, else the only one.
static const struct schema_message *find_message(const struct weir_schema *schema,
	const struct attachment *a, const char *type, struct weir_error *error)
{
	const struct schema_message *own = NULL;

	if (!type || !*type)
		own = schema_find(schema, SCHEMA_POLICY, a->descriptor->name, NULL);
	return own ? own : schema_find(schema, SCHEMA_POLICY, type, error);
}

int policy_refuse_missing(const struct attachment *a, struct weir_error *error)
{
	return weir_refuse(error, -ENOENT, "extension",
		"extension %s: is missing on switch %s, so that its policies cannot be checked; %s",
		a->descriptor->name, a->vswitch->name, missing_reason(a));
}

static const struct schema_type *find_type(const struct target *t, const struct attachment *a,
	const char *type, struct weir_error *error)
{
	const struct weir_schema *schema = a->missing ? NULL : extension_schema(a->extension);
	const struct schema_message *message;
	const struct schema_type *found;

	if (a->missing) {
		policy_refuse_missing(a, error);
		return NULL;
	}
	if (!schema) {
		weir_refuse(error, -EINVAL, "extension", "extension %s: has no policies",
			a->descriptor->name);
		return NULL;
	}
	message = find_message(schema, a, type, error);
	if (!message)
		return NULL;
	found = schema_type_of(message);
	if (t->port ? found->on_port : found->on_switch)
		return found;
	weir_refuse(error, -EINVAL, "target", "policy %s.%s: is for a %s, not for a %s",
		a->descriptor->name, found->name, t->port ? "switch" : "port",
		t->port ? "port" : "switch");
	return NULL;
}

const struct schema_type *policy_check(const struct target *t, const struct attachment *a,
	const char *type, const void *bytes, size_t size, struct weir_error *error)
{
	const struct schema_type *found = find_type(t, a, type, error);

	return found && schema_check(found->message, bytes, size, error) == 0 ? found : NULL;
}

// ---- Keys

static int refuse_key(
	const struct policy *first, const struct schema_type *type, struct weir_error *error)
{
	return weir_refuse(error, -EEXIST, NULL,
		"policy %s.%s: the one with id %s has the same key", policy_extension(first),
		type->name, first->id);
}

int policy_check_key(const struct target *t, const struct policy *added,
	const struct schema_type *type, struct weir_error *error)
{
	for (const struct policy *p = t->policies; p && type->has_key; p = p->next)
		if (p->attachment == added->attachment && strcmp(p->id, added->id) != 0 &&
			strcmp(p->type, type->name) == 0 &&
			schema_same_key(
				type->message, p->bytes, p->size, added->bytes, added->size))
			return refuse_key(p, type, error);
	return 0;
}

struct keyed {
	const struct policy *policy;
	const struct schema_type *type;
	size_t number; // in the list
	uint32_t hash;
};

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

static const struct schema_type *type_of(const struct policy *p)
{
	const struct schema_message *message = schema_find(
		extension_schema(p->attachment->extension), SCHEMA_POLICY, p->type, NULL);

	return message ? schema_type_of(message) : NULL;
}

// Those whose type has a key; *n: how many.
static struct keyed *list_keyed(const struct target *t, const struct attachment *a, size_t *n)
{
	const struct schema_type *type = NULL;
	const char *type_name = NULL;
	struct keyed *list;
	size_t room = 1;

	for (const struct policy *p = t->policies; p; p = p->next)
		room += p->attachment == a;
	list = calloc(room, sizeof(*list));
	for (const struct policy *p = t->policies; list && p; p = p->next) {
		if (p->attachment != a)
			continue;
		if (p->type != type_name) {
			type_name = p->type;
			type = type_of(p);
		}
		if (!type || !type->has_key)
			continue;
		list[*n] = (struct keyed){ p, type, *n,
			schema_key_hash(type->message, p->bytes, p->size) };
		++*n;
	}
	return list;
}

int policy_check_keys(const struct target *t, const struct attachment *a,
	const struct policy **second, struct weir_error *error)
{
	size_t n = 0;
	struct keyed *list = list_keyed(t, a, &n);
	int failed = 0;

	if (!list)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	qsort(list, n, sizeof(*list), by_key);
	// Different keys may share a hash, so each is compared with all of its hash.
	for (size_t i = 0; !failed && i < n; i++) {
		const struct keyed *x = &list[i];

		for (size_t k = i + 1;
			!failed && k < n && list[k].type == x->type && list[k].hash == x->hash;
			k++) {
			if (!schema_same_key(x->type->message, x->policy->bytes, x->policy->size,
				    list[k].policy->bytes, list[k].policy->size))
				continue;
			*second = list[k].policy;
			failed = refuse_key(x->policy, x->type, error);
		}
	}
	free(list);
	return failed;
}

void policies_give(struct target *t, const struct attachment *from, struct attachment *to)
{
	const char *before = NULL, *after = NULL;

	policy_views_drop(t, from);
	for (struct policy *p = t->policies; p; p = p->next) {
		if (p->attachment != from)
			continue;
		p->attachment = to;
		if (p->unchecked)
			continue;
		if (p->type != before) {
			before = p->type;
			after = type_of(p)->name;
		}
		p->type = after;
	}
}

void policies_settle(struct target *t, const struct attachment *a)
{
	for (struct policy *p = t->policies; p; p = p->next) {
		const struct schema_type *type;

		if (p->attachment != a || !p->unchecked)
			continue;
		type = type_of(p);
		p->type = type->name;
		p->unchecked = false;
	}
	policy_views_drop(t, a);
}
