// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Where a node is cut.
//
// Every dimension is tried with two, four, eight and sixteen children. A cut costs what its largest
// child and its span are expected to, because a lookup goes through both; the cheapest is taken.
#include <math.h>
#include <string.h>

#include "classify_tree.h"

enum {
	SAMPLE = 256, // rules that are looked at: of more, as many in equal steps stand for all
	// In steps of comparing one rule: what another cache line that nothing foresaw costs.
	VISIT = 8,
	// As many steps must be gained for all copies that a tree may have.
	COPIES = 20,
};

// A value at which rules could be divided; how many of the sample end below it, and how many begin
// at it or above.
struct boundary {
	uint32_t key;
	uint32_t below, above;
};

// The rules of a node, or those that stand for them, in one dimension.
struct sample {
	unsigned n;
	unsigned n_boundaries;
	float each;     // rules that one stands for
	float n_copies; // that may be made
	uint32_t min[SAMPLE], max[SAMPLE];
	struct boundary boundary[2 * SAMPLE];
	float cost[SAMPLE + 1]; // expected steps through so many of them
};

// Cuts that are tried, as places in sample.boundary.
struct trial {
	unsigned n_children;
	unsigned at[TREE_FANOUT];
};

// Of n >= 1; linear between the powers of two.
static float logarithm(float n)
{
	int exponent;
	float fraction = frexpf(n, &exponent);

	return (float)exponent - 2 + 2 * fraction;
}

// Steps that a lookup among n rules is expected to take: on every level there are spans to go
// through as deep again, therefore the square.
static float expected_steps(float n)
{
	float levels;

	if (n <= 0)
		return 0;
	if (n <= TREE_LEAF)
		return VISIT + n;
	levels = logarithm(n / TREE_LEAF);
	return VISIT + TREE_LEAF + VISIT * levels * levels;
}

// Shell's sort with the gaps of Ciura (2001).
static void sort(uint32_t *values, unsigned n)
{
	static const unsigned gaps[] = { 132, 57, 23, 10, 4, 1 };

	for (unsigned g = 0; g < sizeof(gaps) / sizeof(gaps[0]); g++)
		for (unsigned i = gaps[g]; i < n; i++) {
			uint32_t value = values[i];
			unsigned k = i;

			for (; k >= gaps[g] && values[k - gaps[g]] > value; k -= gaps[g])
				values[k] = values[k - gaps[g]];
			values[k] = value;
		}
}

static void find_boundaries(struct sample *s)
{
	uint32_t min[SAMPLE], max[SAMPLE];
	unsigned begun = 0, ended = 0;

	memcpy(min, s->min, s->n * sizeof(min[0]));
	memcpy(max, s->max, s->n * sizeof(max[0]));
	sort(min, s->n);
	sort(max, s->n);
	s->n_boundaries = 0;
	// Every minimum, and every number behind a maximum.
	while (begun < s->n || (ended < s->n && max[ended] != UINT32_MAX)) {
		uint32_t key = begun < s->n ? min[begun] : UINT32_MAX;

		if (ended < s->n && max[ended] < key)
			key = max[ended] + 1;
		while (ended < s->n && max[ended] < key)
			ended++;
		if (key)
			s->boundary[s->n_boundaries++] = (struct boundary){ key, ended,
				s->n - begun };
		while (begun < s->n && min[begun] == key)
			begun++;
	}
}

// Returns false when all rules have the same interval.
static bool look(
	struct sample *s, const struct entry *const entries[], size_t n, enum classify_dim dim)
{
	bool differ = false;

	for (unsigned i = 0; i < s->n; i++) {
		entry_interval(entries[i * n / s->n], dim, &s->min[i], &s->max[i]);
		differ |= s->min[i] != s->min[0] || s->max[i] != s->max[0];
	}
	if (differ)
		find_boundaries(s);
	return differ;
}

// Looks among the boundaries low to high - 1 for the one that divides best. below and above: rules
// outside of what is divided. Returns false when there is none.
static bool bisect(const struct sample *s, unsigned low, unsigned high, unsigned below,
	unsigned above, unsigned *at)
{
	float best = INFINITY;

	for (unsigned i = low; i < high; i++) {
		unsigned left = s->boundary[i].below - below, right = s->boundary[i].above - above;
		unsigned crossing = s->n - below - above - left - right;
		float cost = s->cost[left > right ? left : right] + s->cost[crossing];

		if (cost < best && left && right) {
			best = cost;
			*at = i;
		}
	}
	return best < INFINITY;
}

// Cuts every child in two. Returns false when none can be.
static bool refine(const struct sample *s, struct trial *trial)
{
	struct trial next = { .n_children = 1 };

	for (unsigned i = 0; i < trial->n_children; i++) {
		const struct boundary *from = i ? &s->boundary[trial->at[i - 1]] : NULL;
		const struct boundary *to = i + 1 < trial->n_children ? &s->boundary[trial->at[i]]
								      : NULL;
		unsigned low = from ? trial->at[i - 1] + 1 : 0;
		unsigned high = to ? trial->at[i] : s->n_boundaries;

		if (bisect(s, low, high, from ? from->below : 0, to ? to->above : 0,
			    &next.at[next.n_children - 1]))
			next.n_children++;
		if (to)
			next.at[next.n_children++ - 1] = trial->at[i];
	}
	if (next.n_children == trial->n_children)
		return false;
	*trial = next;
	return true;
}

// The child of each rule's minimum and maximum.
static void place(
	const struct sample *s, const struct trial *trial, uint8_t first[], uint8_t last[])
{
	for (unsigned i = 0; i < s->n; i++) {
		first[i] = last[i] = 0;
		for (unsigned k = 0; k + 1 < trial->n_children; k++) {
			first[i] += s->boundary[trial->at[k]].key <= s->min[i];
			last[i] += s->boundary[trial->at[k]].key <= s->max[i];
		}
	}
}

static float cost_of(
	const struct sample *s, const uint8_t first[], const uint8_t last[], unsigned copies)
{
	unsigned n[TREE_FANOUT] = { 0 }, most = 0, span = 0, n_copies = 0;

	for (unsigned i = 0; i < s->n; i++) {
		if (last[i] - first[i] > (int)copies) {
			span++;
			continue;
		}
		n_copies += last[i] - first[i];
		for (unsigned k = first[i]; k <= last[i]; k++)
			n[k]++;
	}
	for (unsigned i = 0; i < TREE_FANOUT; i++)
		most = n[i] > most ? n[i] : most;
	if (span == s->n || most == s->n || (float)n_copies * s->each > s->n_copies)
		return INFINITY;
	return VISIT + s->cost[most] + s->cost[span] +
	       (n_copies ? COPIES * (float)n_copies * s->each / s->n_copies : 0);
}

// Keeps the trial in *node when it is better than *best.
static void keep_better(struct tree_node *node, float *best, const struct sample *s,
	const struct trial *trial, enum classify_dim dim)
{
	uint8_t first[SAMPLE], last[SAMPLE];

	place(s, trial, first, last);
	for (unsigned copies = 0; copies <= TREE_COPIES && copies + 2 <= trial->n_children;
		copies++) {
		float cost = cost_of(s, first, last, copies);

		if (cost >= *best)
			continue;
		*best = cost;
		node->dim = (uint8_t)dim;
		node->copies = (uint8_t)copies;
		node->n_children = (uint8_t)trial->n_children;
		memset(node->key, 0xff, sizeof(node->key));
		for (unsigned i = 0; i + 1 < trial->n_children; i++)
			node->key[i] = s->boundary[trial->at[i]].key;
	}
}

bool tree_cut(struct tree_node *node, const struct entry *const entries[], size_t n, float n_copies)
{
	struct sample s = { .n = n < SAMPLE ? (unsigned)n : SAMPLE, .n_copies = n_copies };
	float leaf = VISIT + (float)n, best = leaf;

	s.each = (float)n / (float)s.n;
	for (unsigned i = 0; i <= s.n; i++)
		s.cost[i] = expected_steps((float)i * s.each);
	for (enum classify_dim dim = 0; dim < CLASSIFY_N_DIMS; dim++) {
		struct trial trial = { .n_children = 1 };

		if (!look(&s, entries, n, dim))
			continue;
		while (trial.n_children <= TREE_FANOUT / 2 && refine(&s, &trial))
			keep_better(node, &best, &s, &trial, dim);
	}
	return best < leaf;
}
