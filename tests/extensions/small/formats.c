// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A service that takes every message of tests/ctl/sample.proto, of which weirctl and the switch
// know what its schema says. The status `totals` counts the policies of a target. The call `start`
// answers with what it was asked, and copies what it is to read into what it is to write; `list`
// answers with rows, in two replies; `watch` streams two lines, a moment apart.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/extension.h>

#include "sample.pb-c.h"
#include "sample.schema.h"

enum { SECOND_LINE, MOMENT_MS = 200 };

struct known { // a target's state
	struct known *next;
	weir_port_id port;
	size_t n_policies;
};

struct formats {
	struct weir_attachment *attachment;
	struct known *known;     // the latest of a target comes first
	struct weir_call *watch; // until its second line is due
};

static int attach(struct weir_attachment *attachment, void **instance, struct weir_error *error)
{
	struct formats *f = calloc(1, sizeof(*f));

	if (!f)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	f->attachment = attachment;
	*instance = f;
	return 0;
}

static bool unpacks(const struct weir_policy *policy)
{
	const ProtobufCMessageDescriptor *descriptor = strcmp(policy->type, "rule") == 0
							       ? &sample__rule__descriptor
							       : &sample__everything__descriptor;
	ProtobufCMessage *message = protobuf_c_message_unpack(
		descriptor, NULL, policy->size, policy->bytes);

	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
	return message;
}

static int prepare(void *instance, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error)
{
	struct known *known;

	(void)instance;
	(void)plan;
	for (size_t i = 0; i < target->n_policies; i++) {
		if (!unpacks(&target->policies[i]))
			return weir_refuse(error, -EINVAL, NULL, "policy %s does not unpack",
				target->policies[i].id);
	}
	known = calloc(1, sizeof(*known));
	if (!known)
		return weir_refuse(error, -ENOMEM, NULL, "%s: no memory", target->name);
	known->port = target->port;
	known->n_policies = target->n_policies;
	*prepared = known;
	return 0;
}

static const void *commit(void *instance, void *prepared)
{
	struct formats *f = instance;
	struct known *known = prepared;

	known->next = f->known;
	f->known = known;
	return known;
}

static void abort_change(void *instance, void *prepared)
{
	(void)instance;
	free(prepared);
}

static void release(void *instance, const void *state)
{
	struct formats *f = instance;
	struct known **at = &f->known;
	struct known *gone;

	while (*at != state)
		at = &(*at)->next;
	gone = *at;
	*at = gone->next;
	free(gone);
}

static int status(
	void *instance, weir_port_id port, struct weir_status *status, struct weir_error *error)
{
	const struct formats *f = instance;
	const struct known *known = f->known;
	Sample__Totals totals = SAMPLE__TOTALS__INIT;
	uint8_t bytes[16];
	int failed;

	while (known && known->port != port)
		known = known->next;
	totals.has_frames = true;
	totals.frames = known ? known->n_policies : 0;
	failed = weir_status_add(status, NULL, bytes, sample__totals__pack(&totals, bytes));
	return failed ? weir_refuse(error, failed, NULL, "no status") : 0;
}

// The files come in the order of the fields' numbers: `read` first.
static int copy(struct weir_call *call, const Sample__Start *m, struct weir_error *error)
{
	int from = m->read ? weir_call_take_file(call, 0) : -1;
	int to = m->write ? weir_call_take_file(call, m->read ? 1 : 0) : -1;
	char text[4096];
	ssize_t size = from >= 0 ? read(from, text, sizeof(text)) : 0;
	bool good = size >= 0 && (to < 0 || write(to, text, (size_t)size) == size);

	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return good ? 0 : weir_refuse(error, -EIO, NULL, "the files cannot be copied");
}

static int start(struct weir_call *call, struct weir_error *error)
{
	Sample__Start *m = sample__start__unpack(NULL, call->size, call->bytes);
	Sample__Started started = SAMPLE__STARTED__INIT;
	uint8_t bytes[512];
	int failed;

	if (!m)
		return weir_refuse(error, -EINVAL, NULL, "the call does not unpack");
	failed = call->dry_run ? 0 : copy(call, m, error);
	if (!failed) {
		started.name = m->port;
		started.has_size = m->has_size;
		started.size = m->size;
		started.has_since = true;
		started.since = 1700000000;
		weir_call_reply(call, bytes, sample__started__pack(&started, bytes));
		weir_call_end(call, NULL);
	}
	sample__start__free_unpacked(m, NULL);
	return failed;
}

static void list(struct weir_call *call)
{
	static char names[][8] = { "first", "second" };

	for (unsigned i = 0; i < 2; i++) {
		Sample__Started row = SAMPLE__STARTED__INIT;
		Sample__Started *rows[] = { &row };
		Sample__Listed listed = SAMPLE__LISTED__INIT;
		uint8_t bytes[64];

		row.name = names[i];
		listed.n_rows = 1;
		listed.rows = rows;
		weir_call_reply(call, bytes, sample__listed__pack(&listed, bytes));
	}
	weir_call_end(call, NULL);
}

static int watch(struct formats *f, struct weir_call *call, struct weir_error *error)
{
	int failed;

	if (f->watch)
		return weir_refuse(error, -EBUSY, NULL, "somebody is watching already");
	if (call->dry_run) {
		weir_call_end(call, NULL);
		return 0;
	}
	failed = weir_timer(f->attachment, SECOND_LINE, MOMENT_MS);
	if (failed)
		return failed;
	f->watch = call;
	weir_call_stream(call, "one\n", 4);
	return 0;
}

static void timer(void *instance, uint64_t cookie)
{
	struct formats *f = instance;

	(void)cookie;
	weir_call_stream(f->watch, "two\n", 4);
	weir_call_end(f->watch, NULL);
	f->watch = NULL;
}

static int call(void *instance, struct weir_call *call, struct weir_error *error)
{
	if (strcmp(call->type, "start") == 0)
		return start(call, error);
	if (strcmp(call->type, "watch") == 0)
		return watch(instance, call, error);
	list(call);
	return 0;
}

static void call_gone(void *instance, struct weir_call *call)
{
	struct formats *f = instance;

	(void)call; // the only one that lasts
	weir_timer(f->attachment, SECOND_LINE, WEIR_TIMER_OFF);
	f->watch = NULL;
}

WEIR_EXTENSION("formats", WEIR_CLASS_SERVICE, .version = "1.0",
	.summary = "Takes messages of every format", .schema = weir_schema,
	.schema_size = sizeof(weir_schema), .attach = attach, .detach = free, .prepare = prepare,
	.commit = commit, .abort = abort_change, .release = release, .status = status, .call = call,
	.call_gone = call_gone, .timer = timer);
