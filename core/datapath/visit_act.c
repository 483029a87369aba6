// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a visit hook does with the frames that it is shown: the host's side of struct
// weir_visit_ops.
#include <errno.h>

#include "datapath/rewrite.h"
#include "datapath/visit.h"

static struct visit_call *call_of(struct weir_visit *visit)
{
	return (struct visit_call *)visit;
}

static bool may(struct visit_call *call, unsigned i, bool allowed, const char *sentence)
{
	struct extension_counters *c = visit_counters(call);

	if (!allowed)
		extension_offend(c, &c->violations, "%s", sentence);
	else if (i >= call->visit.n)
		extension_offend(c, &c->invalid, "visit: no frame of that index");
	return allowed && i < call->visit.n;
}

static void set_outcome(struct visit_call *call, unsigned i, enum visit_outcome outcome)
{
	if (call->all_pass)
		memset(call->outcome, VISIT_PASS, call->visit.n);
	call->all_pass = false;
	call->outcome[i] = (uint8_t)outcome;
}

static struct weir_frame *visit_edit(struct weir_visit *visit, unsigned i)
{
	struct visit_call *call = call_of(visit);
	struct weir_frame *frame, *copy;

	if (!may(call, i, !visit_is(call, WEIR_CLASS_CAPTURE),
		    "a capture visit may only read frames"))
		return NULL;
	frame = call->frames[i];
	if (frame->refs == 1)
		return frame;
	copy = datapath_clone(call->dp, frame);
	if (!copy)
		return NULL;
	weir_frame_release(frame);
	call->frames[i] = copy;
	return copy;
}

static void visit_drop(struct weir_visit *visit, unsigned i, unsigned reason)
{
	struct visit_call *call = call_of(visit);

	if (!may(call, i, !visit_is(call, WEIR_CLASS_CAPTURE), "a capture visit may not drop"))
		return;
	if (reason >= call->hook->entry->extension->n_drop_reasons) {
		extension_offend(visit_counters(call), &visit_counters(call)->invalid,
			"visit: drop with a reason that the extension does not have");
		return;
	}
	set_outcome(call, i, VISIT_DROP);
	call->reason[i] = entry_reason(call->hook->entry, reason);
}

static void visit_redirect(struct weir_visit *visit, unsigned i, weir_port_id id)
{
	struct visit_call *call = call_of(visit);
	const struct snapshot_port *port = snapshot_port(call->dp->snapshot, (uint16_t)id);

	if (!may(call, i,
		    visit_is(call, WEIR_CLASS_FORWARDING) &&
			    call->hook->stage == WEIR_STAGE_FORWARD,
		    "only a forwarding extension's visit at stage forward may redirect"))
		return;
	if (snapshot_port_gone(call->dp->snapshot, id))
		return;
	if (!port || port->id != id || id == WEIR_PORT_NONE) {
		extension_offend(visit_counters(call), &visit_counters(call)->invalid,
			"visit: redirected to a port that does not exist");
		return;
	}
	set_outcome(call, i, VISIT_REDIRECT);
	call->port[i] = port->index;
}

static void visit_rekey(struct weir_visit *visit, unsigned i)
{
	struct visit_call *call = call_of(visit);

	if (may(call, i, !visit_is(call, WEIR_CLASS_CAPTURE),
		    "a capture visit may not change flows"))
		set_outcome(call, i, VISIT_REKEY);
}

static void visit_consume(struct weir_visit *visit, unsigned i)
{
	struct visit_call *call = call_of(visit);

	if (may(call, i, !visit_is(call, WEIR_CLASS_CAPTURE), "a capture visit may not consume"))
		set_outcome(call, i, VISIT_CONSUME);
}

static uint8_t highest_hops(const struct visit_call *call)
{
	uint8_t hops = 0;

	for (unsigned i = 0; i < call->visit.n; i++)
		if (call->frames[i]->hops > hops)
			hops = call->frames[i]->hops;
	return hops;
}

// A frame that enters behind stage 1's beginning is given here what it would be given there: the
// tag of its port's VLAN. False: the port does not let it in.
static bool enter_vlan(
	const struct snapshot_port *port, struct weir_frame *frame, enum core_reason *reason)
{
	struct flow_key key;
	enum vlan_ingress_tag tag;
	enum vlan_refusal why;
	uint16_t vlan;

	key_parse(frame, &key);
	if (!vlan_ingress(&port->vlan, key_tags(&key), key_vlan(&key), &vlan, &tag, &why)) {
		*reason = compose_vlan_reason(why);
		return false;
	}
	// It is new and private, with room before it.
	if (tag == VLAN_INGRESS_PUSH)
		rewrite_frame(frame, &(struct op){ .code = OP_PUSH_VLAN, .arg = vlan });
	else if (tag == VLAN_INGRESS_SET_VID)
		rewrite_frame(frame,
			&(struct op){ .code = OP_SET_TCI, .arg = vlan | UINT32_C(0x0fff) << 16 });
	return true;
}

// Behind the originator, as far as the frame has been decided there; what an egress visit makes has
// no destination yet and enters at stage 1.
static uint8_t entry_of(const struct hook *hook)
{
	return hook->stage < WEIR_STAGE_EGRESS ? (uint8_t)(hook->position + 1) : 0;
}

static int visit_originate(
	struct weir_visit *visit, weir_port_id id, const void *bytes, size_t size)
{
	struct visit_call *call = call_of(visit);
	struct datapath *dp = call->dp;
	const struct snapshot_port *port = id == WEIR_PORT_NONE
						   ? dp->snapshot->nowhere
						   : snapshot_port(dp->snapshot, (uint16_t)id);
	struct weir_frame *frame;
	enum core_reason reason;
	uint8_t hops = highest_hops(call);

	if (!port || port->id != id)
		return -ENOENT;
	if (size < 14 || size > WEIR_FRAME_MAX)
		return -EMSGSIZE;
	if (hops >= HOPS_MAX)
		return -ELOOP;
	frame = dp->n_originated == ORIGINATED_MAX ? NULL : datapath_alloc(dp, (uint32_t)size);
	if (!frame)
		return -ENOBUFS;
	memcpy(frame->data, bytes, size);
	frame->size = frame->linear = (uint32_t)size;
	frame->hops = (uint8_t)(hops + 1);
	frame->port = port->index;
	frame->flags = WEIR_FRAME_ORIGINATED | (id == WEIR_PORT_NONE ? WEIR_FRAME_TRUSTED : 0);
	count(&datapath_counters(dp, port)->originated, 1);
	if (entry_of(call->hook) && !enter_vlan(port, frame, &reason))
		datapath_drop(dp, frame, port->index, WEIR_STAGE_INGRESS, reason_of(0, reason));
	else
		dp->originated[dp->n_originated++] = (struct originated){ frame, port->index,
			entry_of(call->hook) };
	return 0;
}

const struct weir_visit_ops visit_ops = {
	.size = sizeof(struct weir_visit_ops),
	.edit = visit_edit,
	.drop = visit_drop,
	.redirect = visit_redirect,
	.rekey = visit_rekey,
	.consume = visit_consume,
	.originate = visit_originate,
};
