// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the reasons of drops are called: the core's own, and those that extensions registered.
#include <string.h>

#include <weir/extension.h>

#include "datapath/counters.h"
#include "datapath/drop_watch.h"
#include "switch/reasons.h"
#include "switch/weir.h"

static const struct weir_drop_reason core_reasons[N_CORE_REASONS] = {
	[REASON_MALFORMED] = { "malformed", "the frame ends inside its Ethernet header or a tag" },
	[REASON_RESERVED_ADDRESS] = { "reserved-address",
		"link-local addresses (01:80:C2:00:00:0x) are not forwarded" },
	[REASON_VLAN_NOT_ALLOWED] = { "vlan-not-allowed", "the port does not carry this VLAN" },
	[REASON_TAG_ON_ACCESS_PORT] = { "tag-on-access-port",
		"an access port takes no tagged frames" },
	[REASON_UNTAGGED_ON_TRUNK] = { "untagged-on-trunk", "the trunk has no native VLAN" },
	[REASON_SAME_PORT] = { "same-port", "the destination is where the frame came from" },
	[REASON_NO_DESTINATION] = { "no-destination", "no port is left to send the frame to" },
	[REASON_NO_PORT] = { "no-port", "the destination port has been removed" },
	[REASON_PORT_DOWN] = { "port-down", "the port has no NIC, or is blocked" },
	[REASON_TOO_BIG] = { "too-big", "the frame is larger than the port's MTU" },
	[REASON_TX_FULL] = { "tx-full", "the NIC takes no more frames" },
	[REASON_TX_FAILED] = { "tx-failed", "the NIC refused the frame" },
	[REASON_BAD_OFFLOAD] = { "bad-offload", "the offload state contradicts the frame" },
	[REASON_NO_BUFFERS] = { "no-buffers", "no frame buffer was free" },
	[REASON_NO_MEMORY] = { "no-memory", "no memory for a new flow's program" },
	[REASON_STACK_TOO_COMPLEX] = { "stack-too-complex", "the decisions do not fit a program" },
	[REASON_NEW_FLOW_SHED] = { "new-flow-shed",
		"too many new flows to decide them all beside the known ones' frames" },
	[REASON_SESSION_FULL] = { "session-full", "there is no room for another session" },
	[REASON_OVER_RATE] = { "over-rate", "the frame is over the rate of a policer" },
};

const char *reason_describe(
	const struct weir *w, uint16_t reason, const char **text, const char **owner)
{
	unsigned number = reason >> REASONS_PER_OWNER_SHIFT;
	unsigned index = reason & ((1u << REASONS_PER_OWNER_SHIFT) - 1);
	const struct reason_names *names = __atomic_load_n(&w->reasons[number], __ATOMIC_ACQUIRE);

	*owner = "core";
	if (number == 0 && index < N_CORE_REASONS) {
		*text = core_reasons[index].text;
		return core_reasons[index].token;
	}
	*text = "";
	if (!names || index >= names->n)
		return "unknown";
	*owner = names->owner;
	*text = names->reasons[index].text;
	return names->reasons[index].token;
}

static void add_want(
	uint16_t value, uint16_t mask, struct drop_want wants[], unsigned max, unsigned *n)
{
	if (*n < max)
		wants[*n] = (struct drop_want){ value, mask };
	++*n;
}

static void reasons_of(const struct weir_drop_reason *reasons, unsigned n_reasons, unsigned owner,
	const char *token, struct drop_want wants[], unsigned max, unsigned *n)
{
	for (unsigned i = 0; token && i < n_reasons; i++)
		if (strcmp(token, reasons[i].token) == 0)
			add_want(reason_of(owner, i), UINT16_MAX, wants, max, n);
	if (!token && n_reasons)
		add_want(reason_of(owner, 0), REASON_OF_EXTENSION, wants, max, n);
}

unsigned reasons_find(const struct weir *w, const char *token, const char *extension,
	struct drop_want wants[], unsigned max)
{
	unsigned n = 0;

	if (!extension || strcmp(extension, "core") == 0)
		reasons_of(core_reasons, N_CORE_REASONS, 0, token, wants, max, &n);
	for (unsigned i = 1; i < REASON_OWNERS; i++) {
		const struct reason_names *names = w->reasons[i];

		if (names && (!extension || strcmp(extension, names->owner) == 0))
			reasons_of(names->reasons, names->n, i, token, wants, max, &n);
	}
	return n;
}
