// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Text that is written piece by piece into a buffer of fixed size; what does not fit is cut off.
#ifndef TEXT_H
#define TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

struct text {
	char *bytes; // always terminated
	size_t size, used;
};

__attribute__((format(printf, 2, 3))) static inline void text_put(
	struct text *t, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(t->bytes + t->used, t->size - t->used, format, arguments);
	va_end(arguments);
	if (n > 0)
		t->used = t->used + (size_t)n < t->size ? t->used + (size_t)n : t->size - 1;
}

#endif
