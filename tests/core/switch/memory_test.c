// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What extensions and clients ask of the host, with each of its allocations failing once: refused
// for lack of memory, with nothing left behind (which AddressSanitizer sees) and everything as it
// was, so that the same succeeds afterwards.
#include <sys/mman.h>
#include <unistd.h>

#include "lab_call.h"
#include "lab_faults.h"

static const char filter[] = "probe-filter";

// One try; returns what it says, with lab->error.
typedef int attempt(struct lab *lab);

// Has the first, the second, ... allocation fail until there is none left to fail.
static void run(struct lab *lab, attempt *try, unsigned at_least)
{
	bool has_failed;
	unsigned n = 0;

	do {
		int ret;

		lab_faults_arm(++n, false);
		ret = try(lab);
		has_failed = lab_faults_disarm();
		if (has_failed)
			lab_assert_refused(lab, ret, ENOMEM, "");
		else
			assert_int_equal(ret, 0);
	} while (has_failed);
	if (n < at_least)
		fail_msg("%u allocations were made, at least %u expected", n - 1, at_least - 1);
}

// Packs on its own, so that nothing but the host's memory is asked for.
static int call(struct lab *lab, const char *type, const ProtobufCMessage *message, int file,
	struct lab_call *client)
{
	uint8_t bytes[256];
	struct weir_call_request request = { .size = sizeof(request),
		.extension = filter,
		.type = type,
		.bytes = bytes,
		.files = &file,
		.n_files = file >= 0,
		.context = client };

	lab_faults_pause();
	lab_call_functions(&request);
	request.n_bytes = protobuf_c_message_pack(message, bytes);
	memset(&lab->error, 0, sizeof(lab->error));
	lab_faults_resume();
	return weir_call_begin(lab->weir, &request, 0, &client->running, &lab->error);
}

static int begin_echo(struct lab *lab)
{
	Probe__Echo echo = PROBE__ECHO__INIT;
	struct lab_call client = { 0 };

	return call(lab, "echo", &echo.base, -1, &client);
}

static int begin_hold(struct lab *lab)
{
	Probe__Hold hold = PROBE__HOLD__INIT;
	struct lab_call client = { 0 };
	int file = memfd_create("memory-test", MFD_CLOEXEC), ret;

	assert_true(file >= 0);
	hold.read = (char *)(uintptr_t) "/r";
	ret = call(lab, "hold", &hold.base, file, &client);
	lab_faults_disarm(); // what is logged from here on is the lab's
	if (ret == 0)
		weir_call_cancel(client.running);
	weir_process(lab->weir);
	assert_int_equal(close(file), -1);
	return ret;
}

static int begin_later(struct lab *lab)
{
	Probe__Later later = PROBE__LATER__INIT;
	struct lab_call client = { 0 };
	int ret;

	later.delay_ms = 1;
	ret = call(lab, "later", &later.base, -1, &client);
	lab_faults_disarm();
	lab_run(lab);
	assert_int_equal(client.n_ended, ret == 0);
	return ret;
}

static void ignore(void *context, const struct weir_item *item)
{
	(void)context;
	assert_true(item->saved.size > 4096);
}

static int save(struct lab *lab)
{
	memset(&lab->error, 0, sizeof(lab->error));
	return weir_export_saved(lab->weir, ignore, NULL, &lab->error);
}

static int load(struct lab *lab)
{
	int ret;

	memset(&lab->error, 0, sizeof(lab->error));
	ret = weir_extension_load(lab->weir, "probe-after", NULL, 0, &lab->error);
	if (ret == 0)
		assert_int_equal(weir_extension_unload(lab->weir, "probe-after", 0, NULL), 0);
	return ret;
}

static void every_allocation_may_fail(void **state)
{
	Probe__Order order = PROBE__ORDER__INIT;
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 1 });
	lab_attach(&lab, filter, 0);
	run(&lab, begin_later, 3);
	run(&lab, begin_echo, 2);
	run(&lab, begin_hold, 2);
	run(&lab, load, 10);
	order.save = (char *)(uintptr_t) "0123456789abcdef";
	order.has_save_times = 1;
	order.save_times = 1000; // grows twice
	lab_order(&lab, filter, &order);
	run(&lab, save, 4);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
