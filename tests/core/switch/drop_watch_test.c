// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Watching drops: samples of what was decided and of what came up at run time, for whom they are,
// as many as fit and the rest counted.
#include "lab_probe.h"

static const char filter[] = "probe-filter";

struct watcher {
	struct weir_drop_watch *watch;
	unsigned n;
	uint64_t lost;
	char last[512]; // "switch port stage extension reason: summary"
	struct lab_frame frame;
	uint32_t frame_size;
	bool ends; // the watch with its first sample
};

static void take(void *context, const struct weir_drop_sample *sample)
{
	struct watcher *w = context;

	w->n++;
	w->lost += sample->lost;
	snprintf(w->last, sizeof(w->last), "%s %s %s %s %s: %s", sample->switch_name, sample->port,
		sample->stage, sample->extension, sample->reason, sample->summary);
	memcpy(w->frame.bytes, sample->bytes, sample->n_bytes);
	w->frame.size = sample->n_bytes;
	w->frame_size = sample->frame_size;
	if (w->ends)
		weir_drop_watch_end(w->watch);
}

static int try_watch(struct lab *lab, struct watcher *w, struct weir_drop_filter f)
{
	f.size = sizeof(f);
	return weir_drop_watch(lab->weir, &f, take, w, &w->watch, &lab->error);
}

static void watch(struct lab *lab, struct watcher *w, struct weir_drop_filter f)
{
	if (try_watch(lab, w, f) < 0)
		fail_msg("watch: %s", lab->error.message);
}

static void start(struct lab *lab, unsigned n_workers)
{
	lab_start(lab, &(struct lab_options){ .n_ports = 3, .n_workers = n_workers });
	lab_learn(lab);
	lab_attach(lab, filter, 10);
	lab_act(lab, "p0", filter, "drop", (Probe__Act){ AT(INGRESS, DROP_FRAME), IF(l4_dst, 9) });
	lab_act(lab, "p1", filter, "drop",
		(Probe__Act){ AT(EGRESS, DROP_FRAME), VALUE(1), IF(l4_dst, 10) });
}

static void send(struct lab *lab, const struct lab_frame *frame, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		lab_send(lab, 0, frame);
	lab_run(lab);
}

static void drops_are_seen(void **state)
{
	struct lab_frame at_p0 = lab_udp(0, 1, 5000, 9), at_p1 = lab_udp(0, 1, 5000, 10),
			 passes = lab_udp(0, 1, 5000, 53), large = lab_udp(0, 2, 1, 2);
	struct weir_port_config narrow = { .size = sizeof(narrow), .mtu = 68 };
	struct watcher w = { 0 };
	struct lab lab;

	(void)state;
	start(&lab, 0);
	send(&lab, &at_p0, 1);
	watch(&lab, &w, (struct weir_drop_filter){ 0 });
	send(&lab, &passes, 1);
	assert_int_equal(w.n, 0);
	send(&lab, &at_p0, 1);
	assert_int_equal(w.n, 1);
	assert_string_equal(w.last,
		"br0 p0 ingress probe-filter told: 10.0.0.0:5000 > 10.0.0.1:9 udp 60 bytes");
	assert_int_equal(w.frame.size, at_p0.size);
	assert_memory_equal(w.frame.bytes, at_p0.bytes, at_p0.size);
	send(&lab, &at_p1, 2);
	assert_int_equal(w.n, 3);
	assert_string_equal(w.last,
		"br0 p1 egress probe-filter other: 10.0.0.0:5000 > 10.0.0.1:10 udp 60 bytes");
	// What comes up at run time, of which the sample has the beginning.
	large.size += 100;
	assert_int_equal(
		weir_port_set(lab.weir, "p2", &narrow, WEIR_PORT_SET_MTU, 0, &lab.error), 0);
	send(&lab, &large, 1);
	assert_string_equal(w.last, "br0 p2 egress core too-big: 10.0.0.0:1 > 10.0.0.2:2 udp 160 "
				    "bytes");
	assert_int_equal(w.frame_size, 160);
	assert_int_equal(w.frame.size, 128);
	assert_memory_equal(w.frame.bytes, large.bytes, 128);
	weir_drop_watch_end(w.watch);
	send(&lab, &at_p0, 1);
	assert_int_equal(w.n, 4);
	lab_end(&lab);
}

static void each_gets_what_it_asked_for(void **state)
{
	static const struct {
		struct weir_drop_filter filter;
		unsigned n; // of one drop at p0 and two at p1
	} rows[] = {
		{ { 0 }, 3 },
		{ { .port = "p0" }, 1 },
		{ { .port = "p1" }, 2 },
		{ { .port = "p2" }, 0 },
		{ { .reason = "told" }, 1 },
		{ { .reason = "other" }, 2 },
		{ { .reason = "other", .port = "p0" }, 0 },
		{ { .reason = "too-big" }, 0 },
		{ { .extension = "probe-filter" }, 3 },
		{ { .extension = "core" }, 0 },
		{ { .extension = "probe-filter", .reason = "told" }, 1 },
		{ { .switch_name = "br0" }, 3 },
		{ { .switch_name = "br1" }, 0 },
	};
	enum { N = sizeof(rows) / sizeof(rows[0]) };
	struct lab_frame at_p0 = lab_udp(0, 1, 5000, 9), at_p1 = lab_udp(0, 1, 5000, 10);
	struct watcher watchers[N] = { 0 };
	struct lab lab;

	(void)state;
	start(&lab, 0);
	assert_int_equal(weir_switch_add(lab.weir, "br1", 0, &lab.error), 0);
	for (unsigned i = 0; i < N; i++)
		watch(&lab, &watchers[i], rows[i].filter);
	watchers[0].ends = true;
	send(&lab, &at_p0, 1);
	send(&lab, &at_p1, 2);
	assert_int_equal(watchers[0].n, 1);
	for (unsigned i = 1; i < N; i++)
		if (watchers[i].n != rows[i].n)
			fail_msg("watch %u: %u samples, expected %u", i, watchers[i].n, rows[i].n);
	// One that is left ends with the switch.
	for (unsigned i = 1; i + 1 < N; i++)
		weir_drop_watch_end(watchers[i].watch);
	lab_end(&lab);
}

// More than the lane holds between two looks: what is lost is told by the next sample.
static void what_is_lost_is_counted(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 5000, 9);
	struct watcher w = { 0 };
	uint64_t before;
	struct lab lab;

	(void)state;
	start(&lab, 0);
	watch(&lab, &w, (struct weir_drop_filter){ 0 });
	before = lab_drops(&lab, filter, "told");
	for (unsigned i = 0; i < 1000; i++)
		lab_send(&lab, 0, &frame);
	for (unsigned i = 0; i < 100; i++)
		weir_run(lab.weir);
	assert_int_equal(w.n, 0);
	weir_process(lab.weir);
	assert_in_range(w.n, 100, 999);
	assert_int_equal(w.lost, 0);
	send(&lab, &frame, 1);
	assert_int_equal(w.n + w.lost, lab_drops(&lab, filter, "told") - before);
	assert_int_equal(w.n + w.lost, 1001);
	weir_drop_watch_end(w.watch);
	lab_end(&lab);
}

static void what_there_is_not_is_refused(void **state)
{
	struct watcher watchers[WEIR_DROP_WATCHES_MAX] = { 0 }, more = { 0 };
	struct lab lab;

	(void)state;
	start(&lab, 0);
	lab_assert_refused(&lab, try_watch(&lab, &more, (struct weir_drop_filter){ .port = "p9" }),
		ENOENT, "p9");
	lab_assert_refused(&lab,
		try_watch(&lab, &more, (struct weir_drop_filter){ .switch_name = "br9" }), ENOENT,
		"br9");
	lab_assert_refused(&lab,
		try_watch(&lab, &more, (struct weir_drop_filter){ .reason = "tolled" }), ENOENT,
		"reason \"tolled\": there is none of that name");
	lab_assert_refused(&lab,
		try_watch(&lab, &more,
			(struct weir_drop_filter){ .reason = "told", .extension = "core" }),
		ENOENT, "reason \"told\": core has none of that name");
	lab_assert_refused(&lab,
		try_watch(&lab, &more, (struct weir_drop_filter){ .extension = "acl" }), ENOENT,
		"extension \"acl\"");
	for (unsigned i = 0; i < WEIR_DROP_WATCHES_MAX; i++)
		watch(&lab, &watchers[i], (struct weir_drop_filter){ 0 });
	lab_assert_refused(&lab, try_watch(&lab, &more, (struct weir_drop_filter){ 0 }), EBUSY,
		"16 watch drops already");
	lab_end(&lab); // takes them along
}

// Workers drop while watches come and go, and their switch's port does.
static void watches_come_and_go(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 5000, 9);
	struct watcher watchers[4] = { 0 };
	unsigned n = 0;
	struct lab lab;

	(void)state;
	start(&lab, 2);
	for (unsigned i = 0; i < 200; i++) {
		struct watcher *w = &watchers[i % 4];

		n += w->n;
		weir_drop_watch_end(w->watch);
		*w = (struct watcher){ 0 };
		watch(&lab, w,
			i % 2 ? (struct weir_drop_filter){ .port = "p0" }
			      : (struct weir_drop_filter){ .reason = "told" });
		send(&lab, &frame, 8);
	}
	for (unsigned i = 0; i < 4; i++) {
		n += watchers[i].n;
		weir_drop_watch_end(watchers[i].watch);
	}
	assert_in_range(n, 1, 4 * 200 * 8);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drops_are_seen),
		cmocka_unit_test(each_gets_what_it_asked_for),
		cmocka_unit_test(what_is_lost_is_counted),
		cmocka_unit_test(what_there_is_not_is_refused),
		cmocka_unit_test(watches_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
