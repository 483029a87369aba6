// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Calls, timers, statuses and saved state of the probe.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "probe.h"

enum { POST_FIRST = 1000 };

// One that has not ended. Its address is the cookie of its timer.
struct probe_call {
	struct probe_call *next;
	struct weir_call *call;
	struct weir_error refusal;
	uint32_t pieces, piece, size; // of a stream
	int file;                     // taken, or -1
};

static struct probe_call *keep(struct probe *probe, struct weir_call *call)
{
	struct probe_call *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	*c = (struct probe_call){ .next = probe->calls, .call = call, .file = -1 };
	probe->calls = c;
	call->user = c;
	return c;
}

static void forget(struct probe *probe, struct probe_call *c)
{
	struct probe_call **link = &probe->calls;

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	weir_timer(probe->attachment, (uintptr_t)c, WEIR_TIMER_OFF);
	if (c->file >= 0)
		close(c->file);
	free(c);
}

static void end(struct probe *probe, struct probe_call *c)
{
	struct weir_error refusal = c->refusal;
	struct weir_call *call = c->call;

	forget(probe, c);
	weir_call_end(call, refusal.message[0] ? &refusal : NULL);
}

// ---- The calls

static int reply(const struct probe *probe, struct weir_call *call, const char *text)
{
	Probe__EchoReply message = PROBE__ECHO_REPLY__INIT;
	uint8_t bytes[512];

	message.text = (char *)(uintptr_t)text;
	message.switch_ = (char *)(uintptr_t)probe->attachment->switch_name;
	message.has_dry_run = message.dry_run = call->dry_run;
	return weir_call_reply(call, bytes, probe__echo_reply__pack(&message, bytes));
}

static int echo(struct probe *probe, struct weir_call *call, struct weir_error *error)
{
	Probe__Echo *m = probe__echo__unpack(NULL, call->size, call->bytes);
	struct weir_error refusal = { 0 };
	int failed = m->refuse ? weir_refuse(&refusal, -EPERM, "refuse", "%s", m->refuse) : 0;

	if (m->bad_reply)
		weir_log(probe->attachment, LOG_DEBUG, "bad reply: %d",
			weir_call_reply(call, "\xff", 1));
	for (uint32_t i = 0; i < m->times; i++)
		reply(probe, call, m->text ? m->text : "");
	if (failed && !m->end_refused) {
		*error = refusal;
	} else {
		weir_call_end(call, failed ? &refusal : NULL);
		if (m->end_twice)
			weir_call_end(call, NULL);
		failed = 0;
	}
	probe__echo__free_unpacked(m, NULL);
	return failed;
}

static int later(struct probe *probe, struct weir_call *call)
{
	Probe__Later *m = probe__later__unpack(NULL, call->size, call->bytes);
	struct probe_call *c = keep(probe, call);

	if (c && m->refuse)
		weir_refuse(&c->refusal, -EPERM, "refuse", "%s", m->refuse);
	if (m->bad_reply)
		weir_call_reply(call, "", 0);
	if (c && weir_timer(probe->attachment, (uintptr_t)c, m->delay_ms) < 0) {
		forget(probe, c);
		c = NULL;
	}
	probe__later__free_unpacked(m, NULL);
	return c ? 0 : -ENOMEM;
}

static void send_pieces(struct probe *probe, struct probe_call *c)
{
	uint8_t *bytes = malloc(c->size + 1);
	int failed = bytes ? 0 : -ENOMEM;

	while (!failed && c->piece < c->pieces) {
		memset(bytes, (int)c->piece, c->size);
		failed = weir_call_stream(c->call, bytes, c->size);
		c->piece += failed == 0;
	}
	free(bytes);
	if (failed == -EAGAIN) {
		weir_timer(probe->attachment, (uintptr_t)c, 1);
		return;
	}
	if (failed == -EPIPE)
		return; // call_gone() comes
	if (failed)
		weir_refuse(&c->refusal, failed, NULL, "%s", strerror(-failed));
	end(probe, c);
}

static int stream(struct probe *probe, struct weir_call *call)
{
	Probe__Stream *m = probe__stream__unpack(NULL, call->size, call->bytes);
	struct probe_call *c = keep(probe, call);

	if (c) {
		c->pieces = m->pieces;
		c->size = m->size;
		send_pieces(probe, c);
	}
	probe__stream__free_unpacked(m, NULL);
	return c ? 0 : -ENOMEM;
}

// The files come in the order of the fields' numbers: `read` is the first, when it is given.
static void take_files(struct probe *probe, struct probe_call *c, const Probe__Hold *m)
{
	unsigned i = 0;
	int file;

	if (m->read) {
		if (m->take_read)
			c->file = weir_call_take_file(c->call, i);
		i++;
	}
	if (!m->write)
		return;
	file = weir_call_take_file(c->call, i);
	if (write(file, "held", 4) != 4)
		weir_log(probe->attachment, LOG_DEBUG, "cannot write");
	close(file);
	weir_log(probe->attachment, LOG_DEBUG, "taken again: %d, none: %d",
		weir_call_take_file(c->call, i), weir_call_take_file(c->call, i + 1));
}

static int hold(struct probe *probe, struct weir_call *call)
{
	Probe__Hold *m = probe__hold__unpack(NULL, call->size, call->bytes);
	struct probe_call *c = keep(probe, call);

	if (c)
		take_files(probe, c, m);
	while (m->let_go && probe->calls)
		end(probe, probe->calls);
	probe__hold__free_unpacked(m, NULL);
	return c ? 0 : -ENOMEM;
}

// ---- Orders

static void *post(void *argument)
{
	struct probe *probe = argument;

	for (uint32_t i = 0; i < probe->order->posts; i++)
		weir_post(probe->attachment, POST_FIRST + i);
	return NULL;
}

static void join(struct probe *probe)
{
	if (probe->posting)
		pthread_join(probe->poster, NULL);
	probe->posting = false;
}

static void read_ring(struct probe *probe)
{
	struct weir_attachment *a = probe->attachment;
	uint32_t size;

	if (!probe->ring) {
		weir_log(a, LOG_DEBUG, "ring: %d", weir_ring_create(a, 1 << 20, &probe->ring));
		return;
	}
	weir_log(a, LOG_DEBUG, "ring has records: %d", weir_ring_wait(a, probe->ring, 0));
	for (unsigned lane = 0; lane < weir_n_workers(a); lane++) {
		unsigned n = 0, bytes = 0;

		for (; weir_ring_next(a, probe->ring, lane, &size); n++) {
			bytes += size;
			weir_ring_release(a, probe->ring, lane);
		}
		weir_log(a, LOG_DEBUG, "lane %u: %u records of %u bytes", lane, n, bytes);
	}
	weir_log(
		a, LOG_DEBUG, "lost %u records", __atomic_load_n(&probe->n_lost, __ATOMIC_RELAXED));
}

static int order(struct probe *probe, struct weir_call *call, struct weir_error *error)
{
	Probe__Order *m = probe__order__unpack(NULL, call->size, call->bytes);
	int failed = 0;

	join(probe);
	if (probe->order)
		probe__order__free_unpacked(probe->order, NULL);
	probe->order = m;
	for (size_t i = 0; !failed && i < m->n_timers; i++)
		failed = weir_timer(probe->attachment, m->timers[i]->cookie,
			m->timers[i]->has_delay_ms ? m->timers[i]->delay_ms : WEIR_TIMER_OFF);
	if (m->posts)
		probe->posting = pthread_create(&probe->poster, NULL, post, probe) == 0;
	if (m->ring)
		read_ring(probe);
	if (failed)
		return weir_refuse(error, failed, "timers", "no more timers");
	weir_call_end(call, NULL);
	return 0;
}

void probe_calls_end(struct probe *probe)
{
	join(probe);
	weir_ring_destroy(probe->attachment, probe->ring);
	if (probe->order)
		probe__order__free_unpacked(probe->order, NULL);
	if (probe->calls)
		weir_log(probe->attachment, LOG_DEBUG, "detached before its calls");
}

// ---- Hooks

int probe_call(void *instance, struct weir_call *call, struct weir_error *error)
{
	if (strcmp(call->type, "echo") == 0)
		return echo(instance, call, error);
	if (strcmp(call->type, "later") == 0)
		return later(instance, call);
	if (strcmp(call->type, "stream") == 0)
		return stream(instance, call);
	if (strcmp(call->type, "hold") == 0)
		return hold(instance, call);
	return order(instance, call, error);
}

void probe_call_gone(void *instance, struct weir_call *call)
{
	struct probe *probe = instance;

	weir_log(probe->attachment, LOG_DEBUG, "gone %s", call->type);
	forget(probe, call->user);
}

static struct probe_call *of_cookie(const struct probe *probe, uint64_t cookie)
{
	struct probe_call *c = probe->calls;

	while (c && (uintptr_t)c != cookie)
		c = c->next;
	return c;
}

void probe_timer(void *instance, uint64_t cookie)
{
	struct probe *probe = instance;
	struct probe_call *c = of_cookie(probe, cookie);

	if (c && c->pieces)
		send_pieces(probe, c);
	else if (c)
		end(probe, c);
	else
		weir_log(probe->attachment, LOG_DEBUG, "timer %llu;", (unsigned long long)cookie);
	if (!c && probe->order && probe->order->has_repeat && probe->order->repeat == cookie)
		weir_timer(probe->attachment, cookie, 0);
}

int probe_status(
	void *instance, weir_port_id port, struct weir_status *status, struct weir_error *error)
{
	const struct probe *probe = instance;
	Probe__Known known = PROBE__KNOWN__INIT;
	Probe__Calls calls = PROBE__CALLS__INIT;
	uint8_t bytes[64];

	if (probe->order && probe->order->refuse_status)
		return weir_refuse(error, -EIO, NULL, "%s", probe->order->refuse_status);
	if (probe->order && probe->order->bad_status)
		return weir_status_add(status, "bad", "\xff", 1);
	if (strcmp(status->type, "known") == 0) {
		known.port = port;
		return weir_status_add(status, NULL, bytes, probe__known__pack(&known, bytes));
	}
	for (const struct probe_call *c = probe->calls; c; c = c->next)
		calls.running++;
	return weir_status_add(status, "all", bytes, probe__calls__pack(&calls, bytes));
}

static const char *name_of(const struct probe *probe, weir_port_id port)
{
	for (const struct probe_state *s = probe->states; s; s = s->next)
		if (s->port == port)
			return s->name;
	return "?";
}

int probe_save(void *instance, weir_port_id port, struct weir_save *save, struct weir_error *error)
{
	const struct probe *probe = instance;
	const Probe__Order *m = probe->order;
	const char *name = name_of(probe, port);
	int failed = 0;

	if (!m || !m->save)
		return 0;
	if (m->refuse_save && strcmp(m->refuse_save, name) == 0)
		return weir_refuse(error, -EIO, NULL, "cannot save %s", name);
	weir_save_write(save, name, strlen(name));
	for (uint32_t i = 0; !failed && i < m->save_times; i++)
		failed = weir_save_write(save, m->save, strlen(m->save));
	return 0; // the host knows of a failure
}

int probe_restore(void *instance, weir_port_id port, uint32_t version, const void *bytes,
	size_t size, struct weir_error *error)
{
	const struct probe *probe = instance;

	if (version != 3)
		return weir_refuse(error, -EINVAL, NULL, "version %u: must be 3", version);
	weir_log(probe->attachment, LOG_DEBUG, "restored %s: %.*s",
		port == WEIR_PORT_NONE ? "switch" : "port", (int)size, (const char *)bytes);
	return 0;
}
