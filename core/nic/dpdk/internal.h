// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// weir-dpdk.so from inside. EAL, and so everything here, is one for the process: however many
// struct weir there are, they share its devices and its buffers.
//
// A frame of ours is an mbuf: struct weir_frame stands in the mbuf's private area, the one cache
// line behind struct rte_mbuf, and is filled when the mbuf is received. All mbufs come from one
// pool, so that a frame which came from one dpdk NIC goes out through another without a copy. The
// pool is never freed: frames outlive the NIC that they came from.
#ifndef DPDK_INTERNAL_H
#define DPDK_INTERNAL_H

#include <pthread.h>
#include <stdio.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_spinlock.h>

#include "nic/module.h"

// ---- log.c: what EAL and its drivers say

// Has lines go to the log from now on. 0 or a negative errno. Before EAL starts.
int dpdk_log_start(void);
// A stream whose lines go to the log, for what EAL prints to the standard output. NULL: no memory.
FILE *dpdk_log_printed(void);
// Adds or removes a place where lines go; the one added first gets them. Without any they are
// dropped.
struct dpdk_log_place {
	struct dpdk_log_place *next;
	const struct nic_host *host;
};
void dpdk_log_add(struct dpdk_log_place *place, const struct nic_host *host);
void dpdk_log_remove(struct dpdk_log_place *place);
// Forgets the errors so far, and tells one since, without a final stop; "" when there was none. The
// first says what was wrong with a device, the last what kept EAL from starting, or only that
// something did.
enum { DPDK_LINE_SIZE = 240 };
void dpdk_log_forget_errors(void);
void dpdk_log_first_error(char text[/* DPDK_LINE_SIZE */]);
void dpdk_log_last_error(char text[/* DPDK_LINE_SIZE */]);
void dpdk_log(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

// ---- eal.c

// Starts EAL if it is not started yet. devargs: of the first device. Refuses when it does not
// start, from then on always; when there is no thread to start it, the next call tries again with
// the first one's arguments. Under dpdk_lock.
int dpdk_eal_start(const struct nic_host *host, const char *devargs, struct weir_error *error);
bool dpdk_eal_is_started(void);
// Makes the calling thread known to EAL, so that it has a cache of mbufs of its own, until it ends.
void dpdk_thread_enter(void);

// ---- pool.c

enum {
	DPDK_ROOM = 2048, // data bytes of an mbuf behind its headroom
};

// Makes the pool if there is none yet. Under dpdk_lock.
int dpdk_pool_make(const struct nic_host *host, struct weir_error *error);
extern struct rte_mempool *dpdk_pool; // NULL: not made yet
extern const struct weir_frame_owner dpdk_owner;

static inline struct weir_frame *dpdk_frame_of(struct rte_mbuf *mbuf)
{
	return (struct weir_frame *)(mbuf + 1);
}

static inline struct rte_mbuf *dpdk_mbuf_of(struct weir_frame *frame)
{
	return (struct rte_mbuf *)frame - 1;
}

// ---- device.c, burst.c

struct dpdk_nic {
	struct nic nic; // first
	// Worker: ro.
	uint16_t port_id;
	bool shares_transmit;  // there are fewer transmit queues than workers
	bool sends_segments;   // the device takes an mbuf that is a chain
	uint16_t max_segments; // of such a chain
	bool hashes;           // the device writes RSS hashes
	bool passes;           // the device hands on mbufs that it got from anybody
	bool gone;             // the device was unplugged; EAL's thread: w once

	// Workers: rw.
	_Alignas(RTE_CACHE_LINE_SIZE) rte_spinlock_t transmit_locks[NIC_MAX_QUEUES];

	// By receive queue, its worker: rw, rarely; control: r.
	_Alignas(RTE_CACHE_LINE_SIZE) uint64_t lost[NIC_MAX_QUEUES]; // dpdk_own() failed

	// Control.
	_Alignas(RTE_CACHE_LINE_SIZE) uint64_t missed[NIC_MAX_QUEUES];
	uint64_t missed_by_device; // when it was last asked

	// Control, under dpdk_lock.
	struct dpdk_nic *next;
	struct dpdk_log_place log_place;
	char driver[32], *devargs;
	uint64_t owner_id; // of ethdev's, RTE_ETH_DEV_NO_OWNER: it is not ours
	bool probed;       // here, and not by EAL's own arguments
	bool started;
};

// Serialises all but workers: control threads, and threads that close.
extern pthread_mutex_t dpdk_lock;

// The open NIC that uses the port, NULL: none. Under dpdk_lock.
const struct dpdk_nic *dpdk_nic_of(uint16_t port_id);
int dpdk_nic_open(const struct nic_options *options, struct nic **nic, struct weir_error *error);
int dpdk_nic_check(const struct nic_options *options, struct weir_error *error);
void dpdk_nic_close(struct nic *nic);
void dpdk_nic_count(struct nic *nic);
void dpdk_nic_describe(struct nic *nic, char *text, size_t size);
extern const struct nic_class dpdk_class;

int dpdk_receive(struct nic *nic, unsigned queue, struct frame_pool *pool,
	struct weir_frame *frames[/* max */], unsigned max);
unsigned dpdk_transmit(struct nic *nic, unsigned queue, struct weir_frame *frames[/* n */],
	unsigned n, unsigned *lost);

// ---- find.c: EAL runs; under dpdk_lock, but for the first

// The device's name, behind the bus that devargs may begin with ("vdev:net_null0").
const char *dpdk_device_name(const char *devargs);
// Refuses, with -EIO, what DPDK does not do: what, and the first error that it logged, or else what
// its code (negative) means.
int dpdk_refuse(struct weir_error *error, int code, const char *devargs, const char *what);
// Refuses devargs of a device that is there and cannot be had, and of one that would make one its
// own which is used.
int dpdk_check_name(const char *devargs, struct weir_error *error);
// Finds the device of dpdk->devargs, or has it probed: port_id and probed. Refuses one that cannot
// be had, or is none.
int dpdk_find_device(struct dpdk_nic *dpdk, struct weir_error *error);
// Makes the device of port_id ours, or no longer: other users of DPDK in this process keep off one
// that has an owner (failsafe, and whoever walks through the ports with RTE_ETH_FOREACH_DEV).
int dpdk_take(struct dpdk_nic *dpdk, struct weir_error *error);
void dpdk_let_go(const struct dpdk_nic *dpdk);

// ---- checksum.c

// Asks the device for the checksum that the frame is without (RTE_MBUF_F_TX_TCP_CKSUM and the
// like), or makes it when that cannot be said. mbuf: the frame's, which is finished then, or a copy
// of it, to be sent. False: it is not in the frame where the frame says.
bool dpdk_ask_checksum(struct rte_mbuf *mbuf, struct weir_frame *frame);

// ---- segments.c: frames of more than one mbuf, and mbufs of others

// Fills the rest of a frame whose mbuf is a chain of our own: enough in its linear part, the rest
// in segments.
void dpdk_segments_fill(struct rte_mbuf *mbuf, struct weir_frame *frame);
// The mbuf, or, when it or one of its chain is not of our pool, or its bytes are not its alone
// (RTE_MBUF_F_INDIRECT, RTE_MBUF_F_EXTERNAL, refcnt), or there is no headroom for a frame's tags: a
// copy of it that may be written; the mbuf is freed. NULL: no mbufs for the copy, or it is larger
// than a frame may be, and freed.
struct rte_mbuf *dpdk_own(struct rte_mbuf *mbuf);
// A copy of the frame in mbufs of the pool, a chain when it needs to be; NULL: no mbufs.
struct rte_mbuf *dpdk_copy(const struct weir_frame *frame);

#endif
