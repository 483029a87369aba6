// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "bench_replace_switch.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acl.pb-c.h"

enum { N_RULES = 1000, SESSION_IDLE_S = 3600 };

void must(int failed, const char *what, const struct weir_error *error)
{
	if (failed >= 0)
		return;
	fprintf(stderr, "bench_replace: %s: %s\n", what, error->message);
	exit(1);
}

static void quiet(void *context, int level, const char *line)
{
	(void)context, (void)level, (void)line;
}

// ---- CPUs

static void bind_thread(pid_t thread, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(thread, sizeof(set), &set) != 0)
		fprintf(stderr, "bench_replace: thread %d is not bound to CPU %d\n", (int)thread,
			cpu);
}

static bool is_worker(const char *thread)
{
	char path[300], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/comm", thread);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = '\0';
	fclose(file);
	return strncmp(name, "weir-worker", 11) == 0;
}

// Threads that are made later are bound like the one that makes them.
static void bind_threads(void)
{
	DIR *directory = opendir("/proc/self/task");
	const struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			bind_thread(atoi(entry->d_name), is_worker(entry->d_name));
	if (directory)
		closedir(directory);
}

// ---- Rules

static void add_policy(struct weir *w, const char *port, const char *type, const char *id,
	const ProtobufCMessage *message)
{
	struct weir_error error = { 0 };
	uint8_t bytes[256];

	must(weir_policy_add(w, port, "acl", type, id, bytes,
		     protobuf_c_message_pack(message, bytes), NULL, 0, &error),
		"policy", &error);
}

// Number i: what it denies is sent by nobody.
static void add_rule(struct weir *w, unsigned i)
{
	Acl__Rule rule = ACL__RULE__INIT;
	char prefix[32], port[16], id[16];

	rule.direction = ACL__DIRECTION__OUT;
	rule.protocol = (char *)(uintptr_t) "udp";
	rule.remote = prefix;
	rule.remote_port = port;
	rule.action = ACL__ACTION__DENY;
	rule.weight = 1 + i;
	snprintf(prefix, sizeof(prefix), "10.200.0.0/%u", 8 + i % 25);
	snprintf(port, sizeof(port), "%u", 1000 + i);
	snprintf(id, sizeof(id), "r%u", i);
	add_policy(w, "in", "rule", id, &rule.base);
}

static void add_policies(struct weir *w)
{
	Acl__Rule rule = ACL__RULE__INIT;
	Acl__Entry meter = ACL__ENTRY__INIT;

	for (unsigned i = 0; i < N_RULES; i++)
		add_rule(w, i);
	rule.direction = ACL__DIRECTION__OUT;
	rule.action = ACL__ACTION__ALLOW;
	rule.has_stateful = rule.stateful = 1;
	rule.has_idle_s = 1;
	rule.idle_s = SESSION_IDLE_S;
	rule.weight = 2 * N_RULES;
	add_policy(w, "in", "rule", "open", &rule.base);
	meter.remote = (char *)(uintptr_t) "any";
	meter.action = ACL__ACTION__METER;
	meter.direction = ACL__DIRECTION__OUT;
	add_policy(w, "in", "acl", "sent", &meter.base);
	meter.direction = ACL__DIRECTION__IN;
	add_policy(w, "out", "acl", "received", &meter.base);
}

void bench_switch_add_rule(struct weir *w)
{
	add_rule(w, N_RULES);
}

void bench_switch_remove_rule(struct weir *w)
{
	struct weir_error error = { 0 };
	char id[16];

	snprintf(id, sizeof(id), "r%u", N_RULES);
	must(weir_policy_remove(w, "in", "acl", id, 0, &error), id, &error);
}

// ---- The switch

void bench_switch_reorder(struct weir *w, const char *extension, int order)
{
	struct weir_item item = { .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_EXTENSION,
		.switch_name = "br0",
		.name = extension,
		.extension = { .order = order } };
	struct weir_document *document = weir_document_create();
	struct weir_error error = { 0 };

	if (!document)
		must(weir_refuse(&error, -1, NULL, "no memory"), "document", &error);
	must(weir_document_add(document, &item, &error), "document", &error);
	must(weir_apply(w, document, 0, NULL, NULL, &error), "apply", &error);
	weir_document_destroy(document);
}

struct weir *bench_switch_make(const char *directory)
{
	struct weir_options options = { .size = sizeof(options),
		.n_workers = 1,
		.poll = true,
		.n_flows = 1 << 20,
		.log = quiet,
		.extensions = directory };
	struct weir_switch_config config = {
		.size = sizeof(config), .n_sessions = 1 << 20, .n_port_sessions = 1 << 20
	};
	struct weir_port_config port = { .size = sizeof(port), .nic = "null" };
	struct weir_error error = { 0 };
	struct weir *w;
	char path[4096];

	must(weir_create(&options, &w, &error), "weir", &error);
	bind_threads();
	must(weir_switch_add_with(w, "br0", &config, 0, &error), "switch", &error);
	must(weir_port_add(w, "br0", "in", &port, 0, &error), "port", &error);
	must(weir_port_add(w, "br0", "out", &port, 0, &error), "port", &error);
	must(weir_fdb_add(w, "br0", "02:00:00:00:00:02", 0, "out", 0, &error), "fdb", &error);
	snprintf(path, sizeof(path), "%s/acl-1.so", directory);
	must(weir_extension_load(w, "acl", path, 0, &error), "acl", &error);
	must(weir_extension_attach(w, "br0", "acl", WEIR_ORDER_DEFAULT, 0, &error), "acl", &error);
	add_policies(w);
	return w;
}
