// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Rewriting: one operation, or none, on any frame. An input is the operation (24 bytes, its first
// modulo the number of operations), the offload state (10 bytes), the headroom (1 byte), and the
// frame.
#include <stdlib.h>
#include <string.h>

#include "datapath/key.h"
#include "datapath/rewrite.h"
#include "fuzz.h"

enum {
	OP_SIZE = sizeof(struct op),
	OFFLOAD_SIZE = sizeof(struct virtio_net_hdr),
	PREFIX = OP_SIZE + OFFLOAD_SIZE + 1,
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static bool moves_bytes(const struct op *op)
{
	return op->code == OP_PUSH_VLAN || op->code == OP_POP_VLAN;
}

// What the operation is about, as weir_set() names it; 0: a tag, or no rewrite.
static uint64_t field_of(const struct op *op, const void **value, size_t *size)
{
	static const struct {
		uint8_t code, size;
		uint64_t field;
	} fields[] = {
		{ OP_SET_ETH_DST, 6, WEIR_FIELD_ETH_DST },
		{ OP_SET_ETH_SRC, 6, WEIR_FIELD_ETH_SRC },
		{ OP_SET_TOS, 2, WEIR_FIELD_IP_TOS },
		{ OP_SET_IPV4_SRC, 4, WEIR_FIELD_IP_SRC },
		{ OP_SET_IPV4_DST, 4, WEIR_FIELD_IP_DST },
		{ OP_SET_IPV6_SRC, 16, WEIR_FIELD_IP_SRC },
		{ OP_SET_IPV6_DST, 16, WEIR_FIELD_IP_DST },
		{ OP_SET_L4_SRC, 2, WEIR_FIELD_L4_SRC },
		{ OP_SET_L4_DST, 2, WEIR_FIELD_L4_DST },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].code != op->code)
			continue;
		*size = fields[i].size;
		*value = *size == 6 ? (const void *)op->bytes : (const void *)op->address;
		return fields[i].field;
	}
	return 0;
}

// The composer goes on with a key that it rewrote; the frame must be what that key says.
static void check_key(
	const struct flow_key *before, const struct weir_frame *frame, const struct op *op)
{
	struct flow_key expected = *before, after;
	const void *value;
	size_t size;
	uint64_t field = field_of(op, &value, &size);

	// Of what the key refuses the composer makes no operation.
	if (!field || !key_set_field(&expected, field, value, size))
		return;
	key_parse(frame, &after);
	require(memcmp(&expected, &after, sizeof(after)) == 0);
}

// A tag that was pushed and is popped leaves the frame as it was.
static void check_undone(struct weir_frame *frame, const struct op *op, const uint8_t *copy,
	const struct weir_frame *before)
{
	const struct op pop = { .code = OP_POP_VLAN };

	if (op->code != OP_PUSH_VLAN || before->linear < 14)
		return;
	require(frame->size == before->size + 4 && frame->data == before->data - 4);
	require(rewrite_frame(frame, &pop));
	require(frame->data == before->data && frame->size == before->size);
	require(frame->linear == before->linear && frame->headroom == before->headroom);
	require(memcmp(&frame->offload, &before->offload, OFFLOAD_SIZE) == 0);
	require(memcmp(frame->data, copy, frame->size) == 0);
}

static void check_frame(struct weir_frame *frame, const struct op *op, const uint8_t *copy)
{
	struct weir_frame before = *frame;
	struct flow_key key;

	key_parse(frame, &key);
	if (!rewrite_frame(frame, op)) {
		require(op->code == OP_PUSH_VLAN && frame->headroom < 4);
		require(memcmp(frame, &before, sizeof(before)) == 0);
		require(memcmp(frame->data, copy, frame->size) == 0);
		return;
	}
	if (!moves_bytes(op))
		require(memcmp(frame, &before, sizeof(before)) == 0);
	require(frame->size - before.size == (uint32_t)(before.data - frame->data));
	require(frame->headroom + frame->size == before.headroom + before.size);
	check_key(&key, frame, op);
	check_undone(frame, op, copy, &before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weir_frame frame = { .refs = 1 };
	struct op op;
	uint8_t *memory;

	if (size < PREFIX || size - PREFIX > WEIR_FRAME_MAX)
		return 0;
	memcpy(&op, data, OP_SIZE);
	op.code = (uint8_t)(OP_PUSH_VLAN + op.code % (N_OP_CODES - OP_PUSH_VLAN));
	memcpy(&frame.offload, data + OP_SIZE, OFFLOAD_SIZE);
	frame.headroom = data[PREFIX - 1] % 8;
	frame.size = frame.linear = (uint32_t)(size - PREFIX);
	memory = malloc(frame.headroom + frame.size + 1u);
	require(memory != NULL);
	// The last byte of the memory is in front: what is behind the frame is out of bounds.
	frame.data = memory + 1 + frame.headroom;
	memcpy(frame.data, data + PREFIX, frame.size);
	check_frame(&frame, &op, data + PREFIX);
	free(memory);
	return 0;
}
