// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// One version of an extension takes the place of another: what stays, what goes, and that nothing
// has happened when anything is wrong with the new one.
#include <stdlib.h>

#include "lab_call.h"
#include "lab_document.h"
#include "lab_session.h"
#include "versioned.pb-c.h"

#define MODULE(name) LAB_MODULES "/" name ".so"

static const struct lab_options four_ports = { .n_ports = 4 };
static const struct lab_options strict_ports = { .n_ports = 4, .strict = true };

// ---- The laboratory

static int try_replace(struct lab *lab, const char *name, const char *path, unsigned flags)
{
	return weir_extension_replace(lab->weir, name, path, flags, &lab->error);
}

static void replace(struct lab *lab, const char *name, const char *path)
{
	if (try_replace(lab, name, path, 0) < 0)
		fail_msg(
			"replacing %s by %s: %s", name, path ? path : "itself", lab->error.message);
}

static void want(struct lab *lab, const char *target, const char *id, unsigned l4_dst)
{
	Versioned__Versioned message = VERSIONED__VERSIONED__INIT;

	message.l4_dst = l4_dst;
	lab_policy(lab, target, "versioned", "versioned", id, &message.base);
}

// Version 1 on the stack, port 9 unwanted, port 1 for its own reason.
static void start(struct lab *lab)
{
	lab_start(lab, &strict_ports);
	lab_learn(lab);
	lab_attach(lab, "versioned", 30);
	want(lab, "p0", "discard", 9);
	want(lab, "p0", "old", 1);
	want(lab, "p0", "new", 2);
	lab_settle(lab);
	lab_forget_log(lab);
}

struct found {
	const char *name;
	unsigned n;
	char version[32], path[256], state[32];
	int order;
	bool fail_open;
	uint64_t decisions, visits;
};

static void find(void *context, const struct weir_extension_info *info)
{
	struct found *f = context;

	if (strcmp(info->name, f->name) != 0)
		return;
	f->n++;
	snprintf(f->version, sizeof(f->version), "%s", info->version);
	snprintf(f->path, sizeof(f->path), "%s", info->path);
	f->order = info->switch_name ? info->order : -1;
	f->fail_open = info->fail_open;
	f->decisions = info->decisions;
	f->visits = info->visits;
}

static struct found loaded(struct lab *lab, const char *name)
{
	struct found f = { .name = name };

	assert_int_equal(weir_extension_list(lab->weir, NULL, find, &f, &lab->error), 0);
	return f;
}

// Which version has seen the frame that passes from p0 to p1.
static unsigned seen_by(struct lab *lab)
{
	struct lab_frame frame = lab_udp(0, 1, 1000, 2000), last;
	unsigned got[LAB_PORTS_MAX];

	lab_pass(lab, 0, &frame, got, 1, &last);
	assert_int_equal(got[1], 1);
	return last.bytes[last.size - 1];
}

static void drop_one(struct lab *lab, uint16_t l4_dst)
{
	struct lab_frame frame = lab_udp(0, 1, 1000, l4_dst);

	lab_assert_pass(lab, 0, &frame, 0);
}

// ---- What stays

static void the_new_version_decides(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	assert_int_equal(seen_by(&lab), 1);
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_settle(&lab);
	assert_int_equal(seen_by(&lab), 2);
	assert_string_equal(loaded(&lab, "versioned").version, "2.0");
	assert_string_equal(loaded(&lab, "versioned").path, MODULE("versioned-2"));
	assert_int_equal(loaded(&lab, "versioned").n, 1);
	// And the old one has ended as it should: its states, then itself.
	assert_int_equal(lab_logged(&lab, "1.0 forgets"), 5);
	assert_int_equal(lab_logged(&lab, "1.0 detached"), 1);
	assert_non_null(strstr(strstr(lab.log, "1.0 forgets"), "1.0 detached"));
	lab_end(&lab);
}

// Between the publication and the sweep frames run the old programs: their visits are the new
// version's, and none passes unseen.
static void visits_of_old_programs_go_on(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1000, 2000), last;
	struct lab lab;

	(void)state;
	start(&lab);
	assert_int_equal(seen_by(&lab), 1);
	lab_send(&lab, 0, &frame);
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_run(&lab);
	assert_true(lab_receive(&lab, 1, &last));
	assert_int_equal(last.bytes[last.size - 1], 2);
	assert_false(lab_receive(&lab, 1, &last));
	lab_end(&lab);
}

static void meters_count_on(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	for (unsigned i = 0; i < 20; i++) {
		for (unsigned k = 0; k < 3; k++)
			seen_by(&lab);
		assert_int_equal(lab_meter(&lab, "p0", "versioned", "all"), 3 * (i + 1));
		replace(&lab, "versioned", i % 2 ? MODULE("versioned") : MODULE("versioned-2"));
		if (i % 3 == 0)
			lab_settle(&lab);
		else
			lab_run(&lab);
		assert_int_equal(lab_meter(&lab, "p0", "versioned", "all"), 3 * (i + 1));
		lab_settle(&lab);
	}
	lab_end(&lab);
}

// Nor does it get tokens that it did not have.
static void policers_keep_what_they_have(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	lab_start(&lab, &four_ports);
	lab_learn(&lab);
	lab_attach(&lab, "probe-filter", 0);
	lab_act(&lab, "p0", "probe-filter", "slow",
		(Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(1, 3) });
	for (unsigned i = 0; i < 3; i++) {
		lab_assert_pass(&lab, 0, &frame, 1 << 1);
		replace(&lab, "probe-filter", NULL);
		lab_run(&lab);
		lab_settle(&lab);
	}
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_end(&lab);
}

// Version 2 says its reasons in another order, does not know one, and has one more.
static void drop_reasons_keep_their_names_and_counts(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	drop_one(&lab, 9);
	drop_one(&lab, 9);
	drop_one(&lab, 1);
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_settle(&lab);
	assert_int_equal(lab_drops(&lab, "versioned", "unwanted"), 2);
	assert_int_equal(lab_drops(&lab, "versioned", "old"), 1);
	assert_int_equal(lab_drops(&lab, "versioned", "new"), 0);
	drop_one(&lab, 9);
	drop_one(&lab, 1); // unwanted, as version 2 sees it
	drop_one(&lab, 2);
	assert_int_equal(lab_drops(&lab, "versioned", "unwanted"), 4);
	assert_int_equal(lab_drops(&lab, "versioned", "old"), 1);
	assert_int_equal(lab_drops(&lab, "versioned", "new"), 1);
	replace(&lab, "versioned", MODULE("versioned"));
	lab_settle(&lab);
	drop_one(&lab, 1);
	drop_one(&lab, 2); // unwanted, as version 1 sees it
	assert_int_equal(lab_drops(&lab, "versioned", "unwanted"), 5);
	assert_int_equal(lab_drops(&lab, "versioned", "old"), 2);
	assert_int_equal(lab_drops(&lab, "versioned", "new"), 1);
	lab_end(&lab);
}

static void what_it_saves_is_carried_over(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_settle(&lab);
	assert_int_equal(lab_logged(&lab, "2.0 takes 0 of the switch by layout 1"), 1);
	assert_int_equal(lab_logged(&lab, "2.0 takes 0 of a port by layout 1"), 4);
	lab_forget_log(&lab);
	replace(&lab, "versioned", MODULE("versioned"));
	lab_settle(&lab);
	assert_int_equal(lab_logged(&lab, "1.0 takes 1 of the switch by layout 2"), 1);
	assert_int_equal(lab_logged(&lab, "1.0 takes 1 of a port by layout 2"), 4);
	lab_end(&lab);
}

// Its place, how it fails, and what was counted of it.
static void it_stands_where_the_old_one_stood(void **state)
{
	struct lab lab;
	struct found before, after;

	(void)state;
	start(&lab);
	lab_attach(&lab, "probe-filter", 10);
	lab_attach(&lab, "probe-after", 50);
	lab_detach(&lab, "versioned");
	assert_int_equal(
		weir_extension_attach(lab.weir, "br0", "versioned", 30, WEIR_FAIL_OPEN, &lab.error),
		0);
	lab_settle(&lab);
	seen_by(&lab);
	before = loaded(&lab, "versioned");
	assert_true(before.fail_open && before.decisions > 0 && before.visits == 1);
	assert_int_equal(lab_extension(&lab, "versioned").position, 1);
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_settle(&lab);
	after = loaded(&lab, "versioned");
	assert_int_equal(lab_extension(&lab, "versioned").position, 1);
	assert_int_equal(after.order, 30);
	assert_true(after.fail_open);
	assert_true(after.decisions > before.decisions);
	assert_int_equal(after.visits, 1);
	lab_end(&lab);
}

static void policies_stay_and_can_be_changed(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1000, 9), other = lab_udp(0, 1, 1000, 7);
	struct lab lab;

	(void)state;
	start(&lab);
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_assert_pass(&lab, 0, &frame, 0);
	want(&lab, "p0", "seven", 7);
	lab_remove_policy(&lab, "p0", "versioned", "discard");
	lab_settle(&lab);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_assert_pass(&lab, 0, &other, 0);
	lab_end(&lab);
}

static void it_is_replaced_on_every_switch(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	assert_int_equal(weir_switch_add(lab.weir, "br1", 0, &lab.error), 0);
	lab_add_port(&lab, "br1", 4, NULL);
	lab_add_port(&lab, "br1", 5, NULL);
	assert_int_equal(weir_extension_attach(lab.weir, "br1", "versioned", 5, 0, &lab.error), 0);
	want(&lab, "p4", "discard", 9);
	lab_settle(&lab);
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_settle(&lab);
	assert_int_equal(loaded(&lab, "versioned").n, 2);
	assert_string_equal(loaded(&lab, "versioned").version, "2.0");
	assert_int_equal(lab_logged(&lab, "1.0 detached"), 2);
	drop_one(&lab, 9);
	lab_end(&lab);
}

static void one_that_is_attached_nowhere_is_replaced(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, &four_ports);
	assert_int_equal(weir_extension_load(lab.weir, "versioned", NULL, 0, &lab.error), 0);
	replace(&lab, "versioned", MODULE("versioned-2"));
	assert_string_equal(loaded(&lab, "versioned").version, "2.0");
	lab_settle(&lab);
	lab_attach(&lab, "versioned", 0);
	assert_int_equal(lab_logged(&lab, "2.0 attached"), 1);
	lab_end(&lab);
}

// Without a path it comes from where the loaded one came: with one, or by name.
static void by_default_from_the_same_file(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	replace(&lab, "versioned", NULL);
	lab_settle(&lab);
	assert_string_equal(loaded(&lab, "versioned").version, "1.0");
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_settle(&lab);
	replace(&lab, "versioned", NULL);
	lab_settle(&lab);
	assert_string_equal(loaded(&lab, "versioned").version, "2.0");
	lab_end(&lab);
}

// ---- What goes

static void timers_are_forgotten(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	lab_advance_s(&lab, 4);
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_settle(&lab);
	lab_advance_s(&lab, 2);
	lab_run(&lab);
	assert_int_equal(lab_logged(&lab, "timer 1"), 0);
	lab_advance_s(&lab, 4);
	lab_run(&lab);
	assert_int_equal(lab_logged(&lab, "1.0 timer 1"), 0);
	assert_int_equal(lab_logged(&lab, "2.0 timer 1"), 1);
	lab_end(&lab);
}

static void calls_end(void **state)
{
	Probe__Later later = PROBE__LATER__INIT;
	struct lab_call call = { 0 };
	struct lab lab;

	(void)state;
	lab_start(&lab, &four_ports);
	lab_attach(&lab, "probe-filter", 10);
	later.delay_ms = 10000;
	assert_int_equal(lab_call(&lab, &call, "probe-filter", "later", &later.base), 0);
	assert_non_null(call.running);
	lab_assert_refused(&lab, try_replace(&lab, "probe-filter", MODULE("probe-after"), 0),
		EINVAL, "probe-after");
	assert_int_equal(call.n_ended, 0);
	replace(&lab, "probe-filter", NULL);
	assert_int_equal(call.n_ended, 1);
	assert_true(call.refused);
	assert_int_equal(call.refusal.code, -ECANCELED);
	assert_non_null(strstr(call.refusal.message, "is being replaced"));
	lab_end(&lab);
}

// ---- Sessions

static void sessions_go_on(void **state)
{
	struct lab_frame request = lab_udp(0, 1, 1000, 2000), reply = lab_udp(1, 0, 2000, 1000);
	struct lab lab;

	(void)state;
	session_start(&lab, &strict_ports);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	lab_assert_pass(&lab, 1, &reply, 1 << 0);
	session_wait_s(&lab, 2);
	for (unsigned i = 0; i < 4; i++) {
		replace(&lab, "stateful", i % 2 ? MODULE("stateful") : MODULE("stateful-2"));
		lab_assert_pass(&lab, 1, &reply, 1 << 0);
		lab_settle(&lab);
		lab_assert_pass(&lab, 1, &reply, 1 << 0);
	}
	session_wait_s(&lab, 2);
	assert_listed(&lab, "p0 udp 10.0.0.0:1000 > 10.0.0.1:2000 open 1/9;");
	assert_int_equal(lab_logged(&lab, "2.0 replaced 2000: 1000 > 2000, 1 frames"), 2);
	assert_int_equal(lab_logged(&lab, "1.0 replaced 2000: 1000 > 2000, 1 frames"), 2);
	assert_int_equal(lab_logged(&lab, "idle"), 0);
	session_wait_s(&lab, 24);
	assert_int_equal(lab_logged(&lab, "1.0 idle 2000: 1000 > 2000, 1 frames 60 bytes, "
					  "9 frames 540 bytes back;"),
		1);
	lab_end(&lab);
}

// Which version hears of an end: the one whose decision opened the session, as long as it is there.
static void an_end_is_told_to_who_made_the_cookie(void **state)
{
	struct lab_frame old = lab_udp(0, 1, 1000, 2000), new = lab_udp(0, 1, 1000, 3000);
	struct weir_port_config changed = { .size = sizeof(changed), .mtu = 1400 };
	struct lab lab;

	(void)state;
	session_start(&lab, &strict_ports);
	lab_assert_pass(&lab, 0, &old, 1 << 1);
	replace(&lab, "stateful", MODULE("stateful-2"));
	// No worker has run since: the sessions are still the old version's. The new one ends them.
	assert_int_equal(
		weir_port_set(lab.weir, "p0", &changed, WEIR_PORT_SET_MTU, 0, &lab.error), 0);
	lab_settle(&lab);
	assert_int_equal(lab_logged(&lab, "1 to end;"), 1);
	assert_int_equal(lab_logged(&lab, "1.0 ended 2000"), 1);
	lab_assert_pass(&lab, 0, &new, 1 << 1);
	changed.mtu = 1300;
	assert_int_equal(
		weir_port_set(lab.weir, "p0", &changed, WEIR_PORT_SET_MTU, 0, &lab.error), 0);
	session_wait_s(&lab, 2);
	assert_int_equal(lab_logged(&lab, "2.0 ended 3000"), 1);
	assert_int_equal(lab_logged(&lab, "replaced"), 0);
	assert_int_equal(session_list(&lab).n, 0);
	lab_end(&lab);
}

// What is detached while its predecessor is on its way out ends the sessions of both.
static void detached_at_once(void **state)
{
	struct lab_frame request = lab_udp(0, 1, 1000, 2000);
	struct lab lab;

	(void)state;
	session_start(&lab, &strict_ports);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	replace(&lab, "stateful", MODULE("stateful-2"));
	lab_detach(&lab, "stateful");
	lab_settle(&lab);
	assert_int_equal(lab_logged(&lab, "1.0 replaced 2000"), 1);
	assert_int_equal(lab_logged(&lab, "2.0 detached 2000"), 1);
	assert_int_equal(session_list(&lab).n, 0);
	assert_int_equal(weir_extension_unload(lab.weir, "stateful", 0, &lab.error), 0);
	lab_end(&lab);
}

static void the_switch_goes_at_once(void **state)
{
	struct lab_frame request = lab_udp(0, 1, 1000, 2000);
	struct lab lab;

	(void)state;
	session_start(&lab, &four_ports);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	replace(&lab, "stateful", MODULE("stateful-2"));
	lab_abandon(&lab);
}

// ---- What is refused

static const struct refusal {
	const char *path, *text;
	int code;
} refusals[] = {
	{ MODULE("versioned-attach"), "it does not like it here", -EIO },
	{ MODULE("versioned-restore"), "does not take the saved state of switch:br0", -EINVAL },
	{ MODULE("versioned-later"), "does not take the saved state of p1: it is full", -EINVAL },
	{ MODULE("versioned-prepare"), "p1 is not for it", -EINVAL },
	{ MODULE("versioned-schema"),
		"policy big of p3: the new version of extension versioned "
		"does not take it",
		-EINVAL },
	{ MODULE("versioned-class"),
		"the class of the file is capture, and that of the loaded "
		"version filter",
		-EINVAL },
	{ MODULE("versioned-twins"), "has two drop reasons \"new\"", -EINVAL },
	{ MODULE("watcher"), "watcher", -EINVAL },
	{ MODULE("no-such-file"), "no-such-file", -ENOENT },
	{ "/dev/null", "must be a regular file", -EINVAL },
	{ "/", "is a directory", -EISDIR },
	{ "/etc/passwd", "/etc/passwd", -ENOEXEC },
};

static void check_untouched(struct lab *lab, const struct refusal *r, uint64_t meter)
{
	struct lab_frame unwanted = lab_udp(0, 1, 1000, 9);

	assert_int_equal(seen_by(lab), 1);
	lab_assert_pass(lab, 0, &unwanted, 0);
	lab_settle(lab);
	assert_string_equal(loaded(lab, "versioned").version, "1.0");
	assert_int_equal(lab_logged(lab, "1.0 forgets"), 0);
	assert_int_equal(lab_logged(lab, "1.0 detached"), 0);
	if (lab_meter(lab, "p0", "versioned", "all") != meter)
		fail_msg("%s: the meter is %llu", r->path,
			(unsigned long long)lab_meter(lab, "p0", "versioned", "all"));
}

static void whatever_is_wrong_leaves_the_old_one(void **state)
{
	uint64_t meter = 0;
	struct lab lab;

	(void)state;
	start(&lab);
	want(&lab, "p3", "big", 40000);
	lab_settle(&lab);
	lab_forget_log(&lab);
	for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *r = &refusals[i];
		int returned = try_replace(&lab, "versioned", r->path, 0);

		if (returned != r->code || !strstr(lab.error.message, r->text))
			fail_msg("%s: %d, %s", r->path, returned, lab.error.message);
		check_untouched(&lab, r, ++meter);
		// Nor does an attempt.
		assert_int_equal(try_replace(&lab, "versioned", r->path, WEIR_DRY_RUN), returned);
		check_untouched(&lab, r, ++meter);
	}
	// What was attached has been detached, too.
	assert_int_equal(lab_logged(&lab, "2.0 attached"), lab_logged(&lab, "2.0 detached") + 2);
	assert_int_equal(lab_drops(&lab, "versioned", "new"), 0);
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_settle(&lab);
	assert_int_equal(seen_by(&lab), 2);
	lab_end(&lab);
}

static void what_it_does_not_save_refuses(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	replace(&lab, "versioned", MODULE("versioned-save"));
	lab_settle(&lab);
	lab_assert_refused(&lab, try_replace(&lab, "versioned", MODULE("versioned"), 0), EIO,
		"does not save its state of switch:br0: it is too shy");
	assert_int_equal(seen_by(&lab), 2);
	lab_end(&lab);
}

static void a_trial_changes_nothing(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	seen_by(&lab);
	assert_int_equal(try_replace(&lab, "versioned", MODULE("versioned-2"), WEIR_DRY_RUN), 0);
	lab_settle(&lab);
	assert_int_equal(seen_by(&lab), 1);
	assert_string_equal(loaded(&lab, "versioned").version, "1.0");
	assert_int_equal(lab_meter(&lab, "p0", "versioned", "all"), 2);
	assert_int_equal(lab_logged(&lab, "2.0 detached"), 1);
	lab_end(&lab);
}

static void one_at_a_time(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	lab_assert_refused(&lab, try_replace(&lab, "nobody", NULL, 0), ENOENT,
		"extension \"nobody\": is not loaded");
	seen_by(&lab);
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_assert_refused(&lab, try_replace(&lab, "versioned", MODULE("versioned"), 0), EBUSY,
		"is being replaced");
	lab_settle(&lab);
	replace(&lab, "versioned", MODULE("versioned"));
	lab_end(&lab);
}

// ---- Who is told

struct news {
	unsigned n;
	char kinds[512];
};

static void hear(void *context, const struct weir_notice *notice)
{
	struct news *news = context;
	size_t used = strlen(news->kinds);

	snprintf(news->kinds + used, sizeof(news->kinds) - used, "%s %s;", notice->kind,
		notice->extension);
}

struct kept {
	unsigned n;
	char path[256];
};

static void keep(void *context, bool removed, const struct weir_item *item)
{
	struct kept *kept = context;

	assert_false(removed);
	assert_int_equal(item->kind, WEIR_ITEM_EXTENSION);
	assert_int_equal(item->extension.order, 30);
	kept->n++;
	snprintf(kept->path, sizeof(kept->path), "%s", item->extension.path);
}

static void it_is_told_and_kept(void **state)
{
	struct news news = { 0 };
	struct kept kept = { 0 };
	struct lab lab;

	(void)state;
	start(&lab);
	weir_on_notice(lab.weir, hear, &news);
	weir_on_change(lab.weir, keep, &kept);
	try_replace(&lab, "versioned", MODULE("versioned-attach"), 0);
	assert_int_equal(kept.n, 0);
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_settle(&lab);
	assert_string_equal(news.kinds, "extension-not-replaced versioned;"
					"extension-replaced versioned;");
	assert_int_equal(kept.n, 1);
	assert_string_equal(kept.path, MODULE("versioned-2"));
	weir_on_notice(lab.weir, NULL, NULL);
	weir_on_change(lab.weir, NULL, NULL);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_new_version_decides),
		cmocka_unit_test(visits_of_old_programs_go_on),
		cmocka_unit_test(meters_count_on),
		cmocka_unit_test(policers_keep_what_they_have),
		cmocka_unit_test(drop_reasons_keep_their_names_and_counts),
		cmocka_unit_test(what_it_saves_is_carried_over),
		cmocka_unit_test(it_stands_where_the_old_one_stood),
		cmocka_unit_test(policies_stay_and_can_be_changed),
		cmocka_unit_test(it_is_replaced_on_every_switch),
		cmocka_unit_test(one_that_is_attached_nowhere_is_replaced),
		cmocka_unit_test(by_default_from_the_same_file),
		cmocka_unit_test(timers_are_forgotten),
		cmocka_unit_test(calls_end),
		cmocka_unit_test(sessions_go_on),
		cmocka_unit_test(an_end_is_told_to_who_made_the_cookie),
		cmocka_unit_test(detached_at_once),
		cmocka_unit_test(the_switch_goes_at_once),
		cmocka_unit_test(whatever_is_wrong_leaves_the_old_one),
		cmocka_unit_test(what_it_does_not_save_refuses),
		cmocka_unit_test(a_trial_changes_nothing),
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(it_is_told_and_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
