// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// An extension that does what its policies tell it, whether its class may or not. Built once per
// class, as probe-capture, probe-filter, probe-forwarding and probe-service; the second filter,
// probe-after, is for the order of the stack.
//
// It takes calls, has statuses and saves what it is told to (probe_calls.c).
//
// It logs every hook of the control thread that is called: tests follow its life by that.
// It refuses the port "refused", and the port "refused-" with its own name behind.
#ifndef PROBE_H
#define PROBE_H

#include <pthread.h>

#include <weir/extension.h>

#include "probe.pb-c.h"

struct probe_call;

struct probe {
	struct weir_attachment *attachment;
	struct probe_state *states; // committed and not released
	struct probe_call *calls;   // that have not ended
	Probe__Order *order;        // the last one, or NULL
	struct weir_ring *ring;
	uint32_t n_lost; // records; atomic
	pthread_t poster;
	bool posting;
};

struct probe_act {
	Probe__Act *message;
	uint32_t meter;
	uint32_t policer;
	uint32_t sink;
	weir_port_id port;
};

struct probe_state {
	struct probe_state *next;
	weir_port_id port;
	char name[WEIR_NAME_MAX]; // of the target
	size_t n_vetoes, n_acts;
	Probe__Veto **vetoes;
	struct probe_act acts[];
};

// probe_acts.c: the hooks of the workers.
void probe_ingress(const void *state, const struct weir_flow *flow, struct weir_decision *d);
void probe_forward(const void *state, const struct weir_flow *flow, struct weir_decision *d);
void probe_forwarded(const void *state, const struct weir_flow *flow, struct weir_decision *d);
void probe_egress(const void *state, const struct weir_flow *flow, struct weir_decision *d);
void probe_dropped(const void *state, const struct weir_flow *flow, struct weir_decision *d);
void probe_visit(const void *state, struct weir_visit *visit);
// probe_calls.c: what the control thread asks besides policies.
void probe_timer(void *instance, uint64_t cookie);
int probe_call(void *instance, struct weir_call *call, struct weir_error *error);
void probe_call_gone(void *instance, struct weir_call *call);
int probe_status(
	void *instance, weir_port_id port, struct weir_status *status, struct weir_error *error);
int probe_save(void *instance, weir_port_id port, struct weir_save *save, struct weir_error *error);
int probe_restore(void *instance, weir_port_id port, uint32_t version, const void *bytes,
	size_t size, struct weir_error *error);
void probe_calls_end(struct probe *probe); // at detach()

// The fields that the conditions of the acts at a stage read.
uint64_t probe_needs(const struct probe_state *state, enum weir_stage stage);

#endif
