// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "line_load.h"

static void arrive_unit(const struct load *load, struct load_sums *sums, unsigned port)
{
	const struct line_nic *nic = &line.nics[port];
	unsigned n_known = load->n_known ? load->n_known : LOAD_KNOWN;

	sums->due[port][0] += load->known[port];
	sums->due[port][1] += load->new[port];
	for (; sums->due[port][0] >= 100; sums->due[port][0] -= 100)
		sums->known += line_arrive(port, sums->next_known[port]++ % n_known, 1);
	for (; sums->due[port][1] >= 100; sums->due[port][1] -= 100)
		sums->new += line_arrive(port, LINE_KNOWN + sums->next_new++, 1);
	while (load->endless[port] && nic->head - nic->tail < LINE_RING / 2)
		sums->new += line_arrive(port, LINE_KNOWN + sums->next_new++, 1);
	if (nic->head - nic->tail > sums->deepest)
		sums->deepest = (uint32_t)(nic->head - nic->tail);
}

static void arrive(const struct load *load, struct load_sums *sums, unsigned units)
{
	sums->units += units;
	line.now_ns += units * (load->unit_ns ? load->unit_ns : LOAD_UNIT_NS);
	while (units--)
		for (unsigned port = 0; port < 2; port++)
			arrive_unit(load, sums, port);
}

void load_run(const struct load *load, struct load_sums *sums, uint64_t units)
{
	unsigned decide_cost = load->decide_cost ? load->decide_cost : LOAD_DECIDE_COST;

	for (uint64_t end = sums->units + units; sums->units < end;) {
		uint64_t decisions = line.dp->decisions;
		unsigned n = line_round();
		uint64_t decided = line.dp->decisions - decisions;

		sums->decided += decided;
		arrive(load, sums, (n ? n : 1) + (unsigned)decided * (decide_cost - 1));
	}
}

void load_drain(void)
{
	while (line_round())
		continue;
}
