// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What extensions reach on the control thread: the host table, reviews and events.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <weir/extension.h>

#include "datapath/counters.h"
#include "datapath/datapath.h"
#include "datapath/generation.h"
#include "datapath/key.h"
#include "datapath/rcu.h"
#include "datapath/ring.h"
#include "datapath/sized.h"
#include "datapath/snapshot.h"
#include "datapath/worker.h"
#include "switch/attachment.h"
#include "switch/change.h"
#include "switch/host.h"
#include "switch/port.h"
#include "switch/reasons.h"
#include "switch/session.h"
#include "switch/vswitch.h"
#include "switch/wait.h"
#include "switch/weir.h"

// A prepare that an extension asked for.
struct refresh {
	struct refresh *next;
	struct attachment *attachment; // holds a reference
	weir_port_id port;
};

static struct attachment *attachment_of(struct weir_attachment *public)
{
	return (struct attachment *)public;
}

static void host_invalidate(struct weir_attachment *public, uint64_t id)
{
	struct attachment *a = attachment_of(public);
	uint64_t own = id ^ (uint64_t)a->number << 48;

	generation_move(a->vswitch->generation, generation_slot(GENERATION_EXTENSION, own));
}

static int host_refresh(struct weir_attachment *public, weir_port_id port)
{
	struct attachment *a = attachment_of(public);
	struct refresh *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	*r = (struct refresh){ a->weir->refreshes, a, port };
	a->refs++;
	a->weir->refreshes = r;
	control_wake(a->weir);
	return 0;
}

// ---- Frames from the control thread

struct injection {
	struct worker_call call; // first
	struct weir *weir;
	struct vswitch *vswitch;
	uint16_t port;
	bool trusted;
	uint32_t size;
	struct deferred deferred;
	uint8_t bytes[];
};

static void injection_done(struct deferred *d)
{
	struct injection *i = (struct injection *)((char *)d -
						   offsetof(struct injection, deferred));

	i->vswitch->users--;
	free(i);
}

static struct datapath *datapath_on(struct poll_list *list, const struct generation *generation)
{
	for (unsigned i = 0; list && i < list->n_datapaths; i++)
		if (list->datapaths[i]->generation == generation)
			return list->datapaths[i];
	return NULL;
}

// On the worker.
static void inject(struct worker_call *call, struct poll_list *list, uint64_t now_ns)
{
	struct injection *i = (struct injection *)call;
	struct datapath *dp = datapath_on(list, i->vswitch->generation);
	const struct snapshot_port *port;
	struct weir_frame *frame;

	if (dp) {
		datapath_begin(dp, now_ns);
		port = snapshot_port(dp->snapshot, i->port);
		frame = port ? datapath_alloc(dp, i->size) : NULL;
		if (frame) {
			memcpy(frame->data, i->bytes, i->size);
			frame->size = frame->linear = i->size;
			frame->port = i->port;
			frame->hops = 1;
			frame->flags = WEIR_FRAME_ORIGINATED |
				       (i->trusted ? WEIR_FRAME_TRUSTED : 0);
			count(&datapath_counters(dp, port)->originated, 1);
			datapath_decide_and_run(dp, frame, i->port, 0);
		}
		datapath_end(dp);
	}
	// Back to the control thread, which owns it.
	rcu_free_later(&i->deferred.head, weir_grace_period_over);
}

static int host_originate(
	struct weir_attachment *public, weir_port_id id, const void *bytes, size_t size)
{
	struct attachment *a = attachment_of(public);
	struct vswitch *s = a->vswitch;
	uint16_t index = (uint16_t)id;
	struct injection *i;

	if (a->descriptor->class == WEIR_CLASS_SERVICE) {
		extension_offend(&a->counters, &a->counters.violations,
			"originating a frame is not for the class service");
		return -EPERM;
	}
	if (size < 14 || size > WEIR_FRAME_MAX)
		return -EMSGSIZE;
	if (id != WEIR_PORT_NONE &&
		(index >= s->n_indices || !s->ports[index] || s->ports[index]->id != id))
		return -ENOENT;
	i = malloc(sizeof(*i) + size);
	if (!i)
		return -ENOBUFS;
	*i = (struct injection){
		.call = { .function = inject },
		.weir = a->weir,
		.vswitch = s,
		.port = id == WEIR_PORT_NONE ? KEY_NO_PORT : index,
		.trusted = id == WEIR_PORT_NONE,
		.size = (uint32_t)size,
		.deferred = { .weir = a->weir, .function = injection_done },
	};
	memcpy(i->bytes, bytes, size);
	s->users++;
	a->weir->n_deferred++;
	worker_call(a->weir->workers[0], &i->call);
	return 0;
}

__attribute__((format(printf, 3, 0))) static void host_log(
	struct weir_attachment *public, int level, const char *format, va_list arguments)
{
	struct attachment *a = attachment_of(public);
	char line[384];

	vsnprintf(line, sizeof(line), format, arguments);
	weir_log_line(a->weir, level, "extension %s: %s", a->descriptor->name, line);
}

static void host_drop_describe(
	struct weir_attachment *public, uint32_t drop, struct weir_drop_cause *cause)
{
	struct weir_drop_cause known = { .stage = (uint8_t)(drop >> 16) };
	const char *text;

	known.reason = reason_describe(
		attachment_of(public)->weir, (uint16_t)drop, &text, &known.extension);
	sized_give(cause, &known, sizeof(known));
}

static int host_ring_create(
	struct weir_attachment *public, size_t lane_bytes, struct weir_ring **ring)
{
	return ring_create(attachment_of(public)->weir->n_workers, lane_bytes, ring);
}

static int host_running(struct weir_attachment *public, unsigned n, const char *what)
{
	struct attachment *a = attachment_of(public);

	if (!what || strlen(what) > WEIR_RUNNING_MAX)
		return -EINVAL;
	a->n_running = n;
	snprintf(a->running, sizeof(a->running), "%s", what);
	return 0;
}

struct weir_host host_table(const struct weir *w)
{
	return (struct weir_host){
		.size = sizeof(struct weir_host),
		.abi_major = WEIR_ABI_MAJOR,
		.abi_minor = WEIR_ABI_MINOR,
		.invalidate = host_invalidate,
		.refresh = host_refresh,
		.originate = host_originate,
		.log = host_log,
		.n_workers = w->n_workers,
		.timer = host_timer,
		.post = host_post,
		.drop_describe = host_drop_describe,
		.ring_create = host_ring_create,
		.ring_destroy = ring_destroy,
		.ring_reserve = ring_reserve,
		.ring_flush = ring_flush,
		.ring_next = ring_next,
		.ring_release = ring_release,
		.ring_wait = ring_wait,
		.ring_wake = ring_wake,
		.ring_touch = ring_touch,
		.sessions_end = host_sessions_end,
		.sessions_end_some = host_sessions_end_some,
		.running = host_running,
	};
}

// ---- Refreshes

static void refresh_one(const struct refresh *r)
{
	struct attachment *a = r->attachment;
	struct vswitch *s = a->vswitch;
	uint16_t index = (uint16_t)r->port;
	struct target *target = NULL;
	struct change change = { 0 };
	struct weir_error error;

	if (a->detached)
		return;
	if (r->port == WEIR_PORT_NONE)
		target = &s->target;
	else if (index < s->n_indices && s->ports[index] && s->ports[index]->id == r->port)
		target = &s->ports[index]->target;
	if (!target)
		return;
	if (change_prepare(&change, a, target, &error) < 0) {
		weir_log_line(a->weir, LOG_WARNING, "extension %s keeps its old state: %s",
			a->descriptor->name, error.message);
		return;
	}
	if (change_carry_out(&change, 0, change_publish_target, target) < 0)
		weir_log_line(a->weir, LOG_ERR, "extension %s keeps its old state: no memory",
			a->descriptor->name);
}

static void run_refreshes(struct weir *w, bool forget)
{
	struct refresh *list = w->refreshes;

	// What is asked for meanwhile is for the next time.
	w->refreshes = NULL;
	while (list) {
		struct refresh *r = list;

		list = r->next;
		if (!forget)
			refresh_one(r);
		attachment_put(r->attachment);
		free(r);
	}
}

void host_refresh_due(struct weir *w)
{
	run_refreshes(w, false);
}

void host_refresh_forget(struct weir *w)
{
	run_refreshes(w, true);
}

// ---- Reviews and events

static struct weir_event event_of(
	enum weir_event_kind kind, const struct port *port, const char *extension)
{
	return (struct weir_event){
		.size = sizeof(struct weir_event),
		.kind = kind,
		.port = port ? port->id : WEIR_PORT_NONE,
		.port_name = port ? port->name : NULL,
		.extension_name = extension,
	};
}

int review(struct vswitch *s, enum weir_event_kind kind, const struct port *port,
	const char *extension, struct weir_error *error)
{
	struct weir_event event = event_of(kind, port, extension);

	for (struct attachment *a = s->attachments; a; a = a->next) {
		struct weir_error own = { 0 };
		int failed;

		if (!a->descriptor->review || a->arriving)
			continue;
		failed = refusal_tame(&own, a->descriptor->review(a->instance, &event, &own));
		if (!failed)
			continue;
		if (a->descriptor->class == WEIR_CLASS_CAPTURE) {
			extension_offend(&a->counters, &a->counters.violations,
				"a veto is not for the class capture");
			continue;
		}
		return weir_refuse(error, failed, own.field, "extension %s: %s",
			a->descriptor->name, own.message[0] ? own.message : strerror(-failed));
	}
	return 0;
}

void tell(struct vswitch *s, enum weir_event_kind kind, const struct port *port,
	const char *extension)
{
	struct weir_event event = event_of(kind, port, extension);

	for (struct attachment *a = s->attachments; a; a = a->next)
		if (a->descriptor->event)
			a->descriptor->event(a->instance, &event);
}
