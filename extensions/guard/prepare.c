// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// From the policies of a port to its guard.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "guard.pb-c.h"

// What is being prepared.
struct building {
	struct guard *guard;
	const struct weir_target *target;
	struct weir_plan *plan;
	const char *storm, *learn; // ids of policies of which there can be one
};

static int no_memory(const struct building *b, struct weir_error *error)
{
	return weir_refuse(
		error, -ENOMEM, NULL, "port %s: no memory for its guard", b->target->name);
}

static int take_mac(struct building *b, const struct weir_policy *policy, struct weir_error *error)
{
	Guard__Mac *m = guard__mac__unpack(NULL, policy->size, policy->bytes);
	int failed = m ? 0 : -ENOMEM;

	for (size_t i = 0; !failed && i < m->n_address; i++) {
		const uint8_t *a = m->address[i].data;

		if (a[0] & 1)
			failed = weir_refuse(error, -EINVAL, "address",
				"address \"%02x:%02x:%02x:%02x:%02x:%02x\": must be a unicast "
				"address",
				a[0], a[1], a[2], a[3], a[4], a[5]);
		else
			failed = macs_add(&b->guard->macs, a);
	}
	b->guard->kinds |= GUARD_MAC;
	if (m)
		guard__mac__free_unpacked(m, NULL);
	return failed;
}

static int take_ip(struct building *b, const struct weir_policy *policy, struct weir_error *error)
{
	Guard__Ip *m = guard__ip__unpack(NULL, policy->size, policy->bytes);
	int failed = m ? 0 : -ENOMEM;

	for (size_t i = 0; !failed && i < m->n_address; i++)
		failed = ip_ranges_add(&b->guard->addresses, m->address[i], error);
	if (m) {
		b->guard->any_link_local |= m->link_local == GUARD__LINK_LOCAL__ANY;
		b->guard->eui64 |= m->link_local == GUARD__LINK_LOCAL__EUI64;
		guard__ip__free_unpacked(m, NULL);
	}
	b->guard->kinds |= GUARD_IP;
	return failed;
}

static int only_one(const struct building *b, const char *type, const char **first,
	const struct weir_policy *policy, struct weir_error *error)
{
	if (*first)
		return weir_refuse(error, -EEXIST, NULL,
			"policy \"%s\": port %s has a policy guard.%s already, \"%s\"; at most one "
			"is allowed",
			policy->id, b->target->name, type, *first);
	*first = policy->id;
	return 0;
}

static int take_limit(struct building *b, enum storm storm, uint64_t rate, uint64_t burst)
{
	static const char *const keys[N_STORMS] = { "broadcast", "multicast", "unknown-unicast" };

	b->guard->storms |= 1u << storm;
	b->guard->rates[storm] = rate;
	return weir_plan_frame_policer(
		b->plan, keys[storm], rate, burst ? burst : rate, &b->guard->policers[storm]);
}

static int take_storm(
	struct building *b, const struct weir_policy *policy, struct weir_error *error)
{
	Guard__Storm *m;
	int failed = only_one(b, "storm", &b->storm, policy, error);

	if (failed)
		return failed;
	m = guard__storm__unpack(NULL, policy->size, policy->bytes);
	if (!m)
		return -ENOMEM;
	if (!m->has_broadcast && !m->has_multicast && !m->has_unknown_unicast)
		failed = weir_refuse(error, -EINVAL, NULL,
			"policy \"%s\": limits nothing; give at least one of broadcast, multicast, "
			"unknown_unicast",
			policy->id);
	if (!failed && m->has_broadcast)
		failed = take_limit(b, STORM_BROADCAST, m->broadcast, m->burst);
	if (!failed && m->has_multicast)
		failed = take_limit(b, STORM_MULTICAST, m->multicast, m->burst);
	if (!failed && m->has_unknown_unicast)
		failed = take_limit(b, STORM_UNKNOWN, m->unknown_unicast, m->burst);
	guard__storm__free_unpacked(m, NULL);
	return failed;
}

static int take_learn(
	struct building *b, const struct weir_policy *policy, struct weir_error *error)
{
	Guard__Learn *m;
	int failed = only_one(b, "learn", &b->learn, policy, error);

	if (failed)
		return failed;
	m = guard__learn__unpack(NULL, policy->size, policy->bytes);
	if (!m)
		return -ENOMEM;
	failed = weir_plan_learn_limit(b->plan, m->max);
	guard__learn__free_unpacked(m, NULL);
	return failed;
}

static int take_policy(
	struct building *b, const struct weir_policy *policy, struct weir_error *error)
{
	if (strcmp(policy->type, "mac") == 0)
		return take_mac(b, policy, error);
	if (strcmp(policy->type, "ip") == 0)
		return take_ip(b, policy, error);
	if (strcmp(policy->type, "storm") == 0)
		return take_storm(b, policy, error);
	if (strcmp(policy->type, "learn") == 0)
		return take_learn(b, policy, error);
	b->guard->kinds |= strcmp(policy->type, "dhcp") == 0 ? GUARD_DHCP : GUARD_ROUTER;
	return 0;
}

// What is asked for and what is read; the rest costs nothing.
static int plan_stages(struct building *b)
{
	const struct guard *g = b->guard;
	uint64_t fields = WEIR_FIELD_ETH_TYPE;
	int failed;

	fields |= g->kinds & GUARD_MAC ? WEIR_FIELD_ETH_SRC : 0;
	fields |= g->kinds & GUARD_IP ? WEIR_FIELD_IP_SRC : 0;
	failed = g->kinds ? weir_plan_reads(b->plan, WEIR_STAGE_INGRESS, fields)
			  : weir_plan_inactive(b->plan, WEIR_STAGE_INGRESS);
	if (!failed && !g->storms)
		failed = weir_plan_inactive(b->plan, WEIR_STAGE_FORWARDED);
	return failed;
}

static int build(struct building *b, struct weir_error *error)
{
	struct guard *g = b->guard;
	int failed = b->target->mac ? macs_add(&g->macs, b->target->mac) : 0;

	for (size_t i = 0; !failed && i < b->target->n_policies; i++)
		failed = take_policy(b, &b->target->policies[i], error);
	if (failed)
		return failed;
	// A key of the port or one of the policy may be missing: the sentence has both.
	if ((g->kinds & GUARD_MAC) && g->macs.n == 0)
		return weir_refuse(error, -EINVAL, NULL,
			"port %s: has no address to be guarded; assign it one (port set %s --mac) "
			"or name some",
			b->target->name, b->target->name);
	macs_sort(&g->macs);
	ip_ranges_sort(&g->addresses);
	return plan_stages(b);
}

void guard_release(void *instance, const void *state)
{
	struct guard *g = (struct guard *)state;

	(void)instance;
	free(g->macs.items);
	free(g->addresses.items);
	free(g);
}

int guard_prepare(void *instance, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error)
{
	struct building b = { .target = target, .plan = plan };
	int failed;

	// The switch itself has no policies here, nor frames.
	*prepared = NULL;
	if (target->port == WEIR_PORT_NONE)
		return 0;
	b.guard = calloc(1, sizeof(*b.guard));
	failed = b.guard ? build(&b, error) : -ENOMEM;
	if (failed == -ENOMEM)
		failed = no_memory(&b, error);
	if (failed) {
		if (b.guard)
			guard_release(instance, b.guard);
		return failed;
	}
	*prepared = b.guard;
	return 0;
}
