// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Messages of extensions, between their wire bytes and what people and programs read.
//
// People write a message as assignments, one word each:
//
//     remote=10.0.0.0/8 direction=out          singular fields
//     ports=80,443 names=a\,b,c                repeated ones; a backslash takes a comma literally
//     match.protocol=tcp match.fragment=       fields of a message; one without fields is only
//     there rule[0].order=1 rule[1].order=2          repeated messages, numbered from 0
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

// Unpacks size bytes into *json, a new reference. Fields that the catalog does not know are left
// out.
int message_to_json(const struct catalog_message *message, const uint8_t *bytes, size_t size,
	json_t **json, struct ctl_error *error);

// Writes size bytes as assignments with spaces between, quoted for a shell where needed.
int message_put(const struct catalog_message *message, const uint8_t *bytes, size_t size, FILE *out,
	struct ctl_error *error);

#endif
