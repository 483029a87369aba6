// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Reads frames in hexadecimal, one a line, and writes what the parser makes of each: field=value
// pairs, for parse_peers.py.
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "datapath/key.h"

enum { LINE_MAX_SIZE = 8192 };

static uint32_t decode(const char *line, uint8_t *bytes)
{
	uint32_t n = 0;
	unsigned byte;

	while (sscanf(line + 2 * n, "%2x", &byte) == 1)
		bytes[n++] = (uint8_t)byte;
	return n;
}

static void dump(const struct weir_flow *f)
{
	int family = f->l3 == WEIR_L3_IPV6 ? AF_INET6 : AF_INET;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	const uint8_t *d = f->eth_dst, *s = f->eth_src;

	inet_ntop(family, f->ip_src, src, sizeof(src));
	inet_ntop(family, f->ip_dst, dst, sizeof(dst));
	printf("eth_dst=%02x:%02x:%02x:%02x:%02x:%02x ", d[0], d[1], d[2], d[3], d[4], d[5]);
	printf("eth_src=%02x:%02x:%02x:%02x:%02x:%02x ", s[0], s[1], s[2], s[3], s[4], s[5]);
	printf("l3=%u l4=%u tags=%u fragment=%u malformed=%u type=%u vlan=%u pcp=%u dei=%u "
	       "inner=%u proto=%u tos=%u ttl=%u label=%u src=%s dst=%s l4_src=%u l4_dst=%u\n",
		f->l3, f->l4, f->n_tags, f->fragment, f->malformed, ntohs(f->eth_type), f->vlan_id,
		f->vlan_pcp, f->vlan_dei, f->inner_vlan, f->ip_proto, f->ip_tos, f->ip_ttl,
		f->ip6_label, src, dst, ntohs(f->l4_src), ntohs(f->l4_dst));
}

int main(void)
{
	static char line[LINE_MAX_SIZE];
	static uint8_t bytes[LINE_MAX_SIZE / 2];
	struct key_mask mask;

	key_mask_make(&mask, WEIR_FIELDS_ALL);
	while (fgets(line, sizeof(line), stdin)) {
		uint32_t size = decode(line, bytes);
		struct weir_frame frame = {
			.data = bytes, .size = size, .linear = size, .refs = 1
		};
		struct weir_flow flow;
		struct flow_key key;

		key_parse(&frame, &key);
		key_to_flow(&key, &mask, WEIR_PORT_NONE, WEIR_PORT_NONE, &flow);
		dump(&flow);
	}
	return 0;
}
