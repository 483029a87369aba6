// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What is in the file: every frame of the ports and stages that were asked for, once, as it was
// there, and of no others; and what a capture costs flows that it does not concern.
#include "capture_lab.h"
#include "lab_probe.h"
#include "no_telnet.pb-c.h"

enum { SYN = 2 };

static void read_file(struct pcapng_file *file)
{
	pcapng_read(file, capture_path("capture.pcapng"));
}

static void every_stage_is_captured(void **state)
{
	struct lab_frame udp = lab_udp(0, 1, 1000, 2000), back = lab_udp(1, 0, 2000, 1000);
	struct pcapng_file file;
	struct capture_row row;
	struct lab lab;

	(void)state;
	capture_begin(&lab, &(struct lab_options){ .strict = true });
	capture_start(&lab, (struct capture_wish){ .port = "p0", .at = AT_ALL, .name = "x" });
	for (unsigned i = 0; i < 3; i++)
		lab_assert_pass(&lab, 0, &udp, 1 << 1);
	for (unsigned i = 0; i < 2; i++)
		lab_assert_pass(&lab, 1, &back, 1 << 0);
	row = capture_stop(&lab, "x");
	assert_int_equal(row.state, CAPTURE__STATE__STOPPED);
	assert_string_equal(row.reason, "");
	assert_int_equal(row.captured, 5);
	assert_int_equal(row.lost, 0);
	read_file(&file);
	assert_int_equal(file.size, row.bytes);
	assert_int_equal(file.n_ports, 1);
	assert_string_equal(file.ports[0].name, "p0");
	assert_int_equal(file.n_frames, 5);
	for (unsigned i = 0; i < 5; i++) {
		const struct pcapng_frame *f = &file.frames[i];

		assert_string_equal(f->comment, i < 3 ? "stage=ingress" : "stage=egress");
		assert_int_equal(f->flags, i < 3 ? 1 : 2);
		assert_int_equal(f->captured, udp.size);
		assert_int_equal(f->size, udp.size);
		assert_memory_equal(f->bytes, i < 3 ? udp.bytes : back.bytes, udp.size);
		// The laboratory's clock moves with every frame.
		assert_true(i == 0 || f->time_ns > file.frames[i - 1].time_ns);
	}
	pcapng_free(&file);
	assert_int_equal(lab_extension(&lab, "capture").modified, 0);
	assert_int_equal(lab_extension(&lab, "capture").violations, 0);
	capture_end(&lab);
}

static void drops_name_their_cause(void **state)
{
	struct weir_port_config narrow = { .size = sizeof(narrow), .mtu = 68 };
	struct lab_frame telnet = lab_tcp(0, 1, 23, SYN), large = lab_udp(0, 1, 1, 2);
	struct lab_frame told = lab_udp(0, 1, 1, 99), fine = lab_udp(0, 1, 1, 3);
	struct pcapng_file file;
	struct lab lab;

	(void)state;
	capture_begin(&lab, &(struct lab_options){ .strict = true });
	lab_attach(&lab, "no-telnet", 10);
	lab_attach(&lab, "probe-filter", 20);
	lab_act(&lab, "p1", "probe-filter", "told",
		(Probe__Act){ AT(EGRESS, DROP_FRAME), VALUE(1), IF(l4_dst, 99) });
	lab_act(&lab, "p2", "probe-filter", "visit",
		(Probe__Act){ AT(INGRESS, DROP_FRAME), VISIT, VALUE(0) });
	assert_int_equal(
		weir_port_set(lab.weir, "p1", &narrow, WEIR_PORT_SET_MTU, 0, &lab.error), 0);
	lab_settle(&lab);
	large.size += 100;
	capture_start(&lab, (struct capture_wish){ .port = "p0", .port2 = "p1", .at = AT_DROP });
	capture_start(&lab,
		(struct capture_wish){ .port = "p2", .at = AT_DROP, .write = "p2", .name = "p2" });
	for (unsigned i = 0; i < 4; i++) {
		lab_assert_pass(&lab, 0, &telnet, 0);
		lab_assert_pass(&lab, 0, &large, 0);
		lab_assert_pass(&lab, 0, &told, 0);
		lab_assert_pass(&lab, 0, &fine, 1 << 1);
		lab_assert_pass(&lab, 2, &fine, 0);
	}
	assert_int_equal(capture_stop(&lab, "c1").captured, 12);
	read_file(&file);
	assert_int_equal(file.n_frames, 12);
	assert_int_equal(
		pcapng_count(&file, "p0", "stage=drop reason=telnet extension=no-telnet"), 4);
	assert_int_equal(pcapng_count(&file, "p1", "stage=drop reason=too-big extension=core"), 4);
	assert_int_equal(
		pcapng_count(&file, "p1", "stage=drop reason=other extension=probe-filter"), 4);
	for (unsigned i = 0; i < file.n_frames; i++)
		assert_int_equal(file.frames[i].flags, file.frames[i].interface == 0 ? 1 : 2);
	pcapng_free(&file);
	// Dropped by a visit, which nobody decided.
	assert_int_equal(capture_stop(&lab, "p2").captured, 4);
	pcapng_read(&file, capture_path("p2"));
	assert_int_equal(
		pcapng_count(&file, "p2", "stage=drop reason=told extension=probe-filter"), 4);
	pcapng_free(&file);
	capture_end(&lab);
}

static void captures_do_not_disturb_each_other(void **state)
{
	struct lab_frame there = lab_udp(0, 1, 1, 2), back = lab_udp(1, 0, 2, 1);
	struct pcapng_file file;
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	capture_start(&lab,
		(struct capture_wish){ .port = "p0", .at = AT_INGRESS, .write = "a", .name = "a" });
	lab_assert_pass(&lab, 0, &there, 1 << 1);
	capture_start(&lab, (struct capture_wish){ .port = "p0",
				    .port2 = "p1",
				    .write = "b",
				    .at = AT_INGRESS | AT_EGRESS,
				    .snap = 20,
				    .name = "b" });
	capture_start(&lab,
		(struct capture_wish){ .port = "p1", .at = AT_EGRESS, .write = "c", .name = "c" });
	lab_assert_pass(&lab, 0, &there, 1 << 1);
	lab_assert_pass(&lab, 1, &back, 1 << 0);
	assert_int_equal(capture_stop(&lab, "a").captured, 2);
	lab_assert_pass(&lab, 0, &there, 1 << 1);
	assert_int_equal(capture_stop(&lab, "c").captured, 2);
	assert_int_equal(capture_stop(&lab, "b").captured, 6);
	pcapng_read(&file, capture_path("b"));
	assert_int_equal(file.n_ports, 2);
	assert_int_equal(pcapng_count(&file, "p0", "stage=ingress"), 2);
	assert_int_equal(pcapng_count(&file, "p1", "stage=ingress"), 1);
	assert_int_equal(pcapng_count(&file, "p0", "stage=egress"), 1);
	assert_int_equal(pcapng_count(&file, "p1", "stage=egress"), 2);
	for (unsigned i = 0; i < file.n_frames; i++) {
		assert_int_equal(file.frames[i].captured, 20);
		assert_int_equal(file.frames[i].size, there.size);
	}
	pcapng_free(&file);
	capture_end(&lab);
}

// The copy at egress is what leaves, that at ingress what came.
static void rewrites_are_between_the_stages(void **state)
{
	static const uint8_t station_9[6] = { 2, 0, 0, 0, 0, 9 };
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct pcapng_file file;
	struct lab lab;

	(void)state;
	capture_begin(&lab, &(struct lab_options){ .strict = true });
	lab_attach(&lab, "probe-filter", 10);
	lab_act(&lab, "p1", "probe-filter", "set",
		(Probe__Act){ AT(EGRESS, SET), VALUE(WEIR_FIELD_ETH_SRC), BYTES(station_9, 6) });
	capture_start(&lab,
		(struct capture_wish){ .port = "p0", .port2 = "p1", .at = AT_INGRESS | AT_EGRESS });
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	capture_stop(&lab, "c1");
	read_file(&file);
	assert_int_equal(file.n_frames, 2);
	assert_memory_equal(file.frames[0].bytes, frame.bytes, frame.size);
	memcpy(frame.bytes + 6, station_9, 6);
	assert_memory_equal(file.frames[1].bytes, frame.bytes, frame.size);
	pcapng_free(&file);
	capture_end(&lab);
}

static void a_flood_is_captured_where_it_leaves(void **state)
{
	struct lab_frame frame = lab_udp(0, LAB_BROADCAST, 1, 2);
	struct pcapng_file file;
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	capture_start(&lab, (struct capture_wish){ .port = "p2", .port2 = "p3", .at = AT_ALL });
	for (unsigned i = 0; i < 5; i++)
		lab_assert_pass(&lab, 0, &frame, 1 << 1 | 1 << 2 | 1 << 3);
	assert_int_equal(capture_stop(&lab, "c1").captured, 10);
	read_file(&file);
	assert_int_equal(pcapng_count(&file, "p2", "stage=egress"), 5);
	assert_int_equal(pcapng_count(&file, "p3", "stage=egress"), 5);
	pcapng_free(&file);
	capture_end(&lab);
}

// ---- What it costs others

static uint64_t decisions(struct lab *lab)
{
	return lab_switch(lab, "br0").decisions;
}

static void only_flows_of_the_ports_are_decided_anew(void **state)
{
	struct lab_frame mine = lab_udp(0, 1, 1, 2), other = lab_udp(2, 3, 1, 2);
	char program[256];
	struct lab lab;
	uint64_t before;

	(void)state;
	capture_begin(&lab, NULL);
	for (unsigned i = 0; i < 2; i++) {
		lab_assert_pass(&lab, 0, &mine, 1 << 1);
		lab_assert_pass(&lab, 2, &other, 1 << 3);
	}
	before = decisions(&lab);
	capture_start(&lab, (struct capture_wish){ .port = "p0", .at = AT_INGRESS, .name = "x" });
	lab_assert_pass(&lab, 2, &other, 1 << 3);
	lab_program(&lab, "eth_src=02:00:00:00:00:02", program, sizeof(program));
	assert_string_equal(program, "output p3");
	lab_assert_pass(&lab, 0, &mine, 1 << 1);
	lab_program(&lab, "eth_src=02:00:00:00:00:00,eth_dst=02:00:00:00:00:01", program,
		sizeof(program));
	assert_non_null(strstr(program, "visit"));
	// The flows to and from p0, and no others; a second round decides nothing.
	assert_true(decisions(&lab) > before && decisions(&lab) <= before + 8);
	before = decisions(&lab);
	lab_assert_pass(&lab, 0, &mine, 1 << 1);
	lab_assert_pass(&lab, 2, &other, 1 << 3);
	assert_int_equal(decisions(&lab), before);

	capture_stop(&lab, "x");
	lab_settle(&lab);
	lab_assert_pass(&lab, 0, &mine, 1 << 1);
	lab_program(&lab, "eth_src=02:00:00:00:00:00,eth_dst=02:00:00:00:00:01", program,
		sizeof(program));
	assert_string_equal(program, "output p1");
	capture_end(&lab);
}

// Without a capture there is no hook: the extension is not even asked.
static void an_idle_extension_is_not_called(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;
	uint64_t asked;

	(void)state;
	capture_begin(&lab, NULL);
	for (unsigned i = 0; i < 3; i++)
		lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(lab_extension(&lab, "capture").decisions, 0);
	capture_start(&lab, (struct capture_wish){ .port = "p0", .at = AT_INGRESS });
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	asked = lab_extension(&lab, "capture").decisions;
	assert_true(asked > 0);
	assert_int_equal(capture_stop(&lab, "c1").captured, 1);
	lab_settle(&lab);
	for (unsigned i = 0; i < 3; i++)
		lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(lab_extension(&lab, "capture").decisions, asked);
	assert_int_equal(lab_extension(&lab, "capture").visits, 1);
	capture_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stage_is_captured),
		cmocka_unit_test(drops_name_their_cause),
		cmocka_unit_test(captures_do_not_disturb_each_other),
		cmocka_unit_test(rewrites_are_between_the_stages),
		cmocka_unit_test(a_flood_is_captured_where_it_leaves),
		cmocka_unit_test(only_flows_of_the_ports_are_decided_anew),
		cmocka_unit_test(an_idle_extension_is_not_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
