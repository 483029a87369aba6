// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What changes of a long ACL cost the control thread: bench_acl_rules N KIND DIRECTORY
//
// A port gets N policies of KIND (rules: the extended ACL; stateful: the same, and one of them
// opens sessions; prefixes: the port ACL; meters: the same, each counts) in one document; then one
// is added, replaced, and removed, in turn, at the end and in the middle, and the document is
// applied again with one difference. Prints milliseconds: the median and the worst of the turns.
// DIRECTORY holds acl.so.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/embed.h>

#include "acl.pb-c.h"

enum { TURNS = 31 };

struct bench {
	struct weir *weir;
	struct weir_document *document;
	bool rules, stateful, meters;
	unsigned n;
	double spent[TURNS];
	unsigned turn;
};

static void die(const char *what, const struct weir_error *error)
{
	fprintf(stderr, "%s: %s\n", what, error->message);
	exit(1);
}

static void quiet(void *context, int level, const char *line)
{
	(void)context, (void)level, (void)line;
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + 1e-6 * (double)now.tv_nsec;
}

static void set_flag(void *context)
{
	*(bool *)context = true;
}

// Until nothing of the last change is left to be done.
static void settle(struct bench *b)
{
	bool done = false;

	weir_when_done(b->weir, set_flag, &done);
	while (!done) {
		weir_run(b->weir);
		weir_process(b->weir);
	}
	for (unsigned i = 0; i < 20; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		weir_run(b->weir);
		weir_process(b->weir);
	}
}

// A number whose bits have nothing to do with those of i (Numerical Recipes' generator, mixed).
static uint32_t mixed(uint32_t i)
{
	i = (i ^ 0x5bd1e995) * UINT32_C(0x9e3779b1);
	return (i ^ i >> 15) * UINT32_C(0x85ebca6b);
}

static size_t pack(const struct bench *b, unsigned i, uint8_t *bytes)
{
	Acl__Rule rule = ACL__RULE__INIT;
	Acl__Entry entry = ACL__ENTRY__INIT;
	uint32_t r = mixed(i);
	char prefix[32], port[16];

	snprintf(prefix, sizeof(prefix), "10.%u.%u.%u/%u", i >> 16 & 255, i >> 8 & 255, i & 255,
		b->rules && r % 5 == 0 ? 24 : 32);
	snprintf(port, sizeof(port), "%u", r >> 16);
	if (!b->rules) {
		entry.direction = ACL__DIRECTION__OUT;
		entry.action = r & 1 ? ACL__ACTION__DENY : ACL__ACTION__ALLOW;
		if (b->meters)
			entry.action = ACL__ACTION__METER;
		entry.remote = prefix;
		return acl__entry__pack(&entry, bytes);
	}
	rule.direction = ACL__DIRECTION__OUT;
	rule.action = r & 1 ? ACL__ACTION__DENY : ACL__ACTION__ALLOW;
	rule.weight = i;
	rule.protocol = r & 2 ? (char *)"tcp" : (char *)"udp";
	rule.remote = prefix;
	if (r & 4)
		rule.remote_port = port;
	rule.has_stateful = rule.stateful = b->stateful && i == b->n / 5;
	if (rule.stateful)
		rule.action = ACL__ACTION__ALLOW;
	return acl__rule__pack(&rule, bytes);
}

static const char *type(const struct bench *b)
{
	return b->rules ? "rule" : "acl";
}

static struct weir_document *make_document(const struct bench *b, unsigned n)
{
	struct weir_document *document = weir_document_create();
	struct weir_error error;
	uint8_t bytes[256];
	char id[16];

	for (unsigned i = 0; document && i < n; i++) {
		struct weir_item item = { .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_POLICY,
			.target = "vm1",
			.name = "acl" };

		snprintf(id, sizeof(id), "r%u", i);
		item.policy.type = type(b);
		item.policy.id = id;
		item.policy.bytes = bytes;
		item.policy.size = pack(b, i, bytes);
		if (weir_document_add(document, &item, &error) < 0)
			die("document", &error);
	}
	return document;
}

static void apply(struct bench *b, unsigned n, const char *what)
{
	struct weir_document *document = make_document(b, n);
	struct weir_error error;
	double began = now_ms();

	if (!document || weir_apply(b->weir, document, 0, NULL, NULL, &error) < 0)
		die("apply", &error);
	printf("%-34s %8.1f ms\n", what, now_ms() - began);
	weir_document_destroy(document);
	settle(b);
}

// number: of the policy whose body it gets; id: of the policy that it becomes.
static void add(struct bench *b, unsigned number, unsigned id_number)
{
	struct weir_error error;
	uint8_t bytes[256];
	char id[16];
	double began;

	snprintf(id, sizeof(id), "r%u", id_number);
	began = now_ms();
	if (weir_policy_add(b->weir, "vm1", "acl", type(b), id, bytes, pack(b, number, bytes), NULL,
		    0, &error) < 0)
		die("add", &error);
	b->spent[b->turn] = now_ms() - began;
	settle(b);
}

static void take_away(struct bench *b, unsigned id_number)
{
	struct weir_error error;
	char id[16];
	double began;

	snprintf(id, sizeof(id), "r%u", id_number);
	began = now_ms();
	if (weir_policy_remove(b->weir, "vm1", "acl", id, 0, &error) < 0)
		die("remove", &error);
	b->spent[b->turn] = now_ms() - began;
	settle(b);
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void tell(struct bench *b, const char *what)
{
	qsort(b->spent, TURNS, sizeof(b->spent[0]), by_size);
	printf("%-34s %8.2f ms, worst %8.2f ms\n", what, b->spent[TURNS / 2], b->spent[TURNS - 1]);
}

static void change_one(struct bench *b)
{
	for (b->turn = 0; b->turn < TURNS; b->turn++)
		add(b, b->n + 1 + b->turn, b->n + 1 + b->turn);
	tell(b, "one more");
	for (b->turn = 0; b->turn < TURNS; b->turn++)
		add(b, b->n + 1 + TURNS + b->turn, b->n / 2 + b->turn);
	tell(b, "another in the place of one");
	for (b->turn = 0; b->turn < TURNS; b->turn++)
		take_away(b, b->n + 1 + b->turn);
	tell(b, "one of the last less");
	for (b->turn = 0; b->turn < TURNS; b->turn++)
		take_away(b, b->n / 3 + b->turn);
	tell(b, "one of the middle less");
}

static void print_status(void *context, const struct weir_policy_info *info)
{
	Acl__Summary *m = acl__summary__unpack(NULL, info->size, info->bytes);
	const struct bench *b = context;

	if (m && b->n)
		printf("%-34s %8.1f bytes of classifiers and tries for each, %u steps at most\n",
			"", (double)(m->classifier_bytes + m->prefix_bytes) / b->n, m->worst_out);
	acl__summary__free_unpacked(m, NULL);
}

int main(int argc, char **argv)
{
	struct weir_port_config port = { .size = sizeof(port), .nic = "null" };
	struct bench b = { .n = argc == 4 ? (unsigned)strtoul(argv[1], NULL, 10) : 0 };
	struct weir_options options = { .size = sizeof(options), .log = quiet };
	struct weir_error error;

	if (b.n < 100) {
		fprintf(stderr,
			"usage: bench_acl_rules N rules|stateful|prefixes|meters DIRECTORY\n");
		return 2;
	}
	b.stateful = strcmp(argv[2], "stateful") == 0;
	b.rules = b.stateful || strcmp(argv[2], "rules") == 0;
	b.meters = strcmp(argv[2], "meters") == 0;
	options.extensions = argv[3];
	if (weir_create(&options, &b.weir, &error) < 0 ||
		weir_switch_add(b.weir, "br0", 0, &error) < 0 ||
		weir_port_add(b.weir, "br0", "vm1", &port, 0, &error) < 0 ||
		weir_extension_attach(b.weir, "br0", "acl", WEIR_ORDER_DEFAULT, 0, &error) < 0)
		die("start", &error);
	printf("%u %s\n", b.n, argv[2]);
	apply(&b, b.n, "all in one document");
	apply(&b, b.n + 1, "the document with one more");
	change_one(&b);
	weir_status_list(b.weir, "vm1", "acl", "summary", print_status, &b, NULL);
	weir_destroy(b.weir);
	return 0;
}
