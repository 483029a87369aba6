// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Replacements that are refused: nothing has happened. And who is told of one.
#include "lab_replace.h"

// ---- What is refused

static const struct refusal {
	const char *path, *text;
	int code;
} refusals[] = {
	{ MODULE("versioned-attach"), "it does not like it here", -EIO },
	{ MODULE("versioned-restore"), "does not take the saved state of switch:br0", -EINVAL },
	{ MODULE("versioned-later"), "does not take the saved state of p1: it is full", -EINVAL },
	{ MODULE("versioned-prepare"),
		"versioned: the new version refuses the policies of p1: p1 is not for it",
		-EINVAL },
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

	assert_int_equal(replace_seen_by(lab), 1);
	lab_assert_pass(lab, 0, &unwanted, 0);
	lab_settle(lab);
	assert_string_equal(replace_found(lab, "versioned").version, "1.0");
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
	replace_start(&lab);
	replace_want(&lab, "p3", "big", 40000);
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
	assert_int_equal(replace_seen_by(&lab), 2);
	lab_end(&lab);
}

static void what_it_does_not_save_refuses(void **state)
{
	struct lab lab;

	(void)state;
	replace_start(&lab);
	replace(&lab, "versioned", MODULE("versioned-save"));
	lab_settle(&lab);
	lab_assert_refused(&lab, try_replace(&lab, "versioned", MODULE("versioned"), 0), EIO,
		"does not save its state of switch:br0: it is too shy");
	assert_int_equal(replace_seen_by(&lab), 2);
	lab_end(&lab);
}

static void a_trial_changes_nothing(void **state)
{
	struct lab lab;

	(void)state;
	replace_start(&lab);
	replace_seen_by(&lab);
	assert_int_equal(try_replace(&lab, "versioned", MODULE("versioned-2"), WEIR_DRY_RUN), 0);
	lab_settle(&lab);
	assert_int_equal(replace_seen_by(&lab), 1);
	assert_string_equal(replace_found(&lab, "versioned").version, "1.0");
	assert_int_equal(lab_meter(&lab, "p0", "versioned", "all"), 2);
	assert_int_equal(lab_logged(&lab, "2.0 detached"), 1);
	lab_end(&lab);
}

static void one_at_a_time(void **state)
{
	struct lab lab;

	(void)state;
	replace_start(&lab);
	lab_assert_refused(&lab, try_replace(&lab, "nobody", NULL, 0), ENOENT,
		"extension \"nobody\": is not loaded; there are versioned");
	// One that could be loaded, and where it would come from.
	lab_assert_refused(&lab, try_replace(&lab, "probe-filter", NULL, 0), ENOENT,
		"extension \"probe-filter\": is not loaded; it would be loaded from /");
	lab_assert_refused(&lab, try_replace(&lab, "probe-filter", MODULE("probe-filter"), 0),
		ENOENT, "/probe-filter.so");
	lab_assert_refused(&lab, try_replace(&lab, "../probe-filter", NULL, 0), ENOENT,
		"extension \"../probe-filter\": is not loaded; there are versioned");
	lab_assert_refused(&lab, try_replace(&lab, "versioned", "/nowhere/v.so", 0), ENOENT,
		"extension file \"/nowhere/v.so\" cannot be opened: No such file");
	replace_seen_by(&lab);
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
	replace_start(&lab);
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
		cmocka_unit_test(whatever_is_wrong_leaves_the_old_one),
		cmocka_unit_test(what_it_does_not_save_refuses),
		cmocka_unit_test(a_trial_changes_nothing),
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(it_is_told_and_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
