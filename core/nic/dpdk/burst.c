// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Receiving and sending: the hot path.
#include <errno.h>
#include <string.h>

#include <rte_lcore.h>

#include "edge.h"
#include "internal.h"

enum {
	AHEAD = 4, // frames whose cache lines are asked for before they are filled
};

_Static_assert(offsetof(struct weir_frame, segments) == 32 &&
		       offsetof(struct weir_frame, headroom) == 50 &&
		       offsetof(struct weir_frame, refs) == 54 &&
		       offsetof(struct weir_frame, hash) == 60 &&
		       __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	"fill() stores several of them at once");
_Static_assert(
	offsetof(struct rte_mbuf, refcnt) == offsetof(struct rte_mbuf, data_off) + 2 &&
		offsetof(struct rte_mbuf, nb_segs) == offsetof(struct rte_mbuf, data_off) + 4,
	"fill() loads them at once");

static inline void enter(void)
{
	if (__builtin_expect(rte_lcore_id() == LCORE_ID_ANY, 0))
		dpdk_thread_enter();
}

static inline void store(struct weir_frame *frame, size_t at, uint64_t value)
{
	memcpy((uint8_t *)frame + at, &value, sizeof(value));
}

// What the mbufs of a burst have in common, one way or the other: bits of any of them.
struct seen {
	uint64_t offset_refs_segs, flags;
};

// All of the frame but its owner, which never changes: its holders may have written anything. What
// lies together is loaded and stored together, which compilers do not do here by themselves.
static inline void fill(
	struct rte_mbuf *mbuf, struct weir_frame *frame, bool hashed, struct seen *seen)
{
	const uint64_t refs = UINT64_C(1) << 48;
	uint64_t offset_refs_segs, hash = 0;
	uint32_t offset;

	memcpy(&offset_refs_segs, &mbuf->data_off, sizeof(offset_refs_segs));
	offset = (uint16_t)offset_refs_segs;
	frame->data = (uint8_t *)mbuf->buf_addr + offset;
	rte_prefetch0(frame->data);
	seen->offset_refs_segs |= offset_refs_segs;
	seen->flags |= mbuf->ol_flags;
	if (hashed && mbuf->ol_flags & RTE_MBUF_F_RX_RSS_HASH)
		hash = mbuf->hash.rss;
	frame->size = mbuf->pkt_len;
	frame->linear = mbuf->data_len;
	memset(&frame->segments, 0, 16);       // and most of `offload`
	store(frame, 48, refs | offset << 16); // headroom, port 0, refs 1
	store(frame, 56, hash << 32);          // flags 0, hops 0
}

// Whether one of them is a chain, or has bytes that others have as well.
static inline bool are_odd(const struct seen *seen)
{
	return (uint32_t)(seen->offset_refs_segs >> 16) != 0x00010001 ||
	       seen->flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
}

// Fills the frames of n mbufs. mbufs: with AHEAD more, of any frames.
static inline struct seen fill_all(
	struct rte_mbuf *mbufs[], struct weir_frame *frames[], unsigned n, bool hashed)
{
	struct seen seen = { 0 };

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *mbuf = mbufs[i];

		rte_prefetch0(dpdk_frame_of(mbufs[i + AHEAD]));
		dpdk_edge_got(mbuf);
		fill(mbuf, dpdk_frame_of(mbuf), hashed, &seen);
		frames[i] = dpdk_frame_of(mbuf);
	}
	return seen;
}

static void lose(struct dpdk_nic *dpdk, unsigned queue, unsigned n)
{
	__atomic_store_n(&dpdk->lost[queue], dpdk->lost[queue] + n, __ATOMIC_RELAXED);
}

// Has mbufs that cannot be frames replaced; those that cannot be replaced are left out. Returns how
// many there are.
static __attribute__((noinline)) unsigned adopt(
	struct dpdk_nic *dpdk, unsigned queue, struct rte_mbuf *mbufs[], unsigned n)
{
	unsigned n_own = 0;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *own = dpdk_own(mbufs[i]);

		if (own)
			mbufs[n_own++] = own;
	}
	lose(dpdk, queue, n - n_own);
	return n_own;
}

// Some are chains, or cannot be frames as they are.
static __attribute__((noinline)) unsigned finish_odd(struct dpdk_nic *dpdk, unsigned queue,
	struct rte_mbuf *mbufs[], struct weir_frame *frames[], unsigned n)
{
	struct seen seen = { 0 };

	n = adopt(dpdk, queue, mbufs, n);
	for (unsigned i = 0; i < n; i++) {
		frames[i] = dpdk_frame_of(mbufs[i]);
		fill(mbufs[i], frames[i], dpdk->hashes, &seen);
		if (mbufs[i]->nb_segs > 1)
			dpdk_segments_fill(mbufs[i], frames[i]);
	}
	return n;
}

int dpdk_receive(struct nic *nic, unsigned queue, struct frame_pool *pool,
	struct weir_frame *frames[], unsigned max)
{
	struct dpdk_nic *dpdk = (struct dpdk_nic *)nic;
	struct rte_mbuf *mbufs[NIC_BATCH + AHEAD];
	struct seen seen;
	unsigned n;

	(void)pool;
	enter();
	if (__builtin_expect(__atomic_load_n(&dpdk->gone, __ATOMIC_RELAXED), 0))
		return -ENODEV;
	n = rte_eth_rx_burst(dpdk->port_id, (uint16_t)queue, mbufs, (uint16_t)max);
	if (n && __builtin_expect(dpdk->passes, 0))
		n = adopt(dpdk, queue, mbufs, n);
	if (n == 0)
		return 0;
	for (unsigned i = 0; i < AHEAD; i++)
		mbufs[n + i] = mbufs[0];
	seen = dpdk->hashes ? fill_all(mbufs, frames, n, true) : fill_all(mbufs, frames, n, false);
	if (__builtin_expect(are_odd(&seen), 0))
		n = finish_odd(dpdk, queue, mbufs, frames, n);
	return (int)n;
}

// ---- Sending

struct burst {
	struct rte_mbuf *mbufs[NIC_BATCH];
	uint64_t copied; // the mbufs that are copies: their frames still are to be released
	unsigned n;
	bool asks;    // one of them asks the device for its checksum
	bool refused; // the frame behind them cannot be sent, now or later
};

static inline bool is_ours(const struct weir_frame *frame)
{
	return frame->owner == &dpdk_owner && frame->refs == 1;
}

static inline bool is_finished(const struct weir_frame *frame)
{
	return !(frame->offload.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
}

// The frame's mbuf, with what has become of the frame. linear: its own, which is its size when that
// is all of it.
static inline struct rte_mbuf *give(struct weir_frame *frame, uint32_t linear)
{
	struct rte_mbuf *mbuf = dpdk_mbuf_of(frame);

	mbuf->data_off = (uint16_t)(frame->data - (uint8_t *)mbuf->buf_addr);
	mbuf->data_len = (uint16_t)linear;
	mbuf->pkt_len = frame->size;
	// What the NIC said of the frame it received is not true of what is sent. That the mbuf is
	// another's or the bytes are stands here, too: of our frames neither is.
	mbuf->ol_flags = 0;
	dpdk_edge_give(mbuf);
	return mbuf;
}

// Whether the device can send the frame at all, as it is or as a copy.
static bool is_sendable(const struct dpdk_nic *dpdk, const struct weir_frame *frame)
{
	return frame->size <= DPDK_ROOM ||
	       (dpdk->sends_segments && frame->size <= (uint32_t)dpdk->max_segments * DPDK_ROOM);
}

static bool takes_chain(const struct dpdk_nic *dpdk, struct weir_frame *frame)
{
	return dpdk->sends_segments && dpdk_mbuf_of(frame)->nb_segs <= dpdk->max_segments;
}

// The mbuf to be sent for a frame of any sort, NULL: it cannot be had, or, refused, it cannot be
// sent.
static struct rte_mbuf *make_sendable(
	const struct dpdk_nic *dpdk, struct weir_frame *frame, bool *copied, bool *refused)
{
	struct rte_mbuf *mbuf;

	*copied = !is_ours(frame) || (frame->segments && !takes_chain(dpdk, frame));
	if (!*copied)
		mbuf = give(frame, frame->linear);
	else
		mbuf = is_sendable(dpdk, frame) ? dpdk_copy(frame) : NULL;
	*refused = !mbuf && !is_sendable(dpdk, frame);
	if (!mbuf || is_finished(frame) || dpdk_ask_checksum(mbuf, frame))
		return mbuf;
	*refused = true;
	if (*copied)
		rte_pktmbuf_free(mbuf);
	return NULL;
}

// Collects from frame burst->n on, until there is one whose mbuf cannot be had.
static __attribute__((noinline)) void collect_any(
	const struct dpdk_nic *dpdk, struct burst *burst, struct weir_frame *frames[], unsigned n)
{
	for (; burst->n < n; burst->n++) {
		struct weir_frame *frame = frames[burst->n];
		bool copied;
		struct rte_mbuf *mbuf = make_sendable(dpdk, frame, &copied, &burst->refused);

		if (!mbuf)
			return;
		burst->mbufs[burst->n] = mbuf;
		burst->copied |= (uint64_t)copied << burst->n;
		burst->asks |= (mbuf->ol_flags & RTE_MBUF_F_TX_L4_MASK) != 0;
	}
}

// The same; what mostly comes needs neither a copy nor a look at the device. checksums: the device
// finishes them, so that frames come here which are not finished.
static inline void collect(const struct dpdk_nic *dpdk, struct burst *burst,
	struct weir_frame *frames[], unsigned n, bool checksums)
{
	unsigned i = 0;

	for (; i < n && is_ours(frames[i]) && !frames[i]->segments &&
		(!checksums || is_finished(frames[i]));
		i++)
		burst->mbufs[i] = give(frames[i], frames[i]->size);
	burst->n = i;
	burst->copied = 0;
	burst->asks = burst->refused = false;
	if (__builtin_expect(i < n, 0))
		collect_any(dpdk, burst, frames, n);
}

// Has the driver look at what is asked of it, which many need to, before it is sent. Leaves out
// what comes from the first on that it cannot do.
static __attribute__((noinline)) void look_at(
	const struct dpdk_nic *dpdk, unsigned queue, struct burst *burst)
{
	unsigned n = rte_eth_tx_prepare(
		dpdk->port_id, (uint16_t)queue, burst->mbufs, (uint16_t)burst->n);

	for (unsigned i = n; i < burst->n; i++)
		if (burst->copied & UINT64_C(1) << i)
			rte_pktmbuf_free(burst->mbufs[i]);
	burst->copied &= n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
	burst->refused |= n < burst->n;
	burst->n = n;
}

static inline unsigned push(struct dpdk_nic *dpdk, unsigned queue, struct burst *burst)
{
	unsigned sent;

	if (dpdk->shares_transmit)
		rte_spinlock_lock(&dpdk->transmit_locks[queue]);
	sent = rte_eth_tx_burst(dpdk->port_id, (uint16_t)queue, burst->mbufs, (uint16_t)burst->n);
	if (dpdk->shares_transmit)
		rte_spinlock_unlock(&dpdk->transmit_locks[queue]);
	return sent;
}

// Of what was copied, either the frame or the copy is left over.
static void settle(const struct burst *burst, struct weir_frame *frames[], unsigned sent)
{
	for (uint64_t copied = burst->copied; copied; copied &= copied - 1) {
		unsigned i = (unsigned)__builtin_ctzll(copied);

		if (i < sent)
			weir_frame_release(frames[i]);
		else
			rte_pktmbuf_free(burst->mbufs[i]);
	}
}

unsigned dpdk_transmit(
	struct nic *nic, unsigned queue, struct weir_frame *frames[], unsigned n, unsigned *lost)
{
	struct dpdk_nic *dpdk = (struct dpdk_nic *)nic;
	struct burst burst;
	unsigned done = 0, sent;

	enter();
	for (;;) {
		if (nic->offloads)
			collect(dpdk, &burst, frames + done, n - done, true);
		else
			collect(dpdk, &burst, frames + done, n - done, false);
		if (__builtin_expect(burst.asks, 0))
			look_at(dpdk, queue, &burst);
		sent = push(dpdk, queue, &burst);
		if (__builtin_expect(burst.copied != 0, 0))
			settle(&burst, frames + done, sent);
		done += sent;
		if (done == n || sent < burst.n || !burst.refused)
			return done;
		// It must not hold up those behind it.
		weir_frame_release(frames[done++]);
		++*lost;
		if (done == n)
			return done;
	}
}
