// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// net_pcap with infinite_rx=1 holds its whole capture in mbufs of the pool. It finds out that they
// do not suffice when it has taken all of them, from every other NIC as well, and of an empty
// capture it loses some whenever it is polled: so this is looked at before.
#ifndef DPDK_CAPTURE_H
#define DPDK_CAPTURE_H

#include <weir/error.h>

// Refuses devargs whose captures are to be repeated and are empty, or larger than what is free in
// the pool. One that cannot be opened is left to the driver, which says why. Under dpdk_lock.
int dpdk_capture_check(const char *devargs, struct weir_error *error);

#endif
