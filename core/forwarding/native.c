// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/generation.h"
#include "forwarding/native.h"

static bool is_reserved(const uint8_t mac[6])
{
	static const uint8_t prefix[5] = { 0x01, 0x80, 0xc2, 0x00, 0x00 };

	return memcmp(mac, prefix, sizeof(prefix)) == 0 && mac[5] < 0x10;
}

static void depend(struct native_decision *d, uint16_t vlan, const uint8_t mac[6])
{
	d->depends[d->n_depends++] = generation_slot(
		GENERATION_ADDRESS, generation_address(vlan, mac));
}

static void learn_source(struct fdb *fdb, const uint8_t mac[6], weir_port_id ingress,
	enum native_learning learning, uint32_t now_s, struct native_decision *d)
{
	uint32_t port;

	if (mac[0] & 1 || ingress == WEIR_PORT_NONE)
		return;
	depend(d, d->vlan, mac);
	if (learning == NATIVE_LOOK) {
		d->learned = fdb_lookup(fdb, d->vlan, mac, &port) && port == ingress;
		return;
	}
	d->asked = true;
	d->outcome = learning == NATIVE_LEARN
			     ? fdb_learn(fdb, d->vlan, mac, ingress, now_s, &d->moved_from)
			     : fdb_would_learn(fdb, d->vlan, mac, ingress, &d->moved_from);
	d->learned = d->outcome == FDB_KNOWN || d->outcome == FDB_LEARNED ||
		     d->outcome == FDB_MOVED;
	d->moved = d->outcome == FDB_MOVED;
	d->unlearned = d->outcome == FDB_FULL || d->outcome == FDB_PORT_LIMIT;
}

void native_decide(struct fdb *fdb, const struct flow_key *key, weir_port_id ingress,
	enum native_learning learning, uint32_t now_s, struct native_decision *d)
{
	uint8_t dst[6], src[6];

	memcpy(dst, &key->w[1], 6);
	memcpy(src, &key->w[2], 6);
	*d = (struct native_decision){ .vlan = key_vlan(key), .port = WEIR_PORT_NONE };
	if (is_reserved(dst)) {
		d->verdict = NATIVE_RESERVED;
		return;
	}
	learn_source(fdb, src, ingress, learning, now_s, d);
	if (key_group_address(key)) {
		d->verdict = NATIVE_FLOOD;
		d->forwarded = key_broadcast(key) ? WEIR_FORWARDED_BROADCAST
						  : WEIR_FORWARDED_MULTICAST;
		return;
	}
	depend(d, d->vlan, dst);
	if (learning == NATIVE_PRETEND && d->learned && memcmp(dst, src, sizeof(dst)) == 0) {
		d->port = ingress; // where it would be known, had it been learned
	} else if (!fdb_lookup(fdb, d->vlan, dst, &d->port)) {
		d->verdict = NATIVE_FLOOD;
		d->forwarded = WEIR_FORWARDED_UNKNOWN_UNICAST;
		return;
	}
	d->verdict = d->port == ingress ? NATIVE_SAME_PORT : NATIVE_PORT;
	d->forwarded = WEIR_FORWARDED_UNICAST;
}
