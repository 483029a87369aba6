// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A NIC: what is connected to a port and moves frames. One class (vtable) per kind.
//
// Threads: open and describe run on the control thread and may block, close on any; receive,
// transmit and arm run on workers and never block, allocate or, unless there are fewer queues than
// workers, lock. Every receive queue is polled by one worker at a time; the core moves a queue only
// across a quiescent state. Transmit queue q is used by worker q % n_tx_queues: a kind with fewer
// transmit queues than workers serialises inside its transmit().
//
// Frames: receive() hands frames over to the caller. transmit() takes the frames that it accepts
// and leaves the rest with the caller. A kind that only reads a frame releases it when it is done;
// a kind that passes a frame's memory on must copy a frame with refs > 1.
//
// Offload: a frame whose `offload` asks for something outside `nic->offloads` never reaches
// transmit(): the core finishes checksums and segments in software first (nic/offload.h).
#ifndef NIC_H
#define NIC_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/frame.h>

#include "nic/frame_pool.h"

enum {
	NIC_MAX_QUEUES = 64,
	NIC_BATCH = 64, // most frames of one receive() or transmit()
};

// What a NIC can be asked to finish for an outgoing frame.
enum nic_offload {
	NIC_OFFLOAD_CSUM = 1 << 0, // VIRTIO_NET_HDR_F_NEEDS_CSUM
	NIC_OFFLOAD_TSO4 = 1 << 1,
	NIC_OFFLOAD_TSO6 = 1 << 2,
	NIC_OFFLOAD_USO = 1 << 3, // VIRTIO_NET_HDR_GSO_UDP_L4
	NIC_OFFLOAD_ECN = 1 << 4, // VIRTIO_NET_HDR_GSO_ECN
};

struct nic_class;
struct nic_host; // nic/module.h

// The common head of every kind's own struct, which begins with it.
struct nic {
	const struct nic_class *class;
	unsigned n_rx_queues; // 0 for a NIC that never receives
	unsigned n_tx_queues; // at least 1
	unsigned offloads;    // enum nic_offload: what transmit() accepts unfinished
	uint32_t mtu;    // bytes of payload behind the Ethernet header (and tags), 0 = no limit
	int ifindex;     // of the kernel interface behind it, 0 = there is none
	char ifname[16]; // its name, "" = there is none
	bool outlives_interface; // works on when its interface moves to another network namespace:
				 // only receive() tells that it is gone
	bool poll_only;          // has no descriptor to sleep on: its worker never sleeps
	bool shared;   // the host's kernel speaks IP on its interface: frames go there, too
	bool rx_waits; // what is not received waits, and the sender with it: nothing is ever lost
	uint64_t *rx_missed; // frames lost before receive(), one per queue, or NULL; worker, or
			     // control in count(): w, control: r
};

// What a port asks of open(). Borrowed during the call.
struct nic_options {
	const char
		*argument;  // what follows "kind:" in the NIC's specification, "" when nothing does
	unsigned n_workers; // how many threads will transmit
	unsigned n_queues;  // receive queues wanted, 0 = the kind's choice
	uint32_t mtu;       // wanted MTU in bytes, 0 = the interface's own
	bool force;         // open an interface that carries the host's default route all the same
	const struct nic_host *host; // for kinds that live in a module; may be NULL
};

struct nic_class {
	const char *kind; // "tap"
	// For messages, and what nic.c checks an argument's presence by: "null" takes none,
	// "memory[:...]" may have one, "tap:NAME[,queues=N]" must.
	const char *usage;
	const char *summary;

	// Opens the NIC. Control thread; may block. On failure returns a negative errno and fills
	// *error with a sentence; -ENODEV alone means "not there now, may come": the port is then
	// kept as nic-lost.
	int (*open)(const struct nic_options *options, struct nic **nic, struct weir_error *error);
	// What open() would refuse now, as far as it can be told without taking or making anything.
	// May be NULL: nothing. Control thread; may block.
	int (*check)(const struct nic_options *options, struct weir_error *error);
	// Whether open() would make one that is `shared` now. May be NULL: it would not. Control
	// thread.
	bool (*shares)(const struct nic_options *options);
	// Closes and frees. Any one thread, after a grace period in which no worker used the NIC;
	// may block.
	void (*close)(struct nic *nic);
	// Takes up to max (<= NIC_BATCH) frames off a receive queue; 0 when there are none. Frames
	// come from `pool`, or are the kind's own, valid on this thread until released. A negative
	// errno means the NIC is gone (-ENODEV, -ENETDOWN) or broken. May be NULL when n_rx_queues
	// is 0. Worker.
	int (*receive)(struct nic *nic, unsigned queue, struct frame_pool *pool,
		struct weir_frame *frames[/* max */], unsigned max);
	// Sends up to n (<= NIC_BATCH) frames; returns how many, from the first on, were accepted
	// and so now belong to the NIC (an accepted frame that the kernel then refuses is counted
	// in *lost). The rest stays the caller's. Worker.
	unsigned (*transmit)(struct nic *nic, unsigned queue, struct weir_frame *frames[/* n */],
		unsigned n, unsigned *lost);
	// A descriptor that polls readable when a receive queue has frames, owned by the NIC; -1 =
	// none. Any thread.
	int (*receive_fd)(struct nic *nic, unsigned queue);
	// Called before a worker sleeps on the queue's descriptor; returns true when it must not
	// sleep because frames have come meanwhile. May be NULL. Worker.
	bool (*arm)(struct nic *nic, unsigned queue);
	// When the queue has its next frame, on CLOCK_MONOTONIC in ns; UINT64_MAX = unknown. May be
	// NULL. Worker.
	uint64_t (*next_ns)(struct nic *nic, unsigned queue);
	// Brings rx_missed up to date, for a kind whose device counts what it loses. May be NULL.
	// Control thread; may block.
	void (*count)(struct nic *nic);
	// Writes the kind's details for `port show`, "key=value, ..." into text. May be NULL.
	// Control thread.
	void (*describe)(struct nic *nic, char *text, size_t size);
};

// Opens "kind:argument" (or "kind"). Refusals name the specification and the kinds there are.
// *nic: free with nic_close(). Control thread.
int nic_open(const char *specification, const struct nic_options *options, struct nic **nic,
	struct weir_error *error);
// The same refusals, as far as they can be told without opening it: for a dry run. Control thread.
int nic_try(const char *specification, const struct nic_options *options, struct weir_error *error);
// Whether one that was opened now would be `shared`. Control thread.
bool nic_shares(const char *specification, const struct nic_options *options);
// Accepts NULL. Any one thread, after a grace period.
void nic_close(struct nic *nic);
// Checks the form of a specification without opening anything: 0 or -EINVAL with a sentence.
int nic_check(const char *specification, struct weir_error *error);
// The interface name that a specification speaks of ("packet:eth1,force" -> "eth1"), for finding it
// again when it comes back; "" when the kind has none. Returns false when name is too small.
bool nic_interface(const char *specification, char name[/* 16 */]);

enum { NIC_CLAIM_SIZE = 80 };

// What a NIC of the specification takes for itself alone ("interface eth1", "device net_null0"), by
// which two are known to be in each other's way; "" when there is nothing such. Of one thing there
// may be several names that are not known here: open() refuses those.
void nic_claim(const char *specification, char claim[/* NIC_CLAIM_SIZE */]);

// The kinds, in nic/<kind>.c.
extern const struct nic_class nic_tap_class, nic_packet_class, nic_memory_class, nic_replay_class,
	nic_null_class, nic_dpdk_class;

// The name of the device, however devargs write it: without its bus, a PCI address with its domain.
void nic_dpdk_device(const char *devargs, char *name, size_t size);

#endif
