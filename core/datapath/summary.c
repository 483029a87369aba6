// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/summary.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "datapath/key.h"
#include "datapath/text.h"

static void put_mac(struct text *t, const uint8_t m[6])
{
	text_put(t, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

static void put_macs(struct text *t, const struct weir_flow *flow)
{
	put_mac(t, flow->eth_src);
	text_put(t, " > ");
	put_mac(t, flow->eth_dst);
	text_put(t, " ");
}

static void put_end(struct text *t, const struct weir_flow *flow, const uint8_t address[16],
	bool with_port, uint16_t port)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(flow->l3 == WEIR_L3_IPV6 ? AF_INET6 : AF_INET, address, text, sizeof(text));
	if (!with_port)
		text_put(t, "%s", text);
	else if (flow->l3 == WEIR_L3_IPV6)
		text_put(t, "[%s]:%u", text, ntohs(port));
	else
		text_put(t, "%s:%u", text, ntohs(port));
}

static void put_tcp_flags(struct text *t, const struct weir_frame *frame)
{
	static const char *const names[] = { "fin", "syn", "rst", "psh", "ack", "urg", "ece",
		"cwr" };
	struct frame_layers layers;
	uint8_t flags;
	char before = ' ';

	frame_layers(frame, &layers);
	if (!layers.l4)
		return;
	flags = frame->data[layers.l4 + 13];
	for (unsigned i = 0; i < 8; i++) {
		if (flags & 1u << i) {
			text_put(t, "%c%s", before, names[i]);
			before = ',';
		}
	}
}

static void put_protocol(
	struct text *t, const struct weir_flow *flow, const struct weir_frame *frame)
{
	static const char *const names[] = { "", "", "tcp", "udp", "sctp", "icmp", "icmpv6" };

	if (flow->l4 < WEIR_L4_TCP)
		text_put(t, " proto %u", flow->ip_proto);
	else
		text_put(t, " %s", names[flow->l4]);
	if (flow->l4 == WEIR_L4_TCP)
		put_tcp_flags(t, frame);
	else if (flow->l4 >= WEIR_L4_ICMP)
		text_put(t, " type %u code %u", ntohs(flow->l4_src), ntohs(flow->l4_dst));
	if (flow->fragment != WEIR_FRAGMENT_NONE)
		text_put(t, " fragment");
}

static void put_ip(struct text *t, const struct weir_flow *flow, const struct weir_frame *frame)
{
	bool with_ports = flow->l4 >= WEIR_L4_TCP && flow->l4 < WEIR_L4_ICMP;

	put_end(t, flow, flow->ip_src, with_ports, flow->l4_src);
	text_put(t, " > ");
	put_end(t, flow, flow->ip_dst, with_ports, flow->l4_dst);
	put_protocol(t, flow, frame);
}

static void put_arp(struct text *t, const struct weir_flow *flow)
{
	text_put(t, "arp ");
	put_end(t, flow, flow->ip_src, false, 0);
	text_put(t, " > ");
	put_end(t, flow, flow->ip_dst, false, 0);
	if (flow->ip_proto == 1 || flow->ip_proto == 2)
		text_put(t, flow->ip_proto == 1 ? " request" : " reply");
	else
		text_put(t, " operation %u", flow->ip_proto);
}

void frame_summary(const struct weir_frame *frame, bool macs, char text[SUMMARY_SIZE])
{
	struct text t = { text, SUMMARY_SIZE, 0 };
	struct key_mask all;
	struct weir_flow flow;
	struct flow_key key;
	bool other;

	text[0] = '\0';
	key_mask_make(&all, WEIR_FIELDS_ALL);
	key_parse(frame, &key);
	key_to_flow(&key, &all, WEIR_PORT_NONE, WEIR_PORT_NONE, &flow);
	other = flow.l3 == WEIR_L3_OTHER || flow.malformed == WEIR_MALFORMED_L3;
	if ((macs || other) && flow.malformed != WEIR_MALFORMED_RUNT)
		put_macs(&t, &flow);
	if (flow.n_tags)
		text_put(&t, "vlan %u ", flow.vlan_id);
	if (flow.n_tags == 2)
		text_put(&t, "inner vlan %u ", flow.inner_vlan & 0xfffu);
	if (!other && flow.l3 == WEIR_L3_ARP)
		put_arp(&t, &flow);
	else if (!other)
		put_ip(&t, &flow, frame);
	else if (flow.eth_type)
		text_put(&t, "type 0x%04x", ntohs(flow.eth_type));
	else if (!flow.malformed)
		text_put(&t, "llc");
	if (t.used && text[t.used - 1] != ' ')
		text_put(&t, " ");
	text_put(&t, "%s%u bytes", flow.malformed ? "malformed " : "", frame->size);
}
