// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Listing meters, and resetting those that are listed.
#include <string.h>
#include <time.h>

#include <weir/embed.h>

#include "switch/meter.h"
#include "switch/policing.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

static void list_one(
	struct vswitch *s, struct meter *m, bool reset, weir_meter_row *row, void *context)
{
	struct weir_meter_info info = {
		.target = m->target,
		.extension = m->extension,
		.id = m->key,
		.since = m->since,
		.unused = m->refs == 0,
	};
	uint64_t frames, bytes;

	meter_sum(s, m->number.id, &frames, &bytes);
	info.frames = frames - m->base_frames;
	info.bytes = bytes - m->base_bytes;
	if (reset) {
		// The counts given out are the baseline: what comes meanwhile is in the next ones.
		m->base_frames = frames;
		m->base_bytes = bytes;
		m->since = (uint64_t)time(NULL);
		m->changed = true;
	}
	row(context, &info);
}

// Meters outlive the attachment of their extension.
static bool has_meters(const struct weir *w, const char *extension)
{
	for (const struct vswitch *s = w->switches; s; s = s->next)
		for (const struct meter *m = s->meters; m; m = m->next)
			if (strcmp(extension, m->extension) == 0)
				return true;
	return false;
}

static bool is_listed(const struct meter *m, const struct weir_count_filter *f)
{
	return (!f->target || strcmp(f->target, m->target) == 0) &&
	       (!f->extension || strcmp(f->extension, m->extension) == 0);
}

int weir_meter_list_some(struct weir *w, const struct weir_count_filter *given, weir_meter_row *row,
	void *context, struct weir_error *error)
{
	struct weir_count_filter filter;
	int failed = count_filter_take(given, &filter, error);

	if (!failed)
		failed = count_filter_check(
			w, &filter, filter.extension && has_meters(w, filter.extension), error);
	if (failed)
		return failed;
	for (struct vswitch *s = w->switches; s; s = s->next)
		for (struct meter *m = s->meters; m; m = m->next)
			if (is_listed(m, &filter))
				list_one(s, m, filter.reset, row, context);
	return 0;
}

int weir_meter_list(struct weir *w, const char *target, bool reset, weir_meter_row *row,
	void *context, struct weir_error *error)
{
	const struct weir_count_filter filter = {
		.size = sizeof(filter), .target = target, .reset = reset
	};

	return weir_meter_list_some(w, &filter, row, context, error);
}
