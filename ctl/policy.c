// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// policy add|remove, and the table of policy list|schema
#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "message.h"
#include "row.h"
#include "types.h"

// A message may have a field called id; the policy's is then given by --id alone.
static bool is_policy_id(const struct catalog_message *message, const char *word)
{
	return strncmp(word, "id=", 3) == 0 && !catalog_field(message, "id", 2);
}

// Splits the words behind the type: fields to encode, and the policy's id from id=ID or --id ID.
static int take_words(struct invocation *in, const struct catalog_message *message,
	const char **fields, size_t *n_fields, Weir__Control__PolicyAdd *policy,
	struct ctl_error *error)
{
	const char *id = invocation_option(in, "--id");

	for (size_t i = 2; i < in->n_arguments; i++) {
		const char *word = in->arguments[i];

		if (!is_policy_id(message, word))
			fields[(*n_fields)++] = word;
		else if (id)
			return ctl_fail(error, CTL_REFUSED, "%s: the id is given twice", word);
		else if (!word[3])
			return ctl_fail(error, CTL_REFUSED,
				"id=: has 0 bytes, must have 1 to 63; left out, an id is made");
		else
			id = word + 3;
	}
	policy->id = ask_text(id);
	return 0;
}

static int encode(struct invocation *in, const struct catalog_message *message,
	Weir__Control__PolicyAdd *policy, struct ctl_error *error)
{
	const char **fields = calloc(in->n_arguments, sizeof(*fields));
	size_t n_fields = 0;
	int result;

	if (!fields)
		return ctl_fail_memory(error);
	result = take_words(in, message, fields, &n_fields, policy, error);
	if (result == 0)
		result = message_encode(
			message, fields, n_fields, &policy->body.data, &policy->body.len, error);
	policy->has_body = result == 0;
	free(fields);
	return result;
}

static int print_added(const struct invocation *in, const Weir__Control__PolicyAdded *added,
	struct ctl_error *error)
{
	json_t *row;
	int result;

	if (!in->json) {
		ctl_put_text(stdout, added->id ? added->id : "");
		putchar('\n');
		return 0;
	}
	row = row_json(&added->base);
	result = row ? output_object(stdout, row, NULL, true, error) : ctl_fail_memory(error);
	json_decref(row);
	return result;
}

static int print_id(void *context, const Weir__Control__Reply *reply, struct ctl_error *error)
{
	const struct invocation *in = context;

	if (reply->payload_case == WEIR__CONTROL__REPLY__PAYLOAD__NOT_SET)
		return 0; // nothing was made
	if (reply->payload_case != WEIR__CONTROL__REPLY__PAYLOAD_POLICY_ADDED)
		return ask_unexpected(error);
	return print_added(in, reply->policy_added, error);
}

static int add_typed(struct invocation *in, const struct types *types,
	const struct message_type *type, struct ctl_error *error)
{
	Weir__Control__PolicyAdd message = WEIR__CONTROL__POLICY_ADD__INIT;
	Weir__Control__Request request = REQUEST(POLICY_ADD, policy_add, &message);
	int result;

	message.target = ask_text(invocation_argument(in, 0));
	message.extension = types->extension;
	message.type = type->name;
	result = encode(in, type->message, &message, error);
	if (result == 0)
		result = ask(in, &request, print_id, in, error);
	free(message.body.data);
	return result;
}

static int add(struct invocation *in, struct ctl_error *error)
{
	const struct message_type *type;
	struct type_name name;
	struct types types;
	int result = type_name_split(invocation_argument(in, 1), &name, error);

	if (result)
		return result;
	result = types_look_up(
		in, invocation_argument(in, 0), "policy", &name, &types, &type, error);
	if (result == 0)
		result = add_typed(in, &types, type, error);
	types_fini(&types);
	return result;
}

int policy_name_type(
	struct invocation *in, const char *target, struct type_name *name, struct ctl_error *error)
{
	const struct message_type *type;
	struct types types;
	int result;

	if (*name->type)
		return 0;
	result = types_look_up(in, target, "policy", name, &types, &type, error);
	if (result == 0)
		snprintf(name->type, sizeof(name->type), "%s", type->name);
	else if (result == CTL_REFUSED && error->status)
		result = 0; // by the daemon, which says what it thinks of the extension next
	types_fini(&types);
	return result;
}

// Of an extension that is named already, also the fields.
static int help_add(struct invocation *in, struct ctl_error *error)
{
	const char *text = invocation_argument(in, 1);
	const struct message_type *type;
	struct type_name name;
	struct types types;
	int result;

	help_command(stdout, in->command);
	if (!text)
		return 0;
	result = type_name_split(text, &name, error);
	if (result)
		return result;
	result = types_look_up(in, NULL, "policy", &name, &types, &type, error);
	if (result == 0) {
		putchar('\n');
		result = policy_schema_type(&types, type, error);
	}
	types_fini(&types);
	return result;
}

static int policy_remove(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__PolicyRemove message = WEIR__CONTROL__POLICY_REMOVE__INIT;
	Weir__Control__Request request = REQUEST(POLICY_REMOVE, policy_remove, &message);
	const char *id = invocation_argument(in, 2);
	struct type_name name;
	int result = type_name_split(invocation_argument(in, 1), &name, error);

	if (result == 0)
		result = policy_name_type(in, invocation_argument(in, 0), &name, error);
	if (result)
		return result;
	// As `policy add` takes it and as `policy list` shows it.
	if (strncmp(id, "id=", 3) == 0)
		id += 3;
	message.id = ask_text(id);
	message.target = ask_text(invocation_argument(in, 0));
	message.extension = name.extension;
	message.type = *name.type ? name.type : NULL;
	return ask_change(in, &request, error);
}

const struct command policy_commands[] = {
	{
		.object = "policy",
		.verb = "add",
		.summary =
			"Puts a policy on a port or switch:NAME, or replaces that of the same id; "
			"prints the id",
		.run = add,
		.help = help_add,
		.changes = true,
		.arguments = { { "TARGET", WORD_TARGET, ONE },
			{ "EXTENSION[.TYPE]", WORD_POLICY, ONE },
			{ "FIELD=VALUE", WORD_FIELD, MANY } },
		.options = { { .name = "--id",
			.value = "ID",
			.help = "the policy's id, made by the daemon by default; also as id=ID" } },
	},
	{
		.object = "policy",
		.verb = "remove",
		.summary = "Removes a policy",
		.run = policy_remove,
		.changes = true,
		.arguments = { { "TARGET", WORD_TARGET, ONE },
			{ "EXTENSION[.TYPE]", WORD_POLICY, ONE }, { "ID", WORD_ID, ONE } },
	},
	{
		.object = "policy",
		.verb = "list",
		.summary = "Lists the policies of all targets and extensions, or of some",
		.run = policy_list,
		.arguments = { { "TARGET", WORD_SCOPE, OPTIONAL },
			{ "EXTENSION[.TYPE]", WORD_POLICY, OPTIONAL } },
	},
	{
		.object = "policy",
		.verb = "status",
		.summary = "Shows what an extension says of its targets, or of one",
		.run = policy_status,
		.arguments = { { "TARGET", WORD_STATUS_TARGET, LEADING },
			{ "EXTENSION[.TYPE]", WORD_STATUS, ONE } },
	},
	{
		.object = "policy",
		.verb = "schema",
		.summary = "Shows the messages of an extension, or one, their fields and what is "
			   "allowed",
		.run = policy_schema,
		.arguments = { { "EXTENSION[.TYPE]", WORD_EXTENSION, ONE } },
	},
	{ 0 },
};
