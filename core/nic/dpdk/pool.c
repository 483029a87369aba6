// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include <weir/embed.h>

#include "edge.h"
#include "internal.h"

enum {
	CACHE = 512,           // mbufs that a thread keeps for itself
	DEFAULT_MBUFS = 65536, // with hugepages
	SMALL_MBUFS = 16384,   // without
};

struct rte_mempool *dpdk_pool;

static void release(struct weir_frame *frame)
{
	struct rte_mbuf *mbuf = dpdk_mbuf_of(frame);

	dpdk_edge_give(mbuf);
	rte_pktmbuf_free(mbuf);
}

const struct weir_frame_owner dpdk_owner = { .release = release };

static void init_frame(struct rte_mempool *pool, void *context, void *object, unsigned index)
{
	struct weir_frame *frame = dpdk_frame_of(object);

	(void)pool, (void)context, (void)index;
	frame->owner = &dpdk_owner;
	frame->owner_data = NULL;
}

static struct rte_mempool *make(unsigned n)
{
	unsigned cache = n / 4 < CACHE ? n / 4 : CACHE;

	_Static_assert(sizeof(struct rte_mbuf) % RTE_CACHE_LINE_SIZE == 0, "the frame's line");
	return rte_pktmbuf_pool_create("weir", n, cache, sizeof(struct weir_frame),
		DPDK_ROOM + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
}

int dpdk_pool_make(const struct nic_host *host, struct weir_error *error)
{
	unsigned wanted = host ? host->n_dpdk_mbufs : 0;
	unsigned n = wanted ? wanted : rte_eal_has_hugepages() ? DEFAULT_MBUFS : SMALL_MBUFS;

	if (dpdk_pool)
		return 0;
	dpdk_pool = make(n);
	while (!dpdk_pool && !wanted && n > WEIR_DPDK_MBUFS_MIN)
		dpdk_pool = make(n /= 2);
	if (!dpdk_pool)
		return weir_refuse(error, -ENOMEM, "nic",
			"dpdk: no memory for %u mbufs of %d bytes: %s; see --dpdk-mbufs, and EAL's "
			"-m or the machine's hugepages",
			n, DPDK_ROOM, rte_strerror(rte_errno));
	rte_mempool_obj_iter(dpdk_pool, init_frame, NULL);
	return 0;
}
