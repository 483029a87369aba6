// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the fake daemon answers; see fake_daemon.h.
#ifndef TESTS_CTL_FAKE_ANSWER_H
#define TESTS_CTL_FAKE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/control.pb-c.h"

struct fake_connection {
	int fd;
	int files[8]; // that came with the request being answered
	unsigned n_files;
	size_t n_items; // of the connection's document
	uint64_t id;    // of the request being answered
	size_t late;    // the number of the item that the commit refuses, and one; 0: none
	const void *schema;
	unsigned schema_size;
};

void fake_answer(struct fake_connection *c, const Weir__Control__Request *request);

// Of fake_call.c. The call start writes "started" into the file that it is to write, behind what it
// can read from the other; on port "refuse" it refuses. list answers two replies of one row each,
// watch two pieces of bytes.
void fake_call(struct fake_connection *c, const Weir__Control__ExtensionCall *call);

// Of fake_site.c. A document may not have a switch called "taken", nor a port called "alien", which
// is refused as if the check of the message had found it; a port called "late" is refused by the
// commit. Otherwise a commit answers what would be added.
void fake_export(struct fake_connection *c, const Weir__Control__Export *request);
void fake_apply_add(struct fake_connection *c, const Weir__Control__ApplyAdd *request);
void fake_apply_commit(struct fake_connection *c, const Weir__Control__ApplyCommit *request);

// Of fake_look.c: traces, flows, stations and dropped frames. False: the request is another.
bool fake_look(const struct fake_connection *c, const Weir__Control__Request *request);

// What all of them answer with.
void fake_reply(const struct fake_connection *c, Weir__Control__Reply *reply, bool more);
void fake_done(const struct fake_connection *c, bool more);
void fake_refuse(const struct fake_connection *c, Weir__Control__Status__Code code,
	const char *field, const char *sentence);

#define ROWS(array)       .n_rows = sizeof(array) / sizeof(*(array)), .rows = (array)
#define BASE(name)        .base = PROTOBUF_C_MESSAGE_INIT(&weir__control__##name##__descriptor)
#define HAS(field, value) .has_##field = 1, .field = (value)

#define REPLY(c, kind, member_, payload_, more)                                                    \
	do {                                                                                       \
		Weir__Control__Reply message_ = WEIR__CONTROL__REPLY__INIT;                        \
		message_.payload_case = WEIR__CONTROL__REPLY__PAYLOAD_##kind;                      \
		message_.member_ = (payload_);                                                     \
		fake_reply(c, &message_, more);                                                    \
	} while (0)

#endif
