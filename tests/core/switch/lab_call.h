// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Calls of extensions, from the client's side.
#ifndef LAB_CALL_H
#define LAB_CALL_H

#include "lab_probe.h"

// A call, and what came back. Zero it; then set what differs.
struct lab_call {
	const char *switch_name; // NULL: not said
	const int *files;
	unsigned n_files;
	unsigned flags;
	size_t room;  // bytes of a stream that are taken before it says that there is no room
	bool cancels; // the client goes when it gets a reply
	struct lab *lab;
	struct weir_running_call *running;
	unsigned n_replies;
	uint8_t reply[512]; // the last one
	size_t reply_size;
	size_t streamed, n_full; // bytes; how often there was no room
	unsigned n_ended;
	bool refused;
	struct weir_error refusal; // of ended()
};

// The functions of a client whose context is a struct lab_call.
void lab_call_functions(struct weir_call_request *request);
// Begins it; returns what weir_call_begin() does, with lab->error.
int lab_call(struct lab *lab, struct lab_call *call, const char *extension, const char *type,
	const ProtobufCMessage *message);
// Has the probe carry out an order.
void lab_order(struct lab *lab, const char *extension, const Probe__Order *order);

#endif
