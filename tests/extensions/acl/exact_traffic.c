// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <sched.h>
#include <stdlib.h>

#include "exact_frames.h"
#include "switch/drop_watch.h"

enum { MARKERS = EXACT_FRAMES, MARKERS_PER_ROUND = 32, MIRROR = 4, WITNESS = 3, PATIENCE = 20000 };

// ---- Drops

static unsigned port_of(const char *name)
{
	return (unsigned)(name[1] - '0');
}

// Frames of traffic_quiesce() are nobody's business but its own.
static bool is_marker(const uint8_t *bytes, uint32_t n_bytes, uint32_t *marker)
{
	uint32_t number;

	assert_true(ledger_find_mark(bytes, n_bytes, &number));
	*marker = number - MARKERS;
	return number >= MARKERS;
}

// Dropped by what its port remembers of its first one, or says of unknown ones, frame by frame;
// others were decided to be dropped.
static bool is_later(const struct traffic *t, const struct weir_drop_sample *s)
{
	uint32_t number;

	assert_true(ledger_find_mark(s->bytes, s->n_bytes, &number));
	return t->ledger->frames[number].packet.fragment == LATER;
}

static void note_drop(void *context, const struct weir_drop_sample *s)
{
	struct traffic *t = context;
	bool egress = strcmp(s->stage, "egress") == 0;
	unsigned port = port_of(s->port);
	enum fate fate = FATE_CAME_OUT;
	uint32_t marker;

	assert_int_equal(s->lost, 0);
	if (port == MIRROR || is_marker(s->bytes, s->n_bytes, &marker))
		return;
	if (strcmp(s->reason, "told") == 0) {
		fate = FATE_VISITED;
		t->n_visited++;
	} else if (strcmp(s->reason, "over-rate") == 0) {
		t->n_over_rate_in += egress;
		t->n_over_rate_out += !egress;
		if (!egress)
			return; // its port's own policer stands before the meters
		fate = FATE_REFUSED_IN;
	} else if (strcmp(s->extension, "acl") == 0 || strcmp(s->reason, "session-full") == 0) {
		if (!egress || !is_later(t, s))
			return;
		t->n_later_in++;
		fate = FATE_REFUSED_IN;
	} else {
		t->n_tx_full += strcmp(s->reason, "tx-full") == 0;
		t->n_port_down += strcmp(s->reason, "port-down") == 0;
	}
	ledger_note(t->ledger, port, fate, s->bytes, s->n_bytes, s->frame_size);
}

// What there may be many of has a watch for each port: one has room for some 300 samples.
static void watch(struct traffic *t)
{
	static const struct {
		const char *port, *extension, *reason;
	} wanted[TRAFFIC_WATCHES] = {
		{ "p0", "core", "tx-full" },
		{ "p1", "core", "tx-full" },
		{ "p2", "core", "tx-full" },
		{ "p3", "core", "tx-full" },
		{ NULL, "core", "port-down" },
		{ NULL, "core", "over-rate" },
		{ NULL, "core", "session-full" },
		{ NULL, "probe-after", "told" },
		{ NULL, "acl", NULL },
	};

	for (unsigned i = 0; i < TRAFFIC_WATCHES; i++) {
		struct weir_drop_filter filter = { .size = sizeof(filter),
			.switch_name = "br0",
			.port = wanted[i].port,
			.extension = wanted[i].extension,
			.reason = wanted[i].reason };

		if (weir_drop_watch(t->lab->weir, &filter, note_drop, t, &t->watches[i],
			    &t->lab->error) < 0)
			fail_msg("%s", t->lab->error.message);
	}
}

// ---- In

static void *hand_in(void *argument)
{
	struct traffic *t = argument;

	for (;;) {
		sem_wait(&t->go);
		if (t->stop)
			return NULL;
		for (unsigned i = 0; i < t->n; i++) {
			const struct outgoing *o = &t->batch[i];

			// One that finds no place has never come.
			weir_memory_send(o->to, o->queue, o->bytes, o->size, &o->offload);
			if (i % 4 == 3)
				sched_yield();
		}
		sem_post(&t->done);
	}
}

void traffic_start(struct traffic *t, struct lab *lab, struct ledger *ledger)
{
	t->lab = lab;
	t->ledger = ledger;
	watch(t);
	sem_init(&t->go, 0, 0);
	sem_init(&t->done, 0, 0);
	assert_int_equal(pthread_create(&t->thread, NULL, hand_in, t), 0);
}

void traffic_stop(struct traffic *t)
{
	t->stop = true;
	sem_post(&t->go);
	pthread_join(t->thread, NULL);
	sem_destroy(&t->go);
	sem_destroy(&t->done);
	for (unsigned i = 0; i < TRAFFIC_WATCHES; i++)
		weir_drop_watch_end(t->watches[i]);
}

static void draw(struct traffic *t, struct outgoing *o)
{
	static struct frame_draft draft;
	struct ledger *l = t->ledger;
	unsigned port;

	do
		port = (unsigned)rand() % TRAFFIC_PORTS;
	while (!t->lab->ends[port]);
	draw_frame(&draft, l, port);
	assert_true(l->n_frames < EXACT_FRAMES);
	l->frames[l->n_frames++] = (struct sent_frame){ .packet = draft.packet,
		.wire = draft.wire,
		.size = draft.size,
		.gso_size = draft.offload.gso_size,
		.header = draft.offload.hdr_len,
		.port = (uint8_t)port };
	o->to = t->lab->ends[port];
	o->queue = (uint16_t)((unsigned)rand() % TRAFFIC_QUEUES);
	o->size = draft.size;
	o->offload = draft.offload;
	memcpy(o->bytes, draft.bytes, draft.size);
}

void traffic_begin_batch(struct traffic *t)
{
	t->n = 1 + (unsigned)rand() % TRAFFIC_BATCH;
	for (unsigned i = 0; i < t->n; i++)
		draw(t, &t->batch[i]);
	sem_post(&t->go);
}

void traffic_end_batch(struct traffic *t)
{
	sem_wait(&t->done);
}

// ---- Out

static void note_frame(struct traffic *t, unsigned port, const uint8_t *bytes, uint32_t size)
{
	uint32_t marker;

	if (port == MIRROR) {
		t->n_mirrored++;
		return;
	}
	if (is_marker(bytes, size, &marker)) {
		if (port == WITNESS && marker / MARKERS_PER_ROUND == t->round)
			t->arrived |= 1u << marker % MARKERS_PER_ROUND;
		return;
	}
	t->n_came_out++;
	ledger_note(t->ledger, port, FATE_CAME_OUT, bytes, size, size);
}

// Returns whether there was something. *ended: the NIC is gone, and this was all.
static bool take_end(struct traffic *t, unsigned port, struct weir_memory *end, bool *ended)
{
	static uint8_t bytes[WEIR_FRAME_MAX];
	bool some = false;

	*ended = true;
	for (unsigned queue = 0; queue < TRAFFIC_QUEUES; queue++) {
		int n;

		while ((n = weir_memory_receive(end, queue, bytes, sizeof(bytes), NULL)) > 0) {
			note_frame(t, port, bytes, (uint32_t)n);
			some = true;
		}
		*ended &= n == -ENODEV;
	}
	return some;
}

void traffic_take(struct traffic *t, bool all)
{
	bool ended;

	for (unsigned port = 0; port < EXACT_PORTS; port++)
		if (t->lab->ends[port] && (all || port == 0 || port >= WITNESS))
			take_end(t, port, t->lab->ends[port], &ended);
	drop_watches_run(t->lab->weir);
}

void traffic_set_end(struct traffic *t, unsigned port, struct weir_memory *end)
{
	struct weir_memory *before = t->lab->ends[port];
	bool ended = !before;

	t->lab->ends[port] = end;
	// A worker that has not seen the change may still hand something over.
	while (!ended) {
		take_end(t, port, before, &ended);
		lab_run(t->lab);
		drop_watches_run(t->lab->weir);
	}
	weir_memory_release(before);
}

static uint32_t send_markers(struct traffic *t)
{
	static struct frame_draft draft;
	uint32_t wanted = 0;

	for (unsigned port = 0; port < TRAFFIC_PORTS; port++) {
		for (unsigned queue = 0; t->lab->ends[port] && queue < TRAFFIC_QUEUES; queue++) {
			unsigned bit = port * TRAFFIC_QUEUES + queue;

			draw_marker(&draft, MARKERS + t->round * MARKERS_PER_ROUND + bit, port);
			weir_memory_send(t->lab->ends[port], queue, draft.bytes, draft.size, NULL);
			wanted |= 1u << bit;
		}
	}
	return wanted;
}

// A worker takes a queue's frames in their order, and sends what came of a batch at its end.
void traffic_quiesce(struct traffic *t)
{
	uint32_t wanted = 0;

	t->arrived = 0;
	t->round++;
	for (unsigned i = 0; i < PATIENCE && (!wanted || t->arrived != wanted); i++) {
		if (i % 100 == 0) // one may be shed
			wanted = send_markers(t);
		lab_run(t->lab);
		traffic_take(t, true);
	}
	assert_int_equal(t->arrived, wanted);
	lab_settle(t->lab);
	traffic_take(t, true);
}
