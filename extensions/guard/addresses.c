// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

// ---- Ethernet

static int compare_macs(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct mac));
}

int macs_add(struct macs *macs, const uint8_t mac[6])
{
	struct mac *grown = realloc(macs->items, (macs->n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	macs->items = grown;
	memcpy(grown[macs->n++].bytes, mac, sizeof(grown->bytes));
	return 0;
}

void macs_sort(struct macs *macs)
{
	if (macs->n)
		qsort(macs->items, macs->n, sizeof(*macs->items), compare_macs);
}

bool macs_have(const struct macs *macs, const uint8_t mac[6])
{
	return macs->n && bsearch(mac, macs->items, macs->n, sizeof(*macs->items), compare_macs);
}

// ---- IP

// The length behind the slash, bits when there is none; -1: it is no number up to bits.
static int prefix_length(const char *slash, int bits)
{
	char *end;
	long length;

	if (!slash)
		return bits;
	if (slash[1] < '0' || slash[1] > '9')
		return -1;
	length = strtol(slash + 1, &end, 10);
	return *end || length > bits ? -1 : (int)length;
}

// length: of the prefix in the 16 bytes behind the family.
static void fill(struct ip_range *range, const uint8_t key[IP_KEY], int length)
{
	range->first[0] = range->last[0] = key[0];
	for (int i = 0; i < IP_KEY - 1; i++) {
		int kept = length - 8 * i;
		uint8_t host = (uint8_t)(kept >= 8 ? 0 : kept <= 0 ? 0xff : 0xff >> kept);

		range->first[i + 1] = (uint8_t)(key[i + 1] & ~host);
		range->last[i + 1] = key[i + 1] | host;
	}
}

static int parse(const char *text, struct ip_range *range, struct weir_error *error)
{
	const char *slash = strchr(text, '/');
	int bits = strchr(text, ':') ? 128 : 32, length = prefix_length(slash, bits);
	char address[INET6_ADDRSTRLEN];
	uint8_t key[IP_KEY] = { bits == 128 ? 6 : 4 };
	size_t size = slash ? (size_t)(slash - text) : strlen(text);

	if (size < sizeof(address)) {
		memcpy(address, text, size);
		address[size] = '\0';
	}
	if (size >= sizeof(address) || inet_pton(bits == 128 ? AF_INET6 : AF_INET, address,
					       bits == 128 ? key + 1 : key + IP_KEY - 4) != 1)
		return weir_refuse(error, -EINVAL, "address",
			"address \"%s\": must be an IPv4 or IPv6 address or prefix", text);
	if (length < 0)
		return weir_refuse(error, -EINVAL, "address",
			"address \"%s\": prefix length must be 0 to %d", text, bits);
	fill(range, key, length + 128 - bits);
	return 0;
}

int ip_ranges_add(struct ip_ranges *ranges, const char *text, struct weir_error *error)
{
	struct ip_range range, *grown;
	int failed = parse(text, &range, error);

	if (failed)
		return failed;
	grown = realloc(ranges->items, (ranges->n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	ranges->items = grown;
	grown[ranges->n++] = range;
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	return memcmp(
		((const struct ip_range *)a)->first, ((const struct ip_range *)b)->first, IP_KEY);
}

void ip_ranges_sort(struct ip_ranges *ranges)
{
	struct ip_range *items = ranges->items;
	size_t n = 0;

	if (ranges->n)
		qsort(items, ranges->n, sizeof(*items), compare_ranges);
	for (size_t i = 0; i < ranges->n; i++) {
		if (n == 0 || memcmp(items[i].first, items[n - 1].last, IP_KEY) > 0)
			items[n++] = items[i];
		else if (memcmp(items[i].last, items[n - 1].last, IP_KEY) > 0)
			memcpy(items[n - 1].last, items[i].last, IP_KEY);
	}
	ranges->n = n;
}

static int compare_to_range(const void *key, const void *item)
{
	const struct ip_range *range = item;

	return memcmp(key, range->first, IP_KEY) < 0  ? -1
	       : memcmp(key, range->last, IP_KEY) > 0 ? 1
						      : 0;
}

static bool have(const struct ip_ranges *ranges, const uint8_t key[IP_KEY])
{
	return ranges->n &&
	       bsearch(key, ranges->items, ranges->n, sizeof(*ranges->items), compare_to_range);
}

bool ip_ranges_have_v6(const struct ip_ranges *ranges, const uint8_t address[16])
{
	uint8_t key[IP_KEY] = { 6 };

	memcpy(key + 1, address, 16);
	return have(ranges, key);
}

bool ip_ranges_have_v4(const struct ip_ranges *ranges, const uint8_t address[4])
{
	uint8_t key[IP_KEY] = { 4 };

	memcpy(key + IP_KEY - 4, address, 4);
	return have(ranges, key);
}
