// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#ifndef DPDK_HUGEPAGES_H
#define DPDK_HUGEPAGES_H

#include <stdbool.h>

#define DPDK_HUGEPAGE_SIZES "/sys/kernel/mm/hugepages"

// Whether this process can have a hugepage, of any size that the machine has: the kernel lists the
// sizes in the directory, as hugepages-2048kB. Control thread.
bool dpdk_has_hugepages(const char *directory);

#endif
