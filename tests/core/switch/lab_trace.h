// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a trace in a laboratory tells, as lines. Whatever fails in here fails the test.
#ifndef LAB_TRACE_H
#define LAB_TRACE_H

#include <stdio.h>

#include "lab.h"

static char told[16384]; // "port|stage|extension|action|text\n"

static inline void take_row(void *context, const struct weir_trace_info *info)
{
	size_t used = strlen(told);

	(void)context;
	snprintf(told + used, sizeof(told) - used, "%s|%s|%s|%s|%s\n", info->port, info->stage,
		info->extension, info->action, info->text);
}

static inline void trace(struct lab *lab, const char *port, const struct lab_frame *frame)
{
	const struct weir_trace_request request = {
		.size = sizeof(request),
		.port = port,
		.bytes = frame->bytes,
		.n_bytes = frame->size,
	};

	told[0] = '\0';
	if (weir_trace(lab->weir, &request, take_row, NULL, &lab->error) < 0)
		fail_msg("trace: %s", lab->error.message);
}

// Asserts that these lines were told, in this order, with others between; the last one may be the
// beginning of one.
static inline void check_told(const char *lines)
{
	const char *at = told;

	while (*lines) {
		size_t end = strcspn(lines, "\n"), size = end + (lines[end] == '\n');
		char line[512];
		const char *found;

		snprintf(line, sizeof(line), "%.*s", (int)size, lines);
		found = strstr(at, line);
		if (!found)
			fail_msg("told:\n%s\nnot told there: %s", told, line);
		at = found + size;
		lines += size;
	}
}

#endif
