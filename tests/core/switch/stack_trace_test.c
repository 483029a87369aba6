// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What extensions explain is for who traces, and costs nobody else.
#include "lab_probe.h"
#include "datapath/compose.h"
#include "datapath/key.h"
#include "datapath/program.h"
#include "datapath/rcu.h"
#include "datapath/snapshot.h"
#include "switch/port.h"
#include "switch/vswitch.h"

struct explained {
	struct compose_trace trace; // first
	unsigned n;
	char lines[256]; // "extension@stage: line;"
};

static void take_line(struct compose_trace *trace, const struct compose_step *step)
{
	struct explained *e = (struct explained *)trace;
	size_t used = strlen(e->lines);

	if (step->action != COMPOSE_EXPLAIN)
		return;
	e->n++;
	snprintf(e->lines + used, sizeof(e->lines) - used, "%s@%u: %s;",
		step->hook->entry->extension->name, step->stage, step->text);
}

// Composes what becomes of the frame at p0, as a trace does; explained NULL: as the datapath does.
static struct composition compose(
	struct lab *lab, struct lab_frame *bytes, struct explained *explained)
{
	struct vswitch *s = vswitch_find(lab->weir, "br0", NULL);
	struct weir_frame frame = {
		.data = bytes->bytes, .size = bytes->size, .linear = bytes->size
	};
	struct compose_context context = {
		.snapshot = s->published,
		.fdb = s->fdb,
		.now_s = (uint32_t)(lab->clock_ns / 1000000000),
		.meters = &s->meter_owners,
		.trace = explained ? &explained->trace : NULL,
	};
	struct composition composition;
	struct flow_key key;

	rcu_enter();
	key_parse(&frame, &key);
	key.w[0] |= s->ports[0]->index;
	compose_ingress(&context, &key, &composition);
	rcu_leave();
	return composition;
}

// The same decisions, and a word about them only when somebody listens.
static void explanations_are_for_traces(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 23);
	struct explained explained = { 0 };
	struct composition traced, composed;
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_learn(&lab);
	lab_attach(&lab, "probe-filter", 0);
	lab_act(&lab, "p0", "probe-filter", "why",
		(Probe__Act){ AT(INGRESS, EXPLAIN), BYTES("port 23", 7), IF(l4_dst, 23) });
	lab_act(&lab, "p0", "probe-filter", "set",
		(Probe__Act){ AT(INGRESS, SET), VALUE(WEIR_FIELD_IP_TOS), BYTE(0x20) });
	lab_act(&lab, "p1", "probe-filter", "out",
		(Probe__Act){ AT(EGRESS, EXPLAIN), BYTES("out it goes", 11) });
	compose_trace_init(&explained.trace, take_line);
	composed = compose(&lab, &frame, NULL);
	assert_int_equal(explained.n, 0);
	traced = compose(&lab, &frame, &explained);
	assert_string_equal(
		explained.lines, "probe-filter@0: port 23;probe-filter@3: out it goes;");
	assert_int_equal(traced.n_ops, composed.n_ops);
	assert_memory_equal(traced.ops, composed.ops, traced.n_ops * sizeof(traced.ops[0]));
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(explanations_are_for_traces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
