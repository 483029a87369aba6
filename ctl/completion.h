// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The parts of the object completion that ask the daemon and the host.
#ifndef CTL_COMPLETION_H
#define CTL_COMPLETION_H

#include <jansson.h>
#include <stdbool.h>

#include "command.h"
#include "types.h"

// completion names KIND [WORD...]: prints words of the kind, one per line. The WORDs are what the
// kind depends on: the switch for `attached`, the policy type and the word begun for `field`,
// target and policy type for `id`. Prints only words of letters, digits and ._:=[]- because a shell
// will expand them.
int completion_names(struct invocation *in, struct ctl_error *error);

// Whether a shell would take text as it is.
bool completion_is_plain(const char *text);

// Prints a word made of up to three parts, unless a shell would make something of it.
void completion_put(const char *first, const char *second, const char *third);

// Prints the fields of the type, or the values of the one that is `begun` (may be NULL).
int completion_put_fields(struct invocation *in, const char *role, const struct type_name *name,
	const char *begun, struct ctl_error *error);

// Prints the names of all ports, each behind `before`.
int completion_put_ports(struct invocation *in, const char *before, struct ctl_error *error);

// Prints the names of the extensions in the daemon's directories, which are of its host and ours,
// but for those of the rows, and adds them to these.
int completion_put_loadable(struct invocation *in, json_t *rows, struct ctl_error *error);

// Prints packet:IF for each of the host's interfaces but loopback.
void completion_put_interfaces(void);

#endif
