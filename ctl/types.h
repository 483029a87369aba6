// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What an extension calls its messages: the types behind EXTENSION.TYPE, asked of the daemon.
#ifndef CTL_TYPES_H
#define CTL_TYPES_H

#include <stdbool.h>
#include <stddef.h>

#include "ask.h"
#include "catalog.h"

struct message_type {
	char *role; // token: policy, status, call, ...
	char *name;
	const struct catalog_message *message;
	bool on_port, on_switch; // where a policy of this type may be put
};

struct types {
	char *extension;
	struct catalog *catalog;
	struct message_type *types;
	size_t n_types;
};

// Asks for the types of an extension, which is refused unless it is attached to the target's
// switch; target: NULL: wherever it is. Finish with types_fini, also on failure.
int types_fetch(struct invocation *in, const char *target, const char *extension,
	struct types *types, struct ctl_error *error);
void types_fini(struct types *types);

// Types of several extensions, each asked for once. Starts as zeros.
struct types_cache {
	struct types_entry *first;
};

// The types of an extension, borrowed until types_cache_fini. A refusal is kept too, and given
// again.
int types_cached(struct invocation *in, struct types_cache *cache, const char *extension,
	const struct types **types, struct ctl_error *error);
// Whether types_cached() would answer without asking.
bool types_cache_has(const struct types_cache *cache, const char *extension);
void types_cache_fini(struct types_cache *cache);

// Takes the types that a reply holds, as if they had been asked for: where there is no daemon.
int types_cache_add(struct types_cache *cache, const char *extension,
	const Weir__Control__Reply *reply, struct ctl_error *error);

// The type of that role and name; NULL means the one that is named like the extension, else the
// only one of the role. NULL with *error filled when
// there is none, or a name is needed; the sentence lists those there are.
const struct message_type *types_find(
	const struct types *types, const char *role, const char *name, struct ctl_error *error);

// EXTENSION[.TYPE] in two.
struct type_name {
	char extension[64];
	char type[64]; // "" when not given
};
int type_name_split(const char *text, struct type_name *name, struct ctl_error *error);

// types_fetch and types_find of what EXTENSION[.TYPE] names. error->status tells a refusal by the
// daemon from a type that is not there. Finish with types_fini, also on failure.
int types_look_up(struct invocation *in, const char *target, const char *role,
	const struct type_name *name, struct types *types, const struct message_type **type,
	struct ctl_error *error);

#endif
