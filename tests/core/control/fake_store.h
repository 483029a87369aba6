// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A store whose disk is memory, which outlives it: batches are written when the test says so, and
// fail when it says so. Only switches are kept; of the rest it counts what was noted. One at a
// time. All on the thread of the server's loop.
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include <stdbool.h>
#include <stddef.h>

enum { FAKE_STORE_MAX = 64 };

struct fake_disk {
	char switches[FAKE_STORE_MAX][32]; // "" for none
	unsigned n_batches;                // written
	unsigned n_meters, n_saved;        // items written
	bool hold;                         // batches wait
	int error;                         // of every batch, negative errno, when set
	bool full;                         // it is known that nothing can be written
	bool no_memory;                    // for commits
	bool unreadable;
};
extern struct fake_disk fake_disk;

bool fake_disk_has(const char *name);

// Commands for fixture_run(): batches wait; those that wait are written, or fail, and are reported;
// each fails for want of space; everything is as it was in the beginning.
struct weir;
void fake_disk_hold(struct weir *weir);
void fake_disk_write(struct weir *weir);
void fake_disk_fail(struct weir *weir);
void fake_disk_mend(struct weir *weir);

#endif
