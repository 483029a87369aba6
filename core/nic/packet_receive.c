// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/packet_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "nic/landing.h"

enum {
	ADDRESSES = 12,     // bytes before the EtherType
	QUIET_POLLS = 4096, // empty polls after which a queue that is never armed is checked
	LOSING_CALLS = 64,  // calls with losses after which the kernel is asked how many
	CHECK_MS = 1000,    // a sleeping queue is looked at so often
	CHECK_DOWN_MS = 100,
};

void packet_put_tag(uint8_t *frame, const struct packet_tag *tag)
{
	uint16_t words[2] = { htons(tag->tpid), htons(tag->tci) };

	memcpy(frame + ADDRESSES, words, sizeof(words));
}

void packet_shift_offload(struct virtio_net_hdr *offload)
{
	if (offload->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		offload->csum_start += PACKET_TAG;
	if (offload->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		offload->hdr_len += PACKET_TAG;
}

static struct packet_tag message_tag(struct msghdr *message)
{
	struct packet_tag tag = { 0 };
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	struct tpacket_auxdata aux;

	if (!control || control->cmsg_level != SOL_PACKET || control->cmsg_type != PACKET_AUXDATA)
		return tag;
	memcpy(&aux, CMSG_DATA(control), sizeof(aux));
	tag.present = aux.tp_status & TP_STATUS_VLAN_VALID;
	tag.tpid = aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : 0x8100;
	tag.tci = aux.tp_vlan_tci;
	return tag;
}

// 1 = *frame is one, 0 = passed over, negative errno = none.
static int receive_plain_one(
	struct packet_queue *queue, struct landing *landing, struct weir_frame **frame)
{
	char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct virtio_net_hdr header;
	struct sockaddr_ll from;
	struct iovec pieces[3] = { { &header, sizeof(header) } };
	struct msghdr message = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = pieces,
		.msg_iovlen = 3,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct packet_tag tag;
	ssize_t n;

	// The frame lands where it stands if there turns out to be a tag to put in.
	landing_pieces(landing, PACKET_TAG, pieces + 1);
	n = recvmsg(queue->fd, &message, MSG_DONTWAIT);
	if (n < 0 && errno != EINVAL)
		return -errno;
	if (message.msg_namelen && n >= 0 && from.sll_pkttype == PACKET_OUTGOING)
		return 0;
	// EINVAL: the frame's segmentation cannot be expressed.
	if (n < (ssize_t)sizeof(header) + ADDRESSES || message.msg_flags & MSG_TRUNC) {
		packet_miss(queue, 1);
		return 0;
	}
	*frame = landing_take(landing, PACKET_TAG, (uint32_t)((size_t)n - sizeof(header)));
	(*frame)->offload = header;
	tag = message_tag(&message);
	if (tag.present) {
		(*frame)->data -= PACKET_TAG;
		(*frame)->headroom -= PACKET_TAG;
		(*frame)->size = (*frame)->linear += PACKET_TAG;
		memmove((*frame)->data, (*frame)->data + PACKET_TAG, ADDRESSES);
		packet_put_tag((*frame)->data, &tag);
		packet_shift_offload(&(*frame)->offload);
	}
	return 1;
}

unsigned packet_plain_receive(struct packet_queue *queue, struct frame_pool *pool,
	struct weir_frame *frames[/* max */], unsigned max)
{
	struct landing landing = { 0 };
	unsigned n = 0;

	for (unsigned tried = 0; tried < max && landing_prepare(&landing, pool); tried++) {
		int ret = receive_plain_one(queue, &landing, &frames[n]);

		if (ret == -ENETDOWN)
			queue->down = true;
		else if (ret < 0)
			break;
		else
			n += (unsigned)ret;
	}
	landing_release(&landing);
	return n;
}

// Adds what the kernel dropped since it was asked last. Returns whether it dropped, and took
// nothing else in.
static bool read_drops(struct packet_queue *queue)
{
	struct tpacket_stats stats = { 0 };
	socklen_t size = sizeof(stats);

	queue->losing = false;
	queue->losing_calls = 0;
	if (getsockopt(queue->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) < 0)
		return false;
	packet_miss(queue, stats.tp_drops);
	// tp_packets counts the dropped ones too.
	return stats.tp_drops && stats.tp_packets == stats.tp_drops;
}

// The interface went down or away: reading the error makes the descriptor quiet again. When an
// interface is deleted it goes down first and only that is reported, so a queue that is down is
// looked at until it is up again: the kernel unbinds the socket when the interface is deleted.
static void check_interface(struct packet_queue *queue)
{
	struct sockaddr_ll address = { 0 };
	socklen_t size = sizeof(address), error_size = sizeof(int);
	int error = 0;

	if (getsockopt(queue->fd, SOL_SOCKET, SO_ERROR, &error, &error_size) == 0 && error)
		queue->down = true;
	if (!queue->down)
		return;
	if (getsockname(queue->fd, (struct sockaddr *)&address, &size) == 0)
		queue->gone = address.sll_ifindex <= 0;
}

// Leaves the wedged ring (see packet_internal.h). Blocks for the kernel's grace period, once in
// the life of the queue. On failure the ring stays, which is no worse.
static void leave_ring(struct packet_queue *queue)
{
	struct tpacket_req none = { 0 };
	int on = 1;

	packet_ring_destroy(queue);
	if (setsockopt(queue->fd, SOL_PACKET, PACKET_RX_RING, &none, sizeof(none)) < 0 ||
		setsockopt(queue->fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) < 0)
		queue->gone = true;
}

// A ring that was empty at two checks, without a frame between them, cannot have been full, so a
// drop in that time is the mark of the wedged slot.
static void check(struct packet_queue *queue)
{
	bool only_drops;

	queue->quiet = 0;
	check_interface(queue);
	only_drops = read_drops(queue);
	if (queue->n_slots == 0)
		return;
	if (only_drops && queue->empty_at_check)
		leave_ring(queue);
	else
		queue->empty_at_check = !packet_ring_ready(queue);
}

int packet_receive(struct nic *nic, unsigned index, struct frame_pool *pool,
	struct weir_frame *frames[/* max */], unsigned max)
{
	struct packet_queue *queue = &((struct packet *)nic)->queues[index];
	unsigned n;

	if (queue->n_slots)
		n = packet_ring_receive(queue, pool, frames, max);
	else
		n = packet_plain_receive(queue, pool, frames, max);
	if (n) {
		queue->quiet = 0;
		queue->down = queue->empty_at_check = false;
		if (queue->losing && ++queue->losing_calls >= LOSING_CALLS)
			read_drops(queue);
		return (int)n;
	}
	if (++queue->quiet >= QUIET_POLLS)
		check(queue);
	return queue->gone ? -ENODEV : 0;
}

bool packet_arm(struct nic *nic, unsigned index)
{
	struct packet_queue *queue = &((struct packet *)nic)->queues[index];

	check(queue);
	return queue->gone || (queue->n_slots && packet_ring_ready(queue));
}

// The worker is asked to look again after a while, not because frames are due: a deleted interface
// or a wedged ring wakes nobody.
uint64_t packet_next_ns(struct nic *nic, unsigned index)
{
	const struct packet_queue *queue = &((struct packet *)nic)->queues[index];
	uint64_t ms = queue->down ? CHECK_DOWN_MS : CHECK_MS;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + ms * 1000000;
}
