// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Addresses, ports and protocols as people write them. Refusals name the field, the text and what
// is allowed. Any thread.
#ifndef ACL_TEXT_H
#define ACL_TEXT_H

#include "acl.h"

// "10.0.0.0/8", "2001:db8::1", or "any", of which the family is 0. Bits behind the length are
// cleared.
int text_read_prefix(
	const char *field, const char *text, struct prefix *prefix, struct weir_error *error);
// "02:00:00:00:00:01" or "any": length 48 or 0.
int text_read_mac(
	const char *field, const char *text, struct prefix *prefix, struct weir_error *error);
// "80" or "1024-65535".
int text_read_ports(const char *field, const char *text, uint16_t *min, uint16_t *max,
	struct weir_error *error);
// A name, or 0 to 255.
int text_read_protocol(const char *text, uint16_t *protocol, struct weir_error *error);

struct text {
	char *at;
	size_t left;
};

// Appends, as far as there is room.
__attribute__((format(printf, 2, 3))) void text_put(struct text *text, const char *format, ...);
void text_put_prefix(struct text *text, const char *field, unsigned family, const uint8_t *bytes,
	unsigned length);
void text_put_mac(struct text *text, const char *field, const uint8_t *bytes, unsigned length);
void text_put_ports(struct text *text, const char *field, uint16_t min, uint16_t max);
void text_put_protocol(struct text *text, uint16_t protocol);

#endif
