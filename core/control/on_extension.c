// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>

#include "control/handlers.h"
#include "control/internal.h"
#include "control/rows.h"

void on_extension_load(struct call *call)
{
	const Weir__Control__ExtensionLoad *request = call->request->extension_load;
	struct weir_error error = { 0 };

	call_end(call,
		weir_extension_load(call->server->weir, request->name, request->path,
			call_flags(call, false), &error),
		&error);
}

void on_extension_unload(struct call *call)
{
	struct weir_error error = { 0 };

	call_end(call,
		weir_extension_unload(call->server->weir, call->request->extension_unload->name,
			call_flags(call, false), &error),
		&error);
}

void on_extension_replace(struct call *call)
{
	const Weir__Control__ExtensionReplace *request = call->request->extension_replace;
	struct weir_error error = { 0 };

	call_end(call,
		weir_extension_replace(call->server->weir, request->name, request->path,
			call_flags(call, false), &error),
		&error);
}

void on_extension_attach(struct call *call)
{
	const Weir__Control__ExtensionAttach *request = call->request->extension_attach;
	struct weir_error error = { 0 };

	call_end(call,
		weir_extension_attach(call->server->weir, request->switch_, request->name,
			request->has_order ? (int)request->order : WEIR_ORDER_DEFAULT,
			call_flags(call, false) | (request->fail_open ? WEIR_FAIL_OPEN : 0u),
			&error),
		&error);
}

void on_extension_detach(struct call *call)
{
	const Weir__Control__ExtensionDetach *request = call->request->extension_detach;
	struct weir_error error = { 0 };

	call_end(call,
		weir_extension_detach(call->server->weir, request->switch_, request->name,
			call_flags(call, false), &error),
		&error);
}

static const char *state_name(const struct weir_extension_info *info)
{
	if (!info->switch_name)
		return "loaded";
	return info->expelled ? "expelled" : info->missing ? "missing" : "attached";
}

static void add_row(void *context, const struct weir_extension_info *info)
{
	Weir__Control__Extension row = WEIR__CONTROL__EXTENSION__INIT;
	char abi[24] = "";

	if (info->abi_major || info->abi_minor) // unknown of one that is missing
		snprintf(abi, sizeof(abi), "%u.%u", info->abi_major, info->abi_minor);
	row.name = row_text(info->name);
	row.version = row_text(info->version);
	row.summary = row_text(info->summary);
	row.class_ = row_text(info->class_name);
	row.path = row_text(info->path);
	row.abi = row_text(abi);
	row.switch_ = row_text(info->switch_name);
	if (row.switch_) {
		ROW_SET(row, order, (uint32_t)info->order);
		ROW_SET(row, fail_open, info->fail_open);
	}
	row.state = (char *)state_name(info);
	row.reason = row_text(info->reason);
	ROW_SET(row, decisions, info->decisions);
	ROW_SET(row, visits, info->visits);
	ROW_SET(row, violations, info->violations);
	ROW_SET(row, invalid, info->invalid);
	ROW_SET(row, impure, info->impure);
	ROW_SET(row, modified, info->modified);
	row.last_offence = row_text(info->last_offence);
	rows_add(context, &row.base);
}

void on_extension_list(struct call *call)
{
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_EXTENSIONS, &error);

	if (result == 0)
		result = weir_extension_list(call->server->weir,
			call->request->extension_list->switch_, add_row, call, &error);
	rows_end(call, result, &error);
}

static void add_row_of_name(void *context, const struct weir_extension_info *info)
{
	const struct call *call = context;

	if (strcmp(info->name, call->request->extension_show->name) == 0)
		add_row(context, info);
}

void on_extension_show(struct call *call)
{
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_EXTENSIONS, &error);

	if (result == 0)
		result = weir_extension_list(
			call->server->weir, NULL, add_row_of_name, call, &error);
	if (result == 0 && rows_count(call) == 0)
		result = weir_refuse(&error, -ENOENT, "name",
			"extension \"%s\" is not loaded; extension list shows those that are",
			call->request->extension_show->name);
	rows_end(call, result, &error);
}
