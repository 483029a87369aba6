// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// How `flow list` and `trace` show flows, and the lists that are under way.
#ifndef SWITCH_FLOW_LIST_H
#define SWITCH_FLOW_LIST_H

#include <stddef.h>

#include "datapath/program.h"

struct flow_key;
struct key_mask;
struct vswitch;
struct weir;

void flow_key_text(
	const struct flow_key *key, const struct key_mask *mask, char *text, size_t size);
void flow_program_text(const struct vswitch *vswitch, const struct op ops[/* n */], unsigned n,
	char *text, size_t size);
void flow_list_collect(struct weir *w);
void flow_list_forget(struct weir *w, struct vswitch *vswitch);
void flow_list_free(struct weir *w);

#endif
