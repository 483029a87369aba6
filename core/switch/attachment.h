// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// An extension on the stack of a switch: how it comes and goes.
#ifndef SWITCH_ATTACHMENT_H
#define SWITCH_ATTACHMENT_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/extension.h>

#include "datapath/snapshot.h"
#include "switch/wait.h"

struct closing;
struct extension;
struct missing;
struct post;
struct timers;
struct vswitch;
struct weir;
struct weir_running_call;

struct offence_counts {
	uint64_t violations, invalid, impure, modified;
};

struct attachment {
	struct weir_attachment public; // first: what the extension is handed
	struct attachment *next;       // in stack order
	struct weir *weir;
	struct vswitch *vswitch;
	struct extension *extension;             // NULL: it is missing
	const struct weir_extension *descriptor; // of a missing one: its name and no hooks
	struct missing *missing;                 // NULL: it is there
	void *instance;
	int order;
	uint16_t id;
	uint16_t visitor; // that of the first version whose place this has
	uint16_t number;  // of the extension's name
	uint8_t reason_map[WEIR_REASONS_MAX];
	const uint8_t *reasons; // as in struct stack_entry
	// While flows run that were decided by the version before; NULL: there is none.
	struct attachment *predecessor;
	struct attachment *successor; // of that one; holds a reference
	struct ending ending;
	struct deferred end; // with its switch
	bool attached;       // attach() succeeded
	bool fail_open;      // WEIR_FAIL_OPEN
	bool arriving;       // inside weir_apply(): it has no say yet
	bool detached;
	bool expelled; // a missing one, in the place of one that strict mode detached
	struct weir_running_call *calls; // that have not ended
	unsigned n_running;              // of what the extension calls so
	char running[WEIR_RUNNING_MAX + 1];
	struct timers *timers; // NULL: none was ever set
	struct post *posts;    // lock-free stack. any thread: pushes, control: takes all
	unsigned
		refs; // the stack's, its states' and a sweep's: detach() runs when the last is gone
	struct extension_counters counters;
	struct offence_counts told;                                           // of the counters
	char last_offence[sizeof(((struct extension_counters *)0)->offence)]; // or ""
};

// ---- attachment.c
void attachment_put(struct attachment *attachment);
struct attachment *attachment_find(struct vswitch *vswitch, const char *extension);
// The same; NULL: refused with -ENOENT, with the names of those that are attached. extension: may
// be NULL. field: of the refusal.
struct attachment *attachment_need(struct vswitch *vswitch, const char *extension,
	const char *field, struct weir_error *error);
// Whether the id is its own, or that of the version before it, which is on its way out.
bool attachment_stands_for(const struct attachment *attachment, uint16_t id);
// order: or WEIR_ORDER_DEFAULT. flags: WEIR_FAIL_OPEN. extension: NULL: for missing.c. NULL: no
// memory.
struct attachment *attachment_make(
	struct vswitch *vswitch, struct extension *extension, int order, unsigned flags);
// Calls its attach().
int attachment_attach(struct attachment *attachment, struct weir_error *error);
// attachment_attach(), every prepare with the policies that are there, and into force. On failure
// the caller calls attachment_give_up().
int attachment_enter(struct attachment *attachment, unsigned flags, struct weir_error *error);
void attachment_give_up(struct attachment *attachment);
// What one needs to leave; caller frees with free(), or: the published stack is without it. Returns
// how many policies went with it.
struct wait *attachment_end_make(struct attachment *attachment);
unsigned attachment_end(struct attachment *attachment, struct wait *wait);
// How many policies it has, on its switch and on ports.
unsigned attachment_n_policies(const struct attachment *attachment);
// The same for one whose switch goes.
void attachment_end_with_switch(struct attachment *attachment);

// ---- expel.c
// Takes an extension that broke a promise off its stack, and leaves a missing one with its policies
// in its place. The attachment is on its way out then, or still there: -ENOMEM.
int attachment_expel(struct attachment *attachment, const char *why);

// ---- replace_close.c: what becomes of a version that is not the loaded one any more, or never was
// NULL: no memory. Caller frees with free(), or: the extension, which the loader has not among the
// loaded ones, is unloaded when nothing refers to it any more, which is an ending until then.
struct closing *closing_make(struct weir *w);
void closing_begin(struct closing *closing, struct extension *extension);
// An attachment does not need its extension any more.
void extension_let_go(struct weir *w, struct extension *extension);

#endif
