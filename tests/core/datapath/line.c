// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "line.h"

#include <limits.h>
#include <sys/eventfd.h>

#include "datapath/rcu.h"

enum { FRAME = 60, PORTS = 34 }; // bytes of a frame, and where its UDP ports stand

struct line line;

static uint64_t clock_ns(void *context)
{
	(void)context;
	return line.now_ns;
}

struct weir_frame *line_frame(unsigned port, uint32_t flow)
{
	static const uint8_t head[] = "\2\0\0\0\0\2\2\0\0\0\0\1\x08\0"
				      "\x45\0\0\x2e\0\0\x40\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2"
				      "\0\0\0\0\0\x1a";
	struct weir_frame *frame = frame_alloc(line.pool, FRAME);

	assert_non_null(frame);
	memset(frame->data, 0, FRAME);
	memcpy(frame->data, head, sizeof(head) - 1);
	frame->data[5] = frame->data[33] = (uint8_t)(2 - port);
	frame->data[11] = frame->data[29] = (uint8_t)(1 + port);
	memcpy(frame->data + PORTS, &flow, sizeof(flow));
	frame->size = frame->linear = FRAME;
	return frame;
}

// ---- The NICs

static struct line_nic *nic_of(struct nic *nic)
{
	return (struct line_nic *)nic;
}

static int receive(struct nic *nic, unsigned queue, struct frame_pool *pool,
	struct weir_frame *frames[], unsigned max)
{
	struct line_nic *l = nic_of(nic);
	unsigned n = 0;

	(void)queue;
	(void)pool;
	while (n < max && l->tail != l->head)
		frames[n++] = line_frame((unsigned)(l - line.nics), l->ring[l->tail++ % LINE_RING]);
	return (int)n;
}

static unsigned transmit(
	struct nic *nic, unsigned queue, struct weir_frame *frames[], unsigned n, unsigned *lost)
{
	(void)queue;
	(void)lost;
	if (nic_of(nic)->full)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		uint32_t flow;

		memcpy(&flow, frames[i]->data + PORTS, sizeof(flow));
		nic_of(nic)->sent[flow >= LINE_KNOWN]++;
		nic_of(nic)->n_disordered += flow < nic_of(nic)->last_sent;
		nic_of(nic)->last_sent = flow;
		weir_frame_release(frames[i]);
	}
	return n;
}

static const struct nic_class line_class = {
	.kind = "line",
	.receive = receive,
	.transmit = transmit,
};

unsigned line_arrive(unsigned port, uint32_t first, unsigned n)
{
	struct line_nic *l = &line.nics[port];

	for (uint32_t flow = first; flow < first + n; flow++) {
		if (l->head - l->tail == LINE_RING && l->nic.rx_waits)
			return flow - first;
		if (l->head - l->tail == LINE_RING)
			l->lost[flow >= LINE_KNOWN]++;
		else
			l->ring[l->head++ % LINE_RING] = flow;
	}
	return n;
}

// ---- The switch

// world_stack() makes the ports anew, but for what hangs from them.
static void equip(void)
{
	for (unsigned i = 0; i <= WORLD_PORTS; i++) {
		struct snapshot_port *port = i < WORLD_PORTS ? &world.ports[i] : &world.nowhere;

		port->runtime.counters = &line.counters[i];
		port->runtime.queues = &line.queues[i];
		port->nic = i < 2 ? &line.nics[i].nic : NULL;
	}
}

static struct datapath *create(uint32_t n_flows)
{
	struct datapath *dp = datapath_create(&(struct datapath_options){
		.n_flows = n_flows,
		.generation = world.generation,
		.fdb = world.fdb,
		.sessions = world.sessions,
		.published = &line.published,
		.meter_owners = &world.meters,
		.pool = line.pool,
		.slow_limit = &line.slow_limit,
	});
	assert_non_null(dp);
	return dp;
}

static void make_datapath(uint32_t n_flows)
{
	line.dp = create(n_flows);
	line.datapaths[0] = line.dp;
	for (unsigned i = 0; i < 2; i++)
		line.entries[i] = (struct poll_entry){
			.dp = line.dp,
			.nic = &line.nics[i].nic,
			.nic_error = &line.nic_error,
			.pressure = &line.pressures[i],
			.port = (uint16_t)i,
		};
}

int line_setup(void **state)
{
	struct worker_options options = {
		.linger_us = &line.linger_us,
		.clock_ns = clock_ns,
	};

	if (world_setup(state))
		return -1;
	memset(&line, 0, sizeof(line));
	line.slow_limit = UINT64_MAX;
	line.new_max = UINT_MAX;
	line.now_ns = UINT64_C(1000000000);
	line.published = world.snapshot;
	line.report_fd = options.report_fd = eventfd(0, EFD_NONBLOCK);
	line.worker = worker_create(&options);
	assert_non_null(line.worker);
	line.pool = worker_pool(line.worker);
	for (unsigned i = 0; i < 2; i++)
		line.nics[i].nic = (struct nic){
			.class = &line_class, .n_rx_queues = 1, .n_tx_queues = 1
		};
	equip();
	world_learn(0, "020000000001", 0);
	world_learn(0, "020000000002", 1);
	make_datapath(LINE_FLOWS);
	line.list = (struct poll_list){ 1, 2, 1, line.entries, line.datapaths };
	worker_publish(line.worker, &line.list);
	return 0;
}

int line_teardown(void **state)
{
	datapath_destroy(line.dp);
	worker_destroy(line.worker);
	close(line.report_fd);
	return world_teardown(state);
}

void line_resize(uint32_t n_flows)
{
	datapath_destroy(line.dp);
	make_datapath(n_flows);
}

struct datapath *line_another(void)
{
	return create(LINE_FLOWS);
}

unsigned line_round(void)
{
	unsigned n = worker_round(line.worker);

	rcu_enter();
	return n;
}

void line_batch(unsigned port, struct weir_frame *frames[], unsigned n)
{
	datapath_begin(line.dp, line.now_ns);
	line.dp->new_max = line.new_max;
	datapath_receive(line.dp, (uint16_t)port, frames, n);
	datapath_end(line.dp);
}

void line_pass(uint32_t first, unsigned n)
{
	struct weir_frame *frames[NIC_BATCH];

	for (unsigned i = 0; i < n; i++)
		frames[i] = line_frame(0, first + i);
	line_batch(0, frames, n);
}

bool line_share(void)
{
	if (!datapath_scan_due(line.dp, line.now_ns))
		return false;
	datapath_begin(line.dp, line.now_ns);
	datapath_scan(line.dp);
	datapath_end(line.dp);
	return true;
}

void line_scan(void)
{
	while (line_share())
		continue;
}

uint64_t line_shed(unsigned port, enum weir_stage stage)
{
	const struct port_counters *c = &line.counters[port];

	for (unsigned i = 0; i < DROP_SLOTS; i++)
		if (c->drops[i].key == DROP_KEY(stage, reason_of(0, REASON_NEW_FLOW_SHED)))
			return c->drops[i].frames;
	return 0;
}

void line_remask(const struct actor *actors[], unsigned n)
{
	struct key_mask before[WORLD_PORTS];

	for (unsigned i = 0; i < WORLD_PORTS; i++)
		before[i] = world.ports[i].ingress;
	world_stack(actors, n);
	equip();
	for (unsigned i = 0; i < WORLD_PORTS; i++) {
		struct snapshot_port *port = &world.ports[i];

		port->old_ingress = before[i];
		port->old_epoch = port->epoch;
		port->epoch++;
		port->masks_changed_at = generation_now(world.generation) + 1;
	}
	for (unsigned i = 0; i < WORLD_PORTS; i++)
		generation_move(world.generation, world.ports[i].slot);
}
