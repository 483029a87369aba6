// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <stdlib.h>

#include "control/handlers.h"
#include "control/internal.h"
#include "control/rows.h"
#include "switch/schema.h"

void on_policy_add(struct call *call)
{
	const Weir__Control__PolicyAdd *request = call->request->policy_add;
	struct weir_error error = { 0 };

	call_end(call,
		weir_policy_add(call->server->weir, request->target, request->extension,
			request->type, request->id, request->body.data, request->body.len,
			call->policy_id, call_flags(call, false), &error),
		&error);
}

// What on_policy_remove looks for: the type of the policy of that id.
struct lookup {
	const char *id;
	bool found;
	char type[64]; // of one whose extension is missing perhaps ""
};

static void find_row(void *context, const struct weir_policy_info *info)
{
	struct lookup *lookup = context;

	if (strcmp(info->id, lookup->id) != 0)
		return;
	lookup->found = true;
	snprintf(lookup->type, sizeof(lookup->type), "%s", info->type);
}

static int find_policy(
	struct call *call, const char *type, struct lookup *lookup, struct weir_error *error)
{
	const Weir__Control__PolicyRemove *wanted = call->request->policy_remove;

	*lookup = (struct lookup){ .id = wanted->id };
	return weir_policy_list(call->server->weir, wanted->target, wanted->extension, type,
		find_row, lookup, error);
}

// Of the id alone, which is unique, the client may not know what it removes.
static int check_type(struct call *call, struct weir_error *error)
{
	const Weir__Control__PolicyRemove *wanted = call->request->policy_remove;
	struct lookup lookup;
	int result;

	if (!wanted->type)
		return 0;
	result = find_policy(call, wanted->type, &lookup, error);
	if (result < 0 || lookup.found)
		return result;
	result = find_policy(call, NULL, &lookup, error);
	if (result == 0 && *lookup.type)
		result = weir_refuse(error, -ENOENT, "id",
			"policy \"%s\" on %s is one of %s.%s, not of %s.%s: write %s.%s",
			wanted->id, wanted->target, wanted->extension, lookup.type,
			wanted->extension, wanted->type, wanted->extension, lookup.type);
	else if (result == 0 && !lookup.found)
		result = weir_refuse(error, -ENOENT, "id",
			"policy \"%s\" of %s.%s on %s: there is none", wanted->id,
			wanted->extension, wanted->type, wanted->target);
	return result;
}

void on_policy_remove(struct call *call)
{
	const Weir__Control__PolicyRemove *request = call->request->policy_remove;
	struct weir_error error = { 0 };
	int result = check_type(call, &error);

	if (result == 0)
		result = weir_policy_remove(call->server->weir, request->target, request->extension,
			request->id, call_flags(call, false), &error);
	call_end(call, result, &error);
}

static void add_row(void *context, const struct weir_policy_info *info)
{
	Weir__Control__Policy row = WEIR__CONTROL__POLICY__INIT;

	row.target = row_text(info->target);
	row.extension = row_text(info->extension);
	row.type = row_text(info->type);
	row.id = row_text(info->id);
	row.has_body = true;
	row.body.data = (uint8_t *)info->bytes;
	row.body.len = info->size;
	rows_add(context, &row.base);
}

void on_policy_list(struct call *call)
{
	const Weir__Control__PolicyList *request = call->request->policy_list;
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_POLICIES, &error);

	if (result == 0)
		result = weir_policy_list(call->server->weir, request->target, request->extension,
			request->type, add_row, call, &error);
	rows_end(call, result, &error);
}

void on_policy_status(struct call *call)
{
	const Weir__Control__PolicyStatus *request = call->request->policy_status;
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_POLICIES, &error);

	if (result == 0)
		result = weir_status_list(call->server->weir, request->target, request->extension,
			request->type, add_row, call, &error);
	rows_end(call, result, &error);
}

static const char *role_name(enum schema_role role)
{
	static const char *const names[] = {
		[SCHEMA_POLICY] = "policy",
		[SCHEMA_STATUS] = "status",
		[SCHEMA_CALL] = "call",
		[SCHEMA_REPLY] = "reply",
	};

	return names[role];
}

static void send_schema(struct call *call, const void *bytes, size_t size,
	Weir__Control__MessageType **types, size_t n_types)
{
	Weir__Control__PolicySchemaReply schema = WEIR__CONTROL__POLICY_SCHEMA_REPLY__INIT;
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;

	schema.extension = call->request->policy_schema->extension;
	schema.has_file_descriptor_set = true;
	schema.file_descriptor_set.data = (uint8_t *)bytes;
	schema.file_descriptor_set.len = size;
	schema.types = types;
	schema.n_types = n_types;
	reply.payload_case = WEIR__CONTROL__REPLY__PAYLOAD_SCHEMA;
	reply.schema = &schema;
	call_finish(call, &reply);
}

static void describe(Weir__Control__MessageType *type, const struct schema_type *source)
{
	weir__control__message_type__init(type);
	type->role = (char *)role_name(source->role);
	type->type = (char *)source->name;
	type->message = (char *)source->message_name;
	ROW_SET(*type, on_port, source->on_port);
	ROW_SET(*type, on_switch, source->on_switch);
}

static int answer_schema(
	struct call *call, const void *bytes, size_t size, struct weir_error *error)
{
	Weir__Control__MessageType **types, *descriptions;
	struct weir_schema *schema = NULL;
	int result = size > 0 ? schema_parse(bytes, size, &schema, error) : 0;
	const size_t n_types = schema ? schema_n_types(schema) : 0;

	if (result < 0)
		return result;
	types = calloc(n_types + 1, sizeof(*types));
	descriptions = calloc(n_types + 1, sizeof(*descriptions));
	if (types && descriptions) {
		for (size_t i = 0; i < n_types; i++) {
			describe(&descriptions[i], schema_type_at(schema, i));
			types[i] = &descriptions[i];
		}
		send_schema(call, bytes, size, types, n_types);
	} else {
		result = weir_refuse(error, -ENOMEM, NULL, "out of memory for a schema");
	}
	free(descriptions);
	free(types);
	schema_free(schema);
	return result;
}

void on_policy_schema(struct call *call)
{
	const Weir__Control__PolicySchema *request = call->request->policy_schema;
	struct weir *weir = call->server->weir;
	struct weir_error error = { 0 };
	const void *bytes;
	size_t size;
	int result;

	if (request->target)
		result = weir_policy_schema(
			weir, request->target, request->extension, &bytes, &size, &error);
	else
		result = weir_extension_schema(weir, request->extension, &bytes, &size, &error);
	if (result == 0)
		result = answer_schema(call, bytes, size, &error);
	if (result < 0)
		call_refuse(call, &error);
}
