// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The bench: its life, its clock, and policies.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <protobuf-c/protobuf-c.h>

#include "datapath/sized.h"
#include "internal.h"

enum { SETTLE_MS = 5000, STEP_MS = 1000 };

__attribute__((noreturn)) static void say_and_abort(const char *sentence)
{
	fprintf(stderr, "weir/testing: %s\n", sentence);
	abort();
}

void testing_fail(struct weir_testing *t, const char *format, ...)
{
	char sentence[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	t->fail(sentence);
	say_and_abort(sentence);
}

void testing_refused(struct weir_testing *t, const char *what)
{
	testing_fail(t, "%s: %s", what, t->error.message);
}

// The bench cannot be had: nobody can free it later.
static void give_up(struct weir_testing *t, const char *what)
{
	void (*fail)(const char *sentence) = t->fail;
	char sentence[1024];

	snprintf(sentence, sizeof(sentence), "%s: %s", what, t->error.message);
	weir_testing_abandon(t);
	fail(sentence);
	say_and_abort(sentence);
}

static uint64_t read_clock(void *context)
{
	return ((struct weir_testing *)context)->clock_ns;
}

// Called in the test's thread: the bench has no workers and its switch no dpdk.
static void keep_line(void *context, int level, const char *line)
{
	struct weir_testing *t = context;
	char *log;

	(void)level;
	if (asprintf(&log, "%s%s\n", t->log ? t->log : "", line) < 0)
		testing_fail(t, "no memory for the log");
	free(t->log);
	t->log = log;
}

static void add_ports(struct weir_testing *t)
{
	struct weir_port_config config = { .size = sizeof(config), .nic = "memory" };
	char name[16];

	for (unsigned i = 0; i < t->n_ports; i++) {
		snprintf(name, sizeof(name), "p%u", i);
		if (weir_port_add(t->weir, "br0", name, &config, 0, &t->error) < 0)
			give_up(t, name);
		t->ends[i] = weir_port_memory(t->weir, name);
		if (!t->ends[i])
			give_up(t, "the other end of a memory NIC");
	}
}

static void add_extension(struct weir_testing *t, const char *name, const char *path)
{
	if (weir_extension_load(t->weir, name, path, 0, &t->error) < 0)
		give_up(t, "loading");
	if (weir_extension_attach(t->weir, "br0", name, WEIR_ORDER_DEFAULT, 0, &t->error) < 0)
		give_up(t, "attaching");
}

// Every version of the struct has `fail`, which tells what is wrong with the size of one.
static void take_options(struct weir_testing *t, struct weir_testing_options *known,
	const struct weir_testing_options *theirs)
{
	const size_t has_fail = offsetof(struct weir_testing_options, fail) + sizeof(theirs->fail);

	t->fail = theirs->size >= has_fail && theirs->fail ? theirs->fail : say_and_abort;
	if (SIZED_TAKE(weir_testing_options, fail, known, theirs, &t->error) < 0)
		give_up(t, "options");
	if (known->n_ports < 1 || known->n_ports > WEIR_TESTING_PORTS_MAX) {
		weir_refuse(&t->error, -EINVAL, NULL, "%u: must be 1 to %d", known->n_ports,
			WEIR_TESTING_PORTS_MAX);
		give_up(t, "n_ports");
	}
}

static void add_switch(struct weir_testing *t, const struct weir_testing_options *options)
{
	struct weir_options o = {
		.size = sizeof(o),
		.strict = !options->lax,
		.extensions = options->extensions,
		.clock_ns = read_clock,
		.clock_context = t,
		.log = keep_line,
		.log_context = t,
	};

	if (weir_create(&o, &t->weir, &t->error) < 0)
		give_up(t, "starting");
	if (weir_switch_add(t->weir, "br0", 0, &t->error) < 0)
		give_up(t, "br0");
}

struct weir_testing *weir_testing_start(const struct weir_testing_options *theirs)
{
	struct weir_testing *t = calloc(1, sizeof(*t));
	struct weir_testing_options options;

	if (!t)
		say_and_abort("no memory");
	take_options(t, &options, theirs);
	t->lax = options.lax;
	t->n_ports = options.n_ports;
	t->clock_ns = UINT64_C(1000000000000); // nothing is before the start
	add_switch(t, &options);
	add_ports(t);
	if (options.extension)
		add_extension(t, options.extension, options.path);
	weir_testing_settle(t);
	return t;
}

struct weir *weir_testing_switch(struct weir_testing *t)
{
	return t->weir;
}

const char *weir_testing_log(const struct weir_testing *t)
{
	return t->log ? t->log : "";
}

// ---- The end

static void check_balance(void *context, const struct weir_switch_info *s)
{
	struct weir_testing *t = context;
	uint64_t in = s->received + s->originated + s->copies;
	uint64_t out = s->transmitted + s->dropped + s->consumed + s->queued;

	if (in != out)
		testing_fail(t, "%s: %llu frames came and were made, but %llu are accounted for",
			s->name, (unsigned long long)in, (unsigned long long)out);
}

static void check_promises(void *context, const struct weir_extension_info *info)
{
	struct weir_testing *t = context;

	if (info->violations || info->invalid || info->impure || info->modified)
		testing_fail(t,
			"extension %s: %llu violations, %llu invalid values, %llu impure "
			"decisions, %llu modified frames; the last one: %s",
			info->name, (unsigned long long)info->violations,
			(unsigned long long)info->invalid, (unsigned long long)info->impure,
			(unsigned long long)info->modified, info->last_offence);
}

void weir_testing_end(struct weir_testing *t)
{
	weir_testing_settle(t);
	if (weir_switch_list(t->weir, NULL, check_balance, t, &t->error) < 0)
		testing_refused(t, "counting");
	if (!t->lax && weir_extension_list(t->weir, NULL, check_promises, t, &t->error) < 0)
		testing_refused(t, "looking at the extensions");
	weir_testing_abandon(t);
}

void weir_testing_abandon(struct weir_testing *t)
{
	if (!t)
		return;
	weir_destroy(t->weir);
	for (unsigned i = 0; i < t->n_ports; i++)
		weir_memory_release(t->ends[i]);
	free(t->log);
	free(t->trace);
	free(t->drops);
	free(t);
}

// ---- Time

void testing_run(struct weir_testing *t)
{
	unsigned quiet = 0;

	// Twice nothing: what an extension originated comes with the round after.
	while (quiet < 2) {
		quiet = weir_run(t->weir) ? 0 : quiet + 1;
		weir_process(t->weir);
	}
}

void weir_testing_advance_ms(struct weir_testing *t, uint64_t ms)
{
	testing_run(t);
	while (ms > 0) {
		uint64_t step = ms < STEP_MS ? ms : STEP_MS;

		t->clock_ns += step * 1000000;
		ms -= step;
		testing_run(t);
	}
}

static void note_settled(void *context)
{
	struct weir_testing *t = context;

	t->n_settled++;
}

void weir_testing_settle(struct weir_testing *t)
{
	if (weir_when_done(t->weir, note_settled, t) < 0)
		testing_fail(t, "no memory to wait for a change");
	t->n_asked++;
	// Grace periods end on a thread of liburcu's, by the real clock.
	for (unsigned waited = 0; waited < SETTLE_MS; waited++) {
		weir_testing_advance_ms(t, 1);
		if (t->n_settled == t->n_asked)
			return;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	testing_fail(t, "a change is not in force after %d s", SETTLE_MS / 1000);
}

// ---- Policies

struct policy_name {
	char extension[WEIR_NAME_MAX];
	const char *type; // NULL: the extension's only one
};

static struct policy_name split(struct weir_testing *t, const char *policy)
{
	const char *dot = strchr(policy, '.');
	struct policy_name name = { .type = dot ? dot + 1 : NULL };
	size_t size = dot ? (size_t)(dot - policy) : strlen(policy);

	if (size == 0 || size >= sizeof(name.extension))
		testing_fail(t, "policy \"%s\": must be EXTENSION or EXTENSION.TYPE", policy);
	memcpy(name.extension, policy, size);
	return name;
}

static int add_policy(struct weir_testing *t, const char *target, const char *policy,
	const char *id, const struct ProtobufCMessage *message)
{
	struct policy_name name = split(t, policy);
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = malloc(size ? size : 1);
	int failed;

	if (!bytes)
		testing_fail(t, "policy %s: no memory", policy);
	protobuf_c_message_pack(message, bytes);
	failed = weir_policy_add(
		t->weir, target, name.extension, name.type, id, bytes, size, NULL, 0, &t->error);
	free(bytes);
	return failed;
}

void weir_testing_policy(struct weir_testing *t, const char *target, const char *policy,
	const char *id, const struct ProtobufCMessage *message)
{
	if (add_policy(t, target, policy, id, message) < 0)
		testing_refused(t, policy);
	weir_testing_settle(t);
}

void weir_testing_policy_remove(
	struct weir_testing *t, const char *target, const char *policy, const char *id)
{
	struct policy_name name = split(t, policy);

	if (weir_policy_remove(t->weir, target, name.extension, id, 0, &t->error) < 0)
		testing_refused(t, policy);
	weir_testing_settle(t);
}

const char *weir_testing_refused(struct weir_testing *t, const char *target, const char *policy,
	const struct ProtobufCMessage *message)
{
	if (add_policy(t, target, policy, NULL, message) == 0)
		testing_fail(t, "policy %s of %s: is not refused", policy, target);
	snprintf(t->text, sizeof(t->text), "%s", t->error.message);
	return t->text;
}
