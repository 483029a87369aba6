// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The control server: the daemon's socket. It speaks the protocol of proto/weir/control.proto and
// acts on a switch through <weir/embed.h>.
//
// Everything runs on the control thread, which is the thread of the libuv loop. No client can block
// it, another client, or the datapath. The process must ignore SIGPIPE.
//
// An end in order: control_server_stop, run the loop until stopped is called, weir_destroy,
// control_server_destroy.
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include <stdbool.h>
#include <uv.h>

#include <weir/embed.h>

struct control_server;
struct durable; // control/durable.h

struct control_options {
	const char *path;        // of the socket, 1 to 107 bytes
	struct durable *durable; // keeps what clients change, until the stop; may be NULL
	// What clients are told of the daemon. Borrowed while there is the server.
	const char *state;      // directory of what is kept; NULL or "": nothing is
	const char *extensions; // directories that are searched for them, with ':' between; or NULL
	bool strict;
	unsigned max_clients; // 0: 1024
	unsigned stall_ms;    // a client that reads nothing for so long is dropped; 0: 10000
	unsigned document_ms; // a document that gets nothing for so long is dropped; 0: 60000
	unsigned drain_ms;    // how long a stop waits for answers at most; 0: 5000
	void (*log)(void *context, int level, const char *line); // level as syslog(3); NULL: none
	void *log_context;
};

// Listens, and takes clients once the loop runs. Takes over the notices of weir (weir_on_notice).
// weir and loop stay the caller's. options: borrowed during the call. Returns 0 or a negative errno
// with a sentence; listener.h names the reasons.
int control_server_create(struct weir *weir, uv_loop_t *loop, const struct control_options *options,
	struct control_server **server, struct weir_error *error);

// Closes the socket, removes its file and takes no more requests. Those that were begun are
// answered, within drain_ms, and then the clients are dropped. stopped: called from the loop once
// the server has no handle there any more. Once only.
void control_server_stop(
	struct control_server *server, void (*stopped)(void *context), void *context);

// Frees the server, after stopped was called and after weir_destroy: changes under way may call
// back until then. Accepts NULL.
void control_server_destroy(struct control_server *server);

#endif
