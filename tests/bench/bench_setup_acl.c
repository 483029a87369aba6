// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "bench_setup_acl.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "acl.pb-c.h"
#include "prefix_families.h"

enum { TEXT = 64, POLICY = 512 };

struct frame {
	uint8_t size;
	uint8_t bytes[ACL_FLOWS_FRAME];
};

struct acl_flows {
	struct classify_rule *rules;
	size_t n;
	struct frame *frames;
	size_t n_frames, next;
};

static void die(const char *what, const char *sentence)
{
	fprintf(stderr, "%s: %s\n", what, sentence);
	exit(1);
}

// ---- Policies

static char *prefix_text(char text[TEXT], const uint8_t *address, unsigned length, unsigned l3)
{
	size_t n;

	inet_ntop(l3 == WEIR_L3_IPV6 ? AF_INET6 : AF_INET, address, text, TEXT);
	n = strlen(text);
	snprintf(text + n, TEXT - n, "/%u", length);
	return text;
}

static char *ports_text(char text[TEXT], unsigned min, unsigned max)
{
	if (min == 0 && max == 65535)
		return NULL;
	snprintf(text, TEXT, "%u-%u", min, max);
	return text;
}

static size_t pack_rule(const struct classify_rule *rule, uint8_t bytes[POLICY])
{
	char local[TEXT], remote[TEXT], local_port[TEXT], remote_port[TEXT], protocol[TEXT];
	Acl__Rule m = ACL__RULE__INIT;

	m.direction = ACL__DIRECTION__OUT;
	m.action = rule->weight & 1 ? ACL__ACTION__DENY : ACL__ACTION__ALLOW;
	m.weight = rule->weight;
	m.has_network = true;
	m.network = rule->l3 == WEIR_L3_IPV6 ? ACL__NETWORK__IPV6 : ACL__NETWORK__IPV4;
	if (rule->local_length)
		m.local = prefix_text(local, rule->local, rule->local_length, rule->l3);
	if (rule->remote_length)
		m.remote = prefix_text(remote, rule->remote, rule->remote_length, rule->l3);
	m.local_port = ports_text(local_port, rule->local_port_min, rule->local_port_max);
	m.remote_port = ports_text(remote_port, rule->remote_port_min, rule->remote_port_max);
	if (rule->protocol != CLASSIFY_ANY) {
		// ICMP's number is another one in IPv6; the families have the same in both.
		snprintf(protocol, sizeof(protocol), "%u",
			rule->protocol == IPPROTO_ICMP && rule->l3 == WEIR_L3_IPV6
				? IPPROTO_ICMPV6
				: rule->protocol);
		m.protocol = protocol;
	}
	m.has_icmp_type = rule->icmp_type != CLASSIFY_ANY;
	m.icmp_type = rule->icmp_type;
	return acl__rule__pack(&m, bytes);
}

// rule: NULL for any remote address.
static size_t pack_entry(const struct classify_rule *rule, bool meter, uint8_t bytes[POLICY])
{
	Acl__Entry m = ACL__ENTRY__INIT;
	char text[TEXT] = "any";

	m.direction = ACL__DIRECTION__OUT;
	m.action = meter                             ? ACL__ACTION__METER
		   : rule && (rule->weight & 1) == 0 ? ACL__ACTION__ALLOW
						     : ACL__ACTION__DENY;
	if (rule && rule->local_length)
		m.local = prefix_text(text, rule->local, rule->local_length, rule->l3);
	else if (rule)
		m.remote = prefix_text(text, rule->remote, rule->remote_length, rule->l3);
	else
		m.remote = text;
	return acl__entry__pack(&m, bytes);
}

// Denies what nobody sends; but who has it tells flows apart by ports.
static size_t pack_reader(uint8_t bytes[POLICY])
{
	struct classify_rule rule = classify_rule_any(0, 1);

	rule.l3 = WEIR_L3_IPV4;
	rule.protocol = IPPROTO_SCTP;
	rule.local_port_max = 1;
	return pack_rule(&rule, bytes);
}

static void add(struct weir_document *document, const char *type, const char *id,
	const uint8_t *bytes, size_t size)
{
	struct weir_item item = { .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_POLICY,
		.target = "in",
		.name = "acl" };
	struct weir_error error;

	item.policy.type = type;
	item.policy.id = id;
	item.policy.bytes = bytes;
	item.policy.size = size;
	if (weir_document_add(document, &item, &error) < 0)
		die("document", error.message);
}

static void apply(
	struct weir *w, const struct acl_flows *flows, const struct prefix_family *prefixes)
{
	struct weir_document *document = weir_document_create();
	struct timespec began, now;
	struct weir_error error;
	uint8_t bytes[POLICY];
	char id[TEXT];

	if (!document)
		die("document", "no memory");
	for (size_t i = 0; i < flows->n; i++) {
		size_t size = prefixes ? pack_entry(&flows->rules[i], prefixes->meter, bytes)
				       : pack_rule(&flows->rules[i], bytes);

		snprintf(id, sizeof(id), "p%zu", i);
		add(document, prefixes ? "acl" : "rule", id, bytes, size);
	}
	if (prefixes)
		add(document, "rule", "ports", bytes, pack_reader(bytes));
	// Where all lengths meter there is no room for another one.
	if (!prefixes || !prefixes->meter)
		add(document, "acl", "all", bytes, pack_entry(NULL, true, bytes));
	clock_gettime(CLOCK_MONOTONIC, &began);
	if (weir_apply(w, document, 0, NULL, NULL, &error) < 0)
		die("apply", error.message);
	clock_gettime(CLOCK_MONOTONIC, &now);
	fprintf(stderr, "applied %.0f ",
		1e3 * (double)(now.tv_sec - began.tv_sec) +
			1e-6 * (double)(now.tv_nsec - began.tv_nsec));
	weir_document_destroy(document);
}

static void print_status(void *context, const struct weir_policy_info *info)
{
	Acl__Summary *m = acl__summary__unpack(NULL, info->size, info->bytes);
	const struct acl_flows *flows = context;

	if (m)
		fprintf(stderr, "bytes %.1f steps %u meters %u\n",
			(double)(m->classifier_bytes + m->prefix_bytes) / (double)flows->n,
			m->worst_out, m->meters_out);
	acl__summary__free_unpacked(m, NULL);
}

static enum family_packets kind_of(const char *name)
{
	for (enum family_packets kind = 0; kind < FAMILY_N_PACKETS; kind++)
		if (strcmp(family_packet_names[kind], name) == 0)
			return kind;
	die(name, "no such kind of packets: hit, near, cross, uniform");
	return FAMILY_HIT;
}

// ---- Frames

static size_t put_l3(const struct classify_packet *packet, uint8_t *at, uint16_t payload)
{
	if (packet->l3 == WEIR_L3_IPV6) {
		memset(at, 0, 40);
		at[0] = 0x60;
		at[4] = (uint8_t)(payload >> 8);
		at[5] = (uint8_t)payload;
		at[6] = packet->protocol == IPPROTO_ICMP ? IPPROTO_ICMPV6 : packet->protocol;
		at[7] = 64;
		memcpy(at + 8, packet->local, 16);
		memcpy(at + 24, packet->remote, 16);
		return 40;
	}
	memset(at, 0, 20);
	at[0] = 0x45;
	at[2] = (uint8_t)((payload + 20) >> 8);
	at[3] = (uint8_t)(payload + 20);
	at[6] = 0x40;
	at[8] = 64;
	at[9] = packet->protocol;
	memcpy(at + 12, packet->local, 4);
	memcpy(at + 16, packet->remote, 4);
	return 20;
}

static void put_l4(const struct classify_packet *packet, uint8_t l4[20])
{
	uint16_t ports[2] = { htons(packet->local_port), htons(packet->remote_port) };

	memset(l4, 0, 20);
	if (packet->known & CLASSIFY_ICMP) {
		l4[0] = packet->icmp_type;
		l4[1] = packet->icmp_code;
		return;
	}
	memcpy(l4, ports, sizeof(ports));
	l4[12] = 5 << 4; // the words of a TCP header; of UDP's it is behind the end
	l4[13] = 0x10;
	if (packet->protocol == IPPROTO_UDP) {
		l4[5] = 20;
		l4[13] = 0;
	}
}

static void make_frame(struct frame *frame, const struct classify_packet *packet)
{
	size_t at = 14;

	memset(frame, 0, sizeof(*frame));
	memcpy(frame->bytes, "\2\0\0\0\0\2\2\0\0\0\0\1", 12);
	memcpy(frame->bytes + 12, packet->l3 == WEIR_L3_IPV6 ? "\x86\xdd" : "\x08\x00", 2);
	at += put_l3(packet, frame->bytes + at, 20);
	put_l4(packet, frame->bytes + at);
	frame->size = at + 20 < 60 ? 60 : (uint8_t)(at + 20);
}

// All of them before anything is timed: drawing them comes by the rules, at random, and would leave
// nothing else in the caches.
static void make_frames(struct acl_flows *flows, enum family_packets kind)
{
	uint64_t random = 7;

	for (size_t i = 0; i < flows->n_frames; i++) {
		struct classify_packet packet;

		family_packet(&packet, kind, flows->rules, flows->n, &random);
		make_frame(&flows->frames[i], &packet);
	}
}

const uint8_t *acl_flows_frame(struct acl_flows *flows, size_t *size)
{
	const struct frame *frame = &flows->frames[flows->next++ % flows->n_frames];

	*size = frame->size;
	return frame->bytes;
}

// ---- Both

struct acl_flows *acl_flows_create(
	struct weir *w, const char *family, size_t n, const char *kind, size_t n_frames)
{
	const struct prefix_family *prefixes = prefix_family_find(family);
	const struct family *found = prefixes ? &prefixes->family : family_find(family);
	struct acl_flows *flows = calloc(1, sizeof(*flows));

	if (!found || n == 0)
		die(family, "no such family, or no policies");
	if (!flows || !(flows->rules = calloc(n, sizeof(flows->rules[0]))) ||
		!(flows->frames = calloc(n_frames, sizeof(flows->frames[0]))))
		die(family, "no memory");
	flows->n = n;
	flows->n_frames = n_frames;
	family_rules(found, 1, flows->rules, n);
	make_frames(flows, kind_of(kind));
	apply(w, flows, prefixes);
	weir_status_list(w, "in", "acl", "summary", print_status, flows, NULL);
	return flows;
}

void acl_flows_destroy(struct acl_flows *flows)
{
	if (!flows)
		return;
	free(flows->frames);
	free(flows->rules);
	free(flows);
}
