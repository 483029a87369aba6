// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Notices: what happens that is worth a line.
#ifndef SWITCH_NOTICE_H
#define SWITCH_NOTICE_H

struct weir;

// ---- notice.c
__attribute__((format(printf, 6, 7))) void weir_notify(struct weir *w, const char *kind,
	const char *vswitch, const char *port, const char *extension, const char *format, ...);

// ---- notice_kinds.c
// How much a line about a notice of this kind matters: as syslog(3).
int notice_level(const char *kind);

#endif
