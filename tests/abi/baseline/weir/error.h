// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// An error that a person will read.
//
// Functions that can refuse what a user asked for return a negative errno and fill one of these:
// a sentence that names the bad value and says what is allowed, and the field that it concerns.
// A caller that is not interested passes NULL.
#ifndef WEIR_ERROR_H
#define WEIR_ERROR_H

#include <stdarg.h>
#include <stdio.h>

struct weir_error {
	int code;          // negative errno, the same value that the function returns; 0 = none
	char field[64];    // the offending field or argument, "" when none is to blame
	char message[448]; // one sentence, without a final stop, UTF-8, always terminated
};

// Fills *error (which may be NULL) and returns code, so that a refusal is one statement:
//     return weir_refuse(error, -EINVAL, "vlan", "vlan \"%s\": must be 1 to 4094", text);
// code: negative errno. field: may be NULL. Any thread.
__attribute__((format(printf, 4, 5))) static inline int weir_refuse(
	struct weir_error *error, int code, const char *field, const char *format, ...)
{
	if (error) {
		va_list arguments;

		error->code = code;
		snprintf(error->field, sizeof(error->field), "%s", field ? field : "");
		va_start(arguments, format);
		vsnprintf(error->message, sizeof(error->message), format, arguments);
		va_end(arguments);
	}
	return code;
}

#endif
