// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The descriptor, and the little that is not said by policies.
#include "guard.h"
#include "guard.schema.h"

static const struct weir_drop_reason reasons[N_REASONS] = {
	[DROP_MAC] = { "mac-spoof", "the source address is not one of the port's" },
	[DROP_IP] = { "ip-spoof", "the IP source address is not one of the port's" },
	[DROP_ARP] = { "arp-spoof", "the ARP sender is not the port" },
	[DROP_ND] = { "nd-spoof", "neighbour discovery speaks for others than the port" },
	[DROP_DHCP] = { "dhcp-server", "DHCP servers are not allowed here" },
	[DROP_ADVERTISEMENT] = { "router-advertisement",
		"router advertisements are not allowed here" },
	[DROP_REDIRECT] = { "redirect", "redirects are not allowed here" },
	[DROP_ND_FRAGMENT] = { "nd-fragment", "neighbour discovery comes in fragments (RFC 6980)" },
	[DROP_TINY_FRAGMENT] = { "tiny-fragment",
		"the first fragment does not have the whole L4 header (RFC 1858)" },
	[DROP_HEADER_CHAIN] = { "header-chain", "the IPv6 header chain is cut short, too long, or "
						"of unknown headers (RFC 7113, 7610)" },
	[DROP_MALFORMED] = { "malformed", "the headers are too damaged to be judged" },
	[DROP_HIDDEN] = { "hidden", "the packet hides behind tags or LLC headers" },
	[DROP_STORM + STORM_BROADCAST] = { "broadcast-storm",
		"more broadcast frames than the port may send" },
	[DROP_STORM + STORM_MULTICAST] = { "multicast-storm",
		"more multicast frames than the port may send" },
	[DROP_STORM + STORM_UNKNOWN] = { "unknown-unicast-storm",
		"more frames to unknown stations than the port may send" },
};

WEIR_EXTENSION("guard", WEIR_CLASS_FILTER, .version = "1.0",
	.summary = "Keeps ports from spoofing, serving and storming", .schema = weir_schema,
	.schema_size = sizeof(weir_schema), .drop_reasons = reasons, .n_drop_reasons = N_REASONS,
	.ingress = guard_ingress, .forwarded = guard_forwarded, .visit = guard_visit,
	.prepare = guard_prepare, .release = guard_release);
