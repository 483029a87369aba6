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

enum { FAKE_MAX_PENDING = 1024 };

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
	const void *schema;
	size_t schema_size;
	weir_notice_handler *notice;
	void *notice_context;
};

// Ends the changes that are pending now.
void fake_complete(struct weir *weir);

// Answers the pending flow list.
void fake_flows(struct weir *weir);

// Sends n notices.
void fake_notices(struct weir *weir, unsigned n);

#endif
