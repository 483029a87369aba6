// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What extensions refuse with: they may fill a struct weir_error by hand, with anything.
#include <errno.h>

#include "switch/host.h"
#include "switch/wire.h"

enum { ERRNO_MAX = 4095 }; // as the kernel's

static void tame_text(char *text, size_t size)
{
	text[size - 1] = '\0';
	wire_make_text(text);
}

int refusal_tame(struct weir_error *error, int code)
{
	if (code >= 0)
		return 0;
	if (code < -ERRNO_MAX)
		code = -EINVAL;
	error->code = code;
	tame_text(error->field, sizeof(error->field));
	tame_text(error->message, sizeof(error->message));
	return code;
}
