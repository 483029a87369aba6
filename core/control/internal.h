// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the files of the control server share: the server, a client's connection and a request being
// worked on. Nothing outside core/control includes this. Everything runs on the control thread.
//
// A request becomes a call. Its handler (on_*.c) answers it, at once or later, with exactly one of
// the functions that end a call; before that it may send any number of replies with `more` set. A
// client may go away meanwhile: its calls then live on without it until they are ended, and what
// they send goes nowhere.
//
// A change is answered when it is in force on all workers and, when the server has a struct
// durable, on disk.
//
// A request for an extension (on_call.c) runs in the extension until that ends it. Whatever happens
// to it while the extension is on the stack is only marked: the reaper, a timer that is due at
// once, frees it from the loop.
//
// Bounds. A client with CLIENT_PAUSE_BYTES unread or CLIENT_MAX_CALLS in flight is not read from;
// it loses events beyond CLIENT_EVENT_BYTES, and an extension has to wait with what it streams
// beyond CLIENT_STREAM_BYTES; a list that does not fit into CLIENT_MAX_BYTES, or SERVER_MAX_BYTES
// over all clients, ends in a refusal; who reads nothing for stall_ms is dropped, and so is who
// announces a request of more than CLIENT_MAX_REQUEST bytes (what is larger than the schema allows
// but not that large is refused by it, and the connection goes on); files.h bounds descriptors, and
// document.h what waits to be applied, and how long.
#ifndef CONTROL_INTERNAL_H
#define CONTROL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#include <weir/embed.h>

#include "control/document.h"
#include "control/durable.h"
#include "control/files.h"
#include "control/framing.h"
#include "control/listener.h"
#include "weir/control.pb-c.h"

enum {
	CLIENT_MAX_CALLS = 64,
	CLIENT_MAX_REQUEST = 1 << 20,
	CLIENT_PAUSE_BYTES = 256 << 10,
	CLIENT_EVENT_BYTES = 1 << 20,
	CLIENT_STREAM_BYTES = 1 << 20,
	CLIENT_MAX_BYTES = 64 << 20,
	SERVER_MAX_BYTES = 256 << 20,
};

struct weir_schema;
struct remarks;
struct rows;

LIST_HEAD(client_list, client);
LIST_HEAD(call_list, call);

// Refused requests that were told as events in the second that began at second_ms, and those that
// were too many for it.
struct refusals {
	uint64_t second_ms; // in the loop's time
	unsigned n_told;
	uint64_t n_untold;
};

// What a request does, when it is not refused.
enum effect {
	EFFECT_NONE, // reads
	EFFECT_ACT,  // does something that is not kept
	EFFECT_KEPT, // changes the desired state
};

struct control_server {
	struct weir *weir;
	struct durable *durable; // may be NULL
	uv_loop_t *loop;
	uv_pipe_t pipe;    // listening
	uv_timer_t clock;  // looks for stalled clients
	uv_timer_t reaper; // runs when something is in `reaped`
	struct listener listener;
	struct weir_schema *schema;
	struct client_list clients;
	struct call_list orphans;     // calls whose client went away
	struct call_list subscribers; // calls that events go to
	struct call_list reaped;      // calls to be cancelled and freed from the loop
	struct call *current;         // whose handler is on the stack, unless it has ended
	struct refusals refusals;
	uint64_t n_events;  // numbers them
	size_t queued;      // bytes that no client has read yet
	size_t staged;      // bytes of all clients' documents
	unsigned n_handles; // of libuv, clients' included, that are not closed yet
	unsigned n_clients; // with those that are closing
	unsigned max_clients;
	unsigned stall_ms, document_ms, drain_ms;
	const char *state, *extensions; // as in struct control_options
	bool strict;
	uint64_t since;          // when it began to listen, Unix seconds
	uint64_t started_ns;     // the same, of a clock that nobody sets
	uint64_t drain_until_ms; // in the loop's time, while stopping
	bool stopping;
	void (*stopped)(void *context);
	void *stopped_context;
	void (*log)(void *context, int level, const char *line);
	void *log_context;
};

struct client {
	LIST_ENTRY(client) link;
	struct control_server *server;
	uv_pipe_t pipe;
	struct framing reader;
	struct files files;   // passed, and not asked for yet
	struct staged staged; // a document on its way
	pid_t pid;            // of the process that connected, and its user
	uid_t uid;
	struct call_list calls;
	unsigned n_calls;
	size_t queued;         // bytes given to libuv and not written yet
	size_t last_unwritten; // of libuv's queue, when it was seen to move last
	uint64_t moved_ms;     // when that was, in the loop's time
	bool reading;          // libuv delivers bytes
	bool ended;            // no further request will come
	bool pumping;          // pump() is on the stack
};

struct call {
	LIST_ENTRY(call) link;         // in the client's calls, or the server's orphans
	LIST_ENTRY(call) subscription; // in the server's subscribers, when subscribed
	LIST_ENTRY(call) reap;         // in the server's reaped, when is_reaped
	struct control_server *server;
	struct client *client; // NULL once the client went away
	Weir__Control__Request *request;
	const char *name; // of the request's field, as in "port_add"
	enum effect effect;
	struct rows *rows;             // the list being sent, NULL for other calls
	struct remarks *remarks;       // on its change, NULL: there were none
	struct weir_drop_watch *watch; // of drops; NULL: the call is none, or its client went away
	bool subscribed;
	bool is_reaped;
	uint64_t lost;      // events or samples since the last one that was sent
	char policy_id[64]; // what policy_add answers with, or ""
	// What the answer waits for: workers, the disk, answers of switches; and why it will be a
	// refusal.
	unsigned n_parts;
	struct weir_error part_error;
	struct durable_wait wait;
	struct weir_running_call *running; // in an extension; NULL: it is not, or not any more
};

// ---- server.c

// level: as syslog(3).
__attribute__((format(printf, 3, 4))) void server_log(
	const struct control_server *server, int level, const char *format, ...);

// A handle of the server's or a client's was closed.
void server_handle_closed(struct control_server *server);

// ---- client.c

// Takes the connection that waits on the listening pipe.
void client_accept(struct control_server *server);

// Closes the connection now; its calls become orphans. why: for the log, NULL when the end was
// orderly.
void client_close(struct client *client, const char *why);

// Drops a client that has read nothing for the server's stall_ms.
void client_check_stall(struct client *client);

// Takes no further request of the client; the connection ends when everything is answered and read.
void client_end(struct client *client);

// The same, without the requests that have come and were not begun.
void client_drain(struct client *client);

// Sends one message. Takes ownership of bytes (from malloc), whose first FRAMING_HEADER are free to
// use; size counts the message alone.
void client_send(struct client *client, uint8_t *bytes, size_t size);

// True when so many bytes more would be too many for the client, or for all clients together.
bool client_is_full(const struct client *client, size_t size);

// A call of the client ended: there is room for another, or the connection may end.
void client_call_ended(struct client *client);

// ---- call.c

// Checks and unpacks a message of the client, and runs its handler or refuses it.
void call_begin(struct client *client, const uint8_t *message, size_t size);

// Whether nobody but its client ends the call: it is a subscription.
bool call_is_endless(const struct call *call);

// The call's client goes away: the call becomes an orphan. Frees nothing, because whoever was
// sending to the client may still hold the call.
void call_abandon(struct call *call);

// Frees the orphans that nobody will end: subscriptions, or all once the switch is gone.
void call_free_orphans(struct control_server *server, bool all);

// Frees a call that will not be answered.
void call_free(struct call *call);

// Has the call cancelled, when it runs in an extension, and freed, from the loop. More than once is
// the same.
void call_reap(struct call *call);

// Reaps what the client has running in extensions: that may have no end of its own.
void call_reap_running(struct client *client);

// Reaps now; not from within an extension.
void call_reap_all(struct control_server *server);

bool call_is_dry_run(const struct call *call);

// The flags of embed.h for the call's change.
unsigned call_flags(const struct call *call, bool force);

// Sends a reply and keeps the call going; fills id and more.
void call_send(struct call *call, Weir__Control__Reply *reply);

// Sends the last reply and keeps the call, for call_reap().
void call_send_done(struct call *call);
void call_send_refusal(struct call *call, const struct weir_error *error);

// The functions that end a call:

// Sends the last reply; fills id.
void call_finish(struct call *call, Weir__Control__Reply *reply);

// Refused. error: borrowed during the call.
void call_refuse(struct call *call, const struct weir_error *error);

// result of a change: refuses it, or answers, with the rows of a list that was begun, when it is in
// force on all workers and on disk.
void call_end(struct call *call, int result, const struct weir_error *error);

// weir_when_done() failed with result: unless it is refused anyhow, the call is to be refused for
// that. Does not end it.
void call_set_unfollowed(struct call *call, int result);

// Tells a client about something that belongs to no call; id 0: to the connection itself.
void call_refuse_message(struct client *client, uint64_t id, const struct weir_error *error);

// ---- remarks.c

// A weir_remark_handler; context: the server. What is said while a handler is on the stack is said
// of its call.
void remark_take(void *context, const char *text);

// Has the last reply of a change that was made tell them. The reply borrows them of the call.
void call_remarks_put(struct call *call, Weir__Control__Reply *reply);

// Accepts NULL.
void call_remarks_free(struct remarks *remarks);

// ---- dispatch.c

// Runs the handler of the call's request, unless it changes what could not be kept now.
void dispatch(struct call *call);

// What the request whose field has that number does.
enum effect dispatch_effect(uint32_t number);

// ---- on_event.c

// A request that would have done something was refused: tells subscribers who asked for what, at
// most REFUSALS_PER_SECOND times a second. what: the request's name.
enum { REFUSALS_PER_SECOND = 10 };
void event_refused(struct client *client, const char *what, const struct weir_error *error);

// Tells how many refusals were not told, once that may be told.
void event_flush_refusals(struct control_server *server);

#endif
