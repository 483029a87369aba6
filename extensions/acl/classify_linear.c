// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Every rule in turn, best first.
#include "classify.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct classify {
	size_t n;
	struct classify_rule rules[];
};

static int compare(const void *a, const void *b)
{
	const struct classify_rule *left = a, *right = b;

	if (left->weight != right->weight)
		return left->weight > right->weight ? -1 : 1;
	return left->id < right->id ? -1 : left->id > right->id;
}

static bool inside(const uint8_t *address, const uint8_t *prefix, unsigned length)
{
	for (unsigned i = 0; i < length; i++)
		if ((address[i / 8] ^ prefix[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

static bool matches(const struct classify_rule *r, const struct classify_packet *p)
{
	if (r->l3 != CLASSIFY_L3_ANY && r->l3 != p->l3)
		return false;
	if (!inside(p->local, r->local, r->local_length) ||
		!inside(p->remote, r->remote, r->remote_length))
		return false;
	if (r->protocol != CLASSIFY_ANY &&
		(!(p->known & CLASSIFY_PROTOCOL) || r->protocol != p->protocol))
		return false;
	if ((r->local_port_min != 0 || r->local_port_max != 65535) &&
		(!(p->known & CLASSIFY_PORTS) || p->local_port < r->local_port_min ||
			p->local_port > r->local_port_max))
		return false;
	if ((r->remote_port_min != 0 || r->remote_port_max != 65535) &&
		(!(p->known & CLASSIFY_PORTS) || p->remote_port < r->remote_port_min ||
			p->remote_port > r->remote_port_max))
		return false;
	if (r->icmp_type != CLASSIFY_ANY &&
		(!(p->known & CLASSIFY_ICMP) || r->icmp_type != p->icmp_type))
		return false;
	if (r->icmp_code != CLASSIFY_ANY && r->icmp_code != p->icmp_code)
		return false;
	return r->vlan == CLASSIFY_ANY || r->vlan == p->vlan;
}

int classify_build(struct classify **made, const struct classify_rule *rules, size_t n,
	struct weir_error *error)
{
	struct classify *c = malloc(sizeof(*c) + n * sizeof(*rules));

	if (!c)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for %zu rules", n);
	c->n = n;
	if (n)
		memcpy(c->rules, rules, n * sizeof(*rules));
	qsort(c->rules, n, sizeof(*rules), compare);
	*made = c;
	return 0;
}

int classify_change(struct classify **made, struct classify *old,
	const struct classify_rule *removed, size_t n_removed, const struct classify_rule *added,
	size_t n_added, struct weir_error *error)
{
	struct classify_rule *rules = malloc((old->n + n_added + 1) * sizeof(*rules));
	size_t n = 0;
	int ret;

	if (!rules)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for %zu rules", old->n);
	for (size_t i = 0; i < old->n; i++) {
		bool gone = false;

		for (size_t k = 0; k < n_removed; k++)
			gone = gone || removed[k].id == old->rules[i].id;
		if (!gone)
			rules[n++] = old->rules[i];
	}
	if (n != old->n - n_removed) {
		free(rules);
		return weir_refuse(error, -ENOENT, NULL, "there is no such rule");
	}
	if (n_added)
		memcpy(rules + n, added, n_added * sizeof(*added));
	ret = classify_build(made, rules, n + n_added, error);
	free(rules);
	return ret;
}

void classify_destroy(struct classify *c)
{
	free(c);
}

uint32_t classify_match(const struct classify *c, const struct classify_packet *packet)
{
	for (size_t i = 0; i < c->n; i++)
		if (matches(&c->rules[i], packet))
			return c->rules[i].id;
	return CLASSIFY_NONE;
}

size_t classify_count(const struct classify *c)
{
	return c->n;
}

size_t classify_memory(const struct classify *c)
{
	return sizeof(*c) + c->n * sizeof(c->rules[0]);
}

unsigned classify_worst(const struct classify *c)
{
	return (unsigned)c->n;
}
