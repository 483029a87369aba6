// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The numbers by which programs name the meters and the policers of a switch. A number is given out
// again only when no program can use it for the thing that had it before: once every worker has
// swept its flows. One sweep is for all things that were given back until it begins.
//
// Control thread only.
#ifndef NUMBERS_H
#define NUMBERS_H

#include <stdint.h>

#include <weir/error.h>

struct vswitch;

// First in what has a number.
struct numbered {
	struct numbered *next; // among those given back
	uint32_t id;
	uint32_t place; // where its holder's list had it last: a hint
};

struct numbers {
	struct vswitch *vswitch;
	const char *what;    // is numbered, in the plural
	uint32_t chunk, max; // numbers whose memory is made at once, and in all
	// Makes what the datapath needs for the numbers of a chunk. 0 or -ENOMEM; may be called
	// again for the same chunk then.
	int (*make_chunk)(struct vswitch *vswitch, uint32_t chunk);
	// No program uses the number any more: frees the thing.
	void (*end)(struct vswitch *vswitch, struct numbered *thing);
	uint32_t made;
	uint32_t *free;
	unsigned n_free;
	struct numbered *returned, *sweeping; // and in the sweep that is under way
};

// 0, -ENOMEM, -ENOSPC.
int numbers_take(struct numbers *numbers, uint32_t *id);
// Says in *error why numbers_take() failed, with the limit where that is the reason. Returns
// failed.
int numbers_refuse(const struct numbers *numbers, int failed, struct weir_error *error);
// Takes ownership of the thing.
void numbers_return(struct numbers *numbers, struct numbered *thing);
// No worker uses the switch any more: ends all that was given back.
void numbers_fini(struct numbers *numbers);

#endif
