// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// Digits alone: no sign, no spaces. False: they are none, or mean more than max.
static bool read_number(const char *text, size_t size, unsigned max, unsigned *number)
{
	unsigned value = 0;

	if (size == 0 || size > 6)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	*number = value;
	return value <= max;
}

// Clears what is behind the length, and says whether there was something.
static bool normalise(uint8_t *bytes, unsigned length, unsigned max)
{
	bool any = false;

	for (unsigned i = length; i < max; i++) {
		uint8_t bit = (uint8_t)(0x80 >> i % 8);

		any |= bytes[i / 8] & bit;
		bytes[i / 8] &= (uint8_t)~bit;
	}
	return any;
}

int text_read_prefix(
	const char *field, const char *text, struct prefix *prefix, struct weir_error *error)
{
	const char *slash = strchr(text, '/');
	size_t size = slash ? (size_t)(slash - text) : strlen(text);
	unsigned max, length;
	char address[PREFIX_TEXT];

	*prefix = (struct prefix){ 0 };
	if (strcasecmp(text, "any") == 0)
		return 0;
	snprintf(address, sizeof(address), "%.*s", (int)size, text);
	if (inet_pton(AF_INET, address, prefix->bytes) == 1)
		prefix->family = 4;
	else if (inet_pton(AF_INET6, address, prefix->bytes) == 1)
		prefix->family = 6;
	else
		return weir_refuse(error, -EINVAL, field,
			"%s \"%.64s\": must be an IPv4 or IPv6 address or prefix, or any", field,
			text);
	max = length = prefix->family == 4 ? 32 : 128;
	if (slash && !read_number(slash + 1, strlen(slash + 1), max, &length))
		return weir_refuse(error, -EINVAL, field,
			"%s \"%.64s\": the prefix length must be 0 to %u", field, text, max);
	prefix->length = (uint8_t)length;
	prefix->normalised = normalise(prefix->bytes, length, max);
	return 0;
}

int text_read_mac(
	const char *field, const char *text, struct prefix *prefix, struct weir_error *error)
{
	static const char hex[] = "0123456789abcdef";

	*prefix = (struct prefix){ 0 };
	if (strcasecmp(text, "any") == 0)
		return 0;
	for (unsigned i = 0; strlen(text) == 17 && i < 17; i++) {
		const char *digit = text[i] ? strchr(hex, text[i] | 0x20) : NULL;

		if (i % 3 == 2 ? text[i] != ':' : !digit)
			break;
		if (i % 3 == 2)
			continue;
		prefix->bytes[i / 3] = (uint8_t)(prefix->bytes[i / 3] << 4 | (digit - hex));
		prefix->length = i == 16 ? 48 : 0;
	}
	if (prefix->length)
		return 0;
	return weir_refuse(error, -EINVAL, field,
		"%s \"%.64s\": must be a MAC address such as 02:00:00:00:00:01, or any", field,
		text);
}

int text_read_ports(
	const char *field, const char *text, uint16_t *min, uint16_t *max, struct weir_error *error)
{
	const char *dash = strchr(text, '-');
	const char *second = dash ? dash + 1 : text;
	unsigned from, to;

	if (!read_number(text, dash ? (size_t)(dash - text) : strlen(text), 65535, &from) ||
		!read_number(second, strlen(second), 65535, &to))
		return weir_refuse(error, -EINVAL, field,
			"%s \"%.32s\": must be a port, 0 to 65535, or a range of them such as "
			"1024-65535",
			field, text);
	if (from > to)
		return weir_refuse(error, -EINVAL, field,
			"%s \"%.32s\": is reversed, a range must be written %u-%u", field, text, to,
			from);
	*min = (uint16_t)from;
	*max = (uint16_t)to;
	return 0;
}

// IANA, Assigned Internet Protocol Numbers.
static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {
	{ "icmp", 1 },
	{ "igmp", 2 },
	{ "tcp", 6 },
	{ "udp", 17 },
	{ "gre", 47 },
	{ "esp", 50 },
	{ "ah", 51 },
	{ "icmpv6", 58 },
	{ "ospf", 89 },
	{ "pim", 103 },
	{ "vrrp", 112 },
	{ "sctp", 132 },
};

enum { N_PROTOCOLS = sizeof(protocols) / sizeof(protocols[0]) };

int text_read_protocol(const char *text, uint16_t *protocol, struct weir_error *error)
{
	unsigned number;

	for (unsigned i = 0; i < N_PROTOCOLS; i++) {
		if (strcasecmp(protocols[i].name, text) == 0) {
			*protocol = protocols[i].number;
			return 0;
		}
	}
	if (!read_number(text, strlen(text), 255, &number))
		return weir_refuse(error, -EINVAL, "protocol",
			"protocol \"%.32s\": must be 0 to 255 or one of icmp, igmp, tcp, udp, gre, "
			"esp, ah, icmpv6, ospf, pim, vrrp, sctp",
			text);
	*protocol = (uint16_t)number;
	return 0;
}

// ---- Writing

void text_put(struct text *text, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(text->at, text->left, format, arguments);
	va_end(arguments);
	if (n < 0)
		return;
	if ((size_t)n >= text->left)
		n = text->left ? (int)text->left - 1 : 0;
	text->at += n;
	text->left -= (size_t)n;
}

void text_put_prefix(struct text *text, const char *field, unsigned family, const uint8_t *bytes,
	unsigned length)
{
	char address[INET6_ADDRSTRLEN];

	if (family == 0) {
		text_put(text, " %s=any", field);
		return;
	}
	inet_ntop(family == 4 ? AF_INET : AF_INET6, bytes, address, sizeof(address));
	text_put(text, " %s=%s/%u", field, address, length);
}

void text_put_mac(struct text *text, const char *field, const uint8_t *m, unsigned length)
{
	if (length)
		text_put(text, " %s=%02x:%02x:%02x:%02x:%02x:%02x", field, m[0], m[1], m[2], m[3],
			m[4], m[5]);
	else
		text_put(text, " %s=any", field);
}

void text_put_ports(struct text *text, const char *field, uint16_t min, uint16_t max)
{
	if (min == max)
		text_put(text, " %s=%u", field, min);
	else if (min != 0 || max != 65535)
		text_put(text, " %s=%u-%u", field, min, max);
}

void text_put_protocol(struct text *text, uint16_t protocol)
{
	for (unsigned i = 0; i < N_PROTOCOLS; i++) {
		if (protocols[i].number == protocol) {
			text_put(text, " protocol=%s", protocols[i].name);
			return;
		}
	}
	text_put(text, " protocol=%u", protocol);
}
