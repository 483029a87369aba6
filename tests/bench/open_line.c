// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "open_line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nic/nic.h"

enum {
	FRAME = 64,
	DUE_AT = 42, // where a frame carries when it was due
	STALLED_AT = DUE_AT + 8,
	BINS = 200000, // of a microsecond each
};

struct line {
	struct nic nic;       // first
	uint64_t missed;      // worker: w, main: r
	uint64_t interval_ns; // main: w, worker: r
	uint64_t start_ns;    // main: w, while it is silent
	uint64_t n;           // frames due and taken or missed. worker: rw; main: w, while silent
	uint64_t n_taken;     // worker: w, main: r
	uint64_t n_new;       // worker: rw
	uint64_t new_ns;      // when the next new flow is due. worker: rw; main: w, while silent
	bool growing;         // main: w, worker: r
	uint64_t polled_ns;   // worker: rw
	bool is_behind;       // what came in a stall still waits. worker: rw
	uint64_t n_stalls, stalled_ns, missed_stalled; // worker: rw, main: r
	uint64_t bins[2][BINS]; // met a stall or not. worker: rw; main: rw, while silent
};

static struct line *source, *sink;

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// ---- NICs

static void line_close(struct nic *nic)
{
	free(nic);
}

static int line_fd(struct nic *nic, unsigned queue)
{
	(void)nic, (void)queue;
	return -1;
}

// Frame of flow number `flow`, which comes from an address and port of its own.
static void fill(struct weir_frame *frame, uint64_t flow, uint64_t due_ns, bool stalled)
{
	static const uint8_t head[DUE_AT] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0,
		FRAME - 14, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 0, 10, 200, 0, 1, 0, 0, 0, 53, 0,
		FRAME - 34, 0, 0 };
	uint32_t address = htonl(UINT32_C(0x0a640000) + (uint32_t)(flow >> 6));
	uint16_t port = htons((uint16_t)(1024 + (flow & 63)));

	memcpy(frame->data, head, sizeof(head));
	memcpy(frame->data + 26, &address, sizeof(address));
	memcpy(frame->data + 34, &port, sizeof(port));
	memcpy(frame->data + DUE_AT, &due_ns, sizeof(due_ns));
	frame->data[STALLED_AT] = stalled;
	frame->size = frame->linear = FRAME;
}

// New flows by the clock; the others in an order that takes all of them in turn: 99,991 is prime.
static uint64_t next_flow(struct line *l, uint64_t due_ns)
{
	if (__atomic_load_n(&l->growing, __ATOMIC_RELAXED) && due_ns >= l->new_ns) {
		l->new_ns = (l->new_ns ? l->new_ns : due_ns) + 1000000000 / OPEN_LINE_NEW_PER_S;
		return OPEN_LINE_FLOWS + l->n_new++;
	}
	return l->n_taken * 99991 % OPEN_LINE_FLOWS;
}

static void look_for_stall(struct line *l, uint64_t now, uint64_t n_waiting)
{
	uint64_t gap = l->polled_ns ? now - l->polled_ns : 0;

	l->polled_ns = now;
	if (gap >= OPEN_LINE_STALL_US * UINT64_C(1000)) {
		l->is_behind = true;
		__atomic_store_n(&l->n_stalls, l->n_stalls + 1, __ATOMIC_RELAXED);
		__atomic_store_n(&l->stalled_ns, l->stalled_ns + gap, __ATOMIC_RELAXED);
	} else if (n_waiting < NIC_BATCH) {
		l->is_behind = false;
	}
}

static void miss(struct line *l, uint64_t n)
{
	l->n += n;
	__atomic_store_n(&l->missed, l->missed + n, __ATOMIC_RELAXED);
	if (l->is_behind)
		__atomic_store_n(&l->missed_stalled, l->missed_stalled + n, __ATOMIC_RELAXED);
}

static int line_receive(struct nic *nic, unsigned queue, struct frame_pool *pool,
	struct weir_frame *frames[], unsigned max)
{
	struct line *l = (struct line *)nic;
	uint64_t interval = __atomic_load_n(&l->interval_ns, __ATOMIC_ACQUIRE), now = now_ns();
	uint64_t due = interval ? (now - l->start_ns) / interval : l->n + max;
	unsigned n = 0;

	(void)queue;
	look_for_stall(l, now, due - l->n);
	if (due > l->n + OPEN_LINE_RING)
		miss(l, due - OPEN_LINE_RING - l->n);
	while (n < max && l->n < due) {
		uint64_t due_ns = interval ? l->start_ns + (l->n + 1) * interval : now;
		struct weir_frame *frame = frame_alloc(pool, FRAME);

		if (!frame)
			break;
		fill(frame, next_flow(l, due_ns), due_ns, l->is_behind);
		frames[n++] = frame;
		l->n++;
		__atomic_store_n(&l->n_taken, l->n_taken + 1, __ATOMIC_RELAXED);
	}
	return (int)n;
}

static unsigned line_transmit(
	struct nic *nic, unsigned queue, struct weir_frame *frames[], unsigned n, unsigned *lost)
{
	struct line *l = (struct line *)nic;
	uint64_t now = now_ns(), due_ns;

	(void)queue, (void)lost;
	for (unsigned i = 0; i < n; i++) {
		uint64_t us;

		memcpy(&due_ns, frames[i]->data + DUE_AT, sizeof(due_ns));
		us = (now - due_ns) / 1000;
		l->bins[frames[i]->data[STALLED_AT]][us < BINS ? us : BINS - 1]++;
		weir_frame_release(frames[i]);
	}
	__atomic_store_n(&l->n_taken, l->n_taken + n, __ATOMIC_RELEASE);
	return n;
}

static const struct nic_class line_class = {
	.kind = "null",
	.close = line_close,
	.receive = line_receive,
	.transmit = line_transmit,
	.receive_fd = line_fd,
};

int __wrap_nic_open(const char *specification, const struct nic_options *options, struct nic **nic,
	struct weir_error *error);

int __wrap_nic_open(const char *specification, const struct nic_options *options, struct nic **nic,
	struct weir_error *error)
{
	struct line *l = calloc(1, sizeof(*l));

	(void)specification, (void)options;
	if (!l)
		return weir_refuse(error, -ENOMEM, "nic", "no memory");
	l->nic = (struct nic){ .class = &line_class, .n_tx_queues = 1 };
	l->nic.rx_missed = &l->missed;
	if (!source) {
		source = l;
		l->nic.n_rx_queues = 1;
		l->nic.poll_only = true;
		l->interval_ns = OPEN_LINE_SILENCE;
	} else {
		sink = l;
	}
	*nic = &l->nic;
	return 0;
}

// ---- Driving it

void open_line_pace(uint64_t interval_ns)
{
	__atomic_store_n(&source->interval_ns, OPEN_LINE_SILENCE, __ATOMIC_RELEASE);
	usleep(10000); // the worker has seen it, and sent what it had
	source->n = 0;
	source->new_ns = 0;
	source->start_ns = now_ns();
	__atomic_store_n(&source->interval_ns, interval_ns, __ATOMIC_RELEASE);
}

void open_line_grow(bool growing)
{
	__atomic_store_n(&source->growing, growing, __ATOMIC_RELAXED);
}

struct open_line_counts open_line_counts(void)
{
	return (struct open_line_counts){
		.taken = __atomic_load_n(&source->n_taken, __ATOMIC_ACQUIRE),
		.missed = __atomic_load_n(&source->missed, __ATOMIC_RELAXED),
		.n_stalls = __atomic_load_n(&source->n_stalls, __ATOMIC_RELAXED),
		.stalled_ns = __atomic_load_n(&source->stalled_ns, __ATOMIC_RELAXED),
		.missed_stalled = __atomic_load_n(&source->missed_stalled, __ATOMIC_RELAXED),
		.received = __atomic_load_n(&sink->n_taken, __ATOMIC_ACQUIRE),
	};
}

static double percentile(const uint64_t *bins, uint64_t total, double part)
{
	uint64_t sum = 0;
	unsigned i = 0;

	while (i < BINS - 1 && (double)(sum += bins[i]) < (double)total * part)
		i++;
	return i;
}

static struct open_line_latency latency_of(const uint64_t *bins)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < BINS; i++)
		total += bins[i];
	return (struct open_line_latency){ percentile(bins, total, 0.5),
		percentile(bins, total, 0.99), percentile(bins, total, 0.999),
		percentile(bins, total, 1) };
}

struct open_line_latency open_line_latency(struct open_line_latency *all)
{
	struct open_line_latency latency = latency_of(sink->bins[0]);

	for (unsigned i = 0; i < BINS; i++)
		sink->bins[0][i] += sink->bins[1][i];
	*all = latency_of(sink->bins[0]);
	memset(sink->bins, 0, sizeof(sink->bins));
	return latency;
}
