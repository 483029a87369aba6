// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "prefix_families.h"

enum { STEPS = 32 };

// The first `length` bits of an address, on one side.
static void set(struct classify_rule *rule, bool local, const uint8_t address[16], unsigned length)
{
	uint8_t *to = local ? rule->local : rule->remote;

	for (unsigned i = 0; i < length; i++)
		to[i / 8] |= address[i / 8] & 0x80 >> i % 8;
	*(local ? &rule->local_length : &rule->remote_length) = (uint8_t)length;
}

static void draw_flat(struct classify_rule *rule, unsigned l3, unsigned length, uint64_t *random)
{
	uint8_t address[16];

	rule->l3 = (uint8_t)l3;
	family_address(address, random);
	if (l3 == WEIR_L3_IPV6) { // sites, with networks of theirs
		memcpy(address, "\x20\x01\x0d\xb8", 4);
		address[4] &= 3;
	}
	set(rule, false, address, length);
}

static void draw_hosts(struct classify_rule *rule, uint64_t *random, size_t i, size_t n)
{
	(void)i, (void)n;
	draw_flat(rule, WEIR_L3_IPV4, 32, random);
}

static void draw_networks(struct classify_rule *rule, uint64_t *random, size_t i, size_t n)
{
	(void)i, (void)n;
	draw_flat(rule, WEIR_L3_IPV4, 24, random);
}

static void draw_hosts6(struct classify_rule *rule, uint64_t *random, size_t i, size_t n)
{
	(void)i, (void)n;
	draw_flat(rule, WEIR_L3_IPV6, 128, random);
}

static void draw_networks6(struct classify_rule *rule, uint64_t *random, size_t i, size_t n)
{
	(void)i, (void)n;
	draw_flat(rule, WEIR_L3_IPV6, 64, random);
}

// Chains of prefixes around an address, of all lengths that are multiples of `step`. Where a short
// one is taken by another chain already, an address is in its place.
static void draw_chain(struct classify_rule *rule, unsigned l3, unsigned step, bool local,
	uint64_t *random, size_t i)
{
	unsigned longest = l3 == WEIR_L3_IPV6 ? 128 : 32, n = longest / step;
	unsigned length = (unsigned)(i % n + 1) * step;
	uint64_t seed = i / n;
	uint8_t address[16];

	rule->l3 = (uint8_t)l3;
	family_address(address, &seed);
	// No two chains agree in 16 bits.
	seed = i / n * 40503 + local * 20000;
	address[0] = (uint8_t)(seed >> 8);
	address[1] = (uint8_t)seed;
	if (i >= n && length < 16) {
		family_address(address, random);
		length = longest;
	}
	set(rule, local, address, length);
}

static void draw_ladders(struct classify_rule *rule, uint64_t *random, size_t i, size_t n)
{
	(void)n;
	draw_chain(rule, WEIR_L3_IPV4, 1, i & 1, random, i / 2);
}

static void draw_ladders6(struct classify_rule *rule, uint64_t *random, size_t i, size_t n)
{
	(void)n;
	draw_chain(rule, WEIR_L3_IPV6, 1, i & 1, random, i / 2);
}

// With those of all lengths on both sides, 64 meters count a frame: as many as can.
static void draw_meters6(struct classify_rule *rule, uint64_t *random, size_t i, size_t n)
{
	(void)n;
	draw_chain(rule, WEIR_L3_IPV6, 4, i & 1, random, i / 2);
}

static const struct prefix_family families_of_prefixes[] = {
	{ { "hosts", "IPv4 addresses", draw_hosts }, false },
	{ { "networks", "IPv4 networks of 24 bits", draw_networks }, false },
	{ { "hosts6", "IPv6 addresses of some sites", draw_hosts6 }, false },
	{ { "networks6", "IPv6 networks of 64 bits", draw_networks6 }, false },
	{ { "ladders", "nested prefixes of all lengths, IPv4, local and remote", draw_ladders },
		false },
	{ { "ladders6", "the same of IPv6", draw_ladders6 }, false },
	{ { "meters", "as ladders; all meter", draw_ladders }, true },
	{ { "meters6", "32 nested prefixes of IPv6, local and remote; all meter", draw_meters6 },
		true },
	{ { "hostmeters", "IPv4 addresses; all meter", draw_hosts }, true },
	{ { NULL, NULL, NULL }, false },
};

const struct prefix_family *prefix_family_at(unsigned i)
{
	return families_of_prefixes[i].family.name ? &families_of_prefixes[i] : NULL;
}

const struct prefix_family *prefix_family_find(const char *name)
{
	for (const struct prefix_family *f = families_of_prefixes; f->family.name; f++)
		if (!strcmp(f->family.name, name))
			return f;
	return NULL;
}
