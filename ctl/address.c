// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

size_t address_parse_ipv4(const char *text, uint8_t bytes[4])
{
	return inet_pton(AF_INET, text, bytes) == 1 ? 4 : 0;
}

size_t address_parse_ipv6(const char *text, uint8_t bytes[16])
{
	return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}

static int nibble(char c)
{
	int lower = tolower((unsigned char)c);

	if (!isxdigit(lower))
		return -1;
	return isdigit(lower) ? lower - '0' : lower - 'a' + 10;
}

size_t address_parse_mac(const char *text, uint8_t bytes[6])
{
	for (size_t i = 0; i < 6; i++) {
		const char *octet = text + 3 * i;
		int high = nibble(octet[0]);
		int low = high < 0 ? -1 : nibble(octet[1]);

		if (low < 0 || octet[2] != (i < 5 ? ':' : '\0'))
			return 0;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return 6;
}

// Without leading zeros, as the switch wants it.
static bool parse_length(const char *text, unsigned most)
{
	unsigned length = 0;
	const char *digit = text;

	for (; isdigit((unsigned char)*digit) && digit - text < 3; digit++)
		length = length * 10 + (unsigned)(*digit - '0');
	return digit > text && *digit == '\0' && (*text != '0' || digit == text + 1) &&
	       length <= most;
}

const char *address_check_prefix(const char *text)
{
	char address[INET6_ADDRSTRLEN];
	uint8_t bytes[ADDRESS_MAX];
	size_t size = strcspn(text, "/");
	bool has_length = text[size] == '/';

	if (size < sizeof(address)) {
		memcpy(address, text, size);
		address[size] = '\0';
		if (address_parse_ipv4(address, bytes))
			return !has_length || parse_length(text + size + 1, 32)
				       ? NULL
				       : "an IPv4 prefix with a length of 0 to 32";
		if (address_parse_ipv6(address, bytes))
			return !has_length || parse_length(text + size + 1, 128)
				       ? NULL
				       : "an IPv6 prefix with a length of 0 to 128";
	}
	return "an address or prefix such as 192.0.2.0/24 or 2001:db8::/32";
}

bool address_put(const uint8_t *bytes, size_t size, FILE *out)
{
	char text[INET6_ADDRSTRLEN];

	if (size == 6) {
		fprintf(out, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2],
			bytes[3], bytes[4], bytes[5]);
		return true;
	}
	if ((size != 4 && size != 16) ||
		!inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, text, sizeof(text)))
		return false;
	fputs(text, out);
	return true;
}
