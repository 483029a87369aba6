// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Which rule of a list matches a packet: the one of the highest weight among those that match.
//
// A struct classify is immutable. It is built from all rules, or made from an older one by a change
// of some; then the two share what they have in common, and the older one is good until it is
// destroyed. Looking up is pure: no lock, no allocation, nothing is written.
//
// Threads: building, changing and destroying belong to one thread at a time (the control thread);
// classify_match() may run on any number of others, on every structure that is not destroyed yet.
//
// The structure is a tree that cuts the space of packets as HyperSplit does (Qi, Xu, Yang, Xue, Li,
// "Packet Classification Algorithms: From Theory to Practice", INFOCOM 2009), at values where rules
// begin and end, in the dimension that promises most, but into up to sixteen parts at a time. What
// makes such trees large is the copying of rules that cross a cut. Here a rule that crosses is kept
// beside the cut, in a tree of its own which every lookup that comes by goes through too: the
// interval tree's way (Edelsbrunner 1980), and that of sorting rules into several trees by what
// they leave open (EffiCuts, Vamanan, Voskuilen, Vijaykumar, SIGCOMM 2010; CutSplit, Li, Li, Li,
// Xie, INFOCOM 2018) taken to every node. Rules are copied only within an allowance and where that
// saves most, so that memory is bounded before a set is seen; and how many steps a lookup takes at
// most is known when the tree is built: the sum over the spans on the worst way down. Subtrees know
// their best rule, and one that cannot win is not entered (PartitionSort, Yingchareonthawornchai,
// Daly, Liu, Torng, ICNP 2016). Rules each of which contains the next, which no cut tells apart,
// are a list that is halved. Several subtrees are gone through in turns, so that one's cache misses
// pass during the others' work. A change copies the path to the rule and shares the rest.
//
// What was considered instead. Tables of tuples (TupleMerge, Daly and others, ToN 2019) want
// prefixes: port ranges beside equal prefixes end in one bucket, and a set whose tuples all differ
// in a thousand tables. PartitionSort needs a partition for each level of nesting, and each is a
// search of its own through all of memory. Bit vectors (Lakshman, Stiliadis, SIGCOMM 1998) take n *
// n bits. Cutting trees that copy (HiCuts, Gupta, McKeown 1999) have no bound of memory.
//
// Measured by tests/bench/classify: see tests/bench/result/classify.md. Sets that overlap too much
// for the structure are refused, with the number of steps. So are 50,000 rules of which any field
// is any in half of them, whatever the others are: on every level about half of what is left
// crosses the cut, so that the spans are as deep again, and ten times the rules take four times the
// steps. 100,000 would take 836, and 2.0 to 2.9 us (99th percentile) where 2 are allowed. Other
// samples, larger leaves, and more or cheaper copies brought it to 693 steps and 2.9 us at best.
#ifndef ACL_CLASSIFY_H
#define ACL_CLASSIFY_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/flow.h>

#define CLASSIFY_NONE   UINT32_MAX // no rule matches; no rule has this id
#define CLASSIFY_ANY    0xffff     // of a field of 16 bits: no condition
#define CLASSIFY_L3_ANY 0xff       // of l3: no condition

// What a rule asks for; all of it must hold. Begin with classify_rule_any() and add conditions.
struct classify_rule {
	uint32_t id;     // what classify_match() returns; unique among the rules of a structure
	uint32_t weight; // the higher wins; of equal weights the lower id
	uint8_t l3;      // enum weir_l3, or CLASSIFY_L3_ANY
	// Bits of the prefixes, 0: no condition. IPv4 and ARP to 32, IPv6 to 128, all others 0.
	uint8_t local_length;
	uint8_t remote_length;
	uint8_t reserved;
	// IPv4 and ARP: the first four bytes. Bits behind the prefix are ignored.
	uint8_t local[16];
	uint8_t remote[16];
	uint16_t protocol; // 0 to 255; ARP: operation; or CLASSIFY_ANY
	// Inclusive, host order. 0 to 65535 is no condition; any other range matches only packets
	// whose ports are known, so never a later fragment.
	uint16_t local_port_min, local_port_max;
	uint16_t remote_port_min, remote_port_max;
	uint16_t icmp_type; // 0 to 255, or CLASSIFY_ANY; not together with ports
	uint16_t icmp_code; // the same; only together with a type
	uint16_t vlan;      // 0 to 4095, 0: in no VLAN; or CLASSIFY_ANY
};

// A rule that matches everything.
static inline struct classify_rule classify_rule_any(uint32_t id, uint32_t weight)
{
	return (struct classify_rule){ .id = id,
		.weight = weight,
		.l3 = CLASSIFY_L3_ANY,
		.protocol = CLASSIFY_ANY,
		.local_port_max = 65535,
		.remote_port_max = 65535,
		.icmp_type = CLASSIFY_ANY,
		.icmp_code = CLASSIFY_ANY,
		.vlan = CLASSIFY_ANY };
}

// What of a packet is known; what is not matches only rules without a condition for it.
enum {
	CLASSIFY_PROTOCOL = 1, // protocol
	CLASSIFY_PORTS = 2,    // both ports
	CLASSIFY_ICMP = 4,     // icmp_type and icmp_code; not together with CLASSIFY_PORTS
};

// What is looked up.
struct classify_packet {
	uint8_t l3;    // enum weir_l3
	uint8_t known; // CLASSIFY_PROTOCOL and so on
	uint8_t protocol;
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint16_t vlan;       // 0: in no VLAN
	uint16_t local_port; // host order
	uint16_t remote_port;
	uint8_t local[16]; // IPv4 and ARP: the first four bytes, the rest is not looked at
	uint8_t remote[16];
};

struct classify;

// Builds a structure from rules in any order, borrowed during the call. The caller destroys *made.
// Returns 0, -ENOMEM, -EINVAL for a rule that breaks what is said above, -EEXIST when two rules
// have the same id and weight, or -E2BIG when a lookup would take more steps than are allowed; then
// error (which may be NULL) has a sentence with the number, and *made is untouched. n may be 0.
int classify_build(struct classify **made, const struct classify_rule rules[/* n */], size_t n,
	struct weir_error *error);

// Makes the structure that has the rules of `old` without `removed` and with `added`. `old` stays
// as it is, readable by others, and its owner destroys it as before, sooner or later than *made.
// removed: whole rules as they were added; -ENOENT when there is no such rule. An id that is
// removed may be added again in the same change; one that is there may not, which only a change of
// many rules notices. Removing alone is never refused for its steps. Otherwise as classify_build().
//
// Few rules cost microseconds each, at any size. More than an eighth of them have all built anew.
int classify_change(struct classify **made, struct classify *old,
	const struct classify_rule removed[/* n_removed */], size_t n_removed,
	const struct classify_rule added[/* n_added */], size_t n_added, struct weir_error *error);

// Frees what no other structure shares. Accepts NULL.
void classify_destroy(struct classify *c);

// The id of the best rule that matches, or CLASSIFY_NONE. Any thread.
uint32_t classify_match(const struct classify *c, const struct classify_packet *packet);

// Rules in it.
size_t classify_count(const struct classify *c);

// Bytes that it takes, what it shares with others included.
size_t classify_memory(const struct classify *c);

// A lookup takes at most so many steps: nodes and leaves visited, and rules compared; the time
// budgets are 0.7 us at 1,000 rules and 2 us at 100,000, and a comparison takes about 4 ns. Up to
// 1,023 rules CLASSIFY_WORST_SMALL are allowed, for every doubling from there on
// CLASSIFY_WORST_MORE in addition, up to CLASSIFY_WORST_MAX.
enum {
	CLASSIFY_WORST_SMALL = 192,
	CLASSIFY_WORST_MORE = 48,
	CLASSIFY_WORST_MAX = 512,
};
unsigned classify_worst(const struct classify *c);

#endif
