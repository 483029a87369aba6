// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Addresses as people write them: 192.0.2.1, 2001:db8::1, 02:00:5e:10:00:01, 192.0.2.0/24.
#ifndef CTL_ADDRESS_H
#define CTL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { ADDRESS_MAX = 16 }; // bytes of the longest

// Each reads the whole of text into the bytes of the address in network order, and returns their
// number, or 0 when text is none.
size_t address_parse_ipv4(const char *text, uint8_t bytes[4]);
size_t address_parse_ipv6(const char *text, uint8_t bytes[16]);
size_t address_parse_mac(const char *text, uint8_t bytes[6]);

// Checks ADDRESS or ADDRESS/LENGTH. Returns NULL when it is right, else the rest of "must be ...".
const char *address_check_prefix(const char *text);

// Writes size bytes as an address: 4 and 16 as IP, 6 as MAC. Returns false for other sizes.
bool address_put(const uint8_t *bytes, size_t size, FILE *out);

#endif
