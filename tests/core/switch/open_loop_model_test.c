// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a switch loses that is offered frames by the clock. Time is a model of its own and goes by
// what the worker does: a frame takes HIT_NS, one whose flow is decided DECIDE_NS. So the capacity
// is known, and the same on every machine.
#include "lab_probe.h"

#include <unistd.h>

#include "nic/replay.h"
#include "datapath/datapath.h"
#include "switch/port.h"
#include "switch/target.h"
#include "switch/vswitch.h"

enum {
	HIT_NS = 50, // 20 million frames a second
	DECIDE_NS = 500,
	CAPACITY_PPS = 1000000000 / HIT_NS,
	FLOWS = 100,
	MANY_FLOWS = 4000,
	SCAN_FRAMES = 79, // of a capture with one frame of the known flow
};

static char directory[] = "/tmp/weir-open-loop-XXXXXX";

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	char path[64];

	(void)state;
	for (const char *name = "fkms"; *name; name++) {
		snprintf(path, sizeof(path), "%s/%c", directory, *name);
		unlink(path);
	}
	return rmdir(directory);
}

// ---- Captures

static FILE *begin(const char *name)
{
	uint32_t header[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1 };
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(header, sizeof(header), 1, file), 1);
	return file;
}

static void add(FILE *file, const struct lab_frame *frame)
{
	uint32_t header[4] = { 0, 0, frame->size, frame->size };

	assert_int_equal(fwrite(header, sizeof(header), 1, file), 1);
	assert_int_equal(fwrite(frame->bytes, frame->size, 1, file), 1);
}

// A frame of the known flow, which `vary` leaves alone: it has no ports.
static struct lab_frame known_frame(unsigned from)
{
	struct lab_frame frame = lab_udp(from, 1, 7, 7);

	frame.bytes[23] = 47; // GRE (RFC 2784)
	return frame;
}

static void write_flows(const char *name, unsigned n)
{
	FILE *file = begin(name);

	for (unsigned i = 0; i < n; i++) {
		struct lab_frame frame = lab_udp(0, 1, (uint16_t)(1000 + i), 53);

		add(file, &frame);
	}
	assert_int_equal(fclose(file), 0);
}

// "f": FLOWS flows from station 0 to 1; "m": MANY_FLOWS; "k": the known flow alone; "s": a frame of
// another such flow, from station 3, before SCAN_FRAMES of the scan, which go to station 2.
static void write_captures(void)
{
	struct lab_frame known = known_frame(0), beside = known_frame(3),
			 scan = lab_udp(3, 2, 1, 1);
	FILE *file = begin("k");

	write_flows("f", FLOWS);
	write_flows("m", MANY_FLOWS);
	add(file, &known);
	assert_int_equal(fclose(file), 0);
	file = begin("s");
	add(file, &beside);
	for (unsigned i = 0; i < SCAN_FRAMES; i++)
		add(file, &scan);
	assert_int_equal(fclose(file), 0);
}

// ---- The switch

static uint64_t clock_of(void *context)
{
	return ((struct lab *)context)->clock_ns;
}

// Stations 1 and 2 are at the null ports "to1" and "to2".
static void begin_lab(struct lab *lab, const char *extension)
{
	struct weir_port_config config = { .size = sizeof(config), .nic = "null" };

	write_captures();
	lab_start(lab, &(struct lab_options){ .n_ports = 0 });
	if (extension)
		lab_attach(lab, extension, 0);
	assert_int_equal(weir_port_add(lab->weir, "br0", "to1", &config, 0, &lab->error), 0);
	assert_int_equal(weir_port_add(lab->weir, "br0", "to2", &config, 0, &lab->error), 0);
	for (unsigned i = 1; i <= 2; i++) {
		struct lab_frame frame = lab_udp(i, 0, 1, 1); // for its source address
		const uint8_t *m = frame.bytes + 6;
		char mac[18];

		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
			m[4], m[5]);
		assert_int_equal(weir_fdb_add(lab->weir, "br0", mac, 0, i == 1 ? "to1" : "to2", 0,
					 &lab->error),
			0);
	}
	lab_settle(lab);
}

// A port that a capture comes in at, so many frames a second.
static void add_source(struct lab *lab, const char *name, const char *capture, unsigned pps)
{
	struct weir_port_config config = { .size = sizeof(config) };
	char nic[96];

	snprintf(nic, sizeof(nic), "replay:%s/%s,loop%s,pps=%u", directory, capture,
		capture[0] == 's' ? ",vary" : "", pps);
	config.nic = nic;
	if (weir_port_add(lab->weir, "br0", name, &config, 0, &lab->error) < 0)
		fail_msg("%s", lab->error.message);
	replay_set_clock(port_find(lab->weir, name, NULL)->nic, clock_of, lab);
}

static const struct datapath *datapath(struct lab *lab)
{
	return port_find(lab->weir, "to1", NULL)->target.vswitch->datapaths[0];
}

// Lets the switch work for so long.
static void work_ms(struct lab *lab, unsigned ms)
{
	uint64_t end = lab->clock_ns + ms * UINT64_C(1000000);

	for (unsigned i = 0; lab->clock_ns < end; i++) {
		uint64_t decisions = datapath(lab)->decisions;
		uint64_t n = weir_run(lab->weir);
		uint64_t decided = datapath(lab)->decisions - decisions;

		lab->clock_ns += 100 + n * HIT_NS + decided * (DECIDE_NS - HIT_NS);
		if (i % 64 == 0)
			weir_process(lab->weir);
	}
}

struct counts {
	uint64_t rx, missed, tx, dropped;
};

static void keep(void *context, const struct weir_port_info *info)
{
	*(struct counts *)context = (struct counts){ info->rx_frames, info->rx_missed,
		info->tx_frames, info->dropped_frames };
}

static struct counts counts(struct lab *lab, const char *port)
{
	struct counts c = { 0 };

	assert_int_equal(weir_port_list(lab->weir, NULL, port, keep, &c, &lab->error), 0);
	return c;
}

static uint64_t shed(struct lab *lab)
{
	return lab_drops(lab, "core", "new-flow-shed");
}

// What the filter dropped: the scan meets its port, too.
static uint64_t filtered(struct lab *lab)
{
	return lab_drops(lab, "tuple", "discard");
}

// ---- Tests

static void within_capacity_nothing_is_lost(void **state)
{
	struct lab lab;

	(void)state;
	begin_lab(&lab, "tuple");
	add_source(&lab, "in", "f", CAPACITY_PPS / 10 * 9);
	work_ms(&lab, 20);
	assert_in_range(counts(&lab, "in").rx, CAPACITY_PPS / 50 / 10 * 8, CAPACITY_PPS / 50);
	assert_int_equal(counts(&lab, "in").missed, 0);
	assert_int_equal(counts(&lab, "to1").tx, counts(&lab, "in").rx);
	// The first that came learned its source, which the others of its batch did not know of.
	assert_in_range(datapath(&lab)->decisions, FLOWS, FLOWS + 64);
	lab_end(&lab);
}

// A source that waited for the switch could not show this.
static void beyond_capacity_loss_shows(void **state)
{
	struct counts in;
	struct lab lab;

	(void)state;
	begin_lab(&lab, "tuple");
	add_source(&lab, "in", "f", CAPACITY_PPS / 2 * 3);
	work_ms(&lab, 20);
	in = counts(&lab, "in");
	// A third of what is offered; all of it is known, so that nothing is shed.
	assert_in_range(in.missed, (in.rx + in.missed) * 30 / 100, (in.rx + in.missed) * 40 / 100);
	assert_int_equal(counts(&lab, "to1").tx, in.rx);
	assert_int_equal(shed(&lab), 0);
	lab_end(&lab);
}

// The known flow at 100,000 frames a second; 7.9 million new flows a second come with it.
static void a_scan_at_the_same_port(void **state)
{
	struct counts in;
	struct lab lab;

	(void)state;
	begin_lab(&lab, "tuple");
	add_source(&lab, "in", "s", 100000 * (SCAN_FRAMES + 1));
	work_ms(&lab, 100);
	in = counts(&lab, "in");
	assert_int_equal(in.missed, 0);
	assert_in_range(
		counts(&lab, "to1").tx, in.rx / (SCAN_FRAMES + 1), in.rx / (SCAN_FRAMES + 1) + 1);
	assert_true(shed(&lab) > 0);
	assert_int_equal(in.dropped, shed(&lab) + filtered(&lab));
	assert_int_equal(counts(&lab, "to1").tx + counts(&lab, "to2").tx + in.dropped, in.rx);
	// Decided: all of the scan that was let through, and the known flow, once before its source
	// was learned and once after.
	assert_int_equal(datapath(&lab)->decisions, counts(&lab, "to2").tx + filtered(&lab) + 2);
	// Most of the time that is left over from 8 million frames goes into it.
	assert_true(counts(&lab, "to2").tx > 125000);
	lab_end(&lab);
}

// From another port, and while the fields that flows are known by change back and forth.
static void a_scan_at_another_port(void **state)
{
	struct lab lab;

	(void)state;
	begin_lab(&lab, "tuple");
	add_source(&lab, "in", "k", 100000);
	add_source(&lab, "scan", "s", 100000 * (SCAN_FRAMES + 1));
	work_ms(&lab, 100);
	assert_int_equal(datapath(&lab)->decisions, counts(&lab, "to2").tx + filtered(&lab) + 4);
	for (unsigned i = 0; i < 2; i++) {
		lab_attach(&lab, "marker", 1);
		work_ms(&lab, 60);
		lab_detach(&lab, "marker");
		work_ms(&lab, 60);
	}
	assert_int_equal(counts(&lab, "in").missed, 0);
	assert_int_equal(counts(&lab, "in").dropped, 0);
	assert_int_equal(counts(&lab, "scan").missed, 0);
	assert_int_equal(counts(&lab, "scan").dropped, shed(&lab) + filtered(&lab));
	assert_true(shed(&lab) > 0);
	assert_in_range(counts(&lab, "to1").tx,
		counts(&lab, "in").rx + counts(&lab, "scan").rx / (SCAN_FRAMES + 1),
		counts(&lab, "in").rx + counts(&lab, "scan").rx / (SCAN_FRAMES + 1) + 1);
	lab_end(&lab);
}

static void set_flag(void *context)
{
	*(bool *)context = true;
}

static void work_until_in_force(struct lab *lab)
{
	bool done = false;

	assert_int_equal(weir_when_done(lab->weir, set_flag, &done), 0);
	// A grace period takes its time on another thread, whatever the clock here says.
	for (unsigned i = 0; !done && i < 20000; i++)
		work_ms(lab, 1);
	assert_true(done);
}

// Half of the capacity is known flows' frames, and every one of these is decided anew.
static void a_replacement_loses_nothing(void **state)
{
	struct counts before;
	struct lab lab;

	(void)state;
	begin_lab(&lab, "tuple");
	add_source(&lab, "in", "m", CAPACITY_PPS / 2);
	work_ms(&lab, 10);
	before = counts(&lab, "in"); // the first frames of so many new flows are too many
	for (unsigned i = 0; i < 5; i++) {
		uint64_t decisions = datapath(&lab)->decisions;

		if (weir_extension_replace(lab.weir, "tuple", NULL, 0, &lab.error) < 0)
			fail_msg("%s", lab.error.message);
		work_until_in_force(&lab);
		assert_in_range(datapath(&lab)->decisions - decisions, MANY_FLOWS, MANY_FLOWS + 64);
	}
	assert_true(counts(&lab, "in").rx > before.rx);
	assert_int_equal(counts(&lab, "in").missed, before.missed);
	assert_int_equal(counts(&lab, "in").dropped, before.dropped);
	assert_int_equal(counts(&lab, "to1").tx + before.dropped, counts(&lab, "in").rx);
	lab_end(&lab);
}

// With nobody who reads ports, the same scan is one flow more.
static void a_scan_past_addresses_alone(void **state)
{
	struct lab lab;

	(void)state;
	begin_lab(&lab, NULL);
	add_source(&lab, "in", "s", CAPACITY_PPS / 10 * 9);
	work_ms(&lab, 20);
	assert_true(counts(&lab, "in").rx > 300000);
	assert_int_equal(counts(&lab, "in").missed, 0);
	assert_in_range(datapath(&lab)->decisions, 2, 4);
	lab_end(&lab);
}

// Each port's flows are known by what is read on their own way: here only of what comes in at p0.
static void masks_are_a_ports_own(void **state)
{
	struct lab lab;
	uint64_t decisions;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 3 });
	lab_attach(&lab, "probe-filter", 0);
	for (unsigned i = 0; i < 3; i++) {
		char port[] = { 'p', (char)('0' + i), '\0' };

		lab_reads(&lab, port, "probe-filter", i ? 0 : WEIR_FIELDS_5TUPLE);
		lab_act(&lab, port, "probe-filter", "pass", (Probe__Act){ AT(INGRESS, NOTHING) });
	}
	lab_settle(&lab);
	lab_learn(&lab);
	lab_settle(&lab);
	for (unsigned from = 0; from < 3; from++) {
		decisions = lab_switch(&lab, "br0").decisions;
		for (uint16_t i = 0; i < 500; i++) {
			struct lab_frame frame = lab_udp(from, (from + 1) % 3, i, 5);

			lab_assert_pass(&lab, from, &frame, 1u << (from + 1) % 3);
		}
		decisions = lab_switch(&lab, "br0").decisions - decisions;
		if (from == 0)
			assert_int_equal(decisions, 500);
		else // p0 reads ports also of what it gets: there p2's frames meet egress halves
			assert_in_range(decisions, from == 1 ? 1 : 501, from == 1 ? 2 : 502);
	}
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(within_capacity_nothing_is_lost),
		cmocka_unit_test(beyond_capacity_loss_shows),
		cmocka_unit_test(a_scan_at_the_same_port),
		cmocka_unit_test(a_scan_at_another_port),
		cmocka_unit_test(a_replacement_loses_nothing),
		cmocka_unit_test(a_scan_past_addresses_alone),
		cmocka_unit_test(masks_are_a_ports_own),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
