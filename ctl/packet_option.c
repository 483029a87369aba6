// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What stands behind the addresses of a frame's text.
#include "packet_internal.h"

#include <stdlib.h>
#include <string.h>

#include "address.h"

#define KIND(kind) (1u << PACKET_##kind)
#define OF_IP      (KIND(UDP) | KIND(TCP) | KIND(SCTP) | KIND(ICMP) | KIND(IP))

// Options whose value is a number.
static const struct {
	const char *name;
	size_t at; // in struct packet_text
	uint32_t least, most;
	unsigned kinds;
} numbers[] = {
	{ "size", offsetof(struct packet_text, size), 14, PACKET_MAX, ~0u },
	{ "dscp", offsetof(struct packet_text, dscp), 0, 63, OF_IP },
	{ "ecn", offsetof(struct packet_text, ecn), 0, 3, OF_IP },
	{ "ttl", offsetof(struct packet_text, ttl), 0, 255, OF_IP },
	{ "type", offsetof(struct packet_text, type), 0, 255, KIND(ICMP) },
	{ "type", offsetof(struct packet_text, type), 0x600, 65535, KIND(ETH) },
	{ "code", offsetof(struct packet_text, code), 0, 255, KIND(ICMP) },
	{ "proto", offsetof(struct packet_text, proto), 0, 255, KIND(IP) },
};

static const char *const flag_names[] = { "fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr" };

enum { N_FLAGS = sizeof(flag_names) / sizeof(*flag_names) };

static int refuse_twice(const char *name, struct ctl_error *error)
{
	return ctl_fail(error, CTL_REFUSED, "%s is given twice", name);
}

// Decimal, or hexadecimal behind 0x.
static bool read_number(const char *text, uint32_t least, uint32_t most, uint32_t *number)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = text + (hex ? 2 : 0);
	size_t n = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
	unsigned long value;

	if (n == 0 || n > 9 || digits[n])
		return false;
	value = strtoul(digits, NULL, hex ? 16 : 10);
	*number = (uint32_t)value;
	return value >= least && value <= most;
}

static int take_station(struct packet_station *station, uint8_t mac[6], const char *name,
	const char *value, struct ctl_error *error)
{
	size_t size = strlen(value);

	if (station->address != PACKET_UNKNOWN)
		return refuse_twice(name, error);
	if (address_parse_mac(value, mac)) {
		station->address = PACKET_GIVEN;
		return 0;
	}
	if (size == 0 || size >= sizeof(station->port) || strchr(value, ':'))
		return ctl_fail(error, CTL_REFUSED,
			"%s \"%s\": must be an address like 02:00:00:00:00:01, or the name of a "
			"port",
			name, value);
	station->address = PACKET_OF_PORT;
	memcpy(station->port, value, size + 1);
	return 0;
}

static int take_vlan(struct packet_text *text, const char *value, struct ctl_error *error)
{
	const char *slash = strchr(value, '/');
	size_t size = slash ? (size_t)(slash - value) : strlen(value);
	uint32_t vlan = 0, priority = 0;
	char digits[8] = "";

	if (text->n_tags == PACKET_TAGS)
		return ctl_fail(error, CTL_REFUSED, "vlan %s: there can be two tags", value);
	if (size < sizeof(digits))
		memcpy(digits, value, size);
	if (!read_number(digits, 0, 4094, &vlan) ||
		(slash && !read_number(slash + 1, 0, 7, &priority)))
		return ctl_fail(error, CTL_REFUSED,
			"vlan \"%s\": must be 0 to 4094, perhaps with a priority of 0 to 7 as in "
			"10/5",
			value);
	text->tags[text->n_tags++] = (uint16_t)(priority << 13 | vlan);
	return 0;
}

static int take_flags(struct packet_text *text, const char *value, struct ctl_error *error)
{
	const char *at = value;

	if (text->flags.is_given)
		return refuse_twice("flags", error);
	text->flags.is_given = true;
	if (strcmp(value, "none") == 0)
		return 0;
	for (;;) {
		size_t size = strcspn(at, ",");
		unsigned i = 0;

		while (i < N_FLAGS && (size != 3 || strncmp(flag_names[i], at, 3) != 0))
			i++;
		if (i == N_FLAGS)
			return ctl_fail(error, CTL_REFUSED,
				"flags \"%s\": must be none, or some of fin, syn, rst, psh, ack, "
				"urg, ece, cwr, separated by commas",
				value);
		text->flags.value |= 1u << i;
		if (!at[size])
			return 0;
		at += size + 1;
	}
}

// One of two words.
static int take_choice(const char *name, const char *value, const char *first, const char *second,
	uint32_t *choice, struct ctl_error *error)
{
	if (*choice)
		return refuse_twice(name, error);
	*choice = strcmp(value, first) == 0 ? 1 : strcmp(value, second) == 0 ? 2 : 0;
	if (*choice)
		return 0;
	return ctl_fail(
		error, CTL_REFUSED, "%s \"%s\": must be %s or %s", name, value, first, second);
}

static int take_op(struct packet_text *text, const char *value, struct ctl_error *error)
{
	text->op.is_given = true;
	return take_choice("op", value, "request", "reply", &text->op.value, error);
}

static int take_fragment(struct packet_text *text, const char *value, struct ctl_error *error)
{
	uint32_t choice = text->fragment;
	int result = take_choice("fragment", value, "first", "later", &choice, error);

	text->fragment = (enum packet_fragment)choice;
	return result;
}

static int refuse_kind(const char *name, struct ctl_error *error)
{
	return ctl_fail(error, CTL_REFUSED,
		"%s: there is no such option of this kind of frame; there are src, dst, vlan and "
		"size of all, dscp, ecn, ttl and fragment of IP, flags of tcp, type and code of "
		"icmp, type of eth, proto of ip, op of arp",
		name);
}

static int take_number(
	struct packet_text *text, const char *name, const char *value, struct ctl_error *error)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct packet_number *number = (struct packet_number *)((char *)text +
									numbers[i].at);

		if (strcmp(numbers[i].name, name) != 0 || !(numbers[i].kinds & 1u << text->kind))
			continue;
		if (number->is_given)
			return refuse_twice(name, error);
		number->is_given = true;
		if (read_number(value, numbers[i].least, numbers[i].most, &number->value))
			return 0;
		return ctl_fail(error, CTL_REFUSED, "%s \"%s\": must be %u to %u", name, value,
			numbers[i].least, numbers[i].most);
	}
	return refuse_kind(name, error);
}

int packet_take_option(struct packet_text *text, const char *word, struct ctl_error *error)
{
	const char *equals = strchr(word, '=');
	char name[16] = "";

	if (!equals || equals == word || (size_t)(equals - word) >= sizeof(name))
		return ctl_fail(error, CTL_REFUSED,
			"\"%s\": here must stand NAME=VALUE, as in dst=02:00:00:00:00:02 or "
			"vlan=10",
			word);
	memcpy(name, word, (size_t)(equals - word));
	if (strcmp(name, "src") == 0)
		return take_station(&text->src, text->src_mac, name, equals + 1, error);
	if (strcmp(name, "dst") == 0)
		return take_station(&text->dst, text->dst_mac, name, equals + 1, error);
	if (strcmp(name, "vlan") == 0)
		return take_vlan(text, equals + 1, error);
	if (strcmp(name, "flags") == 0 && text->kind == PACKET_TCP)
		return take_flags(text, equals + 1, error);
	if (strcmp(name, "op") == 0 && text->kind == PACKET_ARP)
		return take_op(text, equals + 1, error);
	if (strcmp(name, "fragment") == 0 && (OF_IP & 1u << text->kind))
		return take_fragment(text, equals + 1, error);
	return take_number(text, name, equals + 1, error);
}
