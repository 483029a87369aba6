// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Remarks of extensions, and of the core, on what is being changed.
#ifndef SWITCH_REMARK_H
#define SWITCH_REMARK_H

#include <stdarg.h>
#include <stdbool.h>

struct attachment;
struct port;
struct target;
struct target_state;
struct weir;

// A remark on what is being prepared. -ENOSPC, -ENOMEM.
__attribute__((format(printf, 2, 0))) int remark_add(
	struct target_state *state, const char *format, va_list arguments);
// Tells them, and forgets them. made: the change is; else it is but checked, or refused.
void remarks_tell(const struct target *target, struct target_state *state, bool made);
void remarks_free(struct target_state *state);
// One of the core's own.
__attribute__((format(printf, 3, 4))) void weir_remark(
	const struct weir *w, bool made, const char *format, ...);
// What ends with an attachment, of what clients began and have not ended. Before it does.
void remark_ended(const struct attachment *attachment, bool made);
// What somebody who has given the port its NIC should know of it. After the change.
void port_remark_nic(const struct port *port);
// The same of a NIC with this specification that is, or would be, `shared`.
void port_remark_shared(const struct port *port, const char *spec, bool made);

#endif
