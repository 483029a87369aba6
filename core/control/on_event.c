// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <time.h>

#include "control/handlers.h"
#include "control/internal.h"

enum { SECOND_MS = 1000 };

// pattern: a kind, or the beginning of some with a '*' behind it.
static bool matches(const char *pattern, const char *kind)
{
	const size_t size = strcspn(pattern, "*");

	return strncmp(pattern, kind, size) == 0 && (pattern[size] == '*' || kind[size] == '\0');
}

static bool is_wanted(const Weir__Control__EventSubscribe *wanted, const char *kind)
{
	for (size_t i = 0; i < wanted->n_kinds; i++)
		if (matches(wanted->kinds[i], kind))
			return true;
	return wanted->n_kinds == 0;
}

static bool exists(const char *pattern)
{
	const char *kind;

	for (unsigned i = 0; (kind = weir_notice_kind(i)); i++)
		if (matches(pattern, kind))
			return true;
	return false;
}

// Kinds and patterns of one family have the word before the first dash in common.
static bool are_related(const char *a, const char *b)
{
	const size_t size = strcspn(a, "-*");

	return size == strcspn(b, "-*") && strncmp(a, b, size) == 0;
}

// All kinds would not fit into a sentence: those of the pattern's family, or else the families, of
// which a larger one is said as the pattern that it can be asked for by.
static void list_kinds(const char *pattern, char *known, size_t room)
{
	const char *kind, *before = "";
	bool near = false;
	size_t size = 0;

	for (unsigned i = 0; (kind = weir_notice_kind(i)); i++)
		near = near || are_related(pattern, kind);
	for (unsigned i = 0; (kind = weir_notice_kind(i)) && size < room; before = kind, i++) {
		const char *next = weir_notice_kind(i + 1);
		const char *comma = size > 0 ? ", " : "";

		if (near ? !are_related(pattern, kind) : are_related(before, kind))
			continue;
		if (!near && next && are_related(kind, next))
			size += (size_t)snprintf(known + size, room - size, "%s%.*s-*", comma,
				(int)strcspn(kind, "-"), kind);
		else
			size += (size_t)snprintf(known + size, room - size, "%s%s", comma, kind);
	}
}

// A watcher that waits for what never comes would not notice.
static int refuse_kind(const char *pattern, struct weir_error *error)
{
	char known[360] = "";

	list_kinds(pattern, known, sizeof(known));
	return weir_refuse(error, -EINVAL, "kinds", "kind \"%.63s\": there are %s", pattern, known);
}

static int check_kinds(const Weir__Control__EventSubscribe *wanted, struct weir_error *error)
{
	for (size_t i = 0; i < wanted->n_kinds; i++) {
		const char *star = strchr(wanted->kinds[i], '*');

		if (star && star[1])
			return weir_refuse(error, -EINVAL, "kinds",
				"kind \"%s\": a * stands at the end only, as in port-*",
				wanted->kinds[i]);
		if (!exists(wanted->kinds[i]))
			return refuse_kind(wanted->kinds[i], error);
	}
	return 0;
}

void on_event_subscribe(struct call *call)
{
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;
	struct weir_error error;

	if (check_kinds(call->request->event_subscribe, &error) < 0) {
		call_refuse(call, &error);
		return;
	}
	// Whoever has ended his side already asked for events of the past.
	if (call->client->ended) {
		call_finish(call, &reply);
		return;
	}
	call->subscribed = true;
	LIST_INSERT_HEAD(&call->server->subscribers, call, subscription);
	call_send(call, &reply);
}

static void send_notice(struct call *call, const struct weir_notice *notice)
{
	Weir__Control__Event event = WEIR__CONTROL__EVENT__INIT;
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;

	ROW_SET(event, time, notice->time);
	event.kind = row_text(notice->kind);
	event.switch_ = row_text(notice->switch_name);
	event.port = row_text(notice->port);
	event.extension = row_text(notice->extension);
	event.text = row_text(notice->text);
	ROW_SET(event, number, call->server->n_events);
	if (call->lost > 0)
		ROW_SET(event, lost, call->lost);
	call->lost = 0;
	reply.payload_case = WEIR__CONTROL__REPLY__PAYLOAD_EVENT;
	reply.event = &event;
	call_send(call, &reply);
}

// Sending may make calls orphans, and frees none of them.
void event_notice(void *context, const struct weir_notice *notice)
{
	struct control_server *server = context;
	struct call *call;

	server->n_events++;
	LIST_FOREACH(call, &server->subscribers, subscription)
	{
		if (!call->client || !is_wanted(call->request->event_subscribe, notice->kind))
			continue;
		if (call->client->queued >= CLIENT_EVENT_BYTES)
			call->lost++;
		else
			send_notice(call, notice);
	}
}

static void tell(struct control_server *server, const char *text)
{
	event_notice(server, &(struct weir_notice){ .time = (uint64_t)time(NULL),
				     .kind = "request-refused",
				     .switch_name = "",
				     .port = "",
				     .extension = "",
				     .text = text });
}

// Whether one more may be told in the second that it is.
static bool may_tell(struct control_server *server)
{
	struct refusals *refusals = &server->refusals;
	const uint64_t now = uv_now(server->loop);

	if (refusals->n_told == 0 || now - refusals->second_ms >= SECOND_MS) {
		refusals->second_ms = now;
		refusals->n_told = 0;
	}
	return refusals->n_told < REFUSALS_PER_SECOND;
}

void event_flush_refusals(struct control_server *server)
{
	struct refusals *refusals = &server->refusals;
	char text[96];

	if (refusals->n_untold == 0 || !may_tell(server))
		return;
	snprintf(text, sizeof(text), "%llu more requests were refused, too many to tell each",
		(unsigned long long)refusals->n_untold);
	refusals->n_untold = 0;
	refusals->n_told++;
	tell(server, text);
}

void event_refused(struct client *client, const char *what, const struct weir_error *error)
{
	struct control_server *server = client->server;
	char text[sizeof(error->message) + 128];

	event_flush_refusals(server);
	if (!may_tell(server)) {
		server->refusals.n_untold++;
		return;
	}
	server->refusals.n_told++;
	snprintf(text, sizeof(text), "%s of process %ld, user %ld: %s", what, (long)client->pid,
		(long)client->uid, error->message);
	tell(server, text);
}
