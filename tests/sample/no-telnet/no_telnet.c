// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A complete filter, to start from: one decision, one policy, one meter. It is built with nothing
// but the installed headers; README.md says how.
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include <weir/extension.h>

#include "no_telnet.pb-c.h"
#include "no_telnet.schema.h"

enum { TELNET_PORT = 23 };
enum { DROP_TELNET };

struct rule {
	uint16_t port; // network order
	bool count;    // false: drop
	uint32_t meter;
};

struct rules {
	size_t n;
	struct rule rules[];
};

static void decide(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	const struct rules *rules = state;

	for (size_t i = 0; flow->l4 == WEIR_L4_TCP && i < rules->n; i++) {
		const struct rule *rule = &rules->rules[i];

		if (flow->l4_dst != rule->port)
			continue;
		weir_explain(
			d, "tcp port %u: %s", ntohs(rule->port), rule->count ? "count" : "drop");
		if (rule->count)
			weir_meter(d, rule->meter);
		else
			weir_drop(d, DROP_TELNET);
		return;
	}
}

// Makes the rules of one policy. The switch has checked the message against its schema before.
static int add_policy(
	struct rules **rules, const struct weir_policy *policy, struct weir_plan *plan)
{
	NoTelnet__Block *block = no_telnet__block__unpack(NULL, policy->size, policy->bytes);
	struct rules *grown = NULL;
	uint32_t meter = 0;
	int failed = -ENOMEM;

	if (block)
		grown = realloc(*rules,
			sizeof(*grown) + ((*rules)->n + block->n_port) * sizeof(struct rule));
	if (!grown)
		goto out;
	*rules = grown;
	failed = block->action == NO_TELNET__BLOCK__ACTION__COUNT
			 ? weir_plan_meter(plan, policy->id, &meter)
			 : 0;
	for (size_t i = 0; !failed && i < block->n_port; i++)
		grown->rules[grown->n++] = (struct rule){ htons((uint16_t)block->port[i]),
			block->action == NO_TELNET__BLOCK__ACTION__COUNT, meter };
out:
	if (block)
		no_telnet__block__free_unpacked(block, NULL);
	return failed;
}

static int prepare(void *instance, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error)
{
	struct rules *rules = calloc(1, sizeof(*rules) + sizeof(struct rule));
	int failed = rules ? 0 : -ENOMEM;

	(void)instance;
	for (size_t i = 0; !failed && i < target->n_policies; i++)
		failed = add_policy(&rules, &target->policies[i], plan);
	if (failed) {
		free(rules);
		return weir_refuse(
			error, failed, NULL, "%s: no memory for its rules", target->name);
	}
	if (target->n_policies == 0)
		rules->rules[rules->n++].port = htons(TELNET_PORT);
	*prepared = rules;
	return 0;
}

static void release(void *instance, const void *state)
{
	(void)instance;
	free((void *)state);
}

WEIR_EXTENSION("no-telnet", WEIR_CLASS_FILTER, .version = "1.0",
	.summary = "Drops telnet, or what else its policy names", .reads = WEIR_FIELD_L4_DST,
	.drop_reasons = WEIR_DROP_REASONS({ "telnet", "this TCP port is not allowed here" }),
	.schema = weir_schema, .schema_size = sizeof(weir_schema), .ingress = decide,
	.prepare = prepare, .release = release);
