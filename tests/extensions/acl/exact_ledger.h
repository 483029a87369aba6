// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What meters must have counted, from what was sent and what became of it alone: nothing is asked
// about how frames are decided.
//
// Every change is a version. Filters beside the ACL write the version that a half of a frame's way
// was decided by into the frame, in the same change: the ingress half the low byte into the TOS,
// the egress half all of it into the source address. So what comes out of a port, or is dropped at
// run time, tells which entries there were when it was counted, though traffic and changes run at
// the same time. The equation per entry, in frames and bytes on the port's wire, is
//     out: every frame that came out of some port, or was dropped at run time behind the entry:
//         by a visitor, by a policer of the other port, by what that port remembers of a later
//         fragment's first one, by a full or missing NIC
//     in:  every frame that came out of the port, or was dropped at its NIC
// A policer of the ACL stands before its meters, as does what it remembers: what those drop, the
// same port and direction has not counted.
//
// A meter's life begins with the version in which its policy does, and ends likewise; that its
// extension leaves and returns does not end it.
#ifndef ACL_EXACT_LEDGER_H
#define ACL_EXACT_LEDGER_H

#include "model.h"

enum {
	EXACT_PORTS = 5,
	EXACT_METERS = 12,    // of a port, by number
	EXACT_VERSIONS = 256, // that can be told apart
	EXACT_LIVES = 16384,
	EXACT_FRAMES = 1 << 19,
	VISITOR_ORDER = 20, // of the extension that drops frames on its visits
};

// Frames and bytes on a wire.
struct wire {
	uint64_t frames, bytes;
};

struct version {
	bool attached;
	int order; // of the ACL in the stack
	struct model_policy meters[EXACT_PORTS][EXACT_METERS];
	unsigned lives[EXACT_PORTS][EXACT_METERS]; // 0: it does not meter
};

struct sent_frame {
	struct packet packet;
	struct wire wire;
	uint32_t size;
	uint16_t gso_size; // 0: a frame as it is
	uint16_t header;   // bytes before its payload
	uint8_t port;
	bool passed; // its port's entries have counted it, by this version
	uint32_t version;
};

struct ledger {
	struct version versions[EXACT_VERSIONS];
	uint32_t latest;
	struct wire counted[EXACT_LIVES];  // by whose life it was
	struct wire reported[EXACT_LIVES]; // by resets
	unsigned n_lives;
	struct sent_frame *frames; // by number
	uint32_t n_frames;
	uint64_t n_rewritten, n_super, n_flooded, n_later; // of what came out
};

// Where a frame was seen last.
enum fate {
	FATE_CAME_OUT,   // of the port, or was dropped at its NIC
	FATE_REFUSED_IN, // dropped at run time by the ACL of the port that it was to go to
	FATE_VISITED,    // dropped by the visitor of the port that it came from
};

// A new version, made from the latest: its meters are texts[port][number], "" none. It may be in
// force as soon as somebody has applied it; ledger_take_back() says that nobody has.
void ledger_begin(struct ledger *ledger, bool attached, int order,
	const char *const texts[EXACT_PORTS][EXACT_METERS]);
void ledger_take_back(struct ledger *ledger);

// Bytes to be found again in a frame, and the number in them; false: there are none.
enum { LEDGER_MARK = 8 };
void ledger_mark(uint8_t mark[LEDGER_MARK], uint32_t number);
bool ledger_find_mark(const uint8_t *bytes, uint32_t n_bytes, uint32_t *number);

// bytes: at least the headers and the mark, of a frame of `size` bytes.
void ledger_note(struct ledger *ledger, unsigned port, enum fate fate, const uint8_t *bytes,
	uint32_t n_bytes, uint32_t size);

#endif
