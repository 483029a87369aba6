// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What happened: told to the log and to whoever follows it.
#include <time.h>

#include <weir/embed.h>

#include "switch/notice.h"
#include "switch/weir.h"

void weir_notify(struct weir *w, const char *kind, const char *vswitch, const char *port,
	const char *extension, const char *format, ...)
{
	char text[512];
	va_list arguments;
	struct weir_notice notice = {
		.number = ++w->notices,
		.time = (uint64_t)time(NULL),
		.kind = kind,
		.switch_name = vswitch,
		.port = port,
		.extension = extension,
		.text = text,
	};

	if (w->ending)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	weir_log_line(w, notice_level(kind), "%s: %s", kind, text);
	if (w->on_notice)
		w->on_notice(w->notice_context, &notice);
}

void weir_on_notice(struct weir *w, weir_notice_handler *handler, void *context)
{
	w->on_notice = handler;
	w->notice_context = context;
}
