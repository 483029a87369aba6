// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "classify_families.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { LOCAL, REMOTE };

// A number of a table of shares in percent, which add up to 100.
struct share {
	uint8_t percent;
	uint8_t value;
};

static unsigned pick(const struct share *shares, uint64_t *random)
{
	unsigned at = family_below(random, 100);

	while (at >= shares->percent)
		at -= shares++->percent;
	return shares->value;
}

static void set_prefix(
	struct classify_rule *rule, unsigned side, const uint8_t address[16], unsigned length)
{
	uint8_t *to = side == LOCAL ? rule->local : rule->remote;

	memset(to, 0, 16);
	for (unsigned i = 0; i < length; i++)
		to[i / 8] |= address[i / 8] & 0x80 >> i % 8;
	*(side == LOCAL ? &rule->local_length : &rule->remote_length) = (uint8_t)length;
}

// An address of a site with some networks, each with more and less used subnets and hosts: the
// branching, narrow near the root, is what makes ClassBench's sets unlike uniform ones (Taylor and
// Turner 2007, section IV).
static void site_address(
	uint8_t address[16], unsigned l3, unsigned side, uint64_t *random, size_t n)
{
	uint32_t n_networks = n < 16384 ? 16 : 64;
	uint64_t seed = family_below(random, 1 + family_below(random, n_networks));
	uint8_t *low;

	seed = seed * 2 + side;
	memset(address, 0, 16);
	if (l3 == WEIR_L3_IPV6) {
		uint32_t prefix = htonl(0x20010000 | (uint32_t)(family_random(&seed) & 0xfff));

		memcpy(address, &prefix, 4);
		low = address + 4;
		low[0] = (uint8_t)family_below(random, 1 + family_below(random, 256));
		low[1] = (uint8_t)family_below(random, 256);
		memset(low + 2, 0, 9);
		address[15] = (uint8_t)family_below(random, 256);
		address[14] = (uint8_t)family_below(random, 4);
		return;
	}
	address[0] = (uint8_t)family_random(&seed);
	address[1] = (uint8_t)family_random(&seed);
	address[2] = (uint8_t)family_below(random, 1 + family_below(random, 256));
	address[3] = (uint8_t)family_below(random, 256);
}

static void site_prefix(struct classify_rule *rule, unsigned side, const struct share *lengths,
	uint64_t *random, size_t n)
{
	unsigned length = pick(lengths, random);
	uint8_t address[16];

	site_address(address, rule->l3, side, random, n);
	// A length of IPv4 means as much of the structure of an IPv6 address.
	if (rule->l3 == WEIR_L3_IPV6 && length)
		length = length == 32 ? 128 : length <= 16 ? 24 + length / 2 : 32 + length;
	set_prefix(rule, side, address, length);
}

static void set_ports(struct classify_rule *rule, unsigned side, unsigned min, unsigned max)
{
	if (side == LOCAL) {
		rule->local_port_min = (uint16_t)min;
		rule->local_port_max = (uint16_t)max;
	} else {
		rule->remote_port_min = (uint16_t)min;
		rule->remote_port_max = (uint16_t)max;
	}
}

enum ports { PORTS_ANY, PORTS_HIGH, PORTS_LOW, PORTS_EXACT, PORTS_RANGE };

// The classes of port ranges of ClassBench (its table II).
static void draw_ports(
	struct classify_rule *rule, unsigned side, enum ports ports, uint64_t *random)
{
	static const uint16_t known[] = { 20, 21, 22, 23, 25, 53, 80, 110, 123, 137, 139, 143, 161,
		389, 443, 445, 993, 1433, 1521, 3306, 3389, 5060, 5432, 5900, 6000, 8080, 8443 };
	unsigned n_known = sizeof(known) / sizeof(known[0]), min;

	switch (ports) {
	case PORTS_ANY:
		return;
	case PORTS_HIGH:
		set_ports(rule, side, 1024, 65535);
		return;
	case PORTS_LOW:
		set_ports(rule, side, 0, 1023);
		return;
	case PORTS_EXACT:
		min = family_below(random, 4) ? known[family_below(random, n_known)]
					      : 1024 + family_below(random, 4096);
		set_ports(rule, side, min, min);
		return;
	case PORTS_RANGE:
		min = 1024 + family_below(random, 256) * 32;
		set_ports(rule, side, min, min + family_below(random, 64) * 16);
		return;
	}
}

struct shape {
	uint8_t l3;
	const struct share *local, *remote, *local_ports, *remote_ports;
};

static void draw_any_shape(
	struct classify_rule *rule, const struct shape *shape, uint64_t *random, size_t n)
{
	static const struct share protocols[] = { { 65, IPPROTO_TCP }, { 22, IPPROTO_UDP },
		{ 5, IPPROTO_ICMP }, { 8, 0 } };
	unsigned protocol = pick(protocols, random);

	rule->l3 = shape->l3;
	site_prefix(rule, LOCAL, shape->local, random, n);
	site_prefix(rule, REMOTE, shape->remote, random, n);
	if (!protocol)
		return;
	rule->protocol = (uint16_t)protocol;
	if (protocol == IPPROTO_ICMP) {
		if (family_below(random, 2))
			rule->icmp_type = (uint16_t)family_below(random, 20);
		return;
	}
	draw_ports(rule, LOCAL, pick(shape->local_ports, random), random);
	draw_ports(rule, REMOTE, pick(shape->remote_ports, random), random);
}

static void draw_shape(
	struct classify_rule *rule, const struct shape *shape, uint64_t *random, size_t n)
{
	do {
		*rule = classify_rule_any(rule->id, 0);
		draw_any_shape(rule, shape, random, n);
		// Few rules name nobody, and those name a port: otherwise nothing would miss.
	} while (!rule->local_length && !rule->remote_length &&
		 (rule->local_port_max - rule->local_port_min > 1024 || family_below(random, 4)));
}

// Access lists: servers of ours, named exactly, for networks of others (ClassBench acl1 to acl5).
static void draw_acl_of(struct classify_rule *rule, unsigned l3, uint64_t *random, size_t n)
{
	static const struct share local[] = { { 60, 32 }, { 12, 30 }, { 8, 28 }, { 10, 24 },
		{ 4, 21 }, { 3, 16 }, { 3, 0 } };
	static const struct share remote[] = { { 30, 32 }, { 25, 24 }, { 10, 27 }, { 8, 22 },
		{ 7, 18 }, { 5, 16 }, { 3, 8 }, { 12, 0 } };
	static const struct share local_ports[] = { { 70, PORTS_EXACT }, { 12, PORTS_ANY },
		{ 6, PORTS_HIGH }, { 12, PORTS_RANGE } };
	static const struct share remote_ports[] = { { 97, PORTS_ANY }, { 2, PORTS_HIGH },
		{ 1, PORTS_EXACT } };

	draw_shape(rule, &(struct shape){ (uint8_t)l3, local, remote, local_ports, remote_ports },
		random, n);
}

static void draw_acl(struct classify_rule *rule, uint64_t *random, size_t i, size_t n)
{
	(void)i;
	draw_acl_of(rule, WEIR_L3_IPV4, random, n);
}

static void draw_acl6(struct classify_rule *rule, uint64_t *random, size_t i, size_t n)
{
	(void)i;
	draw_acl_of(rule, WEIR_L3_IPV6, random, n);
}

// Firewalls: one of the addresses is often any, ports are often ranges (ClassBench fw1 to fw5).
static void draw_fw(struct classify_rule *rule, uint64_t *random, size_t i, size_t n)
{
	static const struct share local[] = { { 30, 0 }, { 35, 32 }, { 10, 28 }, { 10, 24 },
		{ 8, 20 }, { 5, 16 }, { 2, 8 } };
	static const struct share remote[] = { { 40, 0 }, { 25, 32 }, { 10, 27 }, { 12, 24 },
		{ 6, 22 }, { 5, 16 }, { 2, 8 } };
	static const struct share local_ports[] = { { 40, PORTS_EXACT }, { 25, PORTS_ANY },
		{ 15, PORTS_HIGH }, { 5, PORTS_LOW }, { 15, PORTS_RANGE } };
	static const struct share remote_ports[] = { { 65, PORTS_ANY }, { 20, PORTS_HIGH },
		{ 5, PORTS_LOW }, { 8, PORTS_EXACT }, { 2, PORTS_RANGE } };

	(void)i;
	draw_shape(rule, &(struct shape){ WEIR_L3_IPV4, local, remote, local_ports, remote_ports },
		random, n);
}

// IP chains: in between (ClassBench ipc1, ipc2).
static void draw_ipc(struct classify_rule *rule, uint64_t *random, size_t i, size_t n)
{
	static const struct share local[] = { { 10, 0 }, { 45, 32 }, { 15, 27 }, { 15, 24 },
		{ 8, 21 }, { 5, 16 }, { 2, 8 } };
	static const struct share remote[] = { { 12, 0 }, { 40, 32 }, { 15, 26 }, { 18, 24 },
		{ 8, 20 }, { 5, 16 }, { 2, 8 } };
	static const struct share local_ports[] = { { 50, PORTS_EXACT }, { 30, PORTS_ANY },
		{ 10, PORTS_HIGH }, { 10, PORTS_RANGE } };
	static const struct share remote_ports[] = { { 72, PORTS_ANY }, { 15, PORTS_EXACT },
		{ 8, PORTS_HIGH }, { 5, PORTS_RANGE } };

	(void)i;
	draw_shape(rule, &(struct shape){ WEIR_L3_IPV4, local, remote, local_ports, remote_ports },
		random, n);
}

static void draw_aligned(
	struct classify_rule *rule, unsigned side, unsigned length, uint64_t *random)
{
	unsigned width = 65536u >> length;
	unsigned min = family_below(random, 65536) & ~(width - 1);

	set_ports(rule, side, min, min + width - 1);
}

// No two rules have the same lengths of both prefixes and both port ranges, so that a table per
// tuple would have one rule each; up to 33 * 33 rules differ in the prefixes alone.
static void draw_tuples(struct classify_rule *rule, uint64_t *random, size_t i, size_t n)
{
	// Coprime to 33 * 33 * 17 * 17, so that all of them come once.
	size_t tuple = n <= 1089 ? i % 1089 : i * 104729 % (1089 * 289);
	uint8_t address[16];

	rule->l3 = WEIR_L3_IPV4;
	rule->protocol = IPPROTO_TCP;
	family_address(address, random);
	set_prefix(rule, LOCAL, address, (unsigned)(tuple % 33));
	family_address(address, random);
	set_prefix(rule, REMOTE, address, (unsigned)(tuple / 33 % 33));
	if (n <= 1089)
		return;
	draw_aligned(rule, LOCAL, (unsigned)(tuple / 1089 % 17), random);
	draw_aligned(rule, REMOTE, (unsigned)(tuple / 1089 / 17), random);
}

// Chains of 32 rules, each inside the one before: prefixes of every length around an address, or
// port ranges around a port between two hosts, or both at once.
static void draw_nested(struct classify_rule *rule, uint64_t *random, size_t i, size_t n)
{
	uint64_t chain = i / 32;
	unsigned step = (unsigned)(i % 32);
	uint8_t local[16], remote[16];

	(void)random, (void)n;
	family_address(local, &chain);
	family_address(remote, &chain);
	rule->l3 = WEIR_L3_IPV4;
	rule->protocol = IPPROTO_UDP;
	set_prefix(rule, LOCAL, local, i / 32 % 3 == 1 ? 32 : step + 1);
	set_prefix(rule, REMOTE, remote, 32);
	if (i / 32 % 3)
		set_ports(rule, REMOTE, step * 1000, 65535 - step * 1000);
}

// Each field is any in half of the rules, whatever the other ones are; but not all, nor all except
// the protocol.
static void draw_wildcards(struct classify_rule *rule, uint64_t *random, size_t i, size_t n)
{
	unsigned given = 1 + family_below(random, 15) + 16 * family_below(random, 2);
	uint8_t address[16];

	(void)i, (void)n;
	rule->l3 = WEIR_L3_IPV4;
	family_address(address, random);
	if (given & 1)
		set_prefix(rule, LOCAL, address, 8 + family_below(random, 25));
	family_address(address, random);
	if (given & 2)
		set_prefix(rule, REMOTE, address, 8 + family_below(random, 25));
	if (given & 4)
		draw_ports(rule, LOCAL, PORTS_EXACT + family_below(random, 2), random);
	if (given & 8)
		draw_ports(rule, REMOTE, PORTS_EXACT + family_below(random, 2), random);
	if (given & 16)
		rule->protocol = family_below(random, 2) ? IPPROTO_TCP : IPPROTO_UDP;
}

// One chain of n port ranges, each inside the one before.
static void draw_chain(struct classify_rule *rule, uint64_t *random, size_t i, size_t n)
{
	(void)random, (void)n;
	rule->l3 = WEIR_L3_IPV4;
	rule->protocol = IPPROTO_TCP;
	set_ports(rule, LOCAL, (unsigned)(i % 32768), (unsigned)(65535 - i % 32768));
	set_ports(rule, REMOTE, (unsigned)(i / 32768), 65535);
}

// Two port ranges, one shifted up by as much as the other one is shifted down: any two rules
// overlap, none contains another, and no cut has rules on both sides.
static void draw_crossing(struct classify_rule *rule, uint64_t *random, size_t i, size_t n)
{
	unsigned shift = (unsigned)(i % 32768);

	(void)random, (void)n;
	rule->l3 = WEIR_L3_IPV4;
	rule->protocol = (uint16_t)(i / 32768);
	set_ports(rule, LOCAL, shift, 32767 + shift);
	set_ports(rule, REMOTE, 32767 - shift, 65534 - shift);
}

const struct family families[] = {
	{ "acl", "ClassBench-style access lists", draw_acl },
	{ "acl6", "the same of IPv6", draw_acl6 },
	{ "fw", "ClassBench-style firewalls", draw_fw },
	{ "ipc", "ClassBench-style IP chains", draw_ipc },
	{ "tuples", "all-distinct tuples of prefix and range lengths", draw_tuples },
	{ "nested", "chains of 32 nested prefixes and ranges", draw_nested },
	{ "wildcards", "overlapping wildcards: any field is any", draw_wildcards },
	{ "chain", "one chain of nested port ranges", draw_chain },
	{ "crossing", "port ranges all of which cross", draw_crossing },
	{ NULL, NULL, NULL },
};

const struct family *family_find(const char *name)
{
	for (const struct family *family = families; family->name; family++)
		if (!strcmp(family->name, name))
			return family;
	return NULL;
}

static unsigned specific(const struct classify_rule *rule)
{
	unsigned local = rule->local_port_max - rule->local_port_min;
	unsigned remote = rule->remote_port_max - rule->remote_port_min;

	return rule->local_length + rule->remote_length + (rule->protocol != CLASSIFY_ANY) * 8u +
	       (16u - (local ? 32 - (unsigned)__builtin_clz(local) : 0)) +
	       (16u - (remote ? 32 - (unsigned)__builtin_clz(remote) : 0));
}

static uint64_t hash(const struct classify_rule *rule)
{
	uint64_t sum = 0;

	for (size_t i = 4; i < sizeof(*rule); i++)
		sum = (sum ^ ((const uint8_t *)rule)[i]) * UINT64_C(0x100000001b3) ^ sum >> 29;
	return sum;
}

// True when the rule was not among the earlier ones; table: places + 1.
static bool is_new(const struct classify_rule *rules, size_t i, uint32_t *table, size_t size)
{
	size_t at = hash(&rules[i]) & (size - 1);

	for (; table[at]; at = (at + 1) & (size - 1)) {
		struct classify_rule other = rules[table[at] - 1];

		other.id = rules[i].id;
		if (!memcmp(&other, &rules[i], sizeof(other)))
			return false;
	}
	table[at] = (uint32_t)i + 1;
	return true;
}

void family_rules(const struct family *family, uint64_t seed, struct classify_rule *rules, size_t n)
{
	uint64_t random = seed;
	size_t size = 16;

	while (size < 2 * n)
		size *= 2;
	uint32_t *table = calloc(size, sizeof(table[0]));

	if (!table)
		abort();
	for (size_t i = 0; i < n; i++) {
		unsigned tries = 0;

		do {
			rules[i] = classify_rule_any((uint32_t)i, 0);
			family->draw(&rules[i], &random, i, n);
		} while (!is_new(rules, i, table, size) && tries++ < 1000);
	}
	free(table);
	for (size_t i = 0; i < n; i++)
		rules[i].weight = (specific(&rules[i]) + family_below(&random, 16)) << 24 |
				  (uint32_t)(n - i);
}
