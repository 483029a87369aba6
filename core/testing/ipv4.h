// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Headers of test frames: of the bench (weir/testing.h), and of the laboratory of the core's own
// tests, which is compiled with ipv4.c.
#ifndef TESTING_IPV4_H
#define TESTING_IPV4_H

#include <stdint.h>

enum {
	TESTING_EVERYBODY = 255, // a station: broadcast
	TESTING_L4_AT = 34,      // bytes of the headers
};

// Network order.
void testing_put16(uint8_t *at, uint16_t value);
// Ethernet and IPv4 headers (RFC 791, 3.1) from one station to another, up to 65,535, each being
// 02:00:00:00:HI:LO and 10.0.HI.LO. bytes: zeros, TESTING_L4_AT and l4_size. Returns how many.
uint32_t testing_ipv4(uint8_t *bytes, unsigned from, unsigned to, uint8_t proto, uint16_t l4_size);

#endif
