// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What clients have looked at: 'M' and a filter of flows, or the number of a port and a frame that
// is traced from there, through a stack that reads, marks and tags. A trace begins with the frame
// and has a program for each flow; nothing of it stays behind. A filter that is taken, taken again
// behind itself, is the same.
//
// To be run with -detect_leaks=0: what is released after a grace period hangs meanwhile from mapped
// memory, where LeakSanitizer does not look. It looks once more when all has ended.
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>

#include "datapath/key_match.h"

enum { N_PORTS = 5, MATCH_MAX = 1024 };

static struct weir *weir; // one for many inputs

static void ignore_line(void *context, int level, const char *line)
{
	(void)context;
	(void)level;
	(void)line;
}

static void stop(void)
{
	weir_destroy(weir);
}

static void must(int result)
{
	if (result < 0)
		abort();
}

static void start(void)
{
	static const char *const vlans[N_PORTS] = { NULL, NULL, "10", "trunk:10,20,native:30",
		"trunk:20" };
	static const char *const extensions[] = { "tuple", "marker", "onlooker" };
	struct weir_options options = { .size = sizeof(options),
		.n_flows = 64,
		.fdb_entries = 64,
		.extensions = FUZZ_EXTENSIONS,
		.log = ignore_line };
	struct weir_error error;

	must(weir_create(&options, &weir, &error));
	must(atexit(stop) ? -1 : 0);
	must(weir_switch_add(weir, "br0", 0, &error));
	for (unsigned i = 0; i < N_PORTS; i++) {
		struct weir_port_config config = {
			.size = sizeof(config), .nic = "null", .vlan = vlans[i], .mtu = 1500
		};
		char name[] = { 'p', (char)('0' + i), '\0' };

		must(weir_port_add(weir, "br0", name, &config, 0, &error));
	}
	must(weir_fdb_add(weir, "br0", "02:00:00:00:00:02", 0, "p1", 0, &error));
	must(weir_fdb_add(weir, "br0", "02:00:00:00:00:02", 10, "p3", 0, &error));
	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
		must(weir_extension_attach(
			weir, "br0", extensions[i], WEIR_ORDER_DEFAULT, 0, &error));
}

struct seen {
	unsigned n, n_flows, n_programs;
};

static void take_row(void *context, const struct weir_trace_info *info)
{
	struct seen *seen = context;

	if ((seen->n++ == 0) != (strcmp(info->action, "frame") == 0) || !*info->port)
		abort();
	seen->n_flows += strcmp(info->action, "flow") == 0;
	seen->n_programs += strcmp(info->action, "program") == 0;
}

static void check_switch(void *context, const struct weir_switch_info *info)
{
	(void)context;
	if (info->fdb_entries != 2 || info->flows || info->decisions || info->dropped ||
		info->received || info->copies)
		abort();
}

static void trace(char port, const uint8_t *bytes, size_t size)
{
	const char name[] = { 'p', (char)('0' + (unsigned char)port % N_PORTS), '\0' };
	const struct weir_trace_request request = {
		.size = sizeof(request), .port = name, .bytes = bytes, .n_bytes = size
	};
	struct seen seen = { 0 };
	struct weir_error error;

	if (weir_trace(weir, &request, take_row, &seen, &error) < 0) {
		if (size > 0 && size <= 65536)
			abort();
		return;
	}
	if (seen.n_flows == 0 || seen.n_flows != seen.n_programs)
		abort();
	must(weir_switch_list(weir, "br0", check_switch, NULL, &error));
}

static void match(const uint8_t *data, size_t size)
{
	char text[2 * MATCH_MAX + 2];
	struct key_match once, twice;
	struct weir_error error = { 0 };
	int length = size < MATCH_MAX ? (int)size : MATCH_MAX;

	snprintf(text, sizeof(text), "%.*s", length, (const char *)data);
	if (key_match_parse(text, &once, &error) < 0) {
		if (!error.message[0])
			abort();
		return;
	}
	for (unsigned i = 0; i < KEY_WORDS; i++)
		if (once.value.w[i] & ~once.bits.w[i])
			abort();
	// The half stands before all, and only once.
	if (strncmp(text, "egress:", 7) == 0 || strncmp(text, "drop:", 5) == 0)
		return;
	snprintf(text, sizeof(text), "%.*s,%.*s", (int)strnlen((const char *)data, (size_t)length),
		(const char *)data, (int)strnlen((const char *)data, (size_t)length),
		(const char *)data);
	if (text[0] != ',' && (key_match_parse(text, &twice, &error) < 0 ||
				      memcmp(&once, &twice, sizeof(once)) != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!weir)
		start();
	if (size == 0)
		return 0;
	if (data[0] == 'M')
		match(data + 1, size - 1);
	else
		trace((char)data[0], data + 1, size - 1);
	return 0;
}
