// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The guard's own look into frames. The first byte says which guards there are, and how much of the
// frame is linear; the rest is the frame.
#include <stdlib.h>
#include <string.h>

#include "datapath/key.h"
#include "fuzz.h"
#include "guard.h"

enum { HALF_LINEAR = 1 << 7 };

struct fate {
	struct weir_decision decision; // first
	struct weir_visit visit;       // second
	unsigned n_drops, n_visits, reason;
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void decide_drop(struct weir_decision *d, unsigned reason)
{
	struct fate *f = (struct fate *)d;

	f->n_drops++;
	f->reason = reason;
}

static void decide_visit(struct weir_decision *d, uint8_t tcp_flags)
{
	((struct fate *)d)->n_visits++;
	require(tcp_flags == 0);
}

static void visit_drop(struct weir_visit *v, unsigned i, unsigned reason)
{
	struct fate *f = (struct fate *)((char *)v - offsetof(struct fate, visit));

	require(i == 0);
	f->n_drops++;
	f->reason = reason;
}

// What becomes of the frame; PASS: nothing.
static unsigned judge(const struct guard *guard, const struct weir_frame *frame)
{
	static const struct weir_decision_ops decision_ops = {
		.size = sizeof(decision_ops), .drop = decide_drop, .visit = decide_visit
	};
	static const struct weir_visit_ops visit_ops = { .size = sizeof(visit_ops),
		.drop = visit_drop };
	struct fate fate = { .decision = { .ops = &decision_ops }, .reason = PASS };
	struct flow_key key;
	struct key_mask mask;
	struct weir_flow flow;

	key_parse(frame, &key);
	key_mask_make(&mask, WEIR_FIELD_ETH_SRC | WEIR_FIELD_ETH_TYPE | WEIR_FIELD_IP_SRC);
	key_to_flow(&key, &mask, 0, WEIR_PORT_NONE, &flow);
	guard_ingress(guard, &flow, &fate.decision);
	require(fate.n_drops + fate.n_visits <= 1);
	fate.visit = (struct weir_visit){ .ops = &visit_ops, .frames = &frame, .n = 1 };
	if (fate.n_visits)
		guard_visit(guard, &fate.visit);
	require(fate.n_drops <= 1 && fate.reason <= PASS && (fate.n_drops || fate.reason == PASS));
	return fate.reason;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mac mine = { { 2, 0, 0, 0, 0, 1 } };
	static struct ip_range range = { .first = { 6, 0x20, 1 },
		.last = { 6, 0x20, 1, [16] = 0xff } };
	struct guard guard = { .macs = { &mine, 1 }, .addresses = { &range, 1 }, .eui64 = true };
	struct weir_frame frame = { 0 };
	unsigned all, n_passed = 0;

	if (size < 1)
		return 0;
	frame.size = frame.linear = (uint32_t)size - 1;
	// The switch promises 256 bytes.
	if ((data[0] & HALF_LINEAR) && frame.size > 256)
		frame.linear = 256;
	// Of its own, so that reading beyond it is noticed.
	frame.data = malloc(frame.linear + !frame.linear);
	require(frame.data != NULL);
	memcpy(frame.data, data + 1, frame.linear);
	for (guard.kinds = 1; guard.kinds < 16; guard.kinds <<= 1)
		n_passed += judge(&guard, &frame) == PASS;
	guard.kinds = 15;
	all = judge(&guard, &frame);
	// All guards together let pass what each of them does, and no more.
	require((all == PASS) == (n_passed == 4));
	free(frame.data);
	return 0;
}
