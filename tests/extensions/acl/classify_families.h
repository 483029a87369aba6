// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Rule sets of named families, and packets for them: the same for the same seed, on every machine.
#ifndef TESTS_CLASSIFY_FAMILIES_H
#define TESTS_CLASSIFY_FAMILIES_H

#include <stdbool.h>
#include <string.h>

#include "classify.h"

struct family {
	const char *name;
	const char *text;
	void (*draw)(struct classify_rule *rule, uint64_t *random, size_t i, size_t n);
};

// Ends with a NULL name.
extern const struct family families[];

// NULL: there is none of that name.
const struct family *family_find(const char *name);

// Fills rules[0] to rules[n - 1], whose ids are their places. No two are equal. Of two rules that
// overlap the more specific one has mostly, not always, the higher weight.
void family_rules(
	const struct family *family, uint64_t seed, struct classify_rule *rules, size_t n);

enum family_packets {
	FAMILY_HIT,     // matches a rule drawn at random, and maybe a better one
	FAMILY_NEAR,    // the same with one field changed
	FAMILY_CROSS,   // local half of one rule, remote half of another
	FAMILY_UNIFORM, // every field at random
	FAMILY_N_PACKETS,
};

extern const char *const family_packet_names[FAMILY_N_PACKETS];

void family_packet(struct classify_packet *packet, enum family_packets kind,
	const struct classify_rule *rules, size_t n, uint64_t *random);

// The next number of a sequence (splitmix64, Steele, Lea, Flood 2014).
static inline uint64_t family_random(uint64_t *random)
{
	uint64_t z = *random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

// 0 to n - 1.
static inline uint32_t family_below(uint64_t *random, uint32_t n)
{
	return (uint32_t)((family_random(random) >> 32) * n >> 32);
}

// Any address.
static inline void family_address(uint8_t address[16], uint64_t *random)
{
	uint64_t words[2] = { family_random(random), family_random(random) };

	memcpy(address, words, 16);
}

#endif
