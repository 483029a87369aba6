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

// Those of TCP's flags that a session is told of; all of them where only session_tcp_flags() can
// tell. The frame's flow is TCP: the parser has seen its header, whole. Calls nothing: what is done
// with each frame should leave the registers of the batch alone.
static inline uint8_t session_tcp_glance(const struct weir_frame *frame)
{
	const uint8_t *ip = frame->data + 14;
	uint16_t type;

	memcpy(&type, ip - 2, sizeof(type));
	if (__builtin_expect(type == htons(0x8100), 0)) {
		memcpy(&type, ip + 2, sizeof(type));
		ip += 4;
	}
	if (__builtin_expect(type == htons(0x0800), 1))
		return ip[(ip[0] & 15) * 4 + SESSION_TCP_FLAGS_AT] & SESSION_TCP_FLAGS;
	if (type == htons(0x86dd) && ip[6] == IPPROTO_TCP)
		return ip[40 + SESSION_TCP_FLAGS_AT] & SESSION_TCP_FLAGS;
	return SESSION_TCP_FLAGS;
}

// All flags of any frame; 0 where there are none.
uint8_t session_tcp_flags(const struct weir_frame *frame);

// Tells the session of an OP_TRACK what the frame does to the connection.
void session_track(struct datapath *dp, const struct weir_frame *frame, const struct op *op);
// The same for frames of a program that has a kept_output, and all of its OP_TRACK.
void session_track_all(struct datapath *dp, struct weir_frame *const frames[/* n */], unsigned n,
	const struct program *program);

static inline void session_track_run(struct datapath *dp, struct weir_frame *const frames[],
	unsigned n, const struct program *program)
{
	uint8_t seen = 0;

	for (unsigned i = 0; i < n; i++)
		seen |= session_tcp_glance(frames[i]);
	if (__builtin_expect(seen, 0))
		session_track_all(dp, frames, n, program);
}

// Whether the frame is an ICMP error about a packet of a session of an OP_RELATED.
bool session_related(struct datapath *dp, const struct weir_frame *frame, const struct op *op);

#endif
