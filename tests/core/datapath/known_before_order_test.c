// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// In which order a batch is looked up while masks change, and what may not depend on it: that
// fragments do not overtake, that visits are paid, and that what must not be done any more is not
// done.
#include "line.h"

enum { FLOWS = NIC_BATCH, TRY_NEW_EVERY = 8, FRAGMENT = 20, IP_DESTINATION = 33, TOS = 15 };

static void pass(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow, (void)d;
}

static void drop_all(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_drop(d, 1);
}

static void visit(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_visit(d, 0);
}

static const struct actor tuple = { "tuple", WEIR_CLASS_FILTER, WEIR_FIELDS_5TUPLE,
	{ [WEIR_STAGE_INGRESS] = pass }, false, NULL };
static const struct actor marking = { "marking", WEIR_CLASS_FILTER,
	WEIR_FIELDS_5TUPLE | WEIR_FIELD_IP_TOS, { [WEIR_STAGE_INGRESS] = pass }, false, NULL };
static const struct actor dropping = { "dropping", WEIR_CLASS_FILTER, WEIR_FIELDS_5TUPLE,
	{ [WEIR_STAGE_INGRESS] = drop_all }, false, NULL };
static const struct actor dropping_marked = { "dropping", WEIR_CLASS_FILTER,
	WEIR_FIELDS_5TUPLE | WEIR_FIELD_IP_TOS, { [WEIR_STAGE_INGRESS] = drop_all }, false, NULL };
static const struct actor looking = { "looking", WEIR_CLASS_FILTER, WEIR_FIELD_IP_TOS,
	{ [WEIR_STAGE_INGRESS] = visit }, true, NULL };
static const struct actor looking_on = { "looking", WEIR_CLASS_FILTER,
	WEIR_FIELD_IP_TOS | WEIR_FIELD_IP_PROTO, { [WEIR_STAGE_INGRESS] = visit }, true, NULL };

static void restack(const struct actor *actor)
{
	line_remask(&actor, actor != NULL);
}

// One batch, which may decide so many known flows anew. Takes the frames.
static void batch(unsigned port, struct weir_frame *frames[], unsigned n, unsigned redecide_max)
{
	datapath_begin(line.dp, line.now_ns);
	line.dp->redecide_max = redecide_max;
	datapath_receive(line.dp, (uint16_t)port, frames, n);
	datapath_end(line.dp);
}

// Frames of flow `first` and the following ones.
static void batch_of(unsigned port, uint32_t first, unsigned n, unsigned redecide_max)
{
	struct weir_frame *frames[NIC_BATCH];

	for (unsigned i = 0; i < n; i++)
		frames[i] = line_frame(port, first + i);
	batch(port, frames, n, redecide_max);
}

static void expect_first(unsigned ports)
{
	assert_int_equal(line.dp->before_first, ports);
}

// ---- The order

// Flows become one, of which one is decided: the frames of the others show which way was taken, as
// they are dropped under the masks before and pass under the new ones.
static void the_masks_of_the_last_batch_come_first(void **state)
{
	uint64_t sent = 0;

	(void)state;
	restack(&dropping);
	line_pass(0, FLOWS);
	restack(NULL);
	expect_first(0);
	batch_of(0, 0, FLOWS, 0); // missed under the new ones
	for (unsigned i = 1; i < TRY_NEW_EVERY; i++) {
		expect_first(1);
		batch_of(0, 0, FLOWS, i % 2);
		sent += (i + 1) / 2; // those whose turn has come
		assert_int_equal(line.nics[1].sent[0], sent);
	}
	// The new ones again, under which all is known: they stay first.
	for (unsigned i = 0; i <= TRY_NEW_EVERY; i++) {
		batch_of(0, 0, FLOWS, 0);
		expect_first(0);
		sent += FLOWS;
		assert_int_equal(line.nics[1].sent[0], sent);
	}
}

// Of the batch, not of what was missed.
static void most_of_a_batch_settles_it(void **state)
{
	(void)state;
	restack(&tuple);
	line_pass(0, FLOWS);
	restack(&marking);
	batch_of(0, 0, FLOWS, 0);
	expect_first(1);
	batch_of(0, 0, FLOWS, 1); // one of which is missed under both
	expect_first(1);
	batch_of(0, 0, FLOWS / 2, FLOWS);
	expect_first(0);
	batch_of(0, 0, FLOWS, 0); // half of which is known under the new masks
	expect_first(0);
	batch_of(0, 1, FLOWS - 1, 0); // one less
	expect_first(1);
	batch_of(0, 1, FLOWS - 1, 0);
	expect_first(1);
	batch_of(0, 0, FLOWS, 0);
	expect_first(0);
}

static void each_port_has_its_own(void **state)
{
	(void)state;
	restack(&tuple);
	line_pass(0, FLOWS);
	batch_of(1, 0, FLOWS, 0);
	restack(&marking);
	batch_of(1, 0, FLOWS, 0);
	expect_first(2);
	batch_of(0, 0, FLOWS, FLOWS);
	expect_first(2);
	batch_of(0, 0, FLOWS, 0);
	expect_first(2);
	batch_of(1, 0, FLOWS, FLOWS);
	expect_first(0);
	assert_int_equal(line.nics[0].sent[0], 3 * FLOWS);
	assert_int_equal(line.nics[1].sent[0], 3 * FLOWS);
}

// ---- Whatever the order

// Looks up a port's next batch as is asked.
static void put_first(bool before)
{
	line.dp->before_first = before;
	line.dp->n_before_first = 0;
}

static struct weir_frame *fragment(uint32_t number, bool later, uint8_t destination)
{
	struct weir_frame *frame = line_frame(0, number);

	frame->data[FRAGMENT] = later ? 0 : 0x20;
	frame->data[FRAGMENT + 1] = later;
	frame->data[IP_DESTINATION] = destination;
	return frame;
}

// A datagram's later fragment is a flow of its own, known under the masks before. It does not
// overtake the first, which is decided anew.
static void fragments_stay_in_order(void **state)
{
	(void)state;
	for (unsigned before = 0; before < 2; before++) {
		restack(before ? &tuple : &marking);
		for (unsigned i = 0; i < 3; i++) {
			struct weir_frame *frames[] = { fragment(1, false, 2),
				fragment(2, true, 2) };

			if (i == 1) {
				restack(before ? &marking : &tuple);
				put_first(before);
			}
			line.nics[1].last_sent = 0;
			batch(0, frames, 2, i == 1 ? 1 : FLOWS);
			assert_int_equal(line.nics[1].last_sent, 2);
			assert_int_equal(line.nics[1].sent[0], 6 * before + 2 * (i + 1));
		}
	}
	assert_int_equal(line.nics[1].n_disordered, 0);
}

// One that waits for a first fragment and is known under the new masks follows them, though it is
// known under those before, too, as its flow has become one with another.
static void a_waiting_fragment_that_is_known_stays_so(void **state)
{
	struct weir_frame *frames[] = { fragment(1, false, 2), fragment(2, true, 2),
		fragment(3, true, 9) };

	(void)state;
	restack(&dropping);
	batch(0, frames, 3, 0);
	assert_int_equal(line.counters[0].dropped, 3);
	restack(NULL);
	frames[0] = fragment(2, true, 2);
	batch(0, frames, 1, 1);
	assert_int_equal(line.nics[1].sent[0], 1);
	put_first(false);
	frames[0] = fragment(1, false, 2);
	frames[1] = fragment(3, true, 9);
	batch(0, frames, 2, 0);
	assert_int_equal(line.counters[0].dropped, 4);
	assert_int_equal(line.nics[1].sent[0], 2);
}

static struct weir_frame *marked(uint32_t number, uint8_t tos)
{
	struct weir_frame *frame = line_frame(0, number);

	frame->data[TOS] = tos;
	return frame;
}

// The frames of a flow that is decided anew stay in their order, behind those of one that is not,
// and each is visited once.
static void each_frame_is_visited_once_in_its_order(void **state)
{
	(void)state;
	for (unsigned before = 0; before < 2; before++) {
		struct weir_frame *frames[4] = { marked(1, 8), marked(2, 4) };

		restack(before ? &looking : &looking_on);
		batch(0, frames, 2, FLOWS);
		restack(before ? &looking_on : &looking);
		put_first(before);
		frames[0] = marked(5, 8);
		frames[1] = marked(3, 4);
		frames[2] = marked(6, 8);
		frames[3] = marked(4, 4);
		line.nics[1].last_sent = 0;
		batch(0, frames, 4, 1);
		assert_int_equal(world.counters[0].visits, 4);
		assert_int_equal(line.nics[1].last_sent, 6);
		line.nics[1].last_sent = 0;
	}
	assert_int_equal(line.nics[1].n_disordered, 0);
	assert_int_equal(line.nics[1].sent[0], 2 * 6);
}

// Whose session has ended, say: it does not run once more, though the batch may decide none.
static void what_must_not_be_done_is_not_put_off(void **state)
{
	(void)state;
	for (unsigned before = 0; before < 2; before++) {
		uint64_t sent, dropped = line.counters[0].dropped;

		restack(before ? &tuple : &marking);
		batch_of(0, 0, FLOWS, FLOWS);
		sent = line.nics[1].sent[0];
		datapath_leave_to_frame(
			line.dp, &line.dp->flows->flows[line.dp->flows->high_water - 1]);
		restack(before ? &dropping_marked : &dropping);
		put_first(before);
		batch_of(0, 0, FLOWS, 0);
		assert_int_equal(line.counters[0].dropped - dropped, 1);
		assert_int_equal(line.nics[1].sent[0] - sent, FLOWS - 1);
	}
}

// What a batch has run holds since no later than the oldest of its flows was decided: others, such
// as what is remembered of fragments, rely on it.
static void what_ran_is_as_old_as_its_flow(void **state)
{
	(void)state;
	for (unsigned before = 0; before < 2; before++) {
		uint64_t decided_at;

		restack(before ? &tuple : &marking);
		batch_of(0, 0, FLOWS, FLOWS);
		decided_at = line.dp->now;
		assert_int_equal(line.dp->run_valid_at, decided_at);
		restack(before ? &marking : &tuple);
		put_first(before);
		batch_of(0, 0, FLOWS, 1);
		assert_true(line.dp->now > decided_at);
		assert_int_equal(line.dp->run_valid_at, decided_at);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, line_setup, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_masks_of_the_last_batch_come_first),
		TEST(most_of_a_batch_settles_it),
		TEST(each_port_has_its_own),
		TEST(fragments_stay_in_order),
		TEST(a_waiting_fragment_that_is_known_stays_so),
		TEST(each_frame_is_visited_once_in_its_order),
		TEST(what_must_not_be_done_is_not_put_off),
		TEST(what_ran_is_as_old_as_its_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
