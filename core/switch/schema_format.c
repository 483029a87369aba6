// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the types and formats of fields allow by themselves.
#include "switch/schema_internal.h"

#include <arpa/inet.h>
#include <string.h>

#include "weir/options.pb-c.h"

#define SIGNED(wire_type, least, greatest, text)                                                   \
	{                                                                                          \
		KIND_SIGNED, wire_type, least, (uint64_t)(greatest), text                          \
	}
#define UNSIGNED(wire_type, greatest, text)                                                        \
	{                                                                                          \
		KIND_UNSIGNED, wire_type, 0, greatest, text                                        \
	}
#define OTHER(kind, wire_type, text)                                                               \
	{                                                                                          \
		kind, wire_type, 0, 0, text                                                        \
	}

const struct field_traits schema_traits[N_FIELD_TYPES] = {
	[FIELD_DOUBLE] = OTHER(KIND_REAL, WIRE_FIXED64, "double"),
	[FIELD_FLOAT] = OTHER(KIND_REAL, WIRE_FIXED32, "float"),
	[FIELD_INT64] = SIGNED(WIRE_VARINT, INT64_MIN, INT64_MAX, "int64"),
	[FIELD_UINT64] = UNSIGNED(WIRE_VARINT, UINT64_MAX, "uint64"),
	[FIELD_INT32] = SIGNED(WIRE_VARINT, INT32_MIN, INT32_MAX, "int32"),
	[FIELD_FIXED64] = UNSIGNED(WIRE_FIXED64, UINT64_MAX, "fixed64"),
	[FIELD_FIXED32] = UNSIGNED(WIRE_FIXED32, UINT32_MAX, "fixed32"),
	[FIELD_BOOL] = OTHER(KIND_BOOL, WIRE_VARINT, "bool"),
	[FIELD_STRING] = OTHER(KIND_STRING, WIRE_BYTES, "string"),
	[FIELD_MESSAGE] = OTHER(KIND_MESSAGE, WIRE_BYTES, "message"),
	[FIELD_BYTES] = OTHER(KIND_BYTES, WIRE_BYTES, "bytes"),
	[FIELD_UINT32] = UNSIGNED(WIRE_VARINT, UINT32_MAX, "uint32"),
	[FIELD_ENUM] = OTHER(KIND_ENUM, WIRE_VARINT, "enum"),
	[FIELD_SFIXED32] = SIGNED(WIRE_FIXED32, INT32_MIN, INT32_MAX, "sfixed32"),
	[FIELD_SFIXED64] = SIGNED(WIRE_FIXED64, INT64_MIN, INT64_MAX, "sfixed64"),
	[FIELD_SINT32] = SIGNED(WIRE_VARINT, INT32_MIN, INT32_MAX, "sint32"),
	[FIELD_SINT64] = SIGNED(WIRE_VARINT, INT64_MIN, INT64_MAX, "sint64"),
};

#define KIND(kind)    (1u << KIND_##kind)
#define KIND_INTEGERS (KIND(SIGNED) | KIND(UNSIGNED))

static const struct schema_format formats[] = {
	[WEIR__SCHEMA__FORMAT__PLAIN] = { .kinds = ~0u },
	[WEIR__SCHEMA__FORMAT__IPV4] = { .kinds = KIND(UNSIGNED) | KIND(BYTES),
		.greatest = UINT32_MAX,
		.lengths = { 4 },
		.n_lengths = 1 },
	[WEIR__SCHEMA__FORMAT__IPV6] = { .kinds = KIND(BYTES), .lengths = { 16 }, .n_lengths = 1 },
	[WEIR__SCHEMA__FORMAT__ADDRESS] = { .kinds = KIND(BYTES),
		.lengths = { 4, 16 },
		.n_lengths = 2 },
	[WEIR__SCHEMA__FORMAT__PREFIX] = { .kinds = KIND(STRING) },
	[WEIR__SCHEMA__FORMAT__MAC] = { .kinds = KIND(BYTES), .lengths = { 6 }, .n_lengths = 1 },
	[WEIR__SCHEMA__FORMAT__RATE] = { .kinds = KIND_INTEGERS },
	[WEIR__SCHEMA__FORMAT__DURATION] = { .kinds = KIND_INTEGERS | KIND(REAL) },
	[WEIR__SCHEMA__FORMAT__SIZE] = { .kinds = KIND_INTEGERS },
	[WEIR__SCHEMA__FORMAT__HEX] = { .kinds = KIND_INTEGERS },
	[WEIR__SCHEMA__FORMAT__PORT_NAME] = { .kinds = KIND(STRING) },
	[WEIR__SCHEMA__FORMAT__ETHERTYPE] = { .kinds = KIND(UNSIGNED), .greatest = UINT16_MAX },
	[WEIR__SCHEMA__FORMAT__IP_PROTOCOL] = { .kinds = KIND(UNSIGNED), .greatest = UINT8_MAX },
	[WEIR__SCHEMA__FORMAT__L4_PORT] = { .kinds = KIND(UNSIGNED), .greatest = UINT16_MAX },
	[WEIR__SCHEMA__FORMAT__FILE_WRITE] = { .kinds = KIND(STRING) },
	[WEIR__SCHEMA__FORMAT__FILE_READ] = { .kinds = KIND(STRING) },
};

const struct schema_format *schema_format_of(uint64_t format)
{
	return format < sizeof(formats) / sizeof(formats[0]) ? &formats[format] : NULL;
}

const char *schema_unit_name(uint64_t unit)
{
	const ProtobufCEnumValue *value;

	if (unit > INT32_MAX)
		return NULL;
	value = protobuf_c_enum_descriptor_get_value(&weir__schema__unit__descriptor, (int)unit);
	return value ? value->name : NULL;
}

// Decimal digits without leading zeros, at most max.
static bool is_length(const char *text, unsigned int max)
{
	unsigned int value = 0;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 4; i++)
		value = value * 10 + (unsigned int)(text[i] - '0');
	return i && !text[i] && (text[0] != '0' || i == 1) && value <= max;
}

const char *schema_prefix_problem(const uint8_t *bytes, size_t size)
{
	char text[INET6_ADDRSTRLEN + sizeof("/128")];
	struct in6_addr address;
	bool is_ipv6 = memchr(bytes, ':', size);
	char *length;

	if (size >= sizeof(text))
		return "must be an IPv4 or IPv6 address, or one with /LENGTH";
	memcpy(text, bytes, size);
	text[size] = '\0';
	length = strchr(text, '/');
	if (length)
		*length++ = '\0';
	if (inet_pton(is_ipv6 ? AF_INET6 : AF_INET, text, &address) != 1)
		return "must be an IPv4 or IPv6 address, or one with /LENGTH";
	if (length && !is_length(length, is_ipv6 ? 128 : 32))
		return is_ipv6 ? "prefix length must be 0 to 128" : "prefix length must be 0 to 32";
	return NULL;
}
