// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a port counts: one struct per port and worker, written by that worker alone and read by the
// control thread. Frames and bytes are those of the wire: a segmentation-offload frame counts as
// the frames it will be (weir_frame_wire()).
//
// Conservation, per switch: received + originated + copies = transmitted + dropped + consumed +
// queued.
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Reasons of the core. An extension's reasons follow from its number: see reason_of().
enum core_reason {
	REASON_MALFORMED,
	REASON_RESERVED_ADDRESS,
	REASON_VLAN_NOT_ALLOWED,
	REASON_TAG_ON_ACCESS_PORT,
	REASON_UNTAGGED_ON_TRUNK,
	REASON_SAME_PORT,
	REASON_NO_DESTINATION,
	REASON_NO_PORT,
	REASON_PORT_DOWN,
	REASON_TOO_BIG,
	REASON_TX_FULL,
	REASON_TX_FAILED,
	REASON_BAD_OFFLOAD,
	REASON_NO_BUFFERS,
	REASON_NO_MEMORY,
	REASON_STACK_TOO_COMPLEX,
	REASON_NEW_FLOW_SHED,
	REASON_SESSION_FULL,
	REASON_OVER_RATE,
	N_CORE_REASONS,
};

enum {
	REASONS_PER_OWNER_SHIFT = 6, // WEIR_REASONS_MAX is 64
	REASON_OWNERS = 1024,        // 0 is the core
	DROP_SLOTS = 64, // different drops of one port and worker; further ones share the last
};

// owner: 0 for the core, else the extension's number, below REASON_OWNERS.
static inline uint16_t reason_of(unsigned owner, unsigned index)
{
	return (uint16_t)(owner << REASONS_PER_OWNER_SHIFT | index);
}

struct drop_slot {
	uint32_t key; // stage << 16 | reason, plus 1 << 31: in use
	uint32_t reserved;
	uint64_t frames;
};

// Where and why: what a visit of stage 7 is told, and what drops are counted under.
#define DROP_CAUSE(stage, reason) ((uint32_t)(stage) << 16 | (uint32_t)(reason))
#define DROP_KEY(stage, reason)   (UINT32_C(1) << 31 | DROP_CAUSE(stage, reason))
// What the shared last slot says.
#define DROP_KEY_OTHERS (UINT32_C(1) << 31 | UINT32_C(1) << 30)

// worker: rw, control: r
struct port_counters {
	_Alignas(64) uint64_t rx_frames;
	uint64_t rx_bytes;
	uint64_t tx_frames;
	uint64_t tx_bytes;
	uint64_t originated; // frames that extensions made, entering at this port
	uint64_t copies; // destinations beyond the first, and mirrored copies, of frames from this
			 // port
	uint64_t consumed; // taken out by an extension
	uint64_t dropped;  // the sum of drops
	struct drop_slot drops[DROP_SLOTS];
	// What of each was listed and reset; in lines of its own. control: rw
	uint64_t drop_bases[DROP_SLOTS];
};
_Static_assert(
	offsetof(struct port_counters, drop_bases) % 64 == 0, "a line of the control thread");

// A counter has one writer; the store is atomic so that a reader never sees half of it.
static inline void count(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline uint64_t counted(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static inline void count_drop(
	struct port_counters *c, unsigned stage, uint16_t reason, uint64_t frames)
{
	uint32_t key = DROP_KEY(stage, reason);
	unsigned at = (key * UINT32_C(0x9e3779b1)) >> 26;

	for (unsigned i = 0; i < DROP_SLOTS - 1; i++, at = (at + 1) % (DROP_SLOTS - 1)) {
		at %= DROP_SLOTS - 1;
		if (c->drops[at].key == key)
			break;
		if (c->drops[at].key == 0) {
			__atomic_store_n(&c->drops[at].key, key, __ATOMIC_RELEASE);
			break;
		}
	}
	if (c->drops[at].key != key) {
		at = DROP_SLOTS - 1;
		__atomic_store_n(&c->drops[at].key, DROP_KEY_OTHERS, __ATOMIC_RELEASE);
	}
	count(&c->drops[at].frames, frames);
	count(&c->dropped, frames);
}

// Meters: one slot per worker and meter, in chunks that are made before anybody can name a meter of
// them and stay until the switch goes.
enum { METER_CHUNK = 1024, METER_CHUNKS = 256, METERS_MAX = METER_CHUNK * METER_CHUNKS };

struct meter_slot {
	uint64_t frames, bytes; // worker: rw, control: r
};

struct meter_bank {
	struct meter_slot *chunks[METER_CHUNKS]; // control: w before use, worker: r
};

// Whose each meter is: the owner's number, 0 for none. One per switch. control: w, worker: r per
// decision
struct meter_owners {
	uint16_t *chunks[METER_CHUNKS];
};

static inline uint16_t meter_owner(const struct meter_owners *owners, uint32_t meter)
{
	const uint16_t *chunk;

	if (meter >= METERS_MAX)
		return 0;
	chunk = __atomic_load_n(&owners->chunks[meter / METER_CHUNK], __ATOMIC_ACQUIRE);
	return chunk ? __atomic_load_n(&chunk[meter % METER_CHUNK], __ATOMIC_RELAXED) : 0;
}

static inline struct meter_slot *meter_at(const struct meter_bank *bank, uint32_t meter)
{
	return &__atomic_load_n(
		&bank->chunks[meter / METER_CHUNK], __ATOMIC_ACQUIRE)[meter % METER_CHUNK];
}

#endif
