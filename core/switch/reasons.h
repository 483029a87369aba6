// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Why frames are dropped: the names that the core and extensions have for it.
#ifndef SWITCH_REASONS_H
#define SWITCH_REASONS_H

#include <stdint.h>

#include <weir/extension.h>

#include "datapath/drop_watch.h"

struct weir;

// Immutable once published: read by any thread, and kept until weir_destroy().
struct reason_names {
	struct reason_names *next; // of all that were ever published
	char owner[WEIR_NAME_MAX];
	unsigned n;
	struct weir_drop_reason *reasons; // copies: an unloaded extension's drops stay listed
};

// ---- reasons.c
// The number of an extension's name: of its reasons, meters and ids, for as long as the process
// lives. 0: there are too many.
unsigned extension_owner_number(const struct weir *w, const char *name);
// What the names of drops are to be with those of this version: to be published or discarded.
int reasons_make(const struct weir *w, const struct weir_extension *descriptor,
	struct reason_names **made, struct weir_error *error);
void reasons_publish(struct weir *w, struct reason_names *made);
void reasons_discard(const struct weir *w, struct reason_names *made); // accepts NULL
// Which places the version's own reasons have; NULL: the first ones.
const uint8_t *reasons_map(const struct reason_names *names,
	const struct weir_extension *descriptor, uint8_t map[/* WEIR_REASONS_MAX */]);
void reasons_free(struct reason_names *names); // and those behind it; accepts NULL

// ---- reason_names.c
// The token of a reason, its text and whose it is; never NULL, valid until weir_destroy(). Any
// thread.
const char *reason_describe(
	const struct weir *w, uint16_t reason, const char **text, const char **owner);
// The reasons of this token and extension, NULL: any, that somebody registered. Returns how many
// there are; the first `max` of them are filled in. One with mask REASON_OF_EXTENSION stands for
// all of an extension.
unsigned reasons_find(const struct weir *w, const char *token, const char *extension,
	struct drop_want wants[/* max */], unsigned max);

#endif
