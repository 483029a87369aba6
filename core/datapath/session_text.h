// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Sessions as extensions and people are told of them.
#ifndef SESSION_TEXT_H
#define SESSION_TEXT_H

#include <stddef.h>

#include "datapath/session.h"

enum { SESSION_TEXT_SIZE = 160 };

// The session as it is at a time; cause: if it has ended. Any thread; the session is the caller's
// copy.
void session_describe_end(
	const struct session *session, uint64_t now_ns, struct weir_session_end *end);
// "tcp 10.0.0.1:5000 > 10.0.0.2:80 vlan 10".
void session_format(const struct weir_session_end *session, char *text, size_t size);
// A token: "established".
const char *session_state_name(enum session_state state);

#endif
