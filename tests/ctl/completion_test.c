// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The completion script, driven by bash.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "program.h"

static void bash_accepts_the_script(void **state)
{
	static const struct program_row rows[] = { { "weirctl completion bash | bash -n", 0, "", "",
							   "" },
		{ NULL, 0, NULL, NULL, NULL } };

	(void)state;
	program_check(rows);
}

// Runs the script in bash with the words of a command line, the last of them being completed.
static void complete(const char *words, const char *expected)
{
	struct outcome outcome;
	char *line;

	assert_true(asprintf(&line,
			    "cd $(dirname $WEIR_SOCKET); bash -c 'source <(weirctl completion "
			    "bash) || exit 1; "
			    "COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _weirctl; "
			    "echo \"${COMPREPLY[*]}\"'",
			    words) > 0);
	outcome = program_run(line);
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
		{ "weirctl s", "switch session sample" },
		{ "weirctl -j po", "port policy policer" },
		{ "weirctl \"\"",
			"switch port extension policy meter policer fdb flow session drop worker "
			"daemon event trace export "
			"apply help completion sample" },
		{ "weirctl port \"\"", "add remove list show connect disconnect set" },
		{ "weirctl nothing \"\"", "" },
		{ "weirctl port add \"\"", "br0 br1" },
		{ "weirctl trace \"\"", "vm1 up0" },
		{ "weirctl trace vm1 --f", "--file --frame" },
		{ "weirctl flow list --port \"\"", "vm1 up0" },
		{ "weirctl drop watch --extension \"\"", "sample gone" },
		{ "weirctl port add br0 \"\"", "" },
		{ "weirctl port add br0 vm1 \"\"", "packet: tap: replay: memory null dpdk:" },
		{ "weirctl port connect vm1 n", "null" },
		{ "weirctl event watch nic-", "nic-connected nic-disconnected nic-lost" },
		{ "weirctl event watch nic-lost,port-ch", "nic-lost,port-changed" },
		{ "weirctl flow list --filter ip_s", "ip_src=" },
		{ "weirctl flow list --filter ipv4,l4_d", "ipv4,l4_dst=" },
		{ "weirctl port add br0 vm1 --m", "--mac --mtu" },
		{ "weirctl --ti", "--timeout" },
		{ "weirctl port list --dry", "" },
		{ "weirctl port show v", "vm1" },
		{ "weirctl --timeout 5 port show \"\"", "vm1 up0" },
		{ "weirctl fdb flush --port \"\"", "vm1 up0" },
		{ "weirctl fdb flush --port vm1 \"\"", "br0 br1" },
		{ "weirctl extension attach br0 \"\"", "gone acl" },
		{ "weirctl extension attach br1 \"\"", "sample gone acl" },
		{ "weirctl extension detach br0 \"\"", "sample gone" },
		{ "weirctl extension detach br1 \"\"", "" },
		{ "weirctl extension load \"\"", "acl" },
		{ "weirctl meter list \"\"", "vm1 up0 switch:br0 switch:br1 sample gone" },
		{ "weirctl policy add \"\"", "vm1 up0 switch:br0 switch:br1" },
		{ "weirctl policy add switch : b", "br0 br1" },
		{ "weirctl policy add vm1 \"\"", "sample.rule sample.everything" },
		{ "weirctl policy add switch : br0 sam", "sample.rule sample.everything" },
		{ "weirctl policy add switch : br1 \"\"", "" },
		{ "weirctl policy list vm9 \"\"", "" },
		{ "weirctl policy add vm1 sample.rule d", "direction= deny=" },
		{ "weirctl policy add vm1 sample.rule remote = 1 match.p",
			"match.protocol= match.ports=" },
		{ "weirctl policy add vm1 sample.rule direction =", "in out both_ways" },
		{ "weirctl policy add vm1 sample.rule direction = o", "out" },
		{ "weirctl policy add switch : br0 sample.rule match.fragment = t", "true" },
		{ "weirctl policy add vm1 sample.rule match.protocol = t", "tcp" },
		{ "weirctl policy status \"\"", "vm1 up0 switch:br0 switch:br1 sample" },
		{ "weirctl policy status vm1 \"\"", "sample" },
		{ "weirctl sample \"\"", "start list watch" },
		{ "weirctl sample start \"\"", "write= read= port= at= size=" },
		{ "weirctl sample start port = vm1 a", "at=" },
		{ "weirctl sample start at = o", "out" },
		{ "weirctl sample start at = in,o", "in,out" },
		{ "weirctl sample start at = in,", "in,in in,out in,both_ways" },
		{ "weirctl sample start port =", "vm1 up0" },
		{ "weirctl sample start port = u", "up0" },
		{ "weirctl sample start write = /proc/self/statu", "/proc/self/status" },
		{ "weirctl policy add vm1 sample.everything flags = true,f", "true,false" },
		{ "weirctl policy add vm1 sample.everything port = v", "vm1" },
		{ "weirctl sample start --s", "--socket --switch" },
		{ "weirctl sample start --switch \"\"", "br0 br1" },
		{ "weirctl apply --p", "--prune" },
		{ "weirctl export \"\"", "br0 br1" },
		{ "weirctl extension attach br0 sample --f", "--fail-open" },
		{ "weirctl policy remove vm1 sample.rule \"\"", "web" },
		{ "weirctl policy remove vm1 rule \"\"", "web" },
		{ "weirctl policy remove vm1 sample \"\"", "" },
		{ "weirctl help por", "port" },
		{ "weirctl help port sh", "show" },
		{ "weirctl extension load acl --path /proc/self/statu", "/proc/self/status" },
		{ "weirctl --socket /nowhere port show \"\"", "" },
	};

	static const struct program_row make[] = {
		{ "cd $(dirname $WEIR_SOCKET); mkdir extensions; cd extensions; touch acl.so "
		  "sample.so notes 'a b.so'",
			0, "", "", NULL },
		{ NULL, 0, NULL, NULL, NULL },
	};
	static const struct program_row remove[] = {
		{ "rm -r $(dirname $WEIR_SOCKET)/extensions", 0, "", "", NULL },
		{ NULL, 0, NULL, NULL, NULL },
	};

	(void)state;
	program_check(make);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		complete(rows[i][0], rows[i][1]);
	program_check(remove);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bash_accepts_the_script),
		cmocka_unit_test(bash_completes),
	};

	return cmocka_run_group_tests(tests, program_setup, program_teardown);
}
