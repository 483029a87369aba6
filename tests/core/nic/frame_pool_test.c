// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "nic/frame_pool.h"

static void sizes(void **state)
{
	static const uint32_t fit[] = { 0, 1, 60, 2047, 2048, 2049, 9014, WEIR_FRAME_MAX };
	struct frame_pool *pool = frame_pool_create(4, 4);

	(void)state;
	for (size_t i = 0; i < sizeof(fit) / sizeof(fit[0]); i++) {
		struct weir_frame *frame = frame_alloc(pool, fit[i]);

		print_message("%u bytes\n", fit[i]);
		assert_non_null(frame);
		assert_int_equal(frame->refs, 1);
		assert_int_equal(frame->size, 0);
		assert_int_equal(frame->linear, 0);
		assert_int_equal(frame->headroom, WEIR_FRAME_HEADROOM);
		assert_null(frame->segments);
		assert_int_equal(frame->offload.gso_size, 0);
		assert_int_equal((uintptr_t)frame->data % 64, 0);
		memset(frame->data - frame->headroom, 0xa5, frame->headroom + fit[i]);
		assert_int_equal(frame_pool_in_use(pool), 1);
		frame->offload.gso_size = 7;
		frame->flags = 7;
		weir_frame_release(frame);
		assert_int_equal(frame_pool_in_use(pool), 0);
	}
	assert_null(frame_alloc(pool, WEIR_FRAME_MAX + 1));
	assert_null(frame_alloc(pool, UINT32_MAX));
	frame_pool_destroy(pool);
	frame_pool_destroy(NULL);
	assert_null(frame_pool_create(UINT32_MAX, 1));
}

// Each class ends at its own number, and what came back last goes out first.
static void used_up(void **state)
{
	static const uint32_t size[] = { 2048, 2049 };
	struct frame_pool *pool = frame_pool_create(3, 2);
	struct weir_frame *frames[2][3], *again;

	(void)state;
	for (int class = 0; class < 2; class ++) {
		int n = 3 - class;

		for (int i = 0; i < n; i++)
			assert_non_null(frames[class][i] = frame_alloc(pool, size[class]));
		assert_null(frame_alloc(pool, size[class]));
		weir_frame_release(frames[class][0]);
		weir_frame_release(frames[class][1]);
		again = frame_alloc(pool, size[class]);
		assert_ptr_equal(again, frames[class][1]);
		frames[class][0] = again;
		frames[class][1] = frame_alloc(pool, size[class]);
		assert_non_null(frames[class][1]);
	}
	assert_int_equal(frame_pool_in_use(pool), 5);
	for (int class = 0; class < 2; class ++)
		for (int i = 0; i < 3 - class; i++)
			weir_frame_release(frames[class][i]);
	assert_int_equal(frame_pool_in_use(pool), 0);
	frame_pool_destroy(pool);
}

struct held {
	struct weir_frame *frame;
	uint32_t size;
	uint8_t fill;
};

static void check_held(const struct held *held)
{
	assert_int_equal(held->frame->size, held->size);
	for (uint32_t i = 0; i < held->size; i++)
		if (held->frame->data[i] != held->fill)
			fail_msg("byte %u of a frame of %u bytes was overwritten", i, held->size);
}

// Random allocations and releases: no frame's bytes are ever another's.
static void random_use(void **state)
{
	enum { SMALL = 40, LARGE = 10, STEPS = 20000 };
	struct frame_pool *pool = frame_pool_create(SMALL, LARGE);
	struct held held[SMALL + LARGE];
	unsigned n = 0, n_small = 0, n_large = 0;

	(void)state;
	srandom(1);
	for (int step = 0; step < STEPS; step++) {
		if (random() % 2) {
			bool large = random() % 8 == 0;
			uint32_t size = large ? 2049 + (uint32_t)random() % 9000
					      : (uint32_t)random() % 2049;
			struct weir_frame *frame = frame_alloc(pool, size);

			assert_int_equal(frame != NULL, large ? n_large < LARGE : n_small < SMALL);
			if (!frame)
				continue;
			*(large ? &n_large : &n_small) += 1;
			held[n] = (struct held){ frame, size, (uint8_t)random() };
			frame->size = frame->linear = size;
			memset(frame->data - frame->headroom, ~held[n].fill, frame->headroom);
			memset(frame->data, held[n].fill, size);
			n++;
		} else if (n) {
			unsigned i = (unsigned)random() % n;

			check_held(&held[i]);
			*(held[i].size > 2048 ? &n_large : &n_small) -= 1;
			weir_frame_release(held[i].frame);
			held[i] = held[--n];
		}
		assert_int_equal(frame_pool_in_use(pool), n);
	}
	while (n--) {
		check_held(&held[n]);
		weir_frame_release(held[n].frame);
	}
	frame_pool_destroy(pool);
}

static size_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long total, resident;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu %lu", &total, &resident), 2);
	fclose(file);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

// 33 MB of small and 134 MB of large buffers stay reserved while few are in flight.
static void resident(void **state)
{
	size_t before = resident_bytes(), after;
	struct frame_pool *pool = frame_pool_create(16384, 2048);
	struct weir_frame *frames[64];

	(void)state;
	assert_non_null(pool);
	for (int round = 0; round < 1000; round++) {
		for (int i = 0; i < 64; i++) {
			frames[i] = frame_alloc(pool, i % 16 ? 2048 : WEIR_FRAME_MAX);
			memset(frames[i]->data, round, i % 16 ? 2048 : WEIR_FRAME_MAX);
		}
		for (int i = 0; i < 64; i++)
			weir_frame_release(frames[i]);
	}
	after = resident_bytes();
	print_message("%zu KB more\n", (after - before) / 1024);
	// Two huge pages, and what AddressSanitizer's shadow needs for the whole pool.
	assert_true(after < before + (30 << 20));
	frame_pool_destroy(pool);
}

static void clones_are_private(void **state)
{
	struct frame_pool *pool = frame_pool_create(2, 1);
	struct weir_segment last = { NULL, (const uint8_t *)"ghi", 3 };
	struct weir_segment middle = { &last, (const uint8_t *)"ef", 2 };
	struct weir_frame *frame = frame_alloc(pool, 100), *clone;
	char bytes[16] = "";

	(void)state;
	memcpy(frame->data, "abcd", 4);
	frame->linear = 4;
	frame->size = 9;
	frame->segments = &middle;
	frame->refs = 5;
	frame->port = 77;
	frame->hash = 99;
	frame->hops = 2;
	frame->flags = WEIR_FRAME_ORIGINATED;
	frame->offload = (struct virtio_net_hdr){ .gso_type = 1, .gso_size = 1448, .hdr_len = 66 };
	assert_int_equal(frame_copy_bytes(frame, bytes, 6), 6);
	assert_string_equal(bytes, "abcdef");
	assert_int_equal(frame_copy_bytes(frame, bytes, 16), 9);
	assert_string_equal(bytes, "abcdefghi");
	assert_int_equal(frame_copy_bytes(frame, bytes, 0), 0);

	clone = frame_clone(pool, frame);
	assert_non_null(clone);
	assert_int_equal(clone->size, 9);
	assert_int_equal(clone->linear, 9);
	assert_null(clone->segments);
	assert_memory_equal(clone->data, "abcdefghi", 9);
	assert_int_equal(clone->refs, 1);
	assert_int_equal(frame->refs, 5);
	assert_int_equal(clone->port, 77);
	assert_int_equal(clone->hash, 99);
	assert_int_equal(clone->hops, 2);
	assert_int_equal(clone->flags, WEIR_FRAME_ORIGINATED);
	assert_memory_equal(&clone->offload, &frame->offload, sizeof(clone->offload));
	assert_int_equal(clone->headroom, WEIR_FRAME_HEADROOM);
	assert_null(frame_clone(pool, frame));
	weir_frame_release(clone);
	frame->segments = NULL;
	frame->refs = 1;
	weir_frame_release(frame);
	frame_pool_destroy(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(used_up),
		cmocka_unit_test(random_use),
		cmocka_unit_test(resident),
		cmocka_unit_test(clones_are_private),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
