// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Rules and packets as the classifier compares them.
//
// An entry is a rule in the form in which a comparison takes no branch; and it is a box: in every
// dimension below, the interval of what the rule matches. Words of addresses, ports, protocol and
// VLAN are dimensions of their own, so that all of them are numbers of 32 bits.
#ifndef ACL_CLASSIFY_ENTRY_H
#define ACL_CLASSIFY_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "classify.h"

enum classify_dim {
	CLASSIFY_LOCAL,                          // four words of the local address, IPv4: one
	CLASSIFY_REMOTE = CLASSIFY_LOCAL + 4,    // four of the remote one
	CLASSIFY_L4_LOCAL = CLASSIFY_REMOTE + 4, // local port; or ICMP type, see entry_probe()
	CLASSIFY_L4_REMOTE,                      // remote port; or ICMP code
	CLASSIFY_PROTO,                          // 256: unknown
	CLASSIFY_VLAN,
	CLASSIFY_N_DIMS,
};

// The rest of a rule or packet, packed into the lower 24 bits of `values` and `mask`.
#define ENTRY_VLAN        0xfffu
#define ENTRY_PROTO_SHIFT 12
#define ENTRY_PROTO       (0xffu << ENTRY_PROTO_SHIFT)
#define ENTRY_HAS_PROTO   (1u << 20)
#define ENTRY_HAS_PORTS   (1u << 21)
#define ENTRY_HAS_ICMP    (1u << 22)
#define ENTRY_BITS        0xffffffu

// What follows the addresses. `values` and `mask` have the lengths of the prefixes in their upper
// eight bits.
struct entry_rest {
	uint16_t local_min, local_width; // ports, or ICMP type: min to min + width
	uint16_t remote_min, remote_width;
	uint32_t values; // local length << 24 | ...
	uint32_t mask;   // remote length << 24 | ...
};

// A rule without IPv6 addresses, as it stands in leaves. Two fill a cache line.
struct entry_narrow {
	uint64_t rank;
	uint32_t local, remote; // host order
	struct entry_rest rest;
};

// Any rule. IPv4 addresses are in the upper half of the first number.
struct entry {
	uint64_t rank;                // the best rule has the highest: weight << 32 | ~id; never 0
	uint64_t local[2], remote[2]; // host order
	struct entry_rest rest;
};

// A packet: the value in each dimension, and the same in the form to compare.
struct probe {
	uint32_t key[CLASSIFY_N_DIMS];
	uint32_t values;
	uint16_t l4_local, l4_remote;
	uint64_t local[2], remote[2];
};

// 0, or -EINVAL for a rule that contradicts itself.
int entry_check(const struct classify_rule *rule, struct weir_error *error);
void entry_make(struct entry *entry, const struct classify_rule *rule);
bool entry_equal(const struct entry *a, const struct entry *b);
// For qsort() of pointers to entries: the best first.
int entry_compare(const void *a, const void *b);
// What the entry matches in a dimension, both ends included.
void entry_interval(const struct entry *entry, enum classify_dim dim, uint32_t *min, uint32_t *max);
void entry_narrow(struct entry_narrow *narrow, const struct entry *entry);
void entry_widen(struct entry *entry, const struct entry_narrow *narrow);

// In the dimensions of L4, what has no ports is behind all ports: ENTRY_NO_PORTS, or for ICMP type
// and code that number plus one and the value.
#define ENTRY_NO_PORTS 65536u
void entry_probe(struct probe *probe, const struct classify_packet *packet);

static inline uint32_t entry_id(uint64_t rank)
{
	return ~(uint32_t)rank;
}

static inline uint64_t entry_rest_differs(const struct entry_rest *rest, const struct probe *probe)
{
	uint32_t differs = (probe->values ^ rest->values) & rest->mask & ENTRY_BITS;

	differs |= (uint16_t)(probe->l4_local - rest->local_min) > rest->local_width;
	differs |= (uint16_t)(probe->l4_remote - rest->remote_min) > rest->remote_width;
	return differs;
}

static inline bool entry_narrow_matches(const struct entry_narrow *entry, const struct probe *probe)
{
	uint64_t local = (uint32_t)(probe->local[0] >> 32) ^ entry->local;
	uint64_t remote = (uint32_t)(probe->remote[0] >> 32) ^ entry->remote;

	return !(local >> (32 - (entry->rest.values >> 24)) |
		 remote >> (32 - (entry->rest.mask >> 24)) |
		 entry_rest_differs(&entry->rest, probe));
}

// The bits of a prefix that differ; length: 0 to 128.
static inline uint64_t entry_prefix_differs(
	const uint64_t address[2], const uint64_t prefix[2], unsigned length)
{
	unsigned upper = length < 64 ? 64 - length : 0; // bits that do not matter
	unsigned lower = length < 64 ? 64 : 128 - length;

	// In two steps, because a shift by 64 is undefined.
	return (address[0] ^ prefix[0]) >> upper / 2 >> (upper - upper / 2) |
	       (address[1] ^ prefix[1]) >> lower / 2 >> (lower - lower / 2);
}

static inline bool entry_matches(const struct entry *entry, const struct probe *probe)
{
	return !(entry_prefix_differs(probe->local, entry->local, entry->rest.values >> 24) |
		 entry_prefix_differs(probe->remote, entry->remote, entry->rest.mask >> 24) |
		 entry_rest_differs(&entry->rest, probe));
}

#endif
