// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Strict mode expels an extension that broke a promise: what it was to guard is blocked or passes
// as was asked for, what the operator said stays, and attaching it again tries it again.
#include "lab_document.h"
#include "lab_faults.h"

#include <stdlib.h>
#include <time.h>

#include "switch/workers.h"

#define MODULE(name) LAB_MODULES "/" name ".so"

enum { NOTICES_MAX = 4096 };

static struct {
	char text[NOTICES_MAX]; // "kind switch port extension: text\n" each
} notices;

static void keep_notice(void *context, const struct weir_notice *n)
{
	size_t used = strlen(notices.text);

	(void)context;
	snprintf(notices.text + used, sizeof(notices.text) - used, "%s %s%s%s%s%s: %s\n", n->kind,
		n->switch_name, *n->port ? " " : "", n->port, *n->extension ? " " : "",
		n->extension, n->text);
}

static void start(struct lab *lab, bool strict, unsigned n_workers)
{
	lab_start(lab,
		&(struct lab_options){ .n_ports = 2, .strict = strict, .n_workers = n_workers });
	notices.text[0] = '\0';
	weir_on_notice(lab->weir, keep_notice, NULL);
}

// A filter that meters, and says one thing that makes no sense: that has no effect.
static void attach_offender(struct lab *lab, unsigned flags)
{
	assert_int_equal(
		weir_extension_attach(lab->weir, "br0", "probe-filter", 30, flags, &lab->error), 0);
	lab_act(lab, "p0", "probe-filter", "m", (Probe__Act){ AT(INGRESS, METER) });
	lab_act(lab, "p0", "probe-filter", "x", (Probe__Act){ AT(INGRESS, EXCLUDE), VALUE(0) });
	lab_veto(lab, "probe-filter", WEIR_EVENT_PORT_REMOVED, "vetoed");
}

static void have_it_expelled(struct lab *lab)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 23);

	lab_assert_pass(lab, 0, &frame, 1 << 1);
	assert_false(lab_extension(lab, "probe-filter").expelled);
	watch_run(lab->weir);
	assert_true(lab_extension(lab, "probe-filter").expelled);
	lab_settle(lab);
}

static void every_offence_expels(void **state)
{
	static const struct {
		const char *extension, *counted, *sentence;
	} rows[] = {
		{ "cheat-reads", " impure decisions",
			"on WEIR_FIELD_L4_DST, not declared to be read" },
		{ "cheat-casts", " frames changed in captures", "has changed a frame" },
		{ "cheat-values", " values out of range", "drop reason 1: the extension has 1" },
		{ "probe-capture", " times what its class may not", "drop at stage ingress" },
	};
	struct lab_frame frame = lab_udp(0, 1, 1, 23);

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		const char *extension = rows[i / 2].extension;
		bool strict = i % 2, offends = strict || i / 2 >= 2; // two are seen by strict alone
		struct lab lab;
		struct lab_extension e;

		start(&lab, strict, 0);
		lab_attach(&lab, extension, 20);
		if (strcmp(extension, "probe-capture") == 0)
			lab_act(&lab, "p0", extension, "x",
				(Probe__Act){ AT(INGRESS, DROP_FRAME) });
		lab_assert_pass(&lab, 0, &frame, 1 << 1);
		watch_run(lab.weir);
		e = lab_extension(&lab, extension);
		assert_int_equal(e.expelled, strict);
		assert_int_equal(e.missing, strict);
		assert_int_equal(e.order, 20);
		assert_int_equal(e.offences > 0, offends);
		assert_int_equal(!!strstr(notices.text, "rights-violated br0 "), offends);
		assert_int_equal(!!strstr(notices.text, "extension-expelled br0 "), strict);
		if (strict && (!strstr(e.last_offence, rows[i / 2].sentence) ||
				      !strstr(e.reason, "was expelled by strict mode: ") ||
				      !strstr(e.reason, rows[i / 2].counted) ||
				      !strstr(e.reason, rows[i / 2].sentence)))
			fail_msg("%s: %s; %s", extension, e.reason, e.last_offence);
		lab_assert_pass(&lab, 0, &frame, strict ? 0 : 1 << 1);
		lab_end(&lab);
	}
}

static void what_was_asked_for_stays(void **state)
{
	static const char document[] = "switch br0\n"
				       "extension br0 probe-filter order=30\n"
				       "policy switch:br0 probe-filter veto veto 1\n"
				       "port br0 p0 nic=memory\n"
				       "policy p0 probe-filter m act METER\n"
				       "policy p0 probe-filter x act EXCLUDE 0\n"
				       "port br0 p1 nic=memory\n";
	struct lab_frame frame = lab_udp(0, 1, 1, 23);
	struct lab lab;

	(void)state;
	start(&lab, true, 0);
	attach_offender(&lab, 0);
	have_it_expelled(&lab);
	lab_assert_state(&lab, document);
	assert_int_equal(lab_logged(&lab, "detached br0"), 1);
	assert_int_equal(lab_logged(&lab, "detached before its states"), 0);
	assert_non_null(strstr(notices.text,
		"extension-expelled br0 probe-filter: extension probe-filter expelled from switch "
		"br0, whose ports are blocked: "));
	assert_non_null(strstr(notices.text, "port-blocked br0 p0: port p0 passes nothing: "
					     "extension probe-filter: was expelled by strict"));
	lab_assert_pass(&lab, 0, &frame, 0);
	// Its policies are still there without it, and can be taken away.
	assert_int_equal(weir_extension_unload(lab.weir, "probe-filter", 0, &lab.error), 0);
	lab_assert_state(&lab, document);
	lab_assert_refused(&lab,
		lab_try_act(
			&lab, "p0", "probe-filter", "y", (Probe__Act){ AT(INGRESS, NOTHING) }, 0),
		ENOENT, "was expelled by strict mode");
	lab_remove_policy(&lab, "p0", "probe-filter", "x");
	// Mended, it goes on where it was.
	lab_attach(&lab, "probe-filter", WEIR_ORDER_DEFAULT);
	assert_non_null(strstr(notices.text, "probe-filter, which was expelled, attached"));
	assert_int_equal(lab_extension(&lab, "probe-filter").order, 30);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	watch_run(lab.weir);
	assert_false(lab_extension(&lab, "probe-filter").expelled);
	assert_int_equal(lab_meter(&lab, "p0", "probe-filter", "m"), 2);
	lab_assert_refused(&lab, weir_port_remove(lab.weir, "p0", 0, &lab.error), EACCES, "vetoed");
	lab_end(&lab);
}

// Whoever tries the same again is told again.
static void one_that_offends_again_is_expelled_again(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 23);
	struct lab lab;

	(void)state;
	start(&lab, true, 0);
	attach_offender(&lab, 0);
	for (unsigned i = 0; i < 3; i++) {
		have_it_expelled(&lab);
		lab_assert_pass(&lab, 0, &frame, 0);
		lab_attach(&lab, "probe-filter", WEIR_ORDER_DEFAULT);
	}
	assert_int_equal(lab_logged(&lab, "detached br0"), 3);
	lab_end(&lab);
}

// ---- Other versions

static void attach_offending_version(struct lab *lab)
{
	lab_learn(lab);
	assert_int_equal(weir_extension_load(lab->weir, "versioned", MODULE("versioned-offend"), 0,
				 &lab->error),
		0);
	lab_attach(lab, "versioned", 30);
	lab_settle(lab);
}

static void replace(struct lab *lab, const char *path)
{
	if (weir_extension_replace(lab->weir, "versioned", path, 0, &lab->error) < 0)
		fail_msg("%s: %s", path, lab->error.message);
	lab_settle(lab);
}

static void keep_path(void *context, bool removed, const struct weir_item *item)
{
	assert_false(removed);
	assert_string_equal(item->name, "versioned");
	snprintf(context, 256, "%s", item->extension.path);
}

static void see_remark(void *context, const char *text)
{
	snprintf(context, 256, "%s", text);
}

// A mended version does not come back by itself; attaching it tries it, also after a restart.
static void a_mended_version_is_tried_by_attaching_it(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 23);
	static const char stays[] = "extension versioned: stays expelled on br0; extension attach "
				    "tries the new version there";
	char kept[256] = "", remark[256] = "";
	struct lab lab;

	(void)state;
	start(&lab, true, 0);
	attach_offending_version(&lab);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	watch_run(lab.weir);
	assert_string_equal(lab_extension(&lab, "versioned").path, MODULE("versioned-offend"));
	weir_on_change(lab.weir, keep_path, kept);
	lab_assert_refused(&lab,
		weir_extension_replace(
			lab.weir, "versioned", MODULE("versioned-class"), 0, &lab.error),
		EINVAL, "the class of the file is capture");
	weir_on_remark(lab.weir, see_remark, remark);
	assert_int_equal(weir_extension_replace(lab.weir, "versioned", MODULE("versioned"),
				 WEIR_DRY_RUN, &lab.error),
		0);
	assert_string_equal(remark, stays);
	*remark = '\0';
	assert_string_equal(kept, "");
	assert_string_equal(lab_extension(&lab, "versioned").path, MODULE("versioned-offend"));
	replace(&lab, MODULE("versioned"));
	assert_string_equal(remark, stays);
	assert_string_equal(kept, MODULE("versioned"));
	assert_non_null(
		strstr(notices.text, ", on 0 switches; where it is missing or was expelled"));
	assert_true(lab_extension(&lab, "versioned").expelled);
	assert_string_equal(lab_extension(&lab, "versioned").path, MODULE("versioned"));
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_attach(&lab, "versioned", WEIR_ORDER_DEFAULT);
	assert_false(lab_extension(&lab, "versioned").expelled);
	assert_string_equal(lab_extension(&lab, "versioned").version, "1.0");
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	watch_run(lab.weir);
	assert_false(lab_extension(&lab, "versioned").expelled);
	weir_on_change(lab.weir, NULL, NULL);
	lab_end(&lab);
}

// Nor is a version expelled for what the one before it did, which stays told and listed.
static void nobody_is_expelled_for_its_predecessor(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 23);
	struct lab lab;

	(void)state;
	start(&lab, true, 0);
	attach_offending_version(&lab);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	replace(&lab, MODULE("versioned"));
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	watch_run(lab.weir);
	assert_false(lab_extension(&lab, "versioned").expelled);
	assert_true(lab_extension(&lab, "versioned").offences > 0);
	assert_non_null(
		strstr(lab_extension(&lab, "versioned").last_offence, "exclude at stage ingress"));
	assert_non_null(strstr(notices.text, "rights-violated br0 versioned: "));
	assert_null(strstr(notices.text, "extension-expelled"));
	lab_end(&lab);
}

static void a_trial_leaves_the_reason(void **state)
{
	char reason[256];
	struct lab lab;

	(void)state;
	start(&lab, true, 0);
	attach_offender(&lab, 0);
	have_it_expelled(&lab);
	snprintf(reason, sizeof(reason), "%s", lab_extension(&lab, "probe-filter").reason);
	lab_assert_refused(&lab,
		weir_extension_attach(
			lab.weir, "br0", "probe-filter", 70000, WEIR_DRY_RUN, &lab.error),
		EINVAL, "order 70000");
	assert_true(lab_extension(&lab, "probe-filter").expelled);
	assert_string_equal(lab_extension(&lab, "probe-filter").reason, reason);
	lab_end(&lab);
}

static void ports_fail_open_where_that_was_asked_for(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 23);
	struct lab lab;

	(void)state;
	start(&lab, true, 0);
	attach_offender(&lab, WEIR_FAIL_OPEN);
	have_it_expelled(&lab);
	assert_true(lab_extension(&lab, "probe-filter").fail_open);
	assert_non_null(strstr(notices.text, "whose ports pass frames without it: "));
	assert_null(strstr(notices.text, "port-blocked"));
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_detach(&lab, "probe-filter");
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_end(&lab);
}

static void without_memory_it_is_tried_again(void **state)
{
	unsigned long n = 0;
	bool has_failed;
	struct lab_frame frame = lab_udp(0, 1, 1, 23);
	struct lab lab;

	(void)state;
	start(&lab, true, 0);
	attach_offender(&lab, 0);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	do {
		lab_faults_arm(++n, false);
		watch_run(lab.weir);
		has_failed = lab_faults_disarm();
		assert_int_equal(lab_extension(&lab, "probe-filter").expelled, !has_failed);
		if (has_failed)
			lab_assert_pass(&lab, 0, &frame, 1 << 1);
	} while (has_failed);
	assert_true(n > 8);
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_end(&lab);
}

static bool is_told(void)
{
	return strstr(notices.text, "extension-expelled br0 ") != NULL;
}

// Workers are in its hooks while it is taken away.
static void under_traffic(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, true, 2);
	attach_offender(&lab, WEIR_FAIL_OPEN);
	lab_settle(&lab);
	for (unsigned i = 0; i < 400 || (i < 1000000 && !is_told()); i++) {
		struct lab_frame there = lab_udp(0, 1, (uint16_t)(1000 + i), 23);
		struct lab_frame back = lab_udp(1, 0, (uint16_t)(1000 + i), 23);

		lab_send(&lab, 0, &there);
		lab_send(&lab, 1, &back);
		weir_process(lab.weir);
		if (i % 20 == 10)
			watch_run(lab.weir);
		// Time for the workers, which may have had none yet.
		if (i % 20 == 0)
			nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
		if (i % 20 == 0 && lab_extension(&lab, "probe-filter").expelled)
			lab_attach(&lab, "probe-filter", WEIR_ORDER_DEFAULT);
	}
	assert_true(is_told());
	lab_end(&lab);
}

// A port that has gone may be named until its going has been prepared for; one that never was, not.
static void ports_that_are_gone_are_no_offence(void **state)
{
	static const struct {
		uint32_t id;
		bool offends;
	} rows[] = { { 0x2, false }, { 0x10002, false }, { 0x3, true }, { 0x10001, true },
		{ WEIR_PORT_NONE, true } };
	struct lab_frame frame = lab_udp(0, 1, 1, 23);

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		bool copies = i % 2;
		const char *extension = copies ? "probe-capture" : "probe-forwarding";
		struct lab lab;

		start(&lab, true, 0);
		lab_add_port(&lab, "br0", 2, NULL); // 0x2
		lab_remove_port(&lab, 2);
		lab_settle(&lab);
		lab_add_port(&lab, "br0", 2, NULL); // 0x10002
		lab_remove_port(&lab, 2);
		lab_settle(&lab);
		lab_learn(&lab);
		lab_attach(&lab, extension, 0);
		lab_act(&lab, "p0", extension, "to",
			copies ? (Probe__Act){ AT(INGRESS, COPY), VALUE(rows[i / 2].id) }
			       : (Probe__Act){ AT(FORWARD, SEND_TO), VALUE(rows[i / 2].id) });
		lab_assert_pass(&lab, 0, &frame, copies ? 1 << 1 : 0);
		watch_run(lab.weir);
		if (lab_extension(&lab, extension).expelled != rows[i / 2].offends)
			fail_msg("%s to 0x%x", extension, rows[i / 2].id);
		lab_end(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_offence_expels),
		cmocka_unit_test(what_was_asked_for_stays),
		cmocka_unit_test(one_that_offends_again_is_expelled_again),
		cmocka_unit_test(a_mended_version_is_tried_by_attaching_it),
		cmocka_unit_test(nobody_is_expelled_for_its_predecessor),
		cmocka_unit_test(a_trial_leaves_the_reason),
		cmocka_unit_test(ports_fail_open_where_that_was_asked_for),
		cmocka_unit_test(without_memory_it_is_tried_again),
		cmocka_unit_test(under_traffic),
		cmocka_unit_test(ports_that_are_gone_are_no_offence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
