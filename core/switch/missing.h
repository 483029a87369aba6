// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Extensions that cannot be had, and ports that are blocked for them.
#ifndef SWITCH_MISSING_H
#define SWITCH_MISSING_H

#include <stdbool.h>

#include <weir/error.h>

struct attachment;
struct missing;
struct port;
struct weir;

enum { BLOCKED_REASON_SIZE = 256 };

// Turns a fresh attachment_make() without an extension into one that stands for `name`. path: NULL:
// looked for by name. -ENOMEM.
int missing_make(
	struct attachment *attachment, const char *name, const char *path, const char *reason);
void missing_free(struct missing *missing); // accepts NULL
// Of a missing one, or "".
const char *missing_reason(const struct attachment *attachment);
// The path that was asked for, NULL: by name. Of any attachment.
const char *attachment_path(const struct attachment *attachment);
// Has those of the name looked for at another path, wherever they are missing: makes what that
// needs, -ENOMEM; then one of the others. missing_move() returns how many there are.
int missing_move_make(const struct weir *w, const char *name, const char *path);
unsigned missing_move(const struct weir *w, const char *name);
void missing_move_discard(const struct weir *w, const char *name);
// Remarks, behind its replacement, where it is not there all the same: it runs there no more than
// before, and who replaced it may take it that it does.
void missing_remark(const struct weir *w, const char *name, bool made);
// Tries again. The attachment is gone when this succeeds.
int missing_retry(struct attachment *missing, int order, unsigned flags, struct weir_error *error);
// One whose switch-wide policies were refused counts as missing: prepares those again.
bool attachment_is_refused(const struct attachment *attachment);
int refused_retry(struct attachment *attachment, unsigned flags, struct weir_error *error);
// Whether an extension is attached anywhere, or missing somewhere.
bool attached_anywhere(const struct weir *w, const char *name, bool missing_too);
// Whether the port passes nothing; reason: "extension acl: ...", may be NULL.
bool port_is_blocked(const struct port *port, char reason[/* BLOCKED_REASON_SIZE */]);
// The notice: it is blocked, or not any more.
void port_tell_blocked(const struct port *port);

#endif
