// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Changes: what comes of them is what a set built of the same rules is, older sets stay as they
// are while others read them, and a change that fails leaves nothing behind.
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "classify_lab.h"

enum {
	ROUNDS = WEIR_SANITIZED ? 300 : 3000,
	MOST = 400,   // rules of a set
	PACKETS = 40, // after each change
	KEPT = 8,     // older sets that are kept
};

// A set and its model.
struct pair {
	struct classify *c;
	struct model *model;
};

// The rules that there are, and the last sets made of them.
struct changing {
	uint64_t random;
	uint32_t n, next_id;
	struct classify_rule rules[MOST];
	struct pair kept[KEPT];
};

static void check(
	const struct pair *pair, const struct classify_rule *rules, uint32_t n, uint64_t *random)
{
	for (unsigned i = 0; i < PACKETS; i++) {
		struct classify_packet packet;

		if (i % 2 || !n)
			lab_packet(&packet, random);
		else
			family_packet(&packet, FAMILY_HIT, rules, n, random);
		lab_compare(pair->c, pair->model, &packet);
	}
}

static struct pair model_of(struct classify *c, const struct classify_rule *rules, uint32_t n)
{
	struct pair pair = { .c = c, .model = model_create() };

	for (uint32_t i = 0; i < n; i++)
		model_add_rule(pair.model, &rules[i]);
	return pair;
}

static void forget(struct pair *pair)
{
	if (!pair->c)
		return;
	classify_destroy(pair->c);
	model_destroy(pair->model);
	pair->c = NULL;
}

// Draws some rules to remove and to add, and makes *s those that are left.
static void draw(struct changing *s, struct classify_rule removed[], uint32_t *n_removed,
	struct classify_rule added[], uint32_t *n_added)
{
	// Mostly one or none, sometimes many.
	uint32_t most = family_below(&s->random, 8) ? 2 : 40;

	*n_removed = family_below(&s->random, most);
	*n_added = family_below(&s->random, most + s->n % 2);
	for (uint32_t i = 0; i < *n_removed; i++) {
		uint32_t k;

		if (!s->n) {
			*n_removed = i;
			break;
		}
		k = family_below(&s->random, s->n);
		removed[i] = s->rules[k];
		s->rules[k] = s->rules[--s->n];
	}
	for (uint32_t i = 0; i < *n_added; i++) {
		if (s->n == MOST) {
			*n_added = i;
			break;
		}
		lab_rule(&added[i], s->next_id++, &s->random);
		s->rules[s->n++] = added[i];
	}
}

static void random_changes(void **state)
{
	static struct changing s = { .random = 5 };

	(void)state;
	s.kept[0] = model_of(lab_build(NULL, 0), NULL, 0);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		struct pair *old = &s.kept[(round - 1) % KEPT], *new = &s.kept[round % KEPT];
		struct classify_rule removed[64], added[64];
		struct weir_error error = { .code = 0 };
		uint32_t n_removed, n_added;
		struct classify *c;

		draw(&s, removed, &n_removed, added, &n_added);
		if (classify_change(&c, old->c, removed, n_removed, added, n_added, &error))
			fail_msg("round %u: %s", round, error.message);
		assert_int_equal(classify_count(c), s.n);
		forget(new);
		*new = model_of(c, s.rules, s.n);
		check(new, s.rules, s.n, &s.random);
		// One of the older ones, whose rules are no longer known, by its model.
		old = &s.kept[family_below(&s.random, KEPT)];
		if (old->c)
			check(old, s.rules, s.n, &s.random);
		assert_true(classify_worst(c) <= s.n + 64);
	}
	for (unsigned i = 0; i < KEPT; i++)
		forget(&s.kept[i]);
}

static void same(const struct classify *a, const struct classify *b,
	const struct classify_rule *rules, size_t n, uint64_t *random)
{
	for (unsigned i = 0; i < 5000; i++) {
		struct classify_packet packet;

		family_packet(&packet, i % FAMILY_N_PACKETS, rules, n, random);
		assert_int_equal(classify_match(a, &packet), classify_match(b, &packet));
	}
}

static void must_change(struct classify **c, const struct classify_rule *rule, bool adding)
{
	struct weir_error error;
	struct classify *next;

	if (classify_change(&next, *c, rule, adding ? 0 : 1, rule, adding ? 1 : 0, &error))
		fail_msg("%s", error.message);
	classify_destroy(*c);
	*c = next;
}

// One by one to many rules and back to none: what comes of it matches as, and is nearly as good as
// what is built at once.
static void walk(const char *family, size_t n)
{
	struct classify_rule *rules = calloc(n, sizeof(rules[0]));
	struct classify *c = lab_build(NULL, 0), *built;
	uint64_t random = 9;

	assert_non_null(rules);
	family_rules(family_find(family), 4, rules, n);
	for (size_t i = 0; i < n; i++)
		must_change(&c, &rules[i], true);
	built = lab_build(rules, n);
	same(c, built, rules, n, &random);
	if (classify_worst(c) > 2 * classify_worst(built) + 32)
		fail_msg("%s: %u steps, built at once %u", family, classify_worst(c),
			classify_worst(built));
	assert_true(classify_memory(c) <= 128 * n);
	classify_destroy(built);
	for (size_t i = 0; i < n; i++) {
		must_change(&c, &rules[i], false);
		if (i != n / 2)
			continue;
		built = lab_build(rules + i + 1, n - i - 1);
		same(c, built, rules, n, &random);
		classify_destroy(built);
	}
	assert_int_equal(classify_count(c), 0);
	// Nothing but itself.
	assert_true(classify_memory(c) < 256);
	classify_destroy(c);
	free(rules);
}

static void one_by_one(void **state)
{
	(void)state;
	walk("ipc", WEIR_SANITIZED ? 2000 : 10000);
	walk("acl6", WEIR_SANITIZED ? 1000 : 5000);
	walk("tuples", WEIR_SANITIZED ? 1000 : 5000);
	walk("nested", 1000);
	// As lists, and then as chains.
	walk("crossing", 100);
	walk("chain", WEIR_SANITIZED ? 200 : 1000);
}

// A reader of an older set while others are made that share most of it.
struct reader {
	const struct classify *c;
	const struct classify_rule *rules;
	size_t n;
	atomic_bool stop;
	unsigned long n_wrong, n_read;
};

static void *read_on(void *argument)
{
	struct reader *reader = argument;
	uint64_t random = 6;

	do {
		struct classify_packet packet;

		family_packet(&packet, FAMILY_HIT, reader->rules, reader->n, &random);
		reader->n_wrong += classify_match(reader->c, &packet) == CLASSIFY_NONE;
		reader->n_read++;
	} while (!atomic_load(&reader->stop));
	return NULL;
}

static void readers(void **state)
{
	enum { N = 2000 };
	struct classify_rule *rules = calloc(N, sizeof(rules[0]));
	struct reader reader = { .rules = rules, .n = N };
	struct classify *first, *c;
	pthread_t thread;

	(void)state;
	assert_non_null(rules);
	family_rules(family_find("fw"), 4, rules, N);
	first = lab_build(rules, N);
	reader.c = first;
	c = lab_build(NULL, 0);
	assert_int_equal(pthread_create(&thread, NULL, read_on, &reader), 0);
	for (uint32_t i = 0; i < N; i++) {
		struct classify *next;
		struct weir_error error;

		assert_int_equal(classify_change(&next, first, &rules[i], 1, NULL, 0, &error), 0);
		classify_destroy(c);
		c = next;
	}
	atomic_store(&reader.stop, true);
	pthread_join(thread, NULL);
	assert_true(reader.n_read > 0);
	assert_int_equal(reader.n_wrong, 0);
	classify_destroy(first);
	assert_int_equal(classify_count(c), N - 1);
	classify_destroy(c);
	free(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_changes),
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
