// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "ask.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "row.h"

int ask_connect(struct invocation *in, struct ctl_error *error)
{
	return in->client ? 0 : client_open(in->socket, in->timeout_ms, &in->client, error);
}

// What the command calls a field of its request, as in "policy_add.id": the option --id, the
// argument ID, or neither.
static void name_field(const struct command *command, const char *field, char *name, size_t size)
{
	size_t n = strcspn(field, ".[");

	snprintf(name, size, "--%s", field);
	for (char *c = name; *c; c++)
		*c = (char)(*c == '_' ? '-' : *c);
	for (const struct command_option *o = command->options; o->name; o++) {
		if (strcmp(o->name, name) == 0)
			return;
	}
	snprintf(name, size, "%s", field);
	for (const struct command_argument *a = command->arguments; a->name; a++) {
		// EXTENSION[.TYPE] is the extension, too.
		if (strncasecmp(a->name, field, n) == 0 && !isalpha((unsigned char)a->name[n]))
			snprintf(name, size, "%.*s", (int)n, a->name);
	}
}

// A sentence about the request as such begins with the path of the field, in the protocol's words.
static void use_own_words(const struct command *command, struct ctl_error *error)
{
	const char *field = strchr(error->field, '.');
	char name[sizeof(error->field) + 2];

	if (!field || !ctl_take_field(error))
		return;
	name_field(command, field + 1, name, sizeof(name));
	ctl_blame(error, "%s: ", name);
}

int ask_with_files(struct invocation *in, Weir__Control__Request *request,
	const struct client_files *files, client_reply *handler, void *context,
	struct ctl_error *error)
{
	int result = ask_connect(in, error);

	if (result)
		return result;
	request->has_dry_run = in->dry_run;
	request->dry_run = in->dry_run;
	result = client_call(in->client, request, files, handler, context, error);
	if (result == CTL_REFUSED)
		use_own_words(in->command, error);
	return result;
}

int ask(struct invocation *in, Weir__Control__Request *request, client_reply *handler,
	void *context, struct ctl_error *error)
{
	return ask_with_files(in, request, NULL, handler, context, error);
}

int ask_change(struct invocation *in, Weir__Control__Request *request, struct ctl_error *error)
{
	return ask(in, request, NULL, NULL, error);
}

int ask_unexpected(struct ctl_error *error)
{
	return ctl_fail(
		error, CTL_NO_DAEMON, "the daemon answered with something that was not asked for");
}

struct collector {
	Weir__Control__Reply__PayloadCase payload;
	json_t *rows;
};

// The message in the reply's payload. All members of the union are pointers to messages.
static const ProtobufCMessage *payload_of(const Weir__Control__Reply *reply)
{
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
		&weir__control__reply__descriptor, (unsigned)reply->payload_case);

	return *(ProtobufCMessage *const *)((const char *)reply + field->offset);
}

// All lists look alike: a message with a repeated message `rows`.
int ask_append(json_t *rows, Weir__Control__Reply__PayloadCase kind,
	const Weir__Control__Reply *reply, struct ctl_error *error)
{
	const ProtobufCMessage *payload;
	const ProtobufCFieldDescriptor *field;
	const char *base;

	if (reply->payload_case == WEIR__CONTROL__REPLY__PAYLOAD__NOT_SET)
		return 0; // an empty list
	if (reply->payload_case != kind)
		return ask_unexpected(error);
	payload = payload_of(reply);
	field = protobuf_c_message_descriptor_get_field_by_name(payload->descriptor, "rows");
	base = (const char *)payload;
	for (size_t i = 0; i < *(const size_t *)(base + field->quantifier_offset); i++) {
		const ProtobufCMessage *const *messages = *(
			const ProtobufCMessage *const *const *)(base + field->offset);

		if (json_array_append_new(rows, row_json(messages[i])))
			return ctl_fail_memory(error);
	}
	return 0;
}

static int collect(void *context, const Weir__Control__Reply *reply, struct ctl_error *error)
{
	struct collector *collector = context;

	return ask_append(collector->rows, collector->payload, reply, error);
}

int ask_rows(struct invocation *in, Weir__Control__Request *request,
	Weir__Control__Reply__PayloadCase payload, json_t *rows, struct ctl_error *error)
{
	struct collector collector = { payload, rows };

	return rows ? ask(in, request, collect, &collector, error) : ctl_fail_memory(error);
}

int ask_list(struct invocation *in, Weir__Control__Request *request,
	Weir__Control__Reply__PayloadCase payload, const struct column *columns,
	struct ctl_error *error)
{
	json_t *rows = json_array();
	int result = ask_rows(in, request, payload, rows, error);

	if (result == 0)
		result = output_rows(stdout, rows, columns, in->json, error);
	json_decref(rows);
	return result;
}

int ask_show(struct invocation *in, Weir__Control__Request *request,
	Weir__Control__Reply__PayloadCase payload, const struct column *kinds,
	struct ctl_error *error)
{
	json_t *rows = json_array();
	int result = ask_rows(in, request, payload, rows, error);

	if (result == 0 && json_array_size(rows) != 1)
		result = ask_unexpected(error);
	if (result == 0)
		result = output_object(stdout, json_array_get(rows, 0), kinds, in->json, error);
	json_decref(rows);
	return result;
}

int ask_show_all(struct invocation *in, Weir__Control__Request *request,
	Weir__Control__Reply__PayloadCase payload, struct ctl_error *error)
{
	json_t *rows = json_array();
	int result = ask_rows(in, request, payload, rows, error);

	if (result == 0 && in->json)
		result = output_rows(stdout, rows, NULL, true, error);
	for (size_t i = 0; result == 0 && !in->json && i < json_array_size(rows); i++) {
		if (i > 0)
			putchar('\n');
		result = output_object(stdout, json_array_get(rows, i), NULL, false, error);
	}
	json_decref(rows);
	return result;
}
