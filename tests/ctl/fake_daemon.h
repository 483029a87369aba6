// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A fake daemon for the tests of weirctl: a thread that listens on a socket, answers with canned
// replies, packed by the code that protobuf-c generates from proto/, and keeps what it was asked as
// JSON. It holds no switch: it only proves that weirctl speaks the protocol, and keeps its head
// when the other side does not.
//
// It behaves badly when the name in `switch add` says so: close, silent, garbage, huge, wrong-id,
// half, refuse, refuse-late, connection-error.
#ifndef TESTS_CTL_FAKE_DAEMON_H
#define TESTS_CTL_FAKE_DAEMON_H

struct fake_daemon;

// schema, size: served for the extension "sample"; borrowed. Fails the test when it cannot start.
struct fake_daemon *fake_daemon_start(const char *path, const void *schema, unsigned size);
void fake_daemon_stop(struct fake_daemon *daemon);

// The requests since the last call, one JSON object per line without absent fields and the id;
// caller frees.
char *fake_daemon_take_requests(struct fake_daemon *daemon);

#endif
