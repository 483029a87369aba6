// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#ifndef ACL_EXACT_FRAMES_H
#define ACL_EXACT_FRAMES_H

#include "exact_traffic.h"

struct frame_draft {
	struct packet packet;
	struct wire wire;
	uint32_t size;
	struct virtio_net_hdr offload;
	uint8_t bytes[TRAFFIC_FRAME_MAX];
};

// A random frame that comes from the port, with the number of the ledger's next one.
void draw_frame(struct frame_draft *draft, const struct ledger *ledger, unsigned port);
// One that no policy is about, and that comes out of p3.
void draw_marker(struct frame_draft *draft, uint32_t number, unsigned port);

#endif
