// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Sending: frames are collected per port and sent once per batch. What the NIC cannot do is done
// here in software.
#include <errno.h>

#include "datapath/datapath.h"
#include "nic/offload.h"

enum {
	ETH_HEADER = 14,
	SEGMENTS_MAX = 512, // of one frame; a guest that asks for more, smaller ones is refused
};

struct tx_queue *datapath_find_tx_queue(struct datapath *dp, uint16_t index)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, index);
	struct tx_queue *queue;

	if (!port || !port->nic || port->blocked)
		return NULL;
	queue = &port->runtime.queues[dp->worker];
	dp->outputs[index % OUTPUTS] = queue;
	// What its NIC does not take stage 7 may copy to the same port: the queue is full again. Of
	// copies there are no more copies.
	while (queue->n == NIC_BATCH)
		datapath_flush_queue(dp, queue);
	if (!queue->dirty) {
		queue->dirty = true;
		queue->port = index;
		queue->next = dp->dirty;
		dp->dirty = queue;
	}
	return queue;
}

void datapath_drop_unsent(struct datapath *dp, struct weir_frame *frame, uint16_t index)
{
	bool exists = snapshot_port(dp->snapshot, index) != NULL;

	datapath_drop(dp, frame, index, WEIR_STAGE_EGRESS,
		reason_of(0, exists ? REASON_PORT_DOWN : REASON_NO_PORT));
}

// The bytes that the MTU speaks of: behind the Ethernet header and tags, of the largest wire frame.
static uint32_t payload_size(const struct weir_frame *frame)
{
	uint32_t l2 = ETH_HEADER, size = frame->size;

	for (unsigned i = 0; i < 2 && l2 + 4 <= frame->linear; i++) {
		uint16_t type = (uint16_t)(frame->data[l2 - 2] << 8 | frame->data[l2 - 1]);

		if (type != 0x8100 && type != 0x88a8)
			break;
		l2 += 4;
	}
	if (frame->offload.gso_size && frame->offload.hdr_len + frame->offload.gso_size < size)
		size = (uint32_t)frame->offload.hdr_len + frame->offload.gso_size;
	return size > l2 ? size - l2 : 0;
}

bool datapath_fits(const struct snapshot_port *port, const struct weir_frame *frame)
{
	return frame->size <= port->frame_max ||
	       payload_size(frame) <= port->frame_max - ETH_HEADER;
}

// Gives the frames to the NIC, counts what it took and drops what it did not. wire_frames,
// wire_bytes: of all of them on the wire; accepted frames belong to the NIC and cannot be measured
// any more.
static void hand_over(struct datapath *dp, const struct snapshot_port *port,
	struct weir_frame *frames[], unsigned n, uint64_t wire_frames, uint64_t wire_bytes)
{
	struct port_counters *c = datapath_counters(dp, port);
	struct nic *nic = port->nic;
	struct weir_frame *rest[NIC_BATCH];
	uint64_t rest_frames = 0, rest_bytes = 0;
	unsigned accepted, lost = 0;

	accepted = nic->class->transmit(nic, dp->worker % nic->n_tx_queues, frames, n, &lost);
	for (unsigned i = accepted; i < n; i++) {
		weir_frame_wire(frames[i], &rest_frames, &rest_bytes);
		rest[i - accepted] = frames[i];
	}
	wire_frames -= rest_frames;
	wire_bytes -= rest_bytes;
	if (lost) {
		// The kernel refused them one by one; which ones they were is not known, their
		// number is.
		lost = lost > wire_frames ? (unsigned)wire_frames : lost;
		count_drop(c, WEIR_STAGE_EGRESS, reason_of(0, REASON_TX_FAILED), lost);
		wire_bytes -= wire_bytes * lost / wire_frames;
		wire_frames -= lost;
	}
	count(&c->tx_frames, wire_frames);
	count(&c->tx_bytes, wire_bytes);
	// Dropping may fill the queue that the frames stood in again.
	for (unsigned i = 0; i < n - accepted; i++)
		datapath_drop(
			dp, rest[i], port->index, WEIR_STAGE_EGRESS, reason_of(0, REASON_TX_FULL));
}

// Frames that are made fit for the NIC one by one.
struct sending {
	struct datapath *dp;
	const struct snapshot_port *port;
	struct weir_frame *ready[NIC_BATCH];
	unsigned n;
	uint64_t wire_frames, wire_bytes;
};

static void send(struct sending *s)
{
	if (s->n)
		hand_over(s->dp, s->port, s->ready, s->n, s->wire_frames, s->wire_bytes);
	s->n = 0;
	s->wire_frames = s->wire_bytes = 0;
}

static void add(struct sending *s, struct weir_frame *frame)
{
	if (s->n == NIC_BATCH)
		send(s);
	weir_frame_wire(frame, &s->wire_frames, &s->wire_bytes);
	s->ready[s->n++] = frame;
}

static void drop(struct sending *s, struct weir_frame *frame, enum core_reason reason)
{
	datapath_drop(s->dp, frame, s->port->index, WEIR_STAGE_EGRESS, reason_of(0, reason));
}

static void add_segments(struct sending *s, struct weir_frame *frame)
{
	struct weir_frame *segments[SEGMENTS_MAX];
	int n;

	send(s);
	n = offload_segment(s->dp->pool, frame, segments, SEGMENTS_MAX);
	if (n < 0) {
		drop(s, frame, n == -EINVAL ? REASON_BAD_OFFLOAD : REASON_NO_BUFFERS);
		return;
	}
	for (int i = 0; i < n; i++)
		add(s, segments[i]);
	weir_frame_release(frame);
}

static void add_unfinished(struct sending *s, struct weir_frame *frame, unsigned needs)
{
	if (needs & ~(unsigned)NIC_OFFLOAD_CSUM & ~s->port->nic->offloads) {
		add_segments(s, frame);
		return;
	}
	frame = datapath_private(s->dp, frame);
	if (!frame)
		return;
	if (offload_finish_checksum(frame) < 0)
		drop(s, frame, REASON_BAD_OFFLOAD);
	else
		add(s, frame);
}

// The common case: every frame is finished and small enough, and they are handed over as they
// stand in the queue. False: one is not, and nothing is done.
static bool send_plain(
	struct datapath *dp, const struct snapshot_port *port, struct tx_queue *queue)
{
	unsigned n = queue->n;
	uint64_t bytes = 0;
	bool odd = false;

	for (unsigned i = 0; i < n; i++) {
		const struct weir_frame *frame = queue->frames[i];

		bytes += frame->size;
		odd |= offload_claimed(frame) | (frame->size > port->frame_max);
	}
	if (odd)
		return false;
	queue->n = 0;
	hand_over(dp, port, queue->frames, n, n, bytes);
	return true;
}

static void send_any(struct datapath *dp, const struct snapshot_port *port, struct tx_queue *queue)
{
	struct sending s = { .dp = dp, .port = port };
	struct weir_frame *frames[NIC_BATCH];
	unsigned n = queue->n;

	// The queue is empty before anything is sent: sending may need buffers, and so come here
	// again.
	memcpy(frames, queue->frames, n * sizeof(frames[0]));
	queue->n = 0;
	for (unsigned i = 0; i < n; i++) {
		struct weir_frame *frame = frames[i];
		unsigned needs = 0;

		if (!datapath_fits(port, frame)) {
			drop(&s, frame, REASON_TOO_BIG);
			continue;
		}
		if (offload_claimed(frame))
			needs = offload_needs(frame) & ~port->nic->offloads;
		if (needs != 0)
			add_unfinished(&s, frame, offload_needs(frame));
		else
			add(&s, frame);
	}
	send(&s);
}

void datapath_flush_queue(struct datapath *dp, struct tx_queue *queue)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, queue->port);

	if (queue->n && !send_plain(dp, port, queue))
		send_any(dp, port, queue);
}

void datapath_flush(struct datapath *dp)
{
	while (dp->dirty) {
		struct tx_queue *queue = dp->dirty;

		dp->dirty = queue->next;
		queue->dirty = false;
		dp->outputs[queue->port % OUTPUTS] = NULL;
		datapath_flush_queue(dp, queue);
	}
}
