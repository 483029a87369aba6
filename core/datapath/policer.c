// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/policer.h"

// What workers have taken is together at most this part of the burst.
enum { TAKEN_PART = 4 };

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

#define GET(what)        __atomic_load_n(&(what), __ATOMIC_RELAXED)
#define PUT(what, value) __atomic_store_n(&(what), (value), __ATOMIC_RELAXED)

// The time in which so many tokens come, rounded up.
static int64_t time_of(int64_t tokens, uint64_t rate)
{
	return tokens / (int64_t)rate + (tokens % (int64_t)rate != 0);
}

static int64_t depth_of(const struct policer_config *config)
{
	int64_t tokens = policer_cost(config->unit, config->burst, config->burst);

	return time_of(tokens, config->rate);
}

static int64_t slice_of(int64_t depth_ns, unsigned n_workers)
{
	return smaller(POLICER_SLICE_NS, depth_ns / (TAKEN_PART * (int64_t)n_workers));
}

void policer_init(struct policer *p, const struct policer_config *config, unsigned n_workers)
{
	int64_t depth_ns = depth_of(config);

	PUT(p->unit, (uint8_t)config->unit);
	PUT(p->empty_ns, INT64_MIN / 2); // long ago
	PUT(p->rate, config->rate);
	PUT(p->depth_ns, depth_ns);
	PUT(p->slice_ns, slice_of(depth_ns, n_workers));
}

// As many tokens at another rate. What it owes, when empty_ns is still to come, stays owed as well.
static void convert(struct policer *p, uint64_t before, uint64_t after, uint64_t now_ns)
{
	int64_t empty = GET(p->empty_ns), now = (int64_t)now_ns, depth = GET(p->depth_ns),
		converted;

	do {
		int64_t tokens = smaller(now - larger(empty, now - depth), depth) * (int64_t)before;

		converted = now - tokens / (int64_t)after;
	} while (!__atomic_compare_exchange_n(
		&p->empty_ns, &empty, converted, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}

// Workers may look at any time in between. In this order they see at most the tokens that there
// are.
void policer_change(
	struct policer *p, const struct policer_config *config, unsigned n_workers, uint64_t now_ns)
{
	uint64_t before = GET(p->rate), after = config->rate;
	int64_t depth_ns = depth_of(config);

	if (after < before)
		PUT(p->rate, after);
	convert(p, before, after, now_ns);
	PUT(p->slice_ns, slice_of(depth_ns, n_workers));
	PUT(p->depth_ns, depth_ns);
	if (after >= before)
		PUT(p->rate, after);
}

bool policer_borrow(struct policer *p, struct policer_slot *slot, int64_t cost, uint64_t now_ns)
{
	const int64_t now = (int64_t)now_ns, rate = (int64_t)GET(p->rate), depth = GET(p->depth_ns);
	int64_t back, rest, need, want, have, take, empty = GET(p->empty_ns), base;

	if (now_ns < slot->denied_ns)
		return false;
	// Whole nanoseconds go back; the rest, less than one, stays.
	back = slot->tokens / rate;
	rest = slot->tokens - back * rate;
	need = cost > rest ? time_of(cost - rest, (uint64_t)rate) : 0;
	want = larger(need, GET(p->slice_ns));
	do {
		base = larger(empty - back, now - depth);
		have = now - base;
		if (have < smaller(need, depth)) {
			slot->denied_ns = now_ns + (uint64_t)smaller(smaller(need, depth) - have,
							   POLICER_SLICE_NS);
			return false;
		}
		take = larger(need, smaller(want, have));
	} while (!__atomic_compare_exchange_n(
		&p->empty_ns, &empty, base + take, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	slot->tokens = rest + take * rate - cost;
	slot->old_ns = now_ns + POLICER_SLICE_NS;
	return true;
}

void policer_dropped(struct policer_bank *bank, uint32_t id, uint64_t frames, uint64_t bytes,
	uint32_t cause, uint32_t port)
{
	struct policer_slot *slot = policer_slot_at(bank, id);
	uint32_t first = slot->drop_cause & ~(POLICER_ELSEWHERE | POLICER_LOST);

	if (!slot->dropped_frames) {
		PUT(slot->drop_cause, cause);
		PUT(slot->drop_port, port);
	} else if (first != cause || slot->drop_port != port) {
		uint32_t lost = policer_place_count(bank->places, id, cause, port, frames)
					? 0
					: POLICER_LOST;

		PUT(slot->drop_cause, slot->drop_cause | POLICER_ELSEWHERE | lost);
	}
	count(&slot->dropped_bytes, bytes);
	// Who sees them here sees them at their place, too.
	__atomic_store_n(&slot->dropped_frames, slot->dropped_frames + frames, __ATOMIC_RELEASE);
}
