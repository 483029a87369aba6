// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The application's side of the NIC kind `memory`.
#include <errno.h>

#include "nic/memory_internal.h"

unsigned weir_memory_n_queues(const struct weir_memory *memory)
{
	return memory->n_queues;
}

static int push_bytes(struct memory_ring *ring, const void *bytes, size_t size,
	const struct virtio_net_hdr *offload)
{
	static const struct virtio_net_hdr none;
	uint64_t position;

	if (size == 0 || size > WEIR_FRAME_MAX)
		return -EMSGSIZE;
	position = memory_ring_push(ring, (uint32_t)size, offload ? offload : &none);
	if (position == UINT64_MAX)
		return -EAGAIN;
	memory_ring_write(ring, position, bytes, (uint32_t)size);
	return 0;
}

static int check_send(struct weir_memory *memory, unsigned queue)
{
	if (queue >= memory->n_queues)
		return -EINVAL;
	return atomic_load_explicit(&memory->closed, memory_order_relaxed) ? -ENODEV : 0;
}

int weir_memory_send(struct weir_memory *memory, unsigned queue, const void *bytes, uint32_t size,
	const struct virtio_net_hdr *offload)
{
	int ret = check_send(memory, queue);

	if (!ret)
		ret = push_bytes(&memory->queues[queue].to_switch, bytes, size, offload);
	if (!ret)
		memory_ring_publish(&memory->queues[queue].to_switch);
	return ret;
}

int weir_memory_send_batch(struct weir_memory *memory, unsigned queue, const struct iovec frames[],
	const struct virtio_net_hdr offloads[], unsigned n)
{
	int ret = check_send(memory, queue);
	struct memory_ring *ring;
	unsigned i;

	if (ret)
		return ret;
	ring = &memory->queues[queue].to_switch;
	for (i = 0; i < n; i++) {
		ret = push_bytes(ring, frames[i].iov_base, frames[i].iov_len,
			offloads ? &offloads[i] : NULL);
		if (ret)
			break;
	}
	memory_ring_publish(ring);
	return i == 0 && ret != -EAGAIN ? ret : (int)i;
}

// Takes what is there; 0 when the ring is empty.
static int take(struct memory_ring *ring, struct iovec frames[], struct virtio_net_hdr offloads[],
	unsigned n)
{
	const struct memory_record *record;
	unsigned i;

	for (i = 0; i < n && (record = memory_ring_peek(ring)); i++) {
		if (record->size > frames[i].iov_len) {
			if (i == 0)
				return -EMSGSIZE;
			break;
		}
		memory_ring_read(ring, record, frames[i].iov_base);
		frames[i].iov_len = record->size;
		if (offloads)
			offloads[i] = record->offload;
		memory_ring_pop(ring);
	}
	memory_ring_retire(ring);
	return (int)i;
}

int weir_memory_receive_batch(struct weir_memory *memory, unsigned queue, struct iovec frames[],
	struct virtio_net_hdr offloads[], unsigned n)
{
	struct memory_queue *from;
	bool closed;
	int ret;

	if (queue >= memory->n_queues)
		return -EINVAL;
	from = &memory->queues[queue];
	ret = take(&from->to_application, frames, offloads, n);
	if (ret || n == 0)
		return ret;
	if (atomic_load_explicit(&from->wants_event, memory_order_relaxed))
		memory_ring_arm(&from->to_application);
	// Looked at after arming, so that an end that comes later wakes; and before the last look
	// at the ring, so that nothing is left in it when this says that nothing will follow.
	closed = atomic_load(&memory->closed);
	ret = take(&from->to_application, frames, offloads, n);
	return ret || !closed ? ret : -ENODEV;
}

int weir_memory_receive(struct weir_memory *memory, unsigned queue, void *bytes, uint32_t room,
	struct virtio_net_hdr *offload)
{
	struct iovec frame = { .iov_base = bytes, .iov_len = room };
	int ret = weir_memory_receive_batch(memory, queue, &frame, offload, 1);

	return ret == 1 ? (int)frame.iov_len : ret;
}

int weir_memory_fd(struct weir_memory *memory, unsigned queue)
{
	if (queue >= memory->n_queues)
		return -EINVAL;
	atomic_store_explicit(&memory->queues[queue].wants_event, true, memory_order_relaxed);
	return memory->queues[queue].to_application.event;
}
