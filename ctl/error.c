// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "error.h"

#include <stdarg.h>

int ctl_fail(struct ctl_error *error, enum ctl_exit code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	return (int)code;
}

int ctl_fail_memory(struct ctl_error *error)
{
	return ctl_fail(error, CTL_REFUSED, "out of memory");
}

size_t ctl_put_text(FILE *out, const char *text)
{
	size_t columns = 0;

	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c < 0x20 || *c == 0x7f) {
			columns += (size_t)fprintf(out, "\\x%02x", *c);
		} else if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) {
			// U+0080 to U+009F: the 8-bit forms of escape sequences.
			columns += (size_t)fprintf(out, "\\x%02x", *++c);
		} else {
			fputc(*c, out);
			columns += (*c & 0xc0) != 0x80;
		}
	}
	return columns;
}
