// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Native forwarding: what the switch does when no extension chooses destinations. A learning bridge
// per VLAN (IEEE 802.1Q-2022, 8.6 and 8.8): learn the source, look up the destination, flood what
// is not known. A decision like an extension's: made once per flow, void when one of the two
// addresses moves.
#ifndef NATIVE_H
#define NATIVE_H

#include "datapath/key.h"
#include "forwarding/fdb.h"

// The fields that it reads.
#define NATIVE_FIELDS (WEIR_FIELD_ETH_DST | WEIR_FIELD_ETH_SRC | WEIR_FIELD_VLAN_ID)

enum native_verdict {
	NATIVE_PORT,      // to one port
	NATIVE_FLOOD,     // to all of the VLAN; forwarded says of which kind
	NATIVE_RESERVED,  // 01:80:C2:00:00:0x: link-local, never forwarded (802.1Q-2022, 8.6.3)
	NATIVE_SAME_PORT, // the destination is where the frame came from
};

enum native_learning {
	NATIVE_LOOK,    // no frame is at hand: nothing is learned
	NATIVE_LEARN,   // the source address is
	NATIVE_PRETEND, // nothing is, and the decision is as if it were: for a trace
};

struct native_decision {
	enum native_verdict verdict;
	enum weir_forwarded forwarded;
	weir_port_id port;
	bool learned; // the source address leads to the ingress port (learn set, or already known)
	bool unlearned; // it was to be learned, but there was no room
	bool moved;     // it was learned, and led to the port moved_from before
	bool asked;     // whether it is learned was a question, and this the answer
	enum fdb_outcome outcome;
	weir_port_id moved_from;
	uint16_t vlan;
	uint16_t depends[2]; // generation slots of source and destination
	unsigned n_depends;
};

// ingress: where the frame came from; WEIR_PORT_NONE: nothing is learned. Worker, or control thread
// inside rcu_enter() without NATIVE_LEARN.
void native_decide(struct fdb *fdb, const struct flow_key *key, weir_port_id ingress,
	enum native_learning learning, uint32_t now_s, struct native_decision *decision);

#endif
