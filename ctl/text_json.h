// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Reading long documents.
#ifndef CTL_TEXT_JSON_H
#define CTL_TEXT_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

// Reads the file to its end, and puts a zero behind it. 0, or -1 with errno: EFBIG when it has more
// than `most` bytes, as one without an end. The caller frees *text in either case, which was NULL
// before.
int read_text(FILE *file, size_t most, char **text, size_t *size);

// What the size bytes at text say, behind which there is a zero: what json_loadb makes of them with
// JSON_REJECT_DUPLICATES, in less than half of its time. NULL: *fault says where the text is wrong,
// or that memory is out.
json_t *text_json(const char *text, size_t size, json_error_t *fault);

#endif
