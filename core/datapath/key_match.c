// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/key_match.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

enum { ITEM_SIZE = 96 };

// Requires these values of these bits of a word. False: others are required already.
static bool require(struct key_match *match, unsigned word, uint64_t bits, uint64_t value)
{
	uint64_t both = match->bits.w[word] & bits;

	if ((match->value.w[word] ^ value) & both)
		return false;
	match->bits.w[word] |= bits;
	match->value.w[word] |= value & bits;
	return true;
}

static bool require_bits(
	struct key_match *match, unsigned word, unsigned shift, unsigned width, uint64_t value)
{
	uint64_t bits = (UINT64_C(1) << width) - 1;

	return require(match, word, bits << shift, (value & bits) << shift);
}

static int refuse_contradiction(const char *item, struct weir_error *error)
{
	return weir_refuse(
		error, -EINVAL, "match", "\"%s\": contradicts what stands before it", item);
}

// ---- Kinds of headers

static bool require_kind(struct key_match *match, const char *word, bool *contradicts)
{
	static const struct {
		const char *name;
		uint8_t shift, width, value;
	} kinds[] = {
		{ "eth", KEY_L3_SHIFT, 2, WEIR_L3_OTHER },
		{ "ipv4", KEY_L3_SHIFT, 2, WEIR_L3_IPV4 },
		{ "ipv6", KEY_L3_SHIFT, 2, WEIR_L3_IPV6 },
		{ "arp", KEY_L3_SHIFT, 2, WEIR_L3_ARP },
		{ "tcp", KEY_L4_SHIFT, 3, WEIR_L4_TCP },
		{ "udp", KEY_L4_SHIFT, 3, WEIR_L4_UDP },
		{ "sctp", KEY_L4_SHIFT, 3, WEIR_L4_SCTP },
		{ "icmp", KEY_L4_SHIFT, 3, WEIR_L4_ICMP },
		{ "icmpv6", KEY_L4_SHIFT, 3, WEIR_L4_ICMPV6 },
		{ "offload", 44, 1, 1 },
	};

	_Static_assert(KEY_OFFLOAD == UINT64_C(1) << 44, "see above");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, word) != 0)
			continue;
		*contradicts = !require_bits(
			match, 0, kinds[i].shift, kinds[i].width, kinds[i].value);
		return true;
	}
	return false;
}

// "ipv4", "tcp", or both with a / between.
static int take_kinds(struct key_match *match, char *item, struct weir_error *error)
{
	char *rest = item, *word;
	bool contradicts = false;
	char whole[ITEM_SIZE];

	snprintf(whole, sizeof(whole), "%s", item);
	while ((word = strsep(&rest, "/"))) {
		if (!require_kind(match, word, &contradicts))
			return weir_refuse(error, -EINVAL, "match",
				"\"%s\": must be NAME=VALUE as flow list shows it, or one of ipv4, "
				"ipv6, arp, eth, tcp, udp, sctp, icmp, icmpv6, offload",
				whole);
		if (contradicts)
			return refuse_contradiction(whole, error);
	}
	return 0;
}

// ---- NAME=VALUE

enum kind { NUMBER, PORT, MAC, ADDRESS, WORD };

static const struct item {
	const char *name;
	enum kind kind;
	uint8_t word, shift, width; // ADDRESS: word unused, shift: of the first byte
	uint64_t field;
} items[] = {
	{ "eth_dst", MAC, 1, 0, 48, WEIR_FIELD_ETH_DST },
	{ "eth_src", MAC, 2, 0, 48, WEIR_FIELD_ETH_SRC },
	{ "eth_type", PORT, 2, 48, 16, WEIR_FIELD_ETH_TYPE },
	{ "vlan", NUMBER, 1, 48, 12, WEIR_FIELD_VLAN_ID },
	{ "pcp", NUMBER, 1, 61, 3, WEIR_FIELD_VLAN_PCP },
	{ "inner_vlan", NUMBER, 8, KEY_INNER_SHIFT, 12, WEIR_FIELD_INNER_VLAN },
	{ "ip_src", ADDRESS, 0, 0, 0, WEIR_FIELD_IP_SRC },
	{ "ip_dst", ADDRESS, 0, 1, 0, WEIR_FIELD_IP_DST },
	{ "ip_proto", NUMBER, 3, KEY_PROTO_SHIFT, 8, WEIR_FIELD_IP_PROTO },
	{ "proto", NUMBER, 3, KEY_PROTO_SHIFT, 8, WEIR_FIELD_IP_PROTO },
	{ "arp_op", NUMBER, 3, KEY_PROTO_SHIFT, 8, WEIR_FIELD_IP_PROTO },
	{ "dscp", NUMBER, 3, KEY_TOS_SHIFT + 2, 6, WEIR_FIELD_IP_TOS },
	{ "ecn", NUMBER, 3, KEY_TOS_SHIFT, 2, WEIR_FIELD_IP_TOS },
	{ "ttl", NUMBER, 3, KEY_TTL_SHIFT, 8, WEIR_FIELD_IP_TTL },
	{ "label", NUMBER, 8, KEY_LABEL_SHIFT, 20, WEIR_FIELD_IP6_LABEL },
	{ "l4_src", PORT, 3, 0, 16, WEIR_FIELD_L4_SRC },
	{ "l4_dst", PORT, 3, 16, 16, WEIR_FIELD_L4_DST },
	{ "icmp_type", PORT, 3, 0, 16, WEIR_FIELD_L4_SRC },
	{ "icmp_code", PORT, 3, 16, 16, WEIR_FIELD_L4_DST },
	{ "fragment", WORD, 0, KEY_FRAGMENT_SHIFT, 2, 0 },
	{ "malformed", WORD, 0, KEY_MALFORMED_SHIFT, 3, 0 },
};

static bool read_number(const char *text, uint64_t most, uint64_t *number)
{
	bool hex = strncmp(text, "0x", 2) == 0;
	const char *digits = text + (hex ? 2 : 0);
	size_t n = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");

	if (n == 0 || n > 9 || digits[n])
		return false;
	*number = strtoull(digits, NULL, hex ? 16 : 10);
	return *number <= most;
}

static int take_number(struct key_match *match, const struct item *item, const char *value,
	struct weir_error *error)
{
	uint64_t most = (UINT64_C(1) << item->width) - 1, number;

	if (!read_number(value, most, &number))
		return weir_refuse(error, -EINVAL, "match", "%s \"%s\": must be 0 to %llu",
			item->name, value, (unsigned long long)most);
	// Ports and types stand in the key as in the frame.
	if (item->kind == PORT)
		number = htons((uint16_t)number);
	if (!require_bits(match, item->word, item->shift, item->width, number))
		return refuse_contradiction(item->name, error);
	return 0;
}

static bool read_mac(const char *text, uint64_t *mac)
{
	if (strlen(text) != 17)
		return false;
	*mac = 0;
	for (unsigned i = 0; i < 6; i++) {
		const char digits[] = { text[3 * i], text[3 * i + 1], '\0' };

		if (strspn(digits, "0123456789abcdefABCDEF") != 2 || (i && text[3 * i - 1] != ':'))
			return false;
		*mac |= (uint64_t)strtoul(digits, NULL, 16) << 8 * i;
	}
	return true;
}

static int take_mac(struct key_match *match, const struct item *item, const char *value,
	struct weir_error *error)
{
	uint64_t mac;

	if (!read_mac(value, &mac))
		return weir_refuse(error, -EINVAL, "match",
			"%s \"%s\": must be six bytes like 02:00:00:00:00:01", item->name, value);
	if (!require_bits(match, item->word, item->shift, item->width, mac))
		return refuse_contradiction(item->name, error);
	return 0;
}

static int refuse_address(
	const struct item *item, const char *value, const char *slash, struct weir_error *error)
{
	if (slash)
		return weir_refuse(error, -EINVAL, "match",
			"%s \"%s/%s\": must be an address with a length of 0 to 32, or of IPv6 0 "
			"to "
			"128",
			item->name, value, slash + 1);
	return weir_refuse(error, -EINVAL, "match",
		"%s \"%s\": must be an address or a prefix, as in 10.0.0.0/8", item->name, value);
}

// Bytes of the address, in the key's words from word 4 on: IPv4 and ARP 4 each, IPv6 16.
static bool require_address(
	struct key_match *match, unsigned at, const uint8_t *address, unsigned length)
{
	for (unsigned i = 0; i * 8 < length; i++) {
		unsigned left = length - i * 8, byte = at + i;
		uint8_t bits = (uint8_t)(left >= 8 ? 0xff : 0xff00 >> left);

		if (!require(match, 4 + byte / 8, (uint64_t)bits << byte % 8 * 8,
			    (uint64_t)(address[i] & bits) << byte % 8 * 8))
			return false;
	}
	return true;
}

static int take_address(
	struct key_match *match, const struct item *item, char *value, struct weir_error *error)
{
	char *slash = strchr(value, '/');
	uint64_t length;
	uint8_t address[16];
	bool ipv4, ok;

	if (slash)
		*slash = '\0';
	ipv4 = inet_pton(AF_INET, value, address) == 1;
	length = ipv4 ? 32 : 128;
	if ((!ipv4 && inet_pton(AF_INET6, value, address) != 1) ||
		(slash && !read_number(slash + 1, length, &length)))
		return refuse_address(item, value, slash, error);
	// IPv4 and ARP have the lowest bit of their kind in common, which IPv6 has not.
	ok = ipv4 ? require_bits(match, 0, KEY_L3_SHIFT, 1, 1)
		  : require_bits(match, 0, KEY_L3_SHIFT, 2, WEIR_L3_IPV6);
	if (!ok ||
		!require_address(match, item->shift * (ipv4 ? 4u : 16u), address, (unsigned)length))
		return refuse_contradiction(item->name, error);
	return 0;
}

static int take_word(struct key_match *match, const struct item *item, const char *value,
	struct weir_error *error)
{
	static const char *const fragments[] = { "no", "first", "later" };
	static const char *const faults[] = { "no", "runt", "tags", "l3", "chain", "l4" };
	bool is_fragment = item->width == 2;
	const char *const *words = is_fragment ? fragments : faults;
	unsigned n = is_fragment ? 3 : 6, i = 0;

	while (i < n && strcmp(words[i], value) != 0)
		i++;
	if (i == n)
		return weir_refuse(error, -EINVAL, "match", "%s \"%s\": must be %s", item->name,
			value,
			is_fragment ? "no, first or later" : "no, runt, tags, l3, chain or l4");
	if (!require_bits(match, 0, item->shift, item->width, i))
		return refuse_contradiction(item->name, error);
	return 0;
}

static int take_value(
	struct key_match *match, const struct item *item, char *value, struct weir_error *error)
{
	match->fields |= item->field;
	switch (item->kind) {
	case MAC:
		return take_mac(match, item, value, error);
	case ADDRESS:
		return take_address(match, item, value, error);
	case WORD:
		return take_word(match, item, value, error);
	default:
		return take_number(match, item, value, error);
	}
}

static int take_item(struct key_match *match, char *text, struct weir_error *error)
{
	char *equals = strchr(text, '=');
	char names[256];
	size_t used = 0;

	if (!equals)
		return take_kinds(match, text, error);
	*equals = '\0';
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		if (strcmp(items[i].name, text) == 0)
			return take_value(match, &items[i], equals + 1, error);
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		used += (size_t)snprintf(
			names + used, sizeof(names) - used, "%s%s", i ? ", " : "", items[i].name);
	return weir_refuse(error, -EINVAL, "match", "\"%s\": there are %s", text, names);
}

// "egress:" and "drop:" stand before all.
static const char *take_half(struct key_match *match, const char *text)
{
	if (strncmp(text, "egress:", 7) == 0) {
		require(match, 0, KEY_EGRESS_HALF, KEY_EGRESS_HALF);
		return text + 7;
	}
	if (strncmp(text, "drop:", 5) == 0) {
		require(match, 0, KEY_DROP_HALF, KEY_DROP_HALF);
		return text + 5;
	}
	return text;
}

int key_match_parse(const char *text, struct key_match *out, struct weir_error *error)
{
	struct key_match match = { 0 };
	bool more;
	int failed = 0;

	text = take_half(&match, text);
	for (more = *text; !failed && more;) {
		size_t size = strcspn(text, ",");
		char item[ITEM_SIZE];

		if (size >= sizeof(item))
			return weir_refuse(error, -EINVAL, "match",
				"\"%.40s...\": is too long for a field and its value", text);
		memcpy(item, text, size);
		item[size] = '\0';
		failed = take_item(&match, item, error);
		more = text[size] == ',';
		text += size + more;
	}
	if (!failed)
		*out = match;
	return failed;
}
