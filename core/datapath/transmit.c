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

void datapath_transmit(struct datapath *dp, struct weir_frame *frame, uint16_t index)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, index);
	struct tx_queue *queue;

	if (__builtin_expect(!port || !port->nic || port->blocked, 0)) {
		datapath_drop(dp, frame, index, WEIR_STAGE_EGRESS,
			reason_of(0, port ? REASON_PORT_DOWN : REASON_NO_PORT));
		return;
	}
	queue = &port->runtime.queues[dp->worker];
	if (__builtin_expect(queue->n == NIC_BATCH, 0))
		datapath_flush_queue(dp, queue);
	if (!queue->dirty) {
		queue->dirty = true;
		queue->port = index;
		queue->next = dp->dirty;
		dp->dirty = queue;
	}
	queue->frames[queue->n++] = frame;
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

struct sending {
	struct datapath *dp;
	const struct snapshot_port *port;
	struct weir_frame *ready[NIC_BATCH];
	unsigned n;
};

static void send(struct sending *s)
{
	struct datapath *dp = s->dp;
	struct nic *nic = s->port->nic;
	struct port_counters *c = datapath_counters(dp, s->port);
	uint64_t frames[NIC_BATCH], bytes[NIC_BATCH], n_frames = 0, n_bytes = 0;
	unsigned accepted, lost = 0;

	if (s->n == 0)
		return;
	// Accepted frames belong to the NIC: they are measured before.
	for (unsigned i = 0; i < s->n; i++) {
		frames[i] = bytes[i] = 0;
		weir_frame_wire(s->ready[i], &frames[i], &bytes[i]);
	}
	accepted = nic->class->transmit(nic, dp->worker % nic->n_tx_queues, s->ready, s->n, &lost);
	for (unsigned i = 0; i < accepted; i++) {
		n_frames += frames[i];
		n_bytes += bytes[i];
	}
	if (lost) {
		// The kernel refused them one by one; which ones they were is not known, their
		// number is.
		lost = lost > n_frames ? (unsigned)n_frames : lost;
		count_drop(c, WEIR_STAGE_EGRESS, reason_of(0, REASON_TX_FAILED), lost);
		n_bytes -= n_bytes * lost / n_frames;
		n_frames -= lost;
	}
	count(&c->tx_frames, n_frames);
	count(&c->tx_bytes, n_bytes);
	for (unsigned i = accepted; i < s->n; i++)
		datapath_drop(dp, s->ready[i], s->port->index, WEIR_STAGE_EGRESS,
			reason_of(0, REASON_TX_FULL));
	s->n = 0;
}

static void add(struct sending *s, struct weir_frame *frame)
{
	if (s->n == NIC_BATCH)
		send(s);
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

void datapath_flush_queue(struct datapath *dp, struct tx_queue *queue)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, queue->port);
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

		if (__builtin_expect(frame->size > port->frame_max, 0) &&
			payload_size(frame) > port->frame_max - ETH_HEADER) {
			drop(&s, frame, REASON_TOO_BIG);
			continue;
		}
		if (__builtin_expect(frame->offload.flags | frame->offload.gso_type, 0))
			needs = offload_needs(frame) & ~port->nic->offloads;
		if (__builtin_expect(needs != 0, 0))
			add_unfinished(&s, frame, offload_needs(frame));
		else
			add(&s, frame);
	}
	send(&s);
}

void datapath_flush(struct datapath *dp)
{
	while (dp->dirty) {
		struct tx_queue *queue = dp->dirty;

		dp->dirty = queue->next;
		queue->dirty = false;
		datapath_flush_queue(dp, queue);
	}
}
