// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Recording operations. Rewrites are recorded as they are decided and tidied at once: the last of
// several rewrites of one field counts, and a tag that was pushed at an access port and is popped
// at another one is never pushed. Nothing is moved across a place where somebody sees the frame.
#include <arpa/inet.h>
#include <string.h>

#include "datapath/composer.h"

static bool is_observer(const struct op *op)
{
	return op->code == OP_VISIT || op->code == OP_COPY || op->code == OP_DELIVER ||
	       op->code == OP_FLOOD || op->code == OP_OUTPUT;
}

// Reads the frame's addresses and ports; the VLAN it knows.
static bool is_reader(const struct op *op)
{
	return op->code == OP_TRACK || op->code == OP_RELATED || op->code == OP_REMEMBER ||
	       op->code == OP_FOLLOW;
}

// Lets single frames through, and drops others.
static bool is_gate(const struct op *op)
{
	return op->code == OP_RELATED || op->code == OP_FOLLOW;
}

static bool is_rewrite(const struct op *op)
{
	return op->code >= OP_PUSH_VLAN;
}

static bool is_account(const struct op *op)
{
	return op->code == OP_METER || op->code == OP_POLICE;
}

// Counts bytes as on its port's wire.
static bool is_adjusted(const struct op *op)
{
	return is_account(op) || op->code == OP_FOLLOW;
}

static void remove_op(struct composition *out, unsigned at)
{
	memmove(&out->ops[at], &out->ops[at + 1], (out->n_ops - at - 1) * sizeof(out->ops[0]));
	out->n_ops--;
}

// The place behind the last operation that shows the frame to somebody.
static unsigned last_observed(const struct composition *out)
{
	unsigned behind = 0;

	for (unsigned i = 0; i < out->n_ops; i++)
		if (is_observer(&out->ops[i]))
			behind = i + 1;
	return behind;
}

// The same for what does not concern the tags.
static unsigned last_read(const struct composition *out)
{
	unsigned behind = last_observed(out);

	for (unsigned i = behind; i < out->n_ops; i++)
		if (is_reader(&out->ops[i]))
			behind = i + 1;
	return behind;
}

void composer_op(struct composer *c, struct op op)
{
	if (c->out->n_ops == PROGRAM_OPS_MAX)
		c->too_complex = true;
	else
		c->out->ops[c->out->n_ops++] = op;
}

void composer_depend(struct composer *c, uint16_t slot)
{
	struct composition *out = c->out;

	for (unsigned i = 0; i < out->n_depends; i++)
		if (out->depends[i] == slot)
			return;
	if (out->n_depends == GENERATION_DEPENDS - 2)
		out->depends_on_all = true;
	else
		out->depends[out->n_depends++] = slot;
}

// What an earlier rewrite of the TOS sets, a later one may keep.
static uint32_t merge_tos(uint32_t before, uint32_t after)
{
	uint32_t keep = after >> 8 & 0xff;

	return (before & keep) | (after & 0xff & ~keep) | (keep & before >> 8) << 8;
}

// Records a rewrite of one field, in the place of an earlier one that nobody has seen.
static void rewrite(struct composer *c, struct op op)
{
	struct composition *out = c->out;

	for (unsigned i = last_read(out); i < out->n_ops; i++) {
		if (out->ops[i].code == op.code) {
			if (op.code == OP_SET_TOS)
				op.arg = merge_tos(out->ops[i].arg, op.arg);
			remove_op(out, i);
			break;
		}
	}
	composer_op(c, op);
}

void composer_push_vlan(struct composer *c, uint16_t tci)
{
	if (key_tags(&c->key) == 2) {
		// The parser follows two tags; a third would hide the first from every later stage.
		c->too_complex = true;
		return;
	}
	if (key_tags(&c->key) == 1)
		c->key.w[8] |= (uint64_t)key_tci(&c->key) << KEY_INNER_SHIFT;
	key_set_tci(&c->key, tci);
	key_set_tags(&c->key, key_tags(&c->key) + 1);
	composer_op(c, (struct op){ .code = OP_PUSH_VLAN, .arg = tci });
}

// What counts bytes from here on runs before a tag that is not pushed after all.
static void accounts_without_tag(struct composition *out, unsigned from)
{
	for (unsigned i = from; i < out->n_ops; i++)
		if (is_adjusted(&out->ops[i]))
			out->ops[i].adjust += VLAN_TAG_SIZE;
}

void composer_pop_vlan(struct composer *c)
{
	struct composition *out = c->out;
	uint16_t none = 0;

	if (key_tags(&c->key) == 0)
		return;
	key_set_field(&c->key, WEIR_FIELD_VLAN_ID, &none, sizeof(none));
	for (unsigned i = out->n_ops; i-- > last_observed(out);) {
		if (out->ops[i].code == OP_SET_TCI) {
			remove_op(out, i);
		} else if (out->ops[i].code == OP_PUSH_VLAN) {
			remove_op(out, i);
			accounts_without_tag(out, i);
			return;
		} else if (out->ops[i].code == OP_POP_VLAN) {
			break;
		}
	}
	composer_op(c, (struct op){ .code = OP_POP_VLAN });
}

// arg of OP_SET_TCI: value in the low half, the bits to set in the high half, since what the flow
// does not read it must not overwrite. A tag just pushed is changed where it is pushed.
static void set_tci(struct composer *c, uint16_t value, uint16_t bits)
{
	struct composition *out = c->out;

	for (unsigned i = out->n_ops; i-- > last_observed(out);) {
		struct op *op = &out->ops[i];

		if (op->code == OP_PUSH_VLAN) {
			op->arg = (op->arg & (uint32_t)~bits) | value;
			return;
		}
		if (op->code == OP_SET_TCI) {
			op->arg = (op->arg & ~(uint32_t)bits) | value | (uint32_t)bits << 16;
			return;
		}
		if (op->code == OP_POP_VLAN)
			break;
	}
	composer_op(c, (struct op){ .code = OP_SET_TCI, .arg = value | (uint32_t)bits << 16 });
}

static bool set_vlan(struct composer *c, uint64_t field, const void *value, size_t size)
{
	uint16_t id = 0;

	if (field == WEIR_FIELD_VLAN_PCP) {
		uint8_t pcp = size == 1 ? *(const uint8_t *)value : 8;

		if (!key_set_field(&c->key, field, value, size))
			return false;
		if (key_tags(&c->key))
			set_tci(c, (uint16_t)(pcp << 13), 0xe000);
		return true;
	}
	if (size != 2)
		return false;
	memcpy(&id, value, 2);
	if (id > 4094 || key_malformed(&c->key) == WEIR_MALFORMED_TAGS)
		return false;
	if (id == 0) {
		// The inner tag becomes the VLAN: who does not read it cannot decide that.
		if (key_tags(&c->key) == 2 && !(c->hook->mask.fields & WEIR_FIELD_INNER_VLAN))
			return false;
		composer_pop_vlan(c);
	} else if (key_tags(&c->key) == 0) {
		composer_push_vlan(c, id);
	} else {
		key_set_field(&c->key, field, value, size);
		set_tci(c, id, 0x0fff);
	}
	return true;
}

static struct op mac_op(enum op_code code, const void *value)
{
	struct op op = { .code = code };

	memcpy(op.bytes, value, 6);
	return op;
}

struct op composer_set_op(uint64_t field, const void *value, size_t size)
{
	struct op op = { 0 };

	if (size <= sizeof(op.arg))
		memcpy(&op.arg, value,
			size); // little-endian hosts: a byte or a half stands in the low bits
	switch (field) {
	case WEIR_FIELD_ETH_DST:
	case WEIR_FIELD_ETH_SRC:
		op = mac_op(field == WEIR_FIELD_ETH_DST ? OP_SET_ETH_DST : OP_SET_ETH_SRC, value);
		break;
	case WEIR_FIELD_IP_TOS:
		op.code = OP_SET_TOS;
		break;
	case WEIR_FIELD_L4_SRC:
		op.code = OP_SET_L4_SRC;
		break;
	case WEIR_FIELD_L4_DST:
		op.code = OP_SET_L4_DST;
		break;
	default: // an IP address
		if (size == 4) {
			op.code = field == WEIR_FIELD_IP_SRC ? OP_SET_IPV4_SRC : OP_SET_IPV4_DST;
			break;
		}
		op.code = field == WEIR_FIELD_IP_SRC ? OP_SET_IPV6_SRC : OP_SET_IPV6_DST;
		memcpy(op.address, value, 16);
	}
	return op;
}

bool composer_set(struct composer *c, uint64_t field, const void *value, size_t size)
{
	if (field == WEIR_FIELD_VLAN_ID || field == WEIR_FIELD_VLAN_PCP)
		return set_vlan(c, field, value, size);
	if (!key_set_field(&c->key, field, value, size))
		return false;
	rewrite(c, composer_set_op(field, value, size));
	return true;
}

// The place behind which no rewrite of a dropped frame matters.
static unsigned last_seen(const struct composition *out)
{
	unsigned behind = last_observed(out);

	for (unsigned i = behind; i < out->n_ops; i++)
		if (out->ops[i].code == OP_REMEMBER)
			behind = i + 1;
	return behind;
}

// The place behind the last visit.
static unsigned last_visited(const struct composition *out)
{
	unsigned behind = out->n_ops;

	while (behind > 0 && out->ops[behind - 1].code != OP_VISIT)
		behind--;
	return behind;
}

void composer_strip_dropped(struct composer *c)
{
	struct composition *out = c->out;

	for (unsigned i = 0; i < out->n_ops;) {
		struct op *op = &out->ops[i];
		bool visited = i < last_visited(out);

		if (visited && op->code == OP_METER)
			op->code = OP_LOST;
		if (op->code == OP_TRACK || (!visited && (is_account(op) || is_gate(op))) ||
			(i >= last_seen(out) && is_rewrite(op)))
			remove_op(out, i);
		else
			i++;
	}
}

// How much shorter the frame is, in bytes, at a place than at the end of the program.
static int8_t shorter_at(const struct composition *out, unsigned at)
{
	int8_t bytes = 0;

	for (unsigned i = at; i < out->n_ops; i++) {
		if (out->ops[i].code == OP_PUSH_VLAN)
			bytes += VLAN_TAG_SIZE;
		else if (out->ops[i].code == OP_POP_VLAN)
			bytes -= VLAN_TAG_SIZE;
	}
	return bytes;
}

static bool sets_l3(const struct op *op)
{
	return op->code >= OP_SET_IPV4_SRC;
}

// The place behind the last operation that cannot be done at the end of the program instead, as it
// shows the frame or reads what is rewritten behind it.
static unsigned last_fixed(const struct composition *out)
{
	unsigned behind = last_observed(out);
	bool rewritten = false;

	for (unsigned i = out->n_ops; i-- > behind;) {
		if (is_gate(&out->ops[i]) && rewritten)
			return i + 1;
		rewritten |= sets_l3(&out->ops[i]);
	}
	return behind;
}

unsigned composer_take_late(struct composer *c, struct op late[])
{
	struct composition *out = c->out;
	unsigned n = 0, fixed = last_fixed(out);

	for (unsigned i = 0; i < out->n_ops;) {
		struct op *op = &out->ops[i];
		bool moves = i >= fixed && (is_account(op) || is_gate(op));

		if (!moves && op->code != OP_METER) {
			i++;
			continue;
		}
		late[n] = *op;
		if (is_adjusted(op))
			late[n].adjust -= shorter_at(out, i);
		n++;
		if (moves)
			remove_op(out, i);
		else
			op->code = OP_LOST;
	}
	return n;
}
