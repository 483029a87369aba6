// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/landing.h"

#include <string.h>

bool landing_prepare(struct landing *landing, struct frame_pool *pool)
{
	if (!landing->small)
		landing->small = frame_alloc(pool, FRAME_POOL_SMALL);
	if (!landing->large)
		landing->large = frame_alloc(pool, WEIR_FRAME_MAX);
	return landing->small && landing->large;
}

void landing_pieces(const struct landing *landing, uint32_t gap, struct iovec pieces[/* 2 */])
{
	pieces[0] = (struct iovec){ landing->small->data + gap, FRAME_POOL_SMALL - gap };
	pieces[1] = (struct iovec){ landing->large->data + FRAME_POOL_SMALL,
		WEIR_FRAME_MAX - FRAME_POOL_SMALL };
}

struct weir_frame *landing_take(struct landing *landing, uint32_t gap, uint32_t size)
{
	struct weir_frame *frame = landing->small;

	if (size > FRAME_POOL_SMALL - gap) {
		frame = landing->large;
		memcpy(frame->data + gap, landing->small->data + gap, FRAME_POOL_SMALL - gap);
		landing->large = NULL;
	} else {
		landing->small = NULL;
	}
	frame->data += gap;
	frame->headroom += (uint16_t)gap;
	frame->size = frame->linear = size;
	return frame;
}

void landing_release(struct landing *landing)
{
	if (landing->small)
		weir_frame_release(landing->small);
	if (landing->large)
		weir_frame_release(landing->large);
	*landing = (struct landing){ 0 };
}
