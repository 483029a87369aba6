// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Included before the ACL's descriptor, so that it saves and restores something: an ACL has nothing
// to save, as its policies say all. Several builds, all called "acl", save it in different layouts;
// one takes none (KEPT_REFUSES).
#ifndef KEPT_H
#define KEPT_H

#include "acl.h"

int kept_save(void *instance, weir_port_id port, struct weir_save *save, struct weir_error *error);
int kept_restore(void *instance, weir_port_id port, uint32_t version, const void *bytes,
	size_t size, struct weir_error *error);

// The last member that the descriptor names.
#define acl_status                                                                                 \
	acl_status, .save = kept_save, .restore = kept_restore, .save_version = KEPT_LAYOUT

#endif
