// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What workers do: copy the beginning of each frame into the lanes of those who capture it.
#include <string.h>

#include "capture.h"

// The hook is there only where somebody captures; a frame from nowhere has no port to be captured
// at, and no state.
void capture_decide(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)flow;
	if (state)
		weir_visit(d, 0);
}

static void copy_segments(uint8_t *to, const struct weir_frame *frame, uint32_t n)
{
	struct weir_frame_iterator it = weir_frame_iterate(frame);
	const uint8_t *bytes;
	uint32_t size;

	while (n && (bytes = weir_frame_next(&it, &size))) {
		if (size > n)
			size = n;
		memcpy(to, bytes, size);
		to += size;
		n -= size;
	}
}

static void fill(struct record *r, const struct weir_frame *frame, uint32_t captured)
{
	if (captured <= frame->linear)
		memcpy(r + 1, frame->data, captured);
	else
		copy_segments((uint8_t *)(r + 1), frame, captured);
}

static void feed_frames(const struct feed *feed, const struct weir_visit *v)
{
	struct writer *w = feed->writer;
	uint64_t *lost = &w->lanes[v->worker].lost;

	if (__atomic_load_n(&w->closed, __ATOMIC_RELAXED))
		return;
	for (unsigned i = 0; i < v->n; i++) {
		const struct weir_frame *frame = v->frames[i];
		uint32_t captured = frame->size < w->snap ? frame->size : w->snap;
		struct record *r = weir_ring_reserve(
			w->attachment, w->ring, v, (uint32_t)sizeof(*r) + captured);

		if (!r) {
			__atomic_store_n(lost, *lost + 1, __ATOMIC_RELAXED);
			continue;
		}
		*r = (struct record){
			.time_ns = v->now_ns,
			.size = frame->size,
			.captured = captured,
			.drop = v->drops ? v->drops[i] : 0,
			.interface = feed->interface,
			.stage = v->stage,
		};
		fill(r, frame, captured);
	}
	weir_ring_flush(w->attachment, w->ring, v);
}

void capture_visit(const void *state, struct weir_visit *v)
{
	const struct port_state *s = state;

	for (unsigned i = s->first[v->stage]; i < s->first[v->stage + 1]; i++)
		feed_frames(&s->feeds[i], v);
}
