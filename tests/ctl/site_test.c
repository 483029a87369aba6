// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// export and apply: the document, what is refused in it, and what is sent.
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

static const char exported[] = "{\n"
			       "  \"weir\": 1,\n"
			       "  \"switches\": [\n"
			       "    {\n"
			       "      \"name\": \"br0\",\n"
			       "      \"extensions\": [\n"
			       "        {\n"
			       "          \"name\": \"sample\",\n"
			       "          \"order\": 0\n"
			       "        },\n"
			       "        {\n"
			       "          \"name\": \"gone\",\n"
			       "          \"order\": 20,\n"
			       "          \"fail_open\": true,\n"
			       "          \"path\": \"/x/gone.so\"\n"
			       "        }\n"
			       "      ],\n"
			       "      \"policies\": [\n"
			       "        {\n"
			       "          \"extension\": \"sample\",\n"
			       "          \"type\": \"rule\",\n"
			       "          \"id\": \"web\",\n"
			       "          \"body\": {\n"
			       "            \"remote\": \"10.0.0.0/8\"\n"
			       "          }\n"
			       "        }\n"
			       "      ],\n"
			       "      \"ports\": [\n"
			       "        {\n"
			       "          \"name\": \"up0\",\n"
			       "          \"uplink\": true\n"
			       "        },\n"
			       "        {\n"
			       "          \"name\": \"vm1\",\n"
			       "          \"nic\": \"tap:vm1\",\n"
			       "          \"vlan\": \"10\",\n"
			       "          \"mac\": \"02:00:00:00:00:01\",\n"
			       "          \"mtu\": 1500,\n"
			       "          \"force\": true,\n"
			       "          \"disconnected\": true,\n"
			       "          \"policies\": [\n"
			       "            {\n"
			       "              \"extension\": \"sample\",\n"
			       "              \"type\": \"rule\",\n"
			       "              \"id\": \"web\",\n"
			       "              \"body\": {\n"
			       "                \"remote\": \"10.0.0.0/8\",\n"
			       "                \"direction\": \"in\",\n"
			       "                \"match\": {\n"
			       "                  \"protocol\": 6\n"
			       "                }\n"
			       "              }\n"
			       "            },\n"
			       "            {\n"
			       "              \"extension\": \"sample\",\n"
			       "              \"type\": \"everything\",\n"
			       "              \"id\": \"big\",\n"
			       "              \"body\": {\n"
			       "                \"real\": 0.10000000000000001,\n"
			       "                \"huge\": \"18446744073709551614\"\n"
			       "              }\n"
			       "            },\n"
			       "            {\n"
			       "              \"extension\": \"gone\",\n"
			       "              \"id\": \"web\",\n"
			       "              \"body_base64\": \"Cgox\"\n"
			       "            }\n"
			       "          ]\n"
			       "        }\n"
			       "      ],\n"
			       "      \"fdb\": [\n"
			       "        {\n"
			       "          \"mac\": \"02:00:00:00:00:01\",\n"
			       "          \"vlan\": 10,\n"
			       "          \"port\": \"vm1\"\n"
			       "        }\n"
			       "      ]\n"
			       "    }\n"
			       "  ]\n"
			       "}\n";

static void exports(void **state)
{
	static const struct program_row rows[] = {
		{ "weirctl export br0", 0, exported, "",
			"{\"export\":{\"switch\":\"br0\"}}\n" ASKED_SCHEMA
			"{\"policy_schema\":{\"extension\":\"gone\"}}\n" },
		{ "weirctl export br1", 0, "{\n  \"weir\": 1,\n  \"switches\": []\n}\n", "",
			"{\"export\":{\"switch\":\"br1\"}}\n" },
		{ "weirctl export future", 1, "",
			"weirctl: the daemon is younger than this weirctl and keeps what it "
			"cannot ",
			NULL },
		{ "weirctl export >/dev/full", 1, "", "weirctl: cannot write the output", NULL },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_check(rows);
}

// What was exported is sent as the items that it was made of.
static void applies_what_it_exports(void **state)
{
	static const struct program_row rows[] = {
		{ "weirctl export | weirctl apply - --prune", 0,
			"ACTION  OBJECT  NAME  TEXT\n"
			"add     port    vm1   nic tap:vm1\n"
			"change  port    up0   -\n",
			"",
			"{\"export\":{}}\n" ASKED_SCHEMA
			"{\"policy_schema\":{\"extension\":\"gone\"}}\n" ASKED_SCHEMA
			"{\"apply_add\":{\"items\":[{\"switch\":{\"name\":\"br0\"}},"
			"{\"extension\":{\"switch\":\"br0\",\"name\":\"sample\",\"order\":0}},"
			"{\"extension\":{\"switch\":\"br0\",\"name\":\"gone\",\"order\":20,"
			"\"fail_open\":true,\"path\":\"/x/gone.so\"}},"
			"{\"policy\":{\"target\":\"switch:br0\",\"extension\":\"sample\","
			"\"type\":\"rule\",\"id\":\"web\",\"body\":\"0a0a31302e302e302e302f38\"}},"
			"{\"port\":{\"switch\":\"br0\",\"name\":\"up0\",\"uplink\":true}},"
			"{\"port\":{\"switch\":\"br0\",\"name\":\"vm1\",\"nic\":\"tap:vm1\","
			"\"vlan\":\"10\",\"mac\":\"02:00:00:00:00:01\",\"mtu\":1500,"
			"\"force\":true,\"disconnected\":true}},"
			"{\"policy\":{\"target\":\"vm1\",\"extension\":\"sample\","
			"\"type\":\"rule\",\"id\":\"web\","
			"\"body\":\"0a0a31302e302e302e302f3810001a020806\"}},"
			"{\"policy\":{\"target\":\"vm1\",\"extension\":\"sample\","
			"\"type\":\"everything\",\"id\":\"big\","
			"\"body\":\"099a9999999999b93f20feffffffffffffffff01\"}},"
			"{\"policy\":{\"target\":\"vm1\",\"extension\":\"gone\",\"id\":\"web\","
			"\"body\":\"0a0a31\"}},"
			"{\"fdb\":{\"switch\":\"br0\",\"mac\":\"02:00:00:00:00:01\","
			"\"port\":\"vm1\",\"vlan\":10}}]}}\n"
			"{\"apply_commit\":{\"prune\":true}}\n" },
		// A dry run is one of the commit alone.
		{ "echo '{\"weir\": 1, \"switches\": [{\"name\": \"br0\"}]}' | "
		  "weirctl apply - --dry-run -j | head -3",
			0, "[\n  {\n    \"action\": \"add\",\n", "",
			"{\"apply_add\":{\"items\":[{\"switch\":{\"name\":\"br0\"}}]}}\n"
			"{\"dry_run\":true,\"apply_commit\":{}}\n" },
		// Nothing to do.
		{ "echo '{\"weir\": 1}' | weirctl apply -", 0, "", "", "{\"apply_commit\":{}}\n" },
		{ "echo '{\"weir\": 1}' | weirctl apply - -j", 0, "[]\n", "", NULL },
		{ "echo '{\"weir\": 1, \"$schema\": \"x\"}' | weirctl apply -", 0, "", "", NULL },
		// Saying nothing is not saying that there is to be nothing.
		{ "echo '{\"weir\": 1}' | weirctl apply - --prune", 1, "",
			"weirctl: switches: is missing: --prune would remove every switch; if that "
			"is meant, say \"switches\": []\n",
			"" },
		{ "echo '{\"weir\": 1, \"switches\": []}' | weirctl apply - --prune", 0,
			"ACTION  OBJECT  NAME  TEXT\n"
			"add     port    vm1   nic tap:vm1\n"
			"change  port    up0   -\n",
			"", "{\"apply_commit\":{\"prune\":true}}\n" },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_check(rows);
}

// Wrong documents, with the sentence that each is answered with.
static const char *const wrong[][2] = {
	{ "", "standard input: is empty: a document is an object such as {\"weir\": 1, "
	      "\"switches\": []}" },
	{ "{\"weir\": 1,\n  \"switches\": [,]}", "standard input:2:16: unexpected token near ','" },
	{ "{\"weir\": 1, \"weir\": 1}",
		"standard input:1:18: duplicate object key near '\"weir\"'" },
	{ "{\"weir\": 1} x", "standard input:1:13: end of file expected near 'x'" },
	{ "[]", "a document must be an object such as {\"weir\": 1}" },
	{ "{}", "weir: is missing: a document says the version of its format, as in "
		"{\"weir\": 1, \"switches\": [{\"name\": \"br0\"}]}" },
	{ "{\"weir\": 2}", "weir: 2: must be 1" },
	{ "{\"weir\": \"1\"}", "weir: must be the number 1" },
	{ "{\"weir\": 1, \"ports\": []}",
		"ports: unknown key: the keys of a document are $schema, weir, switches" },
	{ "{\"weir\": 1, \"switches\": {}}", "switches: must be an array" },
	{ "{\"weir\": 1, \"switches\": [1]}", "switches[0]: must be an object" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\"}, {}]}", "switches[1].name: is missing" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"\"}]}",
		"switches[0].name: is 0 bytes long: must be 1 to 63" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": 7}]}", "switches[0].name: must be a string" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\", \"flows\": 0}]}",
		"switches[0].flows: 0: must be 64 to 16777216" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\", \"flows\": 16777217}]}",
		"switches[0].flows: 16777217: must be 64 to 16777216" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\", \"flows\": \"64\"}]}",
		"switches[0].flows: must be a whole number of 64 to 16777216" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\", \"ports\": [{\"name\": \"p\", "
	  "\"vlan\": 10}]}]}",
		"switches[0].ports[0].vlan: must be a string" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\", \"ports\": [{\"name\": \"p\", "
	  "\"uplink\": 1}]}]}",
		"switches[0].ports[0].uplink: must be true or false" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\", \"ports\": [{\"name\": \"p\", "
	  "\"colour\": 1}]}]}",
		"switches[0].ports[0].colour: unknown key: the keys of a port are name, nic, vlan, "
		"mac, mtu, uplink, force, disconnected, policies" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\", \"ports\": [{\"name\": \"p\", "
	  "\"mtu\": -1}]}]}",
		"switches[0].ports[0].mtu: -1: must be 0 to 4294967295" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\", \"ports\": [{\"name\": \"p\", "
	  "\"mtu\": 1.5}]}]}",
		"switches[0].ports[0].mtu: must be a whole number of 0 to 4294967295" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\", \"fdb\": [{\"mac\": "
	  "\"02:00:00:00:00:01\", \"port\": \"p\", \"vlan\": 4095}]}]}",
		"switches[0].fdb[0].vlan: 4095: must be 0 to 4094" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\", \"extensions\": [{\"name\": \"e\", "
	  "\"order\": null}]}]}",
		"switches[0].extensions[0].order: must be a whole number of 0 to 65535" },
#define POLICY(keys)                                                                               \
	"{\"weir\": 1, \"switches\": [{\"name\": \"a\", \"policies\": [{\"extension\": "           \
	"\"sample\", " keys "}]}]}"
	{ POLICY("\"body\": {}"), "switches[0].policies[0].id: is missing" },
	{ POLICY("\"id\": \"i\", \"body\": []"),
		"switches[0].policies[0].body: must be an object" },
	{ POLICY("\"id\": \"i\", \"body\": {}"),
		"switches[0].policies[0].type: extension sample has several policy types: name one "
		"of sample.rule, sample.everything" },
	{ POLICY("\"id\": \"i\", \"type\": \"x\", \"body\": {}"),
		"switches[0].policies[0].type: extension sample has no policy type \"x\": there "
		"are sample.rule, sample.everything" },
	{ POLICY("\"id\": \"i\", \"type\": \"rule\", \"body\": {}"),
		"switches[0].policies[0].body.remote: is missing" },
	{ POLICY("\"id\": \"i\", \"type\": \"rule\", \"body\": {\"remote\": \"ten\"}"),
		"switches[0].policies[0].body.remote \"ten\": must be an address or prefix such as "
		"192.0.2.0/24 or 2001:db8::/32" },
	{ POLICY("\"id\": \"i\", \"type\": \"rule\", \"body\": {\"remote\": \"::/0\", \"match\": "
		 "{\"ports\": [80, 65536]}}"),
		"switches[0].policies[0].body.match.ports[1] \"65536\": must be 0 to 65535" },
	{ POLICY("\"id\": \"i\", \"type\": \"rule\", \"body\": {\"remote\": \"::/0\", \"also\": "
		 "[{\"color\": 1}]}"),
		"switches[0].policies[0].body.also[0].color: unknown field: the fields of "
		"sample.Match are protocol, ports, fragment, except" },
	{ POLICY("\"id\": \"i\", \"body_base64\": \"A\""),
		"switches[0].policies[0].body_base64: must be at most 65536 bytes in base64" },
	{ POLICY("\"id\": \"i\", \"body_base64\": \"\", \"body\": {}"),
		"switches[0].policies[0].body_base64: must not be there beside body" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\", \"policies\": [{\"extension\": \"gone\", "
	  "\"id\": \"i\", \"body\": {}}]}]}",
		"switches[0].policies[0].extension: extension: there is none of that name" },
	// Refused by the daemon, which counts items.
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\"}, {\"name\": \"taken\"}]}",
		"switches[1]: switch \"taken\": is there already, as switches[0], say I" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\", \"ports\": [{\"name\": \"p\"}, "
	  "{\"name\": \"alien\"}]}]}",
		"switches[0].ports[1].nic: must be less strange" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\", \"fdb\": [{\"mac\": \"m\", \"port\": "
	  "\"p\"}]}, {\"name\": \"b\", \"ports\": [{\"name\": \"late\"}]}]}",
		"switches[1].ports[0].vlan: vlan \"4095\": must be 1 to 4094" },
};

static void wrong_documents(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct outcome outcome;
		char *line, *expected;

		assert_true(asprintf(&line, "weirctl apply - <<'EOF'\n%s\nEOF\n", wrong[i][0]) > 0);
		assert_true(asprintf(&expected, "weirctl: %s\n", wrong[i][1]) > 0);
		outcome = program_run(line);
		if (outcome.exit_code != 1 || *outcome.out || strcmp(outcome.error, expected) != 0)
			fail_msg("%s: exit code %d, %sinstead of %s", wrong[i][0],
				outcome.exit_code, outcome.error, expected);
		free(line);
		free(expected);
		outcome_fini(&outcome);
	}
}

static void files_and_usage(void **state)
{
	static const struct program_row rows[] = {
		{ "weirctl apply /nowhere/site.json", 1, "",
			"weirctl: /nowhere/site.json: No such file or directory\n", "" },
		// Whatever is at the path, nothing is waited for.
		{ "weirctl apply /", 1, "",
			"weirctl: /: is a directory: must be a regular file, or a pipe that "
			"somebody "
			"writes to\n",
			"" },
		{ "weirctl apply /dev/null", 1, "", "weirctl: /dev/null: is a device: must", "" },
		{ "weirctl apply /dev/zero", 1, "", "weirctl: /dev/zero: is a device: must", "" },
		{ "timeout 10 weirctl apply $WEIR_SOCKET", 1, "", "weirctl: /", "" },
		{ "cd $(dirname $WEIR_SOCKET); mkfifo f; timeout 10 weirctl apply f; echo $?; rm f",
			0, "1\n", "weirctl: f: is a pipe that nobody writes to: must", "" },
		// One that somebody writes to, now or later, is what a shell makes of <(COMMAND).
		{ "bash -c 'weirctl apply <(echo []) --dry-run'", 1, "",
			"weirctl: a document must be an object", "" },
		{ "bash -c 'weirctl apply <(sleep 0.3; echo []) --dry-run'", 1, "",
			"weirctl: a document must be an object", "" },
		{ "echo [] | weirctl apply /dev/stdin --dry-run", 1, "",
			"weirctl: a document must be an object", "" },
		{ "weirctl apply - </dev/null", 1, "",
			"weirctl: standard input: is empty: a document is an object such as ", "" },
		{ "weirctl apply - </dev/zero", 1, "",
			"weirctl: standard input: must not be longer than 1 GiB, as no document "
			"is\n",
			"" },
		{ "weirctl apply", 2, "", "weirctl: FILE is missing\n", "" },
		{ "weirctl apply --schema site.json", 2, "", "weirctl: --schema takes no FILE\n",
			"" },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_check(rows);
}

// A long document goes in pieces that the daemon takes, and a refusal in one of them is found.
#define LONG                                                                                       \
	"python3 -c '\nimport json\n"                                                              \
	"ports = [{\"name\": \"p%d\" % i, \"policies\": [{\"extension\": \"sample\", "             \
	"\"type\": \"rule\", \"id\": \"r%d\" % j, \"body\": {\"remote\": \"10.0.0.0/8\", "         \
	"\"direction\": \"in\"}} for j in range(100)]} for i in range(100)]\n"                     \
	"%s"                                                                                       \
	"print(json.dumps({\"weir\": 1, \"switches\": [{\"name\": \"br0\", \"ports\": "            \
	"ports}]}))' | weirctl apply -"

static void long_documents(void **state)
{
	static const char *const endings[][2] = {
		{ "", "" },
		{ "ports[97][\"name\"] = \"alien\"\n",
			"weirctl: switches[0].ports[97].nic: must be less strange\n" },
		{ "ports[98][\"name\"] = \"late\"\n",
			"weirctl: switches[0].ports[98].vlan: vlan \"4095\": must be 1 to 4094\n" },
		// A schema that is asked for when pieces are under way; and one that is not,
		// because of what they are answered with.
		{ "ports[99][\"policies\"][0][\"extension\"] = \"gone\"\n",
			"weirctl: switches[0].ports[99].policies[0].extension: extension: there is "
			"none of that name\n" },
		{ "ports[50][\"name\"] = \"alien\"\n"
		  "ports[99][\"policies\"][0][\"extension\"] = \"gone\"\n",
			"weirctl: switches[0].ports[50].nic: must be less strange\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		struct outcome outcome;
		char *line = strdup(LONG), *cut = strstr(line, "%s"), *whole;

		*cut = '\0';
		assert_true(asprintf(&whole, "%s%s%s", line, endings[i][0], cut + 2) > 0);
		outcome = program_run(whole);
		assert_string_equal(outcome.error, endings[i][1]);
		assert_int_equal(outcome.exit_code, i > 0);
		outcome_fini(&outcome);
		free(whole);
		free(line);
	}
}

// Prints, for each document, the paths at which a validator finds fault with it.
#define VALIDATE                                                                                   \
	"python3 -c '\n"                                                                           \
	"import json, sys\n"                                                                       \
	"try:\n\timport jsonschema\n"                                                              \
	"except ImportError:\n\tsys.exit(77)\n"                                                    \
	"schema, *documents = [json.load(open(name)) for name in sys.argv[1:]]\n"                  \
	"jsonschema.Draft202012Validator.check_schema(schema)\n"                                   \
	"validator = jsonschema.Draft202012Validator(schema)\n"                                    \
	"for document in documents:\n"                                                             \
	"\tprint(*[e.json_path for e in validator.iter_errors(document)])\n' "

// A document, and the paths that a validator finds fault with.
static const char *const judged[][2] = {
	{ "{\"weir\": 1}", "\n" },
	{ "{\"weir\": 2}", "$.weir\n" },
	{ "{}", "$\n" },
	{ "{\"weir\": 1, \"ports\": []}", "$\n" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": 1}]}", "$.switches[0].name\n" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\", \"flows\": 64}]}", "\n" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\", \"flows\": 63}]}",
		"$.switches[0].flows\n" },
	{ "{\"weir\": 1, \"switches\": [{\"name\": \"a\", \"ports\": [{\"name\": \"p\", "
	  "\"vlan\": 10, \"mtu\": -1}]}]}",
		"$.switches[0].ports[0].vlan $.switches[0].ports[0].mtu\n" },
	{ POLICY("\"id\": \"i\", \"body_base64\": \"\", \"body\": {}"),
		"$.switches[0].policies[0]\n" },
	{ POLICY("\"id\": \"i\", \"type\": \"rule\", \"body\": {\"remote\": \"::/0\", "
		 "\"direction\": \"in\", \"also\": [{\"protocol\": \"tcp\"}]}"),
		"\n" },
	{ POLICY("\"id\": \"i\", \"type\": \"rule\", \"body\": {\"remote\": 1, \"direction\": "
		 "\"up\", \"match\": {\"protocol\": 256, \"except\": {\"x\": 1}}}"),
		"$.switches[0].policies[0].body.remote $.switches[0].policies[0].body.direction "
		"$.switches[0].policies[0].body.match.protocol "
		"$.switches[0].policies[0].body.match.except\n" },
	{ POLICY("\"id\": \"i\", \"type\": \"everything\", \"body\": {\"rate\": \"10mbit\", "
		 "\"numbers\": 1}"),
		"$.switches[0].policies[0].body.numbers\n" },
};

static void validator_agrees(void **state)
{
	struct outcome outcome;
	char *line = NULL, *expected = NULL;
	size_t line_size, expected_size;
	FILE *lines = open_memstream(&line, &line_size);
	FILE *results = open_memstream(&expected, &expected_size);

	(void)state;
	fputs("d=$(mktemp -d); cd $d; trap 'rm -r $d' EXIT; weirctl apply --schema >s; "
	      "weirctl export >00\n",
		lines);
	fputs("\n", results);
	for (size_t i = 0; i < sizeof(judged) / sizeof(*judged); i++) {
		fprintf(lines, "cat >%02zu <<'EOF'\n%s\nEOF\n", i + 1, judged[i][0]);
		fputs(judged[i][1], results);
	}
	fputs(VALIDATE "s [0-9]*", lines);
	fclose(lines);
	fclose(results);
	outcome = program_run(line);
	if (outcome.exit_code == 77)
		print_message("skipped: python3-jsonschema is not installed\n");
	else if (outcome.exit_code != 0 || strcmp(outcome.out, expected) != 0)
		fail_msg("%s instead of %s%s", outcome.out, expected, outcome.error);
	free(line);
	free(expected);
	if (outcome.exit_code == 77) {
		outcome_fini(&outcome);
		skip();
	}
	outcome_fini(&outcome);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exports),
		cmocka_unit_test(applies_what_it_exports),
		cmocka_unit_test(files_and_usage),
		cmocka_unit_test(wrong_documents),
		cmocka_unit_test(long_documents),
		cmocka_unit_test(validator_agrees),
	};

	return cmocka_run_group_tests(tests, program_setup, program_teardown);
}
