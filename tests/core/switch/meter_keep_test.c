// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Meters over the end of the process: what is told of them to be kept, and restored. And many.
#include <stdlib.h>

#include "lab_items.h"
#include "lab_probe.h"

#include "switch/attachment.h"
#include "switch/change.h"
#include "switch/meter.h"
#include "switch/numbers.h"
#include "switch/policy.h"
#include "switch/target.h"
#include "switch/vswitch.h"

enum { N_TARGETS = 1000, N_KEYS = 100 };
static const char filter[] = "probe-filter";

struct kept {
	struct lab lab;
	struct lab_items notes;
	char rows[1024]; // "target id frames bytes;" of each
	uint64_t since;  // of the last
};

static void start(struct kept *k)
{
	memset(k, 0, sizeof(*k));
	lab_start(&k->lab, &(struct lab_options){ .n_ports = 2 });
	lab_learn(&k->lab);
	lab_attach(&k->lab, filter, 0);
	weir_on_change(k->lab.weir, lab_items_note, &k->notes);
}

static void meter(struct kept *k, const char *target, const char *id)
{
	lab_act(&k->lab, target, filter, id, (Probe__Act){ AT(INGRESS, METER) });
	k->notes = (struct lab_items){ 0 };
}

static void pass(struct kept *k, unsigned n)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);

	while (n--)
		lab_pass(&k->lab, 0, &frame, NULL, 0, NULL);
}

static void add_row(void *context, const struct weir_item *item)
{
	struct kept *k = context;
	size_t used = strlen(k->rows);

	assert_int_equal(item->kind, WEIR_ITEM_METER);
	assert_string_equal(item->name, filter);
	k->since = item->meter.since;
	snprintf(k->rows + used, sizeof(k->rows) - used, "%s %s %llu %llu;", item->target,
		item->meter.id, (unsigned long long)item->meter.frames,
		(unsigned long long)item->meter.bytes);
}

#define assert_told(k, all, expected)                                                              \
	do {                                                                                       \
		*(k)->rows = '\0';                                                                 \
		weir_export_meters((k)->lab.weir, all, add_row, k);                                \
		assert_string_equal((k)->rows, expected);                                          \
	} while (0)

static struct vswitch *br0(struct kept *k)
{
	return vswitch_find(k->lab.weir, "br0", NULL);
}

static int try_restore(
	struct kept *k, const char *extension, const char *target, const char *id, uint64_t frames)
{
	const struct weir_item item = { .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_METER,
		.target = target,
		.name = extension,
		.meter = { id, frames, frames * 100, 1234 } };
	struct meter_before before;

	return meter_restore(br0(k), &item, &before);
}

static void restore(struct kept *k, const char *target, const char *id, uint64_t frames)
{
	assert_int_equal(try_restore(k, filter, target, id, frames), 0);
}

static void ignore_meter(void *context, const struct weir_meter_info *info)
{
	(void)context;
	(void)info;
}

static void what_changed_is_told_once(void **state)
{
	struct kept k;

	(void)state;
	start(&k);
	meter(&k, "p0", "in");
	meter(&k, "p1", "idle");
	// Also one that has counted nothing yet: since when, is to be kept.
	assert_told(&k, false, "p1 idle 0 0;p0 in 0 0;");
	assert_told(&k, false, "");
	pass(&k, 2);
	assert_told(&k, false, "p0 in 2 120;");
	assert_told(&k, false, "");
	assert_told(&k, true, "p1 idle 0 0;p0 in 2 120;");
	// A reset was told to somebody as done.
	assert_int_equal(
		weir_meter_list(k.lab.weir, "p0", true, ignore_meter, NULL, &k.lab.error), 0);
	assert_told(&k, false, "p0 in 0 0;");
	assert_told(&k, false, "");
	// As many as before the reset, and still a change.
	pass(&k, 2);
	assert_told(&k, false, "p0 in 2 120;");
	// Not what a refused or tried change would have.
	assert_int_equal(lab_try_act(&k.lab, "p0", filter, "try",
				 (Probe__Act){ AT(INGRESS, METER) }, WEIR_DRY_RUN),
		0);
	assert_told(&k, false, "");
	lab_end(&k.lab);
}

static void its_end_is_told(void **state)
{
	struct kept k;

	(void)state;
	start(&k);
	meter(&k, "p0", "untold");
	lab_remove_policy(&k.lab, "p0", filter, "untold");
	lab_assert_items(&k.notes, "- policy p0 probe-filter act untold 08001004\n");
	meter(&k, "p0", "a");
	meter(&k, "p0", "b");
	meter(&k, "p0", "c");
	meter(&k, "p1", "a");
	assert_told(&k, false, "p1 a 0 0;p0 c 0 0;p0 b 0 0;p0 a 0 0;");
	assert_true(weir_policy_remove(k.lab.weir, "p0", filter, "b", WEIR_DRY_RUN, NULL) == 0);
	lab_assert_items(&k.notes, "");
	lab_remove_policy(&k.lab, "p0", filter, "b");
	lab_assert_items(&k.notes, "- meter p0 probe-filter b\n"
				   "- policy p0 probe-filter act b 08001004\n");
	// By a policy that replaces its own.
	lab_act(&k.lab, "p0", filter, "c", (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_assert_items(&k.notes, "- meter p0 probe-filter c\n"
				   "+ policy p0 probe-filter act c 08001000\n");
	// With their port, silently.
	lab_remove_port(&k.lab, 1);
	lab_assert_items(&k.notes, "- port br0 p1 nic=memory\n");
	// With the extension not at all.
	lab_detach(&k.lab, filter);
	lab_assert_items(&k.notes, "- extension br0 probe-filter order=0\n");
	assert_told(&k, true, "p0 a 0 0;");
	assert_int_equal(weir_switch_remove(k.lab.weir, "br0", 0, &k.lab.error), 0);
	lab_assert_items(&k.notes, "- switch br0\n");
	lab_end(&k.lab);
}

static void add_unused(void *context, const struct weir_meter_info *info)
{
	struct kept *k = context;
	size_t used = strlen(k->rows);

	if (info->unused)
		snprintf(k->rows + used, sizeof(k->rows) - used, "%s %s;", info->target, info->id);
}

#define assert_unused(k, expected)                                                                 \
	do {                                                                                       \
		*(k)->rows = '\0';                                                                 \
		assert_int_equal(weir_meter_list((k)->lab.weir, NULL, false, add_unused, k,        \
					 &(k)->lab.error),                                         \
			0);                                                                        \
		assert_string_equal((k)->rows, expected);                                          \
	} while (0)

static int try_remove(struct kept *k, const char *extension, const char *id, unsigned flags)
{
	return weir_meter_remove(k->lab.weir, "p0", extension, id, flags, &k->lab.error);
}

// What a detached extension leaves is shown as that, and can be removed; what is in use cannot.
static void unused_ones_are_removed(void **state)
{
	struct kept k;

	(void)state;
	start(&k);
	meter(&k, "p0", "a");
	meter(&k, "p0", "b");
	meter(&k, "p0", "c");
	meter(&k, "p1", "a");
	pass(&k, 2);
	assert_told(&k, true, "p1 a 0 0;p0 c 2 120;p0 b 2 120;p0 a 2 120;");
	restore(&k, "p0", "late", 5);
	assert_unused(&k, "p0 late;");
	lab_assert_refused(&k.lab, try_remove(&k, filter, "a", 0), EBUSY,
		"meter \"a\" of probe-filter on p0: is in use, and stays as long as the policy "
		"that "
		"it is of, or until probe-filter is detached from switch br0");
	lab_assert_refused(&k.lab, try_remove(&k, filter, NULL, 0), EBUSY, "is in use");
	lab_assert_refused(&k.lab, try_remove(&k, filter, "x", 0), ENOENT,
		"meter \"x\" of probe-filter on p0: there is none");
	lab_assert_refused(&k.lab, try_remove(&k, "marker", NULL, 0), ENOENT,
		"extension \"marker\": has no meters on p0");
	lab_assert_refused(&k.lab, try_remove(&k, NULL, NULL, 0), ENOENT, "\"\": has no meters");
	lab_assert_refused(&k.lab,
		weir_meter_remove(k.lab.weir, "p9", filter, "a", 0, &k.lab.error), ENOENT,
		"port \"p9\"");
	lab_detach(&k.lab, filter);
	lab_settle(&k.lab);
	k.notes = (struct lab_items){ 0 };
	assert_unused(&k, "p0 late;p1 a;p0 c;p0 b;p0 a;");
	assert_int_equal(try_remove(&k, filter, "b", WEIR_DRY_RUN), 0);
	lab_assert_items(&k.notes, "");
	assert_int_equal(try_remove(&k, filter, "b", 0), 0);
	lab_assert_items(&k.notes, "- meter p0 probe-filter b\n");
	assert_unused(&k, "p0 late;p1 a;p0 c;p0 a;");
	// Those that are there count on, the others anew.
	lab_attach(&k.lab, filter, 0);
	meter(&k, "p0", "a");
	meter(&k, "p0", "b");
	pass(&k, 1);
	assert_int_equal(lab_meter(&k.lab, "p0", filter, "a"), 3);
	assert_int_equal(lab_meter(&k.lab, "p0", filter, "b"), 1);
	lab_detach(&k.lab, filter);
	lab_settle(&k.lab);
	assert_int_equal(try_remove(&k, filter, NULL, 0), 0);
	assert_unused(&k, "p1 a;");
	lab_end(&k.lab);
}

static void restored_ones_wait_for_their_extension(void **state)
{
	struct kept k;

	(void)state;
	start(&k);
	restore(&k, "p0", "in", 1000);
	restore(&k, "p0", "late", 5);
	restore(&k, "p1", "in", UINT64_C(1) << 40);
	assert_int_equal(lab_meter(&k.lab, "p0", filter, "in"), 1000);
	// Tried, refused, detached: it is still there.
	assert_int_equal(lab_try_act(&k.lab, "p0", filter, "in", (Probe__Act){ AT(INGRESS, METER) },
				 WEIR_DRY_RUN),
		0);
	lab_detach(&k.lab, filter);
	lab_settle(&k.lab);
	lab_attach(&k.lab, filter, 0);
	meter(&k, "p0", "in");
	pass(&k, 3);
	assert_int_equal(lab_meter(&k.lab, "p0", filter, "in"), 1003);
	assert_int_equal(lab_meter(&k.lab, "p1", filter, "in"), UINT64_C(1) << 40);
	// Who has them back may be another one than who kept them.
	assert_told(
		&k, false, "p1 in 1099511627776 109951162777600;p0 late 5 500;p0 in 1003 100180;");
	assert_int_equal(k.since, 1234);
	assert_told(&k, false, "");
	// One that counts already, and as much, keeps its own; less it has only after a reset,
	// which is taken back.
	restore(&k, "p0", "in", 7);
	pass(&k, 1);
	assert_told(&k, false, "p0 in 1004 100240;");
	restore(&k, "p0", "in", 2000);
	pass(&k, 1);
	assert_told(&k, false, "p0 in 3005 300300;");
	// It was kept: its end is told though it was not told anew.
	restore(&k, "p0", "x", 1);
	meter(&k, "p0", "x");
	lab_remove_policy(&k.lab, "p0", filter, "x");
	lab_assert_items(&k.notes, "- meter p0 probe-filter x\n"
				   "- policy p0 probe-filter act x 08001004\n");
	lab_end(&k.lab);
}

// As when there is no memory to publish it.
static void a_change_that_is_taken_back_leaves_them(void **state)
{
	static const char meter_bytes[] = "\x08\x00\x10\x04";
	struct policy *p = calloc(1, sizeof(*p) + 4);
	struct change change = { 0 };
	struct target *t;
	struct kept k;

	(void)state;
	start(&k);
	restore(&k, "p0", "in", 9);
	t = target_find(k.lab.weir, "p0", NULL);
	*p = (struct policy){ .type = "act", .size = 4, .id = "in" };
	p->attachment = attachment_find(t->vswitch, filter);
	memcpy(p->bytes, meter_bytes, 4);
	policy_append(t, p);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(change_prepare(&change, p->attachment, t, &k.lab.error), 0);
		change_commit(&change);
		change_revert(&change);
		// The second time one that there was not before.
		assert_int_equal(lab_meter(&k.lab, "p0", filter, p->id), i ? UINT64_MAX : 9);
		policy_unlink(t, p);
		strcpy(p->id, "new");
		policy_append(t, p);
	}
	policy_unlink(t, p);
	free(p);
	lab_assert_items(&k.notes, "");
	lab_end(&k.lab);
}

static void names_that_are_none(void **state)
{
	char long_key[65];
	struct kept k;

	(void)state;
	start(&k);
	memset(long_key, 'x', 64);
	long_key[64] = '\0';
	assert_int_equal(try_restore(&k, filter, "p0", long_key, 1), -EINVAL);
	assert_int_equal(try_restore(&k, filter, long_key, "in", 1), -EINVAL);
	assert_int_equal(try_restore(&k, long_key, "p0", "in", 1), -EINVAL);
	assert_int_equal(try_restore(&k, filter, "p0", "", 1), -EINVAL);
	assert_told(&k, true, "");
	lab_end(&k.lab);
}

static void name(unsigned target, unsigned key, char target_text[16], char key_text[16])
{
	snprintf(target_text, 16, "vm%u", target);
	snprintf(key_text, 16, "%u", key);
}

static void count_rows(void *context, const struct weir_item *item)
{
	*(unsigned *)context += item->kind == WEIR_ITEM_METER;
}

// With so many, anything that walks them all for each would not come to an end here.
static void many(void **state)
{
	char target[16], key[16];
	struct attachment *a;
	struct kept k;
	unsigned n = 0;

	(void)state;
	start(&k);
	weir_on_change(k.lab.weir, NULL, NULL);
	a = attachment_find(br0(&k), filter);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < N_TARGETS * N_KEYS; i++) {
			name(i % N_TARGETS, i / N_TARGETS, target, key);
			restore(&k, target, key, i);
		}
		for (unsigned i = 0; i < N_TARGETS * N_KEYS; i++) {
			struct meter *m;

			name(i % N_TARGETS, i / N_TARGETS, target, key);
			assert_int_equal(meter_get(br0(&k), a, target, key, &m), 0);
			assert_string_equal(m->target, target);
			assert_string_equal(m->key, key);
			// The last ones are held no more when the policy that had them is gone.
			meter_put(br0(&k), m, i / N_TARGETS >= N_KEYS / 2);
		}
		n = 0;
		weir_export_meters(k.lab.weir, true, count_rows, &n);
		assert_int_equal(n, N_TARGETS * N_KEYS / 2);
		for (unsigned i = 0; i < N_TARGETS; i++) {
			name(i, 0, target, key);
			meter_remove_target(br0(&k), target);
		}
		assert_null(br0(&k)->meters);
		lab_settle(&k.lab);
		// Their numbers are given out again.
		assert_int_equal(br0(&k)->meter_numbers.n_free, br0(&k)->meter_numbers.made);
		assert_int_equal(br0(&k)->meter_numbers.made, N_TARGETS * N_KEYS);
	}
	lab_end(&k.lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_changed_is_told_once),
		cmocka_unit_test(its_end_is_told),
		cmocka_unit_test(unused_ones_are_removed),
		cmocka_unit_test(restored_ones_wait_for_their_extension),
		cmocka_unit_test(a_change_that_is_taken_back_leaves_them),
		cmocka_unit_test(names_that_are_none),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
