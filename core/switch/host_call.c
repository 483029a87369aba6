// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Calls: from a client's message to the extension that answers it, and back.
//
// A call holds its attachment. It ends once: by the extension, by its client's going (cancelled,
// then told to the extension between other work, since the client may go while the extension
// answers it), or because the extension is detached.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/sized.h"
#include "datapath/snapshot.h"
#include "switch/attachment.h"
#include "switch/host.h"
#include "switch/loader.h"
#include "switch/schema.h"
#include "switch/wait.h"
#include "switch/weir.h"

struct weir_running_call {
	struct weir_call public; // first: what the extension is handed
	struct weir_running_call *next;
	struct weir_running_call *next_cancelled;
	struct attachment *attachment;              // holds a reference
	const struct schema_message *reply_message; // NULL: it answers nothing
	struct weir_call_request client;            // its functions and their context
	bool in_call;                               // call() has not returned
	bool answered;                              // too late to refuse
	bool gone;                                  // call_gone() has been called
	bool cancelled; // the client's functions are not to be called any more
	bool ended;
	int files[/* public.n_files */]; // -1: taken. The message follows them
};

static struct weir_running_call *running_of(struct weir_call *public)
{
	return (struct weir_running_call *)public;
}

static void close_files(const int files[], unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (files[i] >= 0)
			close(files[i]);
}

// ---- Ending

static void unlink_call(struct weir_running_call *c)
{
	struct weir_running_call **link = &c->attachment->calls;

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	if (!c->cancelled)
		return;
	link = &c->attachment->weir->cancelled;
	while (*link && *link != c)
		link = &(*link)->next_cancelled;
	if (*link)
		*link = c->next_cancelled;
}

static void call_free(struct weir_running_call *c)
{
	attachment_put(c->attachment);
	free(c);
}

// refusal: NULL: done.
static void finish(struct weir_running_call *c, const struct weir_error *refusal)
{
	unlink_call(c);
	close_files(c->files, c->public.n_files);
	c->ended = true;
	if (!c->cancelled)
		c->client.ended(c->client.context, refusal);
	if (!c->in_call)
		call_free(c);
}

// A refusal of an extension always has a code and a sentence.
static struct weir_error complete(const struct weir_error *refusal, int code)
{
	struct weir_error whole = *refusal;

	refusal_tame(&whole, code < 0 ? code : whole.code < 0 ? whole.code : -EIO);
	if (!whole.message[0])
		snprintf(whole.message, sizeof(whole.message), "%s", strerror(-whole.code));
	return whole;
}

static void tell_gone(struct weir_running_call *c, const struct weir_error *refusal)
{
	const struct attachment *a = c->attachment;

	c->gone = true;
	if (a->descriptor->call_gone)
		a->descriptor->call_gone(a->instance, &c->public);
	finish(c, refusal);
}

void weir_call_cancel(struct weir_running_call *c)
{
	struct weir *w = c->attachment->weir;

	if (c->cancelled)
		return;
	c->cancelled = true;
	c->next_cancelled = w->cancelled;
	w->cancelled = c;
	control_wake(w);
}

void host_calls_run(struct weir *w)
{
	while (w->cancelled)
		tell_gone(w->cancelled, NULL);
}

void host_calls_end(struct attachment *a)
{
	struct weir_error refusal;

	weir_refuse(&refusal, -ECANCELED, NULL, "the extension is being %s",
		a->successor ? "replaced" : "detached");
	while (a->calls)
		tell_gone(a->calls, &refusal);
}

unsigned host_calls_count(const struct attachment *a)
{
	unsigned n = 0;

	for (const struct weir_running_call *c = a->calls; c; c = c->next)
		n += !c->cancelled;
	return n;
}

// ---- What the extension reaches

static int offend(const struct weir_running_call *c, const char *sentence)
{
	struct extension_counters *counters = &c->attachment->counters;

	extension_offend(counters, &counters->invalid, "call %s: %s", c->public.type, sentence);
	return -EINVAL;
}

static int call_reply(struct weir_call *public, const void *bytes, size_t size)
{
	struct weir_running_call *c = running_of(public);
	struct weir_error error;

	if (c->ended)
		return offend(c, "a reply after its end");
	if (!c->reply_message)
		return offend(c, "a reply, of which the schema has none");
	if (schema_check(c->reply_message, bytes, size, &error) < 0)
		return offend(c, error.message);
	if (c->cancelled)
		return -EPIPE;
	c->answered = true;
	c->client.reply(c->client.context, bytes, size);
	return 0;
}

static int call_stream(struct weir_call *public, const void *bytes, size_t size)
{
	struct weir_running_call *c = running_of(public);

	if (c->ended)
		return offend(c, "a piece of a stream after its end");
	if (size > WEIR_STREAM_MAX)
		return offend(c, "a piece of a stream of more than 1 MB");
	if (c->cancelled)
		return -EPIPE;
	c->answered = true;
	return c->client.stream(c->client.context, bytes, size) ? 0 : -EAGAIN;
}

static void call_end(struct weir_call *public, const struct weir_error *refusal)
{
	struct weir_running_call *c = running_of(public);
	struct weir_error whole;

	// From within call() or call_gone(): otherwise it would be gone.
	if (c->ended || c->gone) {
		offend(c, "ended twice");
		return;
	}
	if (refusal)
		whole = complete(refusal, 0);
	finish(c, refusal ? &whole : NULL);
}

static int call_take_file(struct weir_call *public, unsigned i)
{
	struct weir_running_call *c = running_of(public);
	int file;

	if (c->ended || i >= public->n_files || c->files[i] < 0)
		return -EINVAL;
	file = c->files[i];
	c->files[i] = -1;
	return file;
}

static const struct weir_call_ops call_ops = {
	.size = sizeof(struct weir_call_ops),
	.reply = call_reply,
	.stream = call_stream,
	.end = call_end,
	.take_file = call_take_file,
};

// ---- Beginning

static struct weir_running_call *call_make(struct attachment *a, const struct weir_call_request *r,
	const struct schema_message *message, bool dry_run)
{
	size_t files_size = r->n_files * sizeof(r->files[0]);
	struct weir_running_call *c = malloc(sizeof(*c) + files_size + r->n_bytes);
	const char *type = schema_type_of(message)->name;

	if (!c)
		return NULL;
	*c = (struct weir_running_call){
		.public = { .ops = &call_ops,
			.type = type,
			.bytes = &c->files[r->n_files],
			.size = r->n_bytes,
			.n_files = r->n_files,
			.dry_run = dry_run },
		.next = a->calls,
		.attachment = a,
		.reply_message = schema_find(
			extension_schema(a->extension), SCHEMA_REPLY, type, NULL),
		.client = *r,
	};
	if (r->n_files)
		memcpy(c->files, r->files, files_size);
	if (r->n_bytes)
		memcpy(&c->files[r->n_files], r->bytes, r->n_bytes);
	a->refs++;
	a->calls = c;
	return c;
}

static int start(
	struct weir_running_call *c, struct weir_running_call **running, struct weir_error *error)
{
	const struct attachment *a = c->attachment;
	struct weir_error own = { 0 };
	int failed;

	c->in_call = true;
	failed = a->descriptor->call(a->instance, &c->public, &own);
	c->in_call = false;
	if (c->ended) {
		call_free(c);
		*running = NULL;
		return 0;
	}
	if (failed >= 0) {
		*running = c;
		return 0;
	}
	own = complete(&own, failed);
	if (c->answered) {
		finish(c, &own);
		*running = NULL;
		return 0;
	}
	c->cancelled = true; // the client hears it from here
	finish(c, NULL);
	return weir_refuse(error, own.code, own.field, "%s", own.message);
}

int weir_call_begin(struct weir *w, const struct weir_call_request *given, unsigned flags,
	struct weir_running_call **running, struct weir_error *error)
{
	struct weir_call_request taken, *r = &taken;
	const struct schema_message *message;
	struct weir_running_call *c = NULL;
	struct weir_error own = { 0 };
	struct attachment *a;

	if (!error)
		error = &own;
	if (SIZED_TAKE(weir_call_request, context, r, given, error) < 0) {
		if (error->code == -E2BIG) // otherwise it is not known whether there are any
			close_files(given->files, given->n_files);
		return error->code;
	}
	a = call_find(w, r, &message, error);
	if (a) {
		c = call_make(a, r, message, flags & WEIR_DRY_RUN);
		if (!c)
			weir_refuse(error, -ENOMEM, NULL, "no memory for a call");
	}
	if (!c) {
		close_files(r->files, r->n_files);
		return error->code;
	}
	return start(c, running, error);
}
