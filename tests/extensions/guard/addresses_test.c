// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Sets of addresses against a search that looks at each prefix by itself.
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "addresses.h"

static void texts(void **state)
{
	static const struct {
		const char *text, *inside, *outside, *refusal;
	} rows[] = {
		{ "10.0.0.1", "10.0.0.1", "10.0.0.2", NULL },
		{ "10.0.0.77/24", "10.0.0.0", "10.0.1.0", NULL }, // bits behind the length
		{ "0.0.0.0/0", "255.255.255.255", "::ffff:0", NULL },
		{ "10.0.0.1/31", "10.0.0.0", "10.0.0.2", NULL },
		{ "2001:db8::/32", "2001:db8:ffff::1", "2001:db9::", NULL },
		{ "2001:db8::1", "2001:db8::1", "2001:db8::2", NULL },
		{ "fe80::/10", "febf::1", "fec0::1", NULL },
		// Each family by itself, also where IPv6 has a place for IPv4's (RFC
		// 4291, 2.5.5.2).
		{ "::/0", "::1", "10.0.0.1", NULL },
		{ "::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "255.255.255.255", NULL },
		{ "::ffff:0:0/96", "::ffff:10.0.0.1", "10.0.0.1", NULL },
		{ "10.0.0.1", "10.0.0.1", "::ffff:10.0.0.1", NULL },
		{ "0.0.0.0/0", "0.0.0.0", "::", NULL },
		{ "10.0.0.0/33", NULL, NULL,
			"address \"10.0.0.0/33\": prefix length must be 0 to 32" },
		{ "10.0.0.0/", NULL, NULL, "address \"10.0.0.0/\": prefix length must be 0 to 32" },
		{ "10.0.0.0/-1", NULL, NULL,
			"address \"10.0.0.0/-1\": prefix length must be 0 to 32" },
		{ "::/129", NULL, NULL, "address \"::/129\": prefix length must be 0 to 128" },
		{ "::/1x", NULL, NULL, "address \"::/1x\": prefix length must be 0 to 128" },
		{ "10.0.0", NULL, NULL,
			"address \"10.0.0\": must be an IPv4 or IPv6 address or prefix" },
		{ "vm1", NULL, NULL, "address \"vm1\": must be an IPv4 or IPv6 address or prefix" },
		{ "1234:1234:1234:1234:1234:1234:1234:1234:1234:1234", NULL, NULL,
			"must be an IPv4 or IPv6 address or prefix" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *looked_up[] = { rows[i].inside, rows[i].outside };
		struct ip_ranges ranges = { 0 };
		struct weir_error error = { 0 };
		int failed = ip_ranges_add(&ranges, rows[i].text, &error);

		assert_int_equal(failed, rows[i].refusal ? -EINVAL : 0);
		if (failed && !strstr(error.message, rows[i].refusal))
			fail_msg("%s: %s", rows[i].text, error.message);
		ip_ranges_sort(&ranges);
		for (unsigned k = 0; k < 2 && !failed; k++) {
			uint8_t bytes[16];
			bool found;

			if (!looked_up[k])
				continue;
			if (inet_pton(AF_INET, looked_up[k], bytes) == 1)
				found = ip_ranges_have_v4(&ranges, bytes);
			else
				found = inet_pton(AF_INET6, looked_up[k], bytes) == 1 &&
					ip_ranges_have_v6(&ranges, bytes);
			if (found != (k == 0))
				fail_msg("%s in %s: %d", looked_up[k], rows[i].text, found);
		}
		free(ranges.items);
	}
}

enum { PREFIXES = 40, ROUNDS = 200, LOOKUPS = 500 };

// Few bits differ, so that prefixes nest, touch and coincide.
static void random_address(uint8_t address[4])
{
	uint32_t bits = htonl(0x0a000000 | (uint32_t)(rand() & 0x3ff));

	memcpy(address, &bits, 4);
}

static void random_sets(void **state)
{
	(void)state;
	srand(1);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t first[PREFIXES], last[PREFIXES];
		struct ip_ranges ranges = { 0 };

		for (unsigned i = 0; i < PREFIXES; i++) {
			uint8_t a[4];
			char text[32];
			uint32_t host, length = 24 + (uint32_t)rand() % 9;

			random_address(a);
			snprintf(text, sizeof(text), "%u.%u.%u.%u/%u", a[0], a[1], a[2], a[3],
				length);
			assert_int_equal(ip_ranges_add(&ranges, text, NULL), 0);
			memcpy(&first[i], a, 4);
			host = (uint32_t)(UINT64_C(0xffffffff) >> length);
			first[i] = ntohl(first[i]) & ~host;
			last[i] = first[i] | host;
		}
		ip_ranges_sort(&ranges);
		for (unsigned k = 0; k < LOOKUPS; k++) {
			bool expected = false;
			uint32_t address;
			uint8_t a[4];

			random_address(a);
			memcpy(&address, a, 4);
			address = ntohl(address);
			for (unsigned i = 0; i < PREFIXES; i++)
				expected |= first[i] <= address && address <= last[i];
			assert_int_equal(ip_ranges_have_v4(&ranges, a), expected);
		}
		free(ranges.items);
	}
}

static void ethernet(void **state)
{
	struct macs macs = { 0 };
	uint8_t mac[6] = { 2 };

	(void)state;
	macs_sort(&macs);
	assert_false(macs_have(&macs, mac));
	for (unsigned i = 0; i < 100; i++) {
		mac[5] = (uint8_t)(i * 37);
		assert_int_equal(macs_add(&macs, mac), 0);
	}
	macs_sort(&macs);
	for (unsigned i = 0; i < 256; i++) {
		bool expected = false;

		for (unsigned k = 0; k < 100; k++)
			expected |= (uint8_t)(k * 37) == i;
		mac[5] = (uint8_t)i;
		assert_int_equal(macs_have(&macs, mac), expected);
	}
	free(macs.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(random_sets),
		cmocka_unit_test(ethernet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
