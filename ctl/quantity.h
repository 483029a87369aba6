// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Numbers as people write them: 10mbit, 2.5G, 300s, 64K, 0x1f, tcp.
//
// Rates take the units bit, kbit, mbit, gbit, tbit, with "i" after the prefix for powers of 1024; a
// prefix alone (10M) is decimal. bps is none: tc(8) means bytes by it, others bits. Durations
// take ns, us, ms, s, m or min, h and d. Sizes take K, M, G and T, powers of 1024. Case does not
// matter, and a number alone is in the field's own unit.
#ifndef CTL_QUANTITY_H
#define CTL_QUANTITY_H

#include <stdbool.h>
#include <stdio.h>

#include "catalog.h"

__extension__ typedef __int128 wide; // holds a 64-bit number of the one times any unit in the other

struct quantity {
	wide numerator; // in the field's unit
	wide denominator;
};

// Reads the whole of text as a number of the field's format. Returns false when it is none, or has
// more than 20 digits.
bool quantity_parse(const struct catalog_field *field, const char *text, struct quantity *quantity);

// Whether text is a rate in bps, by which some mean bits and some bytes: quantity_parse takes none.
bool quantity_is_ambiguous(const struct catalog_field *field, const char *text);

// Number i of the names that quantity_parse takes for this field, NULL behind the last. Those of
// services are the system's, and not among them.
const char *quantity_name(const struct catalog_field *field, size_t i);

// What quantity_parse takes for this field, as the rest of "must be ...".
const char *quantity_expected(const struct catalog_field *field);

// Writes number as quantity_parse reads it, in the largest unit that needs no fraction.
void quantity_put(const struct catalog_field *field, wide number, FILE *out);

#endif
