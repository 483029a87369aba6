// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What commands do with requests: ask for a change, a list, or one object to show. Connects first
// when the invocation has no connection yet. All return 0 or an exit code with *error filled.
#ifndef CTL_ASK_H
#define CTL_ASK_H

#include <jansson.h>

#include "client.h"
#include "command.h"
#include "output.h"

// A request with its case and its member, as in
//     Weir__Control__Request request = REQUEST(PORT_REMOVE, port_remove, &message);
#define REQUEST(kind, member, message)                                                             \
	{                                                                                          \
		.base = PROTOBUF_C_MESSAGE_INIT(&weir__control__request__descriptor),              \
		.request_case = WEIR__CONTROL__REQUEST__REQUEST_##kind, .member = (message)        \
	}

// Sends the request, with the invocation's dry_run, and gives every reply to handler (may be NULL).
int ask(struct invocation *in, Weir__Control__Request *request, client_reply *handler,
	void *context, struct ctl_error *error);

// As ask, with files (may be NULL) along with the request.
int ask_with_files(struct invocation *in, Weir__Control__Request *request,
	const struct client_files *files, client_reply *handler, void *context,
	struct ctl_error *error);

// Connects, when the invocation has no connection yet.
int ask_connect(struct invocation *in, struct ctl_error *error);

// A change without a result: prints nothing when it is done.
int ask_change(struct invocation *in, Weir__Control__Request *request, struct ctl_error *error);

// Appends the rows of all replies, whose payload is of that kind, to the JSON array rows.
int ask_rows(struct invocation *in, Weir__Control__Request *request,
	Weir__Control__Reply__PayloadCase payload, json_t *rows, struct ctl_error *error);

// Appends the rows of one reply, for who handles replies himself.
int ask_append(json_t *rows, Weir__Control__Reply__PayloadCase payload,
	const Weir__Control__Reply *reply, struct ctl_error *error);

// Prints the rows of all replies.
int ask_list(struct invocation *in, Weir__Control__Request *request,
	Weir__Control__Reply__PayloadCase payload, const struct column *columns,
	struct ctl_error *error);

// Prints the one row that the request is answered with. kinds: as for output_object.
int ask_show(struct invocation *in, Weir__Control__Request *request,
	Weir__Control__Reply__PayloadCase payload, const struct column *kinds,
	struct ctl_error *error);

// Prints all rows as ask_show prints one: an array for programs, one below the other for people.
int ask_show_all(struct invocation *in, Weir__Control__Request *request,
	Weir__Control__Reply__PayloadCase payload, struct ctl_error *error);

// The reply has a payload other than the one expected.
int ask_unexpected(struct ctl_error *error);

// Fields of requests are `char *`, which protobuf-c does not write through.
static inline char *ask_text(const char *text)
{
	union {
		const char *in;
		char *out;
	} borrowed = { .in = text };

	return borrowed.out;
}

#endif
