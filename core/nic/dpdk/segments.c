// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Frames of more than one mbuf, and mbufs that cannot be frames as they are. The weir_segment of
// each mbuf behind the first stands in that mbuf's own private area, in a part of its frame that
// every receive() writes anew.
#include <string.h>

#include "edge.h"
#include "internal.h"

_Static_assert(offsetof(struct weir_frame, segments) + sizeof(struct weir_segment) <=
		       sizeof(struct weir_frame),
	"a segment fits behind the frame's owner");

static struct weir_segment *segment_of(struct rte_mbuf *mbuf)
{
	return (struct weir_segment *)&dpdk_frame_of(mbuf)->segments;
}

// Moves bytes from the second mbuf to the end of the first.
static void pull(struct rte_mbuf *mbuf, uint16_t size)
{
	struct rte_mbuf *next = mbuf->next;

	memcpy(rte_pktmbuf_mtod_offset(mbuf, uint8_t *, mbuf->data_len),
		rte_pktmbuf_mtod(next, uint8_t *), size);
	mbuf->data_len = (uint16_t)(mbuf->data_len + size);
	next->data_len = (uint16_t)(next->data_len - size);
	next->data_off = (uint16_t)(next->data_off + size);
	if (next->data_len == 0) {
		mbuf->next = next->next;
		mbuf->nb_segs--;
		next->next = NULL;
		next->nb_segs = 1;
		rte_pktmbuf_free_seg(next);
	}
}

// Makes room behind the data, if it does not begin where it could.
static void move_to_front(struct rte_mbuf *mbuf)
{
	if (mbuf->data_off <= RTE_PKTMBUF_HEADROOM)
		return;
	memmove((uint8_t *)mbuf->buf_addr + RTE_PKTMBUF_HEADROOM, rte_pktmbuf_mtod(mbuf, uint8_t *),
		mbuf->data_len);
	mbuf->data_off = RTE_PKTMBUF_HEADROOM;
}

_Static_assert(RTE_PKTMBUF_HEADROOM + WEIR_FRAME_LINEAR <= DPDK_ROOM, "linearise() has room");

// Gives the frame the linear part that its readers rely on.
static void linearise(struct rte_mbuf *mbuf)
{
	while (mbuf->data_len < WEIR_FRAME_LINEAR && mbuf->next) {
		unsigned size = WEIR_FRAME_LINEAR - mbuf->data_len;

		if (size > mbuf->next->data_len)
			size = mbuf->next->data_len;
		if (size > rte_pktmbuf_tailroom(mbuf))
			move_to_front(mbuf);
		pull(mbuf, (uint16_t)size);
	}
}

static struct rte_mbuf *get(void)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(dpdk_pool);

	dpdk_edge_got(mbuf);
	return mbuf;
}

void dpdk_segments_fill(struct rte_mbuf *mbuf, struct weir_frame *frame)
{
	struct weir_segment **link = &frame->segments;

	linearise(mbuf);
	frame->data = rte_pktmbuf_mtod(mbuf, uint8_t *);
	frame->headroom = mbuf->data_off;
	frame->linear = mbuf->data_len;
	for (struct rte_mbuf *m = mbuf->next; m; m = m->next) {
		struct weir_segment *segment = segment_of(m);

		*link = segment;
		segment->data = rte_pktmbuf_mtod(m, uint8_t *);
		segment->size = m->data_len;
		link = &segment->next;
	}
	*link = NULL;
}

static bool append(
	struct rte_mbuf *head, struct rte_mbuf **last, const uint8_t *bytes, uint32_t size)
{
	while (size) {
		uint32_t room = DPDK_ROOM - (*last)->data_len, part = size < room ? size : room;
		struct rte_mbuf *mbuf;

		memcpy(rte_pktmbuf_mtod_offset(*last, uint8_t *, (*last)->data_len), bytes, part);
		(*last)->data_len = (uint16_t)((*last)->data_len + part);
		head->pkt_len += part;
		bytes += part;
		size -= part;
		if (size == 0)
			break;
		mbuf = get();
		if (!mbuf)
			return false;
		(*last)->next = mbuf;
		*last = mbuf;
		head->nb_segs++;
	}
	return true;
}

struct rte_mbuf *dpdk_copy(const struct weir_frame *frame)
{
	struct weir_frame_iterator it = weir_frame_iterate(frame);
	struct rte_mbuf *head = get(), *last = head;
	const uint8_t *bytes;
	uint32_t size;

	while (head && (bytes = weir_frame_next(&it, &size))) {
		if (!append(head, &last, bytes, size)) {
			rte_pktmbuf_free(head);
			return NULL;
		}
	}
	dpdk_edge_give(head);
	return head;
}

// ---- Mbufs of others

// Whether an mbuf and the memory behind it are ours alone. A clone, and what it was made of, share
// their bytes; an attached buffer may belong to anybody.
static bool is_own(const struct rte_mbuf *mbuf)
{
	return mbuf->pool == dpdk_pool && RTE_MBUF_DIRECT(mbuf) && rte_mbuf_refcnt_read(mbuf) == 1;
}

struct rte_mbuf *dpdk_own(struct rte_mbuf *mbuf)
{
	bool own = rte_pktmbuf_headroom(mbuf) >= WEIR_FRAME_HEADROOM;
	struct rte_mbuf *head, *last;

	for (const struct rte_mbuf *m = mbuf; own && m; m = m->next)
		own = is_own(m);
	if (own && mbuf->pkt_len <= WEIR_FRAME_MAX)
		return mbuf;
	head = last = mbuf->pkt_len <= WEIR_FRAME_MAX ? get() : NULL;
	for (const struct rte_mbuf *m = mbuf; head && m; m = m->next) {
		if (!append(head, &last, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len)) {
			rte_pktmbuf_free(head);
			head = NULL;
		}
	}
	if (head) {
		head->ol_flags = mbuf->ol_flags & RTE_MBUF_F_RX_RSS_HASH;
		head->hash.rss = mbuf->hash.rss;
	}
	dpdk_edge_give(mbuf);
	rte_pktmbuf_free(mbuf);
	return head;
}
