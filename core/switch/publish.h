// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Snapshots of the model, which are what workers see of it.
#ifndef SWITCH_PUBLISH_H
#define SWITCH_PUBLISH_H

#include <stdbool.h>

#include "datapath/snapshot.h"
#include "switch/wait.h"

struct port;
struct publication;
struct stack;
struct vswitch;

// A snapshot_port with its hooks in one piece of memory.
struct published_port {
	struct deferred deferred;
	struct snapshot_port port;
	struct hook hooks[];
};

struct published_snapshot {
	struct deferred deferred;
	struct snapshot snapshot; // last: ends in an array
};

// ---- publish.c
// Makes the port's next snapshot from the model. NULL: no memory.
struct published_port *publish_port_make(struct port *port, const struct stack *stack);
void publish_port_discard(struct published_port *published);
// The same for the frames that no port sent.
struct published_port *publish_nowhere_make(struct vswitch *vswitch, const struct stack *stack);
bool publish_has_forwarding(const struct stack *stack);
struct port_runtime runtime_make(unsigned n_workers);
void runtime_free(struct port_runtime *runtime);

// ---- publication.c
// Puts it in force: the new snapshot of the switch has it, the port's generation moves.
int publish_port(struct port *port, struct published_port *published);
// The same for all ports of a switch at once, with a new stack. Either all or, with -ENOMEM,
// nothing.
int publish_all(struct vswitch *vswitch);
// The same in two steps, for several switches at once: makes what is new, for all ports or for
// those that are dirty, without changing anything. NULL: no memory. Then one of the others, neither
// of which can fail.
struct publication *publication_make(struct vswitch *vswitch, bool all);
void publication_force(struct publication *publication);
void publication_discard(struct publication *publication); // accepts NULL
// Gives the port's published snapshot back after a grace period.
void publish_port_retire(struct port *port);
// The switch without the port. -ENOMEM leaves it.
int publish_without(struct vswitch *vswitch, struct port *port);
void publish_free(struct vswitch *vswitch);

#endif
