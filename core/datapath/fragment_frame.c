// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/fragment_frame.h"

// Of the Ethernet source: stations that the port's policies may tell apart take no other's
// datagrams for theirs.
static uint64_t station(const struct weir_frame *frame)
{
	uint64_t mac = 0;

	memcpy(&mac, frame->data + 6, 6);
	return mac * UINT64_C(0x9e3779b97f4a7c15) >> 40;
}

// False: it is no fragment.
static bool make_key(const struct weir_frame *frame, const struct op *op, struct fragment_key *key)
{
	struct frame_datagram d;

	if (!frame_datagram(frame, &d))
		return false;
	// The tag of its VLAN may be put on behind this, or never.
	*key = (struct fragment_key){ { (uint64_t)op_owner(op) << 48 | (uint64_t)op->port << 32 |
						(uint64_t)op_vlan(op) << 16 |
						(uint64_t)op->stage << 8 | d.l3_kind,
		d.id | (uint64_t)d.proto << 32 | station(frame) << 40, d.addresses[0],
		d.addresses[1], d.addresses[2], d.addresses[3] } };
	return true;
}

static struct fragment_verdict verdict_of(const struct op *op)
{
	return (struct fragment_verdict){
		.policer = op->policer,
		.reason = (uint16_t)op->reason,
		.drops = op->flags & FRAGMENT_DROPS,
	};
}

void fragment_remember(struct datapath *dp, const struct weir_frame *frame, const struct op *op)
{
	struct fragment_verdict verdict = verdict_of(op);
	struct fragment_key key;

	if (dp->fragments && make_key(frame, op, &key))
		fragment_put(dp->fragments, &key, &verdict, dp->now_s, (uint32_t)dp->now);
}

// What was decided before the port changed, its policies included, is not what would be now.
static bool is_fresh(const struct datapath *dp, uint16_t port, uint32_t at)
{
	// Another worker's reading of the clock may be later than this one's.
	uint64_t then = dp->now - (uint64_t)(int32_t)((uint32_t)dp->now - at);

	return generation_slot_time(dp->generation, generation_slot(GENERATION_PORT, port)) <= then;
}

static bool pay(struct datapath *dp, struct weir_frame *frame, const struct op *op, uint32_t id)
{
	const struct policer *policer = policer_at(dp->snapshot->policers, id);
	struct op police = {
		.code = OP_POLICE,
		.stage = op->stage,
		.port = op->port,
		.adjust = op->adjust,
		.arg = id,
		.reason = reason_of(0, REASON_OVER_RATE),
	};

	// It may have gone, and its number to somebody else.
	if (!policer || __atomic_load_n(&policer->owner, __ATOMIC_RELAXED) != op_owner(op))
		return true;
	police.flags = __atomic_load_n(&policer->unit, __ATOMIC_RELAXED);
	return datapath_account(dp, frame, &police, 1);
}

bool fragment_follow(struct datapath *dp, struct weir_frame *frame, const struct op *op)
{
	struct fragment_verdict verdict = verdict_of(op), remembered;
	struct fragment_key key;
	uint32_t at;

	if (dp->fragments && make_key(frame, op, &key) &&
		fragment_look(dp->fragments, &key, dp->now_s, &remembered, &at) &&
		is_fresh(dp, op->port, at))
		verdict = remembered;
	if (verdict.drops) {
		datapath_drop(dp, frame, op->port, op->stage, verdict.reason);
		return false;
	}
	return !verdict.policer || pay(dp, frame, op, verdict.policer - 1);
}
