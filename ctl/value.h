// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// One value of a field of an extension's message, between its three shapes: the text that people
// write and read, JSON, and the wire.
#ifndef CTL_VALUE_H
#define CTL_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "catalog.h"
#include "pack.h"
#include "quantity.h"

struct value {
	uint64_t number;      // integers (signed ones extended to 64 bits), bool, enum
	double real;          // double and float
	const uint8_t *bytes; // string and bytes: borrowed from the text or the message, or owned
	size_t size;
	uint8_t *owned; // NULL, or what value_fini frees
};

// Of a field that is an integer: the limits of its type, or its own.
struct value_range {
	wide least, most;
};
struct value_range value_range(const struct catalog_field *field);

// Reads text as a value of the field, within the field's limits. path: how the user called the
// field, for the sentence. text is borrowed as long as the value. Finish with value_fini, also on
// failure.
int value_parse(const struct catalog_field *field, const char *path, const char *text,
	struct value *value, struct ctl_error *error);
void value_fini(struct value *value);

// The wire type that a single, unpacked value of the field has.
enum pack_type value_wire_type(const struct catalog_field *field);

// Writes the value without a tag.
void value_pack(const struct catalog_field *field, const struct value *value, struct packer *out);

// Takes a value from the wire; wire->type is value_wire_type. The value needs no value_fini.
void value_unpack(
	const struct catalog_field *field, const struct unpacked *wire, struct value *value);

// Writes the text that value_parse reads.
void value_put(const struct catalog_field *field, const struct value *value, FILE *out);

// Numbers become numbers (in the field's unit), names of enumerations and addresses strings, bytes
// hexadecimal strings. NULL: out of memory.
json_t *value_json(const struct catalog_field *field, const struct value *value);

// As value_json, but an integer that value_json would round is a string.
json_t *value_json_exact(const struct catalog_field *field, const struct value *value);

// As value_put writes it; flags and numbers without a unit or format stay what they are.
json_t *value_json_text(const struct catalog_field *field, const struct value *value);

// A JSON integer, or a real for what is beyond INT64_MAX: JSON has one kind of number, jansson's
// integers are signed, and a wrapped or saturated one would be a wrong number, a real is a rounded
// one.
json_t *value_json_unsigned(uint64_t number);

// A JSON string; bytes that are not UTF-8 become '?', as JSON has no way to write them.
json_t *value_json_string(const void *bytes, size_t size);

#endif
