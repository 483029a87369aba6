// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Calls of extensions: what is run for an object that weirctl does not have itself.
#ifndef CTL_CALL_H
#define CTL_CALL_H

#include <jansson.h>

#include "client.h"
#include "command.h"
#include "types.h"

// The files that a call names: fields of format FILE_WRITE and FILE_READ. weirctl opens them, with
// its user's rights, and passes the descriptors.
struct call_files {
	struct client_files passed;
	struct call_file {
		const struct catalog_field *field;
		char *word; // FIELD=PATH with an absolute path; the path is what is behind the '='
		bool made;  // by us: it was not there
	} files[8];
	unsigned n_files;
	bool given; // the daemon may be using them
};

// Takes the files among FIELD=VALUE words, and puts words with absolute paths in their place, which
// are borrowed from files. Finish with call_files_fini, also on failure.
int call_files_take(struct call_files *files, const struct catalog_message *message,
	const char **words, size_t n_words, struct ctl_error *error);

// Opens them in the order of the field numbers. What is there is not truncated: that is the
// extension's business, once it has taken the call.
int call_files_open(struct call_files *files, struct ctl_error *error);

// Closes them; unless they are given, those that were not there are removed again.
void call_files_fini(struct call_files *files);

// What comes back from a call. Starts with the message of role reply (NULL: none) and as_json.
struct call_replies {
	const struct catalog_message *message;
	bool as_json;
	json_t *rows;
};

// A client_reply, with a struct call_replies as context: keeps the replies, and writes the bytes of
// a stream to stdout as they come.
int call_replies_take(void *context, const Weir__Control__Reply *reply, struct ctl_error *error);

// Prints the replies. A message whose one field is a repeated message is a table of those, and so
// are several replies; a single one of another kind is an object.
int call_replies_print(const struct call_replies *replies, struct ctl_error *error);
void call_replies_fini(struct call_replies *replies);

#endif
