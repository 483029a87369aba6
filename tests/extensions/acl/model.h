// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the ACL should do, one policy after the other: the reference for the extension, with which
// it shares no code. Reads the text of policies itself.
#ifndef ACL_TEST_MODEL_H
#define ACL_TEST_MODEL_H

#include "packet.h"

enum { MODEL_POLICIES_MAX = 512 };

struct model_prefix {
	int family; // 4, 6; 0: not given; -1: any
	unsigned length;
	uint8_t bytes[16];
};

struct model_policy {
	char id[16];
	bool rule, in, out, has_local, has_remote, has_mac, any_mac;
	enum { MODEL_ALLOW, MODEL_DENY, MODEL_METER } action;
	struct model_prefix local, remote;
	uint8_t mac; // the last byte: the station
	bool mac_is_remote;
	unsigned weight;
	enum { MODEL_IP, MODEL_IPV4, MODEL_IPV6, MODEL_ARP, MODEL_OTHER, MODEL_ANY } network;
	int protocol, vlan, icmp_type, icmp_code; // -1: not given
	unsigned local_min, local_max, remote_min, remote_max;
};

// The policies of one port.
struct model {
	struct model_policy policies[MODEL_POLICIES_MAX];
	unsigned n;
	enum { MODEL_SKIP, MODEL_DROP, MODEL_PASS } fragments;
};

void model_add(struct model *model, const char *id, const char *text);
void model_remove(struct model *model, const char *id);
// "": it passes; else the token of the reason. out: the packet comes from the port; else it goes
// to it.
const char *model_decide(const struct model *model, const struct packet *packet, bool out);
// Whether this policy, if it meters, counts a packet that passes.
bool model_counts(const struct model_policy *policy, const struct packet *packet, bool out);

#endif
