// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a call of a visit hook (visit.c) and what the hook does during it (visit_act.c) share.
// Worker.
#ifndef VISIT_H
#define VISIT_H

#include "datapath/datapath.h"

enum visit_outcome {
	VISIT_PASS,
	VISIT_DROP,
	VISIT_REDIRECT,
	VISIT_REKEY,
	VISIT_CONSUME,
};

// One call of a visit hook. The public part first.
struct visit_call {
	struct weir_visit visit;
	struct datapath *dp;
	const struct hook *hook;
	struct weir_frame **frames;
	struct weir_frame *some[WAITING_MAX]; // when they are not all of the queue
	uint32_t drops[WAITING_MAX];          // at stage WEIR_STAGE_DROP
	bool all_pass;                // of no frame anything was said: outcome is not filled in
	uint8_t outcome[WAITING_MAX]; // enum visit_outcome
	uint16_t reason[WAITING_MAX]; // VISIT_DROP
	uint16_t port[WAITING_MAX];   // VISIT_REDIRECT
};

extern const struct weir_visit_ops visit_ops;

static inline struct extension_counters *visit_counters(const struct visit_call *call)
{
	return call->hook->entry->counters;
}

static inline bool visit_is(const struct visit_call *call, enum weir_class class)
{
	return call->hook->entry->extension->class == class;
}

#endif
