// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/memory_ring.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

// What memory_ring.wake says. Who moves it out of a state owns the step: the consumer leaves AWAKE
// and SIGNALLED, a producer ARMED (against the consumer that changes its mind) and SIGNALLING.
// SIGNALLED promises that the write to the descriptor is done, so that the consumer's read takes it
// off and no stale wake-up can keep a level-triggered poll busy.
enum wake {
	AWAKE,      // nobody sleeps, nothing is in the descriptor
	ARMED,      // the consumer sleeps or is about to
	SIGNALLING, // a producer is writing to the descriptor
	SIGNALLED,  // the descriptor is readable
};

int memory_ring_init(struct memory_ring *ring, uint32_t n_frames, bool readable)
{
	size_t n_bytes = (size_t)n_frames * MEMORY_RING_BYTES;
	void *map;
	int event;

	if (n_bytes < MEMORY_RING_MIN_BYTES)
		n_bytes = MEMORY_RING_MIN_BYTES;
	event = eventfd(readable, EFD_NONBLOCK | EFD_CLOEXEC);
	if (event < 0)
		return -errno;
	*ring = (struct memory_ring){
		.event = event,
		.record_mask = n_frames - 1,
		.byte_mask = n_bytes - 1,
		.map_size = n_bytes + n_frames * sizeof(*ring->records),
	};
	map = mmap(NULL, ring->map_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED) {
		close(event);
		return -ENOMEM;
	}
	ring->bytes = map;
	ring->records = (struct memory_record *)(ring->bytes + n_bytes);
	atomic_init(&ring->wake, readable ? SIGNALLED : AWAKE);
	return 0;
}

void memory_ring_fini(struct memory_ring *ring)
{
	munmap(ring->bytes, ring->map_size);
	close(ring->event);
}

static bool has_room(const struct memory_ring *ring, uint64_t n_bytes)
{
	return ring->next - ring->seen_tail <= ring->record_mask &&
	       ring->next_byte + n_bytes - ring->seen_tail_byte <= ring->byte_mask + 1;
}

// The records between tail and next are the producer's own writing: the oldest one says from where
// on bytes are still being read.
static void look_at_tail(struct memory_ring *ring)
{
	ring->seen_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	ring->seen_tail_byte = ring->seen_tail == ring->next
				       ? ring->next_byte
				       : ring->records[ring->seen_tail & ring->record_mask].start;
}

uint64_t memory_ring_push(
	struct memory_ring *ring, uint32_t size, const struct virtio_net_hdr *offload)
{
	uint64_t n_bytes = ((uint64_t)size + MEMORY_RING_LINE - 1) & -(uint64_t)MEMORY_RING_LINE;
	uint64_t start = ring->next_byte;

	if (!has_room(ring, n_bytes)) {
		look_at_tail(ring);
		if (!has_room(ring, n_bytes))
			return UINT64_MAX;
	}
	ring->records[ring->next++ & ring->record_mask] = (struct memory_record){
		.start = start,
		.size = size,
		.offload = *offload,
	};
	ring->next_byte = start + n_bytes;
	return start;
}

void memory_ring_write(
	struct memory_ring *ring, uint64_t position, const void *bytes, uint32_t size)
{
	uint64_t offset = position & ring->byte_mask;
	uint64_t until_end = ring->byte_mask + 1 - offset;

	if (size <= until_end) {
		memcpy(ring->bytes + offset, bytes, size);
		return;
	}
	memcpy(ring->bytes + offset, bytes, until_end);
	memcpy(ring->bytes, (const uint8_t *)bytes + until_end, size - until_end);
}

// Sleeping is Dekker's problem: the producer writes head and reads wake, the consumer writes wake
// and reads head. All four are sequentially consistent, so that at least one sees the other.
void memory_ring_publish(struct memory_ring *ring)
{
	if (ring->next == atomic_load_explicit(&ring->head, memory_order_relaxed))
		return;
	atomic_store(&ring->head, ring->next);
	memory_ring_wake(ring);
}

void memory_ring_wake(struct memory_ring *ring)
{
	int armed = ARMED;
	uint64_t one = 1;

	if (atomic_load(&ring->wake) != ARMED)
		return;
	if (!atomic_compare_exchange_strong(&ring->wake, &armed, SIGNALLING))
		return;
	// It cannot fail: the counter is far from its end, because it is read before the next
	// ARMED.
	while (write(ring->event, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	atomic_store(&ring->wake, SIGNALLED);
}

const struct memory_record *memory_ring_peek(struct memory_ring *ring)
{
	if (ring->first == ring->seen_head) {
		ring->seen_head = atomic_load_explicit(&ring->head, memory_order_acquire);
		if (ring->first == ring->seen_head)
			return NULL;
	}
	return &ring->records[ring->first & ring->record_mask];
}

void memory_ring_read(const struct memory_ring *ring, const struct memory_record *record, void *to)
{
	uint64_t offset = record->start & ring->byte_mask;
	uint64_t until_end = ring->byte_mask + 1 - offset;

	if (record->size <= until_end) {
		memcpy(to, ring->bytes + offset, record->size);
		return;
	}
	memcpy(to, ring->bytes + offset, until_end);
	memcpy((uint8_t *)to + until_end, ring->bytes, record->size - until_end);
}

void memory_ring_pop(struct memory_ring *ring)
{
	ring->first++;
}

void memory_ring_retire(struct memory_ring *ring)
{
	if (ring->first != atomic_load_explicit(&ring->tail, memory_order_relaxed))
		atomic_store_explicit(&ring->tail, ring->first, memory_order_release);
}

// Leaves AWAKE or SIGNALLED for ARMED. False when a producer is in the middle of a wake-up.
static bool enter_armed(struct memory_ring *ring)
{
	uint64_t count;

	switch (atomic_load(&ring->wake)) {
	case SIGNALLING:
		return false;
	case SIGNALLED:
		// Nothing to read is fine too: an application may have read its descriptor itself.
		while (read(ring->event, &count, sizeof(count)) < 0 && errno == EINTR)
			;
		break;
	case ARMED:
		return true;
	}
	atomic_store(&ring->wake, ARMED);
	return true;
}

bool memory_ring_arm(struct memory_ring *ring)
{
	int armed = ARMED;

	if (!enter_armed(ring))
		return true;
	if (atomic_load(&ring->head) == ring->first)
		return false;
	// Awake after all: spare the producer a system call, unless it is already at it.
	atomic_compare_exchange_strong(&ring->wake, &armed, AWAKE);
	return true;
}

uint64_t memory_ring_waiting(const struct memory_ring *ring)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);

	return atomic_load_explicit(&ring->head, memory_order_relaxed) - tail;
}
