// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A thread that closes NICs, which may take the kernel tens of milliseconds each.
#ifndef SWITCH_CLOSER_H
#define SWITCH_CLOSER_H

#include <weir/error.h>

struct closer;
struct deferred;
struct nic;
struct weir;

int closer_create(struct weir *w, struct weir_error *error);
// Closes what is left, ends the thread. Accepts NULL.
void closer_destroy(struct closer *closer);
// Closes the NIC, then hands `deferred` to the control thread. No worker uses the NIC any more.
void closer_close(struct closer *closer, struct nic *nic, struct deferred *deferred);

#endif
