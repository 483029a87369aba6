// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Random rules and packets against the model: a million packets in all, twenty times fewer where
// all is instrumented.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "classify_lab.h"

enum {
	SETS = WEIR_SANITIZED ? 100 : 2000,
	PACKETS = 450,
	MOST = 300, // rules of a set
	FAMILY_RULES = WEIR_SANITIZED ? 1000 : 4000,
	FAMILY_PACKETS = WEIR_SANITIZED ? 250 : 5000, // of each kind
};

static unsigned long n_packets, n_hits, n_pairs;

static void compare(
	const struct classify *c, const struct model *model, const struct classify_packet *packet)
{
	lab_compare(c, model, packet);
	n_packets++;
	n_pairs++;
	n_hits += classify_match(c, packet) != CLASSIFY_NONE;
}

static void overlapping(void **state)
{
	static struct classify_rule rules[MOST];
	uint64_t random = 1;

	(void)state;
	n_packets = n_hits = 0;
	for (unsigned i = 0; i < SETS; i++) {
		uint32_t n = family_below(&random, 1 + family_below(&random, MOST)) + 1;
		struct model *model = model_create();
		struct classify *c;

		for (uint32_t k = 0; k < n; k++) {
			lab_rule(&rules[k], k, &random);
			model_add_rule(model, &rules[k]);
		}
		c = lab_build(rules, n);
		assert_int_equal(classify_count(c), n);
		for (unsigned k = 0; k < PACKETS; k++) {
			struct classify_packet packet;

			lab_packet(&packet, &random);
			compare(c, model, &packet);
		}
		classify_destroy(c);
		model_destroy(model);
	}
	// A test of nothing but misses, or of nothing but one rule for all, would show little.
	assert_true(n_hits > n_packets / 5 && n_hits < n_packets / 5 * 4);
}

static void families_of_rules(void **state)
{
	struct classify_rule *rules = calloc(FAMILY_RULES, sizeof(rules[0]));

	(void)state;
	assert_non_null(rules);
	n_packets = n_hits = 0;
	for (const struct family *family = families; family->name; family++) {
		// Of those that all overlap, as many as are allowed.
		size_t n = family == family_find("crossing") ? 100
			   : family == family_find("chain")  ? 1000
							     : FAMILY_RULES;
		uint64_t random = 2;
		struct model *model = model_create();
		struct classify *c;

		family_rules(family, 3, rules, n);
		for (size_t i = 0; i < n; i++)
			model_add_rule(model, &rules[i]);
		c = lab_build(rules, n);
		for (enum family_packets kind = 0; kind < FAMILY_N_PACKETS; kind++)
			for (unsigned i = 0; i < FAMILY_PACKETS; i++) {
				struct classify_packet packet;

				family_packet(&packet, kind, rules, n, &random);
				compare(c, model, &packet);
				if (kind == FAMILY_HIT)
					assert_int_not_equal(
						classify_match(c, &packet), CLASSIFY_NONE);
			}
		classify_destroy(c);
		model_destroy(model);
	}
	assert_true(n_hits > n_packets / 4);
	free(rules);
}

// Of a set of rules and a packet, where all is not instrumented.
static void a_million_pairs(void **state)
{
	(void)state;
	assert_true(WEIR_SANITIZED || n_pairs >= 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overlapping),
		cmocka_unit_test(families_of_rules),
		cmocka_unit_test(a_million_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
