// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "acl.pb-c.h"
#include "acl_lab.h"

enum { STATIONS_OF_P0 = 4, STATIONS = 8 };

static bool is_at_p0(unsigned station)
{
	return station == 0 || (station > 1 && station < STATIONS_OF_P0);
}

void acl_begin(struct lab *lab, const struct lab_options *options)
{
	struct lab_options o = *options;

	o.n_ports = o.n_ports ? o.n_ports : 2;
	lab_start(lab, &o);
	for (unsigned i = 0; i < STATIONS; i++) {
		char mac[18];

		snprintf(mac, sizeof(mac), "02:00:00:00:00:%02x", i);
		for (uint16_t vlan = 0; vlan <= 20; vlan += 10)
			assert_int_equal(weir_fdb_add(lab->weir, "br0", mac, vlan,
						 is_at_p0(i) ? "p0" : "p1", 0, &lab->error),
				0);
	}
	lab_attach(lab, "acl", 10);
}

void acl_end(struct lab *lab)
{
	struct lab_extension e = lab_extension(lab, "acl");

	assert_int_equal(e.violations, 0);
	assert_int_equal(e.invalid, 0);
	assert_int_equal(e.impure, 0);
	lab_end(lab);
}

// ---- Policies

static void set_enum(const ProtobufCFieldDescriptor *field, void *member, const char *value)
{
	const ProtobufCEnumDescriptor *e = field->descriptor;
	char name[32] = "";

	for (size_t i = 0; value[i] && i < sizeof(name) - 1; i++)
		name[i] = (char)toupper((unsigned char)value[i]);
	if (!protobuf_c_enum_descriptor_get_value_by_name(e, name))
		fail_msg("%s is no %s", value, e->name);
	*(int *)member = protobuf_c_enum_descriptor_get_value_by_name(e, name)->value;
}

// value: goes on to be used.
static void set_field(ProtobufCMessage *message, const char *name, char *value)
{
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(
		message->descriptor, name);
	void *member;

	if (!field)
		fail_msg("there is no field %s", name);
	member = (char *)message + field->offset;
	if (field->type != PROTOBUF_C_TYPE_STRING && field->label == PROTOBUF_C_LABEL_OPTIONAL)
		*(protobuf_c_boolean *)((char *)message + field->quantifier_offset) = 1;
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		*(char **)member = value;
		break;
	case PROTOBUF_C_TYPE_ENUM:
		set_enum(field, member, value);
		break;
	case PROTOBUF_C_TYPE_UINT32:
		*(uint32_t *)member = (uint32_t)strtoul(value, NULL, 10);
		break;
	case PROTOBUF_C_TYPE_UINT64:
		*(uint64_t *)member = strtoull(value, NULL, 10);
		break;
	default:
		*(protobuf_c_boolean *)member = strcmp(value, "true") == 0;
	}
}

size_t acl_pack(const char *text, char type[], uint8_t *bytes)
{
	union {
		ProtobufCMessage base;
		Acl__Entry entry;
		Acl__Rule rule;
		Acl__Settings settings;
	} message;
	char copy[512], *save, *word;

	snprintf(copy, sizeof(copy), "%s", text);
	word = strtok_r(copy, " ", &save);
	snprintf(type, 16, "%s", word);
	protobuf_c_message_init(strcmp(word, "acl") == 0    ? &acl__entry__descriptor
				: strcmp(word, "rule") == 0 ? &acl__rule__descriptor
							    : &acl__settings__descriptor,
		&message);
	while ((word = strtok_r(NULL, " ", &save))) {
		char *value = strchr(word, '=');

		if (!value)
			fail_msg("%s in %s", word, text);
		*value++ = '\0';
		set_field(&message.base, word, value);
	}
	return protobuf_c_message_pack(&message.base, bytes);
}

int acl_try(struct lab *lab, const char *target, const char *id, const char *text)
{
	uint8_t bytes[1024];
	char type[16];
	size_t size = acl_pack(text, type, bytes);

	lab->error = (struct weir_error){ 0 };
	return weir_policy_add(
		lab->weir, target, "acl", type, id, bytes, size, NULL, 0, &lab->error);
}

void acl_add(struct lab *lab, const char *target, const char *id, const char *text)
{
	if (acl_try(lab, target, id, text) < 0)
		fail_msg("%s: %s", text, lab->error.message);
	lab_settle(lab);
}

void acl_remove(struct lab *lab, const char *target, const char *id)
{
	if (weir_policy_remove(lab->weir, target, "acl", id, 0, &lab->error) < 0)
		fail_msg("%s: %s", id, lab->error.message);
	lab_settle(lab);
}

// ---- Packets

struct drops {
	uint64_t n;
	char last[96];
	struct drop_seen {
		char name[96];
		uint64_t frames;
	} seen[64];
	unsigned n_seen;
};

static void note_drop(void *context, const struct weir_drop_info *info)
{
	struct drops *d = context;
	char name[96];
	unsigned i = 0;

	snprintf(name, sizeof(name), "%s@%s", info->reason, info->stage);
	while (i < d->n_seen && strcmp(d->seen[i].name, name) != 0)
		i++;
	assert_true(i < 64);
	if (i == d->n_seen)
		snprintf(d->seen[d->n_seen++].name, sizeof(name), "%s", name);
	d->seen[i].frames += info->frames;
}

static void list_drops(struct lab *lab, struct drops *d)
{
	*d = (struct drops){ 0 };
	assert_int_equal(weir_drop_list(lab->weir, NULL, note_drop, d, &lab->error), 0);
}

static uint64_t frames_of(const struct drops *d, const char *name)
{
	for (unsigned i = 0; i < d->n_seen; i++)
		if (strcmp(d->seen[i].name, name) == 0)
			return d->seen[i].frames;
	return 0;
}

const char *acl_pass(struct lab *lab, const struct packet *packet)
{
	static char reason[96];
	struct lab_frame frame = packet_frame(packet), got;
	unsigned n = 0, from = is_at_p0(packet->from) ? 0 : 1;
	struct drops before, after;

	list_drops(lab, &before);
	lab_send(lab, from, &frame);
	lab_run(lab);
	while (lab_receive(lab, 1 - from, &got))
		n++;
	if (n == 1)
		return "";
	list_drops(lab, &after);
	snprintf(reason, sizeof(reason), "%u frames", n);
	for (unsigned i = 0; n == 0 && i < after.n_seen; i++)
		if (after.seen[i].frames != frames_of(&before, after.seen[i].name))
			snprintf(reason, sizeof(reason), "%s", after.seen[i].name);
	return reason;
}

struct sought {
	const char *target, *id;
	struct acl_meter found;
	bool is;
};

static void note_meter(void *context, const struct weir_meter_info *info)
{
	struct sought *s = context;

	if (strcmp(info->target, s->target) != 0 || strcmp(info->id, s->id) != 0)
		return;
	s->found = (struct acl_meter){ info->frames, info->bytes };
	s->is = true;
}

struct acl_meter acl_meter(struct lab *lab, const char *target, const char *id)
{
	struct sought s = { .target = target, .id = id };

	weir_meter_list(lab->weir, NULL, false, note_meter, &s, NULL);
	if (!s.is)
		fail_msg("there is no meter %s of %s", id, target);
	return s.found;
}
