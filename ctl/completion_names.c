// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "completion.h"

#include <string.h>

#include "ask.h"
#include "policy.h"
#include "types.h"

static void put_column(const json_t *rows, const char *key, const char *before)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const char *word = json_string_value(json_object_get(row, key));

		if (word)
			completion_put(before, word, "");
	}
}

static int list_switches(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	Weir__Control__SwitchList message = WEIR__CONTROL__SWITCH_LIST__INIT;
	Weir__Control__Request request = REQUEST(SWITCH_LIST, switch_list, &message);

	return ask_rows(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_SWITCHES, rows, error);
}

static int list_ports(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	Weir__Control__PortList message = WEIR__CONTROL__PORT_LIST__INIT;
	Weir__Control__Request request = REQUEST(PORT_LIST, port_list, &message);

	return ask_rows(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_PORTS, rows, error);
}

// switch_name: NULL: all of them, and those that are attached to none.
static int list_extensions(
	struct invocation *in, const char *switch_name, json_t *rows, struct ctl_error *error)
{
	Weir__Control__ExtensionList message = WEIR__CONTROL__EXTENSION_LIST__INIT;
	Weir__Control__Request request = REQUEST(EXTENSION_LIST, extension_list, &message);

	message.switch_ = ask_text(switch_name);
	return ask_rows(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_EXTENSIONS, rows, error);
}

static int list_policies(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	Weir__Control__PolicyList message = WEIR__CONTROL__POLICY_LIST__INIT;
	Weir__Control__Request request = REQUEST(POLICY_LIST, policy_list, &message);
	struct type_name name;
	int result = type_name_split(in->arguments[2], &name, error);

	if (result == 0)
		result = policy_name_type(in, in->arguments[1], &name, error);
	if (result)
		return result;
	message.target = ask_text(in->arguments[1]);
	message.extension = name.extension;
	message.type = *name.type ? name.type : NULL;
	return ask_rows(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_POLICIES, rows, error);
}

static const char *text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text ? text : "";
}

// "" when there is no such port.
static int find_switch(struct invocation *in, const char *target, json_t *rows,
	char name[/* size */], size_t size, struct ctl_error *error)
{
	static const char prefix[] = "switch:";
	int result = 0;

	*name = '\0';
	if (strncmp(target, prefix, strlen(prefix)) == 0)
		snprintf(name, size, "%s", target + strlen(prefix));
	else
		result = list_ports(in, rows, error);
	for (size_t i = 0; result == 0 && i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		if (strcmp(text_of(row, "name"), target) == 0)
			snprintf(name, size, "%s", text_of(row, "switch"));
	}
	json_array_clear(rows);
	return result;
}

// EXTENSION when that means a type of the role, and EXTENSION.TYPE for each when there are several.
static void put_types(const struct types *types, const char *role)
{
	struct ctl_error ignored;
	unsigned n = 0;

	if (types_find(types, role, NULL, &ignored))
		completion_put(types->extension, "", "");
	for (size_t i = 0; i < types->n_types; i++)
		n += strcmp(types->types[i].role, role) == 0;
	for (size_t i = 0; n > 1 && i < types->n_types; i++) {
		if (strcmp(types->types[i].role, role) == 0)
			completion_put(types->extension, ".", types->types[i].name);
	}
}

// EXTENSION, when it has calls.
static void put_callable(const struct types *types, const char *role)
{
	for (size_t i = 0; i < types->n_types; i++) {
		if (strcmp(types->types[i].role, role) == 0) {
			completion_put(types->extension, "", "");
			return;
		}
	}
}

// Whether one of the first n rows is of this extension, where it is there.
static bool is_among(const json_t *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		const json_t *row = json_array_get(rows, i);
		const char *state = text_of(row, "state");

		if (strcmp(text_of(row, "name"), name) == 0 && strcmp(state, "missing") != 0 &&
			strcmp(state, "expelled") != 0)
			return true;
	}
	return false;
}

// Of every extension that is there, or is on the switch; each once.
static int put_of_all(struct invocation *in, const char *switch_name, json_t *rows,
	void (*put)(const struct types *, const char *), const char *role, struct ctl_error *error)
{
	int result = list_extensions(in, switch_name, rows, error);

	for (size_t i = 0; result == 0 && i < json_array_size(rows); i++) {
		const char *name = text_of(json_array_get(rows, i), "name");
		struct types types;

		if (is_among(rows, i, name) || !is_among(rows, i + 1, name))
			continue;
		result = types_fetch(in, NULL, name, &types, error);
		if (result == 0)
			put(&types, role);
		else if (result == CTL_REFUSED)
			result = 0;
		types_fini(&types);
	}
	return result;
}

static int put_calls(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	struct types types;
	int result = types_fetch(in, NULL, in->arguments[1], &types, error);

	(void)rows;
	for (size_t i = 0; result == 0 && i < types.n_types; i++) {
		if (strcmp(types.types[i].role, "call") == 0)
			completion_put(types.types[i].name, "", "");
	}
	types_fini(&types);
	return result;
}

static int put_policy_fields(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	struct type_name name;
	int result = type_name_split(in->arguments[1], &name, error);

	(void)rows;
	if (result)
		return result;
	return completion_put_fields(in, "policy", &name, invocation_argument(in, 2), error);
}

static int put_call_fields(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	struct type_name name = { .extension = "" };

	(void)rows;
	snprintf(name.extension, sizeof(name.extension), "%s", in->arguments[1]);
	snprintf(name.type, sizeof(name.type), "%s", in->arguments[2]);
	return completion_put_fields(in, "call", &name, invocation_argument(in, 3), error);
}

int completion_put_ports(struct invocation *in, const char *before, struct ctl_error *error)
{
	json_t *rows = json_array();
	int result = rows ? list_ports(in, rows, error) : ctl_fail_memory(error);

	put_column(rows, "name", before);
	json_decref(rows);
	return result;
}

static int put_names(json_t *rows, int result)
{
	put_column(rows, "name", "");
	return result;
}

static int put_switches(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	return put_names(rows, list_switches(in, rows, error));
}

static int put_ports(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	return put_names(rows, list_ports(in, rows, error));
}

static int put_extensions(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	return put_names(rows, list_extensions(in, NULL, rows, error));
}

static int put_targets(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	int result = list_ports(in, rows, error);

	if (result)
		return result;
	put_column(rows, "name", "");
	json_array_clear(rows);
	result = list_switches(in, rows, error);
	if (result == 0)
		put_column(rows, "name", "switch:");
	return result;
}

static int put_scopes(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	int result = put_targets(in, rows, error);

	json_array_clear(rows);
	return result ? result : put_extensions(in, rows, error);
}

static int put_policies(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	char name[64];
	int result = find_switch(in, in->arguments[1], rows, name, sizeof(name), error);

	if (result || !*name)
		return result;
	return put_of_all(in, name, rows, put_types, "policy", error);
}

static int put_statuses(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	return put_of_all(in, NULL, rows, put_types, "status", error);
}

static int put_status_targets(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	int result = put_targets(in, rows, error);

	json_array_clear(rows);
	return result ? result : put_statuses(in, rows, error);
}

static int put_callables(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	return put_of_all(in, NULL, rows, put_callable, "call", error);
}

static int put_ids(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	int result = list_policies(in, rows, error);

	put_column(rows, "id", "");
	return result;
}

static int put_loadable(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	int result = list_extensions(in, NULL, rows, error);

	return result ? result : completion_put_loadable(in, rows, error);
}

// Whether it is on the switch, as it should be.
static bool is_attached(const json_t *rows, const char *name, const char *switch_name)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		if (strcmp(text_of(row, "name"), name) == 0 &&
			strcmp(text_of(row, "switch"), switch_name) == 0)
			return strcmp(text_of(row, "state"), "attached") == 0;
	}
	return false;
}

static int put_attachable(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	int result = list_extensions(in, NULL, rows, error);

	for (size_t i = 0; result == 0 && i < json_array_size(rows); i++) {
		const char *name = text_of(json_array_get(rows, i), "name");

		if (!is_attached(rows, name, in->arguments[1]))
			completion_put(name, "", "");
	}
	return result ? result : completion_put_loadable(in, rows, error);
}

static int put_attached(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	return put_names(rows, list_extensions(in, in->arguments[1], rows, error));
}

static int put_nics(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	(void)in;
	(void)rows;
	(void)error;
	completion_put_interfaces();
	return 0;
}

static const struct kind {
	const char *name;
	const char *words; // that it depends on
	size_t n_words;
	int (*put)(struct invocation *in, json_t *rows, struct ctl_error *error);
} kinds[] = {
	{ "switch", "", 0, put_switches },
	{ "port", "", 0, put_ports },
	{ "extension", "", 0, put_extensions },
	{ "loadable", "", 0, put_loadable },
	{ "attachable", " SWITCH", 1, put_attachable },
	{ "attached", " SWITCH", 1, put_attached },
	{ "target", "", 0, put_targets },
	{ "scope", "", 0, put_scopes },
	{ "policy", " TARGET", 1, put_policies },
	{ "status", "", 0, put_statuses },
	{ "status-target", "", 0, put_status_targets },
	{ "callable", "", 0, put_callables },
	{ "nic", "", 0, put_nics },
	{ "field", " EXTENSION[.TYPE]", 1, put_policy_fields },
	{ "id", " TARGET EXTENSION", 2, put_ids },
	{ "call", " EXTENSION", 1, put_calls },
	{ "call-field", " EXTENSION TYPE", 2, put_call_fields },
};

enum { N_KINDS = sizeof(kinds) / sizeof(*kinds) };

static int refuse_kind(const char *name, struct ctl_error *error)
{
	char list[512] = "";
	FILE *out = fmemopen(list, sizeof(list), "w");

	for (size_t i = 0; out && i < N_KINDS; i++)
		fprintf(out, "%s%s%s",
			i == 0            ? ""
			: i < N_KINDS - 1 ? ", "
					  : " or ",
			kinds[i].name, kinds[i].words);
	if (out)
		fclose(out);
	return ctl_fail(error, CTL_USAGE, "kind \"%s\": must be %s", name, list);
}

static int put_kind(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	const char *name = invocation_argument(in, 0);

	for (size_t i = 0; i < N_KINDS; i++) {
		if (strcmp(kinds[i].name, name) == 0 && in->n_arguments > kinds[i].n_words)
			return kinds[i].put(in, rows, error);
	}
	return refuse_kind(name, error);
}

int completion_names(struct invocation *in, struct ctl_error *error)
{
	json_t *rows = json_array();
	int result = rows ? put_kind(in, rows, error) : ctl_fail_memory(error);

	json_decref(rows);
	return result;
}
