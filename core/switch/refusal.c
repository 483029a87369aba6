// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What extensions refuse with: they may fill a struct weir_error by hand, with anything.
#include <errno.h>
#include <string.h>

#include "switch/model.h"
#include "switch/wire.h"

enum { ERRNO_MAX = 4095 }; // as the kernel's

static void tame_text(char *text, size_t size)
{
	size_t n = strnlen(text, size - 1);

	text[n] = '\0';
	if (wire_is_text((const uint8_t *)text, n))
		return;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] > '~')
			text[i] = '?';
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
