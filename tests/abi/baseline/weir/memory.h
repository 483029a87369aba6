// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The application's end of a `memory` NIC: queues of frames between a switch and the program that
// it is embedded in.
//
// A NIC "memory:queues=N,size=N" has N queues in each direction, numbered from 0. A queue holds up
// to `size` frames (a power of two, 2 to 65536, default 1024) and up to size * 2 KB of them, each
// frame counted in units of 64 bytes, but always one frame of WEIR_FRAME_MAX: a queue of large
// frames is full before it holds `size`. The memory of both is reserved when the NIC is opened and
// resident as far as it was used. With "offload=off" the switch finishes checksums and segments
// before it hands a frame over.
//
// Frames are copied at both ends. `offload` describes checksums and segmentation that are left to
// the receiver, as struct virtio_net_hdr does (VIRTIO 1.1, 5.1.6); NULL or all zero = none.
//
// Threads: a queue may be used by one thread at a time in each direction; different queues, and the
// two directions of one, are independent. Nothing here blocks.
//
// Life: a handle is good until it is released, also after its port or NIC was removed: then nothing
// can be sent, what the switch had handed over can still be received, and then every call returns
// -ENODEV.
#ifndef WEIR_MEMORY_H
#define WEIR_MEMORY_H

#include <stdint.h>
#include <sys/uio.h>
#include <linux/virtio_net.h>

#define WEIR_API __attribute__((visibility("default")))

struct weir_memory;

// Queues in each direction. Any thread.
WEIR_API unsigned weir_memory_n_queues(const struct weir_memory *memory);

// Sends one frame of `size` bytes into the switch. bytes, offload: borrowed during the call;
// offload may be NULL. Returns 0; -EAGAIN when the queue is full; -EMSGSIZE when size is 0 or above
// WEIR_FRAME_MAX; -EINVAL when there is no such queue; -ENODEV when the NIC is gone.
WEIR_API int weir_memory_send(struct weir_memory *memory, unsigned queue, const void *bytes,
	uint32_t size, const struct virtio_net_hdr *offload);

// Sends n frames, which is cheaper than one by one. offloads: one per frame, or NULL. Returns how
// many, from the first on, were sent, 0 when the queue is full. A frame that cannot be sent ends
// the batch; when it is the first, its error is returned as by weir_memory_send().
WEIR_API int weir_memory_send_batch(struct weir_memory *memory, unsigned queue,
	const struct iovec frames[/* n */], const struct virtio_net_hdr offloads[/* n */],
	unsigned n);

// Takes one frame from the switch. room: bytes that fit at `bytes`; offload may be NULL. Returns
// the frame's size; 0 when there is none; -EMSGSIZE when it does not fit (it stays in the queue;
// WEIR_FRAME_MAX always suffices); -EINVAL when there is no such queue; -ENODEV when the NIC is
// gone and the queue empty.
WEIR_API int weir_memory_receive(struct weir_memory *memory, unsigned queue, void *bytes,
	uint32_t room, struct virtio_net_hdr *offload);

// Takes up to n frames. frames[i].iov_len: in, the room; out, for each frame taken, its size.
// offloads: room for n, or NULL. Returns how many were taken; otherwise as weir_memory_receive(). A
// frame that does not fit ends the batch.
WEIR_API int weir_memory_receive_batch(struct weir_memory *memory, unsigned queue,
	struct iovec frames[/* n */], struct virtio_net_hdr offloads[/* n */], unsigned n);

// A descriptor to poll for the queue's frames, owned by the NIC's end; -EINVAL when there is no
// such queue. It is readable at first, and from then on whenever a frame (or the NIC's end) has
// come since a receive call returned 0: so receive until 0, then poll for reading. Reading from the
// descriptor is not needed. Any thread.
WEIR_API int weir_memory_fd(struct weir_memory *memory, unsigned queue);

// Gives the handle back. Accepts NULL. Any thread, after the last call of every other.
WEIR_API void weir_memory_release(struct weir_memory *memory);

#endif
