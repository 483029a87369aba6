// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// An extension that asks the control thread for the impossible and answers with garbage
// (tests/extensions/small/rogue.c): each is refused with a sentence, and the switch goes on.
#include "lab_document.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "switch/attachment.h"
#include "switch/host.h"
#include "switch/vswitch.h"
#include "switch/weir.h"
#include "switch/wire.h"

static const struct row {
	const char *port;
	int expected;         // of adding it
	const char *sentence; // of the refusal
	const char *said[9];  // by the extension, in this order
} rows[] = {
	{ "meters", -ENOSPC, "switch br0: has 262144 meters, the most allowed", { NULL } },
	{ "policers", -ENOSPC, "switch br0: has 65536 policers, the most allowed", { NULL } },
	{ "names", 0, NULL,
		{ "meter: EINVAL", "policer: EINVAL", "meter: EINVAL", "policer: EINVAL",
			"meter: EINVAL", "policer: EINVAL", "meter: EINVAL", "policer: EINVAL" } },
	{ "bad-name", -EINVAL, "key of a meter or policer: must be 1 to 63 bytes of UTF-8",
		{ NULL } },
	{ "rings", 0, NULL, { "ring: EINVAL", "ring: EINVAL", "ring: EINVAL" } },
	{ "timers", 0, NULL, { "one timer more: ENOSPC" } },
	{ "plans", 0, NULL,
		{ "reads: EINVAL", "reads: EINVAL", "inactive: EINVAL", "mirror: ENOENT",
			"learn: EINVAL", "port: 0xffffffff" } },
	{ "uses", 0, NULL,
		{ "short: EMSGSIZE", "long: EMSGSIZE", "nowhere: ENOENT", "refresh: 0",
			"sessions: 0", "0000" } },
	{ "garbage", -EPERM, "??????", { NULL } },
	{ "escapes", -EPERM, "?[2J?caf\303\251?", { NULL } },
	{ "no-errno", -EINVAL, "extension rogue refuses the configuration of no-errno", { NULL } },
	{ "no-memory", -ENOMEM, "extension rogue refuses the configuration of no-memory",
		{ NULL } },
	{ "oddly", 0, NULL, { NULL } },
	{ "remarks", 0, NULL, { "cut: 0", "one remark more: ENOSPC" } },
	{ "veto", 0, NULL, { NULL } },
};

enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static int add_port(struct lab *lab, const char *name)
{
	struct weir_port_config config = { .size = sizeof(config), .nic = "memory" };

	memset(&lab->error, 0, sizeof(lab->error));
	return weir_port_add(lab->weir, "br0", name, &config, 0, &lab->error);
}

static void assert_said(struct lab *lab, const struct row *row)
{
	const char *log = lab->log;

	for (unsigned i = 0; row->said[i]; i++) {
		log = strstr(log, row->said[i]);
		if (!log)
			fail_msg("%s: line %u, \"%s\", is not in\n%s", row->port, i, row->said[i],
				lab->log);
		log += strlen(row->said[i]);
	}
	assert_int_equal(lab_logged(lab, "refused"), 0);
}

static void assert_printable(const char *text)
{
	assert_true(wire_is_text((const uint8_t *)text, strlen(text)));
	for (; *text; text++)
		assert_false(iscntrl((unsigned char)*text));
}

static void assert_sane(const struct weir_error *error)
{
	assert_in_range(-error->code, 1, 4095);
	assert_true(memchr(error->message, '\0', sizeof(error->message)));
	assert_true(memchr(error->field, '\0', sizeof(error->field)));
	assert_true(*error->message);
	assert_printable(error->message);
	assert_printable(error->field);
}

static void see_remark(void *context, const char *text)
{
	unsigned *n = context;

	assert_printable(text);
	assert_true(strncmp(text, "extension rogue on remarks: ", 28) == 0);
	assert_non_null(strstr(text, *n == 0 ? "cut ????" : "?[2J??caf??"));
	++*n;
}

static void what_it_asks_for_is_refused(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 23);

	(void)state;
	for (unsigned i = 0; i < N_ROWS; i++) {
		const struct row *row = &rows[i];
		unsigned n_remarks = 0;
		struct lab lab;
		int ret;

		lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
		lab_attach(&lab, "rogue", 10);
		weir_on_remark(lab.weir, see_remark, &n_remarks);
		ret = add_port(&lab, row->port);
		if (ret != row->expected)
			fail_msg("%s: %d %s", row->port, ret, lab.error.message);
		if (ret) {
			lab_assert_refused(&lab, ret, -row->expected, row->sentence);
			assert_sane(&lab.error);
		}
		assert_int_equal(lab_switch(&lab, "br0").n_ports, ret ? 2 : 3);
		assert_said(&lab, row);
		assert_int_equal(
			n_remarks, strcmp(row->port, "remarks") == 0 ? WEIR_REMARKS_MAX : 0);
		lab_assert_pass(&lab, 0, &frame, 1 << 1);
		// All that was taken for it is there for others again.
		lab_settle(&lab);
		lab_attach(&lab, "probe-filter", 20);
		lab_act(&lab, "p0", "probe-filter", "m", (Probe__Act){ AT(INGRESS, METER) });
		lab_assert_pass(&lab, 0, &frame, 1 << 1);
		lab_end(&lab);
	}
}

// What it refuses at a restart blocks its port, and keeps nothing else from coming back.
static void a_restart_goes_on_without(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 23);
	char document[512];

	(void)state;
	for (unsigned i = 0; i < N_ROWS; i++) {
		unsigned n_remarks = 0;
		struct lab lab;

		lab_start(&lab, &(struct lab_options){ 0 });
		weir_on_remark(lab.weir, see_remark, &n_remarks);
		snprintf(document, sizeof(document),
			"switch br0\nextension br0 rogue order=10\nport br0 %s nic=memory\n"
			"port br0 p0 nic=memory\nport br0 p1 nic=memory\n",
			rows[i].port);
		if (lab_try_apply(&lab, document, WEIR_RESTORE, NULL) < 0)
			fail_msg("%s: %s", rows[i].port, lab.error.message);
		lab.n_ports = 2;
		lab.ends[0] = weir_port_memory(lab.weir, "p0");
		lab.ends[1] = weir_port_memory(lab.weir, "p1");
		lab_assert_pass(&lab, 0, &frame, 1 << 1);
		lab_end(&lab);
	}
}

static void ignore_item(void *context, const struct weir_item *item)
{
	(void)context;
	(void)item;
	fail_msg("nothing was saved");
}

static void what_it_answers_is_made_sense_of(void **state)
{
	struct weir_port_config config = { .size = sizeof(config), .mtu = 1400 };
	struct weir_error error = { 0 };
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_attach(&lab, "rogue", 10);
	assert_int_equal(add_port(&lab, "veto"), 0);
	assert_int_equal(
		weir_port_set(lab.weir, "p0", &config, WEIR_PORT_SET_MTU, 0, &lab.error), -EINVAL);
	assert_sane(&lab.error);
	assert_non_null(strstr(lab.error.message, "extension rogue: ????"));
	assert_int_equal(weir_export_saved(lab.weir, ignore_item, NULL, &lab.error), -EINVAL);
	assert_sane(&lab.error);
	assert_true(lab_logged(&lab, "save: EFBIG") > 0);
	assert_int_equal(attachment_restore(attachment_find(lab.weir->switches, "rogue"),
				 &lab.weir->switches->target, 1, "x", 1, &error),
		-EINVAL);
	assert_sane(&error);
	// attach() too.
	assert_int_equal(weir_switch_add(lab.weir, "rogue", 0, &lab.error), 0);
	assert_int_equal(
		weir_extension_attach(lab.weir, "rogue", "rogue", -1, 0, &lab.error), -EINVAL);
	assert_sane(&lab.error);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_asks_for_is_refused),
		cmocka_unit_test(a_restart_goes_on_without),
		cmocka_unit_test(what_it_answers_is_made_sense_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
