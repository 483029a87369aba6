// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <arpa/inet.h>
#include <netinet/in.h>

#include "datapath/flow_table.h"
#include "datapath/session_text.h"
#include "datapath/text.h"

static uint64_t ms_since(uint64_t now_ns, uint32_t tick)
{
	uint32_t now = flow_tick(now_ns);

	return (int32_t)(now - tick) > 0 ? ((uint64_t)(now - tick) << 23) / 1000000 : 0;
}

void session_describe_end(const struct session *s, uint64_t now_ns, struct weir_session_end *end)
{
	const uint64_t *w = s->key.w;
	bool from_high = s->from_high;
	uint16_t low_port = (uint16_t)w[1], high_port = (uint16_t)(w[1] >> 16);

	*end = (struct weir_session_end){
		.size = sizeof(*end),
		.cause = s->cause,
		.port = s->port,
		.l3 = (uint8_t)(w[0] >> 8),
		.ip_proto = (uint8_t)w[0],
		.vlan_id = (uint16_t)(w[0] >> 16),
		.l4_src = from_high ? high_port : low_port,
		.l4_dst = from_high ? low_port : high_port,
		.cookie = s->cookie,
		.frames = { s->frames[0], s->frames[1] },
		.bytes = { s->bytes[0], s->bytes[1] },
		.age_ms = ms_since(now_ns, s->opened),
		.idle_ms = ms_since(now_ns, s->used),
	};
	memcpy(end->ip_src, &w[from_high ? 4 : 2], sizeof(end->ip_src));
	memcpy(end->ip_dst, &w[from_high ? 2 : 4], sizeof(end->ip_dst));
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

static void put_end(struct text *text, const struct weir_session_end *s, const uint8_t address[16],
	uint16_t port)
{
	bool ipv6 = s->l3 == WEIR_L3_IPV6, ports = has_ports(s->ip_proto);
	char host[INET6_ADDRSTRLEN];

	inet_ntop(ipv6 ? AF_INET6 : AF_INET, address, host, sizeof(host));
	text_put(text, ipv6 && ports ? "[%s]" : "%s", host);
	if (ports)
		text_put(text, ":%u", ntohs(port));
}

void session_format(const struct weir_session_end *s, char *text, size_t size)
{
	static const char *const names[] = { [IPPROTO_TCP] = "tcp",
		[IPPROTO_UDP] = "udp",
		[IPPROTO_SCTP] = "sctp",
		[IPPROTO_ICMP] = "icmp",
		[IPPROTO_ICMPV6] = "icmpv6" };
	struct text w = { text, size, 0 };
	const char *name = s->ip_proto < sizeof(names) / sizeof(names[0]) ? names[s->ip_proto]
									  : NULL;

	text[0] = '\0';
	if (name)
		text_put(&w, "%s ", name);
	else
		text_put(&w, "proto %u ", s->ip_proto);
	put_end(&w, s, s->ip_src, s->l4_src);
	text_put(&w, " > ");
	put_end(&w, s, s->ip_dst, s->l4_dst);
	if (!has_ports(s->ip_proto) && (s->l4_src || s->l4_dst))
		text_put(&w, " type %u", ntohs(s->l4_src));
	if (s->vlan_id)
		text_put(&w, " vlan %u", s->vlan_id);
}

const char *session_state_name(enum session_state state)
{
	static const char *const names[] = {
		[SESSION_OPEN] = "open",
		[SESSION_SYN_SENT] = "syn-sent",
		[SESSION_SYN_RECEIVED] = "syn-received",
		[SESSION_ESTABLISHED] = "established",
		[SESSION_CLOSING] = "closing",
		[SESSION_CLOSED] = "closed",
	};

	return names[state];
}
