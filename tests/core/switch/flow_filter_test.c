// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Listing some of the flows: by port, by fields, by worker, by frames, up to a limit.
#include "lab_probe.h"

struct look {
	unsigned n;
	bool done;
	char last[512];
};

static void take(void *context, const struct weir_flow_info *info)
{
	struct look *look = context;

	look->n++;
	snprintf(look->last, sizeof(look->last), "%s", info->key);
}

static void done(void *context)
{
	((struct look *)context)->done = true;
}

static int try_list(struct lab *lab, struct weir_flow_filter filter, struct look *look)
{
	filter.size = sizeof(filter);
	if (!filter.switch_name)
		filter.switch_name = "br0";
	return weir_flow_list_some(lab->weir, &filter, take, done, look, &lab->error);
}

static unsigned count(struct lab *lab, struct weir_flow_filter filter)
{
	struct look look = { 0 };

	if (try_list(lab, filter, &look) < 0)
		fail_msg("%s: %s", filter.match ? filter.match : "", lab->error.message);
	for (unsigned i = 0; !look.done && i < 10000; i++)
		lab_run(lab);
	assert_true(look.done);
	return look.n;
}

// 0 to 1 and 1 to 0, a hundred ports each; the first one thrice. p2 reads no ports.
static void start(struct lab *lab)
{
	struct lab_frame frame;

	lab_start(lab, &(struct lab_options){ .n_ports = 3 });
	lab_attach(lab, "probe-filter", 10);
	lab_reads(lab, "p0", "probe-filter", WEIR_FIELDS_5TUPLE);
	lab_reads(lab, "p1", "probe-filter", WEIR_FIELDS_5TUPLE);
	lab_settle(lab);
	for (unsigned i = 0; i < 100; i++) {
		frame = lab_udp(0, 1, 1000, (uint16_t)(2000 + i));
		lab_send(lab, 0, &frame);
		frame = lab_tcp(1, 0, (uint16_t)(3000 + i), 2);
		lab_send(lab, 1, &frame);
		lab_run(lab);
	}
	frame = lab_udp(0, 1, 1000, 2000);
	lab_send(lab, 0, &frame);
	lab_send(lab, 0, &frame);
	frame = lab_udp(2, 1, 1000, 2000);
	lab_send(lab, 2, &frame);
	lab_run(lab);
}

static void filters_narrow_the_list(void **state)
{
	static const struct {
		struct weir_flow_filter filter;
		unsigned n;
	} rows[] = {
		// With the egress halves of the frames that were flooded.
		{ { .worker = -1, .match = "ipv4" }, 204 },
		{ { .worker = 0, .match = "ipv4" }, 204 },
		{ { .worker = -1, .match = "egress:ipv4" }, 3 },
		{ { .worker = -1, .port = "p0", .match = "ipv4" }, 100 },
		// From there, and an egress half that leads there.
		{ { .worker = -1, .port = "p2", .match = "" }, 2 },
		{ { .worker = -1, .port = "p0", .match = "proto=17" }, 100 },
		{ { .worker = -1, .port = "p1", .match = "tcp" }, 100 },
		{ { .worker = -1, .match = "ip_dst=10.0.0.1,l4_dst=2007" }, 1 },
		{ { .worker = -1, .port = "p0", .match = "ip_dst=10.0.0.0/8" }, 100 },
		{ { .worker = -1, .match = "ip_dst=11.0.0.0/8" }, 0 },
		// Not told apart by the field, which reads as zero.
		{ { .worker = -1, .port = "p2", .match = "l4_dst=0" }, 0 },
		{ { .worker = -1, .port = "p2", .match = "l4_dst=2000" }, 0 },
		{ { .worker = -1, .min_frames = 2, .port = "p0", .match = "proto=17" }, 1 },
		{ { .worker = -1, .min_frames = 4 }, 0 },
		{ { .worker = -1, .match = "ipv4", .limit = 7 }, 7 },
		{ { .worker = -1, .match = "ipv4", .limit = 204 }, 204 },
		{ { .worker = -1, .match = "ipv4", .limit = 1000 }, 204 },
	};
	struct lab lab;

	(void)state;
	start(&lab);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned n = count(&lab, rows[i].filter);

		if (n != rows[i].n)
			fail_msg("row %zu: %u flows, expected %u", i, n, rows[i].n);
	}
	lab_end(&lab);
}

// What a page does not find among the flows that it looks at, later ones do.
static void far_flows_are_found(void **state)
{
	struct lab_frame frame;
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_attach(&lab, "probe-filter", 10);
	lab_reads(&lab, "p0", "probe-filter", WEIR_FIELD_L4_DST);
	lab_settle(&lab);
	for (unsigned i = 0; i < 6000; i++) {
		struct lab_frame got;

		frame = lab_udp(0, 1, 1000, (uint16_t)i);
		lab_send(&lab, 0, &frame);
		if (i % 64 == 0)
			lab_run(&lab);
		while (lab_receive(&lab, 1, &got))
			continue;
	}
	lab_run(&lab);
	assert_int_equal(
		count(&lab, (struct weir_flow_filter){ .worker = -1, .match = "l4_dst=5999" }), 1);
	assert_int_equal(
		count(&lab, (struct weir_flow_filter){ .worker = -1, .port = "p0" }), 6000);
	lab_end(&lab);
}

static void wrong_filters_are_refused(void **state)
{
	struct look look = { 0 };
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	assert_int_equal(weir_switch_add(lab.weir, "br1", 0, &lab.error), 0);
	lab_assert_refused(&lab,
		try_list(&lab, (struct weir_flow_filter){ .switch_name = "br9", .worker = -1 },
			&look),
		ENOENT, "br9");
	lab_assert_refused(&lab,
		try_list(&lab, (struct weir_flow_filter){ .port = "p9", .worker = -1 }, &look),
		ENOENT, "p9");
	lab_assert_refused(&lab,
		try_list(&lab,
			(struct weir_flow_filter){
				.switch_name = "br1", .port = "p0", .worker = -1 },
			&look),
		ENOENT, "is on switch br0");
	lab_assert_refused(&lab, try_list(&lab, (struct weir_flow_filter){ .worker = 1 }, &look),
		EINVAL, "worker 1: must be 0 to 0");
	lab_assert_refused(&lab,
		try_list(&lab, (struct weir_flow_filter){ .worker = -1, .match = "ip=1" }, &look),
		EINVAL, "\"ip\": there are");
	assert_int_equal(look.n, 0);
	assert_false(look.done);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_narrow_the_list),
		cmocka_unit_test(far_flows_are_found),
		cmocka_unit_test(wrong_filters_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
