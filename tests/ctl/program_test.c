// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// weirctl as users run it: exit codes, what it prints, and what it asks of a fake daemon. The
// program under test is the first weirctl in PATH.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake_daemon.h"
#include "sample.schema.h"

struct fixture {
	char directory[64];
	char socket[96];
	struct fake_daemon *daemon; // NULL while nobody listens
};

static struct fixture fixture;

struct outcome {
	int exit_code;
	char *out, *error;
};

static char *read_file(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(file);
	return text;
}

// Runs a command line of the shell in which weirctl is the program under test.
static struct outcome run(const char *line)
{
	struct outcome outcome;
	char *command, *out, *error;
	int status;

	assert_true(asprintf(&out, "%s/out", fixture.directory) > 0);
	assert_true(asprintf(&error, "%s/error", fixture.directory) > 0);
	assert_true(asprintf(&command, "exec >%s 2>%s </dev/null; %s", out, error, line) > 0);
	status = system(command);
	assert_true(WIFEXITED(status));
	outcome = (struct outcome){ WEXITSTATUS(status), read_file(out), read_file(error) };
	free(command);
	free(out);
	free(error);
	return outcome;
}

static void outcome_fini(struct outcome *outcome)
{
	free(outcome->out);
	free(outcome->error);
}

struct row {
	const char *line;
	int exit_code;
	const char *out;      // the whole of it; NULL: anything
	const char *error;    // how it begins; "" for nothing at all
	const char *requests; // all of them, each with its newline; NULL: anything
};

static void check(const struct row *row)
{
	struct outcome outcome = run(row->line);
	char *requests = fixture.daemon ? fake_daemon_take_requests(fixture.daemon) : strdup("");

	if (outcome.exit_code != row->exit_code)
		fail_msg("%s: exit code %d instead of %d: %s", row->line, outcome.exit_code,
			row->exit_code, outcome.error);
	if (row->out && strcmp(outcome.out, row->out) != 0)
		fail_msg("%s printed\n%sinstead of\n%s", row->line, outcome.out, row->out);
	if (strncmp(outcome.error, row->error, strlen(row->error)) != 0 ||
		(!*row->error && *outcome.error))
		fail_msg("%s: %s instead of %s", row->line, outcome.error, row->error);
	if (row->requests && strcmp(requests, row->requests) != 0)
		fail_msg("%s asked\n%sinstead of\n%s", row->line, requests, row->requests);
	outcome_fini(&outcome);
	free(requests);
}

static void check_all(const struct row *rows)
{
	for (; rows->line; rows++)
		check(rows);
}

static void wrong_usage(void **state)
{
	static const struct {
		const char *line, *sentence, *usage;
	} lines[] = {
		{ "weirctl",
			"the object is missing: there are switch, port, extension, policy, "
			"meter, fdb, flow, drop, worker, event, help, completion",
			"[OPTION...] OBJECT VERB [ARGUMENT...] (see weirctl --help)" },
		{ "weirctl bridge list", "unknown object \"bridge\": there are switch,", "" },
		{ "weirctl switch", "the verb is missing: there are add, remove, list, show", "" },
		{ "weirctl switch rename a b",
			"unknown verb \"rename\": switch has add, remove, list, show", "" },
		{ "weirctl port add br0", "NAME is missing", "port add SWITCH NAME [NIC] [--vlan" },
		{ "weirctl switch add a b", "unexpected argument \"b\"",
			"switch add NAME [--dry-run]\n" },
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
		struct outcome outcome = run(lines[i].line);
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
	static const struct row rows[] = {
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
			"weirctl: --mtu \"1k\": must be a number of 0 to 4294967295\n", NULL },
		{ "weirctl fdb add br0 02:00:00:00:00:01 vm1 --vlan 4294967296", 1, "",
			"weirctl: --vlan \"4294967296\": must be a number of 0 to 4294967295\n",
			NULL },
		{ "weirctl policy add vm1 acl. a=1", 1, "",
			"weirctl: \"acl.\": must be EXTENSION or EXTENSION.TYPE, each at most 63 "
			"bytes long\n",
			NULL },
		{ "weirctl extension load acl --path no/such.so", 1, "",
			"weirctl: --path \"no/such.so\": No such file or directory\n", NULL },
		{ "weirctl event watch --count many", 1, "",
			"weirctl: --count \"many\": must be a number of 0 to 4294967295\n", NULL },
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
	fake_daemon_stop(fixture.daemon);
	fixture.daemon = NULL;
	check_all(rows);
	unlink(fixture.socket);
	fixture.daemon = fake_daemon_start(fixture.socket, weir_schema, sizeof(weir_schema));
}

static void help_tells_the_usage(void **state)
{
	static const struct row row = { "weirctl help worker set", 0,
		"usage: weirctl worker set [--linger-us N] [--dry-run]\n\n"
		"Changes the settings of all workers that are given.\n\n"
		"Options:\n"
		"  --linger-us N         microseconds of polling without traffic before sleep; to "
		"1000000\n"
		"  --dry-run             check everything and change nothing\n\n"
		"Options of every command:\n"
		"  --socket PATH         the daemon's socket; else WEIR_SOCKET, else "
		"/run/weir/weir.sock\n"
		"  --timeout SECONDS     the longest wait for the daemon; 30 by default\n"
		"  -j, --json            write JSON instead of tables\n"
		"  -h, --help            show help about the command\n"
		"  -V, --version         show the version of weirctl\n",
		"", NULL };

	(void)state;
	check(&row);
}

static void changes(void **state)
{
	static const struct row rows[] = {
		{ "weirctl switch add br0", 0, "", "", "{\"switch_add\":{\"name\":\"br0\"}}\n" },
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
		{ "weirctl extension attach br0 acl --order 20", 0, "", "",
			"{\"extension_attach\":{\"switch\":\"br0\","
			"\"name\":\"acl\",\"order\":20}}\n" },
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
		{ "weirctl policy remove vm1 sample id=web", 0, "", "",
			"{\"policy_remove\":{\"target\":\"vm1\","
			"\"extension\":\"sample\",\"id\":\"web\"}}\n" },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	check_all(rows);
}

static void lists(void **state)
{
	static const struct row rows[] = {
		{ "weirctl port list br0", 0,
			"NAME  SWITCH  STATE     NIC      RX_FRAMES  RX_BYTES  TX_FRAMES  TX_BYTES "
			" "
			"DROPPED_FRAMES  REASON\n"
			"vm1   br0     nic-lost  tap:vm1         12      3456          7       890 "
			" "
			"             1  the interface \\x1b[31mvm1 is gone\n"
			"up0   br0     created   -                0         -          -         - "
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
			"NAME  PORTS  EXTENSIONS  FDB_ENTRIES  FLOWS  RX_FRAMES  TX_FRAMES        "
			"DROPPED_FRAMES\n"
			"br0       2           -            -      -       1000          -  "
			"18446744073709551616\n"
			"br1       -           -            -      -          -          -  "
			"                   -\n",
			"", "{\"switch_list\":{}}\n" },
		{ "weirctl extension list", 0,
			"NAME    VERSION  CLASS   SWITCH  ORDER  DECISIONS  VIOLATIONS  SUMMARY\n"
			"sample  1.0      filter  br0        10          3           -  A sample\n",
			"", "{\"extension_list\":{}}\n" },
		{ "weirctl -j extension show sample | python3 -c 'import json, sys; "
		  "print(json.load(sys.stdin)[0][\"class\"])'",
			0, "filter\n", "", "{\"extension_show\":{\"name\":\"sample\"}}\n" },
		{ "TZ=UTC weirctl meter list vm1 sample --reset", 0,
			"PORT  EXTENSION  ID  FRAMES  BYTES  SINCE\n"
			"vm1   sample     in       5    500  2023-11-14 22:13:20\n",
			"",
			"{\"meter_list\":{\"target\":\"vm1\","
			"\"extension\":\"sample\",\"reset\":true}}\n" },
		{ "weirctl worker list", 0,
			"ID  CPU  CYCLES_PER_FRAME  FRAMES_PER_BATCH  IDLE_SHARE  QUEUES  FRAMES\n"
			" 0    1             93.50                 -       25.0%       -       -\n",
			"", "{\"worker_list\":{}}\n" },
		{ "weirctl fdb list br0", 0, "SWITCH  MAC  VLAN  PORT  AGE_S  STATIC\n", "",
			"{\"fdb_list\":{\"switch\":\"br0\"}}\n" },
		{ "weirctl drop list -j --port vm1", 0, "[]\n", "",
			"{\"drop_list\":{\"port\":\"vm1\"}}\n" },
		{ "TZ=UTC weirctl event watch --count 2", 0,
			"2023-11-14 22:13:20  port-added  br0  vm1  port vm1 was added\n"
			"(3 events were lost before this one)\n"
			"2023-11-14 22:13:20  port-added  br0  vm1  port vm1 was added\n",
			"", "{\"event_subscribe\":{}}\n" },
		{ "weirctl -j event watch --count 1", 0,
			"{\"time\":1700000000,\"kind\":\"port-added\",\"switch\":\"br0\","
			"\"port\":\"vm1\",\"extension\":null,\"text\":\"port vm1 was added\","
			"\"lost\":null,\"number\":null}\n",
			"", NULL },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	check_all(rows);
}

#define ASKED_SCHEMA "{\"policy_schema\":{\"extension\":\"sample\"}}\n"

static void policies(void **state)
{
	static const struct row rows[] = {
		{ "weirctl policy add vm1 sample.rule remote=10.0.0.0/8 direction=in "
		  "match.protocol=tcp",
			0, "p1\n", "",
			ASKED_SCHEMA "{\"policy_add\":{\"target\":\"vm1\","
				     "\"extension\":\"sample\",\"type\":\"rule\","
				     "\"body\":\"0a0a31302e302e302e302f3810001a020806\"}}\n" },
		{ "weirctl -j policy add vm1 sample.rule remote=::/0 id=web", 0,
			"{\n  \"id\": \"web\"\n}\n", "",
			ASKED_SCHEMA "{\"policy_add\":{\"target\":\"vm1\","
				     "\"extension\":\"sample\",\"type\":\"rule\",\"id\":\"web\","
				     "\"body\":\"0a043a3a2f30\"}}\n" },
		{ "weirctl policy add switch:br0 sample.everything id=7 --id web --dry-run", 0,
			"web\n", "",
			"{\"dry_run\":true,\"policy_schema\":{\"extension\":\"sample\"}}\n"
			"{\"dry_run\":true,\"policy_add\":{\"target\":\"switch:br0\","
			"\"extension\":\"sample\",\"type\":\"everything\",\"id\":\"web\","
			"\"body\":\"e80207\"}}\n" },
		{ "weirctl policy add vm1 sample.rule remote=::/0 id=a --id b", 1, "",
			"weirctl: id=a: the id is given twice\n", ASKED_SCHEMA },
		{ "weirctl policy add vm1 sample remote=::/0", 1, "",
			"weirctl: extension sample has several policy types: name one of "
			"sample.rule, sample.everything\n",
			ASKED_SCHEMA },
		{ "weirctl policy add vm1 sample.totals frames=1", 1, "",
			"weirctl: extension sample has no policy type \"totals\": there are "
			"sample.rule, sample.everything\n",
			ASKED_SCHEMA },
		{ "weirctl policy add vm1 other remote=::/0", 1, "",
			"weirctl: extension: there is none of that name\n", NULL },
		{ "weirctl policy add vm1 sample.rule remote=10.0.0.0/33", 1, "",
			"weirctl: remote \"10.0.0.0/33\": must be an IPv4 prefix", ASKED_SCHEMA },
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
		// What is listed can be given again.
		{ "eval weirctl policy add vm1 sample.rule $(weirctl policy list | sed -n "
		  "'2s/.*web *//p')",
			0, "p1\n", "", NULL },
		{ "weirctl policy schema sample | sed -n 1,8p", 0,
			"sample.rule: policy of a port or switch\n"
			"Lets frames pass or not.\n"
			"NAME              LABEL     TYPE       FORMAT       RANGE                 "
			"   "
			"        DEFAULT  COMMENT\n"
			"remote            required  string     prefix       -                     "
			"   "
			"        -        The other side.\n"
			"direction         optional  Direction  -            in, out, both_ways    "
			"   "
			"        OUT      -\n"
			"match             optional  Match      -            -                     "
			"   "
			"        -        -\n"
			"match.protocol    optional  uint32     ip-protocol  at most 255           "
			"   "
			"        -        IP protocol.\n"
			"match.ports       repeated  uint32     l4-port      at most 65535; at "
			"most 3 "
			"values  -        -\n",
			"", ASKED_SCHEMA },
		{ "weirctl policy schema sample -j | python3 -c 'import json, sys; "
		  "types = json.load(sys.stdin); rate = [f for f in types[1][\"fields\"] "
		  "if f[\"name\"] == \"rate\"][0]; "
		  "print([t[\"type\"] for t in types], types[0][\"fields\"][0][\"key\"], "
		  "rate[\"min\"], rate[\"unit\"], rate[\"format\"])'",
			0, "['rule', 'everything', 'totals'] True 1000 bits per second rate\n", "",
			NULL },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	check_all(rows);
}

static void bad_daemons(void **state)
{
	static const struct row rows[] = {
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
			"weirctl: the daemon does not answer\n", NULL },
		{ "weirctl switch show br0", 3, "",
			"weirctl: the daemon answered with something that was not asked for\n",
			NULL },
		{ "weirctl flow list", 3, "",
			"weirctl: the daemon answered with something that was not asked for\n",
			NULL },
		{ "weirctl port list >/dev/full", 1, "", "weirctl: cannot write the output", NULL },
		{ "weirctl event watch >/dev/full", 1, "", "weirctl: cannot write the output",
			NULL },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	check_all(rows);
}

// Runs the script in bash with the words of a command line, the last of them being completed.
static void complete(const char *words, const char *expected)
{
	struct outcome outcome;
	char *line;

	assert_true(asprintf(&line,
			    "bash -c 'source <(weirctl completion bash) || exit 1; "
			    "COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _weirctl; "
			    "echo \"${COMPREPLY[*]}\"'",
			    words) > 0);
	outcome = run(line);
	free(fake_daemon_take_requests(fixture.daemon));
	outcome.out[strcspn(outcome.out, "\n")] = '\0';
	if (strcmp(outcome.out, expected) != 0 || *outcome.error)
		fail_msg("%s completes to \"%s\" instead of \"%s\" %s", words, outcome.out,
			expected, outcome.error);
	outcome_fini(&outcome);
	free(line);
}

static void bash_completes(void **state)
{
	static const char *const rows[][2] = {
		{ "weirctl s", "switch" },
		{ "weirctl -j po", "port policy" },
		{ "weirctl \"\"",
			"switch port extension policy meter fdb flow drop worker event help "
			"completion" },
		{ "weirctl port \"\"", "add remove list show connect disconnect set" },
		{ "weirctl nothing \"\"", "" },
		{ "weirctl port add \"\"", "br0 br1" },
		{ "weirctl port add br0 \"\"", "" },
		{ "weirctl port add br0 vm1 --m", "--mac --mtu" },
		{ "weirctl --ti", "--timeout" },
		{ "weirctl port list --dry", "" },
		{ "weirctl port show v", "vm1" },
		{ "weirctl --timeout 5 port show \"\"", "vm1 up0" },
		{ "weirctl fdb flush --port \"\"", "vm1 up0" },
		{ "weirctl fdb flush --port vm1 \"\"", "br0 br1" },
		{ "weirctl extension attach br0 \"\"", "sample" },
		{ "weirctl policy add \"\"", "vm1 up0 switch:br0 switch:br1" },
		{ "weirctl policy add switch : b", "br0 br1" },
		{ "weirctl policy add vm1 \"\"", "sample.rule sample.everything" },
		{ "weirctl policy add vm1 sample.rule d", "direction= deny=" },
		{ "weirctl policy add vm1 sample.rule remote = 1 match.p",
			"match.protocol= match.ports=" },
		{ "weirctl policy add vm1 sample.rule direction =", "in out both_ways" },
		{ "weirctl policy add vm1 sample.rule direction = o", "out" },
		{ "weirctl policy add switch : br0 sample.rule match.fragment = t", "true" },
		{ "weirctl policy remove vm1 sample.rule \"\"", "web" },
		{ "weirctl help por", "port" },
		{ "weirctl help port sh", "show" },
		{ "weirctl extension load acl --path /proc/self/statu", "/proc/self/status" },
		{ "weirctl --socket /nowhere port show \"\"", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		complete(rows[i][0], rows[i][1]);
}

static void bash_accepts_the_script(void **state)
{
	static const struct row row = { "weirctl completion bash | bash -n", 0, "", "", "" };

	(void)state;
	check(&row);
}

static int setup(void **state)
{
	(void)state;
	strcpy(fixture.directory, "/tmp/weirctl-test-XXXXXX");
	assert_non_null(mkdtemp(fixture.directory));
	snprintf(fixture.socket, sizeof(fixture.socket), "%s/socket", fixture.directory);
	setenv("WEIR_SOCKET", fixture.socket, 1);
	fixture.daemon = fake_daemon_start(fixture.socket, weir_schema, sizeof(weir_schema));
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "socket", "out", "error" };
	char path[128];

	(void)state;
	fake_daemon_stop(fixture.daemon);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", fixture.directory, names[i]);
		unlink(path);
	}
	return rmdir(fixture.directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_usage),
		cmocka_unit_test(no_daemon),
		cmocka_unit_test(help_tells_the_usage),
		cmocka_unit_test(changes),
		cmocka_unit_test(lists),
		cmocka_unit_test(policies),
		cmocka_unit_test(bad_daemons),
		cmocka_unit_test(bash_accepts_the_script),
		cmocka_unit_test(bash_completes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
