// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Changes in two phases: everybody concerned prepares before anybody commits, and who refuses
// leaves everything as it was.
#include "lab_probe.h"

// In the order in which they are asked.
static const char *const extensions[] = { "probe-capture", "probe-after", "probe-filter",
	"probe-forwarding", "probe-service" };
enum { N = 5 };

static void start(struct lab *lab)
{
	lab_start(lab, &(struct lab_options){ .n_ports = 2 });
	for (int i = 0; i < N; i++)
		lab_attach(lab, extensions[i], i);
	lab_settle(lab);
	lab_forget_log(lab);
}

static unsigned logged_by(const struct lab *lab, const char *extension, const char *what)
{
	char line[128];

	snprintf(line, sizeof(line), "extension %s: %s", extension, what);
	return lab_logged(lab, line);
}

static int add_port(struct lab *lab, const char *name, const char *nic, unsigned flags)
{
	struct weir_port_config config = { .size = sizeof(config), .nic = nic };

	memset(&lab->error, 0, sizeof(lab->error));
	return weir_port_add(lab->weir, "br0", name, &config, flags, &lab->error);
}

static void everybody_prepares_then_commits(void **state)
{
	struct lab lab;
	const char *commit;

	(void)state;
	start(&lab);
	assert_int_equal(add_port(&lab, "new", NULL, 0), 0);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(logged_by(&lab, extensions[i], "prepared new"), 1);
		assert_int_equal(logged_by(&lab, extensions[i], "committed new"), 1);
	}
	commit = strstr(lab.log, "committed");
	assert_non_null(commit);
	assert_null(strstr(commit, "prepared"));
	assert_int_equal(lab_logged(&lab, "event 0 new"), N);
	lab_end(&lab);
}

static void the_last_one_refuses_and_all_abort(void **state)
{
	struct weir_switch_info before, after;
	struct lab lab;

	(void)state;
	start(&lab);
	before = lab_switch(&lab, "br0");
	lab_assert_refused(&lab, add_port(&lab, "refused-probe-service", NULL, 0), EPERM,
		"port \"refused-probe-service\": is not wanted");
	for (unsigned i = 0; i < N - 1; i++) {
		assert_int_equal(logged_by(&lab, extensions[i], "prepared refused"), 1);
		assert_int_equal(logged_by(&lab, extensions[i], "aborted refused"), 1);
	}
	assert_int_equal(lab_logged(&lab, "committed"), 0);
	assert_int_equal(lab_logged(&lab, "event"), 0);
	after = lab_switch(&lab, "br0");
	assert_int_equal(after.n_ports, before.n_ports);
	lab_end(&lab);
}

// What fails after everybody agreed (here: there is no such interface) is aborted everywhere.
static void a_late_failure_aborts_all(void **state)
{
	struct lab lab;
	int ret;

	(void)state;
	start(&lab);
	ret = add_port(&lab, "late", "packet:no-such-if", 0);
	assert_true(ret < 0);
	assert_non_null(strstr(lab.error.message, "no-such-if"));
	assert_int_equal(lab_logged(&lab, "prepared late"), lab_logged(&lab, "aborted late"));
	assert_int_equal(lab_logged(&lab, "committed"), 0);
	assert_int_equal(lab_switch(&lab, "br0").n_ports, 2);
	// The name is free.
	assert_int_equal(add_port(&lab, "late", NULL, 0), 0);
	lab_end(&lab);
}

static void a_veto_comes_before_anybody_prepares(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab);
	lab_veto(&lab, "probe-service", WEIR_EVENT_PORT_ADDED, "no more ports");
	lab_settle(&lab);
	lab_forget_log(&lab);
	lab_assert_refused(&lab, add_port(&lab, "one-more", NULL, 0), EACCES,
		"extension probe-service: no more ports");
	assert_int_equal(lab_logged(&lab, "prepared"), 0);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_end(&lab);
}

static void a_refused_policy_leaves_the_old_one(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	Probe__Refuse refuse = PROBE__REFUSE__INIT;
	char why[] = "rate 7: must be even";
	struct lab lab;

	(void)state;
	start(&lab);
	lab_act(&lab, "p0", "probe-filter", "meter", (Probe__Act){ AT(INGRESS, METER) });
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	refuse.why = why;
	lab_assert_refused(&lab,
		lab_try_policy(&lab, "p0", "probe-filter", "refuse", "r", &refuse.base, 0), EPERM,
		"rate 7: must be even");
	assert_string_equal(lab.error.field, "why");
	lab_assert_refused(&lab,
		lab_try_act(&lab, "p0", "probe-filter", "copy",
			(Probe__Act){ AT(INGRESS, COPY), PORT("p9") }, 0),
		ENOENT, "port \"p9\": there is none");
	// A replacement that is refused leaves what it was to replace.
	lab_assert_refused(&lab,
		lab_try_act(&lab, "p0", "probe-filter", "meter",
			(Probe__Act){ AT(INGRESS, COPY), PORT("p9") }, 0),
		ENOENT, "port \"p9\": there is none");
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(lab_meter(&lab, "p0", "probe-filter", "meter"), 2);
	lab_end(&lab);
}

static void others_veto_a_policy(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	lab_veto(&lab, "probe-service", WEIR_EVENT_POLICY_CHANGED, "policies stay");
	lab_assert_refused(&lab,
		lab_try_act(
			&lab, "p0", "probe-filter", "a", (Probe__Act){ AT(INGRESS, NOTHING) }, 0),
		EACCES, "extension probe-service: policies stay");
	lab_assert_refused(&lab,
		weir_policy_remove(lab.weir, "switch:br0", "probe-service", "veto", 0, &lab.error),
		EACCES, "policies stay");
	lab_end(&lab);
}

static void dry_runs_change_nothing(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct weir_port_config config = { .size = sizeof(config), .vlan = "77" };
	struct lab lab;
	uint64_t decisions;

	(void)state;
	start(&lab);
	lab_learn(&lab);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_settle(&lab);
	lab_forget_log(&lab);
	decisions = lab_switch(&lab, "br0").decisions;
	assert_int_equal(add_port(&lab, "p7", "memory", WEIR_DRY_RUN), 0);
	assert_int_equal(lab_logged(&lab, "prepared p7"), N);
	assert_int_equal(lab_logged(&lab, "aborted p7"), N);
	assert_int_equal(lab_try_act(&lab, "p0", "probe-filter", "drop",
				 (Probe__Act){ AT(INGRESS, DROP_FRAME) }, WEIR_DRY_RUN),
		0);
	lab_assert_refused(&lab,
		lab_try_act(&lab, "p0", "probe-filter", "copy",
			(Probe__Act){ AT(INGRESS, COPY), PORT("p9") }, WEIR_DRY_RUN),
		ENOENT, "p9");
	assert_int_equal(weir_port_remove(lab.weir, "p1", WEIR_DRY_RUN, &lab.error), 0);
	assert_int_equal(weir_port_disconnect(lab.weir, "p1", WEIR_DRY_RUN, &lab.error), 0);
	assert_int_equal(weir_port_set(lab.weir, "p1", &config, WEIR_PORT_SET_VLAN, WEIR_DRY_RUN,
				 &lab.error),
		0);
	assert_int_equal(weir_switch_remove(lab.weir, "br0", WEIR_DRY_RUN, &lab.error), 0);
	assert_int_equal(weir_switch_add(lab.weir, "br7", WEIR_DRY_RUN, &lab.error), 0);
	assert_int_equal(lab_logged(&lab, "committed"), 0);
	assert_int_equal(lab_logged(&lab, "event"), 0);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(lab_switch(&lab, "br0").decisions, decisions);
	lab_end(&lab);
}

// A port that a policy names comes and goes: the policy follows it.
static void named_ports_come_and_go(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab);
	lab_add_port(&lab, "br0", 2, NULL);
	lab_learn(&lab);
	lab_act(&lab, "p0", "probe-capture", "mirror",
		(Probe__Act){ AT(INGRESS, COPY), PORT("p2") });
	lab_assert_pass(&lab, 0, &frame, 1 << 1 | 1 << 2);
	lab_remove_port(&lab, 2);
	// Prepared again, it refuses: the old state stays and its copies have nowhere to go.
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_settle(&lab);
	lab_add_port(&lab, "br0", 2, NULL);
	lab_assert_pass(&lab, 0, &frame, 1 << 1 | 1 << 2);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_prepares_then_commits),
		cmocka_unit_test(the_last_one_refuses_and_all_abort),
		cmocka_unit_test(a_late_failure_aborts_all),
		cmocka_unit_test(a_veto_comes_before_anybody_prepares),
		cmocka_unit_test(a_refused_policy_leaves_the_old_one),
		cmocka_unit_test(others_veto_a_policy),
		cmocka_unit_test(dry_runs_change_nothing),
		cmocka_unit_test(named_ports_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
