// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A queue of frames between one producer thread and one consumer thread, with a descriptor for the
// consumer to sleep on.
//
// Frames lie packed in a ring of bytes, each from a cache line on, so that small frames stay in the
// cache and a large one needs no buffer of its own; a ring of records says where. Either side works
// on private positions and publishes them once per batch.
#ifndef MEMORY_RING_H
#define MEMORY_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <weir/frame.h>

enum {
	MEMORY_RING_LINE = 64,
	MEMORY_RING_BYTES = 2048,          // per frame, on average
	MEMORY_RING_MIN_BYTES = 128 << 10, // the least power of two that takes a WEIR_FRAME_MAX
};

struct memory_record {
	uint64_t start; // position in the ring of bytes, counted without end
	uint32_t size;
	struct virtio_net_hdr offload;
};

struct memory_ring {
	// Set at creation.
	struct memory_record *records;
	uint8_t *bytes;
	uint64_t record_mask, byte_mask;
	size_t map_size;
	int event;

	// producer: rw, consumer: ro
	_Alignas(MEMORY_RING_LINE) _Atomic uint64_t head;

	// producer
	_Alignas(MEMORY_RING_LINE) uint64_t next; // record to write; head plus what is unpublished
	uint64_t next_byte;
	uint64_t seen_tail, seen_tail_byte; // what was free when it was last looked at

	// consumer: rw, producer: ro
	_Alignas(MEMORY_RING_LINE) _Atomic uint64_t tail;

	// consumer
	_Alignas(MEMORY_RING_LINE) uint64_t first; // record to read; tail plus what is unpublished
	uint64_t seen_head;

	// both; written only around sleeping
	_Alignas(MEMORY_RING_LINE) _Atomic int wake;
};

// n_frames: a power of two. readable: the descriptor is readable until the first
// memory_ring_arm(). 0 or a negative errno.
int memory_ring_init(struct memory_ring *ring, uint32_t n_frames, bool readable);
// For a ring that memory_ring_init() succeeded on.
void memory_ring_fini(struct memory_ring *ring);

// Appends a frame of `size` bytes (1 to WEIR_FRAME_MAX), unpublished, and returns the position for
// memory_ring_write(); UINT64_MAX when the ring is full. Producer.
uint64_t memory_ring_push(
	struct memory_ring *ring, uint32_t size, const struct virtio_net_hdr *offload);
// Stores bytes of a pushed frame. Producer.
void memory_ring_write(
	struct memory_ring *ring, uint64_t position, const void *bytes, uint32_t size);
// Publishes what was pushed and wakes the consumer if it sleeps. Producer.
void memory_ring_publish(struct memory_ring *ring);

// The frame that is next, NULL when there is none. Consumer.
const struct memory_record *memory_ring_peek(struct memory_ring *ring);
// Copies the frame's bytes to `to`. Consumer.
void memory_ring_read(const struct memory_ring *ring, const struct memory_record *record, void *to);
// Passes over the frame; its place stays taken until memory_ring_retire(). Consumer.
void memory_ring_pop(struct memory_ring *ring);
// Gives the places of popped frames back to the producer. Consumer.
void memory_ring_retire(struct memory_ring *ring);

// Makes the descriptor readable from the next frame on. Returns true when the consumer must not
// sleep, because there are frames already or a wake-up is under way. Consumer.
bool memory_ring_arm(struct memory_ring *ring);
// Wakes the consumer if it is armed. Any thread.
void memory_ring_wake(struct memory_ring *ring);
// Frames in the ring, by the way. Any thread.
uint64_t memory_ring_waiting(const struct memory_ring *ring);

#endif
