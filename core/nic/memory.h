// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The NIC kind `memory` as the core sees it; weir/memory.h is the application's side.
#ifndef NIC_MEMORY_H
#define NIC_MEMORY_H

#include <weir/memory.h>

#include "nic/nic.h"

// The application's end of a NIC of the kind `memory`, NULL for any other kind. Every call counts
// one more holder: caller frees with weir_memory_release(). Control thread, before nic_close().
struct weir_memory *nic_memory_end(struct nic *nic);

#endif
