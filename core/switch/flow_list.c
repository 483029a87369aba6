// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Listing live flows. Flow tables belong to workers: each fills a page of rows between two batches
// and hands it back; the control thread shows it and asks for the next.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/embed.h>

#include "datapath/datapath.h"
#include "datapath/flow_table.h"
#include "datapath/generation.h"
#include "datapath/key.h"
#include "datapath/key_match.h"
#include "datapath/program.h"
#include "datapath/sized.h"
#include "datapath/snapshot.h"
#include "datapath/worker.h"
#include "switch/flow_list.h"
#include "switch/meter.h"
#include "switch/policing.h"
#include "switch/port.h"
#include "switch/reasons.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

enum {
	PAGE_ROWS = 256,
	PAGE_FLOWS = 2048, // that are looked at for a page: a worker's frames wait meanwhile
	ROW_OPS = 32,
};

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
	struct key_match match;
	uint64_t min_frames;
	int port; // index, or -1: all
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
	uint64_t left; // rows that may still be shown; UINT64_MAX: no limit
	unsigned n_pages;
	struct flow_page *pages;
};

// ---- On the worker

static void copy_flow(struct flow_page_row *row, const struct flow_table *table,
	const struct flow *flow, uint32_t tick)
{
	unsigned n = flow->program->n_ops < ROW_OPS ? flow->program->n_ops : ROW_OPS;

	flow_key(table, flow, &row->key);
	row->frames = flow_frames(table, flow);
	row->bytes = flow_bytes(table, flow);
	row->age_ticks = row->frames ? tick - flow->used : 0;
	row->n_ops = (uint16_t)n;
	memcpy(row->ops, flow->program->ops, n * sizeof(row->ops[0]));
}

static bool is_wanted(const struct flow_page *page, const struct flow_page_row *row)
{
	return (page->port < 0 || key_port(&row->key) == page->port) &&
	       row->frames >= page->min_frames && key_matches(&page->match, &row->key);
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
	for (unsigned i = 0; dp && page->next < dp->flows->high_water && i < PAGE_FLOWS &&
			     page->n_rows < PAGE_ROWS;
		i++) {
		const struct flow *flow = &dp->flows->flows[page->next++];
		struct flow_page_row *row = &page->rows[page->n_rows];

		if (!flow->program)
			continue;
		copy_flow(row, dp->flows, flow, flow_tick(now_ns));
		page->n_rows += is_wanted(page, row);
	}
	page->done = !dp || page->next >= dp->flows->high_water;
	__atomic_store_n(&page->filled, true, __ATOMIC_RELEASE);
	if (write(page->report_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
}

// ---- On the control thread

static const char *port_name(void *context, uint16_t index)
{
	const struct vswitch *s = *(const struct vswitch *const *)context;

	return index < s->n_indices && s->ports[index] ? s->ports[index]->name : NULL;
}

static const char *reason_name(void *context, uint16_t reason)
{
	const struct vswitch *s = *(const struct vswitch *const *)context;
	const char *text, *owner;

	return reason_describe(s->weir, reason, &text, &owner);
}

static const char *meter_name(void *context, uint32_t id)
{
	const struct meter *meter = meter_numbered(*(const struct vswitch *const *)context, id);

	return meter ? meter->key : NULL;
}

static const char *policer_key(void *context, uint32_t id)
{
	const struct policing *policing = policing_at(*(const struct vswitch *const *)context, id);

	return policing ? policing->key : NULL;
}

void flow_key_text(const struct flow_key *key, const struct key_mask *mask, char *text, size_t size)
{
	const char *half = key->w[0] & KEY_EGRESS_HALF ? "egress:"
			   : key->w[0] & KEY_DROP_HALF ? "drop:"
						       : "";
	size_t used = (size_t)snprintf(text, size, "%s", half);

	key_format(key, mask, text + used, size - used);
}

void flow_program_text(
	const struct vswitch *s, const struct op ops[], unsigned n, char *text, size_t size)
{
	const struct program_names names = {
		.port = port_name,
		.reason = reason_name,
		.meter = meter_name,
		.policer = policer_key,
		.context = &s,
	};

	program_format(ops, n, &names, text, size);
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
	struct flow_listing *l, const struct flow_page *page, const struct flow_page_row *r)
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

	if (!port || l->left == 0 || page->match.fields & ~mask_of(port, &r->key)->fields)
		return;
	l->left -= l->left != UINT64_MAX;
	info.port = port->name;
	flow_key_text(&r->key, mask_of(port, &r->key), key, sizeof(key));
	flow_program_text(s, r->ops, r->n_ops, program, sizeof(program));
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
	if (page->done || !l->vswitch || l->left == 0)
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

static int check(const struct weir *w, const struct weir_flow_filter *f, struct key_match *match,
	struct weir_error *error)
{
	if (f->worker < -1 || f->worker >= (int)w->n_workers)
		return weir_refuse(error, -EINVAL, "worker", "worker %d: must be 0 to %u",
			f->worker, w->n_workers - 1);
	return key_match_parse(f->match ? f->match : "", match, error);
}

// The port's index, or -1 for all.
static int find_port(struct weir *w, const struct vswitch *s, const char *name, int *index,
	struct weir_error *error)
{
	const struct port *port = name ? port_find(w, name, error) : NULL;

	*index = -1;
	if (!name)
		return 0;
	if (!port)
		return -ENOENT;
	if (port->target.vswitch != s)
		return weir_refuse(error, -ENOENT, "port", "port \"%s\" is on switch %s, not on %s",
			name, port->target.vswitch->name, s->name);
	*index = port->index;
	return 0;
}

static struct flow_listing *listing_make(struct weir *w, unsigned n_pages)
{
	struct flow_listing *l = calloc(1, sizeof(*l));

	if (l)
		l->pages = calloc(n_pages, sizeof(*l->pages));
	if (!l || !l->pages) {
		free(l);
		return NULL;
	}
	l->weir = w;
	l->n_pages = n_pages;
	return l;
}

// Asks every worker that the filter has.
static void begin(struct flow_listing *l, const struct weir_flow_filter *filter, int port,
	const struct key_match *match)
{
	struct weir *w = l->weir;

	l->next = w->listings;
	w->listings = l;
	for (unsigned i = 0; i < l->n_pages; i++) {
		l->pages[i] = (struct flow_page){
			.call = { .function = fill_page },
			.listing = l,
			.generation = l->vswitch->generation,
			.match = *match,
			.min_frames = filter->min_frames,
			.port = port,
			.report_fd = w->report_fd,
			.worker = filter->worker < 0 ? i : (unsigned)filter->worker,
		};
		worker_call(w->workers[l->pages[i].worker], &l->pages[i].call);
	}
}

int weir_flow_list_some(struct weir *w, const struct weir_flow_filter *given, weir_flow_row *row,
	weir_done *done, void *context, struct weir_error *error)
{
	struct weir_flow_filter filter;
	int port, failed = SIZED_TAKE(weir_flow_filter, limit, &filter, given, error);
	struct vswitch *s = failed ? NULL : vswitch_find(w, filter.switch_name, error);
	struct key_match match;
	struct flow_listing *l;

	if (!failed)
		failed = s ? check(w, &filter, &match, error) : -ENOENT;
	if (!failed)
		failed = find_port(w, s, filter.port, &port, error);
	if (failed)
		return failed;
	l = listing_make(w, filter.worker < 0 ? w->n_workers : 1);
	if (!l)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for a list of flows");
	l->vswitch = s;
	l->row = row;
	l->done = done;
	l->context = context;
	l->left = filter.limit ? filter.limit : UINT64_MAX;
	begin(l, &filter, port, &match);
	return 0;
}

int weir_flow_list(struct weir *w, const char *switch_name, weir_flow_row *row, weir_done *done,
	void *context, struct weir_error *error)
{
	const struct weir_flow_filter filter = {
		.size = sizeof(filter),
		.switch_name = switch_name,
		.worker = -1,
	};

	return weir_flow_list_some(w, &filter, row, done, context, error);
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
