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

static void count_lost(struct writer *w, const struct weir_visit *v)
{
	uint64_t *lost = &w->lanes[v->worker].lost;

	__atomic_store_n(lost, *lost + 1, __ATOMIC_RELAXED);
}

static void feed_frames(const struct feed *feed, const struct weir_visit *v)
{
	struct writer *w = feed->writer;
	struct weir_attachment *a = w->attachment;
	struct weir_ring *ring = w->ring;
	const struct weir_frame *const *frames = v->frames;
	const uint32_t *drops = v->drops;
	const uint64_t now_ns = v->now_ns;
	const uint32_t snap = w->snap, place = record_place(feed->interface, v->stage);

	if (__atomic_load_n(&w->closed, __ATOMIC_RELAXED))
		return;
	for (unsigned i = 0, n = v->n; i < n; i++) {
		const struct weir_frame *frame = frames[i];
		uint32_t size = frame->size, captured = size < snap ? size : snap;
		struct record *r = weir_ring_reserve(a, ring, v, (uint32_t)sizeof(*r) + captured);

		if (!r) {
			count_lost(w, v);
			continue;
		}
		r->time_ns = now_ns;
		r->size = size;
		r->captured = captured;
		r->drop = drops ? drops[i] : 0;
		r->place = place;
		if (captured <= frame->linear)
			memcpy(r + 1, frame->data, captured);
		else
			copy_segments((uint8_t *)(r + 1), frame, captured);
	}
	weir_ring_flush(a, ring, v);
}

void capture_visit(const void *state, struct weir_visit *v)
{
	const struct port_state *s = state;

	for (unsigned i = s->first[v->stage]; i < s->first[v->stage + 1]; i++)
		feed_frames(&s->feeds[i], v);
}
