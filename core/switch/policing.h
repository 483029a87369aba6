// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Policers: what the control thread has beside what workers keep of them, and lists of them.
#ifndef SWITCH_POLICING_H
#define SWITCH_POLICING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/policer.h"
#include "switch/index.h"
#include "switch/numbers.h"

struct attachment;
struct port;
struct target_state;
struct vswitch;
struct weir;

struct policing_counts {
	uint64_t passed_frames, passed_bytes, dropped_frames, dropped_bytes;
};

// A policer lives as long as a state holds it: what it has is worth no more than its burst.
struct policing {
	struct numbered number; // first
	struct index_entry by_name;
	char extension[WEIR_NAME_MAX];
	char target[WEIR_NAME_MAX + 8];
	char key[64];
	unsigned refs;                // states that hold it
	struct policer_config config; // in force
	struct policer *policer;
	uint64_t since_ns;           // when the number became its own, by the clock of batches
	struct policing_counts base; // when it was reset
	uint64_t since;              // Unix seconds, when it was made or reset
	uint64_t drop_bases[];       // by worker: of its first place, what drops were reset with
};

// A policer as a state wants it.
struct wanted_policer {
	struct policing *policing; // holds a reference
	struct policer_config config;
};

// ---- policing.c
void policing_init(struct vswitch *vswitch);
// No worker uses the switch any more, and no state.
void policing_fini(struct vswitch *vswitch);
// 0, or a refusal of a rate or burst.
int policing_check(const struct policer_config *config, struct weir_error *error);
// NULL: there is none.
struct policing *policing_find(const struct vswitch *vswitch, const struct attachment *attachment,
	const char *target, const char *key, enum policer_unit unit);
// The policer of this name and unit, with one more reference; a new one is as config says, full.
// -ENOSPC, -ENOMEM: as of numbers_take().
int policing_get(struct vswitch *vswitch, const struct attachment *attachment, const char *target,
	const char *key, const struct policer_config *config, struct policing **got);
void policing_put(struct vswitch *vswitch, struct policing *policing);
// Puts the rates and bursts of the state in force. Cannot fail.
void policing_apply(struct vswitch *vswitch, const struct target_state *state);
// NULL: there is none of this number.
const struct policing *policing_at(const struct vswitch *vswitch, uint32_t id);
// What it has counted since it was made, on all workers.
struct policing_counts policing_count(
	const struct vswitch *vswitch, const struct policing *policing);

// ---- policer_list.c
enum { POLICER_NAME_SIZE = WEIR_NAME_MAX + 64 + sizeof(" of ") + WEIR_NAME_MAX + 8 };
// "acl web"; where it is not of the port, "acl web of switch:br0".
void policer_name(
	const struct policing *policing, const char *port, char name[/* POLICER_NAME_SIZE */]);

// Which policers of a switch dropped frames, most first.
struct policer_drop {
	const struct policing *policing;
	uint32_t cause;
	weir_port_id port;
	uint64_t frames;
	bool elsewhere; // not all of them, or not only they, were dropped there: there was no
			// room to count all of its places
};

// What an embedder gave, as SIZED_TAKE().
int count_filter_take(const struct weir_count_filter *given, struct weir_count_filter *filter,
	struct weir_error *error);
// What cannot be listed. known: its extension has something to list, whether it is loaded or not.
int count_filter_check(struct weir *w, const struct weir_count_filter *filter, bool known,
	struct weir_error *error);
// Since they were reset: reset does that for those that were at the port (NULL: any).
// NULL: no memory. Caller frees.
struct policer_drop *policer_drops(
	const struct vswitch *vswitch, const struct port *only, bool reset, size_t *n);

#endif
