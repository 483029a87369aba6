// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// net_pcap with infinite_rx=1 holds its whole capture in mbufs of the pool. It finds out that they
// do not suffice when it has taken all of them, from every other NIC as well: so this is looked at
// before.
#ifndef DPDK_CAPTURE_H
#define DPDK_CAPTURE_H

#include <weir/error.h>

// Refuses devargs whose captures are larger than what is free in the pool; what cannot be read is
// left to the driver. Under dpdk_lock.
int dpdk_capture_check(const char *devargs, struct weir_error *error);

#endif
