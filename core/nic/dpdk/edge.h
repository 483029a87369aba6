// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// For ThreadSanitizer: DPDK is not compiled with it, so that it does not see that who gets an mbuf,
// from the pool or from a device, comes after who gave it. Where mbufs change hands this is said
// explicitly; the files that do so are not instrumented themselves, for most of what they do is
// inline code of DPDK's headers.
#ifndef DPDK_EDGE_H
#define DPDK_EDGE_H

#include <rte_mbuf.h>

#ifdef DPDK_TSAN
void __tsan_acquire(void *);
void __tsan_release(void *);
#define DPDK_EDGE(way, mbuf)                                                                       \
	do                                                                                         \
		for (struct rte_mbuf *m_ = (mbuf); m_; m_ = m_->next)                              \
			__tsan_##way(m_);                                                          \
	while (0)
#else
#define DPDK_EDGE(way, mbuf) ((void)(mbuf))
#endif

// The mbuf, with all of its chain, was got; or is about to be given away.
#define dpdk_edge_got(mbuf)  DPDK_EDGE(acquire, mbuf)
#define dpdk_edge_give(mbuf) DPDK_EDGE(release, mbuf)

#endif
