// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Frames of sessions: those that begin and end TCP connections, and ICMP errors. Inline what is
// done with each frame of a TCP session.
#ifndef SESSION_FRAME_H
#define SESSION_FRAME_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "datapath/datapath.h"

enum { SESSION_TCP_FLAGS = 0x07, SESSION_TCP_FLAGS_AT = 13 }; // FIN, SYN, RST; RFC 9293 3.1

// Of any frame.
uint8_t session_tcp_flags_any(const struct weir_frame *frame);

// The flags of a frame whose flow is TCP: the parser has seen its header, whole.
static inline uint8_t session_tcp_flags(const struct weir_frame *frame)
{
	const uint8_t *ip = frame->data + 14;
	uint16_t type;

	memcpy(&type, ip - 2, sizeof(type));
	if (__builtin_expect(type == htons(0x8100), 0)) {
		memcpy(&type, ip + 2, sizeof(type));
		ip += 4;
	}
	if (__builtin_expect(type == htons(0x0800), 1))
		return ip[(ip[0] & 15) * 4 + SESSION_TCP_FLAGS_AT];
	if (type == htons(0x86dd) && ip[6] == IPPROTO_TCP)
		return ip[40 + SESSION_TCP_FLAGS_AT];
	return session_tcp_flags_any(frame);
}

// Tells the session of an OP_TRACK what the frame does to the connection.
void session_track(struct datapath *dp, const struct weir_frame *frame, const struct op *op);

// The same for all OP_TRACK of a program.
void session_track_all(
	struct datapath *dp, const struct weir_frame *frame, const struct program *program);

// For frames of a program that has a tracked_output.
static inline void session_track_run(struct datapath *dp, struct weir_frame *const frames[],
	unsigned n, const struct program *program)
{
	for (unsigned i = 0; i < n; i++)
		if (__builtin_expect(session_tcp_flags(frames[i]) & SESSION_TCP_FLAGS, 0))
			session_track_all(dp, frames[i], program);
}

// Whether the frame is an ICMP error about a packet of a session of an OP_RELATED.
bool session_related(struct datapath *dp, const struct weir_frame *frame, const struct op *op);

#endif
