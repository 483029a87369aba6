// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A switch that only remembers what it was asked: embed.h for the tests of the control server,
// which need changes that end when the test says so, lists of any length, and refusals on demand.
// All on the thread of the server's loop, unless a field says otherwise.
#ifndef FAKE_WEIR_H
#define FAKE_WEIR_H

#include <stdatomic.h>

#include <weir/embed.h>

enum { FAKE_MAX_PENDING = 1024, FAKE_MAX_CALLS = 8, FAKE_MAX_SWITCHES = 64 };

// A call of an extension that has not ended.
struct weir_running_call {
	struct weir *weir;
	struct weir_call_request request;
	bool live;
};

struct weir_drop_watch {
	weir_drop_sample_handler *handler;
	void *context;
};

struct weir {
	char last[512];                   // the last call as text, its arguments in order
	const struct weir_error *refusal; // of every change and list, when set
	unsigned n_rows;                  // of port and flow lists
	const char *text;                 // a long text in each port row
	weir_done *done[FAKE_MAX_PENDING];
	void *contexts[FAKE_MAX_PENDING];
	unsigned n_pending;      // changes that are not in force yet
	bool hold;               // they wait for fake_complete; otherwise they end at once
	weir_flow_row *flow_row; // a flow list that workers still owe
	weir_done *flow_done;
	void *flow_context;
	struct weir_drop_watch watch; // the last one
	unsigned n_watches;
	const void *schema;
	size_t schema_size;
	weir_notice_handler *notice;
	void *notice_context;
	weir_remark_handler *remark;
	void *remark_context;
	unsigned n_remarks; // on each policy that is added, and each document
	weir_change_handler *change;
	void *change_context;
	char switches[FAKE_MAX_SWITCHES][32]; // that were added, "" for none: the desired state
	bool apply_fails;
	unsigned n_differences;     // rows of an apply
	unsigned n_applied;         // applies so far
	uint64_t meter, meter_told; // frames of the only meter, and when they were told last
	struct weir_running_call calls[FAKE_MAX_CALLS];
	unsigned n_cancelled;
	size_t n_streamed; // bytes that a client had room for
};

// Whether the switch was added.
bool fake_has(const struct weir *weir, const char *name);

// What an item of kind SWITCH does to the desired state, without telling.
void fake_set(struct weir *weir, const char *name, bool present);

// Tells the change handler that the switch came or went.
void fake_tell(struct weir *weir, const char *name, bool removed);

// Writes the call into `last`, and refuses it when told to.
__attribute__((format(printf, 3, 4))) int fake_record(
	struct weir *weir, struct weir_error *error, const char *format, ...);
const char *fake_text(const char *text);

// Makes the remarks on a change.
void fake_remark(const struct weir *weir);

// Replies "part" to each call under way.
void fake_reply(struct weir *weir);

// Streams to each call under way as long as there is room.
void fake_stream(struct weir *weir);

// Ends them.
void fake_end(struct weir *weir);

// Ends the changes that are pending now.
void fake_complete(struct weir *weir);

// Answers the pending flow list.
void fake_flows(struct weir *weir);

// Hands n samples of dropped frames to who watches, each behind `lost` others.
void fake_drops(struct weir *weir, unsigned n, unsigned lost);

// Sends n notices.
void fake_notices(struct weir *weir, unsigned n);

#endif
