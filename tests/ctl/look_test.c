// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Seeing why: trace, flow list and drop watch, what they ask and how they show it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "program.h"

#define ASKED_STATION "{\"port_show\":{\"name\":\"vm1\"}}\n{\"fdb_list\":{\"switch\":\"br0\"}}\n"
#define TABLE                                                                                      \
	"PORT  STAGE    EXTENSION  ACTION   TEXT\n"                                                \
	"vm1   ingress  sample     pass     -\n"                                                   \
	"vm1   -        -          program  flood\n"
#define MADE_UP "weirctl: the Ethernet destination is made up, and known nowhere"
// Frames from the station at vm1 that was seen last.
#define ARP_BB                                                                                     \
	"ffffffffffff0200000000bb08060001080006040001"                                             \
	"0200000000bb0a000001"                                                                     \
	"0000000000000a000002000000000000000000000000000000000000"

static void traces(void **state)
{
	static const struct program_row rows[] = {
		{ "weirctl trace vm1 'arp 10.0.0.1 > 10.0.0.2'", 0, TABLE, "",
			ASKED_STATION "{\"trace\":{\"port\":\"vm1\",\"frame\":\"" ARP_BB "\"}}\n" },
		{ "weirctl trace vm1 arp 10.0.0.1 '>' 10.0.0.2", 0, TABLE, "",
			ASKED_STATION "{\"trace\":{\"port\":\"vm1\",\"frame\":\"" ARP_BB "\"}}\n" },
		{ "weirctl trace vm1 -j hex 00 11:22 | python3 -c 'import json, sys; rows = "
		  "json.load(sys.stdin); print(len(rows), *rows[0])'",
			0, "2 port stage extension action text\n", "",
			"{\"trace\":{\"port\":\"vm1\",\"frame\":\"001122\"}}\n" },
		{ "weirctl trace vm1 'udp 10.0.0.1:5000 > 10.0.0.2:53 src=02:00:00:00:00:01'", 0,
			TABLE, MADE_UP, NULL },
		{ "weirctl trace vm1 'eth type=0x88cc size=14 src=02:00:00:00:00:01 dst=vm1'", 0,
			TABLE, "",
			ASKED_STATION "{\"trace\":{\"port\":\"vm1\","
				      "\"frame\":\"0200000000bb02000000000188cc\"}}\n" },
		{ "weirctl trace vm1 'eth type=0x88cc size=14 src=up0 dst=02:00:00:00:00:01'", 1,
			"",
			"weirctl: port \"up0\": no address is known there: give one, as in "
			"dst=02:00:00:00:00:02\n",
			NULL },
		// Without what a shell would make something else of.
		{ "weirctl trace vm1 arp 10.0.0.1 10.0.0.2", 0, TABLE, "",
			ASKED_STATION "{\"trace\":{\"port\":\"vm1\",\"frame\":\"" ARP_BB "\"}}\n" },
		{ "cd $(dirname $WEIR_SOCKET); weirctl trace vm1 udp 10.0.0.1:5000 > 10.0.0.2:53; "
		  "rm 10.0.0.2:53",
			0, "",
			"weirctl: where the frame goes is missing: a shell takes > for itself",
			"" },
		{ "weirctl trace vm1 'udp 10.0.0.1:5000 > > 10.0.0.2:53'", 1, "",
			"weirctl: \">\": must be an address and a port", "" },
		{ "weirctl trace vm1", 2, "", "weirctl: FRAME is missing, or --file\n", "" },
		{ "weirctl trace", 2, "", "weirctl: PORT is missing\n", "" },
		{ "weirctl trace vm1 hex 00 --file x", 2, "",
			"weirctl: FRAME and --file exclude each other\n", "" },
		{ "weirctl trace vm1 hex 00 --frame 2", 2, "", "weirctl: --frame needs --file\n",
			"" },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_check(rows);
}

// Two frames: one of three bytes, and one that was cut to 128 of 130; then one cut to 4.
#define MAKE_FILE(path)                                                                            \
	"python3 -c 'import struct; open(\"" path "\", \"wb\").write("                             \
	"struct.pack(\"<IHHIIII\", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)"                              \
	" + struct.pack(\"<IIII\", 0, 0, 3, 3) + bytes((1, 2, 3))"                                 \
	" + struct.pack(\"<IIII\", 0, 0, 128, 130) + bytes(128)"                                   \
	" + struct.pack(\"<IIII\", 0, 0, 4, 90) + bytes(4))'; "
#define FILE_NAME "$(dirname $WEIR_SOCKET)/look.pcap"

static void frames_of_files(void **state)
{
	static const struct program_row rows[] = {
		{ MAKE_FILE("'" FILE_NAME "'") "weirctl trace vm1 --file " FILE_NAME, 0, TABLE, "",
			"{\"trace\":{\"port\":\"vm1\",\"frame\":\"010203\"}}\n" },
		{ "weirctl trace vm1 pcap " FILE_NAME "#1", 0, TABLE, "",
			"{\"trace\":{\"port\":\"vm1\",\"frame\":\"010203\"}}\n" },
		{ "weirctl trace vm1 --frame 2 --file " FILE_NAME, 0, TABLE, "", NULL },
		{ "cd $(dirname $WEIR_SOCKET); weirctl trace vm1 --frame 3 --file look.pcap", 1, "",
			"weirctl: look.pcap: of the 90 bytes of frame 3 the file has 4: must have "
			"128\n",
			"" },
		{ "cd $(dirname $WEIR_SOCKET); weirctl trace vm1 'pcap look.pcap#4'", 1, "",
			"weirctl: look.pcap: has no frame 4: must be 1 to 3\n", "" },
		{ "cd $(dirname $WEIR_SOCKET); weirctl trace vm1 'pcap look.pcap#0'", 1, "",
			"weirctl: frame \"0\": must be 1 to 4294967295\n", "" },
		{ "cd $(dirname $WEIR_SOCKET); weirctl trace vm1 'pcap look.pcap#x'", 1, "",
			"weirctl: frame \"x\": must be 1 to 4294967295", "" },
		{ "weirctl trace vm1 --file /nothing/there", 1, "",
			"weirctl: /nothing/there: No such file or directory\n", "" },
		{ "weirctl trace vm1 --file /etc/passwd", 1, "", "weirctl: /etc/passwd: ", "" },
		{ "weirctl trace vm1 --file /", 1, "", "weirctl: /: is a directory: must", "" },
		{ "cd $(dirname $WEIR_SOCKET); mkfifo f; timeout 10 weirctl trace vm1 --file f; "
		  "timeout 10 weirctl trace vm1 pcap f#2; rm f",
			0, "", "weirctl: f: is a pipe that nobody writes to: must", "" },
		{ "rm " FILE_NAME, 0, "", "", "" },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_check(rows);
}

static void flows(void **state)
{
	static const struct program_row rows[] = {
		{ "weirctl flow list", 0,
			"SWITCH  PORT  WORKER  FRAMES  BYTES  AGE_S  KEY   PROGRAM\n"
			"br0     vm1        0       3    180      1  ipv4  output vm2\n",
			"", "{\"flow_list\":{\"limit\":10000}}\n" },
		{ "weirctl flow list br0 --port vm1 --filter ip_dst=10.0.0.0/8,proto=17 --worker 0 "
		  "--min-frames 2 --limit 1 | wc -l",
			0, "2\n",
			"weirctl: there are more than these 1 flows: --limit N shows more, or all "
			"with 0\n",
			"{\"flow_list\":{\"switch\":\"br0\",\"port\":\"vm1\","
			"\"match\":\"ip_dst=10.0.0.0/8,proto=17\",\"worker\":0,"
			"\"min_frames\":2,\"limit\":1}}\n" },
		{ "weirctl flow list --limit all", 1, "",
			"weirctl: --limit \"all\": must be 0 to 18446744073709551615", "" },
		{ "weirctl flow list --worker -1", 1, "",
			"weirctl: --worker \"-1\": must be 0 to 63", "" },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_check(rows);
}

#define SAMPLE "2023-11-14 22:13:20  vm1  egress  told  sample  10.0.0.1 > 10.0.0.2 icmp\n"

static void drops(void **state)
{
	static const struct program_row rows[] = {
		{ "TZ=UTC weirctl drop watch --count 2", 0,
			SAMPLE "(9 more were not shown)\n" SAMPLE, "", "{\"drop_watch\":{}}\n" },
		{ "weirctl drop watch br0 --port vm1 --reason told --extension sample --count 1 "
		  ">/dev/null",
			0, "", "",
			"{\"drop_watch\":{\"switch\":\"br0\",\"port\":\"vm1\",\"reason\":\"told\","
			"\"extension\":\"sample\"}}\n" },
		{ "weirctl -j drop watch --count 1", 0,
			"{\"time\":1700000000,\"time_ns\":5,\"switch\":\"br0\",\"port\":\"vm1\","
			"\"stage\":\"egress\",\"reason\":\"told\",\"extension\":\"sample\","
			"\"summary\":\"10.0.0.1 > 10.0.0.2 icmp\",\"size\":60,"
			"\"frame\":\"020000\",\"lost\":null,\"text\":null,\"policer\":null}\n",
			"", NULL },
		{ "weirctl drop watch --count x", 1, "",
			"weirctl: --count \"x\": must be 0 to 4294967295 samples", "" },
		{ "weirctl drop watch >/dev/full", 1, "", "weirctl: cannot write the output",
			NULL },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_check(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traces),
		cmocka_unit_test(frames_of_files),
		cmocka_unit_test(flows),
		cmocka_unit_test(drops),
	};

	return cmocka_run_group_tests(tests, program_setup, program_teardown);
}
