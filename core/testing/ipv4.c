// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <string.h>

#include "ipv4.h"

void testing_put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

// RFC 1071.
static uint16_t checksum(const uint8_t header[20])
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)(header[i] << 8 | header[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void put_mac(uint8_t *at, unsigned station)
{
	at[0] = 2;
	testing_put16(at + 4, (uint16_t)station);
}

uint32_t testing_ipv4(uint8_t *bytes, unsigned from, unsigned to, uint8_t proto, uint16_t l4_size)
{
	uint8_t *ip = bytes + 14;

	if (to == TESTING_EVERYBODY)
		memset(bytes, 0xff, 6);
	else
		put_mac(bytes, to);
	put_mac(bytes + 6, from);
	testing_put16(bytes + 12, 0x0800);
	ip[0] = 0x45;
	testing_put16(ip + 2, (uint16_t)(20 + l4_size));
	ip[8] = 64;
	ip[9] = proto;
	ip[12] = ip[16] = 10;
	testing_put16(ip + 14, (uint16_t)from);
	testing_put16(ip + 18, (uint16_t)to);
	testing_put16(ip + 10, checksum(ip));
	return TESTING_L4_AT + l4_size;
}
