// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "control/handlers.h"
#include "control/internal.h"
#include "control/item_row.h"
#include "control/rows.h"

void document_drop(struct client *client)
{
	weir_document_destroy(client->staged.document);
	client->server->staged -= client->staged.size;
	client->staged = (struct staged){ 0 };
}

// The field may be "apply_add.items[N]...", where N counts the items of that message.
static void renumber(const struct client *client, struct weir_error *error)
{
	static const char prefix[] = "apply_add.items[";
	char rest[24], *end;
	unsigned long number;

	if (strncmp(error->field, prefix, sizeof(prefix) - 1) != 0)
		return;
	number = strtoul(error->field + sizeof(prefix) - 1, &end, 10);
	snprintf(rest, sizeof(rest), "%.23s", end);
	snprintf(error->field, sizeof(error->field), "%s%zu%s", prefix,
		client->staged.n_items + number, rest);
}

static void spoil(struct client *client)
{
	document_drop(client);
	client->staged.spoiled = true;
}

void document_check_age(struct client *client)
{
	const struct control_server *server = client->server;

	if (!client->staged.document ||
		uv_now(server->loop) - client->staged.moved_ms < server->document_ms)
		return;
	server_log(server, LOG_INFO,
		"control: dropping the document of process %ld: nothing of it has come for %u s",
		(long)client->pid, server->document_ms / 1000);
	spoil(client);
	client->staged.expired = true;
}

void document_refused(struct client *client, uint32_t number, struct weir_error *error)
{
	switch (number) {
	case 0:
	case WEIR__CONTROL__REQUEST__REQUEST_APPLY_ADD:
	case WEIR__CONTROL__REQUEST__REQUEST_APPLY_ABORT:
		renumber(client, error);
		spoil(client);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_APPLY_COMMIT:
		document_drop(client);
		break;
	}
}

static int check_size(struct client *client, struct weir_error *error)
{
	struct control_server *server = client->server;
	const size_t size = weir_document_size(client->staged.document);

	server->staged += size - client->staged.size;
	client->staged.size = size;
	if (size > DOCUMENT_CLIENT_BYTES)
		return weir_refuse(error, -ENOSPC, NULL,
			"the document takes %zu bytes of memory, and %u are allowed: it is dropped",
			size, DOCUMENT_CLIENT_BYTES);
	if (server->staged > DOCUMENT_SERVER_BYTES)
		return weir_refuse(error, -ENOSPC, NULL,
			"the documents of all clients take %zu bytes of memory, and %u are "
			"allowed: this one is dropped",
			server->staged, DOCUMENT_SERVER_BYTES);
	return 0;
}

static int add_item(
	struct client *client, const Weir__Control__Item *message, struct weir_error *error)
{
	char field[32];
	struct weir_item item;
	int result;

	snprintf(field, sizeof(field), "items[%zu]", client->staged.n_items);
	client->staged.n_items++;
	if (item_of_message(message, &item) < 0)
		return weir_refuse(error, -EINVAL, field,
			"an item without a kind: one of switch, extension, port, policy and fdb "
			"must be set");
	result = weir_document_add(client->staged.document, &item, error);
	if (result < 0)
		snprintf(error->field, sizeof(error->field), "%s", field);
	return result < 0 ? result : check_size(client, error);
}

static int refuse_spoiled(const struct client *client, struct weir_error *error)
{
	if (client->staged.expired)
		return weir_refuse(error, -ECANCELED, NULL,
			"the document was dropped when nothing of it had come for %u s: nothing of "
			"it is applied",
			client->server->document_ms / 1000);
	return weir_refuse(error, -ECANCELED, NULL,
		"the document was dropped when a message of it was refused: nothing of it is "
		"applied");
}

void on_apply_add(struct call *call)
{
	const Weir__Control__ApplyAdd *request = call->request->apply_add;
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;
	struct client *client = call->client;
	struct weir_error error = { 0 };
	int result = client->staged.spoiled ? refuse_spoiled(client, &error) : 0;

	if (result == 0 && !client->staged.document) {
		client->staged.document = weir_document_create();
		if (!client->staged.document)
			result = weir_refuse(&error, -ENOMEM, NULL, "out of memory for a document");
	}
	client->staged.moved_ms = uv_now(client->server->loop);
	for (size_t i = 0; result == 0 && i < request->n_items; i++)
		result = add_item(client, request->items[i], &error);
	if (result < 0) {
		spoil(client);
		call_refuse(call, &error);
	} else {
		call_finish(call, &reply);
	}
}

static void add_difference(void *context, const struct weir_difference *difference)
{
	Weir__Control__Difference row = WEIR__CONTROL__DIFFERENCE__INIT;

	row.action = row_text(difference->action);
	row.object = row_text(difference->object);
	row.name = row_text(difference->name);
	row.text = row_text(difference->text);
	rows_add(context, &row.base);
}

// A document without items is one too: with prune it removes everything.
static int apply(struct call *call, struct weir_error *error)
{
	struct staged *staged = &call->client->staged;
	const Weir__Control__ApplyCommit *commit = call->request->apply_commit;
	const unsigned flags = call_flags(call, false) | (commit->prune ? WEIR_PRUNE : 0u) |
			       (commit->lost_nics ? WEIR_LOST_NICS : 0u);

	if (staged->spoiled)
		return refuse_spoiled(call->client, error);
	if (!staged->document)
		staged->document = weir_document_create();
	if (!staged->document)
		return weir_refuse(error, -ENOMEM, NULL, "out of memory for a document");
	return weir_apply(call->server->weir, staged->document, flags, add_difference, call, error);
}

// The rows go out while weir_apply() runs, and that may be the end of the connection, though not
// yet of the client, whose document goes with it.
void on_apply_commit(struct call *call)
{
	struct client *client = call->client;
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_DIFFERENCES, &error);

	if (result == 0)
		result = apply(call, &error);
	document_drop(client);
	call_end(call, result, &error);
}

void on_apply_abort(struct call *call)
{
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;

	document_drop(call->client);
	call_finish(call, &reply);
}

static void add_item_row(void *context, const struct weir_item *item)
{
	item_send(item, context);
}

void on_export(struct call *call)
{
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_ITEMS, &error);

	if (result == 0)
		result = weir_export(call->server->weir, call->request->export->switch_,
			add_item_row, call, &error);
	rows_end(call, result, &error);
}
