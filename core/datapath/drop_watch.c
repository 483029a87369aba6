// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/drop_watch.h"

#include "datapath/datapath.h"
#include "datapath/rcu.h"

static bool wants_reason(const struct drop_watch *watch, uint32_t cause)
{
	for (unsigned i = 0; i < watch->n_wants; i++)
		if (((uint16_t)cause & watch->wants[i].mask) == watch->wants[i].value)
			return true;
	return watch->n_wants == 0;
}

static bool wants(const struct drop_watch *watch, const struct datapath *dp,
	const struct snapshot_port *port, uint32_t cause)
{
	return (!watch->generation || watch->generation == dp->generation) &&
	       (!watch->port[0] || strcmp(watch->port, port->name) == 0) &&
	       wants_reason(watch, cause);
}

static void take(struct drop_watch *watch, const struct datapath *dp,
	const struct snapshot_port *port, uint32_t cause, uint32_t policer,
	const struct weir_frame *frame)
{
	struct drop_lane *lane = &watch->lanes[dp->worker];
	uint32_t n = frame->linear < DROP_SAMPLE_BYTES ? frame->linear : DROP_SAMPLE_BYTES;
	struct drop_sample *sample = ring_reserve(
		watch->ring, dp->worker, (uint32_t)sizeof(*sample) + n);

	if (!sample) {
		lane->n_lost++;
		return;
	}
	sample->now_ns = dp->now_ns;
	sample->n_lost = lane->n_lost;
	sample->generation = dp->generation;
	sample->cause = cause;
	sample->policer = policer;
	sample->size = frame->size;
	sample->n_bytes = n;
	memcpy(sample->port, port->name, sizeof(sample->port));
	memcpy(sample->bytes, frame->data, n);
	ring_flush(watch->ring, dp->worker);
}

void drop_watch_take(struct drop_watch *watch, const struct datapath *dp,
	const struct snapshot_port *port, uint32_t cause, uint32_t policer,
	const struct weir_frame *frame)
{
	for (; watch; watch = rcu_get(&watch->next))
		if (wants(watch, dp, port, cause))
			take(watch, dp, port, cause, policer, frame);
}
