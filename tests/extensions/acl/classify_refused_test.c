// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What is refused: rules that contradict themselves, sets that would be slow, changes that cannot
// be made, and everything when there is no memory; and that what is not refused stays within its
// bounds.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "classify_lab.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

// Allocations that still succeed; negative: all. n_failed: that did not.
static long n_allowed = -1, n_failed;

static bool fails(void)
{
	if (n_allowed < 0 || n_allowed-- > 0)
		return false;
	n_allowed = 0;
	n_failed++;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

static void no_id(struct classify_rule *rule)
{
	rule->id = CLASSIFY_NONE;
}

static void no_kind(struct classify_rule *rule)
{
	rule->l3 = 4;
}

static void long_prefix(struct classify_rule *rule)
{
	rule->l3 = WEIR_L3_IPV4;
	rule->local_length = 33;
}

static void long_prefix6(struct classify_rule *rule)
{
	rule->l3 = WEIR_L3_IPV6;
	rule->remote_length = 129;
}

static void address_of_any(struct classify_rule *rule)
{
	rule->remote_length = 8;
}

static void reversed(struct classify_rule *rule)
{
	rule->local_port_min = 80;
	rule->local_port_max = 79;
}

static void reversed_remote(struct classify_rule *rule)
{
	rule->remote_port_min = 80;
	rule->remote_port_max = 79;
}

static void protocol(struct classify_rule *rule)
{
	rule->protocol = 256;
}

static void type(struct classify_rule *rule)
{
	rule->icmp_type = 256;
}

static void code_alone(struct classify_rule *rule)
{
	rule->icmp_code = 1;
}

static void type_and_ports(struct classify_rule *rule)
{
	rule->icmp_type = 8;
	rule->remote_port_min = 80;
}

static void vlan(struct classify_rule *rule)
{
	rule->vlan = 4096;
}

static const struct row {
	void (*spoil)(struct classify_rule *rule);
	const char *message;
} rows[] = {
	{ no_id, "rule 4294967295: the id means no rule" },
	{ no_kind, "rule 3: no kind of packet is 4" },
	{ long_prefix, "rule 3: local prefix length 33: must be 0 to 32 for its kind of packet" },
	{ long_prefix6,
		"rule 3: remote prefix length 129: must be 0 to 128 for its kind of packet" },
	{ address_of_any, "rule 3: remote prefix length 8: must be 0 to 0 for its kind of packet" },
	{ reversed, "rule 3: local ports 80 to 79: the first must not be above the last" },
	{ reversed_remote, "rule 3: remote ports 80 to 79: the first must not be above the last" },
	{ protocol, "rule 3: protocol 256: must be 0 to 255" },
	{ type, "rule 3: ICMP type 256, code 65535: must be 0 to 255" },
	{ code_alone, "rule 3: ICMP code 1: only together with a type" },
	{ type_and_ports, "rule 3: ICMP type 8: ICMP has no ports" },
	{ vlan, "rule 3: VLAN 4096: must be 0 to 4095" },
};

static void rules_that_contradict_themselves(void **state)
{
	struct classify *c = lab_build(NULL, 0), *untouched = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct classify_rule rules[] = { classify_rule_any(1, 1), classify_rule_any(3, 2) };
		struct weir_error error = { .code = 0 };

		rows[i].spoil(&rules[1]);
		assert_int_equal(classify_build(&untouched, rules, 2, &error), -EINVAL);
		assert_string_equal(error.message, rows[i].message);
		assert_int_equal(classify_change(&untouched, c, NULL, 0, rules, 2, NULL), -EINVAL);
		assert_int_equal(classify_change(&untouched, c, rules, 2, NULL, 0, NULL), -EINVAL);
		assert_null(untouched);
	}
	classify_destroy(c);
}

static void changes_that_cannot_be_made(void **state)
{
	struct classify_rule rules[] = { classify_rule_any(1, 1), classify_rule_any(2, 2),
		classify_rule_any(2, 2) };
	struct classify *c = lab_build(rules, 2), *untouched = NULL;
	struct weir_error error;

	(void)state;
	// The same id, with another condition.
	rules[0].protocol = 6;
	assert_int_equal(classify_change(&untouched, c, rules, 1, NULL, 0, &error), -ENOENT);
	assert_string_equal(error.message, "rule 1: there is no such rule");
	// Twice the same.
	assert_int_equal(classify_change(&untouched, c, &rules[1], 2, NULL, 0, &error), -ENOENT);
	assert_int_equal(classify_build(&untouched, rules, 3, &error), -EEXIST);
	assert_string_equal(error.message, "1 of 3 rules have the id of another one");
	assert_null(untouched);
	assert_int_equal(classify_count(c), 2);
	classify_destroy(c);
}

// Nothing tells rules apart that all cross: a lookup would look at all of them.
static void sets_that_would_be_slow(void **state)
{
	enum { N = 2000 };
	struct classify_rule *rules = calloc(N, sizeof(rules[0]));
	struct classify *c = lab_build(NULL, 0), *next = NULL;
	struct weir_error error;
	int ret = 0;

	(void)state;
	assert_non_null(rules);
	family_rules(family_find("crossing"), 1, rules, N);
	assert_int_equal(classify_build(&next, rules, N, &error), -E2BIG);
	assert_string_equal(error.message, "2000 rules overlap too much: a lookup would take up to "
					   "2001 steps, 240 are allowed");
	assert_null(next);
	// Neither by and by.
	for (uint32_t i = 0; i < N && !ret; i++) {
		ret = classify_change(&next, c, NULL, 0, &rules[i], 1, &error);
		if (ret)
			break;
		classify_destroy(c);
		c = next;
	}
	assert_int_equal(ret, -E2BIG);
	assert_int_equal(classify_count(c), CLASSIFY_WORST_SMALL - 1);
	assert_int_equal(classify_worst(c), CLASSIFY_WORST_SMALL);
	classify_destroy(c);
	free(rules);
}

// Those whose rules overlap without end; at 100,000 rules nothing else may be refused.
static bool may_be_refused(const char *family)
{
	return !strcmp(family, "chain") || !strcmp(family, "crossing") ||
	       !strcmp(family, "wildcards");
}

static void bounds_of_families(void **state)
{
	enum { N = WEIR_SANITIZED ? 5000 : 100000 };
	struct classify_rule *rules = calloc(N, sizeof(rules[0]));

	(void)state;
	assert_non_null(rules);
	for (const struct family *family = families; family->name; family++) {
		struct classify *c;
		struct weir_error error = { .code = 0 };
		int ret;

		family_rules(family, 1, rules, N);
		ret = classify_build(&c, rules, N, &error);
		if (ret == -E2BIG && may_be_refused(family->name))
			continue;
		if (ret)
			fail_msg("%s: %s", family->name, error.message);
		assert_true(classify_worst(c) <= CLASSIFY_WORST_MAX);
		if (classify_memory(c) > 128 * (size_t)N)
			fail_msg("%s: %zu bytes", family->name, classify_memory(c));
		classify_destroy(c);
	}
	free(rules);
}

// Every allocation of building and changing fails once.
static void no_memory(void **state)
{
	enum { N = 300 };
	static struct classify_rule rules[N];
	struct classify *c, *made = NULL;
	struct weir_error error = { .code = 0 };
	uint64_t random = 3;
	long i = 0, n_builds;

	(void)state;
	for (uint32_t k = 0; k < N; k++)
		lab_rule(&rules[k], k, &random);
	do {
		n_allowed = i++;
		n_failed = 0;
		int ret = classify_build(&c, rules, N - 20, &error);

		n_allowed = -1;
		assert_int_equal(ret, n_failed ? -ENOMEM : 0);
	} while (n_failed);
	n_builds = i;
	assert_string_equal(error.message, "out of memory: 280 rules");
	i = 0;
	do {
		n_allowed = i++;
		n_failed = 0;
		int ret = classify_change(&made, c, rules, 10, &rules[N - 20], 20, &error);

		n_allowed = -1;
		assert_int_equal(ret, n_failed ? -ENOMEM : 0);
	} while (n_failed);
	assert_true(n_builds > 20 && i > 60);
	assert_int_equal(classify_count(c), N - 20);
	assert_int_equal(classify_count(made), N - 10);
	classify_destroy(c);
	classify_destroy(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_that_contradict_themselves),
		cmocka_unit_test(changes_that_cannot_be_made),
		cmocka_unit_test(sets_that_would_be_slow),
		cmocka_unit_test(bounds_of_families),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
