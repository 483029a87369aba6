// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The walk through the stack: who is asked, in which order, what each is shown, and what becomes of
// what they say.
#include "compose_world.h"

#include <arpa/inet.h>
#include <stdio.h>

#define UDP4    MACS "0800" IP4("001c", "0000", "11") UDP_HEADER
#define TAGGED4 MACS TAG("0005") "0800" IP4("001c", "0000", "11") UDP_HEADER

static int setup(void **state)
{
	int ret = world_setup(state);

	if (ret == 0)
		world_learn(0, "020000000002", 2); // where UDP4 goes
	return ret;
}

// ---- Order

static void say(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	const struct actor *actor = state;

	(void)d;
	(void)flow;
	world_log("%s ", actor->name);
}

static void say_and_drop(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	say(state, flow, d);
	weir_drop(d, 1);
}

static void say_and_forward(
	const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	say(state, flow, d);
	weir_forward(d, 0x10002);
}

static const struct actor watch = {
	.name = "watch", .class = WEIR_CLASS_CAPTURE, .hooks = { say, NULL, NULL, say, say }
};
static const struct actor one = {
	.name = "one", .class = WEIR_CLASS_FILTER, .hooks = { say, NULL, say, say, NULL }
};
static const struct actor two = {
	.name = "two", .class = WEIR_CLASS_FILTER, .hooks = { say, NULL, say, say, NULL }
};
static const struct actor steer = { .name = "steer",
	.class = WEIR_CLASS_FORWARDING,
	.hooks = { NULL, say_and_forward, NULL, NULL, NULL } };

static void hooks_are_called_in_the_order_of_the_stages(void **state)
{
	const struct actor *stack[] = { &watch, &one, &two, &steer };

	(void)state;
	world_stack(stack, 4);
	assert_string_equal(world_ingress(1, UDP4, 0), "output #2");
	assert_string_equal(world_said,
		"watch one two " // ingress: captures, then filters
		"steer "
		"one two "       // how it is forwarded is known
		"two one watch " // egress: reverse order
	);
	world_stack(stack, 3);
	assert_string_equal(world_ingress(1, UDP4, 0), "output #2");
	assert_string_equal(world_said, "watch one two one two two one watch ");
}

// Behind a visit that changed the frame, or behind its originator, who came before is not asked.
static void a_start_leaves_out_who_came_before(void **state)
{
	const struct actor *stack[] = { &watch, &one, &two };

	(void)state;
	world_stack(stack, 3);
	world_ingress(1, UDP4, world.hooks[1][1].position);
	assert_string_equal(world_said, "one two one two two one watch ");
	world_ingress(1, UDP4, (uint8_t)(world.hooks[1][1].position + 1));
	assert_string_equal(world_said, "two one two two one watch ");
	world_ingress(1, UDP4, (uint8_t)(world.hooks[1][3].position + 1)); // one, forwarded
	assert_string_equal(world_said, "two two one watch ");
}

static void after_a_drop_only_drop_captures_are_asked(void **state)
{
	static const struct {
		enum weir_stage stage;
		const char *said;
	} rows[] = {
		{ WEIR_STAGE_INGRESS, "watch no watch " },
		{ WEIR_STAGE_FORWARDED, "watch two no watch " },
		{ WEIR_STAGE_EGRESS, "watch two two two no watch " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct actor no = { .name = "no", .class = WEIR_CLASS_FILTER };
		const struct actor *stack[] = { &watch, &no, &two };

		no.hooks[rows[i].stage] = say_and_drop;
		world_stack(stack, 3);
		assert_string_equal(world_ingress(1, UDP4, 0), "drop no/1");
		assert_string_equal(world_said, rows[i].said);
		assert_int_equal(world.out.ops[0].stage, rows[i].stage);
	}
}

static void what_the_core_drops_is_captured_too(void **state)
{
	const struct actor *stack[] = { &watch, &one };

	(void)state;
	world_stack(stack, 2);
	assert_string_equal(world_ingress(1, MACS "81", 0), "drop malformed");
	assert_string_equal(world_said, "watch ");
	assert_string_equal(world_ingress(1, MACS TAG("0001"), 0), "drop malformed");
	world.ports[1].blocked = true;
	assert_string_equal(world_ingress(1, UDP4, 0), "drop port-down");
	assert_string_equal(world_said, "watch ");
	world.ports[1].blocked = false;
	world_learn(0, "020000000002", 1);
	assert_string_equal(world_ingress(1, UDP4, 0), "drop same-port");
	assert_string_equal(world_said, "watch one watch ");
}

// ---- What is seen

static void show_flow(const void *state, const struct weir_flow *f, struct weir_decision *d)
{
	const struct actor *actor = state;

	(void)d;
	world_log("%s: tos %u vlan %u tags %u dst %u fwd %u from %x to %x; ", actor->name,
		f->ip_tos, f->vlan_id, f->n_tags, ntohs(f->l4_dst), f->forwarded, f->ingress & 0xff,
		f->egress & 0xff);
}

static void mark(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	uint16_t vlan = 7, port = htons(99);

	(void)state;
	if (flow->l4_dst == port)
		return;
	weir_set_dscp(d, 10);
	weir_set(d, WEIR_FIELD_VLAN_ID, &vlan, sizeof(vlan));
	weir_set(d, WEIR_FIELD_L4_DST, &port, sizeof(port));
}

static void rewrites_are_seen_by_who_comes_later(void **state)
{
	static const struct actor before = { .name = "before",
		.class = WEIR_CLASS_CAPTURE,
		.reads = WEIR_FIELDS_ALL,
		.hooks = { show_flow, NULL, NULL, NULL, NULL } };
	static const struct actor marks = { .name = "marks",
		.class = WEIR_CLASS_FILTER,
		.reads = WEIR_FIELDS_ALL,
		.hooks = { mark, NULL, NULL, NULL, NULL } };
	static const struct actor after = { .name = "after",
		.class = WEIR_CLASS_FILTER,
		.reads = WEIR_FIELDS_ALL,
		.hooks = { show_flow, NULL, show_flow, show_flow, NULL } };
	const struct actor *stack[] = { &before, &marks, &after };

	(void)state;
	world_learn(7, "020000000002", 2);
	world_stack(stack, 3);
	assert_string_equal(
		world_ingress(1, UDP4, 0), "set-dscp 10, push-vlan 7, set-l4-dst 99, output #2");
	assert_string_equal(world_said, "before: tos 184 vlan 0 tags 0 dst 53 fwd 0 from 1 to ff; "
					"after: tos 40 vlan 7 tags 1 dst 99 fwd 0 from 1 to ff; "
					"after: tos 40 vlan 7 tags 1 dst 99 fwd 1 from 1 to ff; "
					"after: tos 40 vlan 7 tags 1 dst 99 fwd 1 from 1 to 2; ");
}

static void what_is_not_declared_reads_as_zero(void **state)
{
	static const struct actor greedy = { .name = "all",
		.class = WEIR_CLASS_CAPTURE,
		.reads = WEIR_FIELDS_ALL,
		.hooks = { show_flow, NULL, NULL, show_flow, NULL } };
	static const struct actor modest = { .name = "dst",
		.class = WEIR_CLASS_FILTER,
		.reads = WEIR_FIELD_L4_DST,
		.hooks = { show_flow, NULL, NULL, show_flow, NULL } };
	const struct actor *stack[] = { &greedy, &modest };

	(void)state;
	world_learn(5, "020000000002", 2);
	world_stack(stack, 2);
	assert_string_equal(world_ingress(1, TAGGED4, 0), "output #2");
	// Structure (tags) is never masked; where a frame came from is a field at egress.
	assert_string_equal(world_said, "all: tos 184 vlan 5 tags 1 dst 53 fwd 0 from 1 to ff; "
					"dst: tos 0 vlan 0 tags 1 dst 53 fwd 0 from 1 to ff; "
					"dst: tos 0 vlan 0 tags 1 dst 53 fwd 1 from ff to 2; "
					"all: tos 184 vlan 5 tags 1 dst 53 fwd 1 from 1 to 2; ");
}

// ---- Strict mode

static const struct cheat {
	uint64_t field;
	const char *name;
	size_t at, size;
} cheats[] = {
	{ WEIR_FIELD_ETH_DST, "WEIR_FIELD_ETH_DST", offsetof(struct weir_flow, eth_dst), 6 },
	{ WEIR_FIELD_ETH_SRC, "WEIR_FIELD_ETH_SRC", offsetof(struct weir_flow, eth_src), 6 },
	{ WEIR_FIELD_ETH_TYPE, "WEIR_FIELD_ETH_TYPE", offsetof(struct weir_flow, eth_type), 2 },
	{ WEIR_FIELD_VLAN_ID, "WEIR_FIELD_VLAN_ID", offsetof(struct weir_flow, vlan_id), 2 },
	{ WEIR_FIELD_VLAN_PCP, "WEIR_FIELD_VLAN_PCP", offsetof(struct weir_flow, vlan_pcp), 1 },
	{ WEIR_FIELD_INNER_VLAN, "WEIR_FIELD_INNER_VLAN", offsetof(struct weir_flow, inner_vlan),
		2 },
	{ WEIR_FIELD_IP_PROTO, "WEIR_FIELD_IP_PROTO", offsetof(struct weir_flow, ip_proto), 1 },
	{ WEIR_FIELD_IP_TOS, "WEIR_FIELD_IP_TOS", offsetof(struct weir_flow, ip_tos), 1 },
	{ WEIR_FIELD_IP_TTL, "WEIR_FIELD_IP_TTL", offsetof(struct weir_flow, ip_ttl), 1 },
	{ WEIR_FIELD_IP6_LABEL, "WEIR_FIELD_IP6_LABEL", offsetof(struct weir_flow, ip6_label), 4 },
	{ WEIR_FIELD_IP_SRC, "WEIR_FIELD_IP_SRC", offsetof(struct weir_flow, ip_src), 4 },
	{ WEIR_FIELD_IP_DST, "WEIR_FIELD_IP_DST", offsetof(struct weir_flow, ip_dst), 4 },
	{ WEIR_FIELD_L4_SRC, "WEIR_FIELD_L4_SRC", offsetof(struct weir_flow, l4_src), 2 },
	{ WEIR_FIELD_L4_DST, "WEIR_FIELD_L4_DST", offsetof(struct weir_flow, l4_dst), 2 },
};

// Drops what has anything in a field that it may not have declared.
static void look(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	const struct cheat *cheat = ((const struct actor *)state)->context;

	for (size_t i = 0; i < cheat->size; i++)
		if (((const uint8_t *)flow)[cheat->at + i]) {
			weir_drop(d, 0);
			return;
		}
}

static uint64_t strict_offences(const struct cheat *cheat, uint64_t reads, enum weir_stage stage)
{
	struct actor cheater = {
		.name = "cheat", .class = WEIR_CLASS_FILTER, .reads = reads, .context = cheat
	};
	const struct actor *stack[] = { &cheater };

	cheater.hooks[stage] = look;
	world_stack(stack, 1);
	if (stage == WEIR_STAGE_EGRESS)
		world_egress(2, UDP4, 1, WEIR_FORWARDED_UNICAST);
	else
		world_ingress(1, UDP4, 0);
	return world.counters[0].impure;
}

// Its author is told which field it is, and no other.
static void assert_blames(const char *fields)
{
	const char *sentence = world.counters[0].offence, *on = strstr(sentence, "depends on ");
	size_t n = strlen(fields);

	if (!on || strncmp(on + 11, fields, n) != 0 ||
		strcmp(on + 11 + n, ", not declared to be read") != 0)
		fail_msg("\"%s\" does not blame %s", sentence, fields);
}

static void strict_mode_catches_what_was_not_declared(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cheats) / sizeof(cheats[0]); i++) {
		uint64_t others = WEIR_FIELDS_ALL & ~cheats[i].field;

		world.snapshot->strict = true;
		for (enum weir_stage s = WEIR_STAGE_INGRESS; s <= WEIR_STAGE_EGRESS; s++) {
			if (s == WEIR_STAGE_FORWARD) // of the forwarding class only
				continue;
			if (strict_offences(&cheats[i], others, s) != 1)
				fail_msg("field 0x%llx, stage %u: not caught",
					(unsigned long long)cheats[i].field, s);
			assert_blames(cheats[i].name);
			assert_int_equal(strict_offences(&cheats[i], 0, s), 1);
			assert_blames(cheats[i].name);
			assert_int_equal(strict_offences(&cheats[i], cheats[i].field, s), 0);
			assert_int_equal(strict_offences(&cheats[i], WEIR_FIELDS_ALL, s), 0);
		}
		world.snapshot->strict = false;
		assert_int_equal(strict_offences(&cheats[i], others, WEIR_STAGE_INGRESS), 0);
	}
}

static void look_at_any(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	if (flow->ip_ttl || flow->ip_proto || flow->ip_tos || flow->l4_src)
		weir_drop(d, 0);
}

static void look_at_both(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	if (flow->ip_ttl && flow->ip_proto)
		weir_drop(d, 0);
}

static void look_at_a_clock(
	const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	static uint64_t clock;

	(void)state, (void)flow;
	weir_depend(d, ++clock);
}

// Which fields they are, as far as that can be said.
static void strict_mode_says_what_it_depends_on(void **state)
{
	static const struct {
		weir_decide *decide;
		const char *sentence;
	} rows[] = {
		{ look_at_any,
			"the decision at stage ingress depends on WEIR_FIELD_IP_PROTO, "
			"WEIR_FIELD_IP_TOS, WEIR_FIELD_IP_TTL and more, not declared to be read" },
		{ look_at_both, "the decision at stage ingress depends on fields, not declared to "
				"be read" },
		{ look_at_a_clock,
			"the decision at stage ingress depends on something else than the flow, as "
			"a counter or a clock" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct actor cheater = { .name = "cheat",
			.class = WEIR_CLASS_FILTER,
			.hooks = { rows[i].decide, NULL, NULL, NULL, NULL } };
		const struct actor *stack[] = { &cheater };

		world_stack(stack, 1);
		world.snapshot->strict = true;
		world_ingress(1, UDP4, 0);
		assert_string_equal(world.counters[0].offence, rows[i].sentence);
	}
}

static void mark_and_drop_if_any(
	const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	if (!flow->ip_proto)
		return;
	weir_set_dscp(d, 63);
	weir_drop(d, 0);
}

// What counts is the decision made from the true flow, and it is counted once.
static void strict_mode_keeps_the_true_decision(void **state)
{
	static const struct actor marks = { .name = "marks",
		.class = WEIR_CLASS_FILTER,
		.reads = WEIR_FIELDS_ALL,
		.hooks = { mark, NULL, NULL, NULL, NULL } };
	struct actor cheater = { .name = "cheat",
		.class = WEIR_CLASS_FILTER,
		.hooks = { mark_and_drop_if_any, NULL, NULL, NULL, NULL } };
	const struct actor *stack[] = { &marks, &cheater };

	(void)state;
	world_learn(7, "020000000002", 2);
	world_stack(stack, 2);
	world.snapshot->strict = true;
	assert_string_equal(
		world_ingress(1, UDP4, 0), "set-dscp 10, push-vlan 7, set-l4-dst 99, output #2");
	assert_int_equal(world.counters[0].impure, 0);
	assert_int_equal(world.counters[1].impure, 1);
}

int main(void)
{
#define WORLD(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)
	const struct CMUnitTest tests[] = {
		WORLD(hooks_are_called_in_the_order_of_the_stages),
		WORLD(a_start_leaves_out_who_came_before),
		WORLD(after_a_drop_only_drop_captures_are_asked),
		WORLD(what_the_core_drops_is_captured_too),
		WORLD(rewrites_are_seen_by_who_comes_later),
		WORLD(what_is_not_declared_reads_as_zero),
		WORLD(strict_mode_catches_what_was_not_declared),
		WORLD(strict_mode_says_what_it_depends_on),
		WORLD(strict_mode_keeps_the_true_decision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
