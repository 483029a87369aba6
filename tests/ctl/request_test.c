// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What each command asks of the daemon, and how it shows the answer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "program.h"

static void changes(void **state)
{
	static const struct program_row rows[] = {
		{ "weirctl switch add br0", 0, "", "", "{\"switch_add\":{\"name\":\"br0\"}}\n" },
		{ "weirctl switch add br0 --flows 4096", 0, "", "",
			"{\"switch_add\":{\"name\":\"br0\",\"flows\":4096}}\n" },
		{ "weirctl switch add br0 --sessions 1000 --port-sessions 10", 0, "", "",
			"{\"switch_add\":{\"name\":\"br0\",\"sessions\":1000,"
			"\"port_sessions\":10}}\n" },
		{ "weirctl switch add -- -br0", 0, "", "",
			"{\"switch_add\":{\"name\":\"-br0\"}}\n" },
		{ "weirctl switch remove --dry-run br0", 0, "", "",
			"{\"dry_run\":true,\"switch_remove\":{\"name\":\"br0\"}}\n" },
		{ "weirctl port add br0 vm1 tap:vm1 --vlan trunk:1-100,native:1 --mac "
		  "02:00:00:00:00:01 --mtu=9000 --uplink --force",
			0, "", "",
			"{\"port_add\":{\"switch\":\"br0\",\"name\":\"vm1\","
			"\"nic\":\"tap:vm1\",\"vlan\":\"trunk:1-100,native:1\","
			"\"mac\":\"02:00:00:00:00:01\",\"mtu\":9000,\"uplink\":true,"
			"\"force\":true}}\n" },
		{ "weirctl port add br0 vm1", 0, "", "",
			"{\"port_add\":{\"switch\":\"br0\",\"name\":\"vm1\"}}"
			"\n" },
		{ "weirctl port remove vm1", 0, "", "", "{\"port_remove\":{\"name\":\"vm1\"}}\n" },
		{ "weirctl port connect vm1", 0, "", "",
			"{\"port_connect\":{\"name\":\"vm1\"}}\n" },
		{ "weirctl port connect vm1 null --force", 0, "", "",
			"{\"port_connect\":{\"name\":\"vm1\",\"nic\":\"null\","
			"\"force\":true}}\n" },
		{ "weirctl port disconnect vm1", 0, "", "",
			"{\"port_disconnect\":{\"name\":\"vm1\"}}\n" },
		{ "weirctl port set vm1 --mac none", 0, "", "",
			"{\"port_set\":{\"name\":\"vm1\",\"mac\":\"none\"}}\n" },
		{ "weirctl extension load acl --path /x/acl.so", 0, "", "",
			"{\"extension_load\":{\"name\":\"acl\","
			"\"path\":\"/x/acl.so\"}}\n" },
		{ "cd / && weirctl extension load acl --path etc/passwd", 0, "", "",
			"{\"extension_load\":{\"name\":\"acl\","
			"\"path\":\"/etc/passwd\"}}\n" },
		{ "weirctl extension unload acl", 0, "", "",
			"{\"extension_unload\":{\"name\":\"acl\"}}\n" },
		{ "weirctl extension replace acl", 0, "", "",
			"{\"extension_replace\":{\"name\":\"acl\"}}\n" },
		{ "weirctl extension replace acl --path /etc/passwd --dry-run", 0, "", "",
			"{\"dry_run\":true,\"extension_replace\":{\"name\":\"acl\","
			"\"path\":\"/etc/passwd\"}}\n" },
		{ "weirctl extension attach br0 acl --order 20", 0, "", "",
			"{\"extension_attach\":{\"switch\":\"br0\","
			"\"name\":\"acl\",\"order\":20}}\n" },
		{ "weirctl extension attach br0 acl --fail-open", 0, "", "",
			"{\"extension_attach\":{\"switch\":\"br0\","
			"\"name\":\"acl\",\"fail_open\":true}}\n" },
		{ "weirctl extension detach br0 acl", 0, "", "",
			"{\"extension_detach\":{\"switch\":\"br0\","
			"\"name\":\"acl\"}}\n" },
		{ "weirctl fdb add br0 02:00:00:00:00:01 vm1 --vlan 7", 0, "", "",
			"{\"fdb_add\":{\"switch\":\"br0\","
			"\"mac\":\"02:00:00:00:00:01\",\"port\":\"vm1\",\"vlan\":7}}\n" },
		{ "weirctl fdb remove br0 02:00:00:00:00:01", 0, "", "",
			"{\"fdb_remove\":{\"switch\":\"br0\","
			"\"mac\":\"02:00:00:00:00:01\"}}\n" },
		{ "weirctl fdb flush --port vm1", 0, "", "",
			"{\"fdb_flush\":{\"port\":\"vm1\"}}\n" },
		{ "weirctl flow flush br0", 0, "", "", "{\"flow_flush\":{\"switch\":\"br0\"}}\n" },
		{ "weirctl worker set --linger-us 10", 0, "", "",
			"{\"worker_set\":{\"linger_us\":10}}\n" },
		{ "weirctl policy remove vm1 sample.rule web", 0, "", "",
			"{\"policy_remove\":{\"target\":\"vm1\","
			"\"extension\":\"sample\",\"type\":\"rule\",\"id\":\"web\"}}\n" },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_check(rows);
}

#define EVENT "2023-11-14 22:13:20  port-added  br0  vm1  port vm1 was added\n"

static void lists(void **state)
{
	static const struct program_row rows[] = {
		{ "weirctl port list br0", 0,
			"NAME  SWITCH  STATE     BLOCKED  NIC      RX_FRAMES  RX_BYTES  TX_FRAMES  "
			"TX_BYTES "
			" "
			"DROPPED_FRAMES  REASON\n"
			"vm1   br0     nic-lost  yes      tap:vm1         12      3456          7  "
			"     890 "
			" "
			"             1  the interface \\x1b[31mvm1 is gone\n"
			"up0   br0     created   -        -                0         -          -  "
			"       - "
			" "
			"             -  -\n",
			"", "{\"port_list\":{\"switch\":\"br0\"}}\n" },
		{ "weirctl port list -j | python3 -c 'import json, sys; rows = "
		  "json.load(sys.stdin); "
		  "print(len(rows), rows[0][\"rx_bytes\"], rows[1][\"nic\"], rows[1][\"uplink\"], "
		  "*list(rows[1])[:9])'",
			0,
			"2 3456 None True name switch state nic rx_frames rx_bytes tx_frames "
			"tx_bytes "
			"dropped_frames\n",
			"", NULL },
		{ "weirctl port show vm1 | head -3", 0,
			"name            vm1\n"
			"switch          br0\n"
			"state           nic-lost\n",
			"", "{\"port_show\":{\"name\":\"vm1\"}}\n" },
		{ "weirctl switch list", 0,
			"NAME  PORTS  EXTENSIONS  FDB_ENTRIES  FLOWS  WORKER_FLOWS_MAX  RX_FRAMES  "
			"TX_FRAMES        "
			"DROPPED_FRAMES\n"
			"br0       2           -            -      -                 -       1000  "
			"        -  "
			"18446744073709551616\n"
			"br1       -           -            -      -                 -          -  "
			"        -  "
			"                   -\n",
			"", "{\"switch_list\":{}}\n" },
		{ "weirctl extension list", 0,
			"NAME    VERSION  CLASS   SWITCH  ORDER  STATE     FAIL_OPEN  DECISIONS  "
			"VIOLATIONS  SUMMARY   REASON\n"
			"sample  1.0      filter  br0        10  attached  -                  3  "
			"         -  A sample  -\n"
			"gone    -        -       br0        20  missing   yes                -  "
			"         -  -         there is no gone.so\n",
			"weirctl: note: extension attach SWITCH NAME tries what is missing or was "
			"expelled again; from another file after extension load NAME --path FILE, "
			"or, where it is loaded, extension replace NAME --path FILE\n",
			"{\"extension_list\":{}}\n" },
		{ "weirctl -j extension show sample | python3 -c 'import json, sys; "
		  "print(json.load(sys.stdin)[0][\"class\"])'",
			0, "filter\n", "", "{\"extension_show\":{\"name\":\"sample\"}}\n" },
		{ "TZ=UTC weirctl meter list vm1 sample --reset", 0,
			"PORT  EXTENSION  ID  FRAMES  BYTES  SINCE\n"
			"vm1   sample     in       5    500  2023-11-14 22:13:20\n",
			"",
			"{\"meter_list\":{\"target\":\"vm1\","
			"\"extension\":\"sample\",\"reset\":true}}\n" },
		{ "weirctl meter remove vm1 sample in", 0, "", "",
			"{\"meter_remove\":{\"target\":\"vm1\",\"extension\":\"sample\","
			"\"id\":\"in\"}}\n" },
		{ "weirctl meter remove switch:br0 sample --dry-run", 0, "", "",
			"{\"dry_run\":true,\"meter_remove\":{\"target\":\"switch:br0\","
			"\"extension\":\"sample\"}}\n" },
		{ "TZ=UTC weirctl policer list vm1 sample --reset", 0,
			"PORT  EXTENSION  ID   RATE_BPS  BURST_BYTES  PASSED_FRAMES  PASSED_BYTES  "
			"DROPPED_FRAMES  DROPPED_BYTES  SINCE\n"
			"vm1   sample     web     1mbit          16K              5           500  "
			"             1             64  2023-11-14 22:13:20\n",
			"",
			"{\"policer_list\":{\"target\":\"vm1\","
			"\"extension\":\"sample\",\"reset\":true}}\n" },
		{ "weirctl policer list vm1 -j | grep rate_", 0,
			"    \"rate_bps\": 1000000,\n    \"rate_fps\": null,\n", "", NULL },
		// One word is a port where there is one of that name, and else an extension.
		{ "TZ=UTC weirctl meter list vm1 | wc -l", 0, "2\n", "",
			"{\"port_show\":{\"name\":\"vm1\"}}\n{\"meter_list\":{\"target\":\"vm1\"}}"
			"\n" },
		{ "weirctl meter list sample --reset | wc -l", 0, "2\n", "",
			"{\"port_show\":{\"name\":\"sample\"}}\n"
			"{\"meter_list\":{\"extension\":\"sample\",\"reset\":true}}\n" },
		{ "weirctl policer list sample | wc -l", 0, "2\n", "",
			"{\"port_show\":{\"name\":\"sample\"}}\n"
			"{\"policer_list\":{\"extension\":\"sample\"}}\n" },
		{ "weirctl meter list switch:br0 | wc -l", 0, "2\n", "",
			"{\"meter_list\":{\"target\":\"switch:br0\"}}\n" },
		{ "weirctl meter list nothing", 1, "",
			"weirctl: \"nothing\": must be the name of a port, \"switch:\" and that of "
			"a "
			"switch, or an extension",
			NULL },
		{ "weirctl meter list vm1 nothing", 1, "",
			"weirctl: extension \"nothing\": is not loaded\n", NULL },
		{ "TZ=UTC weirctl daemon show", 0,
			"version      0.9.1\n"
			"pid          4711\n"
			"socket       /run/weir/weir.sock\n"
			"state        -\n"
			"extensions   /nowhere:./extensions:./extensions\n"
			"strict       no\n"
			"since        2023-11-14 22:13:20\n"
			"uptime_s     60\n"
			"clients      1\n"
			"clients_max  1024\n",
			"", "{\"hello\":{}}\n" },
		{ "weirctl daemon show -j | head -4", 0,
			"{\n  \"version\": \"0.9.1\",\n  \"pid\": 4711,\n"
			"  \"socket\": \"/run/weir/weir.sock\",\n",
			"", NULL },
		{ "weirctl worker list", 0,
			"ID  CPU  CYCLES_PER_FRAME  FRAMES_PER_BATCH  IDLE_SHARE  LINGER_US  "
			"QUEUES  FRAMES\n"
			" 0    1             93.50                 -       25.0%         50  "
			"     -       -\n",
			"", "{\"worker_list\":{}}\n" },
		{ "weirctl fdb list br0", 0,
			"SWITCH  MAC                VLAN  PORT  AGE_S  STATIC\n"
			"br0     02:00:00:00:00:aa     -  vm1       5       -\n"
			"br0     02:00:00:00:00:bb     -  vm1       1       -\n",
			"", "{\"fdb_list\":{\"switch\":\"br0\"}}\n" },
		{ "weirctl drop list br0", 0,
			"REASON     EXTENSION  PORT  STAGE    FRAMES  POLICERS                     "
			"             TEXT\n"
			"over-rate  core       vm1   ingress       9  sample web (5), sample all "
			"of "
			"switch:br0  too fast\n",
			"", "{\"drop_list\":{\"switch\":\"br0\"}}\n" },
		{ "weirctl drop list -j | grep -A2 policers", 0,
			"    \"policers\": [\n      {\n"
			"        \"policer\": \"sample web\",\n",
			"", NULL },
		{ "weirctl drop list -j --port vm1", 0, "[]\n", "",
			"{\"drop_list\":{\"port\":\"vm1\"}}\n" },
		{ "weirctl drop list br0 --reset | wc -l", 0, "2\n", "",
			"{\"drop_list\":{\"switch\":\"br0\",\"reset\":true}}\n" },
		{ "TZ=UTC weirctl event watch --count 2", 0,
			EVENT "(events 17 to 23 were lost)\n" EVENT, "",
			"{\"event_subscribe\":{}}\n" },
		{ "TZ=UTC weirctl event watch --count 3 | tail -2", 0,
			"(event 25 was lost)\n" EVENT, "", NULL },
		// Numbers of other kinds lie between.
		{ "TZ=UTC weirctl event watch --count 3 'port-*' nic-lost", 0,
			EVENT "(7 events were lost here)\n" EVENT "(1 event was lost here)\n" EVENT,
			"", "{\"event_subscribe\":{\"kinds\":[\"port-*\",\"nic-lost\"]}}\n" },
		{ "weirctl event watch $(seq 65)", 2, "",
			"weirctl: at most 64 kinds can be given\n", "" },
		{ "weirctl event watch ''", 2, "", "weirctl: \"\": names no kind of event\n", "" },
		{ "weirctl -j event watch --count 1", 0,
			"{\"time\":1700000000,\"kind\":\"port-added\",\"switch\":\"br0\","
			"\"port\":\"vm1\",\"extension\":null,\"text\":\"port vm1 was added\","
			"\"lost\":null,\"number\":16}\n",
			"", NULL },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_check(rows);
}

#define ASKED_SCHEMA "{\"policy_schema\":{\"extension\":\"sample\"}}\n"
// For a policy on a port.
#define ASKED_FOR_VM1 "{\"policy_schema\":{\"extension\":\"sample\",\"target\":\"vm1\"}}\n"

static void policies(void **state)
{
	static const struct program_row rows[] = {
		{ "weirctl policy add vm1 sample.rule remote=10.0.0.0/8 direction=in "
		  "match.protocol=tcp",
			0, "p1\n", "",
			ASKED_FOR_VM1 "{\"policy_add\":{\"target\":\"vm1\","
				      "\"extension\":\"sample\",\"type\":\"rule\","
				      "\"body\":\"0a0a31302e302e302e302f3810001a020806\"}}\n" },
		{ "weirctl -j policy add vm1 sample.rule remote=::/0 id=web", 0,
			"{\n  \"id\": \"web\"\n}\n", "",
			ASKED_FOR_VM1 "{\"policy_add\":{\"target\":\"vm1\","
				      "\"extension\":\"sample\",\"type\":\"rule\",\"id\":\"web\","
				      "\"body\":\"0a043a3a2f30\"}}\n" },
		{ "weirctl policy add switch:br0 sample.everything id=7 --id web --dry-run", 0,
			"web\n", "",
			"{\"dry_run\":true,\"policy_schema\":{\"extension\":\"sample\","
			"\"target\":\"switch:br0\"}}\n"
			"{\"dry_run\":true,\"policy_add\":{\"target\":\"switch:br0\","
			"\"extension\":\"sample\",\"type\":\"everything\",\"id\":\"web\","
			"\"body\":\"e80207\"}}\n" },
		// What is remarked on it does not end up in scripts.
		{ "weirctl policy add vm1 sample.rule remote=::/0 id=odd", 0, "odd\n",
			"weirctl: note: taken as it is\nweirctl: note: \\x1b[31mred\n", NULL },
		{ "weirctl policy add vm1 sample.rule remote=::/0 id=a --id b", 1, "",
			"weirctl: id=a: the id is given twice\n", ASKED_FOR_VM1 },
		{ "weirctl policy add vm1 sample remote=::/0", 1, "",
			"weirctl: extension sample has several policy types: name one of "
			"sample.rule, sample.everything\n",
			ASKED_FOR_VM1 },
		{ "weirctl policy add vm1 sample.totals frames=1", 1, "",
			"weirctl: extension sample has no policy type \"totals\": there are "
			"sample.rule, sample.everything\n",
			ASKED_FOR_VM1 },
		{ "weirctl policy add vm1 other remote=::/0", 1, "",
			"weirctl: extension: there is none of that name\n", NULL },
		{ "weirctl policy add vm1 sample.rule remote=10.0.0.0/33", 1, "",
			"weirctl: remote \"10.0.0.0/33\": must be an IPv4 prefix", ASKED_FOR_VM1 },
		// By a bare name both mean the same.
		{ "weirctl policy remove vm1 sample id=web", 1, "",
			"weirctl: extension sample has several policy types: name one of "
			"sample.rule, sample.everything\n",
			ASKED_FOR_VM1 },
		{ "weirctl policy add vm1 rule remote=::/0", 0, "p1\n", "",
			"{\"policy_schema\":{\"extension\":\"rule\","
			"\"target\":\"vm1\"}}\n"
			"{\"policy_add\":{\"target\":\"vm1\",\"extension\":\"rule\","
			"\"type\":\"rule\",\"body\":\"0a043a3a2f30\"}}\n" },
		{ "weirctl policy remove vm1 rule id=web", 0, "", "",
			"{\"policy_schema\":{\"extension\":\"rule\","
			"\"target\":\"vm1\"}}\n"
			"{\"policy_remove\":{\"target\":\"vm1\",\"extension\":\"rule\","
			"\"type\":\"rule\",\"id\":\"web\"}}\n" },
		// The types of a missing one are not known.
		{ "weirctl policy remove vm1 gone web", 0, "", "",
			"{\"policy_schema\":{\"extension\":\"gone\","
			"\"target\":\"vm1\"}}\n"
			"{\"policy_remove\":{\"target\":\"vm1\",\"extension\":\"gone\","
			"\"id\":\"web\"}}\n" },
		// As it was given.
		{ "weirctl policy add vm1 sample.rule remote=:: id=", 1, "",
			"weirctl: id=: has 0 bytes, must have 1 to 63; left out, an id is made\n",
			ASKED_FOR_VM1 },
		// The field by its name on the command line, not in the protocol.
		{ "weirctl policy add vm1 sample.rule remote=:: --id=", 1, "",
			"weirctl: --id: has 0 bytes, must have 1 to 63\n", NULL },
		{ "weirctl policy list sample.rule | wc -l", 0, "2\n", "",
			"{\"port_show\":{\"name\":\"sample.rule\"}}\n"
			"{\"policy_list\":{\"target\":\"sample.rule\"}}\n" ASKED_SCHEMA },
		{ "weirctl policy list", 0,
			"TARGET  EXTENSION  TYPE  ID   BODY\n"
			"vm1     sample     rule  web  remote=10.0.0.0/8 direction=in "
			"match.protocol=tcp\n",
			"", "{\"policy_list\":{}}\n" ASKED_SCHEMA },
		{ "weirctl policy list vm1 sample.rule -j | python3 -c 'import json, sys; "
		  "print(json.load(sys.stdin))'",
			0,
			"[{'target': 'vm1', 'extension': 'sample', 'type': 'rule', 'id': 'web', "
			"'body': {'remote': '10.0.0.0/8', 'direction': 'in', 'match': "
			"{'protocol': 6}}}]\n",
			"",
			"{\"policy_list\":{\"target\":\"vm1\","
			"\"extension\":\"sample\",\"type\":\"rule\"}}\n" ASKED_SCHEMA },
		// That of a missing extension.
		{ "weirctl policy list switch:br0 | tail -1", 0,
			"vm1     gone       -     web  base64:CgoxMC4wLjAuMC84EAAaAggG\n", "",
			NULL },
		{ "weirctl policy list switch:br0 -j | tail -3", 0,
			"    \"body_base64\": \"CgoxMC4wLjAuMC84EAAaAggG\"\n  }\n]\n", "", NULL },
		{ "weirctl policy status sample", 0,
			"TARGET  EXTENSION  TYPE    BODY\n"
			"vm1     sample     totals  frames=7\n",
			"", "{\"policy_status\":{\"extension\":\"sample\"}}\n" ASKED_SCHEMA },
		{ "weirctl policy status vm1 sample.totals -j | tail -5", 0,
			"    \"body\": {\n      \"frames\": 7\n    }\n  }\n]\n", "",
			"{\"policy_status\":{\"target\":\"vm1\",\"extension\":\"sample\","
			"\"type\":\"totals\"}}\n" ASKED_SCHEMA },
		// What is listed can be given again.
		{ "eval weirctl policy add vm1 sample.rule $(weirctl policy list | sed -n "
		  "'2s/.*web *//p')",
			0, "p1\n", "", NULL },
		{ "weirctl policy add vm1 sample.rule --help | sed -n '1p;/^sample/,/^remote/p'", 0,
			"usage: weirctl policy add TARGET EXTENSION[.TYPE] [FIELD=VALUE...] "
			"[--id ID] [--dry-run]\n"
			"sample.rule: policy of a port or switch\n"
			"Lets frames pass or not.\n"
			"NAME              LABEL     TYPE       FORMAT       RANGE              "
			"           DEFAULT  KEY  ONEOF   COMMENT\n"
			"remote            required  string     prefix       -                  "
			"           -        yes  -       The other side.\n",
			"", ASKED_SCHEMA },
		{ "weirctl policy add vm1 sample.start --help >/dev/null", 1, "",
			"weirctl: extension sample has no policy type \"start\": there are "
			"sample.rule, ",
			ASKED_SCHEMA },
		{ "weirctl policy add vm1 --help | tail -1", 0,
			"  -V, --version         show the version of weirctl; that of the daemon: "
			"daemon show\n",
			"", "" },
		{ "weirctl policy schema sample | sed -n 1,8p", 0,
			"sample.rule: policy of a port or switch\n"
			"Lets frames pass or not.\n"
			"NAME              LABEL     TYPE       FORMAT       RANGE              "
			"           DEFAULT  KEY  ONEOF   COMMENT\n"
			"remote            required  string     prefix       -                  "
			"           -        yes  -       The other side.\n"
			"direction         optional  Direction  -            in, out, both_ways "
			"           out      no   -       -\n"
			"match             optional  Match      -            -                  "
			"           -        no   -       -\n"
			"match.protocol    optional  uint32     ip-protocol  0 to 255           "
			"           -        no   -       IP protocol.\n"
			"match.ports       repeated  uint32     l4-port      0 to 65535; at most"
			" 3 values  -        no   -       -\n",
			"", ASKED_SCHEMA },
		{ "weirctl policy schema sample.totals", 0,
			"sample.totals: status of a port\nWhat was seen.\n"
			"NAME    LABEL     TYPE    UNIT\n"
			"frames  optional  uint64  frames\n",
			"", ASKED_SCHEMA },
		// Both directions of a call.
		{ "weirctl policy schema sample.list | grep ^sample", 0,
			"sample.list: call\nsample.list: reply\n", "", ASKED_SCHEMA },
		{ "weirctl policy schema sample.rules", 1, "",
			"weirctl: extension sample has no type \"rules\": there are sample.rule, "
			"sample.everything, sample.totals, sample.start, sample.list, "
			"sample.watch\n",
			ASKED_SCHEMA },
		{ "weirctl policy schema sample -j | python3 -c 'import json, sys; "
		  "types = json.load(sys.stdin); rate = [f for f in types[1][\"fields\"] "
		  "if f[\"name\"] == \"rate\"][0]; "
		  "print([t[\"type\"] for t in types], types[0][\"fields\"][0][\"key\"], "
		  "rate[\"min\"], rate[\"unit\"], rate[\"format\"])'",
			0,
			"['rule', 'everything', 'totals', 'start', 'start', 'list', "
			"'list', 'watch'] True 1000 bits per second rate\n",
			"", NULL },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_check(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes),
		cmocka_unit_test(lists),
		cmocka_unit_test(policies),
	};

	return cmocka_run_group_tests(tests, program_setup, program_teardown);
}
