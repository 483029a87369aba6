// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A trace against the datapath: random frames through random stacks. The flows and programs that
// the trace tells are those that the workers then cache for the same frame, for both halves, and
// the frame comes out where the trace says.
#include <stdlib.h>

#include "lab_probe.h"

enum { N_PORTS = 6, N_STACKS = 12, N_FRAMES = 250, HALVES_MAX = 16 };

// Of which there have been some in programs.
static const char *const seen_ops[] = { "police", "track", "meter", "visit", "copy", "drop",
	"flood", "deliver", "output", "set-dscp", "session-full", "same-port" };
enum { N_SEEN_OPS = sizeof(seen_ops) / sizeof(seen_ops[0]) };
static unsigned n_seen[N_SEEN_OPS], n_sessions_seen;

static uint32_t seed = 1;

static uint32_t draw(uint32_t n)
{
	seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
	return (uint32_t)((uint64_t)seed * n >> 32);
}

struct half {
	char port[32], key[512], program[1024];
	bool cached;
	char other[1024]; // the program of a flow with this key that is another one
};

struct traced {
	unsigned n;
	struct half halves[HALVES_MAX];
	unsigned outputs[N_PORTS]; // frames that come out: as they are to, and copies
};

static void note_ops(struct traced *t, const char *program)
{
	for (unsigned i = 0; i < N_SEEN_OPS; i++)
		n_seen[i] += strstr(program, seen_ops[i]) != NULL;
	for (const char *at = program; (at = strstr(at, "copy p")); at++)
		t->outputs[at[strlen("copy p")] - '0']++;
}

// Frames that go to all ports have a half each.
static void take_row(void *context, const struct weir_trace_info *info)
{
	struct traced *t = context;

	if (strcmp(info->action, "flow") == 0) {
		assert_in_range(t->n, 0, HALVES_MAX - 1);
		snprintf(t->halves[t->n].port, sizeof(t->halves[0].port), "%s", info->port);
		snprintf(t->halves[t->n].key, sizeof(t->halves[0].key), "%s", info->text);
		t->halves[t->n].cached = false;
		t->halves[t->n].other[0] = '\0';
		t->n++;
	} else if (strcmp(info->action, "program") == 0) {
		snprintf(t->halves[t->n - 1].program, sizeof(t->halves[0].program), "%s",
			info->text);
		note_ops(t, info->text);
	} else if (strcmp(info->action, "output") == 0) {
		t->outputs[atoi(info->port + 1)]++;
	} else if (strcmp(info->action, "session") == 0) {
		n_sessions_seen++;
	}
}

static void see_flow(void *context, const struct weir_flow_info *info)
{
	struct traced *t = context;

	for (unsigned i = 0; i < t->n; i++) {
		struct half *h = &t->halves[i];

		if (strcmp(h->port, info->port) != 0 || strcmp(h->key, info->key) != 0)
			continue;
		// Flows that differ in what their text does not show, as in the number of tags, are
		// decided when their own frames come.
		if (strcmp(h->program, info->program) == 0)
			h->cached = true;
		else
			snprintf(h->other, sizeof(h->other), "%s", info->program);
	}
}

static void seen_all(void *context)
{
	*(bool *)context = true;
}

// weir_done() and the rows have one context.
struct look {
	struct traced *traced;
	bool done;
};

static void look_row(void *context, const struct weir_flow_info *info)
{
	see_flow(((struct look *)context)->traced, info);
}

static void look_done(void *context)
{
	seen_all(&((struct look *)context)->done);
}

static void compare_flows(struct lab *lab, struct traced *traced)
{
	struct look look = { .traced = traced };

	assert_int_equal(
		weir_flow_list(lab->weir, "br0", look_row, look_done, &look, &lab->error), 0);
	for (unsigned i = 0; !look.done && i < 1000; i++)
		lab_run(lab);
	assert_true(look.done);
	for (unsigned i = 0; i < traced->n; i++)
		if (!traced->halves[i].cached)
			fail_msg("%s %s\n  traced %s\n  cached %s", traced->halves[i].port,
				traced->halves[i].key, traced->halves[i].program,
				traced->halves[i].other);
}

static void compare(struct lab *lab, unsigned port, const struct lab_frame *frame)
{
	static struct traced traced;
	unsigned got[LAB_PORTS_MAX] = { 0 };
	char name[8];

	snprintf(name, sizeof(name), "p%u", port);
	memset(&traced, 0, sizeof(traced));
	if (weir_trace(lab->weir,
		    &(struct weir_trace_request){
			    sizeof(struct weir_trace_request), name, frame->bytes, frame->size },
		    take_row, &traced, &lab->error) < 0)
		fail_msg("trace: %s", lab->error.message);
	lab_pass(lab, port, frame, got, 0, NULL);
	compare_flows(lab, &traced);
	for (unsigned i = 0; i < N_PORTS; i++)
		if (got[i] != traced.outputs[i])
			fail_msg("%u frames out of p%u instead of %u: %s %s", got[i], i,
				traced.outputs[i], traced.halves[0].key, traced.halves[0].program);
}

// ---- Frames and stacks

static struct lab_frame random_frame(void)
{
	unsigned from = draw(8), to = draw(5) == 0 ? LAB_BROADCAST : draw(9);
	struct lab_frame frame = draw(2) ? lab_udp(from, to, (uint16_t)draw(3), (uint16_t)draw(4))
					 : lab_tcp(from, to, (uint16_t)draw(4), (uint8_t)draw(32));

	frame.bytes[15] = (uint8_t)(draw(3) << 5);
	if (draw(6) == 0)
		frame.size = 14 + draw(frame.size - 14);
	if (draw(8) == 0)
		frame.bytes[0] = 1; // multicast
	if (draw(20) == 0)
		memcpy(frame.bytes, "\x01\x80\xc2\x00\x00\x02", 6);
	if (draw(6) == 0)
		frame.bytes[12 + draw(frame.size - 12)] = (uint8_t)draw(256);
	if (draw(3) == 0 && frame.size > 20)
		frame = lab_tagged(frame, (uint16_t)(draw(4) * 10 | draw(8) << 13));
	if (draw(12) == 0 && frame.size > 20)
		frame = lab_tagged(frame, (uint16_t)(draw(4) * 10));
	return frame;
}

static Probe__Act random_act(bool is_capture, bool is_forwarding)
{
	static const uint32_t fields[] = { WEIR_FIELD_IP_TOS, WEIR_FIELD_VLAN_PCP,
		WEIR_FIELD_L4_DST, WEIR_FIELD_VLAN_ID, WEIR_FIELD_ETH_DST, WEIR_FIELD_IP_DST };
	static const uint8_t sizes[] = { 1, 1, 2, 2, 6, 4 };
	static const Probe__Act__What whats[] = { PROBE__ACT__WHAT__DROP_FRAME,
		PROBE__ACT__WHAT__EXCLUDE, PROBE__ACT__WHAT__SET, PROBE__ACT__WHAT__SET,
		PROBE__ACT__WHAT__METER, PROBE__ACT__WHAT__NOTHING, PROBE__ACT__WHAT__DEPEND,
		PROBE__ACT__WHAT__POLICE, PROBE__ACT__WHAT__POLICE_FRAMES };
	static const Probe__Act__What choices[] = { PROBE__ACT__WHAT__SEND_TO,
		PROBE__ACT__WHAT__FLOOD, PROBE__ACT__WHAT__NATIVE };
	static char ports[][4] = { "p0", "p1", "p2", "p3" };
	static uint8_t bytes[6] = { 2, 0, 0, 0, 0, 2 };
	Probe__Act act = { .stage = (Probe__Act__Stage)draw(5) };
	unsigned field = draw(6);

	act.what = is_capture      ? PROBE__ACT__WHAT__COPY
		   : is_forwarding ? choices[draw(3)]
				   : whats[draw(9)];
	if (is_forwarding)
		act.stage = PROBE__ACT__STAGE__FORWARD;
	if (act.what == PROBE__ACT__WHAT__SET) {
		act.has_value = 1;
		act.value = fields[field];
		act.has_bytes = 1;
		act.bytes.data = bytes;
		act.bytes.len = sizes[field];
	}
	if (is_capture || act.what == PROBE__ACT__WHAT__SEND_TO)
		act.port = ports[draw(4)];
	// Of a rate that nobody reaches.
	act.has_rate = act.has_burst = act.what == PROBE__ACT__WHAT__POLICE ||
				       act.what == PROBE__ACT__WHAT__POLICE_FRAMES;
	act.rate = act.burst = 1000000000;
	act.has_visit = 1;
	act.visit = act.what == PROBE__ACT__WHAT__NOTHING;
	if (draw(2)) {
		act.has_if_l4_dst = 1;
		act.if_l4_dst = draw(4);
	} else if (draw(2)) {
		act.has_if_tos = 1;
		act.if_tos = draw(3) << 5;
	}
	return act;
}

static void add_acts(struct lab *lab, const char *extension, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char id[16], target[8];

		snprintf(id, sizeof(id), "act%u", i);
		snprintf(target, sizeof(target), "p%u", draw(N_PORTS));
		lab_act(lab, target, extension, id,
			random_act(strcmp(extension, "probe-capture") == 0,
				strcmp(extension, "probe-forwarding") == 0));
	}
}

static void start(struct lab *lab, unsigned stack)
{
	static const char *const vlans[N_PORTS] = { NULL, NULL, NULL, NULL, "10",
		"trunk:10,20,native:30" };

	// Few sessions, so that there is no room for some.
	lab_start(
		lab, &(struct lab_options){ .n_ports = 4, .n_sessions = 64, .n_port_sessions = 8 });
	for (unsigned i = 4; i < N_PORTS; i++)
		lab_add_port(lab, "br0", i, vlans[i]);
	lab_attach(lab, "probe-capture", 10);
	lab_attach(lab, "probe-filter", 10);
	lab_attach(lab, "probe-after", 20);
	if (stack % 3 == 2)
		lab_attach(lab, "probe-forwarding", 10);
	if (stack % 2)
		lab_attach(lab, "stateful", 15);
	add_acts(lab, "probe-filter", stack ? 10 : 0);
	add_acts(lab, "probe-after", stack / 2);
	add_acts(lab, "probe-capture", stack % 4);
	if (stack % 3 == 2)
		add_acts(lab, "probe-forwarding", 4);
	lab_settle(lab);
}

static void a_trace_is_what_happens(void **state)
{
	(void)state;
	for (unsigned stack = 0; stack < N_STACKS; stack++) {
		struct lab lab;

		seed = stack + 1;
		start(&lab, stack);
		for (unsigned i = 0; i < N_FRAMES; i++) {
			struct lab_frame frame = random_frame();

			compare(&lab, draw(N_PORTS), &frame);
		}
		lab_end(&lab);
	}
	for (unsigned i = 0; i < N_SEEN_OPS; i++)
		if (n_seen[i] < N_STACKS)
			fail_msg("%s: in %u programs", seen_ops[i], n_seen[i]);
	assert_true(n_sessions_seen > N_STACKS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trace_is_what_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
