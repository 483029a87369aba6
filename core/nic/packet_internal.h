// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The `packet` kind from inside: an interface of the host through AF_PACKET.
//
// Receiving: a ring of small slots that the kernel fills (TPACKET_V2: TPACKET_V3 hands slots over
// by block and timer, which costs up to a millisecond). A frame is copied into the worker's pool
// and its slot given back at once, for three reasons: a frame that is held a while (a shaper, a
// flood) would stop the ring at its slot, the kernel fills it strictly in order; poll() reports a
// ring readable as long as its newest slot is not given back; and a frame in the ring could not
// outlive the NIC. Frames larger than a slot, which are the segmentation-offload frames, come
// whole through the socket's queue (PACKET_COPY_THRESH) and leave a mark in their slot, so that
// the order is kept and the ring stays small.
//
// The kernel's ring has a flaw: a frame whose segmentation the virtio header cannot express (UDP
// before Linux 6.2, SCTP) leaves a slot claimed for ever and nothing is received afterwards. The
// queue then gives its ring up, once, and goes on with plain recvmsg().
//
// Transmitting: sendmmsg() on one socket for all workers, which the kernel does not serialise. Not
// a transmit ring: its slot is declared free as soon as a veth pair orphans the frame, while the
// peer still reads it.
//
// Own transmissions: the transmit socket listens to no protocol and so receives nothing; the
// receive sockets ignore outgoing frames (PACKET_IGNORE_OUTGOING), and what comes as
// PACKET_OUTGOING all the same, from a kernel before 4.20, is passed over.
#ifndef PACKET_INTERNAL_H
#define PACKET_INTERNAL_H

#include "nic/nic.h"

enum {
	PACKET_SLOT = 2048,        // bytes of a ring slot
	PACKET_BLOCK_SLOTS = 32,   // the kernel allocates so many at a time
	PACKET_RING = 512,         // slots by default: 1 MB for each queue
	PACKET_RING_MAX = 32768,   // slots
	PACKET_RECEIVE = 4 << 20,  // bytes of large frames that may wait in the socket
	PACKET_TRANSMIT = 4 << 20, // bytes that may wait in the interface's transmit queues
};

// One receive socket. Worker: rw; control: between open and the first receive, and in close.
struct packet_queue {
	_Alignas(64) int fd;
	uint32_t n_slots; // 0 = no ring: plain recvmsg; describe() reads it too
	uint32_t position;
	uint32_t quiet; // polls in a row without a frame
	uint8_t *ring;  // n_slots * PACKET_SLOT bytes
	uint64_t *missed;
	bool losing;         // the kernel marks slots: it has dropped frames since it was asked
	bool down;           // the interface was down when last looked at
	bool gone;           // the interface was deleted
	bool empty_at_check; // nothing was received since the last check, nor was there anything
	uint32_t losing_calls;
};

struct packet {
	struct nic nic;
	int transmit_fd;
	unsigned n_queues;
	uint64_t missed[NIC_MAX_QUEUES];
	struct packet_queue queues[];
};

// Makes the ring of an unbound socket with n_slots (a multiple of PACKET_BLOCK_SLOTS).
int packet_ring_create(struct packet_queue *queue, unsigned n_slots);
// Accepts a queue without a ring.
void packet_ring_destroy(struct packet_queue *queue);
// Takes up to max frames off the ring.
unsigned packet_ring_receive(struct packet_queue *queue, struct frame_pool *pool,
	struct weir_frame *frames[/* max */], unsigned max);
// True when there is a frame in the ring.
bool packet_ring_ready(const struct packet_queue *queue);
// The same for a queue without a ring.
unsigned packet_plain_receive(struct packet_queue *queue, struct frame_pool *pool,
	struct weir_frame *frames[/* max */], unsigned max);

// The slots of nic_class, as there.
int packet_receive(struct nic *nic, unsigned queue, struct frame_pool *pool,
	struct weir_frame *frames[/* max */], unsigned max);
bool packet_arm(struct nic *nic, unsigned queue);
uint64_t packet_next_ns(struct nic *nic, unsigned queue);
unsigned packet_transmit(struct nic *nic, unsigned queue, struct weir_frame *frames[/* n */],
	unsigned n, unsigned *lost);

// A VLAN tag that the kernel took out of the frame.
struct packet_tag {
	bool present;
	uint16_t tpid, tci; // host order
};

enum { PACKET_TAG = 4 }; // bytes

// Writes the tag behind the two addresses at `frame`.
void packet_put_tag(uint8_t *frame, const struct packet_tag *tag);
// Moves the offsets of an offload state that the kernel gave for the frame without its tag.
void packet_shift_offload(struct virtio_net_hdr *offload);

static inline void packet_miss(struct packet_queue *queue, uint64_t n)
{
	__atomic_store_n(queue->missed, *queue->missed + n, __ATOMIC_RELAXED);
}

#endif
