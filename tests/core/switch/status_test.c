// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Statuses: who is asked for what, and that answers are checked.
#include "lab_call.h"

static const char filter[] = "probe-filter";

struct listed {
	char rows[512]; // "target extension.type id;" of each
	uint32_t port;  // of the last row of type known
};

static void collect(void *context, const struct weir_policy_info *info)
{
	struct listed *l = context;
	size_t used = strlen(l->rows);

	snprintf(l->rows + used, sizeof(l->rows) - used, "%s %s.%s %s;", info->target,
		info->extension, info->type, info->id);
	if (strcmp(info->type, "known") == 0) {
		Probe__Known *known = probe__known__unpack(NULL, info->size, info->bytes);

		l->port = known->port;
		probe__known__free_unpacked(known, NULL);
	}
}

static int list(struct lab *lab, const char *target, const char *extension, const char *type,
	struct listed *listed)
{
	*listed = (struct listed){ .port = 0 };
	memset(&lab->error, 0, sizeof(lab->error));
	return weir_status_list(lab->weir, target, extension, type, collect, listed, &lab->error);
}

// br1 has the extension too, and no ports; br2 has a port and not the extension.
static void start(struct lab *lab)
{
	lab_start(lab, &(struct lab_options){ .n_ports = 2 });
	lab_attach(lab, filter, 0);
	assert_int_equal(weir_switch_add(lab->weir, "br2", 0, NULL), 0);
	lab_add_port(lab, "br2", 2, NULL);
}

static void asked_by_target_and_type(void **state)
{
	static const struct {
		const char *target, *type, *rows;
	} rows[] = {
		{ "p0", NULL, "p0 probe-filter.known ;" },
		{ "p1", "known", "p1 probe-filter.known ;" },
		{ "switch:br0", NULL,
			"switch:br0 probe-filter.known ;switch:br0 probe-filter.calls all;" },
		{ "switch:br0", "calls", "switch:br0 probe-filter.calls all;" },
		{ NULL, "known",
			"switch:br0 probe-filter.known ;p0 probe-filter.known ;"
			"p1 probe-filter.known ;" },
		{ NULL, "calls", "switch:br0 probe-filter.calls all;" },
		{ NULL, "",
			"switch:br0 probe-filter.known ;switch:br0 probe-filter.calls all;"
			"p0 probe-filter.known ;p1 probe-filter.known ;" },
	};
	struct listed listed;
	struct lab lab;

	(void)state;
	start(&lab);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(list(&lab, rows[i].target, filter, rows[i].type, &listed), 0);
		assert_string_equal(listed.rows, rows[i].rows);
	}
	assert_int_equal(list(&lab, "switch:br0", filter, "known", &listed), 0);
	assert_int_equal(listed.port, WEIR_PORT_NONE);
	assert_int_equal(list(&lab, "p1", filter, "known", &listed), 0);
	assert_int_equal(listed.port, 1);
	lab_end(&lab);
}

static void refusals_say_what_is_wrong(void **state)
{
	static const struct {
		const char *target, *extension, *type;
		int refused;
		const char *sentence;
	} rows[] = {
		{ "p9", filter, NULL, ENOENT, "port \"p9\": there is none" },
		{ "switch:br9", filter, NULL, ENOENT, "switch \"br9\": there is none" },
		{ "p0", "probe-capture", NULL, ENOENT, "\"probe-capture\": is not loaded" },
		{ NULL, NULL, NULL, ENOENT, "\"\": is not loaded" },
		{ "p0", "marker", NULL, ENOENT, "\"marker\": has no statuses" },
		{ "p0", filter, "act", ENOENT, "a status must be one of known, calls" },
		{ "p0", filter, "calls", EINVAL, "status probe-filter.calls: is of a switch, not" },
		{ "p2", filter, NULL, ENOENT, "\"probe-filter\": is not attached to switch br2" },
		{ NULL, "probe-after", NULL, ENOENT, "is not attached to any switch" },
	};
	struct listed listed;
	struct lab lab;

	(void)state;
	start(&lab);
	assert_int_equal(weir_extension_load(lab.weir, "marker", NULL, 0, NULL), 0);
	assert_int_equal(weir_extension_load(lab.weir, "probe-after", NULL, 0, NULL), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		lab_assert_refused(&lab,
			list(&lab, rows[i].target, rows[i].extension, rows[i].type, &listed),
			rows[i].refused, rows[i].sentence);
		assert_int_equal(weir_status_list(lab.weir, rows[i].target, rows[i].extension,
					 rows[i].type, collect, &listed, NULL),
			-rows[i].refused);
		assert_string_equal(listed.rows, "");
	}
	lab_end(&lab);
}

static void answers_are_checked(void **state)
{
	Probe__Order order = PROBE__ORDER__INIT;
	struct listed listed;
	struct lab lab;

	(void)state;
	start(&lab);
	order.has_bad_status = order.bad_status = 1;
	lab_order(&lab, filter, &order);
	lab_assert_refused(&lab, list(&lab, "p0", filter, NULL, &listed), EINVAL,
		"extension probe-filter: Invalid argument");
	assert_string_equal(listed.rows, "");
	assert_int_equal(lab_extension(&lab, filter).invalid, 1);
	order.refuse_status = (char *)(uintptr_t) "the sensor is broken";
	lab_order(&lab, filter, &order);
	lab_assert_refused(&lab, list(&lab, NULL, filter, NULL, &listed), EIO,
		"extension probe-filter: the sensor is broken");
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked_by_target_and_type),
		cmocka_unit_test(refusals_say_what_is_wrong),
		cmocka_unit_test(answers_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
