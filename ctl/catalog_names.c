// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The words by which people know what a catalog holds.
#include "catalog.h"

#include <string.h>

const struct catalog_field *catalog_field(
	const struct catalog_message *message, const char *name, size_t size)
{
	for (size_t i = 0; i < message->n_fields; i++) {
		const struct catalog_field *field = &message->fields[i];

		if (strncmp(field->name, name, size) == 0 && field->name[size] == '\0')
			return field;
	}
	return NULL;
}

static const char *short_name(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

const char *catalog_type_name(const struct catalog_field *field)
{
	static const char *const names[] = {
		[CATALOG_TYPE(DOUBLE)] = "double",
		[CATALOG_TYPE(FLOAT)] = "float",
		[CATALOG_TYPE(INT64)] = "int64",
		[CATALOG_TYPE(UINT64)] = "uint64",
		[CATALOG_TYPE(INT32)] = "int32",
		[CATALOG_TYPE(FIXED64)] = "fixed64",
		[CATALOG_TYPE(FIXED32)] = "fixed32",
		[CATALOG_TYPE(BOOL)] = "bool",
		[CATALOG_TYPE(STRING)] = "string",
		[CATALOG_TYPE(GROUP)] = "group",
		[CATALOG_TYPE(BYTES)] = "bytes",
		[CATALOG_TYPE(UINT32)] = "uint32",
		[CATALOG_TYPE(SFIXED32)] = "sfixed32",
		[CATALOG_TYPE(SFIXED64)] = "sfixed64",
		[CATALOG_TYPE(SINT32)] = "sint32",
		[CATALOG_TYPE(SINT64)] = "sint64",
	};
	size_t type = (size_t)field->type;

	if (field->message || field->enumeration)
		return short_name(field->type_name);
	return type < sizeof(names) / sizeof(*names) && names[type] ? names[type] : "unknown";
}

const char *catalog_unit_name(const struct catalog_field *field)
{
	switch (field->unit) {
	case WEIR__SCHEMA__UNIT__BITS_PER_SECOND:
		return "bits per second";
	case WEIR__SCHEMA__UNIT__FRAMES_PER_SECOND:
		return "frames per second";
	case WEIR__SCHEMA__UNIT__BITS:
		return "bits";
	case WEIR__SCHEMA__UNIT__BYTES:
		return "bytes";
	case WEIR__SCHEMA__UNIT__FRAMES:
		return "frames";
	case WEIR__SCHEMA__UNIT__NANOSECONDS:
		return "nanoseconds";
	case WEIR__SCHEMA__UNIT__MICROSECONDS:
		return "microseconds";
	case WEIR__SCHEMA__UNIT__MILLISECONDS:
		return "milliseconds";
	case WEIR__SCHEMA__UNIT__SECONDS:
		return "seconds";
	case WEIR__SCHEMA__UNIT__UNIX_SECONDS:
		return "seconds since 1970";
	case WEIR__SCHEMA__UNIT__PERCENT:
		return "percent";
	case WEIR__SCHEMA__UNIT__FLOWS:
		return "flows";
	case WEIR__SCHEMA__UNIT__SESSIONS:
		return "sessions";
	default: // NONE, and units younger than this weirctl
		return "";
	}
}

const char *catalog_format_name(const struct catalog_field *field)
{
	switch (field->format) {
	case WEIR__SCHEMA__FORMAT__IPV4:
		return "ipv4";
	case WEIR__SCHEMA__FORMAT__IPV6:
		return "ipv6";
	case WEIR__SCHEMA__FORMAT__ADDRESS:
		return "address";
	case WEIR__SCHEMA__FORMAT__PREFIX:
		return "prefix";
	case WEIR__SCHEMA__FORMAT__MAC:
		return "mac";
	case WEIR__SCHEMA__FORMAT__RATE:
		return "rate";
	case WEIR__SCHEMA__FORMAT__DURATION:
		return "duration";
	case WEIR__SCHEMA__FORMAT__SIZE:
		return "size";
	case WEIR__SCHEMA__FORMAT__HEX:
		return "hex";
	case WEIR__SCHEMA__FORMAT__PORT_NAME:
		return "port";
	case WEIR__SCHEMA__FORMAT__ETHERTYPE:
		return "ethertype";
	case WEIR__SCHEMA__FORMAT__IP_PROTOCOL:
		return "ip-protocol";
	case WEIR__SCHEMA__FORMAT__L4_PORT:
		return "l4-port";
	case WEIR__SCHEMA__FORMAT__FILE_WRITE:
		return "file-write";
	case WEIR__SCHEMA__FORMAT__FILE_READ:
		return "file-read";
	default: // PLAIN, and formats younger than this weirctl
		return "";
	}
}
