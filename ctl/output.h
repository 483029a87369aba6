// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The one writer of what commands show: rows are JSON objects, and a table is a view of them.
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "error.h"

enum column_kind {
	COLUMN_PLAIN, // as it is
	COLUMN_TIME,  // Unix seconds, as local date and time
	COLUMN_SHARE, // 0 to 1, as per cent
	COLUMN_RARE,  // plain, and left out when no row has a value other than no and 0
	// Likewise left out. As people write them, in the units that values are taken in:
	COLUMN_BITS_PER_SECOND,   // 50mbit
	COLUMN_FRAMES_PER_SECOND, // 10kpps
	COLUMN_BYTES,             // 64K
};

// A column of a table; its heading is the key in capitals. Arrays of columns end with a NULL key.
struct column {
	const char *key;
	enum column_kind kind;
};

// Writes an array of objects: as JSON, or the columns as an aligned table with a heading, numbers
// to the right, "-" for what is absent. rows is borrowed.
int output_rows(FILE *out, const json_t *rows, const struct column *columns, bool as_json,
	struct ctl_error *error);

// Writes one object: as JSON, or a line per key. kinds (may be NULL) says which keys are not plain.
int output_object(FILE *out, const json_t *object, const struct column *kinds, bool as_json,
	struct ctl_error *error);

// Writes one object on one line, the values of the columns that it has; for streams.
int output_line(FILE *out, const json_t *object, const struct column *columns, bool as_json,
	struct ctl_error *error);

#endif
