// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <stdio.h>
#include <stdlib.h>

#include "acl_lab.h"
#include "exact_site.h"
#include "exact_traffic.h"
#include "lab_probe.h"

static unsigned any(unsigned n)
{
	return (unsigned)rand() % n;
}

const char *site_port(unsigned port)
{
	static const char names[EXACT_PORTS][4] = { "p0", "p1", "p2", "p3", "p4" };

	return names[port];
}

// ---- Policies of the ACL

static const char *random_direction(void)
{
	static const char *const names[] = { "in", "out", "both" };

	return names[any(3)];
}

static void random_prefix(char text[64])
{
	if (any(4) == 0)
		snprintf(text, 64, "fd0%u::%u/%u", any(2), any(4), 7 + any(122));
	else
		snprintf(text, 64, "10.%u.0.%u/%u", any(2), any(4), 8 + any(25));
}

static void random_entry(char text[SITE_TEXT], const char *action)
{
	char prefix[64];

	random_prefix(prefix);
	snprintf(text, SITE_TEXT, "acl direction=%s action=%s %s=%s", random_direction(), action,
		any(2) ? "remote" : "local", prefix);
}

static void random_rule(char text[SITE_TEXT], unsigned number)
{
	static const char *const actions[] = { "allow", "deny", "allow stateful=true idle_s=5",
		"police rate=100000 burst=2000" };

	snprintf(text, SITE_TEXT, "rule direction=%s weight=%u protocol=%s %s_port=%u-%u action=%s",
		random_direction(), number, any(2) ? "udp" : "tcp", any(2) ? "remote" : "local",
		any(20000), 20000 + any(30000), actions[any(4)]);
}

void site_random_policy(char text[SITE_TEXT], unsigned number)
{
	static const char *const actions[] = { "allow", "deny", "police rate=300000 burst=5000" };

	if (number < EXACT_METERS)
		random_entry(text, "meter");
	else if (number < SITE_PORTS_RULE)
		random_entry(text, actions[any(3)]);
	else if (number < SITE_NUMBERS - 1)
		random_rule(text, number);
	else
		snprintf(text, SITE_TEXT, "settings fragments=%s sessions_max=%u sessions_full=%s",
			any(2) ? "skip" : "pass", 1 + any(60), any(2) ? "deny_new" : "without");
}

static void add_acl(struct site *s, struct weir_document *document, unsigned port, unsigned number)
{
	uint8_t bytes[1024];
	char type[16], id[8];
	struct weir_item item = { .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_POLICY,
		.target = site_port(port),
		.name = "acl",
		.policy = { .type = type, .id = id, .bytes = bytes } };

	snprintf(id, sizeof(id), "n%u", number);
	item.policy.size = acl_pack(s->texts[port][number], type, bytes);
	assert_int_equal(weir_document_add(document, &item, &s->lab->error), 0);
}

// ---- The filters beside it

static void add_act(struct site *s, struct weir_document *document, unsigned port,
	const char *extension, const char *id, Probe__Act act)
{
	uint8_t bytes[256];
	struct weir_item item = { .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_POLICY,
		.target = site_port(port),
		.name = extension,
		.policy = { .type = "act", .id = id, .bytes = bytes } };

	act.base = (ProtobufCMessage)PROTOBUF_C_MESSAGE_INIT(&probe__act__descriptor);
	item.policy.size = protobuf_c_message_pack(&act.base, bytes);
	assert_true(item.policy.size <= sizeof(bytes));
	assert_int_equal(weir_document_add(document, &item, &s->lab->error), 0);
}

// See exact_ledger.h. Addresses are not learned from what leaves.
static void add_stamps(struct site *s, struct weir_document *document, unsigned port)
{
	uint32_t version = s->ledger->latest;
	uint8_t source[6] = { 2, 0xaa };

	memcpy(source + 2, &version, sizeof(version));
	add_act(s, document, port, "probe-filter", "in",
		(Probe__Act){ AT(INGRESS, SET), VALUE(WEIR_FIELD_IP_TOS), BYTE((uint8_t)version) });
	add_act(s, document, port, "probe-filter", "out",
		(Probe__Act){ AT(EGRESS, SET), VALUE(WEIR_FIELD_ETH_SRC), BYTES(source, 6) });
}

static void add_ttl(struct site *s, struct weir_document *document, unsigned port)
{
	uint8_t bytes[16];
	Probe__Reads reads = PROBE__READS__INIT;
	struct weir_item item = { .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_POLICY,
		.target = site_port(port),
		.name = "probe-filter",
		.policy = { .type = "reads", .id = "ttl", .bytes = bytes } };

	reads.fields = WEIR_FIELD_IP_TTL;
	item.policy.size = protobuf_c_message_pack(&reads.base, bytes);
	assert_int_equal(weir_document_add(document, &item, &s->lab->error), 0);
}

static void add_others(struct site *s, struct weir_document *document, unsigned port)
{
	static const uint8_t address[4] = { 10, 1, 0, 3 };

	if (port < TRAFFIC_PORTS) {
		add_act(s, document, port, "probe-filter", "rewrite",
			(Probe__Act){ AT(FORWARDED, SET), VALUE(WEIR_FIELD_IP_DST),
				BYTES(address, 4), IF(l4_dst, PORT_REWRITTEN) });
		add_act(s, document, port, "probe-after", "drop",
			(Probe__Act){ AT(INGRESS, DROP_FRAME), VISIT,
				IF(l4_dst, PORT_DROPPED_BY_VISITOR) });
		add_act(s, document, port, "probe-after", "look",
			(Probe__Act){ AT(FORWARDED, NOTHING), VISIT, IF(l4_dst, PORT_VISITED) });
		add_act(s, document, port, "probe-capture", "dropped",
			(Probe__Act){ AT(DROP, COPY), PORT("p4") });
	}
	// The halves of what goes to p2 are not fused: it reads what nobody else does.
	if (port == 2)
		add_ttl(s, document, port);
	if (port < 2)
		add_act(s, document, port, "probe-capture", "copy",
			port ? (Probe__Act){ AT(EGRESS, COPY), PORT("p4") }
			     : (Probe__Act){ AT(INGRESS, COPY), PORT("p4") });
}

// ---- Versions

static void add_extension(
	struct site *s, struct weir_document *document, const char *name, int order)
{
	struct weir_item item = { .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_EXTENSION,
		.switch_name = "br0",
		.name = name,
		.extension = { .order = order } };

	assert_int_equal(weir_document_add(document, &item, &s->lab->error), 0);
}

// All that hangs from ports: those stand as they are.
static void fill(struct site *s, struct weir_document *document)
{
	add_extension(s, document, "probe-capture", 10);
	add_extension(s, document, "probe-filter", 5);
	add_extension(s, document, "probe-after", VISITOR_ORDER);
	if (s->attached)
		add_extension(s, document, "acl", s->order);
	for (unsigned port = 0; port < EXACT_PORTS; port++) {
		if (port < EXACT_PORTS - 1) {
			add_stamps(s, document, port);
			add_others(s, document, port);
		}
		for (unsigned i = 0; s->attached && i < SITE_NUMBERS; i++)
			if (*s->texts[port][i])
				add_acl(s, document, port, i);
	}
}

static void keep_item(void *context, const struct weir_item *item)
{
	if (item->kind != WEIR_ITEM_POLICY && item->kind != WEIR_ITEM_EXTENSION)
		assert_int_equal(weir_document_add(context, item, NULL), 0);
}

bool site_publish(struct site *s)
{
	struct weir_document *document = weir_document_create();
	const char *texts[EXACT_PORTS][EXACT_METERS];
	int refused;

	for (unsigned port = 0; port < EXACT_PORTS; port++)
		for (unsigned i = 0; i < EXACT_METERS; i++)
			texts[port][i] = s->texts[port][i];
	ledger_begin(s->ledger, s->attached, s->order, texts);
	assert_int_equal(weir_export(s->lab->weir, NULL, keep_item, document, &s->lab->error), 0);
	fill(s, document);
	refused = weir_apply(s->lab->weir, document, WEIR_PRUNE, NULL, NULL, &s->lab->error);
	weir_document_destroy(document);
	if (refused == 0)
		return true;
	if (refused != -EEXIST)
		fail_msg("%s: %s", s->lab->error.field, s->lab->error.message);
	ledger_take_back(s->ledger);
	return false;
}
