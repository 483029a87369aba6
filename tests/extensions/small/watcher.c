// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A capture that visits every frame on its way in, on its way out, and dropped, and adds up the
// bytes. It says the sum when it leaves the switch.
#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

#include <weir/extension.h>

struct watcher {
	struct weir_attachment *attachment;
	uint64_t sum; // workers: added to atomically
};

static void decide(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	(void)flow;
	weir_visit(d, 0);
}

static void visit(const void *state, struct weir_visit *v)
{
	struct watcher *watcher = v->instance;
	uint64_t sum = 0;

	(void)state;
	for (unsigned i = 0; i < v->n; i++) {
		struct weir_frame_iterator it = weir_frame_iterate(v->frames[i]);
		const uint8_t *bytes;
		uint32_t size;

		while ((bytes = weir_frame_next(&it, &size)))
			for (uint32_t b = 0; b < size; b++)
				sum += bytes[b];
	}
	__atomic_fetch_add(&watcher->sum, sum, __ATOMIC_RELAXED);
}

static int attach(struct weir_attachment *attachment, void **instance, struct weir_error *error)
{
	struct watcher *watcher = calloc(1, sizeof(*watcher));

	if (!watcher)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	watcher->attachment = attachment;
	*instance = watcher;
	return 0;
}

static void detach(void *instance)
{
	struct watcher *watcher = instance;

	weir_log(watcher->attachment, LOG_INFO, "sum %llu", (unsigned long long)watcher->sum);
	free(watcher);
}

WEIR_EXTENSION("watcher", WEIR_CLASS_CAPTURE, .version = "1.0", .summary = "Visits every frame",
	.ingress = decide, .egress = decide, .dropped = decide, .visit = visit, .attach = attach,
	.detach = detach);
