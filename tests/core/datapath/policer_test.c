// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The bucket by itself: with a virtual clock against the token bucket of RFC 2697, 3 (one bucket),
// and shared by threads.
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "datapath/policer.h"

#define S  UINT64_C(1000000000)
#define MS UINT64_C(1000000)

enum { WORKERS_MAX = 8 };

struct bench {
	struct policer policer;
	struct policer_slot slots[WORKERS_MAX];
	struct policer_config config;
	unsigned n_workers;
};

static void begin(struct bench *b, struct policer_config config, unsigned n_workers)
{
	memset(b, 0, sizeof(*b));
	b->config = config;
	b->n_workers = n_workers;
	policer_init(&b->policer, &config, n_workers);
}

// As policer_pay() does it.
static bool pay(struct bench *b, unsigned worker, uint64_t size, uint64_t now_ns)
{
	struct policer_slot *slot = &b->slots[worker];
	int64_t cost = policer_cost(b->config.unit, 1, size);

	if (slot->tokens >= cost && now_ns < slot->old_ns) {
		slot->tokens -= cost;
		return true;
	}
	return policer_borrow(&b->policer, slot, cost, now_ns);
}

// ---- Exactness

// Offered `offered` times the rate for `seconds`, by `n_workers` in turn, frames of `size` bytes.
// What passes beyond rate * seconds is the burst, and at most a quarter of it with the taken
// slices.
static const struct {
	const char *name;
	enum policer_unit unit;
	uint64_t rate, burst;
	uint64_t size;
	unsigned n_workers, seconds;
	double offered;
} rates[] = {
	{ "1 Mbit/s of full frames", POLICER_BITS, 1000000, 15140, 1514, 1, 4, 3 },
	{ "1 Mbit/s, two workers", POLICER_BITS, 1000000, 15140, 1514, 2, 4, 3 },
	{ "100 Mbit/s", POLICER_BITS, 100000000, 125000, 1514, 1, 2, 2 },
	{ "100 Mbit/s, four workers", POLICER_BITS, 100000000, 125000, 1514, 4, 2, 2 },
	{ "1 Gbit/s of small frames", POLICER_BITS, 1000000000, 1250000, 60, 2, 1, 1.5 },
	{ "10 Gbit/s with 64 KB, eight workers", POLICER_BITS, UINT64_C(10000000000), 65536, 1514,
		8, 1, 1.5 },
	{ "64 kbit/s", POLICER_BITS, 64000, 3028, 1514, 2, 10, 20 },
	{ "two frames of burst", POLICER_BITS, 10000000, 3028, 1514, 2, 2, 2 },
	{ "100 frames/s", POLICER_FRAMES, 100, 10, 60, 2, 10, 50 },
	{ "1 frame/s", POLICER_FRAMES, 1, 1, 60, 1, 30, 100 },
	{ "1 Mframe/s", POLICER_FRAMES, 1000000, 10000, 60, 4, 1, 1.2 },
	{ "below the rate", POLICER_FRAMES, 1000, 50, 60, 2, 2, 0.9 },
};

static void check_rate(size_t row)
{
	bool frames = rates[row].unit == POLICER_FRAMES;
	double per_frame = frames ? 1 : 8.0 * (double)rates[row].size;
	double offered = (double)rates[row].rate / per_frame * rates[row].offered;
	uint64_t n = (uint64_t)(offered * rates[row].seconds), passed = 0;
	double burst = (double)rates[row].burst * (frames ? 1 : 8) / per_frame;
	double least = (double)rates[row].rate / per_frame * rates[row].seconds, most;
	struct bench b;

	begin(&b, (struct policer_config){ rates[row].unit, rates[row].rate, rates[row].burst },
		rates[row].n_workers);
	for (uint64_t i = 0; i < n; i++)
		passed += pay(&b, (unsigned)(i % rates[row].n_workers), rates[row].size,
			5 * S + (uint64_t)((double)i / offered * 1e9));
	most = least + burst * 1.25 + 1;
	if (rates[row].offered < 1)
		least = (double)n;
	// What is left in the buckets at the end, and the frame that did not fit any more.
	if ((double)passed < least * 0.999 - 1 || (double)passed > most)
		fail_msg("%s: %" PRIu64 " of %" PRIu64 " frames passed, not %.1f to %.1f",
			rates[row].name, passed, n, least, most);
}

static void rates_are_met(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		check_rate(i);
}

static unsigned pass_all(struct bench *b, unsigned worker, uint64_t size, uint64_t now_ns)
{
	unsigned n = 0;

	while (pay(b, worker, size, now_ns))
		n++;
	return n;
}

static void a_burst_is_a_burst(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, (struct policer_config){ POLICER_BITS, 8000000, 10000 }, 1);
	assert_int_equal(pass_all(&b, 0, 1000, S), 10);
	// 1 MB/s: a frame per millisecond.
	assert_int_equal(pass_all(&b, 0, 1000, S + MS - 1), 0);
	assert_int_equal(pass_all(&b, 0, 1000, S + MS), 1);
	assert_int_equal(pass_all(&b, 0, 1000, S + 5 * MS), 4);
	// Nothing is saved up beyond the burst.
	assert_int_equal(pass_all(&b, 0, 1000, 100 * S), 10);
}

// What one worker has taken and does not use comes back: at once when it asks, or never was more
// than its part.
static void what_is_taken_comes_back(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, (struct policer_config){ POLICER_FRAMES, 1000000, 4000 }, 2);
	assert_true(pay(&b, 1, 60, S)); // takes a slice of 500, an eighth of the burst
	assert_int_equal(pass_all(&b, 0, 60, S), 4000 - 500);
	// A long time later the bucket is full without them: they are not added to the burst.
	assert_int_equal(pass_all(&b, 1, 60, 10 * S), 4000);
	assert_int_equal(pass_all(&b, 0, 60, 10 * S), 0);
}

static void more_than_the_burst_is_owed(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, (struct policer_config){ POLICER_BITS, 8000000, 2000 }, 2);
	assert_true(pay(&b, 0, 10000, S)); // a segmentation-offload frame: 10 ms of the rate
	assert_false(pay(&b, 1, 60, S + 7 * MS));
	assert_true(pay(&b, 1, 60, S + 9 * MS));     // 8 ms are owed
	assert_false(pay(&b, 0, 10000, S + 9 * MS)); // it is not full
	assert_true(pay(&b, 0, 10000, S + 12 * MS));
}

// ---- Changes

static void changes_keep_what_there_is(void **state)
{
	struct policer_config slower = { POLICER_BITS, 800000, 10000 };
	struct policer_config smaller = { POLICER_BITS, 8000000, 3000 };
	struct bench b;

	(void)state;
	begin(&b, (struct policer_config){ POLICER_BITS, 8000000, 10000 }, 1);
	for (unsigned i = 0; i < 6; i++)
		assert_true(pay(&b, 0, 1000, S));
	policer_change(&b.policer, &slower, 1, S);
	assert_int_equal(pass_all(&b, 0, 1000, S), 4);
	assert_int_equal(pass_all(&b, 0, 1000, S + 10 * MS), 1); // 100 kB/s
	assert_int_equal(pass_all(&b, 0, 1000, S + 110 * MS), 10);
	// What does not fit is lost; and back again, nothing is won.
	b.config = smaller;
	policer_change(&b.policer, &smaller, 1, 10 * S);
	policer_change(&b.policer, &slower, 1, 10 * S);
	assert_int_equal(pass_all(&b, 0, 1000, 10 * S), 3);
	policer_change(&b.policer, &smaller, 1, 10 * S);
	assert_int_equal(pass_all(&b, 0, 1000, 10 * S), 0);
	// So is what is owed.
	policer_change(&b.policer, &slower, 1, 20 * S);
	assert_true(pay(&b, 0, 3000, 20 * S));
	assert_true(pay(&b, 0, 20000, 30 * S)); // owes 100 ms of the slow rate
	policer_change(&b.policer, &smaller, 1, 30 * S);
	assert_false(pay(&b, 0, 1000, 30 * S + 10 * MS));
	assert_true(pay(&b, 0, 1000, 30 * S + 11 * MS));
}

// The extremes of what may be configured, at the extremes of the clock.
static void bounds_do_not_overflow(void **state)
{
	static const struct policer_config configs[] = {
		{ POLICER_BITS, UINT64_C(1000000000000), UINT64_C(1000000000) },
		{ POLICER_BITS, 1000, UINT64_C(1000000000) },
		{ POLICER_BITS, UINT64_C(1000000000000), 1 },
		{ POLICER_BITS, 1000, 1 },
		{ POLICER_FRAMES, UINT64_C(1000000000), UINT64_C(1000000000) },
		{ POLICER_FRAMES, 1, UINT64_C(1000000000) },
		{ POLICER_FRAMES, 1, 1 },
	};
	static const uint64_t clocks[] = { 0, 1, S, UINT64_C(1) << 61 };
	struct bench b;

	(void)state;
	for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
		for (size_t k = 0; k < sizeof(clocks) / sizeof(clocks[0]); k++) {
			begin(&b, configs[i], 64);
			assert_true(pay(&b, 0, 1, clocks[k]));
			for (size_t to = 0; to < sizeof(configs) / sizeof(configs[0]); to++)
				if (configs[to].unit == configs[i].unit)
					policer_change(&b.policer, &configs[to], 64, clocks[k]);
			pay(&b, 1, 1, clocks[k]);
			assert_true(pay(&b, 2, 1, clocks[k] + 20000000 * S));
		}
	}
}

// ---- Threads

enum { THREADS = 4, TURNS = 200000 };

struct payer {
	struct bench *bench;
	unsigned worker;
	uint64_t passed;
	pthread_t thread;
};

// Its clock runs by itself: TURNS frames in a second. Others are before it and behind.
static void *run_payer(void *argument)
{
	struct payer *p = argument;

	for (unsigned i = 0; i < TURNS; i++)
		p->passed += pay(p->bench, p->worker, 1000, 10 * S + i * (S / TURNS));
	return NULL;
}

static void threads_share_one_rate(void **state)
{
	struct payer payers[THREADS];
	uint64_t passed = 0, second = 100000000 / 8000, burst = 1000;
	struct bench b;

	(void)state;
	begin(&b, (struct policer_config){ POLICER_BITS, 100000000, burst * 1000 }, THREADS);
	for (unsigned i = 0; i < THREADS; i++) {
		payers[i] = (struct payer){ &b, i, 0, 0 };
		assert_int_equal(pthread_create(&payers[i].thread, NULL, run_payer, &payers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(payers[i].thread, NULL), 0);
		passed += payers[i].passed;
	}
	// However the threads were scheduled, all of them together lived a second of the clock.
	assert_in_range(passed, second * 99 / 100, second + burst + burst / 4 + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_met),
		cmocka_unit_test(a_burst_is_a_burst),
		cmocka_unit_test(what_is_taken_comes_back),
		cmocka_unit_test(more_than_the_burst_is_owed),
		cmocka_unit_test(changes_keep_what_there_is),
		cmocka_unit_test(bounds_do_not_overflow),
		cmocka_unit_test(threads_share_one_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
