// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Listing extensions: loaded ones, and where they stand.
#include <errno.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/counters.h"
#include "datapath/snapshot.h"
#include "switch/attachment.h"
#include "switch/loader.h"
#include "switch/missing.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

static void describe_file(const struct extension *extension, struct weir_extension_info *info)
{
	const struct weir_extension *e = extension_descriptor(extension);

	info->class_name = extension_class_name(e->class);
	info->path = extension_path(extension);
	info->abi_major = e->abi_major;
	info->abi_minor = e->abi_minor;
}

// e: the extension's descriptor, or that of a missing one.
static struct weir_extension_info describe(
	const struct extension *extension, const struct weir_extension *e)
{
	struct weir_extension_info info = {
		.name = e->name,
		.version = e->version,
		.summary = e->summary,
		.class_name = "",
		.path = "",
		.last_offence = "",
		.reason = "",
	};

	if (extension)
		describe_file(extension, &info);
	return info;
}

// With those of the version that is on its way out: nothing that was counted goes down.
static uint64_t all_of(const struct attachment *a, size_t counter)
{
	const struct attachment *before = a->predecessor;
	uint64_t n = counted((const uint64_t *)((uintptr_t)&a->counters + counter));

	return before ? n + counted((const uint64_t *)((uintptr_t)&before->counters + counter)) : n;
}

#define ALL_OF(a, counter) all_of(a, offsetof(struct extension_counters, counter))

static void list_attached(const struct attachment *a, weir_extension_row *row, void *context)
{
	struct weir_extension_info info = describe(a->extension, a->descriptor);
	const struct extension_counters *c = &a->counters;

	info.switch_name = a->vswitch->name;
	info.order = a->order;
	info.fail_open = a->fail_open;
	info.missing = a->missing || attachment_is_refused(a);
	info.expelled = a->expelled;
	info.reason = missing_reason(a);
	if (a->missing && attachment_path(a))
		info.path = attachment_path(a);
	info.decisions = ALL_OF(a, decisions);
	info.visits = ALL_OF(a, visits);
	info.violations = ALL_OF(a, violations);
	info.invalid = ALL_OF(a, invalid);
	info.impure = ALL_OF(a, impure);
	info.modified = ALL_OF(a, modified);
	// The counters' own until watch.c has taken it.
	info.last_offence = __atomic_load_n(&c->offence_set, __ATOMIC_ACQUIRE) == 2
				    ? c->offence
				    : a->last_offence;
	row(context, &info);
}

static void list_loaded(struct extension *extension, weir_extension_row *row, void *context)
{
	struct weir_extension_info info = describe(extension, extension_descriptor(extension));

	row(context, &info);
}

int weir_extension_list(struct weir *w, const char *switch_name, weir_extension_row *row,
	void *context, struct weir_error *error)
{
	if (switch_name && !vswitch_find(w, switch_name, error))
		return -ENOENT;
	for (struct vswitch *s = w->switches; s; s = s->next) {
		if (switch_name && strcmp(switch_name, s->name) != 0)
			continue;
		for (const struct attachment *a = s->attachments; a; a = a->next)
			list_attached(a, row, context);
	}
	for (struct extension *e = extension_next(w->loader, NULL); !switch_name && e;
		e = extension_next(w->loader, e))
		if (!attached_anywhere(w, extension_descriptor(e)->name, false))
			list_loaded(e, row, context);
	return 0;
}
