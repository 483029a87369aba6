// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the fake daemon answers; see fake_daemon.h.
#ifndef TESTS_CTL_FAKE_ANSWER_H
#define TESTS_CTL_FAKE_ANSWER_H

#include <stdint.h>

#include "weir/control.pb-c.h"

struct fake_connection {
	int fd;
	uint64_t id; // of the request being answered
	const void *schema;
	unsigned schema_size;
};

void fake_answer(struct fake_connection *c, const Weir__Control__Request *request);

#endif
