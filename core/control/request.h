// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// From foreign bytes to a request: one check against the protocol's own schema (proto/weir), then
// unpacking. Whatever comes out keeps every limit that the protocol states, and required fields are
// there. Nothing here knows the switch or the socket.
#ifndef CONTROL_REQUEST_H
#define CONTROL_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "weir/control.pb-c.h"

struct weir_schema;

// The schema of the protocol; free with schema_free. Returns 0 or a negative errno with a sentence.
int request_schema_create(struct weir_schema **schema, struct weir_error *error);

// Checks and unpacks size bytes. *request: free with request_free. Returns 0; -EINVAL with a
// sentence and the path of the field to blame; -ENOMEM.
int request_unpack(const struct weir_schema *schema, const uint8_t *bytes, size_t size,
	Weir__Control__Request **request, struct weir_error *error);

void request_free(Weir__Control__Request *request);

// The id in a message that request_unpack refused, so that the refusal finds its way; 0 when there
// is none before the first malformed byte.
uint64_t request_peek_id(const uint8_t *bytes, size_t size);

// The number of the request's field in such a message: that of apply_add when it has one, which
// nobody may overlook, else the first; 0 when there is none before the first malformed byte.
uint32_t request_peek_number(const uint8_t *bytes, size_t size);

// The name of the field with that number, "" when there is none. Static.
const char *request_number_name(uint32_t number);

// The name of the request's field, as in "port_add". Static.
const char *request_name(const Weir__Control__Request *request);

#endif
