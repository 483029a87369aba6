// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What is remembered of fragments: which are of one datagram, and the table.
#include "frames.h"

#include <arpa/inet.h>
#include <pthread.h>

#include "datapath/fragment.h"

// ---- Datagrams

#define FRAG(next, offset, id) next "00" offset id
#define V4(id, fragment, proto)                                                                    \
	MACS "0800 4500 0024" id fragment "40" proto "0000" IP4_ADDR "0000000000000000"            \
	     "0000000000000000"

static const struct datagram_row {
	const char *name, *frame;
	uint32_t id; // 0: it is no fragment
	uint8_t proto;
} rows[] = {
	{ "whole, RFC 791 3.1", V4("1234", "0000", "11"), 0, 0 },
	{ "do not fragment", V4("1234", "4000", "11"), 0, 0 },
	{ "first", V4("1234", "2000", "11"), 0x1234, 17 },
	{ "later", V4("1234", "2003", "11"), 0x1234, 17 },
	{ "last", V4("1234", "0003", "11"), 0x1234, 17 },
	{ "another protocol", V4("1234", "0003", "06"), 0x1234, 6 },
	{ "of VLAN 10", MACS TAG("000a") "0800 4500 001c 1234 2000 40 11 0000" IP4_ADDR UDP_HEADER,
		0x1234, 17 },
	{ "behind two tags",
		MACS STAG("000a")
			TAG("000b") "0800 4500 001c 1234 0003 40 11 0000" IP4_ADDR UDP_HEADER,
		0x1234, 17 },
	{ "IPv6, whole", MACS "86dd" IP6("0008", "11") UDP_HEADER, 0, 0 },
	{ "IPv6, first, RFC 8200 4.5",
		MACS "86dd" IP6("0010", "2c") FRAG("11", "0001", "12345678") UDP_HEADER, 0x12345678,
		0 },
	{ "IPv6, later", MACS "86dd" IP6("0010", "2c") FRAG("11", "0019", "12345678") UDP_HEADER,
		0x12345678, 0 },
	{ "IPv6, later, of another protocol, or so it says",
		MACS "86dd" IP6("0010", "2c") FRAG("3b", "0019", "12345678") UDP_HEADER, 0x12345678,
		0 },
	{ "IPv6, behind options",
		MACS "86dd" IP6("0018", "3c") "2c00 010400000000" FRAG("11", "0001", "12345678")
			UDP_HEADER,
		0x12345678, 0 },
	{ "IPv6, atomic, RFC 6946",
		MACS "86dd" IP6("0010", "2c") FRAG("11", "0000", "12345678") UDP_HEADER, 0, 0 },
	{ "IPv6, a chain that ends behind it, RFC 7112",
		MACS "86dd" IP6("0008", "2c") FRAG("3c", "0001", "12345678"), 0x12345678, 0 },
	{ "IPv6, cut inside it", MACS "86dd" IP6("0004", "2c") "11000001", 0, 0 },
	{ "ARP", MACS "0806 0001 0800 0604 0001 020000000001 0a000001 000000000000 0a000002", 0,
		0 },
};

static void fragments_are_of_a_datagram(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t bytes[HEX_MAX];
		struct weir_frame frame = plain_frame(bytes, hex_bytes(rows[i].frame, bytes));
		struct frame_datagram d = { .id = 0 };

		if (frame_datagram(&frame, &d) != (rows[i].id != 0))
			fail_msg("%s", rows[i].name);
		if (rows[i].id == 0)
			continue;
		if (ntohl(d.l3_kind == WEIR_L3_IPV4 ? d.id << 16 : d.id) != rows[i].id ||
			d.proto != rows[i].proto)
			fail_msg("%s: id %x proto %u", rows[i].name, d.id, d.proto);
		if (d.l3_kind == WEIR_L3_IPV4) {
			assert_int_equal(d.addresses[0], htonl(0x0a000001));
			assert_int_equal(d.addresses[2], htonl(0x0a000002));
			assert_int_equal(d.addresses[1] | d.addresses[3], 0);
		} else {
			assert_memory_equal(d.addresses, bytes + 22, 32);
		}
	}
}

// ---- The table

static struct fragment_table *table;

static int setup(void **state)
{
	(void)state;
	table = fragment_table_create();
	return table ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fragment_table_destroy(table);
	return 0;
}

static struct fragment_key key_of(uint64_t number)
{
	return (struct fragment_key){ { 1, number, 2, 0, 3, 0 } };
}

static void put(uint64_t number, uint16_t reason, uint32_t now_s)
{
	struct fragment_key key = key_of(number);

	fragment_put(table, &key,
		&(struct fragment_verdict){ .policer = reason, .reason = reason, .drops = true },
		now_s, now_s + 7);
}

// The reason; 0: it is not remembered.
static unsigned look(uint64_t number, uint32_t now_s)
{
	struct fragment_key key = key_of(number);
	struct fragment_verdict verdict;
	uint32_t at;

	if (!fragment_look(table, &key, now_s, &verdict, &at))
		return 0;
	assert_true(verdict.drops);
	assert_int_equal(verdict.policer, verdict.reason);
	return verdict.reason;
}

static void what_was_put_is_found_for_its_time(void **state)
{
	static const struct {
		uint32_t put_s, look_s;
		bool found;
	} times[] = {
		{ 100, 100, true },
		{ 100, 99, true }, // by a worker whose batch began before
		{ 100, 129, true },
		{ 100, 130, false },
		{ 100, 1000000, false },
		{ 0, 29, true },
		{ UINT32_MAX - 5, 10, true },
		{ UINT32_MAX - 5, 24, false },
	};

	(void)state;
	assert_int_equal(look(1, 0), 0);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		put(1, (uint16_t)(i + 1), times[i].put_s); // instead of the one before
		assert_int_equal(look(2, times[i].look_s), 0);
		if (look(1, times[i].look_s) != (times[i].found ? i + 1 : 0))
			fail_msg("row %zu", i);
	}
	assert_int_equal(fragment_n_pushed_out(table), 0);
}

static void every_part_of_the_key_counts(void **state)
{
	struct fragment_key key = key_of(1), other;
	struct fragment_verdict verdict = { 0 };
	uint32_t at = 0;

	(void)state;
	fragment_put(table, &key, &verdict, 100, 5);
	assert_true(fragment_look(table, &key, 100, &verdict, &at));
	assert_int_equal(at, 5);
	for (unsigned bit = 0; bit < 384; bit++) {
		other = key;
		other.w[bit / 64] ^= UINT64_C(1) << bit % 64;
		assert_false(fragment_look(table, &other, 100, &verdict, &at));
	}
}

// The newest are there, however many come; what had to go for them is counted.
static void a_flood_pushes_out_the_oldest(void **state)
{
	enum { N = 4 * FRAGMENTS_MAX };
	unsigned n_found = 0, n_first = 0;

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		put(i, 1, 100 + i * 4 / N); // four seconds
		assert_int_equal(look(i, 100 + i * 4 / N), 1);
	}
	for (unsigned i = 0; i < N; i++) {
		unsigned found = look(i, 103);

		n_found += found;
		n_first += i < N / 4 ? found : 0;
	}
	assert_in_range(n_found, FRAGMENTS_MAX * 9 / 10, FRAGMENTS_MAX);
	assert_in_range(n_first, 0, n_found / 50);
	assert_int_equal(fragment_n_pushed_out(table), N - n_found);
	// What has had its time is not missed.
	for (unsigned i = 0; i < FRAGMENTS_MAX / 8; i++)
		put(N + i, 1, 200);
	assert_in_range(fragment_n_pushed_out(table), N - n_found, N - n_found + 4);
}

// ---- Workers

enum { ROUNDS = 200000, SHARED = 64 };

// What is found is what somebody put of this datagram, whole.
static void *hammer(void *context)
{
	unsigned seed = *(unsigned *)context, *n_wrong = context;

	*n_wrong = 0;
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t number = i * (2 * seed + 1) % SHARED;
		uint16_t reason = (uint16_t)(number * 7 + 1);
		struct fragment_key key = key_of(number);
		struct fragment_verdict v = { .policer = reason, .reason = reason };
		uint32_t at = reason;

		if (i % 3 == 0)
			fragment_put(table, &key, &v, 100, at);
		else if (fragment_look(table, &key, 100, &v, &at))
			*n_wrong += v.policer != reason || v.reason != reason || at != reason;
	}
	return NULL;
}

static void workers_share_it(void **state)
{
	pthread_t threads[3];
	unsigned contexts[3] = { 0, 1, 2 };

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, &contexts[i]), 0);
	for (unsigned i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(contexts[i], 0);
	}
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fragments_are_of_a_datagram),
		TEST(what_was_put_is_found_for_its_time),
		TEST(every_part_of_the_key_counts),
		TEST(a_flood_pushes_out_the_oldest),
		TEST(workers_share_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
