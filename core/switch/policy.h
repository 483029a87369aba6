// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Policies of a target: what they are, the list of them, and how an extension is shown it.
#ifndef SWITCH_POLICY_H
#define SWITCH_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/extension.h>

#include "switch/index.h"

struct attachment;
struct schema_type;
struct target;

enum { POLICY_ID_SIZE = 64 };

struct policy {
	struct policy *next;
	struct policy **link;     // what points to it
	struct index_entry by_id; // in target->policy_ids
	struct attachment *attachment;
	char id[POLICY_ID_SIZE];
	const char *type; // the schema's; of one that is unchecked its own, perhaps ""
	bool unchecked;   // kept without its extension's schema: checked before it is prepared
	uint64_t serial;  // as in struct weir_target; 0: it has never been in a list
	uint64_t place;   // rises along the list; a replacement has that of what it replaces
	size_t size;
	unsigned char bytes[]; // and then the type of one that was made unchecked
};

// What prepare() of an attachment is shown of a target: arrays that are kept in step with the list,
// so that one policy more among many costs no walk through all of them.
struct policy_view {
	struct policy_view *next;
	const struct attachment *attachment;
	struct weir_policy *policies; // in the order of the list
	uint64_t *serials, *places;   // of the same policies
	size_t n, room;
	size_t n_unchecked;
	unsigned n_moved; // times that what is behind a policy was moved, since it was last shown
	bool stale;       // to be made anew from the list
};

// ---- policy.c
// NULL: no memory. Caller frees with free(), or adds it to a list.
struct policy *policy_make(struct attachment *attachment, const struct schema_type *type,
	const char *id, const void *bytes, size_t size);
// type: as it was given, perhaps "".
struct policy *policy_make_unchecked(struct attachment *attachment, const char *type,
	const char *id, const void *bytes, size_t size);

// ---- policy_list.c
// NULL: there is none.
struct policy *policy_find(
	const struct target *target, const struct attachment *attachment, const char *id);
// To the end of the list. Takes ownership of the policy, as does policy_link().
void policy_append(struct target *target, struct policy *policy);
// Off the list; the caller frees it with free(), or has it back in its old place with policy_link()
// as long as nothing else of the list was changed meanwhile.
void policy_unlink(struct target *target, struct policy *policy);
void policy_link(struct target *target, struct policy *policy);
// In the place of `old`, which is then the caller's.
void policy_replace(struct target *target, struct policy *old, struct policy *policy);
// Frees those of an attachment (NULL: all), and says how many there were.
unsigned policies_free(struct target *target, const struct attachment *attachment);
// The name of the extension that it is for.
const char *policy_extension(const struct policy *policy);

// ---- policy_view.c
// All of an attachment's policies on a target, until the next change of the list. NULL: no memory.
const struct policy_view *policy_view(struct target *target, const struct attachment *attachment);
// What policy_list.c does to the list.
void policy_views_add(struct target *target, const struct policy *policy);
void policy_views_remove(struct target *target, const struct policy *policy);
void policy_views_replace(
	struct target *target, const struct policy *old, const struct policy *policy);
// Policies changed otherwise: those of an attachment (NULL: of all).
void policy_views_drop(struct target *target, const struct attachment *attachment);

// ---- policy_check.c
int policy_check_id(const char *id, struct weir_error *error);
// Of an attachment that is missing: nobody knows what it could be told.
int policy_refuse_missing(const struct attachment *attachment, struct weir_error *error);
// The type of a policy, NULL or "" being the only one, whose bytes pass its schema. NULL: refused.
const struct schema_type *policy_check(const struct target *target,
	const struct attachment *attachment, const char *type, const void *bytes, size_t size,
	struct weir_error *error);
// Two policies of the same key contradict each other: -EEXIST for `added` and any of the target's.
int policy_check_key(const struct target *target, const struct policy *added,
	const struct schema_type *type, struct weir_error *error);
// The same for all of an attachment's policies on a target. *second: one that another contradicts.
int policy_check_keys(const struct target *target, const struct attachment *attachment,
	const struct policy **second, struct weir_error *error);
// Hands the policies of an attachment to another one of the same extension's name, whose schema has
// the types of those that are not unchecked.
void policies_give(struct target *target, const struct attachment *from, struct attachment *to);
// The attachment's unchecked policies on the target are as good as any: they have been prepared.
void policies_settle(struct target *target, const struct attachment *attachment);

#endif
