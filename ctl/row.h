// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Messages of the control protocol as JSON, by the descriptors that protobuf-c generates: the keys
// are the field names of proto/, so that a field added there is shown without a line of code here.
#ifndef CTL_ROW_H
#define CTL_ROW_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

// A new object with a key per field, in the order of their numbers. Absent fields are null, so that
// a program finds every key in every row; bytes are hexadecimal; integers as value_json_unsigned
// writes them. NULL: out of memory.
json_t *row_json(const ProtobufCMessage *message);

#endif
