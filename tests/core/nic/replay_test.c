// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The NIC kind `replay`: order, and pace against a model by a clock of the test's own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "nic/replay.h"
#include "replay_files.h"

enum { NS_PER_S = 1000 * 1000 * 1000 };

static uint64_t virtual_now(void *context)
{
	return *(uint64_t *)context;
}

static int receive(struct nic *nic, struct frame_pool *pool, struct weir_frame **frames, unsigned n)
{
	return nic->class->receive(nic, 0, pool, frames, n);
}

static void check_frame(const struct weir_frame *frame, int number)
{
	assert_int_equal(frame->size, size_of(number));
	assert_int_equal(frame->linear, frame->size);
	assert_int_equal(frame->headroom, WEIR_FRAME_HEADROOM);
	assert_int_equal(frame->offload.gso_size, 0);
	for (uint32_t i = 0; i < frame->size; i++)
		if (frame->data[i] != (number & 0xff))
			fail_msg("frame %d: byte %u is %u", number, i, frame->data[i]);
}

static void once(void **state)
{
	struct frame_pool *pool = frame_pool_create(NIC_BATCH, NIC_BATCH);
	struct weir_frame *frames[NIC_BATCH];
	struct nic *nic;
	int number = 0, n;

	(void)state;
	write_frames("once.pcap", 100);
	nic = open_replay("once.pcap", "");
	assert_int_equal(nic->n_rx_queues, 1);
	assert_false(nic->poll_only);
	assert_true(nic->class->arm(nic, 0));
	while ((n = receive(nic, pool, frames, 7))) {
		assert_int_equal(nic->class->next_ns(nic, 0), number + n == 100 ? UINT64_MAX : 0);
		for (int i = 0; i < n; i++, number++) {
			check_frame(frames[i], number);
			weir_frame_release(frames[i]);
		}
	}
	assert_int_equal(number, 100);
	assert_false(nic->class->arm(nic, 0));
	assert_int_equal(receive(nic, pool, frames, NIC_BATCH), 0);
	assert_int_equal(*nic->rx_missed, 0);
	nic_close(nic);
	frame_pool_destroy(pool);
}

// Each handing out is a copy: what is done to one frame is not seen in the next round.
static void loop(void **state)
{
	struct frame_pool *pool = frame_pool_create(NIC_BATCH, NIC_BATCH);
	struct weir_frame *frames[NIC_BATCH];
	struct nic *nic;

	(void)state;
	write_frames("loop.pcap", 5);
	nic = open_replay("loop.pcap", ",loop");
	for (int round = 0; round < 1000; round++) {
		assert_true(nic->class->arm(nic, 0));
		assert_int_equal(nic->class->next_ns(nic, 0), 0);
		assert_int_equal(receive(nic, pool, frames, 64), 64);
		for (int i = 0; i < 64; i++) {
			check_frame(frames[i], (round * 64 + i) % 5);
			memset(frames[i]->data - frames[i]->headroom, 0xee,
				frames[i]->headroom + frames[i]->size);
			weir_frame_release(frames[i]);
		}
	}
	nic_close(nic);
	frame_pool_destroy(pool);
}

static void waits_for_buffers(void **state)
{
	struct frame_pool *pool = frame_pool_create(3, 0);
	struct weir_frame *frames[8];
	struct nic *nic;

	(void)state;
	write_frames("few.pcap", 4);
	nic = open_replay("few.pcap", "");
	assert_int_equal(receive(nic, pool, frames, 8), 3);
	assert_int_equal(receive(nic, pool, frames + 3, 5), 0);
	assert_true(nic->class->arm(nic, 0));
	weir_frame_release(frames[0]);
	assert_int_equal(receive(nic, pool, frames + 3, 5), 1);
	check_frame(frames[3], 3);
	for (int i = 1; i < 4; i++)
		weir_frame_release(frames[i]);
	nic_close(nic);
	frame_pool_destroy(pool);
}

static void takes_what_is_sent(void **state)
{
	struct frame_pool *pool = frame_pool_create(1, 0);
	struct weir_frame *frame = frame_alloc(pool, 60);
	unsigned lost = 0;
	struct nic *nic;

	(void)state;
	write_frames("sink.pcap", 1);
	nic = open_replay("sink.pcap", "");
	assert_int_equal(nic->class->transmit(nic, 0, &frame, 1, &lost), 1);
	assert_int_equal(frame_pool_in_use(pool), 0);
	assert_int_equal(nic->class->receive_fd(nic, 0), -1);
	nic_close(nic);
	frame_pool_destroy(pool);
}

// At next_ns the next frame comes, and not 1 ns earlier.
static void due_exactly(void **state)
{
	static const uint64_t rates[] = { 1, 3, 7, 1000, 999983, 14880952, 1000000000 };
	struct frame_pool *pool = frame_pool_create(NIC_BATCH, NIC_BATCH);
	struct weir_frame *frame;

	(void)state;
	write_frames("paced.pcap", 10);
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		uint64_t start = 123456789012345, now = start, next;
		char with[64];
		struct nic *nic;

		snprintf(with, sizeof(with), ",loop,pps=%llu", (unsigned long long)rates[i]);
		nic = open_replay("paced.pcap", with);
		replay_set_clock(nic, virtual_now, &now);
		for (uint64_t n = 0; n < 500; n++) {
			assert_true(nic->class->arm(nic, 0));
			assert_int_equal(nic->class->next_ns(nic, 0), 0);
			assert_int_equal(receive(nic, pool, &frame, 1), 1);
			check_frame(frame, (int)(n % 10));
			weir_frame_release(frame);
			assert_int_equal(receive(nic, pool, &frame, 1), 0);
			assert_false(nic->class->arm(nic, 0));
			next = nic->class->next_ns(nic, 0);
			assert_int_equal(next - start,
				((unsigned __int128)(n + 1) * NS_PER_S + rates[i] - 1) / rates[i]);
			now = next - 1;
			if (now > start + n * NS_PER_S / rates[i])
				assert_int_equal(receive(nic, pool, &frame, 1), 0);
			now = next;
		}
		assert_int_equal(*nic->rx_missed, 0);
		nic_close(nic);
	}
	frame_pool_destroy(pool);
}

// A receive ring as a NIC has one, simulated frame by frame.
struct model {
	uint64_t pps, due, missed;
	unsigned head, tail;
	int ring[REPLAY_RING];
	int n_frames;
	bool loop;
};

static void model_advance(struct model *model, uint64_t elapsed)
{
	while ((model->loop || model->due < (uint64_t)model->n_frames) &&
		(unsigned __int128)model->due * NS_PER_S <=
			(unsigned __int128)elapsed * model->pps) {
		if (model->head - model->tail == REPLAY_RING)
			model->missed++;
		else
			model->ring[model->head++ % REPLAY_RING] = (int)(model->due %
									 (uint64_t)model->n_frames);
		model->due++;
	}
}

static void follow_model(bool loops, unsigned seed)
{
	struct model model = {
		.pps = 1 + (uint64_t)rand_r(&seed) % 5000000, .n_frames = 23, .loop = loops
	};
	struct frame_pool *pool = frame_pool_create(NIC_BATCH, NIC_BATCH);
	uint64_t start = 1000, now = start;
	struct weir_frame *frames[NIC_BATCH];
	char with[64];
	struct nic *nic;

	if (!loops)
		model.pps = 1 + model.pps % 5000;
	snprintf(with, sizeof(with), "%s,pps=%llu", loops ? ",loop" : "",
		(unsigned long long)model.pps);
	nic = open_replay("model.pcap", with);
	replay_set_clock(nic, virtual_now, &now);
	for (int step = 0; step < 400; step++) {
		unsigned max = 1 + (unsigned)rand_r(&seed) % NIC_BATCH;
		int n = receive(nic, pool, frames, max);

		model_advance(&model, now - start);
		for (int i = 0; i < n; i++, model.tail++) {
			assert_true(model.tail != model.head);
			check_frame(frames[i], model.ring[model.tail % REPLAY_RING]);
			weir_frame_release(frames[i]);
		}
		assert_true(n == (int)max || model.head == model.tail);
		assert_int_equal(*nic->rx_missed, model.missed);
		now += (uint64_t)rand_r(&seed) % (rand_r(&seed) % 20 ? 40000 : 2000000);
	}
	print_message("pps %llu: %llu due, %llu missed\n", (unsigned long long)model.pps,
		(unsigned long long)model.due, (unsigned long long)model.missed);
	nic_close(nic);
	frame_pool_destroy(pool);
}

static void paced_like_the_model(void **state)
{
	(void)state;
	write_frames("model.pcap", 23);
	for (unsigned seed = 1; seed <= (WEIR_SANITIZED ? 4 : 20); seed++) {
		follow_model(true, seed);
		follow_model(false, seed);
	}
}

static void paced_once(void **state)
{
	struct frame_pool *pool = frame_pool_create(NIC_BATCH, NIC_BATCH);
	struct weir_frame *frames[NIC_BATCH];
	uint64_t now = 5;
	struct nic *nic;
	int n, total = 0;

	(void)state;
	write_frames("long.pcap", 3000);
	nic = open_replay("long.pcap", ",pps=1000");
	replay_set_clock(nic, virtual_now, &now);
	assert_int_equal(nic->class->next_ns(nic, 0), 0); // the clock starts here
	now += (uint64_t)3600 * NS_PER_S;
	while ((n = receive(nic, pool, frames, NIC_BATCH))) {
		for (int i = 0; i < n; i++)
			weir_frame_release(frames[i]);
		total += n;
	}
	assert_int_equal(total, REPLAY_RING);
	assert_int_equal(*nic->rx_missed, 3000 - REPLAY_RING);
	assert_false(nic->class->arm(nic, 0));
	assert_int_equal(nic->class->next_ns(nic, 0), UINT64_MAX);
	nic_close(nic);
	frame_pool_destroy(pool);
}

// Years without a look overflow nothing.
static void long_sleep(void **state)
{
	struct frame_pool *pool = frame_pool_create(NIC_BATCH, NIC_BATCH);
	uint64_t now = 0, years = (uint64_t)500 * 365 * 86400 * NS_PER_S;
	struct weir_frame *frame;
	struct nic *nic;

	(void)state;
	write_frames("year.pcap", 7);
	nic = open_replay("year.pcap", ",pps=1000000000,loop");
	replay_set_clock(nic, virtual_now, &now);
	assert_true(nic->class->arm(nic, 0));
	now = years;
	assert_int_equal(receive(nic, pool, &frame, 1), 1);
	weir_frame_release(frame);
	assert_int_equal(*nic->rx_missed, years + 1 - REPLAY_RING);
	nic_close(nic);
	frame_pool_destroy(pool);
}

static void real_clock(void **state)
{
	struct frame_pool *pool = frame_pool_create(NIC_BATCH, NIC_BATCH);
	struct weir_frame *frame;
	int total = 0;
	struct nic *nic;

	(void)state;
	write_frames("real.pcap", 21);
	nic = open_replay("real.pcap", ",pps=200");
	while (nic->class->next_ns(nic, 0) != UINT64_MAX) {
		if (!receive(nic, pool, &frame, 1)) {
			usleep(1000);
			continue;
		}
		weir_frame_release(frame);
		total++;
	}
	assert_int_equal(total, 21);
	assert_int_equal(*nic->rx_missed, 0);
	nic_close(nic);
	frame_pool_destroy(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once),
		cmocka_unit_test(loop),
		cmocka_unit_test(waits_for_buffers),
		cmocka_unit_test(takes_what_is_sent),
		cmocka_unit_test(due_exactly),
		cmocka_unit_test(paced_like_the_model),
		cmocka_unit_test(paced_once),
		cmocka_unit_test(long_sleep),
		cmocka_unit_test(real_clock),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
