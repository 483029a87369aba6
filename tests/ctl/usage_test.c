// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What weirctl says when it is called wrongly, or when nobody answers as he should.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "program.h"

static void wrong_usage(void **state)
{
	static const struct {
		const char *line, *sentence, *usage;
	} lines[] = {
		{ "weirctl",
			"the object is missing: there are switch, port, extension, policy, "
			"meter, policer, fdb, flow, session, drop, worker, daemon, event, trace, "
			"export, "
			"apply, "
			"help, "
			"completion",
			"[OPTION...] OBJECT VERB [ARGUMENT...] (see weirctl --help)" },
		{ "weirctl bridge list", "unknown object \"bridge\": there are switch,", "" },
		{ "weirctl switch", "the verb is missing: there are add, remove, list, show", "" },
		{ "weirctl policy status", "EXTENSION[.TYPE] is missing",
			"policy status [TARGET] EXTENSION[.TYPE]\n" },
		{ "weirctl switch rename a b",
			"unknown verb \"rename\": switch has add, remove, list, show", "" },
		{ "weirctl port add br0", "NAME is missing", "port add SWITCH NAME [NIC] [--vlan" },
		{ "weirctl switch add a b", "unexpected argument \"b\"",
			"switch add NAME [--flows N] [--sessions N] [--port-sessions N] "
			"[--dry-run]\n" },
		{ "weirctl port add br0 vm1 --color red", "unknown option \"--color\"",
			"port add" },
		{ "weirctl switch list --dry-run", "unknown option \"--dry-run\"",
			"switch list\n" },
		{ "weirctl --vlan 10 port add br0 vm1", "unknown option \"--vlan\"", "" },
		{ "weirctl port add br0 vm1 --vlan", "--vlan needs a value: VLAN", "port add" },
		{ "weirctl port add br0 vm1 --uplink=yes", "--uplink takes no value", "port add" },
		{ "weirctl port add br0 vm1 --mtu 1 --mtu 2", "--mtu is given twice", "port add" },
		{ "weirctl switch list --timeout soon",
			"--timeout \"soon\": must be 0.001 to 1000000 seconds", "switch list" },
		{ "weirctl switch list --timeout -1",
			"--timeout \"-1\": must be 0.001 to 1000000 seconds", "switch list" },
		{ "weirctl port set vm1", "nothing to set: give --vlan, --mac or --mtu",
			"port set" },
		{ "weirctl worker set", "nothing to set: give --linger-us", "worker set" },
		{ "weirctl help bridge", "no help: there is no command \"bridge\"", "help" },
		{ "weirctl help port rename", "no help: there is no command \"port rename\"",
			"help" },
		{ "weirctl completion names color", "kind \"color\": must be switch, port,",
			"completion names" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct outcome outcome = program_run(lines[i].line);
		char *expected, *usage;

		assert_true(asprintf(&expected, "weirctl: %s", lines[i].sentence) > 0);
		assert_true(asprintf(&usage, "\nusage: weirctl %s", lines[i].usage) > 0);
		if (outcome.exit_code != 2 || *outcome.out ||
			strncmp(outcome.error, expected, strlen(expected)) != 0 ||
			!strstr(outcome.error, usage))
			fail_msg("%s: exit code %d, %s", lines[i].line, outcome.exit_code,
				outcome.error);
		free(expected);
		free(usage);
		outcome_fini(&outcome);
	}
}

static void no_daemon(void **state)
{
	static const struct program_row rows[] = {
		{ "weirctl switch list", 3, "", "weirctl: cannot connect to /", NULL },
		{ "weirctl -j switch list", 3, "", "weirctl: cannot connect to /", NULL },
		{ "weirctl --socket /nowhere switch list", 3, "",
			"weirctl: cannot connect to /nowhere: No such file or directory "
			"(is weir-switchd running?)\n",
			NULL },
		{ "weirctl --socket=/dev/null switch list", 3, "",
			"weirctl: cannot connect to /dev/null: ", NULL },
		{ "weirctl --socket $(printf %0200d 0) switch list", 3, "", "weirctl: socket \"00",
			NULL },
		{ "weirctl policy add vm1 sample a=1", 3, "", "weirctl: cannot connect to /",
			NULL },
		{ "weirctl completion names port", 3, "", "weirctl: cannot connect to /", NULL },
		// Refused before anybody is asked.
		{ "weirctl port add br0 vm1 --mtu 1k", 1, "",
			"weirctl: --mtu \"1k\": must be 0 to 65535 bytes (0: that of the NIC, else "
			"at least 68)\n",
			NULL },
		{ "weirctl switch add br0 --flows many", 1, "",
			"weirctl: --flows \"many\": must be 64 to 16777216 flows\n", NULL },
		{ "weirctl fdb add br0 02:00:00:00:00:01 vm1 --vlan 4294967296", 1, "",
			"weirctl: --vlan \"4294967296\": must be 0 to 4094\n", NULL },
		{ "weirctl policy add vm1 acl. a=1", 1, "",
			"weirctl: \"acl.\": must be EXTENSION or EXTENSION.TYPE, each at most 63 "
			"bytes long\n",
			NULL },
		{ "weirctl extension load acl --path no/such.so", 1, "",
			"weirctl: --path \"no/such.so\": No such file or directory\n", NULL },
		{ "weirctl event watch --count many", 1, "",
			"weirctl: --count \"many\": must be 0 to 4294967295 events\n", NULL },
		// Needs no daemon.
		{ "weirctl --version", 0, NULL, "", NULL },
		{ "weirctl --help", 0, NULL, "", NULL },
		{ "weirctl port --help", 0, NULL, "", NULL },
		{ "weirctl port add -h", 0, NULL, "", NULL },
		{ "weirctl help", 0, NULL, "", NULL },
		{ "weirctl help port", 0, NULL, "", NULL },
		{ "weirctl help help", 0, NULL, "", NULL },
		{ "weirctl completion bash", 0, NULL, "", NULL },
		{ "weirctl completion bash >/dev/full", 1, "", "weirctl: cannot write the output",
			NULL },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_stop_daemon();
	program_check(rows);
	program_start_daemon();
}

static void help_tells_the_usage(void **state)
{
	static const struct program_row rows[] = {
		{ "weirctl help worker set", 0,
			"usage: weirctl worker set [--linger-us N] [--dry-run]\n\n"
			"Changes the settings of all workers that are given.\n\n"
			"Options:\n"
			"  --linger-us N         microseconds of polling without traffic before "
			"sleep; to "
			"1000000\n"
			"  --dry-run             check everything and change nothing\n\n"
			"Options of every command:\n"
			"  --socket PATH         the daemon's socket; else WEIR_SOCKET, else "
			"/run/weir/weir.sock\n"
			"  --timeout SECONDS     the longest wait for the daemon; 30 by default\n"
			"  -j, --json            write JSON instead of tables\n"
			"  -h, --help            show help about the command\n"
			"  -V, --version         show the version of weirctl; that of the daemon: "
			"daemon show\n",
			"", NULL },
		{ NULL, 0, NULL, NULL, NULL }
	};

	(void)state;
	program_check(rows);
}

static void bad_daemons(void **state)
{
	static const struct program_row rows[] = {
		{ "weirctl switch add refuse", 1, "",
			"weirctl: switch \"refuse\": \\x1b[1mno\\x1b[0m\n", NULL },
		{ "weirctl switch add refuse-late", 1, "", "weirctl: refused without a reason\n",
			NULL },
		{ "weirctl switch add connection-error", 1, "", "weirctl: switch \"refuse\"",
			NULL },
		{ "weirctl switch add close", 3, "", "weirctl: the daemon closed the connection\n",
			NULL },
		{ "weirctl switch add half", 3, "", "weirctl: the daemon closed the connection\n",
			NULL },
		{ "weirctl switch add garbage", 3, "",
			"weirctl: the daemon sent a malformed reply\n", NULL },
		{ "weirctl switch add huge", 3, "",
			"weirctl: the daemon announces a reply of 4294967295 bytes", NULL },
		{ "weirctl switch add wrong-id", 3, "",
			"weirctl: the daemon answered a request that was not made\n", NULL },
		{ "weirctl switch add silent --timeout 0.1", 3, "",
			"weirctl: the daemon does not answer in time; what was asked for may "
			"still be done\n",
			NULL },
		{ "weirctl switch show br0", 3, "",
			"weirctl: the daemon answered with something that was not asked for\n",
			NULL },
		{ "weirctl flow list --filter wrong", 3, "",
			"weirctl: the daemon answered with something that was not asked for\n",
			NULL },
		{ "weirctl port list >/dev/full", 1, "", "weirctl: cannot write the output", NULL },
		{ "weirctl event watch >/dev/full", 1, "", "weirctl: cannot write the output",
			NULL },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_check(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_usage),
		cmocka_unit_test(no_daemon),
		cmocka_unit_test(help_tells_the_usage),
		cmocka_unit_test(bad_daemons),
	};

	return cmocka_run_group_tests(tests, program_setup, program_teardown);
}
