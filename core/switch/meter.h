// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Meters: what the control thread has beside the counts that workers keep of them.
#ifndef SWITCH_METER_H
#define SWITCH_METER_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/extension.h>

#include "switch/index.h"
#include "switch/numbers.h"

struct attachment;
struct vswitch;
struct weir_item;

struct meter {
	struct numbered number; // first
	struct meter *next;
	struct meter **link; // what points to it
	struct index_entry by_name, by_target;
	char extension[WEIR_NAME_MAX];
	char target[WEIR_NAME_MAX + 8];
	char key[64];
	unsigned refs;  // states that hold it
	bool orphaned;  // its target is gone: it goes with its last state
	bool committed; // a state in force has held it
	bool kept;      // weir_export_meters() has told it, or it was restored: its end is told
	bool changed;   // to be told by weir_export_meters() whatever it counts
	uint64_t base_frames, base_bytes, since;
	uint64_t told_frames, told_bytes; // what was counted when it was told
};

// What a meter was before it was restored.
struct meter_before {
	struct meter *meter;
	uint64_t base_frames, base_bytes, since;
	bool committed, kept, changed;
};

void meters_init(struct vswitch *vswitch);
// NULL: there is none.
struct meter *meter_find(const struct vswitch *vswitch, const struct attachment *attachment,
	const char *target, const char *key);
// Also one that is gone, as long as flows may count on it. NULL: there is none of this number.
const struct meter *meter_numbered(const struct vswitch *vswitch, uint32_t id);
// With one more reference. -ENOSPC, -ENOMEM: as of numbers_take().
int meter_get(struct vswitch *vswitch, const struct attachment *attachment, const char *target,
	const char *key, struct meter **got);
// policy_gone: the last holder is gone because its policy is, not because the extension left.
void meter_put(struct vswitch *vswitch, struct meter *meter, bool policy_gone);
// Before the target's states are dropped: their meters then end with them, untold.
void meter_remove_target(struct vswitch *vswitch, const char *target);
// The item's meter, made or found, has its counts as of now; one that is in use and has counted as
// much keeps its own, and one that is in use and was reset since goes on from these. Nobody holds
// one that was made: it stays until an extension of the name asks for it, or the target is removed.
// 0, -EINVAL for a name that is too long, -ENOSPC, -ENOMEM.
int meter_restore(
	struct vswitch *vswitch, const struct weir_item *item, struct meter_before *before);
// Nobody holds it since, and it has counted nothing more.
void meter_restore_undo(struct vswitch *vswitch, const struct meter_before *before);
// Everything ever counted under a number: it only rises, whoever's the number is.
void meter_sum(const struct vswitch *vswitch, uint32_t id, uint64_t *frames, uint64_t *bytes);
void meter_free_all(struct vswitch *vswitch);

#endif
