// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "packet.h"

// ---- Text

static uint8_t read_protocol(const char *name)
{
	static const struct {
		const char *name;
		uint8_t number;
	} names[] = { { "icmp", 1 }, { "tcp", 6 }, { "udp", 17 }, { "icmpv6", 58 },
		{ "sctp", 132 } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].number;
	if (atoi(name) <= 0 && strcmp(name, "0") != 0)
		fail_msg("protocol %s", name);
	return (uint8_t)atoi(name);
}

// "10.0.0.1", "10.0.0.1:53", "fd00::1", "[fd00::1]:53". Returns whether it is IPv6.
static bool read_end(const char *word, uint8_t address[16], uint16_t *port)
{
	char text[64];
	char *colon;

	snprintf(text, sizeof(text), "%s", *word == '[' ? word + 1 : word);
	colon = *word == '[' ? strstr(text, "]:") : strchr(text, '.') ? strchr(text, ':') : NULL;
	if (colon) {
		*port = (uint16_t)atoi(strrchr(colon, ':') + 1);
		*colon = '\0';
	}
	if (inet_pton(AF_INET, text, address) == 1)
		return false;
	if (inet_pton(AF_INET6, text, address) != 1)
		fail_msg("address %s", word);
	return true;
}

static const struct packet *read_about(char **words)
{
	static struct packet kept[16];
	static unsigned n;
	char text[256] = "";

	for (; *words; words++) {
		strcat(text, *words);
		strcat(text, " ");
	}
	kept[n % 16] = packet_read(text);
	return &kept[n++ % 16];
}

static void read_more(struct packet *p, char **words)
{
	while (*words) {
		const char *what = *words++;

		if (strcmp(what, "first") == 0) {
			p->fragment = FIRST;
			continue;
		}
		if (strcmp(what, "about") == 0) {
			p->about = read_about(words);
			return;
		}
		if (!*words)
			fail_msg("what of %s", what);
		else if (strcmp(what, "vlan") == 0)
			p->vlan = atoi(*words++);
		else if (strcmp(what, "type") == 0)
			p->src_port = (uint16_t)atoi(*words++);
		else if (strcmp(what, "code") == 0)
			p->dst_port = (uint16_t)atoi(*words++);
		else if (strcmp(what, "later") == 0)
			p->fragment = LATER, p->offset = (uint16_t)atoi(*words++);
		else if (strcmp(what, "id") == 0)
			p->id = (uint16_t)atoi(*words++);
		else if (strcmp(what, "options") == 0)
			p->n_options = (uint8_t)atoi(*words++);
		else if (strcmp(what, "cut") == 0)
			p->cut = (uint8_t)atoi(*words++);
		else if (strcmp(what, "from") == 0)
			p->from = (uint8_t)atoi(*words++);
		else if (strcmp(what, "to") == 0)
			p->to = (uint8_t)atoi(*words++);
		else
			fail_msg("what is %s", what);
	}
}

struct packet packet_read(const char *text)
{
	struct packet p = { .from = 0, .to = 1, .vlan = -1 };
	char copy[256], *words[32] = { NULL };
	unsigned n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *save, *word = strtok_r(copy, " ", &save); word;
		word = strtok_r(NULL, " ", &save))
		words[n++] = word;
	if (strncmp(words[0], "0x", 2) == 0) {
		p.type = (uint16_t)strtoul(words[0], NULL, 16);
		read_more(&p, words + 1);
		return p;
	}
	if (n < 4)
		fail_msg("packet %s", text);
	p.type = read_end(words[1], p.src, &p.src_port) ? 0x86dd : 0x0800;
	read_end(words[3], p.dst, &p.dst_port);
	if (strcmp(words[0], "arp") == 0) {
		p.type = 0x0806;
		p.protocol = 1; // a request
	} else {
		p.protocol = read_protocol(words[0]);
	}
	read_more(&p, words + 4);
	return p;
}

void packet_format(const struct packet *p, char *text, size_t size)
{
	int family = p->type == 0x86dd ? AF_INET6 : AF_INET;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	inet_ntop(family, p->src, src, sizeof(src));
	inet_ntop(family, p->dst, dst, sizeof(dst));
	snprintf(text, size,
		"type %04x protocol %u %s:%u > %s:%u vlan %d fragment %u offset %u options %u "
		"cut %u from %u to %u",
		p->type, p->protocol, src, p->src_port, dst, p->dst_port, p->vlan, p->fragment,
		p->offset, p->n_options, p->cut, p->from, p->to);
}

// ---- Bytes

static uint8_t *put(uint8_t *at, const void *bytes, size_t size)
{
	memcpy(at, bytes, size);
	return at + size;
}

static uint8_t *put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

// The header, without options, and some payload.
static uint8_t *put_l4(uint8_t *at, const struct packet *p)
{
	static const uint8_t zero[64] = { 0 };
	uint8_t *l4 = at;

	if (p->fragment == LATER)
		return put(at, zero, 32);
	switch (p->protocol) {
	case IPPROTO_TCP:
		at = put(put16(put16(at, p->src_port), p->dst_port), zero, 16);
		l4[12] = 0x50;
		break;
	case IPPROTO_UDP:
		at = put(put16(put16(put16(at, p->src_port), p->dst_port), 8), zero, 2);
		break;
	case IPPROTO_SCTP:
		at = put(put16(put16(at, p->src_port), p->dst_port), zero, 8);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		at = put(at, zero, 8);
		l4[0] = (uint8_t)p->src_port;
		l4[1] = (uint8_t)p->dst_port;
		if (p->about) {
			struct lab_frame quoted = packet_frame(p->about);

			at = put(at, quoted.bytes + 14, quoted.size - 14);
		}
		break;
	default:
		at = put(at, zero, 8);
		break;
	}
	return at - p->cut;
}

static uint8_t *put_ipv4(uint8_t *at, const struct packet *p)
{
	static const uint8_t zero[4] = { 0 };
	uint8_t *ip = at;
	uint32_t sum = 0;

	at = put16(put(put16(at, 0x4500), zero, 2), p->id ? p->id : 1);
	at = put16(at, p->fragment == FIRST ? 0x2000 : p->fragment == LATER ? p->offset : 0);
	*at++ = 64;
	*at++ = p->protocol;
	at = put(put(put16(at, 0), p->src, 4), p->dst, 4);
	at = put_l4(at, p);
	put16(ip + 2, (unsigned)(at - ip));
	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, ~(sum + (sum >> 16)) & 0xffff);
	return at;
}

static uint8_t *put_ipv6(uint8_t *at, const struct packet *p)
{
	static const uint8_t options[6] = { 1, 4 }; // PadN
	static const uint8_t routing[6] = { 0 };    // no segments left
	uint8_t *ip = at, *next = at + 6;

	at = put(put16(put16(at, 0x6000), 0), options + 2, 4);
	ip[7] = 64;
	at = put(put(at, p->src, 16), p->dst, 16);
	for (unsigned i = 0; i < p->n_options; i++) {
		*next = i == 0 ? IPPROTO_HOPOPTS : i % 2 ? IPPROTO_ROUTING : IPPROTO_DSTOPTS;
		next = at++;
		*at++ = 0;
		at = put(at, i % 2 ? routing : options, 6);
	}
	if (p->fragment != WHOLE) {
		*next = IPPROTO_FRAGMENT;
		next = at++;
		*at++ = 0;
		at = put16(at, p->fragment == FIRST ? 1 : (unsigned)p->offset << 3);
		at = put16(put16(at, 0), p->id ? p->id : 1);
	}
	*next = p->protocol;
	at = put_l4(at, p);
	put16(ip + 4, (unsigned)(at - ip) - 40);
	return at;
}

static uint8_t *put_arp(uint8_t *at, const struct packet *p)
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0 };
	uint8_t mac[6] = { 2, 0, 0, 0, 0, p->from };

	at = put(at, head, sizeof(head));
	*at++ = p->protocol;
	at = put(put(at, mac, 6), p->src, 4);
	mac[5] = p->to;
	return put(put(at, mac, 6), p->dst, 4);
}

struct lab_frame packet_frame(const struct packet *p)
{
	const uint8_t macs[12] = { 2, 0, 0, 0, 0, p->to, 2, 0, 0, 0, 0, p->from };
	struct lab_frame f = { .size = 0 };
	uint8_t *at = put(f.bytes, macs, 12);

	if (p->vlan >= 0)
		at = put16(put16(at, 0x8100), (unsigned)p->vlan);
	at = put16(at, p->type);
	if (p->type == 0x0800)
		at = put_ipv4(at, p);
	else if (p->type == 0x86dd)
		at = put_ipv6(at, p);
	else if (p->type == 0x0806)
		at = put_arp(at, p);
	else
		at += 46;
	f.size = (uint32_t)(at - f.bytes);
	return f;
}
