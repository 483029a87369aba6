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

// Of an IPv6 frame with extension headers.
uint8_t session_tcp_flags_behind(const struct weir_frame *frame);

// The flags of a frame whose flow is TCP: the parser has seen its header, whole.
static inline uint8_t session_tcp_flags(const struct weir_frame *frame)
{
	const uint8_t *ip = frame->data + 14;
	uint16_t type;

	memcpy(&type, ip - 2, sizeof(type));
	for (unsigned i = 0; i < 2 && (type == htons(0x8100) || type == htons(0x88a8)); i++) {
		memcpy(&type, ip + 2, sizeof(type));
		ip += 4;
	}
	if (__builtin_expect(type == htons(0x0800), 1))
		return ip[(ip[0] & 15) * 4 + SESSION_TCP_FLAGS_AT];
	if (ip[6] == IPPROTO_TCP)
		return ip[40 + SESSION_TCP_FLAGS_AT];
	return session_tcp_flags_behind(frame);
}

// Tells the session of an OP_TRACK what the frame does to the connection.
void session_track(struct datapath *dp, const struct weir_frame *frame, const struct op *op);

// For a program that does nothing else but sending the frames.
static inline void session_track_run(struct datapath *dp, struct weir_frame *const frames[],
	unsigned n, const struct program *program)
{
	for (unsigned i = 0; i < n; i++) {
		if (__builtin_expect((session_tcp_flags(frames[i]) & SESSION_TCP_FLAGS) == 0, 1))
			continue;
		for (unsigned k = 0; k + 1 < program->n_ops; k++)
			session_track(dp, frames[i], &program->ops[k]);
	}
}

// Whether the frame is an ICMP error about a packet of a session of an OP_RELATED.
bool session_related(struct datapath *dp, const struct weir_frame *frame, const struct op *op);

#endif
