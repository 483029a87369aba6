// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "classify_model.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct prefix {
	uint8_t bytes[16];
	unsigned length;
};

struct range {
	bool given;
	unsigned min, max;
};

struct model_rule {
	uint32_t id, weight;
	int l3; // -1: any
	struct prefix local, remote;
	struct range lport, rport, proto, icmp_type, icmp_code, vlan;
};

struct model {
	size_t n, room;
	struct model_rule *rules;
};

static const char *const kinds[] = { "other", "ipv4", "ipv6", "arp" };

static size_t print_prefix(
	char *at, const char *name, uint8_t l3, const uint8_t *bytes, unsigned length)
{
	char text[INET6_ADDRSTRLEN];

	if (!length)
		return 0;
	inet_ntop(l3 == WEIR_L3_IPV6 ? AF_INET6 : AF_INET, bytes, text, sizeof(text));
	return (size_t)sprintf(at, " %s=%s/%u", name, text, length);
}

static size_t print_ports(char *at, const char *name, unsigned min, unsigned max)
{
	if (!min && max == 65535)
		return 0;
	return (size_t)sprintf(at, " %s=%u-%u", name, min, max);
}

void model_print(char text[], const struct classify_rule *rule)
{
	char *at = text;

	at += sprintf(at, "%" PRIu32 " %" PRIu32 " %s", rule->id, rule->weight,
		rule->l3 == CLASSIFY_L3_ANY ? "any" : kinds[rule->l3]);
	at += print_prefix(at, "local", rule->l3, rule->local, rule->local_length);
	at += print_prefix(at, "remote", rule->l3, rule->remote, rule->remote_length);
	if (rule->protocol != CLASSIFY_ANY)
		at += sprintf(at, " proto=%u", rule->protocol);
	at += print_ports(at, "lport", rule->local_port_min, rule->local_port_max);
	at += print_ports(at, "rport", rule->remote_port_min, rule->remote_port_max);
	if (rule->icmp_type != CLASSIFY_ANY)
		at += sprintf(at, " icmp=%u", rule->icmp_type);
	if (rule->icmp_code != CLASSIFY_ANY)
		at += sprintf(at, "/%u", rule->icmp_code);
	if (rule->vlan != CLASSIFY_ANY)
		sprintf(at, " vlan=%u", rule->vlan);
}

static void fail(const char *text)
{
	fprintf(stderr, "no rule: %s\n", text);
	abort();
}

static int parse_kind(const char *name)
{
	for (int i = 0; i < 4; i++)
		if (!strcmp(name, kinds[i]))
			return i;
	if (strcmp(name, "any"))
		fail(name);
	return -1;
}

static void parse_prefix(struct prefix *prefix, const char *text)
{
	char address[64];

	if (sscanf(text, "%63[^/]/%u", address, &prefix->length) != 2 ||
		inet_pton(strchr(address, ':') ? AF_INET6 : AF_INET, address, prefix->bytes) != 1)
		fail(text);
}

static void parse_range(struct range *range, const char *text)
{
	int n = sscanf(text, "%u-%u", &range->min, &range->max);

	if (n < 1)
		fail(text);
	if (n == 1)
		range->max = range->min;
	range->given = true;
}

static void parse_condition(struct model_rule *rule, char *text)
{
	char *value = strchr(text, '=');
	char *code;

	if (!value)
		fail(text);
	*value++ = '\0';
	code = strchr(value, '/');
	if (!strcmp(text, "local"))
		parse_prefix(&rule->local, value);
	else if (!strcmp(text, "remote"))
		parse_prefix(&rule->remote, value);
	else if (!strcmp(text, "proto"))
		parse_range(&rule->proto, value);
	else if (!strcmp(text, "lport"))
		parse_range(&rule->lport, value);
	else if (!strcmp(text, "rport"))
		parse_range(&rule->rport, value);
	else if (!strcmp(text, "vlan"))
		parse_range(&rule->vlan, value);
	else if (!strcmp(text, "icmp"))
		parse_range(&rule->icmp_type, value);
	else
		fail(text);
	if (rule->icmp_type.given && code && !rule->icmp_code.given && !strcmp(text, "icmp"))
		parse_range(&rule->icmp_code, code + 1);
}

struct model *model_create(void)
{
	struct model *model = calloc(1, sizeof(*model));

	if (!model)
		abort();
	return model;
}

void model_destroy(struct model *model)
{
	free(model->rules);
	free(model);
}

void model_add(struct model *model, const char *text)
{
	struct model_rule rule = { .id = 0 };
	char copy[MODEL_TEXT], *save = NULL, *word;

	snprintf(copy, sizeof(copy), "%s", text);
	word = strtok_r(copy, " ", &save);
	if (!word || sscanf(word, "%" SCNu32, &rule.id) != 1)
		fail(text);
	word = strtok_r(NULL, " ", &save);
	if (!word || sscanf(word, "%" SCNu32, &rule.weight) != 1)
		fail(text);
	word = strtok_r(NULL, " ", &save);
	if (!word)
		fail(text);
	rule.l3 = parse_kind(word);
	while ((word = strtok_r(NULL, " ", &save)))
		parse_condition(&rule, word);
	if (model->n == model->room) {
		model->room = model->room ? 2 * model->room : 16;
		model->rules = reallocarray(model->rules, model->room, sizeof(rule));
		if (!model->rules)
			abort();
	}
	model->rules[model->n++] = rule;
}

void model_add_rule(struct model *model, const struct classify_rule *rule)
{
	char text[MODEL_TEXT];

	model_print(text, rule);
	model_add(model, text);
}

bool model_remove(struct model *model, uint32_t id)
{
	for (size_t i = 0; i < model->n; i++)
		if (model->rules[i].id == id) {
			model->rules[i] = model->rules[--model->n];
			return true;
		}
	return false;
}

static bool in_prefix(const struct prefix *prefix, const uint8_t *address)
{
	for (unsigned i = 0; i < prefix->length; i++)
		if ((prefix->bytes[i / 8] ^ address[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

static bool in_range(const struct range *range, bool known, unsigned value)
{
	return !range->given || (known && value >= range->min && value <= range->max);
}

static bool matches(const struct model_rule *rule, const struct classify_packet *packet)
{
	bool has_ports = packet->known & CLASSIFY_PORTS, has_icmp = packet->known & CLASSIFY_ICMP;

	return (rule->l3 < 0 || rule->l3 == packet->l3) &&
	       in_range(&rule->proto, packet->known & CLASSIFY_PROTOCOL, packet->protocol) &&
	       in_range(&rule->lport, has_ports, packet->local_port) &&
	       in_range(&rule->rport, has_ports, packet->remote_port) &&
	       in_range(&rule->icmp_type, has_icmp, packet->icmp_type) &&
	       in_range(&rule->icmp_code, has_icmp, packet->icmp_code) &&
	       in_range(&rule->vlan, true, packet->vlan) &&
	       in_prefix(&rule->local, packet->local) && in_prefix(&rule->remote, packet->remote);
}

uint32_t model_match(const struct model *model, const struct classify_packet *packet)
{
	const struct model_rule *best = NULL;

	for (size_t i = 0; i < model->n; i++) {
		const struct model_rule *rule = &model->rules[i];

		if (best && (rule->weight < best->weight ||
				    (rule->weight == best->weight && rule->id > best->id)))
			continue;
		if (matches(rule, packet))
			best = rule;
	}
	return best ? best->id : CLASSIFY_NONE;
}
