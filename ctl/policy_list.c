// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base64.h"
#include "message.h"
#include "row.h"
#include "scope.h"
#include "types.h"
#include "value.h"

static const struct column columns[] = {
	{ "target", COLUMN_PLAIN },
	{ "extension", COLUMN_PLAIN },
	{ "type", COLUMN_PLAIN },
	{ "id", COLUMN_RARE },
	{ "body", COLUMN_PLAIN },
	{ NULL, COLUMN_PLAIN },
};

// A policy as it came. It can be decoded only when the whole list is there: the schema is another
// request.
struct policy {
	json_t *row;
	char *extension, *type;
	uint8_t *body;
	size_t size;
};

struct policies {
	struct policy *policies;
	size_t n_policies, capacity;
	const char *role; // of their types
	struct types_cache cache;
};

static void policies_fini(struct policies *all)
{
	for (size_t i = 0; i < all->n_policies; i++) {
		struct policy *policy = &all->policies[i];

		json_decref(policy->row);
		free(policy->extension);
		free(policy->type);
		free(policy->body);
	}
	types_cache_fini(&all->cache);
	free(all->policies);
}

static int keep(struct policies *all, const Weir__Control__Policy *given, struct ctl_error *error)
{
	struct policy *policy;

	if (all->n_policies == all->capacity) {
		size_t capacity = all->capacity ? 2 * all->capacity : 64;
		struct policy *grown = realloc(all->policies, capacity * sizeof(*grown));

		if (!grown)
			return ctl_fail_memory(error);
		all->policies = grown;
		all->capacity = capacity;
	}
	policy = &all->policies[all->n_policies++];
	*policy = (struct policy){
		.row = row_json(&given->base),
		.extension = strdup(given->extension ? given->extension : ""),
		.type = strdup(given->type ? given->type : ""),
		.body = malloc(given->body.len + 1),
		.size = given->body.len,
	};
	if (!policy->row || !policy->extension || !policy->type || !policy->body)
		return ctl_fail_memory(error);
	if (policy->size > 0)
		memcpy(policy->body, given->body.data, policy->size);
	return 0;
}

static int take_rows(void *context, const Weir__Control__Reply *reply, struct ctl_error *error)
{
	int result = 0;

	if (reply->payload_case == WEIR__CONTROL__REPLY__PAYLOAD__NOT_SET)
		return 0; // an empty list
	if (reply->payload_case != WEIR__CONTROL__REPLY__PAYLOAD_POLICIES)
		return ask_unexpected(error);
	for (size_t i = 0; result == 0 && i < reply->policies->n_rows; i++)
		result = keep(context, reply->policies->rows[i], error);
	return result;
}

static int body_text(const struct catalog_message *message, const struct policy *policy,
	json_t **text, struct ctl_error *error)
{
	char *bytes = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&bytes, &size);
	int result;

	if (!out)
		return ctl_fail_memory(error);
	result = message_put(message, policy->body, policy->size, out, error);
	*text = fclose(out) == 0 && result == 0 ? value_json_string(bytes, size) : NULL;
	free(bytes);
	return result || *text ? result : ctl_fail_memory(error);
}

// The policy of an extension that is missing: nobody knows what it says.
static int keep_packed(const struct invocation *in, struct policy *policy, struct ctl_error *error)
{
	char *text = base64_text(policy->body, policy->size);
	json_t *body = text ? json_sprintf("%s%s", in->json ? "" : "base64:", text) : NULL;

	free(text);
	if (in->json)
		json_object_del(policy->row, "body");
	if (json_object_set_new(policy->row, in->json ? "body_base64" : "body", body))
		return ctl_fail_memory(error);
	return 0;
}

// Replaces the bytes in the row by what they mean: an object for programs, assignments for people.
static int decode(
	struct invocation *in, struct policies *all, struct policy *policy, struct ctl_error *error)
{
	const struct types *types = NULL;
	const struct message_type *type;
	json_t *body = NULL;
	int result = types_cached(in, &all->cache, policy->extension, &types, error);

	if (result == CTL_REFUSED)
		return keep_packed(in, policy, error);
	if (result)
		return result;
	type = types_find(types, all->role, *policy->type ? policy->type : NULL, error);
	if (!type)
		return CTL_REFUSED;
	if (in->json)
		result = message_to_json(
			type->message, policy->body, policy->size, MESSAGE_PLAIN, &body, error);
	else
		result = body_text(type->message, policy, &body, error);
	if (result == 0 && json_object_set_new(policy->row, "body", body))
		result = ctl_fail_memory(error);
	return result;
}

static int print(struct invocation *in, struct policies *all, struct ctl_error *error)
{
	json_t *rows = json_array();
	int result = rows ? 0 : ctl_fail_memory(error);

	for (size_t i = 0; result == 0 && i < all->n_policies; i++) {
		result = decode(in, all, &all->policies[i], error);
		if (result == 0 && json_array_append(rows, all->policies[i].row))
			result = ctl_fail_memory(error);
	}
	if (result == 0)
		result = output_rows(stdout, rows, columns, in->json, error);
	json_decref(rows);
	return result;
}

static int list(struct invocation *in, Weir__Control__Request *request, const char *role,
	struct ctl_error *error)
{
	struct policies all = { .role = role };
	int result = ask(in, request, take_rows, &all, error);

	if (result == 0)
		result = print(in, &all, error);
	policies_fini(&all);
	return result;
}

int policy_list(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__PolicyList message = WEIR__CONTROL__POLICY_LIST__INIT;
	Weir__Control__Request request = REQUEST(POLICY_LIST, policy_list, &message);
	struct scope scope;
	struct type_name name;
	int result = scope_take(in, &scope, error);

	if (result == 0 && scope.extension)
		result = type_name_split(scope.extension, &name, error);
	if (result)
		return result;
	message.target = ask_text(scope.target);
	if (scope.extension) {
		message.extension = name.extension;
		message.type = *name.type ? name.type : NULL;
	}
	return scope_explain(&scope, list(in, &request, "policy", error), error);
}

int policy_status(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__PolicyStatus message = WEIR__CONTROL__POLICY_STATUS__INIT;
	Weir__Control__Request request = REQUEST(POLICY_STATUS, policy_status, &message);
	bool has_target = in->n_arguments > 1;
	struct type_name name;
	int result = type_name_split(invocation_argument(in, has_target), &name, error);

	if (result)
		return result;
	message.target = ask_text(has_target ? invocation_argument(in, 0) : NULL);
	message.extension = name.extension;
	message.type = *name.type ? name.type : NULL;
	return list(in, &request, "status", error);
}
