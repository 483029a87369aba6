// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "classify_entry.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

static unsigned longest_prefix(uint8_t l3)
{
	switch (l3) {
	case WEIR_L3_IPV4:
	case WEIR_L3_ARP:
		return 32;
	case WEIR_L3_IPV6:
		return 128;
	default:
		return 0;
	}
}

static bool ports_given(const struct classify_rule *rule)
{
	return rule->local_port_min || rule->local_port_max != 65535 || rule->remote_port_min ||
	       rule->remote_port_max != 65535;
}

static bool in_range(uint16_t value, uint16_t max)
{
	return value <= max || value == CLASSIFY_ANY;
}

static int check_address(const struct classify_rule *rule, const char *name, unsigned length,
	struct weir_error *error)
{
	unsigned longest = longest_prefix(rule->l3);

	if (length <= longest)
		return 0;
	return weir_refuse(error, -EINVAL, name,
		"rule %u: %s prefix length %u: must be 0 to %u for its kind of packet", rule->id,
		name, length, longest);
}

static int check_ports(const struct classify_rule *rule, const char *name, unsigned min,
	unsigned max, struct weir_error *error)
{
	if (min <= max)
		return 0;
	return weir_refuse(error, -EINVAL, name,
		"rule %u: %s ports %u to %u: the first must not be above the last", rule->id, name,
		min, max);
}

static int check_values(const struct classify_rule *rule, struct weir_error *error)
{
	if (!in_range(rule->protocol, 255))
		return weir_refuse(error, -EINVAL, "protocol",
			"rule %u: protocol %u: must be 0 to 255", rule->id, rule->protocol);
	if (!in_range(rule->icmp_type, 255) || !in_range(rule->icmp_code, 255))
		return weir_refuse(error, -EINVAL, "icmp_type",
			"rule %u: ICMP type %u, code %u: must be 0 to 255", rule->id,
			rule->icmp_type, rule->icmp_code);
	if (rule->icmp_type == CLASSIFY_ANY && rule->icmp_code != CLASSIFY_ANY)
		return weir_refuse(error, -EINVAL, "icmp_code",
			"rule %u: ICMP code %u: only together with a type", rule->id,
			rule->icmp_code);
	if (rule->icmp_type != CLASSIFY_ANY && ports_given(rule))
		return weir_refuse(error, -EINVAL, "icmp_type",
			"rule %u: ICMP type %u: ICMP has no ports", rule->id, rule->icmp_type);
	if (!in_range(rule->vlan, 4095))
		return weir_refuse(error, -EINVAL, "vlan", "rule %u: VLAN %u: must be 0 to 4095",
			rule->id, rule->vlan);
	return 0;
}

int entry_check(const struct classify_rule *rule, struct weir_error *error)
{
	int ret;

	if (rule->id == CLASSIFY_NONE)
		return weir_refuse(error, -EINVAL, "id", "rule %u: the id means no rule", rule->id);
	if (rule->l3 > WEIR_L3_ARP && rule->l3 != CLASSIFY_L3_ANY)
		return weir_refuse(error, -EINVAL, "l3", "rule %u: no kind of packet is %u",
			rule->id, rule->l3);
	ret = check_address(rule, "local", rule->local_length, error);
	if (!ret)
		ret = check_address(rule, "remote", rule->remote_length, error);
	if (!ret)
		ret = check_ports(rule, "local", rule->local_port_min, rule->local_port_max, error);
	if (!ret)
		ret = check_ports(
			rule, "remote", rule->remote_port_min, rule->remote_port_max, error);
	return ret ? ret : check_values(rule, error);
}

// Zeroes what is behind the prefix, so that equal rules are equal bytes.
static void load_prefix(uint64_t words[2], const uint8_t address[16], unsigned length)
{
	memcpy(words, address, 16);
	words[0] = length ? be64toh(words[0]) & UINT64_MAX << (length < 64 ? 64 - length : 0) : 0;
	words[1] = length > 64 ? be64toh(words[1]) & UINT64_MAX << (128 - length) : 0;
}

static void make_l4(struct entry_rest *rest, const struct classify_rule *rule)
{
	if (rule->icmp_type != CLASSIFY_ANY) {
		bool code_given = rule->icmp_code != CLASSIFY_ANY;

		rest->local_min = rule->icmp_type;
		rest->local_width = 0;
		rest->remote_min = code_given ? rule->icmp_code : 0;
		rest->remote_width = code_given ? 0 : 65535;
		rest->values |= ENTRY_HAS_ICMP;
		rest->mask |= ENTRY_HAS_ICMP;
		return;
	}
	rest->local_min = rule->local_port_min;
	rest->local_width = rule->local_port_max - rule->local_port_min;
	rest->remote_min = rule->remote_port_min;
	rest->remote_width = rule->remote_port_max - rule->remote_port_min;
	if (ports_given(rule)) {
		rest->values |= ENTRY_HAS_PORTS;
		rest->mask |= ENTRY_HAS_PORTS;
	}
}

void entry_make(struct entry *entry, const struct classify_rule *rule)
{
	memset(entry, 0, sizeof(*entry));
	entry->rank = (uint64_t)rule->weight << 32 | (uint32_t)~rule->id;
	load_prefix(entry->local, rule->local, rule->local_length);
	load_prefix(entry->remote, rule->remote, rule->remote_length);
	entry->rest.values = (uint32_t)rule->local_length << 24;
	entry->rest.mask = (uint32_t)rule->remote_length << 24;
	make_l4(&entry->rest, rule);
	if (rule->protocol != CLASSIFY_ANY) {
		entry->rest.values |= ENTRY_HAS_PROTO | (uint32_t)rule->protocol
								<< ENTRY_PROTO_SHIFT;
		entry->rest.mask |= ENTRY_HAS_PROTO | ENTRY_PROTO;
	}
	if (rule->vlan != CLASSIFY_ANY) {
		entry->rest.values |= rule->vlan;
		entry->rest.mask |= ENTRY_VLAN;
	}
}

int entry_compare(const void *a, const void *b)
{
	const struct entry *left = *(const struct entry *const *)a;
	const struct entry *right = *(const struct entry *const *)b;

	return left->rank > right->rank ? -1 : left->rank < right->rank;
}

bool entry_equal(const struct entry *a, const struct entry *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static uint32_t word(const uint64_t address[2], unsigned i)
{
	return (uint32_t)(address[i / 2] >> (i % 2 ? 0 : 32));
}

static void address_interval(
	const uint64_t address[2], unsigned length, unsigned i, uint32_t *min, uint32_t *max)
{
	unsigned bits = length > 32 * i ? length - 32 * i : 0; // of this word

	*min = word(address, i);
	*max = bits >= 32 ? *min : *min | UINT32_MAX >> bits;
}

static void l4_interval(
	const struct entry_rest *rest, uint16_t first, uint16_t width, uint32_t *min, uint32_t *max)
{
	if (width == 65535)
		return;
	*min = first;
	if (rest->mask & ENTRY_HAS_ICMP)
		*min += ENTRY_NO_PORTS + 1;
	*max = *min + width;
}

static void value_interval(
	const struct entry_rest *rest, uint32_t bits, unsigned shift, uint32_t *min, uint32_t *max)
{
	if (rest->mask & bits)
		*min = *max = (rest->values & bits) >> shift;
}

void entry_interval(const struct entry *entry, enum classify_dim dim, uint32_t *min, uint32_t *max)
{
	const struct entry_rest *rest = &entry->rest;

	*min = 0;
	*max = UINT32_MAX;
	if (dim < CLASSIFY_REMOTE) {
		address_interval(entry->local, rest->values >> 24, dim, min, max);
	} else if (dim < CLASSIFY_L4_LOCAL) {
		address_interval(entry->remote, rest->mask >> 24, dim - CLASSIFY_REMOTE, min, max);
	} else if (dim == CLASSIFY_L4_LOCAL) {
		l4_interval(rest, rest->local_min, rest->local_width, min, max);
	} else if (dim == CLASSIFY_L4_REMOTE) {
		l4_interval(rest, rest->remote_min, rest->remote_width, min, max);
	} else if (dim == CLASSIFY_PROTO) {
		value_interval(rest, ENTRY_PROTO, ENTRY_PROTO_SHIFT, min, max);
	} else {
		value_interval(rest, ENTRY_VLAN, 0, min, max);
	}
}

void entry_narrow(struct entry_narrow *narrow, const struct entry *entry)
{
	narrow->rank = entry->rank;
	narrow->local = word(entry->local, 0);
	narrow->remote = word(entry->remote, 0);
	narrow->rest = entry->rest;
}

void entry_widen(struct entry *entry, const struct entry_narrow *narrow)
{
	entry->rank = narrow->rank;
	entry->local[0] = (uint64_t)narrow->local << 32;
	entry->local[1] = 0;
	entry->remote[0] = (uint64_t)narrow->remote << 32;
	entry->remote[1] = 0;
	entry->rest = narrow->rest;
}

void entry_probe(struct probe *probe, const struct classify_packet *packet)
{
	bool has_ports = packet->known & CLASSIFY_PORTS, has_icmp = packet->known & CLASSIFY_ICMP;
	uint32_t base = has_ports ? 0 : has_icmp ? ENTRY_NO_PORTS + 1 : ENTRY_NO_PORTS;

	memcpy(probe->local, packet->local, sizeof(probe->local));
	memcpy(probe->remote, packet->remote, sizeof(probe->remote));
	for (unsigned i = 0; i < 2; i++) {
		probe->local[i] = be64toh(probe->local[i]);
		probe->remote[i] = be64toh(probe->remote[i]);
	}
	for (unsigned i = 0; i < 4; i++) {
		probe->key[CLASSIFY_LOCAL + i] = word(probe->local, i);
		probe->key[CLASSIFY_REMOTE + i] = word(probe->remote, i);
	}
	probe->l4_local = has_ports ? packet->local_port : has_icmp ? packet->icmp_type : 0;
	probe->l4_remote = has_ports ? packet->remote_port : has_icmp ? packet->icmp_code : 0;
	probe->key[CLASSIFY_L4_LOCAL] = base + probe->l4_local;
	probe->key[CLASSIFY_L4_REMOTE] = base + probe->l4_remote;
	probe->values = packet->vlan & ENTRY_VLAN;
	probe->key[CLASSIFY_VLAN] = packet->vlan & ENTRY_VLAN;
	probe->key[CLASSIFY_PROTO] = 256;
	if (packet->known & CLASSIFY_PROTOCOL) {
		probe->values |= ENTRY_HAS_PROTO | (uint32_t)packet->protocol << ENTRY_PROTO_SHIFT;
		probe->key[CLASSIFY_PROTO] = packet->protocol;
	}
	probe->values |= has_ports ? ENTRY_HAS_PORTS : has_icmp ? ENTRY_HAS_ICMP : 0;
}
