// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The order of the attachments of a switch.
#ifndef SWITCH_STACK_H
#define SWITCH_STACK_H

#include <weir/extension.h>

#include "datapath/snapshot.h"
#include "switch/wait.h"

struct attachment;
struct vswitch;

// The stack as the datapath sees it; replaced as a whole.
struct stack {
	struct deferred deferred;
	unsigned n;
	struct stack_entry entries[];
};

// Whether there is a place for the extension on the stack.
int stack_check(const struct vswitch *vswitch, const struct weir_extension *extension, int order,
	struct weir_error *error);
int stack_check_order(int order, struct weir_error *error);
// Behind the last of the class.
int stack_next_order(const struct vswitch *vswitch, enum weir_class class);
void stack_insert(struct vswitch *vswitch, struct attachment *attachment);
void stack_unlink(struct vswitch *vswitch, struct attachment *attachment);
void stack_exchange(struct vswitch *vswitch, struct attachment *from, struct attachment *to);
void stack_detach_all(struct vswitch *vswitch);

#endif
