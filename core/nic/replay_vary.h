// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Ever new flows out of a short capture: `replay:FILE,loop,vary`.
#ifndef REPLAY_VARY_H
#define REPLAY_VARY_H

#include <stdint.h>

#include <weir/frame.h>

// Gives a TCP or UDP frame the n-th pair of ports, and the checksum that follows from them (RFC
// 1624). All 2^32 pairs come, each once, in an order that looks random and is always the same.
// Other frames, also fragments, stay as they are. The frame is private and linear. Worker.
void replay_vary(struct weir_frame *frame, uint32_t n);

#endif
