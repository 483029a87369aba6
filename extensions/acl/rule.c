// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Rules of the extended ACL.
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "item.h"

#include "acl.pb-c.h"

static const char *family_name(unsigned l3)
{
	return l3 == WEIR_L3_IPV4 ? "IPv4" : l3 == WEIR_L3_IPV6 ? "IPv6" : "ARP";
}

// What one field says about the family, beside what others said before: of the field `*why`.
static int agree(struct classify_rule *rule, const char **why, unsigned l3, const char *field,
	const char *text, struct weir_error *error)
{
	bool arp = rule->l3 == WEIR_L3_ARP && l3 == WEIR_L3_IPV4;

	if (rule->l3 == CLASSIFY_L3_ANY) {
		rule->l3 = (uint8_t)l3;
		*why = field;
		return 0;
	}
	if (rule->l3 == l3 || arp)
		return 0;
	return weir_refuse(error, -EINVAL, field,
		"%s \"%.64s\": is %s, while the rule is of %s by its %s", field, text,
		family_name(l3), family_name(rule->l3), *why);
}

static int set_prefix(struct item *item, const char **why, const char *field, const char *text,
	uint8_t bytes[/* 16 */], uint8_t *length, struct weir_error *error)
{
	struct prefix prefix;
	int failed;

	if (!text)
		return 0;
	failed = text_read_prefix(field, text, &prefix, error);
	if (!failed && prefix.family == 0)
		return 0; // any: no restriction
	if (!failed)
		failed = agree(&item->rule, why, prefix.family == 4 ? WEIR_L3_IPV4 : WEIR_L3_IPV6,
			field, text, error);
	if (failed)
		return failed;
	memcpy(bytes, prefix.bytes, sizeof(prefix.bytes));
	*length = prefix.length;
	item->normalised |= prefix.normalised;
	return 0;
}

static int set_network(struct item *item, const Acl__Rule *m, const char **why)
{
	static const uint8_t kinds[] = {
		[ACL__NETWORK__IP] = CLASSIFY_L3_ANY,
		[ACL__NETWORK__IPV4] = WEIR_L3_IPV4,
		[ACL__NETWORK__IPV6] = WEIR_L3_IPV6,
		[ACL__NETWORK__ARP] = WEIR_L3_ARP,
		[ACL__NETWORK__OTHER] = WEIR_L3_OTHER,
		[ACL__NETWORK__ANY] = CLASSIFY_L3_ANY,
	};

	item->rule.l3 = kinds[m->network];
	item->non_ip = m->network >= ACL__NETWORK__ARP;
	*why = "network";
	return 0;
}

// Conditions that only make sense for some frames.
static int check_network(const struct item *item, const Acl__Rule *m, struct weir_error *error)
{
	bool has_l4 = m->protocol || m->local_port || m->remote_port || m->has_icmp_type;
	bool addresses = m->local || m->remote;

	if (item->non_ip && has_l4)
		return weir_refuse(error, -EINVAL, "network",
			"network %s: a rule with a protocol, ports or an ICMP type must be for "
			"IP, IPv4 or IPv6",
			m->network == ACL__NETWORK__ARP     ? "arp"
			: m->network == ACL__NETWORK__OTHER ? "other"
							    : "any");
	if (addresses && (m->network == ACL__NETWORK__OTHER || m->network == ACL__NETWORK__ANY))
		return weir_refuse(error, -EINVAL, "network",
			"network %s: a rule with addresses must be for IP, IPv4, IPv6 or ARP",
			m->network == ACL__NETWORK__OTHER ? "other" : "any");
	return 0;
}

static int set_protocol(
	struct item *item, const Acl__Rule *m, const char **why, struct weir_error *error)
{
	uint16_t protocol;
	int failed = text_read_protocol(m->protocol, &protocol, error);

	if (failed)
		return failed;
	item->rule.protocol = protocol;
	// Each belongs to one family (RFC 792, RFC 4443); in the other nothing is known of its
	// types.
	if (protocol == IPPROTO_ICMP)
		return agree(&item->rule, why, WEIR_L3_IPV4, "protocol", m->protocol, error);
	if (protocol == IPPROTO_ICMPV6)
		return agree(&item->rule, why, WEIR_L3_IPV6, "protocol", m->protocol, error);
	return 0;
}

static int set_ports(struct item *item, const Acl__Rule *m, struct weir_error *error)
{
	struct classify_rule *r = &item->rule;
	int failed = 0;

	if ((m->local_port || m->remote_port) && r->protocol != CLASSIFY_ANY &&
		r->protocol != IPPROTO_TCP && r->protocol != IPPROTO_UDP &&
		r->protocol != IPPROTO_SCTP)
		return weir_refuse(error, -EINVAL, m->local_port ? "local_port" : "remote_port",
			"%s \"%.32s\": protocol %s has no ports, tcp, udp and sctp have",
			m->local_port ? "local_port" : "remote_port",
			m->local_port ? m->local_port : m->remote_port, m->protocol);
	if (m->local_port)
		failed = text_read_ports(
			"local_port", m->local_port, &r->local_port_min, &r->local_port_max, error);
	if (!failed && m->remote_port)
		failed = text_read_ports("remote_port", m->remote_port, &r->remote_port_min,
			&r->remote_port_max, error);
	item->has_ports = r->local_port_min != 0 || r->local_port_max != 65535 ||
			  r->remote_port_min != 0 || r->remote_port_max != 65535;
	return failed;
}

static int set_icmp(struct item *item, const Acl__Rule *m, struct weir_error *error)
{
	struct classify_rule *r = &item->rule;

	if (m->has_icmp_code && !m->has_icmp_type)
		return weir_refuse(error, -EINVAL, "icmp_code",
			"icmp_code %u: needs an icmp_type, whose code it is", m->icmp_code);
	if (!m->has_icmp_type)
		return 0;
	if (r->protocol != IPPROTO_ICMP && r->protocol != IPPROTO_ICMPV6)
		return weir_refuse(error, -EINVAL, "icmp_type",
			"icmp_type %u: the protocol must be icmp or icmpv6", m->icmp_type);
	r->icmp_type = (uint16_t)m->icmp_type;
	if (m->has_icmp_code)
		r->icmp_code = (uint16_t)m->icmp_code;
	item->has_ports = true;
	return 0;
}

static int set_state(struct item *item, const Acl__Rule *m, struct weir_error *error)
{
	if (item->action == ACTION_METER)
		return weir_refuse(error, -EINVAL, "action",
			"action meter: is for entries of the port ACL, not for rules, which allow, "
			"deny or police");
	if (m->has_idle_s && !m->stateful)
		return weir_refuse(error, -EINVAL, "idle_s",
			"idle_s %u: is for rules that are stateful", m->idle_s);
	if (m->stateful && item->action == ACTION_DENY)
		return weir_refuse(error, -EINVAL, "stateful",
			"stateful: is for rules that allow or police, not for deny");
	if (m->stateful && item->non_ip)
		return weir_refuse(error, -EINVAL, "stateful",
			"stateful: is for rules of network ip, ipv4 or ipv6");
	item->stateful = m->stateful;
	item->idle_s = (uint16_t)m->idle_s;
	return 0;
}

static int set_rule(struct item *item, const Acl__Rule *m, struct weir_error *error)
{
	const char *why;
	int failed = item_set_action(item, (int)m->direction, (int)m->action,
		m->has_rate ? &m->rate : NULL, m->has_burst ? &m->burst : NULL, error);

	if (!failed)
		failed = set_network(item, m, &why);
	if (!failed)
		failed = set_state(item, m, error);
	if (!failed)
		failed = check_network(item, m, error);
	if (!failed)
		failed = set_prefix(item, &why, "local", m->local, item->rule.local,
			&item->rule.local_length, error);
	if (!failed)
		failed = set_prefix(item, &why, "remote", m->remote, item->rule.remote,
			&item->rule.remote_length, error);
	if (!failed && m->protocol)
		failed = set_protocol(item, m, &why, error);
	if (!failed)
		failed = set_ports(item, m, error);
	if (!failed)
		failed = set_icmp(item, m, error);
	if (m->has_vlan)
		item->rule.vlan = (uint16_t)m->vlan;
	return failed;
}

int item_make_rule(const struct weir_policy *policy, struct vector_numbers *numbers,
	struct item **made, struct weir_error *error)
{
	Acl__Rule *m = acl__rule__unpack(NULL, policy->size, policy->bytes);
	struct item *item = m ? item_alloc(policy, ITEM_ENTRY) : NULL;
	uint32_t number;
	int failed;

	*made = item;
	if (!item || vector_take_number(numbers, &number) < 0) {
		failed = weir_refuse(error, -ENOMEM, NULL, "no memory");
	} else {
		item->kind = ITEM_RULE; // from here on it gives its number back
		item->numbers = numbers;
		item->rule = classify_rule_any(number, m->weight);
		failed = set_rule(item, m, error);
	}
	if (m)
		acl__rule__free_unpacked(m, NULL);
	return failed;
}

void item_format_rule(const struct item *item, struct text *text)
{
	const struct classify_rule *r = &item->rule;
	unsigned family = r->l3 == WEIR_L3_IPV6 ? 6 : 4;

	text_put(text, " weight=%u", r->weight);
	if (item->non_ip || (r->l3 != CLASSIFY_L3_ANY && !r->local_length && !r->remote_length))
		text_put(text, " network=%s",
			r->l3 == CLASSIFY_L3_ANY ? "any"
			: r->l3 == WEIR_L3_ARP   ? "arp"
			: r->l3 == WEIR_L3_IPV4  ? "ipv4"
			: r->l3 == WEIR_L3_IPV6  ? "ipv6"
						 : "other");
	if (r->protocol != CLASSIFY_ANY)
		text_put_protocol(text, r->protocol);
	if (r->local_length)
		text_put_prefix(text, "local", family, r->local, r->local_length);
	if (r->remote_length)
		text_put_prefix(text, "remote", family, r->remote, r->remote_length);
	text_put_ports(text, "local_port", r->local_port_min, r->local_port_max);
	text_put_ports(text, "remote_port", r->remote_port_min, r->remote_port_max);
	if (r->icmp_type != CLASSIFY_ANY)
		text_put(text, " icmp_type=%u", r->icmp_type);
	if (r->icmp_code != CLASSIFY_ANY)
		text_put(text, " icmp_code=%u", r->icmp_code);
	if (r->vlan != CLASSIFY_ANY)
		text_put(text, " vlan=%u", r->vlan);
	if (item->stateful)
		text_put(text, " stateful=true idle_s=%u", item->idle_s);
}
