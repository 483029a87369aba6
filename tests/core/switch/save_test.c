// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Saved state: what is collected, what becomes of refusals, and how it is handed back.
#include <stdlib.h>

#include "lab_call.h"
#include "switch/attachment.h"
#include "switch/host.h"
#include "switch/port.h"
#include "switch/vswitch.h"

static const char filter[] = "probe-filter", service[] = "probe-service";

struct saved {
	char rows[512]; // "target extension vVERSION SIZE first-bytes;" of each
	size_t largest;
};

static void collect(void *context, const struct weir_item *item)
{
	struct saved *s = context;
	size_t used = strlen(s->rows), shown = item->saved.size < 20 ? item->saved.size : 20;

	assert_int_equal(item->kind, WEIR_ITEM_SAVED);
	assert_null(item->switch_name);
	snprintf(s->rows + used, sizeof(s->rows) - used, "%s %s v%u %.*s;", item->target,
		item->name, item->saved.version, (int)shown, (const char *)item->saved.bytes);
	if (item->saved.size > s->largest)
		s->largest = item->saved.size;
}

static int save(struct lab *lab, struct saved *saved)
{
	*saved = (struct saved){ .largest = 0 };
	memset(&lab->error, 0, sizeof(lab->error));
	return weir_export_saved(lab->weir, collect, saved, &lab->error);
}

static void start(struct lab *lab)
{
	lab_start(lab, &(struct lab_options){ .n_ports = 2 });
	lab_attach(lab, filter, 0);
	lab_attach(lab, service, 0);
}

static void collected_of_every_target(void **state)
{
	Probe__Order order = PROBE__ORDER__INIT;
	struct saved saved;
	struct lab lab;

	(void)state;
	start(&lab);
	assert_int_equal(save(&lab, &saved), 0);
	assert_string_equal(saved.rows, ""); // nothing written, nothing saved
	order.save = lab_text("+x");
	order.has_save_times = 1;
	order.save_times = 2;
	lab_order(&lab, filter, &order);
	assert_int_equal(save(&lab, &saved), 0);
	assert_string_equal(saved.rows, "switch:br0 probe-filter v3 br0+x+x;"
					"p0 probe-filter v3 p0+x+x;p1 probe-filter v3 p1+x+x;");
	lab_end(&lab);
}

static void a_refusal_does_not_stop_others(void **state)
{
	Probe__Order order = PROBE__ORDER__INIT;
	struct saved saved;
	struct lab lab;

	(void)state;
	start(&lab);
	order.save = lab_text("+");
	lab_order(&lab, service, &order);
	order.refuse_save = lab_text("p0");
	lab_order(&lab, filter, &order);
	lab_assert_refused(&lab, save(&lab, &saved), EIO,
		"extension probe-filter does not save its state of p0: cannot save p0");
	assert_string_equal(saved.rows, "switch:br0 probe-filter v3 br0+;p1 probe-filter v3 p1+;"
					"switch:br0 probe-service v3 br0+;p0 probe-service v3 p0+;"
					"p1 probe-service v3 p1+;");
	assert_int_equal(weir_export_saved(lab.weir, collect, &saved, NULL), -EIO);
	lab_end(&lab);
}

static void has_a_limit(void **state)
{
	enum { PIECE = 60000, LIMIT = 256 << 20 };
	Probe__Order order = PROBE__ORDER__INIT;
	struct saved saved;
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 0 });
	lab_attach(&lab, filter, 0);
	order.save = malloc(PIECE + 1);
	assert_non_null(order.save);
	memset(order.save, 'x', PIECE);
	order.save[PIECE] = '\0';
	order.has_save_times = 1;
	order.save_times = LIMIT / PIECE; // with the name, it just fits
	lab_order(&lab, filter, &order);
	assert_int_equal(save(&lab, &saved), 0);
	assert_int_equal(saved.largest, strlen("br0") + (size_t)LIMIT / PIECE * PIECE);
	order.save_times++;
	lab_order(&lab, filter, &order);
	lab_assert_refused(&lab, save(&lab, &saved), EFBIG,
		"extension probe-filter does not save its state of switch:br0: File too large");
	assert_string_equal(saved.rows, "");
	free(order.save);
	lab_end(&lab);
}

static void handed_back(void **state)
{
	struct vswitch *s;
	struct attachment *a, *marker;
	struct lab lab;

	(void)state;
	start(&lab);
	lab_attach(&lab, "marker", 0);
	s = vswitch_find(lab.weir, "br0", NULL);
	a = attachment_find(s, filter);
	marker = attachment_find(s, "marker");
	assert_int_equal(attachment_restore(a, &s->target, 3, "what", 4, &lab.error), 0);
	assert_int_equal(lab_logged(&lab, "restored switch: what\n"), 1);
	assert_int_equal(attachment_restore(a, &s->ports[1]->target, 3, "other", 5, &lab.error), 0);
	assert_int_equal(lab_logged(&lab, "restored port: other\n"), 1);
	lab_assert_refused(&lab, attachment_restore(a, &s->ports[0]->target, 2, "", 0, &lab.error),
		EINVAL,
		"extension probe-filter does not take the saved state of p0: version 2: must be 3");
	lab_assert_refused(&lab, attachment_restore(marker, &s->target, 3, "x", 1, &lab.error),
		ENOTSUP,
		"extension marker does not take the saved state of switch:br0: it restores");
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(collected_of_every_target),
		cmocka_unit_test(a_refusal_does_not_stop_others),
		cmocka_unit_test(has_a_limit),
		cmocka_unit_test(handed_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
