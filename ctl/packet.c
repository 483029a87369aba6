// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "packet.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "packet_internal.h"

enum { WORD_SIZE = 128 };

static const char *const kinds[N_PACKET_KINDS] = { "udp", "tcp", "sctp", "icmp", "arp", "ip",
	"eth" };

// ---- Words

// The next word, which may be a '>' of its own; "" at the end.
static int next_word(const char **at, char word[WORD_SIZE], struct ctl_error *error)
{
	const char *start = *at + strspn(*at, " \t");
	size_t size = *start == '>' ? 1 : strcspn(start, " \t>");

	if (size >= WORD_SIZE)
		return ctl_fail(error, CTL_REFUSED, "\"%.40s...\": is too long for a word", start);
	memcpy(word, start, size);
	word[size] = '\0';
	*at = start + size;
	return 0;
}

// ---- Addresses

static bool read_port(const char *text, uint16_t *port)
{
	unsigned long value;

	if (!*text || strlen(text) > 5 || text[strspn(text, "0123456789")])
		return false;
	value = strtoul(text, NULL, 10);
	*port = (uint16_t)value;
	return value <= 65535;
}

static int refuse_end(const char *word, bool with_port, struct ctl_error *error)
{
	if (with_port)
		return ctl_fail(error, CTL_REFUSED,
			"\"%s\": must be an address and a port of 0 to 65535, as in 10.0.0.1:5000 "
			"or "
			"[2001:db8::1]:5000",
			word);
	return ctl_fail(error, CTL_REFUSED,
		"\"%s\": must be an address, as in 10.0.0.1 or 2001:db8::1", word);
}

// Splits ADDRESS:PORT or [ADDRESS]:PORT. False: it is neither.
static bool split(char *word, char **address, const char **port)
{
	char *end = word[0] == '[' ? strstr(word, "]:") : strrchr(word, ':');

	if (!end)
		return false;
	*address = word[0] == '[' ? word + 1 : word;
	*port = end + (word[0] == '[' ? 2 : 1);
	*end = '\0';
	return true;
}

static bool read_end(char *word, bool with_port, uint8_t ip[16], uint16_t *port, bool *ipv6)
{
	const char *digits = "0";
	char *address = word;
	bool in_brackets = word[0] == '[';

	if (with_port && !split(word, &address, &digits))
		return false;
	*ipv6 = !address_parse_ipv4(address, ip);
	if (*ipv6 && !address_parse_ipv6(address, ip))
		return false;
	// Where an IPv6 address ends and a port begins, only brackets say.
	return read_port(digits, port) && (!with_port || *ipv6 == in_brackets);
}

static int take_end(const char **at, bool with_port, uint8_t ip[16], uint16_t *port, bool *ipv6,
	struct ctl_error *error)
{
	char word[WORD_SIZE], copy[WORD_SIZE];
	int result = next_word(at, word, error);

	if (result)
		return result;
	memcpy(copy, word, sizeof(copy));
	return read_end(copy, with_port, ip, port, ipv6) ? 0 : refuse_end(word, with_port, error);
}

// A '>' may stand before where the frame goes. To a shell it means something else, unless it is
// quoted, and the words behind it are gone.
static int skip_arrow(const char **at, struct ctl_error *error)
{
	const char *behind = *at;
	char word[WORD_SIZE];
	int result = next_word(&behind, word, error);

	if (result == 0 && !*word)
		return ctl_fail(error, CTL_REFUSED,
			"where the frame goes is missing: a shell takes > for itself; leave it "
			"out, or quote the frame");
	if (result == 0 && strcmp(word, ">") == 0)
		*at = behind;
	return result;
}

static int take_ends(struct packet_text *text, const char **at, struct ctl_error *error)
{
	bool with_port = text->kind <= PACKET_SCTP, second = false;
	int result = take_end(at, with_port, text->src_ip, &text->src_port, &text->ipv6, error);

	if (result == 0)
		result = skip_arrow(at, error);
	if (result == 0)
		result = take_end(at, with_port, text->dst_ip, &text->dst_port, &second, error);
	if (result == 0 && second != text->ipv6)
		result = ctl_fail(error, CTL_REFUSED, "both addresses must be IPv4, or both IPv6");
	if (result == 0 && text->ipv6 && text->kind == PACKET_ARP)
		result = ctl_fail(error, CTL_REFUSED, "arp is for IPv4 addresses");
	return result;
}

// ---- The whole

static int hex_value(char digit)
{
	return isdigit((unsigned char)digit) ? digit - '0'
					     : tolower((unsigned char)digit) - 'a' + 10;
}

static int parse_hex(const char *text, struct packet *packet, struct ctl_error *error)
{
	size_t n = 0;

	packet->src.address = packet->dst.address = PACKET_GIVEN;
	for (; *text; text++) {
		if (strchr(" \t:", *text))
			continue;
		if (!isxdigit((unsigned char)*text))
			return ctl_fail(error, CTL_REFUSED,
				"hex \"%.16s\": must be hexadecimal digits, two a byte", text);
		if (n == 2 * (size_t)PACKET_MAX)
			return ctl_fail(error, CTL_REFUSED, "hex: a frame has at most %d bytes",
				PACKET_MAX);
		packet->bytes[n / 2] = (uint8_t)(n % 2 ? packet->bytes[n / 2] << 4 : 0);
		packet->bytes[n / 2] |= (uint8_t)hex_value(*text);
		n++;
	}
	if (n == 0 || n % 2)
		return ctl_fail(error, CTL_REFUSED,
			"hex: %zu digits: must be two for each byte, and one byte at least", n);
	packet->size = n / 2;
	return 0;
}

static int find_kind(const char *word, enum packet_kind *kind, struct ctl_error *error)
{
	for (unsigned i = 0; i < N_PACKET_KINDS; i++) {
		if (strcmp(kinds[i], word) == 0) {
			*kind = (enum packet_kind)i;
			return 0;
		}
	}
	return ctl_fail(error, CTL_REFUSED,
		"\"%s\": a frame begins with udp, tcp, sctp, icmp, arp, ip, eth or hex, as in udp "
		"10.0.0.1:5000 > 10.0.0.2:53, or is pcap FILE#N",
		word);
}

static int check(const struct packet_text *text, struct ctl_error *error)
{
	if (text->kind == PACKET_IP && !text->proto.is_given)
		return ctl_fail(error, CTL_REFUSED, "ip needs proto=, 0 to 255");
	if (text->kind == PACKET_ETH && !text->type.is_given)
		return ctl_fail(error, CTL_REFUSED, "eth needs type=, 0x600 to 0xffff");
	return 0;
}

int packet_parse(const char *text, struct packet *packet, struct ctl_error *error)
{
	struct packet_text read = { .src.address = PACKET_UNKNOWN, .dst.address = PACKET_UNKNOWN };
	char word[WORD_SIZE];
	const char *at = text;
	int result = next_word(&at, word, error);

	memset(&packet->src, 0, sizeof(packet->src));
	memset(&packet->dst, 0, sizeof(packet->dst));
	if (result == 0 && strcmp(word, "hex") == 0)
		return parse_hex(at, packet, error);
	if (result == 0)
		result = find_kind(word, &read.kind, error);
	if (result == 0 && read.kind != PACKET_ETH)
		result = take_ends(&read, &at, error);
	while (result == 0 && (result = next_word(&at, word, error)) == 0 && *word)
		result = packet_take_option(&read, word, error);
	if (result == 0)
		result = check(&read, error);
	return result ? result : packet_build(&read, packet, error);
}
