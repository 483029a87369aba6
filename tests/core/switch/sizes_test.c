// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Structs that embedders pass in, of programs that are older and newer than the library. This file
// is built against the frozen headers (tests/abi/baseline): what it takes for the size of a struct
// is what programs of then take, however much the library knows of it by now.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weir/embed.h>

enum { PAGE = 4096, MORE = 64, MAX = 4096 };

static struct weir *weir;
static struct weir_error error;

static void nothing(void *context)
{
	(void)context;
}

static void nobody(void *context, const struct weir_error *refusal)
{
	(void)context;
	(void)refusal;
}

// ---- The functions that take one. Each returns what it is to return when it likes the size.

static int create(const void *options)
{
	struct weir *other = NULL;
	int result = weir_create(options, &other, &error);

	weir_destroy(other);
	return result;
}

static int add_switch(const void *config)
{
	return weir_switch_add_with(weir, "br1", config, WEIR_DRY_RUN, &error);
}

static int add_port(const void *config)
{
	return weir_port_add(weir, "br0", "p1", config, WEIR_DRY_RUN, &error);
}

static int set_port(const void *config)
{
	return weir_port_set(weir, "p0", config, WEIR_PORT_SET_MTU, WEIR_DRY_RUN, &error);
}

static int call(const void *request)
{
	struct weir_running_call *running;

	return weir_call_begin(weir, request, WEIR_DRY_RUN, &running, &error);
}

static int list_meters(const void *filter)
{
	return weir_meter_list_some(weir, filter, NULL, NULL, &error);
}

static int list_policers(const void *filter)
{
	return weir_policer_list_some(weir, filter, NULL, NULL, &error);
}

static int list_drops(const void *filter)
{
	return weir_drop_list_some(weir, filter, NULL, NULL, &error);
}

static int watch(const void *filter)
{
	struct weir_drop_watch *watch = NULL;
	int result = weir_drop_watch(weir, filter, NULL, NULL, &watch, &error);

	weir_drop_watch_end(watch);
	return result;
}

static int list_flows(const void *filter)
{
	int result = weir_flow_list_some(weir, filter, NULL, nothing, NULL, &error);

	weir_run(weir);
	weir_process(weir);
	return result;
}

static void ignore_step(void *context, const struct weir_trace_info *info)
{
	(void)context;
	(void)info;
}

static int trace(const void *request)
{
	return weir_trace(weir, request, ignore_step, NULL, &error);
}

static int add_item(const void *item)
{
	struct weir_document *document = weir_document_create();
	int result = weir_document_add(document, item, &error);

	assert_int_equal(weir_document_n_items(document), result == 0);
	weir_document_destroy(document);
	return result;
}

static const uint8_t frame[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8 };
static const struct weir_options options = { .size = sizeof(options) };
static const struct weir_switch_config switch_config = { .size = sizeof(switch_config),
	.n_port_sessions = 7 };
static const struct weir_port_config port_config = {
	.size = sizeof(port_config), .mtu = 1400, .uplink = true
};
static const struct weir_call_request call_request = {
	.size = sizeof(call_request), .extension = "nobody", .ended = nobody
};
static const struct weir_count_filter count_filter = {
	.size = sizeof(count_filter), .target = "p0", .reset = true
};
static const struct weir_drop_list_filter drop_list_filter = {
	.size = sizeof(drop_list_filter), .port = "p0", .reset = true
};
static const struct weir_drop_filter drop_filter = { .size = sizeof(drop_filter),
	.extension = "core" };
static const struct weir_flow_filter flow_filter = {
	.size = sizeof(flow_filter), .switch_name = "br0", .worker = -1, .limit = 1
};
static const struct weir_trace_request trace_request = {
	.size = sizeof(trace_request), .port = "p0", .bytes = frame, .n_bytes = sizeof(frame)
};
static const struct weir_item item = { .size = sizeof(item),
	.kind = WEIR_ITEM_PORT,
	.switch_name = "br0",
	.name = "p9",
	.port = { .nic = "null", .made_ids = 3 } };

static const struct row {
	const char *name;
	const void *bytes;
	size_t size;
	int (*take)(const void *bytes);
	int taken; // what it returns when the size is right
	const char *field;
} rows[] = {
	{ "weir_options", &options, sizeof(options), create, 0, "size" },
	{ "weir_switch_config", &switch_config, sizeof(switch_config), add_switch, 0, "size" },
	{ "weir_port_config", &port_config, sizeof(port_config), add_port, 0, "size" },
	{ "weir_port_config", &port_config, sizeof(port_config), set_port, 0, "size" },
	{ "weir_call_request", &call_request, sizeof(call_request), call, -ENOENT, "size" },
	{ "weir_count_filter", &count_filter, sizeof(count_filter), list_meters, 0, "size" },
	{ "weir_count_filter", &count_filter, sizeof(count_filter), list_policers, 0, "size" },
	{ "weir_drop_list_filter", &drop_list_filter, sizeof(drop_list_filter), list_drops, 0,
		"size" },
	{ "weir_drop_filter", &drop_filter, sizeof(drop_filter), watch, 0, "size" },
	{ "weir_flow_filter", &flow_filter, sizeof(flow_filter), list_flows, 0, "size" },
	{ "weir_trace_request", &trace_request, sizeof(trace_request), trace, 0, "size" },
	{ "weir_item", &item, sizeof(item), add_item, 0, "items[0].size" },
};

// Two pages, of which only the first can be read: a struct at its end is not read beyond.
static uint8_t *pages;

// Has it taken as a program has it that says `size`: what it knows of the struct, then zeros, but
// for the last byte.
static int take(const struct row *row, uint32_t size, uint8_t last)
{
	size_t room = size < row->size ? row->size : size;
	uint8_t *at = pages + PAGE - (room > PAGE ? PAGE : room);

	memset(pages, 0, PAGE);
	memcpy(at, row->bytes, row->size);
	memcpy(at, &size, sizeof(size));
	if (last)
		pages[PAGE - 1] = last;
	memset(&error, 0, sizeof(error));
	return row->take(at);
}

static void assert_refused(const struct row *row, uint32_t size, int expected, const char *text)
{
	char sentence[128];

	snprintf(sentence, sizeof(sentence), "size %u of struct %s: ", size, row->name);
	if (error.code != expected || strncmp(error.message, sentence, strlen(sentence)) != 0 ||
		!strstr(error.message, text) || strcmp(error.field, row->field) != 0)
		fail_msg("%s of %u bytes: %d, field \"%s\": \"%s\"", row->name, size, error.code,
			error.field, error.message);
}

static void as_it_was(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (take(&rows[i], (uint32_t)rows[i].size, 0) != rows[i].taken)
			fail_msg("%s: %s", rows[i].name, error.message);
}

static void of_a_newer_program(void **state)
{
	char byte[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint32_t size = (uint32_t)rows[i].size + MORE;

		if (take(&rows[i], size, 0) != rows[i].taken)
			fail_msg("%s, zeros behind: %s", rows[i].name, error.message);
		if (take(&rows[i], MAX, 0) != rows[i].taken)
			fail_msg("%s, many zeros behind: %s", rows[i].name, error.message);
		assert_int_equal(take(&rows[i], size, 1), -E2BIG);
		snprintf(byte, sizeof(byte), "byte %u is not", size - 1);
		assert_refused(&rows[i], size, -E2BIG, byte);
	}
}

static void of_no_version(void **state)
{
	static const uint32_t sizes[] = { 0, 4, 7, MAX + 1, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			const uint32_t size = sizes[k];

			assert_int_equal(take(&rows[i], size, 0), -EINVAL);
			assert_refused(&rows[i], size, -EINVAL, "to 4096");
		}
}

// Descriptors of a call are taken over also when it is refused for what is behind it.
static void files_of_a_newer_call(void **state)
{
	struct {
		struct weir_call_request known;
		uint64_t newer;
	} request = { .known = call_request, .newer = 1 };
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(file >= 0);
	request.known.size = sizeof(request);
	request.known.files = &file;
	request.known.n_files = 1;
	assert_int_equal(call(&request), -E2BIG);
	assert_int_equal(fcntl(file, F_GETFD), -1);
}

// What was exported says its size, and can be given back.
static void add_exported(void *context, const struct weir_item *exported)
{
	assert_int_equal(exported->size >= sizeof(*exported), 1);
	assert_int_equal(weir_document_add(context, exported, &error), 0);
}

static void items_that_come_back(void **state)
{
	struct weir_document *document = weir_document_create();

	(void)state;
	assert_int_equal(weir_export(weir, NULL, add_exported, document, &error), 0);
	assert_int_equal(weir_document_n_items(document), 2);
	weir_document_destroy(document);
}

static int start(void **state)
{
	(void)state;
	pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return pages == MAP_FAILED || mprotect(pages + PAGE, PAGE, PROT_NONE) < 0 ||
	       weir_create(&options, &weir, &error) < 0 ||
	       weir_switch_add(weir, "br0", 0, &error) < 0 ||
	       weir_port_add(weir, "br0", "p0",
		       &(struct weir_port_config){
			       .size = sizeof(struct weir_port_config), .nic = "memory" },
		       0, &error) < 0;
}

static int end(void **state)
{
	(void)state;
	weir_destroy(weir);
	return munmap(pages, 2 * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_it_was),
		cmocka_unit_test(of_a_newer_program),
		cmocka_unit_test(of_no_version),
		cmocka_unit_test(files_of_a_newer_call),
		cmocka_unit_test(items_that_come_back),
	};

	return cmocka_run_group_tests(tests, start, end);
}
