// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "error.h"

#include <stdarg.h>
#include <string.h>

int ctl_fail(struct ctl_error *error, enum ctl_exit code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	error->status = 0;
	error->field[0] = '\0';
	return (int)code;
}

void ctl_blame(struct ctl_error *error, const char *format, ...)
{
	char sentence[sizeof(error->message)];
	va_list arguments;
	size_t size;

	memcpy(sentence, error->message, sizeof(sentence));
	va_start(arguments, format);
	vsnprintf(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	size = strlen(error->message);
	snprintf(error->message + size, sizeof(error->message) - size, "%s", sentence);
}

bool ctl_take_field(struct ctl_error *error)
{
	size_t size = strlen(error->field);

	if (size == 0 || strncmp(error->message, error->field, size) != 0 ||
		strncmp(error->message + size, ": ", 2) != 0)
		return false;
	size += 2;
	memmove(error->message, error->message + size, strlen(error->message + size) + 1);
	return true;
}

int ctl_fail_memory(struct ctl_error *error)
{
	return ctl_fail(error, CTL_REFUSED, "out of memory");
}

// Bytes of printable ASCII at the beginning: of nearly all texts, all of them.
static size_t plain_size(const char *text)
{
	size_t size = 0;

	while (text[size] >= ' ' && text[size] <= '~')
		size++;
	return size;
}

size_t ctl_put_text(FILE *out, const char *text)
{
	size_t plain = plain_size(text), columns = plain;

	fwrite(text, 1, plain, out);
	for (const unsigned char *c = (const unsigned char *)text + plain; *c; c++) {
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
