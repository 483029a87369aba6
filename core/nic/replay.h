// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The NIC kind `replay`: hands out the frames of a capture, and swallows what is sent to it.
//
// Without pps= frames come as fast as they are taken, and the worker does not sleep before the last
// one was. With pps=N a frame is due every 1/N s from the worker's first look on, and waits in a
// modelled receive ring of REPLAY_RING frames; one that finds the ring full is lost and counted in
// rx_missed, as a real NIC would.
//
// With `vary` every TCP or UDP frame that is handed out has ports of its own (replay_vary.h): each
// is the first of a flow.
#ifndef REPLAY_H
#define REPLAY_H

#include "nic/nic.h"

enum {
	REPLAY_RING = 1024, // frames
	REPLAY_MAX_PPS = 1000 * 1000 * 1000,
};

// Replaces CLOCK_MONOTONIC. now: called by the worker, returns ns and never goes back. nic must be
// of the kind replay. Before the first receive().
void replay_set_clock(struct nic *nic, uint64_t (*now)(void *context), void *context);

#endif
