// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "quantity.h"

#include <ctype.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

enum { MAX_DIGITS = 20 }; // of UINT64_MAX; with any unit here the product stays below 2^127

struct name {
	const char *text;
	unsigned number;
};

// IEEE 802 Numbers (IANA), those that people filter by.
static const struct name ethertypes[] = {
	{ "ipv4", 0x0800 },
	{ "ip", 0x0800 },
	{ "arp", 0x0806 },
	{ "ipv6", 0x86dd },
	{ "vlan", 0x8100 },
	{ "qinq", 0x88a8 },
	{ "mpls", 0x8847 },
	{ "lldp", 0x88cc },
	{ "ptp", 0x88f7 },
	{ "eapol", 0x888e },
	{ NULL, 0 },
};

// Assigned Internet Protocol Numbers (IANA), likewise.
static const struct name ip_protocols[] = {
	{ "icmp", IPPROTO_ICMP },
	{ "igmp", IPPROTO_IGMP },
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "gre", IPPROTO_GRE },
	{ "esp", IPPROTO_ESP },
	{ "ah", IPPROTO_AH },
	{ "icmpv6", IPPROTO_ICMPV6 },
	{ "ipv6-icmp", IPPROTO_ICMPV6 },
	{ "ospf", 89 },
	{ "vrrp", 112 },
	{ "sctp", IPPROTO_SCTP },
	{ NULL, 0 },
};

struct suffix {
	const char *text; // "" is what a number alone means
	wide factor;
};

static const struct suffix durations[] = {
	// Nanoseconds, from the largest: quantity_put takes the first that fits.
	{ "h", (wide)3600 * 1000000000 },
	{ "m", (wide)60 * 1000000000 },
	{ "s", 1000000000 },
	{ "ms", 1000000 },
	{ "us", 1000 },
	{ "ns", 1 },
	{ "min", (wide)60 * 1000000000 },
	{ "d", (wide)86400 * 1000000000 },
	{ NULL, 0 },
};

static const struct suffix sizes[] = {
	{ "T", (wide)1 << 40 },
	{ "G", 1 << 30 },
	{ "M", 1 << 20 },
	{ "K", 1 << 10 },
	{ "", 1 },
	{ "B", 1 },
	{ "KiB", 1 << 10 },
	{ "MiB", 1 << 20 },
	{ "GiB", 1 << 30 },
	{ "TiB", (wide)1 << 40 },
	{ NULL, 0 },
};

static const struct name *names_of(const struct catalog_field *field)
{
	if (field->format == WEIR__SCHEMA__FORMAT__ETHERTYPE)
		return ethertypes;
	if (field->format == WEIR__SCHEMA__FORMAT__IP_PROTOCOL)
		return ip_protocols;
	return NULL;
}

const char *quantity_name(const struct catalog_field *field, size_t i)
{
	const struct name *names = names_of(field);

	for (; names && names->text && i > 0; i--)
		names++;
	return names ? names->text : NULL;
}

static wide unit_ns(const struct catalog_field *field)
{
	switch (field->unit) {
	case WEIR__SCHEMA__UNIT__NANOSECONDS:
		return 1;
	case WEIR__SCHEMA__UNIT__MICROSECONDS:
		return 1000;
	case WEIR__SCHEMA__UNIT__MILLISECONDS:
		return 1000000;
	default:
		return 1000000000;
	}
}

static bool counts_frames(const struct catalog_field *field)
{
	return field->unit == WEIR__SCHEMA__UNIT__FRAMES_PER_SECOND;
}

static bool find_suffix(const struct suffix *suffixes, const char *text, wide *factor)
{
	for (; suffixes->text; suffixes++) {
		if (strcasecmp(suffixes->text, text) == 0) {
			*factor = suffixes->factor;
			return true;
		}
	}
	return false;
}

// Returns what is behind the prefix.
static const char *decimal_prefix(const char *text, wide *factor)
{
	const char *prefixes = "kmgt";
	const char *prefix = *text ? strchr(prefixes, tolower((unsigned char)*text)) : NULL;
	wide step = 1000;

	*factor = 1;
	if (!prefix)
		return text;
	text++;
	if (tolower((unsigned char)*text) == 'i') {
		step = 1024;
		text++;
	}
	for (; prefix >= prefixes; prefix--)
		*factor *= step;
	return text;
}

static bool rate_factor(const struct catalog_field *field, const char *text, wide *factor)
{
	text = decimal_prefix(text, factor);
	if (counts_frames(field))
		return *text == '\0' || strcasecmp(text, "pps") == 0;
	return *text == '\0' || strcasecmp(text, "bit") == 0;
}

// What one of the unit that text names is in the field's unit, as numerator / denominator.
static bool find_unit(const struct catalog_field *field, const char *text, struct quantity *unit)
{
	unit->numerator = unit->denominator = 1;
	switch (field->format) {
	case WEIR__SCHEMA__FORMAT__RATE:
		return rate_factor(field, text, &unit->numerator);
	case WEIR__SCHEMA__FORMAT__SIZE:
		return find_suffix(sizes, text, &unit->numerator);
	case WEIR__SCHEMA__FORMAT__DURATION:
		if (*text == '\0')
			return true;
		unit->denominator = unit_ns(field);
		return find_suffix(durations, text, &unit->numerator);
	default:
		break;
	}
	// Frames are many, and people write them as they do rates.
	if (counts_frames(field))
		return rate_factor(field, text, &unit->numerator);
	if (field->unit == WEIR__SCHEMA__UNIT__FRAMES)
		text = decimal_prefix(text, &unit->numerator);
	return *text == '\0';
}

static bool parse_hexadecimal(const char *text, struct quantity *quantity)
{
	wide number = 0;
	const char *digit = text;

	for (; isxdigit((unsigned char)*digit) && digit - text < MAX_DIGITS; digit++) {
		int c = tolower((unsigned char)*digit);

		number = number * 16 + (isdigit(c) ? c - '0' : c - 'a' + 10);
	}
	*quantity = (struct quantity){ number, 1 };
	return digit > text && *digit == '\0';
}

// Digits with an optional fraction; *text moves behind them.
static bool parse_decimal(const char **text, struct quantity *quantity)
{
	int n_digits = 0;
	bool fraction = false;

	*quantity = (struct quantity){ 0, 1 };
	for (const char *c = *text;; c++) {
		if (*c == '.' && !fraction && n_digits > 0 && isdigit((unsigned char)c[1])) {
			fraction = true;
			continue;
		}
		if (!isdigit((unsigned char)*c)) {
			*text = c;
			return n_digits > 0;
		}
		if (++n_digits > MAX_DIGITS)
			return false;
		quantity->numerator = quantity->numerator * 10 + (*c - '0');
		if (fraction)
			quantity->denominator *= 10;
	}
}

static bool parse_name(
	const struct catalog_field *field, const char *text, struct quantity *quantity)
{
	const struct name *names = names_of(field);

	for (; names && names->text; names++) {
		if (strcasecmp(names->text, text) == 0) {
			*quantity = (struct quantity){ (wide)names->number, 1 };
			return true;
		}
	}
	if (field->format == WEIR__SCHEMA__FORMAT__L4_PORT && isalpha((unsigned char)*text)) {
		const struct servent *service = getservbyname(text, NULL);

		if (service)
			*quantity = (struct quantity){ ntohs((uint16_t)service->s_port), 1 };
		endservent();
		return service;
	}
	return false;
}

bool quantity_parse(const struct catalog_field *field, const char *text, struct quantity *quantity)
{
	bool negative = *text == '-';
	struct quantity unit;

	if (parse_name(field, text, quantity))
		return true;
	text += negative;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		if (!parse_hexadecimal(text + 2, quantity))
			return false;
	} else {
		if (!parse_decimal(&text, quantity) || !find_unit(field, text, &unit))
			return false;
		quantity->numerator *= unit.numerator;
		quantity->denominator *= unit.denominator;
	}
	if (negative)
		quantity->numerator = -quantity->numerator;
	return true;
}

bool quantity_is_ambiguous(const struct catalog_field *field, const char *text)
{
	size_t size = strlen(text);

	return field->format == WEIR__SCHEMA__FORMAT__RATE && !counts_frames(field) && size > 3 &&
	       strcasecmp(text + size - 3, "bps") == 0;
}

const char *quantity_expected(const struct catalog_field *field)
{
	switch (field->format) {
	case WEIR__SCHEMA__FORMAT__RATE:
		return counts_frames(field) ? "a rate such as 1500, 10kpps or 2M"
					    : "a rate such as 10mbit, 2.5gbit or 500kbit";
	case WEIR__SCHEMA__FORMAT__DURATION:
		return "a duration such as 30s, 5m or 100ms";
	case WEIR__SCHEMA__FORMAT__SIZE:
		return "a size such as 1500, 64K or 1M";
	case WEIR__SCHEMA__FORMAT__ETHERTYPE:
		return "an EtherType such as 0x0800, or a name such as ipv4, arp or ipv6";
	case WEIR__SCHEMA__FORMAT__IP_PROTOCOL:
		return "an IP protocol: 0 to 255, or a name such as tcp, udp or icmp";
	case WEIR__SCHEMA__FORMAT__L4_PORT:
		return "a port: 0 to 65535, or the name of a service";
	default:
		return counts_frames(field) || field->unit == WEIR__SCHEMA__UNIT__FRAMES
			       ? "a number such as 1500, 10k or 2M"
			       : "a number";
	}
}

static void put_decimal(wide number, FILE *out)
{
	char digits[48];
	char *first = digits + sizeof(digits) - 1;

	*first = '\0';
	do {
		*--first = (char)('0' + (int)(number % 10));
		number /= 10;
	} while (number > 0);
	fputs(first, out);
}

static void put_rate(const struct catalog_field *field, wide number, FILE *out)
{
	static const char *const prefixes[] = { "", "k", "m", "g", "t" };
	size_t prefix = 0;

	for (; number > 0 && number % 1000 == 0 && prefix < 4; prefix++)
		number /= 1000;
	put_decimal(number, out);
	fprintf(out, "%s%s", prefixes[prefix], counts_frames(field) ? "pps" : "bit");
}

static void put_suffixed(const struct suffix *suffixes, wide number, FILE *out)
{
	while (number % suffixes->factor)
		suffixes++;
	put_decimal(number / suffixes->factor, out);
	fputs(suffixes->text, out);
}

static void put_name(const struct catalog_field *field, wide number, FILE *out)
{
	for (const struct name *names = names_of(field); names->text; names++) {
		if (names->number == number) {
			fputs(names->text, out);
			return;
		}
	}
	if (field->format == WEIR__SCHEMA__FORMAT__ETHERTYPE)
		fprintf(out, "0x%04llx", (unsigned long long)number);
	else
		put_decimal(number, out);
}

void quantity_put(const struct catalog_field *field, wide number, FILE *out)
{
	if (number < 0) {
		fputc('-', out);
		number = -number;
	}
	switch (field->format) {
	case WEIR__SCHEMA__FORMAT__RATE:
		put_rate(field, number, out);
		break;
	case WEIR__SCHEMA__FORMAT__SIZE:
		put_suffixed(number ? sizes : sizes + 4, number, out);
		break;
	case WEIR__SCHEMA__FORMAT__DURATION:
		put_suffixed(number ? durations : durations + 2, number * unit_ns(field), out);
		break;
	case WEIR__SCHEMA__FORMAT__HEX:
		fprintf(out, "0x%llx", (unsigned long long)number);
		break;
	case WEIR__SCHEMA__FORMAT__ETHERTYPE:
	case WEIR__SCHEMA__FORMAT__IP_PROTOCOL:
		put_name(field, number, out);
		break;
	default:
		put_decimal(number, out);
	}
}
