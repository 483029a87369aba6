// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Sessions, as far as the control thread has to do with them: their ends, which extensions are
// told.
#ifndef SWITCH_SESSION_H
#define SWITCH_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include <weir/extension.h>

struct attachment;
struct vswitch;
struct weir;

int sessions_check(unsigned n_sessions, unsigned n_port_sessions, struct weir_error *error);
unsigned vswitch_n_sessions(const struct vswitch *vswitch);
unsigned vswitch_n_port_sessions(const struct vswitch *vswitch);
// Once a second by the clock of w: ends those that have expired, and tells who opened them.
void sessions_run(struct weir *w);
// No worker uses the port any more.
void sessions_end_port(struct vswitch *vswitch, weir_port_id port);
// Ends those of an attachment, and tells it. Nobody calls its hooks any more, and no flow rests on
// them; or its switch has been removed, and no worker has it.
void sessions_leave(struct attachment *attachment);
// Those of a replaced attachment go to the one that came in its place, once the former is told.
void sessions_hand_over(const struct attachment *from, const struct attachment *to);
int host_sessions_end(struct weir_attachment *attachment, weir_port_id port, uint64_t cookie);
int host_sessions_end_some(
	struct weir_attachment *attachment, weir_port_id port, const uint64_t *cookies, size_t n);

#endif
