// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

// ---- Reading

static struct model_prefix read_prefix(const char *text)
{
	struct model_prefix p = { .family = -1 };
	char address[64];
	char *slash;

	if (strcmp(text, "any") == 0)
		return p;
	snprintf(address, sizeof(address), "%s", text);
	slash = strchr(address, '/');
	if (slash)
		*slash++ = '\0';
	p.family = strchr(address, ':') ? 6 : 4;
	assert_int_equal(inet_pton(p.family == 6 ? AF_INET6 : AF_INET, address, p.bytes), 1);
	p.length = slash ? (unsigned)atoi(slash) : p.family == 6 ? 128 : 32;
	return p;
}

static void read_range(const char *text, unsigned *min, unsigned *max)
{
	if (sscanf(text, "%u-%u", min, max) == 1)
		*max = *min;
}

static int read_protocol(const char *text)
{
	return strcmp(text, "tcp") == 0      ? 6
	       : strcmp(text, "udp") == 0    ? 17
	       : strcmp(text, "icmp") == 0   ? 1
	       : strcmp(text, "icmpv6") == 0 ? 58
	       : strcmp(text, "sctp") == 0   ? 132
					     : atoi(text);
}

static int read_network(const char *text)
{
	static const char *const names[] = { "ip", "ipv4", "ipv6", "arp", "other", "any" };
	int i = 0;

	while (strcmp(names[i], text) != 0)
		i++;
	return i;
}

static void read_field(struct model_policy *p, const char *name, const char *value)
{
	if (strcmp(name, "direction") == 0) {
		p->in = strcmp(value, "out") != 0;
		p->out = strcmp(value, "in") != 0;
	} else if (strcmp(name, "action") == 0)
		p->action = strcmp(value, "meter") == 0  ? MODEL_METER
			    : strcmp(value, "deny") == 0 ? MODEL_DENY
							 : MODEL_ALLOW; // or police
	else if (strcmp(name, "local") == 0)
		p->has_local = true, p->local = read_prefix(value);
	else if (strcmp(name, "remote") == 0)
		p->has_remote = true, p->remote = read_prefix(value);
	else if (strcmp(name, "local_mac") == 0 || strcmp(name, "remote_mac") == 0) {
		p->has_mac = true;
		p->mac_is_remote = *name == 'r';
		p->any_mac = strcmp(value, "any") == 0;
		p->mac = p->any_mac ? 0 : (uint8_t)strtoul(strrchr(value, ':') + 1, NULL, 16);
	} else if (strcmp(name, "weight") == 0)
		p->weight = (unsigned)strtoul(value, NULL, 10);
	else if (strcmp(name, "network") == 0)
		p->network = read_network(value);
	else if (strcmp(name, "protocol") == 0)
		p->protocol = read_protocol(value);
	else if (strcmp(name, "local_port") == 0)
		read_range(value, &p->local_min, &p->local_max);
	else if (strcmp(name, "remote_port") == 0)
		read_range(value, &p->remote_min, &p->remote_max);
	else if (strcmp(name, "icmp_type") == 0)
		p->icmp_type = atoi(value);
	else if (strcmp(name, "icmp_code") == 0)
		p->icmp_code = atoi(value);
	else if (strcmp(name, "vlan") == 0)
		p->vlan = atoi(value);
	else if (strcmp(name, "rate") != 0 && strcmp(name, "burst") != 0)
		fail_msg("the model has no %s", name);
}

void model_add(struct model *m, const char *id, const char *text)
{
	struct model_policy p = { .protocol = -1,
		.vlan = -1,
		.icmp_type = -1,
		.icmp_code = -1,
		.local_max = 65535,
		.remote_max = 65535 };
	char copy[512], *save, *word;

	model_remove(m, id);
	assert_true(m->n < MODEL_POLICIES_MAX);
	snprintf(p.id, sizeof(p.id), "%s", id);
	snprintf(copy, sizeof(copy), "%s", text);
	word = strtok_r(copy, " ", &save);
	p.rule = strcmp(word, "rule") == 0;
	if (strcmp(word, "settings") == 0) {
		m->fragments = strstr(text, "=drop")   ? MODEL_DROP
			       : strstr(text, "=pass") ? MODEL_PASS
						       : MODEL_SKIP;
		return;
	}
	while ((word = strtok_r(NULL, " ", &save))) {
		char *value = strchr(word, '=');

		*value++ = '\0';
		read_field(&p, word, value);
	}
	m->policies[m->n++] = p;
}

void model_remove(struct model *m, const char *id)
{
	for (unsigned i = 0; i < m->n; i++) {
		if (strcmp(m->policies[i].id, id) == 0) {
			m->policies[i] = m->policies[--m->n];
			return;
		}
	}
}

// ---- Deciding

static bool is_ip(const struct packet *p)
{
	return p->type == 0x0800 || p->type == 0x86dd;
}

static bool inside(const struct model_prefix *prefix, int family, const uint8_t *address)
{
	if (prefix->family == -1)
		return true;
	if (prefix->family != family)
		return false;
	for (unsigned i = 0; i < prefix->length; i++)
		if (((prefix->bytes[i / 8] ^ address[i / 8]) & 0x80 >> i % 8) != 0)
			return false;
	return true;
}

static const uint8_t *local_of(const struct packet *p, bool out)
{
	return out ? p->src : p->dst;
}

static const uint8_t *remote_of(const struct packet *p, bool out)
{
	return out ? p->dst : p->src;
}

static bool has_ports(const struct model_policy *r)
{
	return r->local_min != 0 || r->local_max != 65535 || r->remote_min != 0 ||
	       r->remote_max != 65535;
}

static bool network_matches(const struct model_policy *r, const struct packet *p)
{
	switch (r->network) {
	case MODEL_IP:
		return is_ip(p);
	case MODEL_IPV4:
		return p->type == 0x0800;
	case MODEL_IPV6:
		return p->type == 0x86dd;
	case MODEL_ARP:
		return p->type == 0x0806;
	case MODEL_OTHER:
		return !is_ip(p) && p->type != 0x0806;
	default:
		return true;
	}
}

// ports: whether its ports and ICMP types are asked for.
static bool rule_matches(const struct model_policy *r, const struct packet *p, bool out, bool ports)
{
	int family = p->type == 0x86dd ? 6 : 4, vlan = p->vlan > 0 ? p->vlan : 0;
	bool addressed = p->type == 0x0806 || is_ip(p);
	unsigned local = out ? p->src_port : p->dst_port, remote = out ? p->dst_port : p->src_port;
	bool knows_ports = p->fragment != LATER &&
			   (p->protocol == 6 || p->protocol == 17 || p->protocol == 132);

	if (!network_matches(r, p) || (r->vlan >= 0 && r->vlan != vlan))
		return false;
	if ((r->has_local && (!addressed || !inside(&r->local, family, local_of(p, out)))) ||
		(r->has_remote && (!addressed || !inside(&r->remote, family, remote_of(p, out)))))
		return false;
	if (r->protocol >= 0 && (!is_ip(p) || r->protocol != p->protocol))
		return false;
	// Each belongs to its family.
	if ((r->protocol == 1 && family == 6) || (r->protocol == 58 && family == 4))
		return false;
	if (!ports)
		return true;
	if (has_ports(r) && (!knows_ports || local < r->local_min || local > r->local_max ||
				    remote < r->remote_min || remote > r->remote_max))
		return false;
	if (r->icmp_type >= 0 && (p->fragment == LATER || p->src_port != r->icmp_type))
		return false;
	return r->icmp_code < 0 || p->dst_port == r->icmp_code;
}

static const struct model_policy *best_rule(
	const struct model *m, const struct packet *p, bool out, bool port_rules)
{
	const struct model_policy *best = NULL;

	for (unsigned i = 0; i < m->n; i++) {
		const struct model_policy *r = &m->policies[i];

		if (!r->rule || !(out ? r->out : r->in) || (best && best->weight > r->weight))
			continue;
		if (port_rules && !has_ports(r) && r->icmp_type < 0)
			continue;
		if (rule_matches(r, p, out, !port_rules))
			best = r;
	}
	return best;
}

static bool entry_matches(const struct model_policy *e, const struct packet *p, bool out)
{
	int family = p->type == 0x86dd ? 6 : 4;

	if (e->rule || !(out ? e->out : e->in))
		return false;
	if (e->has_mac)
		return e->any_mac || e->mac == (e->mac_is_remote == out ? p->to : p->from);
	return is_ip(p) && (e->has_remote ? inside(&e->remote, family, remote_of(p, out))
					  : inside(&e->local, family, local_of(p, out)));
}

static unsigned entry_length(const struct model_policy *e)
{
	if (e->has_mac)
		return e->any_mac ? 0 : 48;
	return e->has_remote ? e->remote.length : e->local.length;
}

// Whether the entries of one kind let it pass.
static bool entries_allow(const struct model *m, const struct packet *p, bool out, bool mac)
{
	bool allow = true;
	int length = -1;

	for (unsigned i = 0; i < m->n; i++) {
		const struct model_policy *e = &m->policies[i];

		if (e->action == MODEL_METER || e->has_mac != mac || !entry_matches(e, p, out) ||
			(int)entry_length(e) < length)
			continue;
		// Of those that are as long as each other, one that denies.
		allow = e->action == MODEL_ALLOW && ((int)entry_length(e) > length || allow);
		length = (int)entry_length(e);
	}
	return allow;
}

const char *model_decide(const struct model *m, const struct packet *p, bool out)
{
	const struct model_policy *rule = best_rule(m, p, out, false), *hidden = NULL;

	if (is_ip(p) && p->fragment == LATER && m->fragments != MODEL_SKIP)
		hidden = best_rule(m, p, out, true);
	if (hidden && (!rule || hidden->weight >= rule->weight))
		return m->fragments == MODEL_PASS ? "" : "fragment";
	if (rule)
		return rule->action == MODEL_ALLOW ? "" : "rule-denied";
	return entries_allow(m, p, out, true) && entries_allow(m, p, out, false) ? "" : "denied";
}

bool model_counts(const struct model_policy *e, const struct packet *p, bool out)
{
	return e->action == MODEL_METER && entry_matches(e, p, out);
}
