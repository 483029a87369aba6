// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_answer.h"
#include "sample.pb-c.h"

static void give_body(const struct fake_connection *c, const ProtobufCMessage *message, bool more)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = malloc(size + 1);
	Weir__Control__CallReply call = { BASE(call_reply),
		.part_case = WEIR__CONTROL__CALL_REPLY__PART_BODY, .body = { size, bytes } };

	protobuf_c_message_pack(message, bytes);
	REPLY(c, CALL, call, &call, more);
	free(bytes);
}

// The files are in the order of the field numbers: read, then write.
static bool use_files(const struct fake_connection *c, const Sample__Start *start)
{
	char text[64] = "";
	unsigned n = 0;

	if (c->n_files != (unsigned)(start->read != NULL) + (start->write != NULL))
		return false;
	if (start->read && read(c->files[n++], text, sizeof(text) - 1) < 0)
		return false;
	if (!start->write)
		return true;
	return dprintf(c->files[n], "%s", text) >= 0 && dprintf(c->files[n], "started\n") >= 0;
}

static void start(const struct fake_connection *c, const Weir__Control__ExtensionCall *call)
{
	Sample__Start *message = sample__start__unpack(NULL, call->body.len, call->body.data);
	Sample__Started started = SAMPLE__STARTED__INIT;

	if (!message || call->files != c->n_files || strcmp(message->port, "refuse") == 0) {
		fake_refuse(c, WEIR__CONTROL__STATUS__CODE__NOT_FOUND, "extension_call.body.port",
			"port \"refuse\": there is none of that name");
	} else if (strcmp(message->port, "silent") == 0) {
		use_files(c, message); // and no word about it
	} else if (!use_files(c, message)) {
		fake_refuse(c, WEIR__CONTROL__STATUS__CODE__INVALID, "extension_call.files",
			"the files are not those that the call names");
	} else {
		started.name = message->port;
		started.has_size = started.has_since = 1;
		started.size = 64 << 10;
		started.since = 1700000000;
		give_body(c, &started.base, true);
		fake_done(c, false);
	}
	if (message)
		sample__start__free_unpacked(message, NULL);
}

static void list(const struct fake_connection *c)
{
	static char first[] = "first", second[] = "second";
	Sample__Started row = SAMPLE__STARTED__INIT;
	Sample__Started *rows[] = { &row };
	Sample__Listed listed = SAMPLE__LISTED__INIT;

	row.name = first;
	row.has_size = 1;
	row.size = 1500;
	listed.n_rows = 1;
	listed.rows = rows;
	give_body(c, &listed.base, true);
	row.name = second;
	row.has_size = 0;
	give_body(c, &listed.base, true);
	listed.n_rows = 0;
	give_body(c, &listed.base, false);
}

static void watch(const struct fake_connection *c)
{
	static uint8_t pieces[][4] = { "one\n", "two\n" };

	for (size_t i = 0; i < 2; i++) {
		Weir__Control__CallReply call = { BASE(call_reply),
			.part_case = WEIR__CONTROL__CALL_REPLY__PART_DATA,
			.data = { sizeof(pieces[i]), pieces[i] } };

		REPLY(c, CALL, call, &call, true);
	}
	fake_done(c, false);
}

void fake_call(struct fake_connection *c, const Weir__Control__ExtensionCall *call)
{
	if (strcmp(call->type, "start") == 0)
		start(c, call);
	else if (strcmp(call->type, "list") == 0)
		list(c);
	else
		watch(c);
}
