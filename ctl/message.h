// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Messages of extensions, between their wire bytes and what people and programs read.
//
// People write a message as assignments, one word each:
//
//     remote=10.0.0.0/8 direction=out          singular fields
//     ports=80,443 names=a\,b,c                repeated ones; a backslash takes a comma literally
//     match.protocol=tcp match.fragment=       fields of a message
//     deny=                                    a message without any
//     rule[0].order=1 rule[1].order=2          repeated messages, numbered from 0
//
// A repeated field may also be assigned several times. message_put writes what message_encode
// reads. In JSON a message is an object, its keys are the field names, and repeated fields are
// arrays.
#ifndef CTL_MESSAGE_H
#define CTL_MESSAGE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "catalog.h"

// Packs assignments, which are borrowed during the call, into *bytes (of *size, caller frees with
// free). Refuses, with a sentence, fields that the message does not have, values that their fields
// do not take, and required fields without a value.
int message_encode(const struct catalog_message *message, const char *const *assignments,
	size_t n_assignments, uint8_t **bytes, size_t *size, struct ctl_error *error);

// What message_to_json makes of a value.
enum message_form {
	MESSAGE_PLAIN, // value_json: what programs read
	MESSAGE_EXACT, // the same, but what a JSON number would round is a string: for storing
	MESSAGE_TEXT,  // for tables: text in the field's unit and format, plain numbers and flags
		       // as they are
};

// Unpacks size bytes into *json, a new reference. Fields that the catalog does not know are left
// out.
int message_to_json(const struct catalog_message *message, const uint8_t *bytes, size_t size,
	enum message_form form, json_t **json, struct ctl_error *error);

// Packs a JSON object into *bytes (of *size, caller frees with free). Takes what message_to_json
// makes, and for every value also the text that people write: { "rate": "10mbit" }. Refuses like
// message_encode; the sentence begins with the path of the value, as in
// `body.also[1].protocol "256": must be 0 to 255` when path is "body".
int message_from_json(const struct catalog_message *message, const json_t *json, const char *path,
	uint8_t **bytes, size_t *size, struct ctl_error *error);

// Writes size bytes as assignments with spaces between, quoted for a shell where needed.
int message_put(const struct catalog_message *message, const uint8_t *bytes, size_t size, FILE *out,
	struct ctl_error *error);

#endif
