// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// completion bash|names, and the half of the script for bash that is the command table.
#include "completion.h"

#include <string.h>

#include "completion.bash.h"
#include "project.h"

// How the script and `completion names` call the kinds of words.
static const char *const kinds[] = {
	[WORD_ANY] = "-",
	[WORD_SWITCH] = "switch",
	[WORD_PORT] = "port",
	[WORD_EXTENSION] = "extension",
	[WORD_LOADABLE] = "loadable",
	[WORD_ATTACHABLE] = "attachable",
	[WORD_ATTACHED] = "attached",
	[WORD_TARGET] = "target",
	[WORD_SCOPE] = "scope",
	[WORD_POLICY] = "policy",
	[WORD_FIELD] = "field",
	[WORD_ID] = "id",
	[WORD_STATUS] = "status",
	[WORD_STATUS_TARGET] = "status-target",
	[WORD_CALL] = "call",
	[WORD_CALL_FIELD] = "call-field",
	[WORD_EVENT] = "event",
	[WORD_NIC] = "nic",
	[WORD_FILTER] = "filter",
	[WORD_CLASS] = "class",
	[WORD_FILE] = "file",
	[WORD_OBJECT] = "object",
	[WORD_VERB] = "verb",
};

// Words that nobody has to be asked for.
static const struct {
	enum word_kind kind;
	const char *words;
} lists[] = {
	{ WORD_EVENT, "decide-slow extension-attached extension-changed extension-detached "
		      "extension-expelled extension-loaded extension-missing "
		      "extension-not-replaced extension-replaced extension-unloaded fdb-added "
		      "fdb-moved fdb-removed item-left-out nic-connected nic-disconnected nic-lost "
		      "policies-refused policy-changed port-added port-blocked port-changed "
		      "port-removed port-unblocked request-refused rights-violated "
		      "state-not-restored switch-added switch-removed" },
	{ WORD_NIC, "packet: tap: replay: memory null dpdk:" },
	{ WORD_FILTER, "eth ipv4 ipv6 arp tcp udp sctp icmp icmpv6 offload eth_dst= eth_src= "
		       "eth_type= vlan= pcp= inner_vlan= ip_src= ip_dst= ip_proto= proto= arp_op= "
		       "dscp= ecn= ttl= label= l4_src= l4_dst= icmp_type= icmp_code= "
		       "fragment=no fragment=first fragment=later malformed=" },
};

// The first of the commands with its object.
static bool is_first(size_t index)
{
	return index == 0 || strcmp(command_at(index - 1)->object, command_at(index)->object) != 0;
}

static void put_objects(FILE *out)
{
	const struct command *command;

	fputs("_weirctl_objects='", out);
	for (size_t i = 0; (command = command_at(i)); i++) {
		if (is_first(i))
			fprintf(out, "%s%s", i > 0 ? " " : "", command->object);
	}
	fputs("'\n", out);
}

static void put_classes(FILE *out)
{
	fputs("_weirctl_classes='", out);
	for (size_t i = 0; project_class(i); i++)
		fprintf(out, "%s%s", i > 0 ? " " : "", project_class(i));
	fputs("'\n", out);
}

static void put_verbs(FILE *out)
{
	const struct command *command;

	fputs("_weirctl_verbs()\n{\n\tcase $1 in\n", out);
	for (size_t i = 0; (command = command_at(i)); i++) {
		if (!command->verb)
			continue;
		if (is_first(i))
			fprintf(out, "\t%s) echo '", command->object);
		fprintf(out, "%s%s", is_first(i) ? "" : " ", command->verb);
		if (!command_at(i + 1) || is_first(i + 1))
			fputs("' ;;\n", out);
	}
	fputs("\tesac\n}\n", out);
}

static void put_option_names(FILE *out, const struct command_option *options)
{
	for (; options->name; options++)
		fprintf(out, " %s", options->name);
}

static void put_option_kinds(FILE *out, const struct command_option *options)
{
	for (; options->name; options++) {
		if (options->value)
			fprintf(out, " %s=%s", options->name, kinds[options->kind]);
	}
}

static void put_command(FILE *out, const struct command *command)
{
	fprintf(out, "\t%s:%s)\n\t\tkinds=(", command->object, command->verb ? command->verb : "");
	for (const struct command_argument *a = command->arguments; a->name; a++)
		fprintf(out, "%s%s%s", a == command->arguments ? "" : " ", kinds[a->kind],
			a->arity == MANY ? "+" : "");
	fputs(")\n\t\toptions+='", out);
	put_option_names(out, command->options);
	if (command->changes)
		fprintf(out, " %s", dry_run_option.name);
	fputs("'\n\t\tvalues+='", out);
	put_option_kinds(out, command->options);
	fputs(" '\n\t\t;;\n", out);
}

static void put_lists(FILE *out)
{
	fputs("_weirctl_list()\n{\n\tcase $1 in\n", out);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		fprintf(out, "\t%s) echo '%s' ;;\n", kinds[lists[i].kind], lists[i].words);
	fputs("\tesac\n}\n", out);
}

static int bash(struct invocation *in, struct ctl_error *error)
{
	const struct command *command;

	(void)in;
	(void)error;
	puts("# bash completion for weirctl; to use it: source <(weirctl completion bash)");
	put_objects(stdout);
	put_classes(stdout);
	fputs("_weirctl_options='", stdout);
	put_option_names(stdout, global_options);
	fputs("'\n_weirctl_values='", stdout);
	put_option_kinds(stdout, global_options);
	puts(" '");
	put_verbs(stdout);
	put_lists(stdout);
	puts("_weirctl_command()\n{\n\tcase $1:$2 in");
	for (size_t i = 0; (command = command_at(i)); i++)
		put_command(stdout, command);
	put_command(stdout, &call_command);
	puts("\t*) return 1 ;;\n\tesac\n}\n");
	fwrite(completion_bash, 1, sizeof(completion_bash), stdout);
	return 0;
}

const struct command completion_commands[] = {
	{
		.object = "completion",
		.verb = "bash",
		.summary = "Prints the completion script: source <(weirctl completion bash)",
		.run = bash,
	},
	{
		.object = "completion",
		.verb = "names",
		.summary =
			"Prints names that the daemon knows, or the host; for completion scripts",
		.run = completion_names,
		.arguments = { { "KIND", WORD_ANY, ONE }, { "WORD", WORD_ANY, MANY } },
	},
	{ 0 },
};
