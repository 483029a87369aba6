// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Calls of an extension that weirctl knows nothing of, and the files that go with them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "program.h"

#define ASKED_SCHEMA "{\"policy_schema\":{\"extension\":\"sample\"}}\n"

// A directory of the line's own.
#define TEMPORARY "d=$(mktemp -d); cd $d; trap 'rm -r $d' EXIT; "

static void calls(void **state)
{
	static const struct program_row rows[] = {
		{ "TZ=UTC weirctl sample start port=vm1 at=in,out size=64K --switch br0", 0,
			"name   vm1\n"
			"size   64K\n"
			"since  2023-11-14 22:13:20\n",
			"",
			ASKED_SCHEMA "{\"extension_call\":{\"extension\":\"sample\","
				     "\"type\":\"start\",\"switch\":\"br0\","
				     "\"body\":\"0a03766d312000200128808004\"}}\n" },
		{ "weirctl -j sample start port=vm1 --dry-run", 0,
			"{\n  \"name\": \"vm1\",\n  \"size\": 65536,\n  \"since\": 1700000000\n}\n",
			"", NULL },
		{ "weirctl sample list", 0,
			"NAME    SIZE  SINCE\n"
			"first   1500      -\n"
			"second  -         -\n",
			"", NULL },
		{ "weirctl sample list -j | python3 -c 'import json, sys; "
		  "print(json.load(sys.stdin))'",
			0,
			"[{'name': 'first', 'size': 1500, 'since': None}, "
			"{'name': 'second', 'size': None, 'since': None}]\n",
			"", NULL },
		{ "weirctl sample watch", 0, "one\ntwo\n", "", NULL },
		{ "weirctl sample watch >/dev/full", 1, "", "weirctl: cannot write the output",
			NULL },
		{ "weirctl sample start port=refuse", 1, "",
			"weirctl: port \"refuse\": there is none of that name\n", NULL },
		{ "cd $(dirname $WEIR_SOCKET); mkfifo pipe; timeout 10 weirctl sample start "
		  "port=vm1 write=pipe 2>&1 | sed 's,/[^ ]*/,,'; rm pipe",
			0, "weirctl: write \"pipe\": is a pipe that nobody reads\n", "",
			ASKED_SCHEMA },
		{ "weirctl sample start", 1, "",
			"weirctl: port is missing: it must have a value, as in port=VALUE\n",
			ASKED_SCHEMA },
		{ "weirctl sample start port=vm1 colour=red", 1, "",
			"weirctl: unknown field \"colour\": the fields of sample.Start are write, "
			"read, port, at, size\n",
			ASKED_SCHEMA },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_check(rows);
}

static void files(void **state)
{
	static const struct program_row rows[] = {
		// Made with the user's mask, and written by the daemon; the path is absolute.
		{ TEMPORARY "umask 027; weirctl sample start port=vm1 write=f -j >/dev/null; "
			    "cat f; stat -c %a f",
			0, "started\n640\n", "", NULL },
		// What is there is not truncated, and two files come in the order of the numbers.
		{ TEMPORARY "printf 'xxxxxxxxxxxrest\\n' >f; echo in >r; "
			    "weirctl sample start write=f read=r port=vm1 >/dev/null; cat f",
			0, "in\nstarted\nrest\n", "", NULL },
		// A call that is refused leaves nothing behind, and keeps what was there.
		{ TEMPORARY "weirctl sample start write=f port=refuse; echo $?; ls", 0, "1\n",
			"weirctl: port \"refuse\"", NULL },
		{ TEMPORARY "touch f; weirctl sample start write=f port=refuse; ls", 0, "f\n",
			"weirctl: port \"refuse\"", NULL },
		{ TEMPORARY "weirctl sample start write=f port=vm1 --dry-run >/dev/null; ls", 0, "",
			"", NULL },
		{ TEMPORARY "weirctl sample start write=f port=vm1 colour=1; ls", 0, "",
			"weirctl: unknown field", NULL },
		{ TEMPORARY "weirctl sample start write=f read=none port=vm1; ls", 0, "",
			"weirctl: read \"/", NULL },
		{ TEMPORARY "mkfifo r; timeout 10 weirctl sample start write=f read=r port=vm1; ls",
			0, "r\n", "weirctl: read \"/", NULL },
		// When no answer comes, it may be written all the same.
		{ TEMPORARY "weirctl --timeout 2 sample start write=f port=silent; echo $?; cat f",
			0, "3\nstarted\n", "weirctl: the daemon does not answer", NULL },
		{ TEMPORARY "weirctl sample start write=no/f port=vm1", 1, "", "weirctl: write \"/",
			NULL },
		// A FIFO without a reader must not keep weirctl waiting.
		{ TEMPORARY "mkfifo f; timeout 10 weirctl sample start write=f port=vm1", 1, "",
			"weirctl: write \"/", NULL },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_check(rows);
}

static void unknown_words(void **state)
{
	static const struct program_row rows[] = {
		{ "weirctl bridge list", 2, "",
			"weirctl: unknown object \"bridge\": there are switch, port, extension, "
			"policy, meter, policer, fdb, flow, session, drop, worker, daemon, event, "
			"trace, "
			"export, "
			"apply, "
			"help, "
			"completion, and the calls of sample\nusage: weirctl [OPTION...] OBJECT",
			NULL },
		{ "weirctl bridge", 2, "", "weirctl: unknown object \"bridge\": there are ", NULL },
		{ "weirctl 'a b' --help", 2, "", "weirctl: unknown object \"a b\": there are ",
			NULL },
		{ "weirctl sample", 2, "",
			"weirctl: the verb is missing: sample has start, list, watch\n"
			"usage: weirctl EXTENSION [TYPE] [FIELD=VALUE...] [--switch SWITCH] "
			"[--dry-run]\n",
			NULL },
		{ "weirctl sample stop", 2, "",
			"weirctl: unknown verb \"stop\": sample has start, list, watch\n", NULL },
		{ "weirctl sample start --color", 2, "", "weirctl: unknown option \"--color\"\n",
			NULL },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_check(rows);
}

static void help(void **state)
{
	static const struct program_row rows[] = {
		{ "weirctl sample --help | head -8", 0,
			"usage: weirctl sample TYPE [FIELD=VALUE...] [--switch SWITCH] "
			"[--dry-run]\n\n"
			"Types: start, list, watch\n\n"
			"Besides there are\n"
			"  weirctl policy add TARGET sample.rule|sample.everything "
			"[FIELD=VALUE...]\n"
			"  weirctl policy status [TARGET] sample.totals\n"
			"  weirctl policy schema sample[.TYPE]\n",
			"", NULL },
		{ "weirctl rule --help", 0,
			"extension rule has no calls. What it has is written\n"
			"  weirctl policy add TARGET rule.rule|rule.everything [FIELD=VALUE...]\n"
			"  weirctl policy status [TARGET] rule.totals\n"
			"  weirctl policy schema rule[.TYPE]\n",
			"", NULL },
		{ "weirctl rule add", 2, "",
			"weirctl: extension rule has no calls; weirctl rule --help tells what is "
			"written instead\n",
			NULL },
		{ "weirctl sample start --help | sed -n 1,18p", 0,
			"usage: weirctl sample start [FIELD=VALUE...] [--switch SWITCH] "
			"[--dry-run]\n\n"
			"sample.start: call of a port\n"
			"Starts something.\n"
			"NAME   LABEL     TYPE       FORMAT      UNIT   RANGE                      "
			"           COMMENT\n"
			"write  optional  string     file-write  -      0 to 4095 bytes            "
			"           Where it goes; made when it is not there.\n"
			"read   optional  string     file-read   -      0 to 4095 bytes            "
			"           What it is told beforehand.\n"
			"port   required  string     port        -      -                          "
			"           The port.\n"
			"at     repeated  Direction  -           -      in, out, both_ways; at "
			"most 2 values  -\n"
			"size   optional  uint64     size        bytes  -                          "
			"           -\n"
			"\n"
			"sample.start: reply\n"
			"What was started.\n"
			"NAME   LABEL     TYPE    FORMAT  UNIT\n"
			"name   optional  string  -       -\n"
			"size   optional  uint64  size    bytes\n"
			"since  optional  uint64  -       seconds since 1970\n"
			"\n",
			"", NULL },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_check(rows);
}

static void without_a_daemon(void **state)
{
	static const struct program_row rows[] = {
		{ "weirctl sample list", 3, "", "weirctl: cannot connect to /", NULL },
		{ "weirctl sample --help", 3, "", "weirctl: cannot connect to /", NULL },
		{ TEMPORARY "weirctl sample start port=vm1 write=f; ls", 0, "",
			"weirctl: cannot connect to /", NULL },
		{ "weirctl port rename", 2, "", "weirctl: unknown verb", NULL },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_stop_daemon();
	program_check(rows);
	program_start_daemon();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls),
		cmocka_unit_test(files),
		cmocka_unit_test(unknown_words),
		cmocka_unit_test(help),
		cmocka_unit_test(without_a_daemon),
	};

	return cmocka_run_group_tests(tests, program_setup, program_teardown);
}
