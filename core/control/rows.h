// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Sending a list: rows are packed as they come, into replies of bounded size.
//
// A handler begins a list, adds rows (from the row function of an embed.h list, whose context is
// the call), and ends it. A row and its strings are only borrowed by rows_add. When the client
// already has more unread than a client may have, further rows are left out and the list ends in a
// refusal; that of an apply_commit, which is made by then, tells how many are missing. Control
// thread only.
#ifndef CONTROL_ROWS_H
#define CONTROL_ROWS_H

#include <weir/error.h>

#include "weir/control.pb-c.h"

struct call;
struct rows;

enum { ROWS_REPLY_BYTES = 64 << 10 }; // a reply is sent once it is larger

// Begins the list that the call answers with. payload: the case of Reply whose message has the
// repeated field `rows` as number 1. Returns 0, or -ENOMEM with a sentence.
int rows_begin(
	struct call *call, Weir__Control__Reply__PayloadCase payload, struct weir_error *error);

// Adds one row, of the type that the payload's rows have.
void rows_add(struct call *call, const ProtobufCMessage *row);

// One more row would have been there. Only of lists whose message has the field left_out as number
// 2: its last reply tells how many.
void rows_leave_out(struct call *call);

// How many rows were added.
size_t rows_count(const struct call *call);

// Ends the list and the call: result is what the embed.h list returned.
void rows_end(struct call *call, int result, const struct weir_error *error);

void rows_free(struct rows *rows);

#endif
