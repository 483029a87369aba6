// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The command table. What weirctl can do is one table of commands, a piece per object in the file
// of that object; parsing, usage, help and shell completion all read it, so that they cannot
// disagree.
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct client;
struct invocation;

// What a word of a command is, for completion.
enum word_kind {
	WORD_ANY,        // nothing is known about it
	WORD_SWITCH,     // name of a switch
	WORD_PORT,       // name of a port
	WORD_EXTENSION,  // name of a loaded extension
	WORD_LOADABLE,   // of one that is not loaded, in the daemon's directories
	WORD_ATTACHABLE, // WORD_EXTENSION or WORD_LOADABLE, not attached to the switch before it
	WORD_ATTACHED,   // to the switch before it, or missing there
	WORD_TARGET,     // of a policy: a port, or switch:NAME
	WORD_SCOPE,      // WORD_TARGET, or WORD_EXTENSION when it is left out
	WORD_POLICY, // EXTENSION[.TYPE] of a policy, attached to the switch of the target before
	WORD_FIELD,  // FIELD=VALUE of the policy type before it
	WORD_ID,     // of a policy of the target and extension before it
	WORD_STATUS, // EXTENSION[.TYPE] of a status
	WORD_STATUS_TARGET, // WORD_TARGET, or WORD_STATUS when it is left out
	WORD_CALL,          // type of a call of the extension that is the object
	WORD_CALL_FIELD,    // FIELD=VALUE of the call before it
	WORD_EVENT,         // a kind of event, or several with commas between
	WORD_NIC,           // specification of a NIC
	WORD_FILTER,        // of flows: NAME=VALUE, or several with commas between
	WORD_CLASS,         // of extensions that there are templates of
	WORD_FILE,
	WORD_OBJECT, // of the command table
	WORD_VERB,   // of the object before it
};

enum arity {
	ONE,
	OPTIONAL,
	LEADING, // optional, and left out when there are too few words; only the first argument
	MANY,    // or none; only the last argument
};

struct command_argument {
	const char *name; // in capitals
	enum word_kind kind;
	enum arity arity;
};

struct command_option {
	const char *name;  // with both dashes
	const char *value; // what its value is called, in capitals; NULL: it takes none
	enum word_kind kind;
	const char *help; // one line
	char letter;      // short form, or 0
};

enum { COMMAND_MAX_ARGUMENTS = 4, COMMAND_MAX_OPTIONS = 6 };

struct command {
	const char *object;
	const char *verb; // NULL: the object alone is the command
	const char *summary;
	int (*run)(struct invocation *in, struct ctl_error *error);
	// --help, where the arguments say of what there is more to tell; NULL: help_command.
	int (*help)(struct invocation *in, struct ctl_error *error);
	bool changes; // not read-only: takes --dry-run
	// Both end with a NULL name.
	struct command_argument arguments[COMMAND_MAX_ARGUMENTS + 1];
	struct command_option options[COMMAND_MAX_OPTIONS + 1];
};

// One per object, in the file of that name; each ends with a NULL object.
extern const struct command switch_commands[];
extern const struct command port_commands[];
extern const struct command extension_commands[];
extern const struct command policy_commands[];
extern const struct command meter_commands[];
extern const struct command policer_commands[];
extern const struct command fdb_commands[];
extern const struct command flow_commands[];
extern const struct command session_commands[];
extern const struct command drop_commands[];
extern const struct command worker_commands[];
extern const struct command daemon_commands[];
extern const struct command event_commands[];
extern const struct command trace_commands[];
extern const struct command export_commands[];
extern const struct command apply_commands[];
extern const struct command help_commands[];
extern const struct command completion_commands[];

// The options that every command takes; ends with a NULL name.
extern const struct command_option global_options[];
extern const struct command_option dry_run_option;

// What is run for an object that is none of the table's: EXTENSION TYPE [FIELD=VALUE...]. Not one
// of command_at().
extern const struct command call_command;

// Number `index` of all commands, in the order of the table, or NULL behind the last.
const struct command *command_at(size_t index);

// The command, or NULL. verb may be NULL.
const struct command *command_find(const char *object, const char *verb);

// A command line that was understood. Strings are borrowed from argv and the environment.
struct invocation {
	const struct command *command; // NULL while none is known
	const char *object;            // as typed, NULL: none
	const char **arguments;        // in the order typed
	size_t n_arguments;
	const char *options[COMMAND_MAX_OPTIONS]; // values as in command->options; "" for flags
	const char *socket;
	int timeout_ms;
	bool json, dry_run;
	bool has_timeout;      // given: timeout_ms is not the default
	bool help, version;    // asked for instead of the command
	struct client *client; // once connected
};

// Reads a command line. Finish with invocation_fini, also on failure; what was understood until
// then is in *in. Returns 0 or CTL_USAGE.
int invocation_parse(struct invocation *in, int argc, char *const *argv, struct ctl_error *error);
void invocation_fini(struct invocation *in);

// The argument at index, or NULL when it was left out.
const char *invocation_argument(const struct invocation *in, size_t index);

// The value of one of the command's options, "" for a flag, or NULL when it was not given.
const char *invocation_option(const struct invocation *in, const char *name);

// What a number may be; unit: behind the limits in the sentence, may be NULL.
struct command_range {
	uint64_t least, most;
	const char *unit;
};

// As invocation_option, for a number: *has tells whether it was given. protobuf-c's booleans are
// int.
int invocation_number(const struct invocation *in, const char *name, struct command_range range,
	int *has, uint32_t *number, struct ctl_error *error);

// Reads all of text as a decimal number. name: for the sentence.
int command_number(const char *name, const char *text, struct command_range range, uint64_t *number,
	struct ctl_error *error);

// What those of the table are called, for sentences: "switch, port, ...".
void command_objects(char *text, size_t size);

// Write the usage of one command, of an object's commands, and of everything.
void help_usage(FILE *out, const struct command *command);
void help_object(FILE *out, const char *object);
void help_all(FILE *out);
void help_command(FILE *out, const struct command *command);
// The usage of one of an extension's calls, and the options of a command and those of all.
void help_call(FILE *out, const char *extension, const char *type);
void help_options(FILE *out, const struct command *command);

#endif
