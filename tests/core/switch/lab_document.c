// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "lab_document.h"

#include <stdlib.h>

enum { WORDS_MAX = 12, BODY_MAX = 512 };

struct words {
	unsigned n;
	const char *word[WORDS_MAX];
};

static struct words split(char *line)
{
	struct words words = { 0 };
	char *rest = line, *word;

	while ((word = strsep(&rest, " ")))
		if (*word) {
			assert_true(words.n < WORDS_MAX);
			words.word[words.n++] = word;
		}
	return words;
}

// The value of "key=value", "" for "key" alone, NULL without.
// Among the words from `first` on.
static const char *option_from(const struct words *w, unsigned first, const char *key)
{
	size_t n = strlen(key);

	for (unsigned i = first; i < w->n; i++)
		if (strncmp(w->word[i], key, n) == 0 && (!w->word[i][n] || w->word[i][n] == '='))
			return w->word[i][n] ? w->word[i] + n + 1 : "";
	return NULL;
}

static const char *option(const struct words *w, const char *key)
{
	return option_from(w, 3, key);
}

static unsigned number(const char *text)
{
	return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

// ---- Bodies of policies

static size_t pack(const ProtobufCMessage *message, uint8_t body[BODY_MAX])
{
	assert_true(protobuf_c_message_get_packed_size(message) <= BODY_MAX);
	return protobuf_c_message_pack(message, body);
}

static Probe__Act__Stage read_stage(const char *name)
{
	const ProtobufCEnumValue *stage = protobuf_c_enum_descriptor_get_value_by_name(
		&probe__act__stage__descriptor, name);

	assert_non_null(stage);
	return (Probe__Act__Stage)stage->value;
}

static size_t make_body(const struct words *w, uint8_t body[BODY_MAX])
{
	Probe__Act act = PROBE__ACT__INIT;
	Probe__Refuse refuse = PROBE__REFUSE__INIT;
	Probe__Veto veto = PROBE__VETO__INIT;

	if (strcmp(w->word[4], "act") == 0) {
		const ProtobufCEnumValue *what = protobuf_c_enum_descriptor_get_value_by_name(
			&probe__act__what__descriptor, w->word[5]);

		assert_non_null(what);
		act.what = (Probe__Act__What)what->value;
		act.has_value = w->n > 6;
		act.value = number(w->n > 6 ? w->word[6] : NULL);
		if (w->n > 7)
			act.stage = read_stage(w->word[7]);
		return pack(&act.base, body);
	}
	if (strcmp(w->word[4], "refuse") == 0) {
		refuse.why = (char *)(uintptr_t)w->word[5];
		return pack(&refuse.base, body);
	}
	if (strcmp(w->word[4], "veto") == 0) {
		char why[] = "vetoed";

		veto.kind = number(w->word[5]);
		veto.why = why;
		return pack(&veto.base, body);
	}
	// Any other: these very bytes.
	return w->n > 5 ? strlen(strcpy((char *)body, w->word[5])) : 0;
}

static void print_body(FILE *to, const struct weir_item *item)
{
	const uint8_t *bytes = item->policy.bytes;

	if (strcmp(item->policy.type, "act") == 0) {
		Probe__Act *act = probe__act__unpack(NULL, item->policy.size, bytes);

		fprintf(to, " %s",
			protobuf_c_enum_descriptor_get_value(
				&probe__act__what__descriptor, (int)act->what)
				->name);
		if (act->has_value)
			fprintf(to, " %u", (unsigned)act->value);
		probe__act__free_unpacked(act, NULL);
	} else if (strcmp(item->policy.type, "refuse") == 0) {
		Probe__Refuse *refuse = probe__refuse__unpack(NULL, item->policy.size, bytes);

		fprintf(to, " %s", refuse->why);
		probe__refuse__free_unpacked(refuse, NULL);
	} else if (strcmp(item->policy.type, "veto") == 0) {
		Probe__Veto *veto = probe__veto__unpack(NULL, item->policy.size, bytes);

		fprintf(to, " %u", veto->kind);
		probe__veto__free_unpacked(veto, NULL);
	} else {
		fprintf(to, " %.*s", (int)item->policy.size, (const char *)bytes);
	}
}

// ---- Items

static void read_port(const struct words *w, struct weir_item *item)
{
	item->kind = WEIR_ITEM_PORT;
	item->switch_name = w->word[1];
	item->name = w->word[2];
	item->port.nic = option(w, "nic");
	item->port.vlan = option(w, "vlan");
	item->port.mac = option(w, "mac");
	item->port.mtu = number(option(w, "mtu"));
	item->port.uplink = option(w, "uplink");
	item->port.disconnected = option(w, "disconnected");
}

static void read_extension(const struct words *w, struct weir_item *item)
{
	const char *order = option(w, "order");

	item->kind = WEIR_ITEM_EXTENSION;
	item->switch_name = w->word[1];
	item->name = w->word[2];
	item->extension.order = order ? atoi(order) : WEIR_ORDER_DEFAULT;
	item->extension.fail_open = option(w, "fail_open");
	item->extension.path = option(w, "path");
}

static void read_item(const struct words *w, struct weir_item *item, uint8_t body[BODY_MAX])
{
	*item = (struct weir_item){
		.size = sizeof(*item), .target = w->word[1], .name = w->word[2]
	};
	if (strcmp(w->word[0], "switch") == 0) {
		*item = (struct weir_item){ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_SWITCH,
			.switch_name = w->word[1],
			.vswitch = { .n_flows = number(option_from(w, 2, "flows")),
				.n_sessions = number(option_from(w, 2, "sessions")),
				.n_port_sessions = number(option_from(w, 2, "port_sessions")) } };
	} else if (strcmp(w->word[0], "extension") == 0) {
		*item = (struct weir_item){ .size = sizeof(*item) };
		read_extension(w, item);
	} else if (strcmp(w->word[0], "port") == 0) {
		*item = (struct weir_item){ .size = sizeof(*item) };
		read_port(w, item);
	} else if (strcmp(w->word[0], "policy") == 0) {
		item->kind = WEIR_ITEM_POLICY;
		item->policy.id = w->word[3];
		item->policy.type = strcmp(w->word[4], "-") == 0 ? NULL : w->word[4];
		item->policy.bytes = body;
		item->policy.size = make_body(w, body);
	} else if (strcmp(w->word[0], "fdb") == 0) {
		*item = (struct weir_item){ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_FDB,
			.switch_name = w->word[1] };
		item->fdb.mac = w->word[2];
		item->fdb.vlan = (uint16_t)number(w->word[3]);
		item->fdb.port = w->word[4];
	} else {
		assert_string_equal(w->word[0], "meter");
		item->kind = WEIR_ITEM_METER;
		item->meter.id = w->word[3];
		item->meter.frames = number(w->word[4]);
		item->meter.bytes = number(w->word[5]);
		item->meter.since = 1;
	}
}

int lab_document_add(struct weir_document *document, const char *text, struct weir_error *error)
{
	char *copy = strdup(text), *rest = copy, *line;
	int failed = 0;

	assert_non_null(copy);
	while ((line = strsep(&rest, "\n"))) {
		struct words words = split(line);
		uint8_t body[BODY_MAX];
		struct weir_item item;

		if (words.n == 0)
			continue;
		read_item(&words, &item, body);
		failed = weir_document_add(document, &item, error);
		// It has copied all of it.
		memset(body, 0xee, sizeof(body));
	}
	memset(copy, 0xee, strlen(text));
	free(copy);
	return failed;
}

struct weir_document *lab_document(const char *text)
{
	struct weir_document *document = weir_document_create();
	struct weir_error error = { 0 };

	assert_non_null(document);
	if (lab_document_add(document, text, &error) < 0)
		fail_msg("%s: %s", error.field, error.message);
	return document;
}

// ---- Applying and exporting

static void print_difference(void *context, const struct weir_difference *d)
{
	fprintf(context, "%s %s %s%s%s\n", d->action, d->object, d->name, *d->text ? ": " : "",
		d->text);
}

int lab_try_apply(struct lab *lab, const char *text, unsigned flags, char **differences)
{
	struct weir_document *document = lab_document(text);
	char *unused;
	size_t size;
	FILE *to = open_memstream(differences ? differences : &unused, &size);
	int failed;

	assert_non_null(to);
	memset(&lab->error, 0, sizeof(lab->error));
	failed = weir_apply(lab->weir, document, flags, print_difference, to, &lab->error);
	fclose(to);
	if (!differences)
		free(unused);
	weir_document_destroy(document);
	return failed;
}

void lab_apply(struct lab *lab, const char *text, unsigned flags)
{
	if (lab_try_apply(lab, text, flags, NULL) < 0)
		fail_msg("apply: %s: %s", lab->error.field, lab->error.message);
}

static void print_port(FILE *to, const struct weir_item *item)
{
	fprintf(to, "port %s %s", item->switch_name, item->name);
	if (item->port.nic && *item->port.nic)
		fprintf(to, " nic=%s", item->port.nic);
	if (item->port.vlan && *item->port.vlan)
		fprintf(to, " vlan=%s", item->port.vlan);
	if (item->port.mac && *item->port.mac)
		fprintf(to, " mac=%s", item->port.mac);
	if (item->port.mtu)
		fprintf(to, " mtu=%u", item->port.mtu);
	fprintf(to, "%s%s\n", item->port.uplink ? " uplink" : "",
		item->port.disconnected ? " disconnected" : "");
}

static void print_item(void *context, const struct weir_item *item)
{
	FILE *to = context;

	switch (item->kind) {
	case WEIR_ITEM_SWITCH:
		fprintf(to, "switch %s", item->switch_name);
		if (item->vswitch.n_flows)
			fprintf(to, " flows=%u", item->vswitch.n_flows);
		if (item->vswitch.n_sessions)
			fprintf(to, " sessions=%u", item->vswitch.n_sessions);
		if (item->vswitch.n_port_sessions)
			fprintf(to, " port_sessions=%u", item->vswitch.n_port_sessions);
		fputc('\n', to);
		break;
	case WEIR_ITEM_EXTENSION:
		fprintf(to, "extension %s %s order=%d%s%s%s\n", item->switch_name, item->name,
			item->extension.order, item->extension.fail_open ? " fail_open" : "",
			item->extension.path ? " path=" : "",
			item->extension.path ? item->extension.path : "");
		break;
	case WEIR_ITEM_PORT:
		print_port(to, item);
		break;
	case WEIR_ITEM_POLICY:
		fprintf(to, "policy %s %s %s %s", item->target, item->name, item->policy.id,
			item->policy.type);
		print_body(to, item);
		fprintf(to, "\n");
		break;
	default:
		fprintf(to, "fdb %s %s %u %s\n", item->switch_name, item->fdb.mac, item->fdb.vlan,
			item->fdb.port);
		break;
	}
}

char *lab_state(struct lab *lab)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	assert_int_equal(weir_export(lab->weir, NULL, print_item, to, &lab->error), 0);
	fclose(to);
	return text;
}

void lab_assert_text_at(const char *got, const char *expected, const char *file, int line)
{
	if (strcmp(got, expected) == 0)
		return;
	print_error("got\n%sexpected\n%s", got, expected);
	_fail(file, line);
}

void lab_assert_state_at(struct lab *lab, const char *text, const char *file, int line)
{
	char *got = lab_state(lab);

	lab_assert_text_at(got, text, file, line);
	free(got);
}
