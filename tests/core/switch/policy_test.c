// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Policies: their ids, what is refused, and that a refusal changes nothing.
#include "lab_document.h"

#include <stdlib.h>

static const char filter[] = "probe-filter";

struct listed {
	unsigned n;
	char ids[256]; // "id type;" of each
};

static void see_policy(void *context, const struct weir_policy_info *info)
{
	struct listed *listed = context;
	size_t used = strlen(listed->ids);

	listed->n++;
	snprintf(listed->ids + used, sizeof(listed->ids) - used, "%s %s %s;", info->target,
		info->type, info->id);
}

static struct listed list(struct lab *lab)
{
	struct listed listed = { 0 };

	assert_int_equal(
		weir_policy_list(lab->weir, NULL, NULL, NULL, see_policy, &listed, &lab->error), 0);
	return listed;
}

static void start(struct lab *lab)
{
	lab_start(lab, &(struct lab_options){ .n_ports = 2 });
	lab_learn(lab);
	lab_attach(lab, filter, 0);
}

static int add_raw(struct lab *lab, const char *target, const char *type, const char *id,
	const void *bytes, size_t size)
{
	memset(&lab->error, 0, sizeof(lab->error));
	return weir_policy_add(
		lab->weir, target, filter, type, id, bytes, size, NULL, 0, &lab->error);
}

static void ids_are_given_or_made(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	lab_act(&lab, "p0", filter, "", (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_act(&lab, "p0", filter, NULL, (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_act(&lab, "p0", filter, "web_1.a-b:c", (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_act(&lab, "p1", filter, NULL, (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_act(&lab, "switch:br0", filter, "s", (Probe__Act){ AT(INGRESS, NOTHING) });
	assert_string_equal(list(&lab).ids, "switch:br0 act s;p0 act 1;p0 act 2;"
					    "p0 act web_1.a-b:c;p1 act 1;");
	lab_remove_policy(&lab, "p0", filter, "1");
	lab_act(&lab, "p0", filter, NULL, (Probe__Act){ AT(INGRESS, NOTHING) });
	assert_string_equal(list(&lab).ids, "switch:br0 act s;p0 act 2;p0 act web_1.a-b:c;"
					    "p0 act 3;p1 act 1;");
	lab_end(&lab);
}

// Of what type a policy is, is said once: another one of its id is no replacement. A document says
// what is to be there instead, and replaces it.
static void another_type_does_not_replace(void **state)
{
	Probe__Reads reads = PROBE__READS__INIT;
	struct lab lab;

	(void)state;
	start(&lab);
	lab_act(&lab, "p0", filter, "a", (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_assert_refused(&lab, lab_try_policy(&lab, "p0", filter, "reads", "a", &reads.base, 0),
		EEXIST,
		"id \"a\": is that of a policy probe-filter.act on p0, which one of type reads "
		"does "
		"not replace: remove it, or give another id");
	assert_string_equal(lab.error.field, "id");
	assert_string_equal(list(&lab).ids, "p0 act a;");
	assert_int_equal(lab_try_policy(&lab, "p0", filter, "reads", "b", &reads.base, 0), 0);
	lab_apply(&lab, "policy p0 probe-filter b act DROP_FRAME 0\n", 0);
	assert_string_equal(list(&lab).ids, "p0 act a;p0 act b;");
	lab_end(&lab);
}

static int count(struct lab *lab, const char *extension, const char *type)
{
	struct listed listed = { 0 };
	int failed = weir_policy_list(
		lab->weir, "p0", extension, type, see_policy, &listed, &lab->error);

	return failed ? failed : (int)listed.n;
}

static void what_is_listed_is_known(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	lab_act(&lab, "p0", filter, "a", (Probe__Act){ AT(INGRESS, NOTHING) });
	assert_int_equal(count(&lab, filter, NULL), 1);
	assert_int_equal(count(&lab, filter, "act"), 1);
	assert_int_equal(count(&lab, filter, "reads"), 0);
	lab_assert_refused(&lab, count(&lab, filter, "nonsense"), ENOENT,
		"type \"nonsense\": a policy must be one of act, reads, ");
	lab_assert_refused(
		&lab, count(&lab, "nobody", NULL), ENOENT, "extension \"nobody\": is not loaded");
	lab_assert_refused(&lab, count(&lab, NULL, "act"), EINVAL,
		"type \"act\": of which extension must be given");
	lab_end(&lab);
}

static void the_same_id_replaces(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2), got = { .size = 0 };
	struct lab lab;

	(void)state;
	start(&lab);
	lab_act(&lab, "p0", filter, "a",
		(Probe__Act){ AT(INGRESS, SET), VALUE(WEIR_FIELD_IP_TOS), BYTE(0x20) });
	lab_act(&lab, "p0", filter, "b", (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_pass(&lab, 0, &frame, NULL, 1, &got);
	assert_int_equal(got.bytes[15], 0x20);
	lab_act(&lab, "p0", filter, "a",
		(Probe__Act){ AT(INGRESS, SET), VALUE(WEIR_FIELD_IP_TOS), BYTE(0x40) });
	// In its old place.
	assert_string_equal(list(&lab).ids, "p0 act a;p0 act b;");
	lab_pass(&lab, 0, &frame, NULL, 1, &got);
	assert_int_equal(got.bytes[15], 0x40);
	lab_remove_policy(&lab, "p0", filter, "a");
	lab_pass(&lab, 0, &frame, NULL, 1, &got);
	assert_int_equal(got.bytes[15], 0);
	lab_end(&lab);
}

static void bad_messages_are_refused_with_their_field(void **state)
{
	static const struct {
		const char *type, *bytes;
		size_t size;
		const char *field;
	} rows[] = {
		{ "act", "", 0, "stage" },                                     // required
		{ "act", "\x08\x00", 2, "what" },                              // required
		{ "act", "\x08\x63\x10\x00", 4, "stage" },                     // no such name
		{ "act", "\x08\x00\x10\x00\x48\xff\xff\x7f", 8, "if_l4_dst" }, // above 65535
		{ "act", "\x08\x00\x10\x00\x08\x00", 6, "stage" },             // twice
		{ "act", "\x08\x00\x10", 3, "" },                              // cut
		{ "act", "\x08\x00\x10\x00\xf8\x07\x01", 7, "" },              // unknown
		{ "act", "\x08\x00\x10\x00\x32\x02\xff\xfe", 8, "port" },      // not UTF-8
		{ "reads", "\x0a\x00", 2, "fields" },                          // wrong type
	};
	struct lab lab;

	(void)state;
	start(&lab);
	lab_forget_log(&lab);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int ret = add_raw(&lab, "p0", rows[i].type, "id", rows[i].bytes, rows[i].size);

		if (ret >= 0 || ret != lab.error.code || !lab.error.message[0] ||
			!strstr(lab.error.field, rows[i].field))
			fail_msg("row %u: returned %d: \"%s\", field \"%s\", expected \"%s\"", i,
				ret, lab.error.message, lab.error.field, rows[i].field);
	}
	// Nobody was asked.
	assert_int_equal(lab_logged(&lab, "prepared"), 0);
	assert_int_equal(list(&lab).n, 0);
	lab_end(&lab);
}

static void bad_commands_are_refused(void **state)
{
	static const char nothing[] = "\x08\x00\x10\x00"; // ingress, nothing
	char long_id[65];
	struct lab lab;

	(void)state;
	start(&lab);
	memset(long_id, 'x', 64);
	long_id[64] = '\0';
	lab_assert_refused(&lab, add_raw(&lab, "p9", "act", "a", nothing, 4), ENOENT,
		"port \"p9\": there is none of this name");
	lab_assert_refused(&lab, add_raw(&lab, "switch:br9", "act", "a", nothing, 4), ENOENT,
		"switch \"br9\": there is none of this name");
	lab_assert_refused(
		&lab, add_raw(&lab, "p0", "nonsense", "a", nothing, 4), ENOENT, "nonsense");
	lab_assert_refused(&lab, add_raw(&lab, "p0", NULL, "a", nothing, 4), EINVAL, "act");
	lab_assert_refused(&lab, add_raw(&lab, "p0", "veto", "a", nothing, 4), EINVAL,
		"policy probe-filter.veto: is for a switch, not for a port");
	lab_assert_refused(&lab, add_raw(&lab, "p0", "act", "a b", nothing, 4), EINVAL,
		"id \"a b\": letters, digits");
	lab_assert_refused(&lab, add_raw(&lab, "p0", "act", long_id, nothing, 4), EINVAL,
		"must have at most 63 bytes");
	lab_assert_refused(&lab,
		weir_policy_add(lab.weir, "p0", "marker", NULL, NULL, "", 0, NULL, 0, &lab.error),
		ENOENT, "extension \"marker\": is not attached to switch br0");
	lab_attach(&lab, "marker", 50);
	lab_assert_refused(&lab,
		weir_policy_add(lab.weir, "p0", "marker", NULL, NULL, "", 0, NULL, 0, &lab.error),
		EINVAL, "extension marker: has no policies");
	lab_assert_refused(&lab, weir_policy_remove(lab.weir, "p0", filter, "a", 0, &lab.error),
		ENOENT, "policy \"a\" of probe-filter on p0: there is none");
	assert_int_equal(list(&lab).n, 0);
	lab_end(&lab);
}

static void count_extension(void *context, const struct weir_extension_info *info)
{
	(void)info;
	++*(unsigned *)context;
}

static unsigned n_loaded(struct lab *lab)
{
	unsigned n = 0;

	assert_int_equal(weir_extension_list(lab->weir, NULL, count_extension, &n, &lab->error), 0);
	return n;
}

// Looking at a schema leaves what is loaded as it is.
static void schemas_are_looked_at(void **state)
{
	const void *bytes, *loaded;
	struct lab lab;
	void *copy;
	size_t size, n;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 1 });
	assert_int_equal(weir_extension_schema(lab.weir, filter, &bytes, &size, &lab.error), 0);
	assert_true(size > 0);
	copy = memcpy(malloc(size), bytes, size);
	assert_int_equal(weir_extension_schema(lab.weir, "marker", &bytes, &n, &lab.error), 0);
	assert_int_equal(n, 0);
	lab_assert_refused(&lab, weir_extension_schema(lab.weir, "nobody", &bytes, &n, &lab.error),
		ENOENT,
		"extension \"nobody\": is not loaded, and there is no nobody.so in the "
		"directories");
	lab_assert_refused(&lab, weir_extension_schema(lab.weir, "No", &bytes, &n, &lab.error),
		EINVAL, "\"No\"");
	lab_assert_refused(&lab, weir_extension_schema(lab.weir, NULL, &bytes, &n, &lab.error),
		EINVAL, "\"\"");
	lab_assert_refused(&lab, weir_policy_schema(lab.weir, "p0", filter, &bytes, &n, &lab.error),
		ENOENT,
		"extension \"probe-filter\": is not attached to switch br0, which has none");
	lab_assert_refused(&lab, weir_policy_schema(lab.weir, "p9", filter, &bytes, &n, &lab.error),
		ENOENT, "port \"p9\"");
	assert_int_equal(n_loaded(&lab), 0);
	lab_attach(&lab, filter, 10);
	assert_int_equal(weir_extension_schema(lab.weir, filter, &loaded, &n, &lab.error), 0);
	assert_int_equal(n, size);
	assert_memory_equal(loaded, copy, size);
	assert_int_equal(weir_policy_schema(lab.weir, "p0", filter, &bytes, &n, &lab.error), 0);
	assert_ptr_equal(bytes, loaded);
	lab_assert_refused(&lab,
		weir_policy_schema(lab.weir, "p0", "marker", &bytes, &n, &lab.error), ENOENT,
		"extension \"marker\": is not attached to switch br0, which has probe-filter");
	assert_int_equal(n_loaded(&lab), 1);
	free(copy);
	lab_end(&lab);
}

// Two policies of one key contradict each other; of another target they do not.
static void keys_are_unique(void **state)
{
	Probe__Veto veto = PROBE__VETO__INIT;
	char why[] = "because";
	struct lab lab;

	(void)state;
	start(&lab);
	veto.kind = WEIR_EVENT_NIC_LOST;
	veto.why = why;
	lab_policy(&lab, "switch:br0", filter, "veto", "a", &veto.base);
	lab_assert_refused(&lab,
		lab_try_policy(&lab, "switch:br0", filter, "veto", "b", &veto.base, 0), EEXIST,
		"policy probe-filter.veto: the one with id a has the same key");
	lab_policy(&lab, "switch:br0", filter, "veto", "a", &veto.base); // replaces itself
	veto.kind = WEIR_EVENT_NIC_CONNECTED;
	lab_policy(&lab, "switch:br0", filter, "veto", "b", &veto.base);
	assert_int_equal(list(&lab).n, 2);
	lab_end(&lab);
}

static void policies_go_with_port_and_extension(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	lab_act(&lab, "p0", filter, "a", (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_act(&lab, "p1", filter, "b", (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_act(&lab, "switch:br0", filter, "c", (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_remove_port(&lab, 0);
	assert_string_equal(list(&lab).ids, "switch:br0 act c;p1 act b;");
	lab_detach(&lab, filter);
	assert_int_equal(list(&lab).n, 0);
	lab_end(&lab);
}

struct remarks {
	unsigned n;
	char last[256];
};

static void see_remark(void *context, const char *text)
{
	struct remarks *remarks = context;

	remarks->n++;
	snprintf(remarks->last, sizeof(remarks->last), "%s", text);
}

// Policies go with their extension, which is said; and of a dry run, before it is too late.
static void policies_that_go_are_remarked(void **state)
{
	struct remarks remarks = { 0 };
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_attach(&lab, "marker", 0);
	lab_attach(&lab, filter, 0);
	lab_act(&lab, "p0", filter, "a", (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_act(&lab, "p1", filter, "b", (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_act(&lab, "switch:br0", filter, "c", (Probe__Act){ AT(INGRESS, NOTHING) });
	weir_on_remark(lab.weir, see_remark, &remarks);
	assert_int_equal(
		weir_extension_detach(lab.weir, "br0", filter, WEIR_DRY_RUN, &lab.error), 0);
	assert_int_equal(remarks.n, 1);
	assert_string_equal(remarks.last,
		"extension probe-filter on switch:br0: its 3 policies there would be removed");
	assert_int_equal(weir_extension_detach(lab.weir, "br0", filter, 0, &lab.error), 0);
	assert_int_equal(remarks.n, 2);
	assert_string_equal(remarks.last,
		"extension probe-filter on switch:br0: its 3 policies there were removed");
	// Who has none takes none along.
	assert_int_equal(weir_extension_detach(lab.weir, "br0", "marker", 0, &lab.error), 0);
	assert_int_equal(remarks.n, 2);
	lab_settle(&lab);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_given_or_made),
		cmocka_unit_test(what_is_listed_is_known),
		cmocka_unit_test(the_same_id_replaces),
		cmocka_unit_test(another_type_does_not_replace),
		cmocka_unit_test(bad_messages_are_refused_with_their_field),
		cmocka_unit_test(bad_commands_are_refused),
		cmocka_unit_test(schemas_are_looked_at),
		cmocka_unit_test(keys_are_unique),
		cmocka_unit_test(policies_go_with_port_and_extension),
		cmocka_unit_test(policies_that_go_are_remarked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
