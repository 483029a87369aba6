// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Listing live flows. Flow tables belong to workers: each fills a page of rows between two batches
// and hands it back; the control thread shows it and asks for the next.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "switch/model.h"

enum { PAGE_ROWS = 256, ROW_OPS = 32 };

struct flow_page_row {
	struct flow_key key;
	uint64_t frames, bytes;
	uint32_t age_ticks;
	uint16_t n_ops;
	struct op ops[ROW_OPS];
};

// One worker's part of a listing. With the worker while `filled` is false.
struct flow_page {
	struct worker_call call; // first
	struct flow_listing *listing;
	const struct generation *generation; // names the switch to the worker
	int report_fd;
	unsigned worker;
	uint32_t next; // flow to go on from
	bool done, filled;
	unsigned n_rows;
	struct flow_page_row rows[PAGE_ROWS];
};

struct flow_listing {
	struct flow_listing *next;
	struct weir *weir;
	struct vswitch *vswitch; // NULL: removed meanwhile
	weir_flow_row *row;
	weir_done *done;
	void *context;
	unsigned n_pages;
	struct flow_page *pages;
};

// ---- On the worker

static void copy_flow(struct flow_page_row *row, const struct flow_table *table,
	const struct flow *flow, uint32_t tick)
{
	const struct flow_rest *rest = flow_rest(table, flow);
	unsigned n = flow->program->n_ops < ROW_OPS ? flow->program->n_ops : ROW_OPS;

	flow_key(table, flow, &row->key);
	row->frames = rest->frames + wire_frames(flow->recent);
	row->bytes = rest->bytes + wire_bytes(flow->recent);
	row->age_ticks = row->frames ? tick - flow->used : 0;
	row->n_ops = (uint16_t)n;
	memcpy(row->ops, flow->program->ops, n * sizeof(row->ops[0]));
}

static void fill_page(struct worker_call *call, struct poll_list *list, uint64_t now_ns)
{
	struct flow_page *page = (struct flow_page *)call;
	const struct datapath *dp = NULL;
	uint64_t one = 1;

	for (unsigned i = 0; i < list->n_datapaths; i++)
		if (list->datapaths[i]->generation == page->generation)
			dp = list->datapaths[i];
	page->n_rows = 0;
	while (dp && page->next < dp->flows->high_water && page->n_rows < PAGE_ROWS) {
		const struct flow *flow = &dp->flows->flows[page->next++];

		if (flow->program)
			copy_flow(&page->rows[page->n_rows++], dp->flows, flow, flow_tick(now_ns));
	}
	page->done = !dp || page->next >= dp->flows->high_water;
	__atomic_store_n(&page->filled, true, __ATOMIC_RELEASE);
	if (write(page->report_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
}

// ---- On the control thread

static const char *port_name(void *context, uint16_t index)
{
	const struct vswitch *s = context;

	return index < s->n_indices && s->ports[index] ? s->ports[index]->name : NULL;
}

static const char *reason_name(void *context, uint16_t reason)
{
	const struct vswitch *s = context;
	const char *text, *owner;

	return reason_describe(s->weir, reason, &text, &owner);
}

static const struct key_mask *mask_of(const struct port *port, const struct flow_key *key)
{
	if (key->w[0] & KEY_EGRESS_HALF)
		return &port->snapshot->egress;
	if ((uint16_t)(key->w[0] >> KEY_EPOCH_SHIFT) == port->snapshot->old_epoch)
		return &port->snapshot->old_ingress;
	return &port->snapshot->ingress;
}

static void show_row(
	const struct flow_listing *l, const struct flow_page *page, const struct flow_page_row *r)
{
	struct vswitch *s = l->vswitch;
	uint16_t index = key_port(&r->key);
	const struct port *port = index < s->n_indices ? s->ports[index] : NULL;
	char key[512], program[1024];
	struct weir_flow_info info = {
		.switch_name = s->name,
		.worker = page->worker,
		.key = key,
		.program = program,
		.frames = r->frames,
		.bytes = r->bytes,
		.age_s = r->age_ticks / FLOW_TICKS_PER_S,
	};

	if (!port)
		return;
	info.port = port->name;
	snprintf(key, sizeof(key), "%s",
		r->key.w[0] & KEY_EGRESS_HALF ? "egress:"
		: r->key.w[0] & KEY_DROP_HALF ? "drop:"
					      : "");
	key_format(&r->key, mask_of(port, &r->key), key + strlen(key), sizeof(key) - strlen(key));
	program_format(r->ops, r->n_ops, port_name, reason_name, s, program, sizeof(program));
	l->row(l->context, &info);
}

// True when the page is at its end.
static bool collect_page(struct flow_listing *l, struct flow_page *page)
{
	if (!__atomic_load_n(&page->filled, __ATOMIC_ACQUIRE))
		return false;
	for (unsigned i = 0; l->vswitch && i < page->n_rows; i++)
		show_row(l, page, &page->rows[i]);
	page->n_rows = 0;
	if (page->done || !l->vswitch)
		return true;
	__atomic_store_n(&page->filled, false, __ATOMIC_RELAXED);
	worker_call(l->weir->workers[page->worker], &page->call);
	return false;
}

static void listing_free(struct flow_listing *l)
{
	free(l->pages);
	free(l);
}

void flow_list_collect(struct weir *w)
{
	struct flow_listing **link = &w->listings;

	while (*link) {
		struct flow_listing *l = *link;
		bool all = true;

		for (unsigned i = 0; i < l->n_pages; i++)
			all &= collect_page(l, &l->pages[i]);
		if (!all) {
			link = &l->next;
			continue;
		}
		*link = l->next;
		l->done(l->context);
		listing_free(l);
		link = &w->listings; // done() may have asked for another
	}
}

void flow_list_forget(struct weir *w, struct vswitch *vswitch)
{
	for (struct flow_listing *l = w->listings; l; l = l->next)
		if (l->vswitch == vswitch)
			l->vswitch = NULL;
}

// The workers have stopped: pages that they never filled end unfilled.
void flow_list_free(struct weir *w)
{
	while (w->listings) {
		struct flow_listing *l = w->listings;

		w->listings = l->next;
		l->done(l->context);
		listing_free(l);
	}
}

int weir_flow_list(struct weir *w, const char *switch_name, weir_flow_row *row, weir_done *done,
	void *context, struct weir_error *error)
{
	struct vswitch *s = vswitch_find(w, switch_name, error);
	struct flow_listing *l;

	if (!s)
		return -ENOENT;
	l = calloc(1, sizeof(*l));
	if (l)
		l->pages = calloc(w->n_workers, sizeof(*l->pages));
	if (!l || !l->pages) {
		free(l);
		return weir_refuse(error, -ENOMEM, NULL, "no memory for a list of flows");
	}
	l->weir = w;
	l->vswitch = s;
	l->row = row;
	l->done = done;
	l->context = context;
	l->n_pages = w->n_workers;
	l->next = w->listings;
	w->listings = l;
	for (unsigned i = 0; i < l->n_pages; i++) {
		l->pages[i] = (struct flow_page){
			.call = { .function = fill_page },
			.listing = l,
			.generation = s->generation,
			.report_fd = w->report_fd,
			.worker = i,
		};
		worker_call(w->workers[i], &l->pages[i].call);
	}
	return 0;
}

int weir_flow_flush(struct weir *w, const char *switch_name, struct weir_error *error)
{
	struct vswitch *s = vswitch_find(w, switch_name, error);

	if (!s)
		return -ENOENT;
	for (unsigned i = 0; i < s->n_indices; i++)
		if (s->ports[i])
			generation_move(s->generation, s->ports[i]->snapshot->slot);
	generation_move(s->generation, s->nowhere_snapshot->slot);
	return 0;
}
