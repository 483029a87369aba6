// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// One version of an extension takes the place of another: what stays.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab_probe.h"
#include "lab_replace.h"

static const struct lab_options four_ports = { .n_ports = 4 };

static void the_new_version_decides(void **state)
{
	struct lab lab;

	(void)state;
	replace_start(&lab);
	assert_int_equal(replace_seen_by(&lab), 1);
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_settle(&lab);
	assert_int_equal(replace_seen_by(&lab), 2);
	assert_string_equal(replace_found(&lab, "versioned").version, "2.0");
	assert_string_equal(replace_found(&lab, "versioned").path, MODULE("versioned-2"));
	assert_int_equal(replace_found(&lab, "versioned").n, 1);
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
	replace_start(&lab);
	assert_int_equal(replace_seen_by(&lab), 1);
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
	replace_start(&lab);
	for (unsigned i = 0; i < 20; i++) {
		for (unsigned k = 0; k < 3; k++)
			replace_seen_by(&lab);
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
	replace_start(&lab);
	replace_drop_one(&lab, 9);
	replace_drop_one(&lab, 9);
	replace_drop_one(&lab, 1);
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_settle(&lab);
	assert_int_equal(lab_drops(&lab, "versioned", "unwanted"), 2);
	assert_int_equal(lab_drops(&lab, "versioned", "old"), 1);
	assert_int_equal(lab_drops(&lab, "versioned", "new"), 0);
	replace_drop_one(&lab, 9);
	replace_drop_one(&lab, 1); // unwanted, as version 2 sees it
	replace_drop_one(&lab, 2);
	assert_int_equal(lab_drops(&lab, "versioned", "unwanted"), 4);
	assert_int_equal(lab_drops(&lab, "versioned", "old"), 1);
	assert_int_equal(lab_drops(&lab, "versioned", "new"), 1);
	replace(&lab, "versioned", MODULE("versioned"));
	lab_settle(&lab);
	replace_drop_one(&lab, 1);
	replace_drop_one(&lab, 2); // unwanted, as version 1 sees it
	assert_int_equal(lab_drops(&lab, "versioned", "unwanted"), 5);
	assert_int_equal(lab_drops(&lab, "versioned", "old"), 2);
	assert_int_equal(lab_drops(&lab, "versioned", "new"), 1);
	lab_end(&lab);
}

static void what_it_saves_is_carried_over(void **state)
{
	struct lab lab;

	(void)state;
	replace_start(&lab);
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
	replace_start(&lab);
	lab_attach(&lab, "probe-filter", 10);
	lab_attach(&lab, "probe-after", 50);
	lab_detach(&lab, "versioned");
	assert_int_equal(
		weir_extension_attach(lab.weir, "br0", "versioned", 30, WEIR_FAIL_OPEN, &lab.error),
		0);
	lab_settle(&lab);
	replace_seen_by(&lab);
	before = replace_found(&lab, "versioned");
	assert_true(before.fail_open && before.decisions > 0 && before.visits == 1);
	assert_int_equal(lab_extension(&lab, "versioned").position, 1);
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_settle(&lab);
	after = replace_found(&lab, "versioned");
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
	replace_start(&lab);
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_assert_pass(&lab, 0, &frame, 0);
	replace_want(&lab, "p0", "seven", 7);
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
	replace_start(&lab);
	assert_int_equal(weir_switch_add(lab.weir, "br1", 0, &lab.error), 0);
	lab_add_port(&lab, "br1", 4, NULL);
	lab_add_port(&lab, "br1", 5, NULL);
	assert_int_equal(weir_extension_attach(lab.weir, "br1", "versioned", 5, 0, &lab.error), 0);
	replace_want(&lab, "p4", "discard", 9);
	lab_settle(&lab);
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_settle(&lab);
	assert_int_equal(replace_found(&lab, "versioned").n, 2);
	assert_string_equal(replace_found(&lab, "versioned").version, "2.0");
	assert_int_equal(lab_logged(&lab, "1.0 detached"), 2);
	replace_drop_one(&lab, 9);
	lab_end(&lab);
}

static void one_that_is_attached_nowhere_is_replaced(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, &four_ports);
	assert_int_equal(weir_extension_load(lab.weir, "versioned", NULL, 0, &lab.error), 0);
	replace(&lab, "versioned", MODULE("versioned-2"));
	assert_string_equal(replace_found(&lab, "versioned").version, "2.0");
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
	replace_start(&lab);
	replace(&lab, "versioned", NULL);
	lab_settle(&lab);
	assert_string_equal(replace_found(&lab, "versioned").version, "1.0");
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_settle(&lab);
	replace(&lab, "versioned", NULL);
	lab_settle(&lab);
	assert_string_equal(replace_found(&lab, "versioned").version, "2.0");
	lab_end(&lab);
}

static void copy_module(const char *from, const char *to, int flags)
{
	int in = open(from, O_RDONLY | O_CLOEXEC),
	    out = open(to, O_WRONLY | O_CLOEXEC | flags, 0755);
	struct stat status;

	assert_true(in >= 0 && out >= 0);
	assert_int_equal(fstat(in, &status), 0);
	assert_int_equal(sendfile(out, in, NULL, (size_t)status.st_size), status.st_size);
	assert_int_equal(close(in), 0);
	assert_int_equal(close(out), 0);
}

// As a package puts it: by another name, and renamed. Or as `cp` does: into the very file that is
// loaded.
static void another_file_at_the_same_path_is_new(void **state)
{
	char directory[] = "/tmp/weir-replace-XXXXXX", path[64], beside[64];
	struct lab lab;

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(chmod(directory, 0755), 0);
	snprintf(path, sizeof(path), "%s/versioned.so", directory);
	snprintf(beside, sizeof(beside), "%s/new", directory);
	copy_module(MODULE("versioned"), path, O_CREAT | O_EXCL);
	lab_start(&lab, &four_ports);
	lab_learn(&lab);
	assert_int_equal(weir_extension_load(lab.weir, "versioned", path, 0, &lab.error), 0);
	lab_attach(&lab, "versioned", 0);
	lab_settle(&lab);
	assert_int_equal(replace_seen_by(&lab), 1);
	copy_module(MODULE("versioned-2"), beside, O_CREAT | O_EXCL);
	assert_int_equal(rename(beside, path), 0);
	assert_int_equal(replace_seen_by(&lab), 1);
	replace(&lab, "versioned", NULL);
	lab_settle(&lab);
	assert_int_equal(replace_seen_by(&lab), 2);
	copy_module(MODULE("versioned"), path, O_TRUNC);
	assert_int_equal(replace_seen_by(&lab), 2);
	replace(&lab, "versioned", NULL);
	lab_settle(&lab);
	assert_int_equal(replace_seen_by(&lab), 1);
	assert_string_equal(replace_found(&lab, "versioned").path, path);
	assert_int_equal(unlink(path), 0);
	lab_assert_refused(&lab, try_replace(&lab, "versioned", NULL, 0), ENOENT, path);
	assert_int_equal(replace_seen_by(&lab), 1);
	assert_int_equal(rmdir(directory), 0);
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
		cmocka_unit_test(another_file_at_the_same_path_is_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
