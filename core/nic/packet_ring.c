// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/packet_internal.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
	ADDRESSES = 12, // bytes before the EtherType
	// Where the kernel puts the frame in its slot, for prefetching only; tp_mac is what counts.
	// TPACKET_ALIGN(TPACKET2_HDRLEN + 16) - 14 and the virtio header.
	DATA = 76,
};

int packet_ring_create(struct packet_queue *queue, unsigned n_slots)
{
	struct tpacket_req request = {
		.tp_frame_size = PACKET_SLOT,
		.tp_frame_nr = n_slots,
		.tp_block_size = PACKET_SLOT * PACKET_BLOCK_SLOTS,
		.tp_block_nr = n_slots / PACKET_BLOCK_SLOTS,
	};
	int version = TPACKET_V2, on = 1;
	void *ring;

	if (setsockopt(queue->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
		setsockopt(queue->fd, SOL_PACKET, PACKET_COPY_THRESH, &on, sizeof(on)) < 0 ||
		setsockopt(queue->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) < 0)
		return -errno;
	ring = mmap(NULL, (size_t)n_slots * PACKET_SLOT, PROT_READ | PROT_WRITE, MAP_SHARED,
		queue->fd, 0);
	if (ring == MAP_FAILED)
		return -errno;
	queue->ring = ring;
	queue->position = 0;
	queue->n_slots = n_slots;
	return 0;
}

void packet_ring_destroy(struct packet_queue *queue)
{
	if (queue->n_slots)
		munmap(queue->ring, (size_t)queue->n_slots * PACKET_SLOT);
	queue->ring = NULL;
	__atomic_store_n(&queue->n_slots, 0, __ATOMIC_RELAXED);
}

static struct tpacket2_hdr *slot_at(const struct packet_queue *queue, uint32_t position)
{
	return (struct tpacket2_hdr *)(queue->ring + (size_t)position * PACKET_SLOT);
}

static uint32_t slot_status(const struct tpacket2_hdr *slot)
{
	return __atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE);
}

bool packet_ring_ready(const struct packet_queue *queue)
{
	return slot_status(slot_at(queue, queue->position)) & TP_STATUS_USER;
}

static bool is_outgoing(const struct tpacket2_hdr *slot)
{
	const struct sockaddr_ll *address = (const void *)((const uint8_t *)slot +
							   TPACKET_ALIGN(sizeof(*slot)));

	return address->sll_pkttype == PACKET_OUTGOING;
}

static struct packet_tag slot_tag(const struct tpacket2_hdr *slot, uint32_t status)
{
	return (struct packet_tag){
		.present = status & TP_STATUS_VLAN_VALID,
		.tpid = status & TP_STATUS_VLAN_TPID_VALID ? slot->tp_vlan_tpid : 0x8100,
		.tci = slot->tp_vlan_tci,
	};
}

// Receives the frame whose slot says that it waits in the socket. The pieces leave a gap for the
// tag, so that nothing has to be moved afterwards. Returns its bytes, or a negative errno.
static int receive_waiting(
	struct packet_queue *queue, struct weir_frame *frame, uint32_t room, bool tagged)
{
	uint32_t gap = tagged ? PACKET_TAG : 0;
	struct iovec pieces[] = {
		{ &frame->offload, sizeof(frame->offload) },
		{ frame->data, ADDRESSES },
		{ frame->data + ADDRESSES + gap, room - ADDRESSES - gap },
	};
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = 3 };
	ssize_t n = recvmsg(queue->fd, &message, MSG_DONTWAIT);

	// The socket first reports an error of its own, such as that the interface went down.
	if (n < 0 && errno == ENETDOWN) {
		queue->down = true;
		n = recvmsg(queue->fd, &message, MSG_DONTWAIT);
	}
	if (n < 0)
		return -errno;
	if (n < (ssize_t)sizeof(frame->offload) + ADDRESSES || message.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	return (int)((size_t)n - sizeof(frame->offload) + gap);
}

static uint32_t copy_slot(const struct tpacket2_hdr *slot, struct weir_frame *frame, bool tagged)
{
	const uint8_t *data = (const uint8_t *)slot + slot->tp_mac;
	uint32_t gap = tagged ? PACKET_TAG : 0;

	memcpy(&frame->offload, data - sizeof(frame->offload), sizeof(frame->offload));
	memcpy(frame->data, data, ADDRESSES);
	memcpy(frame->data + ADDRESSES + gap, data + ADDRESSES, slot->tp_snaplen - ADDRESSES);
	return slot->tp_snaplen + gap;
}

// Whether the pool has a buffer for the slot's frame, and if it has, *frame is the frame or NULL
// when it is lost.
static bool take_frame(struct packet_queue *queue, struct frame_pool *pool,
	const struct tpacket2_hdr *slot, uint32_t status, struct weir_frame **frame)
{
	struct packet_tag tag = slot_tag(slot, status);
	uint32_t room = slot->tp_len + (tag.present ? PACKET_TAG : 0);
	bool waiting = status & TP_STATUS_COPY, whole = slot->tp_snaplen == slot->tp_len;
	struct weir_frame *taken;
	int size = -EMSGSIZE;

	// Above what a pool holds, it is received nevertheless, to take it off the socket.
	taken = frame_alloc(pool, room <= WEIR_FRAME_MAX ? room : WEIR_FRAME_MAX);
	if (!taken)
		return false;
	if (waiting)
		size = receive_waiting(
			queue, taken, room <= WEIR_FRAME_MAX ? room : WEIR_FRAME_MAX, tag.present);
	else if (whole && slot->tp_snaplen >= ADDRESSES)
		size = (int)copy_slot(slot, taken, tag.present);
	*frame = taken;
	if (size < 0) {
		packet_miss(queue, 1);
		weir_frame_release(taken);
		*frame = NULL;
		return true;
	}
	taken->size = taken->linear = (uint32_t)size;
	if (tag.present) {
		packet_put_tag(taken->data, &tag);
		packet_shift_offload(&taken->offload);
	}
	return true;
}

unsigned packet_ring_receive(struct packet_queue *queue, struct frame_pool *pool,
	struct weir_frame *frames[/* max */], unsigned max)
{
	unsigned n = 0;

	for (unsigned tried = 0; tried < max; tried++) {
		struct tpacket2_hdr *slot = slot_at(queue, queue->position);
		uint32_t status = slot_status(slot);
		uint32_t next = queue->position + 1 == queue->n_slots ? 0 : queue->position + 1;
		struct weir_frame *frame = NULL;

		if (!(status & TP_STATUS_USER))
			break;
		__builtin_prefetch(slot_at(queue, next));
		__builtin_prefetch((uint8_t *)slot_at(queue, next) + DATA);
		queue->losing |= (status & TP_STATUS_LOSING) != 0;
		if (!is_outgoing(slot) && !take_frame(queue, pool, slot, status, &frame))
			break;
		__atomic_store_n(&slot->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		queue->position = next;
		if (frame)
			frames[n++] = frame;
	}
	return n;
}
