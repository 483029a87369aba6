// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A frame: one Ethernet frame on its way through the switch.
//
// What can be relied on
// - data points at the destination address; the first min(size, WEIR_FRAME_LINEAR) bytes are
//   contiguous there. `linear` says how many bytes really are; whatever is beyond stands in
//   segments, which weir_frame_next() walks. Frames of the core's own pool are always linear.
// - VLAN tags are in the data, never beside it. There is no FCS.
// - Unfinished checksums and segmentation are described by `offload`, which has the meaning of
//   struct virtio_net_hdr (VIRTIO 1.1, 5.1.6): all zero for a frame that is what it seems.
//   A frame with a gso_size stands for several wire frames; see weir_frame_wire().
// - A frame belongs to one thread at a time. `refs` counts the places in that thread that hold it
//   (a flooded frame waits in several transmit queues); bytes may be changed only while it is 1.
//
// The layout is part of the extension ABI. It is one cache line so that it fits the private area
// of a DPDK mbuf.
#ifndef WEIR_FRAME_H
#define WEIR_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/virtio_net.h>

enum {
	WEIR_FRAME_LINEAR = 256,     // bytes that are contiguous in every frame that is that long
	WEIR_FRAME_HEADROOM = 64,    // bytes before data in every received frame, for tags
	WEIR_FRAME_MAX = 65536 + 64, // bytes of the largest frame: a 64 KB segment and its headers
};

enum weir_frame_flag {
	WEIR_FRAME_ORIGINATED = 1 << 0, // made by an extension, not received from a NIC
	WEIR_FRAME_TRUSTED = 1 << 1,    // originated without a port's identity
};

struct weir_frame;

// Where a frame goes when its last holder lets go.
struct weir_frame_owner {
	// Takes the frame back. Called by the thread that holds the frame.
	void (*release)(struct weir_frame *frame);
};

// A piece of a frame beyond its linear part.
struct weir_segment {
	struct weir_segment *next; // NULL: the last one
	const uint8_t *data;
	uint32_t size; // bytes
};

struct weir_frame {
	uint8_t *data;   // first byte of the Ethernet header
	uint32_t size;   // bytes in all, without FCS
	uint32_t linear; // bytes at data; equals size when segments is NULL
	const struct weir_frame_owner *owner;
	void *owner_data;              // the owner's alone
	struct weir_segment *segments; // what follows the linear part, or NULL
	struct virtio_net_hdr offload;
	uint16_t headroom; // writable bytes before data
	uint16_t port;     // index of the port it came from
	uint16_t refs;     // holders, all in one thread
	uint16_t flags;    // enum weir_frame_flag
	uint8_t hops;      // how often it was originated from another frame
	uint8_t reserved;
	uint32_t hash; // the NIC's RSS hash, 0 = none
};

_Static_assert(sizeof(struct weir_frame) == 64, "one cache line, and frozen by the ABI");

// Lets go of one hold on the frame; the last one gives it back to its owner.
static inline void weir_frame_release(struct weir_frame *frame)
{
	if (--frame->refs == 0)
		frame->owner->release(frame);
}

// Walks the bytes of a frame piece by piece: start with *segment = NULL and *first = true.
// Returns the piece's bytes and stores its length; NULL after the last. Borrowed like the frame.
struct weir_frame_iterator {
	const struct weir_frame *frame;
	const struct weir_segment *next;
	bool started;
};

static inline struct weir_frame_iterator weir_frame_iterate(const struct weir_frame *frame)
{
	return (struct weir_frame_iterator){ .frame = frame, .next = frame->segments };
}

static inline const uint8_t *weir_frame_next(struct weir_frame_iterator *it, uint32_t *size)
{
	const struct weir_segment *segment = it->next;

	if (!it->started) {
		it->started = true;
		*size = it->frame->linear;
		return it->frame->data;
	}
	if (!segment)
		return NULL;
	it->next = segment->next;
	*size = segment->size;
	return segment->data;
}

// What the frame is on the wire: a segmentation-offload frame counts as the frames it will be,
// each with its own copy of the headers. *frames and *bytes are added to, not set.
static inline void weir_frame_wire(
	const struct weir_frame *frame, uint64_t *frames, uint64_t *bytes)
{
	uint32_t gso = frame->offload.gso_size, headers = frame->offload.hdr_len, n;

	if (gso == 0 || frame->size <= headers + gso) {
		*frames += 1;
		*bytes += frame->size;
		return;
	}
	n = (frame->size - headers + gso - 1) / gso;
	*frames += n;
	*bytes += frame->size + (uint64_t)(n - 1) * headers;
}

#endif
