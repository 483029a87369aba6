// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Policers as operators see them: what each passed and dropped, and whose drops those of a port
// are.
#include <time.h>

#include "lab_probe.h"

static const char filter[] = "probe-filter";

struct seen {
	char text[1024]; // a line each
};

__attribute__((format(printf, 2, 3))) static void note(struct seen *seen, const char *format, ...)
{
	size_t used = strlen(seen->text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(seen->text + used, sizeof(seen->text) - used, format, arguments);
	va_end(arguments);
}

static void see_policer(void *context, const struct weir_policer_info *i)
{
	note(context, "%s %s %s: %llu %s, %llu; passed %llu, %llu; dropped %llu, %llu\n", i->target,
		i->extension, i->id, (unsigned long long)i->rate, i->counts_frames ? "fps" : "bps",
		(unsigned long long)i->burst, (unsigned long long)i->passed_frames,
		(unsigned long long)i->passed_bytes, (unsigned long long)i->dropped_frames,
		(unsigned long long)i->dropped_bytes);
}

static struct seen list(struct lab *lab, const char *target, const char *extension)
{
	struct seen seen = { "" };

	assert_int_equal(
		weir_policer_list(lab->weir, target, extension, see_policer, &seen, &lab->error),
		0);
	return seen;
}

static void see_drop(void *context, const struct weir_drop_info *i)
{
	note(context, "%s %s %s %llu:", i->port, i->stage, i->reason,
		(unsigned long long)i->frames);
	for (unsigned n = 0; n < i->n_policers; n++)
		note(context, " %s %llu%s", i->policers[n],
			(unsigned long long)i->policer_frames[n], n + 1 < i->n_policers ? "," : "");
	note(context, "\n");
}

static struct seen drops(struct lab *lab)
{
	struct seen seen = { "" };

	assert_int_equal(weir_drop_list(lab->weir, NULL, see_drop, &seen, &lab->error), 0);
	return seen;
}

static void see_sample(void *context, const struct weir_drop_sample *sample)
{
	note(context, "%s %s: %s\n", sample->port, sample->reason, sample->policer);
}

static void send(struct lab *lab, unsigned from, const struct lab_frame *frame, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		lab_send(lab, from, frame);
	lab_run(lab);
}

static void start(struct lab *lab)
{
	lab_start(lab, &(struct lab_options){ .n_ports = 3 });
	lab_learn(lab);
	lab_attach(lab, filter, 10);
	lab_act(lab, "p0", filter, "few", (Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(1, 5) });
}

static void what_each_passed_and_dropped(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab);
	assert_string_equal(list(&lab, NULL, NULL).text,
		"p0 probe-filter few: 1 fps, 5; passed 0, 0; dropped 0, 0\n");
	send(&lab, 0, &frame, 7);
	assert_int_equal(frame.size, 60);
	assert_string_equal(list(&lab, "p0", filter).text,
		"p0 probe-filter few: 1 fps, 5; passed 5, 300; dropped 2, 120\n");
	lab_act(&lab, "p1", filter, "bits", (Probe__Act){ AT(EGRESS, POLICE), LIMIT(1000, 64) });
	assert_string_equal(list(&lab, "p1", NULL).text,
		"p1 probe-filter bits: 1000 bps, 64; passed 0, 0; dropped 0, 0\n");
	assert_string_equal(list(&lab, "p2", NULL).text, "");
	// Another one under its name counts from zero.
	lab_remove_policy(&lab, "p0", filter, "few");
	lab_act(&lab, "p0", filter, "few", (Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(1, 5) });
	assert_string_equal(list(&lab, "p0", NULL).text,
		"p0 probe-filter few: 1 fps, 5; passed 0, 0; dropped 0, 0\n");
	lab_assert_refused(&lab,
		weir_policer_list(lab.weir, "p9", NULL, see_policer, NULL, &lab.error), ENOENT,
		"port \"p9\": there is none of this name");
	lab_assert_refused(&lab,
		weir_policer_list(lab.weir, NULL, "nobody", see_policer, NULL, &lab.error), ENOENT,
		"extension \"nobody\": is not loaded; there are probe-filter");
	lab_end(&lab);
}

static void see_since(void *context, const struct weir_policer_info *i)
{
	*(uint64_t *)context = i->since;
}

// What is given out once is not given out again, and what it has to spend stays.
static void a_reset_begins_anew(void **state)
{
	struct weir_count_filter some = { .size = sizeof(some), .reset = true };
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct seen seen = { "" };
	uint64_t now = (uint64_t)time(NULL), since = 0;
	struct lab lab;

	(void)state;
	start(&lab);
	send(&lab, 0, &frame, 7);
	some.extension = "probe-after"; // has none
	lab_attach(&lab, "probe-after", 90);
	assert_int_equal(
		weir_policer_list_some(lab.weir, &some, see_policer, &seen, &lab.error), 0);
	assert_string_equal(seen.text, "");
	some.extension = NULL;
	assert_int_equal(
		weir_policer_list_some(lab.weir, &some, see_policer, &seen, &lab.error), 0);
	assert_string_equal(
		seen.text, "p0 probe-filter few: 1 fps, 5; passed 5, 300; dropped 2, 120\n");
	assert_string_equal(list(&lab, NULL, NULL).text,
		"p0 probe-filter few: 1 fps, 5; passed 0, 0; dropped 0, 0\n");
	send(&lab, 0, &frame, 3);
	assert_string_equal(list(&lab, NULL, NULL).text,
		"p0 probe-filter few: 1 fps, 5; passed 0, 0; dropped 3, 180\n");
	assert_int_equal(weir_policer_list(lab.weir, NULL, NULL, see_since, &since, &lab.error), 0);
	assert_true(since >= now);
	// Drops are those of the port, whatever was read of the policer.
	assert_string_equal(drops(&lab).text, "p0 ingress over-rate 5: probe-filter few 5\n");
	lab_end(&lab);
}

static void drops_name_them(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2), web = lab_udp(0, 1, 1, 80);
	struct weir_drop_filter all = { .size = sizeof(all) };
	struct seen watched = { "" };
	struct weir_drop_watch *watch;
	struct lab lab;

	(void)state;
	start(&lab);
	lab_act(&lab, "p0", filter, "web",
		(Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(1, 3), IF(l4_dst, 80) });
	send(&lab, 0, &web, 10);
	assert_string_equal(drops(&lab).text,
		"p0 ingress over-rate 7: probe-filter few 5, probe-filter web 2\n");
	assert_int_equal(
		weir_drop_watch(lab.weir, &all, see_sample, &watched, &watch, &lab.error), 0);
	send(&lab, 0, &frame, 1);
	weir_drop_watch_end(watch);
	assert_string_equal(watched.text, "p0 over-rate: probe-filter few\n");
	// Those that are gone are not named, and none has their drops; nor is whoever has their
	// number now.
	lab_remove_policy(&lab, "p0", filter, "few");
	assert_string_equal(drops(&lab).text, "p0 ingress over-rate 8: probe-filter web 2\n");
	lab_remove_policy(&lab, "p0", filter, "web");
	lab_settle(&lab);
	lab_act(&lab, "p0", filter, "new", (Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(1, 5) });
	assert_string_equal(drops(&lab).text, "p0 ingress over-rate 8:\n");
	lab_end(&lab);
}

static struct seen reset_drops(struct lab *lab, const char *port)
{
	const struct weir_drop_list_filter which = {
		.size = sizeof(which), .port = port, .reset = true
	};
	struct seen seen = { "" };

	assert_int_equal(weir_drop_list_some(lab->weir, &which, see_drop, &seen, &lab->error), 0);
	return seen;
}

// Each drop is given out once, with the policer that it was of; the policer's own counts stay.
static void a_reset_of_drops_is_one_of_theirs(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab);
	send(&lab, 0, &frame, 7);
	assert_string_equal(reset_drops(&lab, "p1").text, "");
	assert_string_equal(
		reset_drops(&lab, NULL).text, "p0 ingress over-rate 2: probe-filter few 2\n");
	assert_string_equal(drops(&lab).text, "");
	send(&lab, 0, &frame, 3);
	assert_string_equal(reset_drops(&lab, "p1").text, "");
	assert_string_equal(drops(&lab).text, "p0 ingress over-rate 3: probe-filter few 3\n");
	assert_string_equal(
		reset_drops(&lab, "p0").text, "p0 ingress over-rate 3: probe-filter few 3\n");
	send(&lab, 0, &frame, 1);
	assert_string_equal(drops(&lab).text, "p0 ingress over-rate 1: probe-filter few 1\n");
	assert_string_equal(list(&lab, NULL, NULL).text,
		"p0 probe-filter few: 1 fps, 5; passed 5, 300; dropped 6, 360\n");
	lab_end(&lab);
}

// One that drops at two places, and on: of each, what a list was reset with is gone by itself.
static void a_reset_of_drops_is_one_of_a_place(void **state)
{
	struct lab_frame at_p1 = lab_udp(1, 2, 1, 2), at_p2 = lab_udp(2, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab);
	lab_act(&lab, "switch:br0", filter, "all",
		(Probe__Act){ AT(CONTROL, POLICE_FRAMES), LIMIT(1, 1) });
	lab_act(&lab, "p1", filter, "use", (Probe__Act){ AT(INGRESS, POLICE), VALUE(1) });
	lab_act(&lab, "p2", filter, "use", (Probe__Act){ AT(INGRESS, POLICE), VALUE(1) });
	send(&lab, 2, &at_p2, 3);
	send(&lab, 1, &at_p1, 4);
	// Of the place that is not its first; then of the first.
	assert_string_equal(reset_drops(&lab, "p1").text,
		"p1 ingress over-rate 4: probe-filter all of switch:br0 4\n");
	assert_string_equal(
		drops(&lab).text, "p2 ingress over-rate 2: probe-filter all of switch:br0 2\n");
	send(&lab, 1, &at_p1, 1);
	assert_string_equal(reset_drops(&lab, "p2").text,
		"p2 ingress over-rate 2: probe-filter all of switch:br0 2\n");
	assert_string_equal(
		drops(&lab).text, "p1 ingress over-rate 1: probe-filter all of switch:br0 1\n");
	send(&lab, 2, &at_p2, 5);
	send(&lab, 1, &at_p1, 2);
	assert_string_equal(reset_drops(&lab, NULL).text,
		"p1 ingress over-rate 3: probe-filter all of switch:br0 3\n"
		"p2 ingress over-rate 5: probe-filter all of switch:br0 5\n");
	assert_string_equal(drops(&lab).text, "");
	send(&lab, 1, &at_p1, 1);
	assert_string_equal(
		drops(&lab).text, "p1 ingress over-rate 1: probe-filter all of switch:br0 1\n");
	assert_string_equal(list(&lab, "switch:br0", NULL).text,
		"switch:br0 probe-filter all: 1 fps, 1; passed 1, 60; dropped 15, 900\n");
	// Whoever has its number, and its places, next: all that it drops is listed.
	lab_remove_policy(&lab, "p1", filter, "use");
	lab_remove_policy(&lab, "p2", filter, "use");
	lab_remove_policy(&lab, "switch:br0", filter, "all");
	reset_drops(&lab, NULL);
	lab_settle(&lab);
	lab_act(&lab, "switch:br0", filter, "new",
		(Probe__Act){ AT(CONTROL, POLICE_FRAMES), LIMIT(1, 1) });
	lab_act(&lab, "p1", filter, "use", (Probe__Act){ AT(INGRESS, POLICE), VALUE(1) });
	lab_act(&lab, "p2", filter, "use", (Probe__Act){ AT(INGRESS, POLICE), VALUE(1) });
	send(&lab, 2, &at_p2, 2);
	send(&lab, 1, &at_p1, 2);
	assert_string_equal(drops(&lab).text,
		"p1 ingress over-rate 2: probe-filter new of switch:br0 2\n"
		"p2 ingress over-rate 1: probe-filter new of switch:br0 1\n");
	lab_end(&lab);
}

static void one_of_the_switch_is_named(void **state)
{
	struct lab_frame frame = lab_udp(2, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab);
	lab_act(&lab, "switch:br0", filter, "all",
		(Probe__Act){ AT(CONTROL, POLICE_FRAMES), LIMIT(1, 4) });
	lab_act(&lab, "p2", filter, "use", (Probe__Act){ AT(INGRESS, POLICE), VALUE(1) });
	send(&lab, 2, &frame, 6);
	assert_string_equal(
		drops(&lab).text, "p2 ingress over-rate 2: probe-filter all of switch:br0 2\n");
	assert_string_equal(list(&lab, "switch:br0", NULL).text,
		"switch:br0 probe-filter all: 1 fps, 4; passed 4, 240; dropped 2, 120\n");
	// At another port of it.
	lab_act(&lab, "p1", filter, "use", (Probe__Act){ AT(INGRESS, POLICE), VALUE(1) });
	frame = lab_udp(1, 2, 1, 2);
	send(&lab, 1, &frame, 3);
	assert_string_equal(drops(&lab).text,
		"p1 ingress over-rate 3: probe-filter all of switch:br0 3\n"
		"p2 ingress over-rate 2: probe-filter all of switch:br0 2\n");
	frame = lab_udp(2, 1, 1, 2);
	send(&lab, 2, &frame, 1);
	assert_string_equal(drops(&lab).text,
		"p1 ingress over-rate 3: probe-filter all of switch:br0 3\n"
		"p2 ingress over-rate 3: probe-filter all of switch:br0 3\n");
	// Whoever has its number next has dropped none of these.
	lab_remove_policy(&lab, "p1", filter, "use");
	lab_remove_policy(&lab, "p2", filter, "use");
	lab_remove_policy(&lab, "switch:br0", filter, "all");
	lab_settle(&lab);
	lab_act(&lab, "switch:br0", filter, "new",
		(Probe__Act){ AT(CONTROL, POLICE_FRAMES), LIMIT(1, 1) });
	lab_act(&lab, "p1", filter, "use", (Probe__Act){ AT(INGRESS, POLICE), VALUE(1) });
	lab_act(&lab, "p2", filter, "use", (Probe__Act){ AT(INGRESS, POLICE), VALUE(1) });
	send(&lab, 2, &frame, 3);
	frame = lab_udp(1, 2, 1, 2);
	send(&lab, 1, &frame, 1);
	assert_string_equal(drops(&lab).text,
		"p1 ingress over-rate 4: probe-filter new of switch:br0 1\n"
		"p2 ingress over-rate 5: probe-filter new of switch:br0 2\n");
	lab_end(&lab);
}

static void see_step(void *context, const struct weir_trace_info *i)
{
	if (strcmp(i->action, "police") == 0)
		note(context, "%s %s\n", i->extension, i->text);
}

static void a_trace_names_them(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct weir_trace_request request = { .size = sizeof(request), .port = "p0" };
	struct seen seen = { "" };
	struct lab lab;

	(void)state;
	start(&lab);
	request.bytes = frame.bytes;
	request.n_bytes = frame.size;
	assert_int_equal(weir_trace(lab.weir, &request, see_step, &seen, &lab.error), 0);
	assert_string_equal(seen.text, "probe-filter few: what is over its rate is dropped\n");
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_each_passed_and_dropped),
		cmocka_unit_test(a_reset_begins_anew),
		cmocka_unit_test(drops_name_them),
		cmocka_unit_test(a_reset_of_drops_is_one_of_theirs),
		cmocka_unit_test(a_reset_of_drops_is_one_of_a_place),
		cmocka_unit_test(one_of_the_switch_is_named),
		cmocka_unit_test(a_trace_names_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
