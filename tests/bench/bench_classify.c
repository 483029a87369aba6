// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What looking up a rule costs: bench_classify [FAMILY [RULES]]. Run it by tests/bench/classify.
//
// Lookups are timed one by one: the difference of two fenced reads of the time stamp counter, less
// the least that two such reads differ by with nothing between them. There are more packets than
// caches hold, each looked up once, so that what a lookup needs of the set is as cold as other
// flows leave it; the packet itself is not, as in the datapath, where it has just been parsed. The
// peer is the same comparison of rules one after the other.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "classify_entry.h"
#include "classify_families.h"

enum { PACKETS = 200000, CHANGES = 400, LINEAR_RULES = 20000000, PER_MILLE = 1000 };

struct bench {
	const struct family *family;
	size_t n;
	struct classify_rule *rules;
	struct classify *c;
	uint64_t random;
	double ticks_per_ns;
	uint64_t overhead;
	uint32_t ticks[PACKETS];
	struct classify_packet packets[PACKETS];
};

static double now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static uint64_t begin(void)
{
	uint64_t ticks;

	_mm_mfence();
	_mm_lfence();
	ticks = __rdtsc();
	_mm_lfence();
	return ticks;
}

static uint64_t end(void)
{
	unsigned processor;
	uint64_t ticks = __rdtscp(&processor);

	_mm_lfence();
	return ticks;
}

static void calibrate(struct bench *b)
{
	double start_ns = now_ns();
	uint64_t start = begin();

	b->overhead = UINT64_MAX;
	while (now_ns() - start_ns < 2e7) {
		uint64_t empty = begin();

		empty = end() - empty;
		b->overhead = empty < b->overhead ? empty : b->overhead;
	}
	b->ticks_per_ns = (double)(end() - start) / (now_ns() - start_ns);
}

static int compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

static double quantile_ns(const struct bench *b, unsigned per_mille)
{
	size_t at = (size_t)PACKETS * per_mille / PER_MILLE;

	return (double)b->ticks[at < PACKETS ? at : PACKETS - 1] / b->ticks_per_ns;
}

static void look_up(struct bench *b, enum family_packets kind)
{
	size_t n_hits = 0;

	for (size_t i = 0; i < PACKETS; i++)
		family_packet(&b->packets[i], kind, b->rules, b->n, &b->random);
	for (size_t i = 0; i < PACKETS; i++) {
		struct classify_packet packet = b->packets[i];
		uint64_t start = begin();
		uint32_t id = classify_match(b->c, &packet);
		uint64_t ticks = end() - start;

		b->ticks[i] = (uint32_t)(ticks > b->overhead ? ticks - b->overhead : 0);
		n_hits += id != CLASSIFY_NONE;
	}
	qsort(b->ticks, PACKETS, sizeof(b->ticks[0]), compare);
	printf("  %-8s %4.0f %% match  %6.0f ns median  %6.0f ns 99th percentile\n",
		family_packet_names[kind], 100.0 * (double)n_hits / PACKETS, quantile_ns(b, 500),
		quantile_ns(b, 990));
}

// Nanoseconds of comparing every rule, as the mean of few lookups.
static double linear_ns(struct bench *b)
{
	struct entry *entries = calloc(b->n, sizeof(entries[0]));
	size_t n_lookups = LINEAR_RULES / b->n;
	volatile uint64_t best = 0;
	double start;

	if (!entries)
		abort();
	for (size_t i = 0; i < b->n; i++)
		entry_make(&entries[i], &b->rules[i]);
	start = now_ns();
	for (size_t i = 0; i < n_lookups; i++) {
		struct probe probe;

		entry_probe(&probe, &b->packets[i % PACKETS]);
		for (size_t k = 0; k < b->n; k++)
			if (entry_matches(&entries[k], &probe) && entries[k].rank > best)
				best = entries[k].rank;
	}
	start = now_ns() - start;
	free(entries);
	return start / (double)n_lookups;
}

// One rule out and in again, each a change of its own.
static void change(struct bench *b)
{
	double sum = 0, most = 0;

	for (unsigned i = 0; i < CHANGES; i++) {
		struct classify_rule *rule = &b->rules[family_below(&b->random, (uint32_t)b->n)];
		bool removing = i % 2 == 0;
		struct classify *without, *with;
		double start = now_ns(), took;

		if (classify_change(&without, b->c, rule, 1, NULL, 0, NULL))
			abort();
		took = now_ns() - start;
		if (!removing) {
			start = now_ns();
			if (classify_change(&with, without, NULL, 0, rule, 1, NULL))
				abort();
			took = now_ns() - start;
			classify_destroy(with);
		}
		classify_destroy(without);
		sum += took;
		most = took > most ? took : most;
	}
	printf("  one rule %5.0f us mean  %6.0f us at most\n", sum / CHANGES / 1e3, most / 1e3);
}

static void measure(struct bench *b)
{
	struct weir_error error;
	double start = now_ns();

	if (classify_build(&b->c, b->rules, b->n, &error)) {
		printf("%s, %zu rules: refused in %.0f ms: %s\n", b->family->name, b->n,
			(now_ns() - start) / 1e6, error.message);
		return;
	}
	printf("%s, %zu rules: built in %.1f ms, %.1f bytes a rule, at most %u steps\n",
		b->family->name, b->n, (now_ns() - start) / 1e6,
		(double)classify_memory(b->c) / (double)b->n, classify_worst(b->c));
	change(b);
	for (enum family_packets kind = 0; kind < FAMILY_N_PACKETS; kind++)
		look_up(b, kind);
	printf("  linear                  %6.0f ns\n", linear_ns(b));
	fflush(stdout);
	classify_destroy(b->c);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = { 1000, 10000, 100000 };
	static struct bench b;

	if (argc > 1 && !family_find(argv[1])) {
		fprintf(stderr, "family \"%s\": must be one of", argv[1]);
		for (const struct family *family = families; family->name; family++)
			fprintf(stderr, " %s", family->name);
		putc('\n', stderr);
		return 2;
	}
	calibrate(&b);
	for (b.family = families; b.family->name; b.family++)
		for (unsigned i = 0; i < 3; i++) {
			if (argc > 1 && strcmp(argv[1], b.family->name))
				continue;
			if (argc > 2 && strtoul(argv[2], NULL, 10) != sizes[i])
				continue;
			b.n = sizes[i];
			b.random = 7;
			b.rules = calloc(b.n, sizeof(b.rules[0]));
			if (!b.rules)
				abort();
			family_rules(b.family, 1, b.rules, b.n);
			measure(&b);
			free(b.rules);
		}
	return 0;
}
