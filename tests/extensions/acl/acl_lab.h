// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The extension acl in a laboratory: policies as people write them, and what becomes of packets.
// Stations 0, 2 and 3 are behind the port p0, all others behind p1. Whatever fails in here fails
// the test.
#ifndef ACL_LAB_H
#define ACL_LAB_H

#include "packet.h"

// Two ports, with the extension attached.
void acl_begin(struct lab *lab, const struct lab_options *options);
void acl_end(struct lab *lab);

// text: "acl direction=out action=deny remote=10.0.0.0/8" or "rule ..." or "settings ...". Returns
// what weir_policy_add() does, with lab->error; does not settle.
int acl_try(struct lab *lab, const char *target, const char *id, const char *text);
void acl_add(struct lab *lab, const char *target, const char *id, const char *text);
void acl_remove(struct lab *lab, const char *target, const char *id);
// Packs it instead. Returns the size.
size_t acl_pack(const char *text, char type[/* 16 */], uint8_t *bytes);

// Sends the packet into its station's port, and says what became of it: "" came out of the other,
// else "REASON@STAGE" of a drop (of the extension, or of the core).
const char *acl_pass(struct lab *lab, const struct packet *packet);

struct acl_meter {
	uint64_t frames, bytes;
};
struct acl_meter acl_meter(struct lab *lab, const char *target, const char *id);

#endif
