// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The connection to the daemon: proto/weir/control.proto over a Unix stream socket. Every wait ends
// after the client's time-out; nothing the daemon sends can make weirctl hang, or take more memory
// than the bytes that really came.
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "weir/control.pb-c.h"

struct client;

// Connects to the socket at path. timeout_ms: the longest wait for the daemon to take or send
// anything, at least 1. Caller frees *client with client_close. Fails with CTL_NO_DAEMON.
int client_open(const char *path, int timeout_ms, struct client **client, struct ctl_error *error);

// client may be NULL.
void client_close(struct client *client);

// From now on waits without limit: for events, which come when they come.
void client_wait_forever(struct client *client);

// Called for each reply that is not a refusal; what the daemon remarks on a change is on standard
// error then. The reply is borrowed during the call. Returns 0 to
// go on, or what client_call shall return.
typedef int client_reply(void *context, const Weir__Control__Reply *reply, struct ctl_error *error);

// Descriptors that go along with a request; the client duplicates nothing and closes nothing.
struct client_files {
	int fds[8];
	unsigned n_fds;
};

// Sends the request (filling its id), with files unless that is NULL, and does not wait for its
// replies. Returns 0, CTL_REFUSED for a request that is too long, or with the sentence of a daemon
// that took no request and closed the connection; or CTL_NO_DAEMON.
int client_send(struct client *client, Weir__Control__Request *request,
	const struct client_files *files, struct ctl_error *error);

// Waits for the next reply, to whichever request: *id is that request's, or 0 when the reply is
// about the connection (or none came); *more says whether others follow. Returns as client_call
// does.
int client_receive(struct client *client, uint64_t *id, bool *more, client_reply *reply,
	void *context, struct ctl_error *error);

// Sends the request and waits for the last of its replies; no other one may be in flight. Returns
// 0, CTL_REFUSED with the daemon's sentence, CTL_NO_DAEMON when the connection breaks or the time
// is out, or what reply returned; after anything but 0 and CTL_REFUSED the client can only be
// closed. files and reply may be NULL.
int client_call(struct client *client, Weir__Control__Request *request,
	const struct client_files *files, client_reply *reply, void *context,
	struct ctl_error *error);

#endif
