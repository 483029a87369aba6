// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Transmit queues that fill again while they are sent.
#include "line.h"

static void copy_to_port_1(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_copy(d, world.ports[1].id, 1);
}

static const struct actor mirror = { "mirror", WEIR_CLASS_CAPTURE, 0,
	{ [WEIR_STAGE_DROP] = copy_to_port_1 }, false, NULL };
static const struct actor *const mirror_stack[] = { &mirror };

static uint64_t dropped(unsigned port, enum core_reason reason)
{
	const struct port_counters *c = &line.counters[port];

	for (unsigned i = 0; i < DROP_SLOTS; i++)
		if (c->drops[i].key == DROP_KEY(WEIR_STAGE_EGRESS, reason_of(0, reason)))
			return c->drops[i].frames;
	return 0;
}

// What the port's NIC does not take is mirrored to the port itself: each full queue that is sent
// leaves another one, of copies.
static void drops_are_mirrored_to_a_full_port(void **state)
{
	enum { BATCHES = 4, FRAMES = BATCHES * NIC_BATCH };
	struct weir_frame *frames[FRAMES];

	(void)state;
	line_remask((const struct actor **)(uintptr_t)mirror_stack, 1);
	line.nics[1].full = true;
	datapath_begin(line.dp, line.now_ns);
	for (unsigned i = 0; i < FRAMES; i++) {
		frames[i] = line_frame(0, i);
		datapath_transmit(line.dp, frames[i], 1);
		assert_in_range(line.queues[1].n, 1, NIC_BATCH);
	}
	datapath_end(line.dp);
	assert_int_equal(line.queues[1].n, 0);
	assert_int_equal(line.counters[1].tx_frames, 0);
	// Every frame, and its copy.
	assert_int_equal(dropped(1, REASON_TX_FULL), 2 * FRAMES);
	assert_int_equal(frame_pool_in_use(line.pool), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			drops_are_mirrored_to_a_full_port, line_setup, line_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
