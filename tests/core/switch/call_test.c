// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Calls of extensions: who is meant, what is refused, and how they end.
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lab_call.h"

static const char filter[] = "probe-filter", service[] = "probe-service";

static void start(struct lab *lab)
{
	lab_start(lab, &(struct lab_options){ .n_ports = 2 });
	lab_attach(lab, filter, 0);
}

// br1 with the port p2 has the extension too, br2 with p3 has not.
static void start_switches(struct lab *lab)
{
	start(lab);
	assert_int_equal(weir_switch_add(lab->weir, "br1", 0, NULL), 0);
	assert_int_equal(weir_switch_add(lab->weir, "br2", 0, NULL), 0);
	assert_int_equal(weir_extension_attach(lab->weir, "br1", filter, 0, 0, NULL), 0);
	lab_add_port(lab, "br1", 2, NULL);
	lab_add_port(lab, "br2", 3, NULL);
}

static void answered_at_once(void **state)
{
	Probe__Echo echo = PROBE__ECHO__INIT;
	struct lab_call call = { .flags = WEIR_DRY_RUN };
	Probe__EchoReply *reply;
	struct lab lab;

	(void)state;
	start(&lab);
	echo.text = lab_text("hello");
	echo.has_times = 1;
	echo.times = 3;
	assert_int_equal(lab_call(&lab, &call, filter, "echo", &echo.base), 0);
	assert_int_equal(call.n_replies, 3);
	assert_int_equal(call.n_ended, 1);
	assert_false(call.refused);
	reply = probe__echo_reply__unpack(NULL, call.reply_size, call.reply);
	assert_string_equal(reply->text, "hello");
	assert_string_equal(reply->switch_, "br0");
	assert_true(reply->dry_run);
	probe__echo_reply__free_unpacked(reply, NULL);
	lab_end(&lab);
}

static void the_switch_is_found(void **state)
{
	static const struct {
		const char *name, *port, *answers; // the switch that answers, or
		int refused;
		const char *sentence, *field;
	} rows[] = {
		{ "br0", NULL, "br0", 0, NULL, NULL },
		{ "br1", NULL, "br1", 0, NULL, NULL },
		{ NULL, "p0", "br0", 0, NULL, NULL },
		{ NULL, "p2", "br1", 0, NULL, NULL },
		{ "br0", "p2", "br0", 0, NULL, NULL },
		{ NULL, NULL, NULL, EINVAL, "extension probe-filter is attached to 2; it must be",
			"switch" },
		{ "br2", NULL, NULL, ENOENT, "is not attached to switch br2", "extension" },
		{ NULL, "p3", NULL, ENOENT, "is not attached to switch br2", "extension" },
		{ NULL, "p9", NULL, ENOENT, "port \"p9\": there is none", "port" },
		{ NULL, "", NULL, ENOENT, "port \"\": there is none", "port" },
		{ "br9", NULL, NULL, ENOENT, "switch \"br9\": there is none", "switch" },
	};
	struct lab lab;

	(void)state;
	start_switches(&lab);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lab_call call = { .switch_name = rows[i].name };
		Probe__Echo echo = PROBE__ECHO__INIT;
		Probe__EchoReply *reply;
		int ret;

		echo.port = lab_text(rows[i].port);
		ret = lab_call(&lab, &call, filter, "echo", &echo.base);
		if (rows[i].refused) {
			lab_assert_refused(&lab, ret, rows[i].refused, rows[i].sentence);
			assert_string_equal(lab.error.field, rows[i].field);
			continue;
		}
		assert_int_equal(ret, 0);
		reply = probe__echo_reply__unpack(NULL, call.reply_size, call.reply);
		assert_string_equal(reply->switch_, rows[i].answers);
		probe__echo_reply__free_unpacked(reply, NULL);
	}
	lab_end(&lab);
}

static void refused_before_the_extension_sees_them(void **state)
{
	Probe__Echo echo = PROBE__ECHO__INIT;
	Probe__Later later = PROBE__LATER__INIT;
	Probe__Stream stream = PROBE__STREAM__INIT;
	struct weir_call_request small = { .size = 8 };
	const struct {
		const char *extension, *type;
		const ProtobufCMessage *message;
		int refused;
		const char *sentence;
	} rows[] = {
		{ "probe-capture", "echo", &echo.base, ENOENT, "\"probe-capture\": is not loaded" },
		{ NULL, "echo", &echo.base, ENOENT, "\"\": is not loaded" },
		{ "marker", "echo", &echo.base, ENOENT, "\"marker\": takes no calls" },
		{ service, "echo", &echo.base, ENOENT, "is not attached to any switch" },
		{ filter, "act", &echo.base, ENOENT, "a call must be one of echo, later, stream" },
		{ filter, NULL, &echo.base, EINVAL, "a call must be one of echo, later, stream" },
		{ filter, "echo", &later.base, EINVAL, "text: " },
		{ filter, "later", &echo.base, EINVAL, "delay_ms: is required and missing" },
		{ filter, "stream", &stream.base, EINVAL, "size: 3000000: must be 0 to 2000000" },
	};
	struct weir_running_call *running;
	struct lab lab;

	(void)state;
	start(&lab);
	lab_attach(&lab, "marker", 1);
	assert_int_equal(weir_extension_load(lab.weir, service, NULL, 0, NULL), 0);
	stream.size = 3000000;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lab_call call = { 0 };

		lab_assert_refused(&lab,
			lab_call(&lab, &call, rows[i].extension, rows[i].type, rows[i].message),
			rows[i].refused, rows[i].sentence);
		// The same without anybody to tell.
		assert_int_equal(lab.error.code, -rows[i].refused);
	}
	lab_assert_refused(&lab, weir_call_begin(lab.weir, &small, 0, &running, &lab.error), EINVAL,
		"size 8 of struct weir_call_request: must be ");
	lab_end(&lab);
}

static void refused_by_the_extension(void **state)
{
	Probe__Echo echo = PROBE__ECHO__INIT;
	struct lab_call call = { 0 }, ended = { 0 }, answered = { 0 };
	struct lab lab;

	(void)state;
	start(&lab);
	echo.refuse = lab_text("not today");
	echo.has_times = 1;
	echo.times = 0;
	// By the return of call(): nothing of the client is called.
	lab_assert_refused(
		&lab, lab_call(&lab, &call, filter, "echo", &echo.base), EPERM, "not today");
	assert_string_equal(lab.error.field, "refuse");
	// After a reply, by ended().
	echo.times = 1;
	assert_int_equal(lab_call(&lab, &answered, filter, "echo", &echo.base), 0);
	assert_int_equal(answered.n_replies, 1);
	assert_int_equal(answered.n_ended, 1);
	assert_string_equal(answered.refusal.message, "not today");
	// By weir_call_end(); a second end is an offence and nothing else.
	echo.has_end_refused = echo.end_refused = 1;
	echo.has_end_twice = echo.end_twice = 1;
	assert_int_equal(lab_call(&lab, &ended, filter, "echo", &echo.base), 0);
	assert_int_equal(ended.n_ended, 1);
	assert_true(ended.refused);
	assert_int_equal(ended.refusal.code, -EPERM);
	assert_string_equal(ended.refusal.field, "refuse");
	assert_int_equal(lab_extension(&lab, filter).invalid, 1);
	assert_string_equal(lab_extension(&lab, filter).last_offence, "call echo: ended twice");
	lab_end(&lab);
}

static void replies_are_checked(void **state)
{
	Probe__Echo echo = PROBE__ECHO__INIT;
	Probe__Later later = PROBE__LATER__INIT;
	struct lab_call call = { 0 }, without = { 0 };
	struct lab lab;

	(void)state;
	start(&lab);
	echo.has_bad_reply = echo.bad_reply = 1;
	assert_int_equal(lab_call(&lab, &call, filter, "echo", &echo.base), 0);
	assert_int_equal(call.n_replies, 1);
	assert_int_equal(lab_logged(&lab, "bad reply: -22\n"), 1);
	later.has_bad_reply = later.bad_reply = 1;
	assert_int_equal(lab_call(&lab, &without, filter, "later", &later.base), 0);
	assert_int_equal(without.n_replies, 0);
	assert_int_equal(lab_extension(&lab, filter).invalid, 2);
	lab_end(&lab);
}

static void answered_later(void **state)
{
	Probe__Later later = PROBE__LATER__INIT;
	struct lab_call done = { 0 }, refused = { 0 };
	struct lab lab;

	(void)state;
	start(&lab);
	later.delay_ms = 1000;
	assert_int_equal(lab_call(&lab, &done, filter, "later", &later.base), 0);
	later.delay_ms = 2000;
	later.refuse = lab_text("too late");
	assert_int_equal(lab_call(&lab, &refused, filter, "later", &later.base), 0);
	lab_run(&lab);
	assert_int_equal(done.n_ended + refused.n_ended, 0);
	lab_advance_s(&lab, 1);
	lab_run(&lab);
	assert_int_equal(done.n_ended, 1);
	assert_false(done.refused);
	assert_int_equal(refused.n_ended, 0);
	lab_advance_s(&lab, 1);
	lab_run(&lab);
	assert_int_equal(done.n_ended, 1);
	assert_int_equal(refused.n_ended, 1);
	assert_string_equal(refused.refusal.message, "too late");
	lab_end(&lab);
}

static void streams_wait_for_room(void **state)
{
	Probe__Stream stream = PROBE__STREAM__INIT;
	struct lab_call call = { .room = 2500 }, large = { .room = 10000000 };
	struct lab lab;

	(void)state;
	start(&lab);
	stream.pieces = 10;
	stream.size = 1000;
	assert_int_equal(lab_call(&lab, &call, filter, "stream", &stream.base), 0);
	assert_int_equal(call.streamed, 2000);
	lab_run(&lab);
	assert_int_equal(call.streamed, 2000);
	assert_true(call.n_full >= 2);
	call.room = 100000;
	lab_run(&lab);
	assert_int_equal(call.streamed, 10000);
	assert_int_equal(call.n_ended, 1);
	assert_false(call.refused);
	// A piece has at most 1 MB.
	stream.pieces = 1;
	stream.size = WEIR_STREAM_MAX;
	assert_int_equal(lab_call(&lab, &large, filter, "stream", &stream.base), 0);
	assert_int_equal(large.streamed, WEIR_STREAM_MAX);
	memset(&large, 0, sizeof(large));
	stream.size++;
	assert_int_equal(lab_call(&lab, &large, filter, "stream", &stream.base), 0);
	assert_int_equal(large.refusal.code, -EINVAL);
	assert_int_equal(lab_extension(&lab, filter).invalid, 1);
	lab_end(&lab);
}

// ---- Ends from outside

static void begin_hold(struct lab *lab, struct lab_call *call)
{
	Probe__Hold hold = PROBE__HOLD__INIT;

	assert_int_equal(lab_call(lab, call, filter, "hold", &hold.base), 0);
	assert_non_null(call->running);
}

static void clients_that_go(void **state)
{
	Probe__Hold let_go = PROBE__HOLD__INIT;
	struct lab_call first = { 0 }, second = { 0 }, third = { 0 }, other = { 0 };
	struct lab lab;

	(void)state;
	start(&lab);
	begin_hold(&lab, &first);
	begin_hold(&lab, &second);
	begin_hold(&lab, &third);
	weir_call_cancel(second.running);
	weir_call_cancel(third.running);
	assert_int_equal(lab_logged(&lab, "gone hold"), 0);
	weir_process(lab.weir);
	assert_int_equal(lab_logged(&lab, "gone hold"), 2);
	// The extension may end it before it hears that it is gone.
	weir_call_cancel(first.running);
	let_go.has_let_go = let_go.let_go = 1;
	assert_int_equal(lab_call(&lab, &other, filter, "hold", &let_go.base), 0);
	weir_process(lab.weir);
	assert_int_equal(lab_logged(&lab, "gone hold"), 2);
	assert_int_equal(first.n_ended + second.n_ended + third.n_ended, 0);
	assert_int_equal(other.n_ended, 1);
	lab_end(&lab);
}

// Going is found out when something is sent.
static void clients_that_go_while_they_are_answered(void **state)
{
	Probe__Stream stream = PROBE__STREAM__INIT;
	struct lab_call call = { .room = 100 };
	struct lab lab;

	(void)state;
	start(&lab);
	stream.pieces = 5;
	stream.size = 100;
	assert_int_equal(lab_call(&lab, &call, filter, "stream", &stream.base), 0);
	assert_non_null(call.running);
	weir_call_cancel(call.running);
	call.room = 1000;
	lab_run(&lab);
	assert_int_equal(call.streamed, 100);
	assert_int_equal(call.n_ended, 0);
	assert_int_equal(lab_logged(&lab, "gone stream"), 1);
	lab_end(&lab);
}

static void see_remark(void *context, const char *text)
{
	char *texts = context;

	snprintf(texts + strlen(texts), 256 - strlen(texts), "%s;", text);
}

// Who detaches is told, and who would before it is too late; of calls whose clients are there.
static void detaching_ends_calls(void **state)
{
	struct lab_call held = { 0 }, gone = { 0 };
	char remarks[256] = "";
	struct lab lab;

	(void)state;
	start(&lab);
	begin_hold(&lab, &held);
	begin_hold(&lab, &gone);
	weir_call_cancel(gone.running);
	weir_on_remark(lab.weir, see_remark, remarks);
	assert_int_equal(
		weir_extension_detach(lab.weir, "br0", filter, WEIR_DRY_RUN, &lab.error), 0);
	assert_int_equal(held.n_ended, 0);
	lab_detach(&lab, filter);
	assert_string_equal(remarks,
		"extension probe-filter on switch:br0: its 1 running call there would be ended;"
		"extension probe-filter on switch:br0: its 1 running call there was ended;");
	assert_int_equal(lab_logged(&lab, "gone hold"), 2);
	assert_int_equal(held.n_ended, 1);
	assert_int_equal(held.refusal.code, -ECANCELED);
	assert_string_equal(held.refusal.message, "the extension is being detached");
	assert_int_equal(gone.n_ended, 0);
	lab_settle(&lab);
	assert_int_equal(lab_logged(&lab, "detached br0"), 1);
	assert_int_equal(lab_logged(&lab, "detached before its calls"), 0);
	lab_end(&lab);
}

// Nor are calls all that ends.
static void what_runs_is_told(void **state)
{
	char remarks[256] = "";
	struct lab lab;

	(void)state;
	start(&lab);
	lab_attach(&lab, "runner", 0);
	assert_int_equal(lab_logged(&lab, "longer: -22, none: -22\n"), 1);
	weir_on_remark(lab.weir, see_remark, remarks);
	assert_int_equal(
		weir_extension_replace(lab.weir, "runner", NULL, WEIR_DRY_RUN, &lab.error), 0);
	assert_int_equal(weir_extension_replace(lab.weir, "runner", NULL, 0, &lab.error), 0);
	assert_string_equal(remarks,
		"extension runner on switch:br0: its running errands there (3) would be ended;"
		"extension runner on switch:br0: its running errands there (3) were ended;");
	*remarks = '\0';
	lab_settle(&lab);
	assert_int_equal(
		weir_extension_detach(lab.weir, "br0", "runner", WEIR_DRY_RUN, &lab.error), 0);
	lab_detach(&lab, "runner");
	assert_string_equal(remarks,
		"extension runner on switch:br0: its running errands there (3) would be ended;"
		"extension runner on switch:br0: its running errands there (3) were ended;");
	lab_end(&lab);
}

static void removing_the_switch_ends_calls(void **state)
{
	struct lab_call held = { 0 };
	struct lab lab;

	(void)state;
	start(&lab);
	begin_hold(&lab, &held);
	assert_int_equal(weir_switch_remove(lab.weir, "br0", 0, NULL), 0);
	assert_int_equal(held.n_ended, 1);
	assert_true(held.refused);
	lab_abandon(&lab);
}

static void destroying_ends_calls(void **state)
{
	struct lab_call held = { 0 }, gone = { 0 };
	struct lab lab;

	(void)state;
	start(&lab);
	begin_hold(&lab, &held);
	begin_hold(&lab, &gone);
	weir_call_cancel(gone.running);
	lab_abandon(&lab);
	assert_int_equal(held.n_ended, 1);
	assert_int_equal(gone.n_ended, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answered_at_once),
		cmocka_unit_test(the_switch_is_found),
		cmocka_unit_test(refused_before_the_extension_sees_them),
		cmocka_unit_test(refused_by_the_extension),
		cmocka_unit_test(replies_are_checked),
		cmocka_unit_test(answered_later),
		cmocka_unit_test(streams_wait_for_room),
		cmocka_unit_test(clients_that_go),
		cmocka_unit_test(clients_that_go_while_they_are_answered),
		cmocka_unit_test(detaching_ends_calls),
		cmocka_unit_test(what_runs_is_told),
		cmocka_unit_test(removing_the_switch_ends_calls),
		cmocka_unit_test(destroying_ends_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
