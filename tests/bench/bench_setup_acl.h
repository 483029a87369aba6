// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Policies of the extension acl and new flows for them, out of named families: of rules
// (tests/extensions/acl/classify_families.h), and of prefixes (prefix_families.h), which become
// entries of the port ACL. Beside them the port has a meter of all that comes from it, unless they
// meter, and its flows are told apart by addresses, protocol and ports.
//
// Whatever fails prints a sentence and ends the process.
#ifndef BENCH_SETUP_ACL_H
#define BENCH_SETUP_ACL_H

#include <stddef.h>
#include <stdint.h>

#include <weir/embed.h>

enum { ACL_FLOWS_FRAME = 74 }; // bytes at most

struct acl_flows;

// Applies n policies to the port "in" of br0, for what comes from it, and tells on standard error
// how many milliseconds that took and what the extension says of them: "applied N bytes N steps N
// meters N", the bytes for each policy. kind: which packets the flows are
// drawn as, one of family_packet_names.
struct acl_flows *acl_flows_create(
	struct weir *w, const char *family, size_t n, const char *kind, size_t n_frames);
void acl_flows_destroy(struct acl_flows *flows); // accepts NULL
// The frame of the next flow; after n_frames the first again. Borrowed.
const uint8_t *acl_flows_frame(struct acl_flows *flows, size_t *size);

#endif
