// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a port's VLAN configuration means for its frames: pure rules, no state.
//
// The VLAN of a frame inside the switch is a number, 1 to 4094, or 0 for none; a frame in a VLAN
// carries its tag there. So the rules name what the ingress half does to the tags, and in which
// form a frame leaves; who composes both into a program leaves out what cancels.
//
// The modes are those of Open vSwitch, so that a configuration can move over as it is:
// - none: frames pass as they are, in the VLAN of their outer tag. It is not a member of any VLAN
// in
//   the sense of IEEE 802.1Q: who wants isolation configures it.
// - access: an untagged port (802.1Q-2022 "admit only untagged and priority-tagged", 6.9). A frame
//   that comes tagged with a VLAN is refused also when that is the port's own.
// - trunk: "admit all" with ingress filtering (6.9, 8.6.2) when it has a native VLAN, which is
// always
//   allowed; else "admit only VLAN-tagged".
//
// Any thread.
#ifndef VLAN_H
#define VLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

enum {
	VLAN_MIN = 1,
	VLAN_MAX = 4094, // 4095 is reserved: 802.1Q-2022, table 9-2
	// Holds every canonical text: 1,365 items of at most 10 bytes, and what surrounds them.
	VLAN_TEXT_SIZE = 1365 * 10 + 32,
};

enum vlan_mode { VLAN_NONE, VLAN_ACCESS, VLAN_TRUNK };

// Zeroed memory is mode none. Made by vlan_parse(); two that mean the same are equal bytes.
struct vlan_config {
	enum vlan_mode mode;
	uint32_t vid;         // access: the VLAN; trunk: the native one, 0 when there is none
	uint64_t allowed[64]; // trunk: VLAN v is bit v % 64 of allowed[v / 64]
};

static inline bool vlan_allowed(const struct vlan_config *config, uint16_t vlan)
{
	return vlan <= VLAN_MAX && (config->allowed[vlan / 64] >> vlan % 64 & 1);
}

// text: "" or "none"; "10"; "trunk:" and items separated by commas: 200, 1-100, and at most once
// native:1. *config is untouched on failure. Returns 0 or -EINVAL with a sentence.
int vlan_parse(const char *text, struct vlan_config *config, struct weir_error *error);
// The canonical text: "" for none; ranges as long as possible, ascending, the native VLAN last.
void vlan_format(const struct vlan_config *config, char text[VLAN_TEXT_SIZE]);

// What the ingress half does to the tags, so that the frame carries that of its VLAN.
enum vlan_ingress_tag {
	VLAN_INGRESS_KEEP,
	VLAN_INGRESS_PUSH,    // a tag with the VLAN, priority 0
	VLAN_INGRESS_SET_VID, // of the outer, priority tag; its priority stays
};

enum vlan_refusal {
	VLAN_REFUSED_TAGGED = 1,  // tagged, on an access port
	VLAN_REFUSED_UNTAGGED,    // untagged or priority-tagged, on a trunk without native VLAN
	VLAN_REFUSED_NOT_ALLOWED, // tagged with a VLAN that the trunk does not carry
};

// Which VLAN a frame is in that the port receives (802.1Q-2022, 6.9.1).
// n_tags: 0 or more; vid: of the outer tag, 0 for a priority tag, ignored without a tag.
// Returns true with *vlan and *tag, or false with *why; the others are untouched.
bool vlan_ingress(const struct vlan_config *config, unsigned n_tags, uint16_t vid, uint16_t *vlan,
	enum vlan_ingress_tag *tag, enum vlan_refusal *why);

// The form in which a frame leaves.
enum vlan_egress_tag {
	VLAN_EGRESS_KEEP,  // as it stands inside the switch
	VLAN_EGRESS_TAG,   // with the tag of its VLAN
	VLAN_EGRESS_UNTAG, // without it
};

// Whether a frame in the VLAN leaves through the port (member set, 8.6.4) and how (untagged set,
// 6.9.2). vlan: 0 to 4095. *tag is untouched when it does not leave.
bool vlan_egress(const struct vlan_config *config, uint16_t vlan, enum vlan_egress_tag *tag);

#endif
