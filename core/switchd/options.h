// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The command line of weir-switchd.
#ifndef SWITCHD_OPTIONS_H
#define SWITCHD_OPTIONS_H

#include <limits.h>
#include <stdbool.h>

#include <weir/error.h>

// Paths are absolute: the daemon leaves the directory that it was started in.
struct switchd_options {
	char socket[PATH_MAX];
	char state[PATH_MAX];          // directory; "": nothing is kept
	char extensions[4 * PATH_MAX]; // directories to search, separated by ':'
	unsigned n_workers;
	unsigned n_flows; // 0: the core's choice, also below
	unsigned fdb_entries;
	unsigned fdb_ageing_s;
	unsigned linger_us;
	const char *dpdk; // EAL's arguments, as given; NULL: not given
	unsigned dpdk_mbufs;
	int log_level; // as syslog(3)
	bool has_linger;
	bool poll;
	bool strict;
	bool foreground;
	bool show_version;
	bool show_help;
};

// Reads the arguments of main and fills in what they leave open, with what the service manager says
// in the environment: STATE_DIRECTORY, and NOTIFY_SOCKET, which means the foreground. Returns 0, or
// -EINVAL with a sentence that names the argument. Uses getopt: once per process.
int options_parse(
	struct switchd_options *options, int argc, char *argv[], struct weir_error *error);

// One text for --help.
const char *options_usage(void);

#endif
