// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/replay.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nic/argument.h"
#include "nic/replay_file.h"
#include "nic/replay_vary.h"

enum { NS_PER_S = 1000 * 1000 * 1000 };

struct replay {
	struct nic nic;
	struct replay_file file;
	char *path;
	uint64_t pps; // 0: as fast as they are taken
	bool loop, vary;
	uint64_t (*now)(void *context);
	void *clock_context;

	// worker: rw
	uint32_t next;      // frame that is handed out (or becomes due) next
	uint32_t n_varied;  // with `vary`: frames handed out so far
	uint64_t n_arrived; // frames handed out (or due) so far, lost ones included
	bool started;
	uint64_t start_ns;   // when the first frame was due
	uint64_t head, tail; // of the ring: frames put in and taken out so far
	uint32_t ring[REPLAY_RING];
	uint64_t missed; // control: r
};

static struct replay *replay_of(struct nic *nic)
{
	return (struct replay *)nic;
}

static uint64_t monotonic_ns(void *context)
{
	struct timespec now;

	(void)context;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void replay_set_clock(struct nic *nic, uint64_t (*now)(void *context), void *context)
{
	struct replay *replay = replay_of(nic);

	replay->now = now;
	replay->clock_context = context;
}

static bool at_end(const struct replay *replay)
{
	return !replay->loop && replay->n_arrived >= replay->file.n_frames;
}

// Frames due within ns of the first one, which is due at 0. Whole seconds and the rest apart, so
// that no product leaves 64 bits.
static uint64_t due_within(const struct replay *replay, uint64_t ns)
{
	uint64_t n = ns / NS_PER_S * replay->pps + ns % NS_PER_S * replay->pps / NS_PER_S + 1;

	return !replay->loop && n > replay->file.n_frames ? replay->file.n_frames : n;
}

// When, in ns after the first, frame n (from 0) is due: the least time that due_within() counts it.
static uint64_t due_after(const struct replay *replay, uint64_t n)
{
	uint64_t rest = n % replay->pps * NS_PER_S;

	return n / replay->pps * NS_PER_S + (rest + replay->pps - 1) / replay->pps;
}

static uint32_t following(const struct replay *replay)
{
	return replay->next + 1 == replay->file.n_frames ? 0 : replay->next + 1;
}

// Puts the frames that became due since the last look into the ring, as far as there is room.
static void let_arrive(struct replay *replay)
{
	uint64_t now = replay->now(replay->clock_context), due, room;

	if (!replay->started) {
		replay->started = true;
		replay->start_ns = now;
	}
	due = due_within(replay, now - replay->start_ns) - replay->n_arrived;
	replay->n_arrived += due;
	room = REPLAY_RING - (replay->head - replay->tail);
	for (; due && room; due--, room--) {
		replay->ring[replay->head++ % REPLAY_RING] = replay->next;
		replay->next = following(replay);
	}
	if (due) {
		replay->next = (uint32_t)((replay->next + due) % replay->file.n_frames);
		__atomic_store_n(&replay->missed, replay->missed + due, __ATOMIC_RELAXED);
	}
}

// Frames are copied in whole cache lines, which both sides have: that keeps the length out of the
// copy of a small frame.
static struct weir_frame *copy_frame(struct replay *replay, uint32_t index, struct frame_pool *pool)
{
	const struct replay_entry *entry = &replay->file.entries[index];
	uint32_t room = (entry->size + REPLAY_LINE - 1) / REPLAY_LINE * REPLAY_LINE;
	const uint8_t *from = replay->file.bytes + (size_t)entry->line * REPLAY_LINE;
	struct weir_frame *frame = frame_alloc(pool, room);

	if (!frame)
		return NULL;
	for (uint32_t i = 0; i < room; i += REPLAY_LINE)
		memcpy(frame->data + i, from + i, REPLAY_LINE);
	frame->size = frame->linear = entry->size;
	if (__builtin_expect(replay->vary, 0))
		replay_vary(frame, replay->n_varied++);
	return frame;
}

static unsigned receive_paced(
	struct replay *replay, struct frame_pool *pool, struct weir_frame *frames[], unsigned max)
{
	unsigned n = 0;

	let_arrive(replay);
	for (; n < max && replay->tail != replay->head; replay->tail++) {
		frames[n] = copy_frame(replay, replay->ring[replay->tail % REPLAY_RING], pool);
		if (!frames[n])
			break;
		n++;
	}
	return n;
}

static unsigned receive_all(
	struct replay *replay, struct frame_pool *pool, struct weir_frame *frames[], unsigned max)
{
	unsigned n = 0;

	for (; n < max && !at_end(replay); n++) {
		frames[n] = copy_frame(replay, replay->next, pool);
		if (!frames[n])
			break;
		replay->n_arrived++;
		replay->next = following(replay);
	}
	return n;
}

static int replay_receive(struct nic *nic, unsigned queue, struct frame_pool *pool,
	struct weir_frame *frames[], unsigned max)
{
	struct replay *replay = replay_of(nic);

	(void)queue;
	return (int)(replay->pps ? receive_paced(replay, pool, frames, max)
				 : receive_all(replay, pool, frames, max));
}

static unsigned replay_transmit(
	struct nic *nic, unsigned queue, struct weir_frame *frames[], unsigned n, unsigned *lost)
{
	(void)nic, (void)queue, (void)lost;
	for (unsigned i = 0; i < n; i++)
		weir_frame_release(frames[i]);
	return n;
}

static int replay_receive_fd(struct nic *nic, unsigned queue)
{
	(void)nic, (void)queue;
	return -1;
}

static bool replay_arm(struct nic *nic, unsigned queue)
{
	struct replay *replay = replay_of(nic);

	(void)queue;
	if (!replay->pps)
		return !at_end(replay);
	let_arrive(replay);
	return replay->head != replay->tail;
}

static uint64_t replay_next_ns(struct nic *nic, unsigned queue)
{
	struct replay *replay = replay_of(nic);

	if (replay_arm(nic, queue))
		return 0;
	return at_end(replay) ? UINT64_MAX
			      : replay->start_ns + due_after(replay, replay->n_arrived);
}

static void replay_describe(struct nic *nic, char *text, size_t size)
{
	const struct replay *replay = replay_of(nic);
	const struct replay_file *file = &replay->file;
	char pps[32] = "", cut[32] = "";

	if (replay->pps)
		snprintf(pps, sizeof(pps), ", pps=%llu", (unsigned long long)replay->pps);
	if (file->n_truncated)
		snprintf(cut, sizeof(cut), ", cut_short=%u", file->n_truncated);
	snprintf(text, size, "mode=%s%s%s, frames=%u, bytes=%llu%s, file=%s",
		replay->loop ? "loop" : "once", replay->vary ? ", vary" : "", pps, file->n_frames,
		(unsigned long long)file->n_bytes, cut, replay->path);
}

// The options stand at the end, so that the path may hold commas.
static int parse(struct replay *replay, const char *argument, struct weir_error *error)
{
	size_t size = strlen(argument);
	const char *comma;

	while ((comma = memrchr(argument, ',', size))) {
		struct nic_item item = nic_item(comma + 1, size - (size_t)(comma + 1 - argument));
		int ret = 0;

		if (nic_item_is(&item, "loop") && !item.value)
			replay->loop = true;
		else if (nic_item_is(&item, "vary") && !item.value)
			replay->vary = true;
		else if (nic_item_is(&item, "pps"))
			ret = nic_item_number(&item, 1, REPLAY_MAX_PPS, &replay->pps, error);
		else
			break;
		if (ret)
			return ret;
		size = (size_t)(comma - argument);
	}
	if (size == 0 || size >= PATH_MAX)
		return weir_refuse(error, -EINVAL, "nic",
			"replay: the file name has %zu bytes: must have 1 to %d", size,
			PATH_MAX - 1);
	replay->path = strndup(argument, size);
	if (!replay->path)
		return weir_refuse(error, -ENOMEM, "nic", "replay: out of memory");
	return 0;
}

static int replay_open(
	const struct nic_options *options, struct nic **nic, struct weir_error *error)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	int ret;

	if (!replay)
		return weir_refuse(error, -ENOMEM, "nic", "replay: out of memory");
	ret = parse(replay, options->argument, error);
	if (!ret)
		ret = replay_file_load(replay->path, &replay->file, error);
	if (ret) {
		free(replay->path);
		free(replay);
		return ret;
	}
	replay->nic = (struct nic){
		.class = &nic_replay_class,
		.n_rx_queues = 1,
		.n_tx_queues = 1, // any number of threads may use it: there is nothing to share
		.offloads = NIC_OFFLOAD_CSUM | NIC_OFFLOAD_TSO4 | NIC_OFFLOAD_TSO6 |
			    NIC_OFFLOAD_USO | NIC_OFFLOAD_ECN,
		.mtu = options->mtu,
		.rx_waits = replay->pps == 0,
		.rx_missed = &replay->missed,
	};
	replay_set_clock(&replay->nic, monotonic_ns, NULL);
	*nic = &replay->nic;
	return 0;
}

static void replay_close(struct nic *nic)
{
	struct replay *replay = replay_of(nic);

	replay_file_unload(&replay->file);
	free(replay->path);
	free(replay);
}

static int replay_check(const struct nic_options *options, struct weir_error *error)
{
	struct nic *nic;
	int ret = replay_open(options, &nic, error);

	if (ret == 0)
		nic_close(nic);
	return ret;
}

const struct nic_class nic_replay_class = {
	.kind = "replay",
	.usage = "replay:FILE[,loop][,vary][,pps=N]",
	.summary = "sends the frames of a pcap or pcapng file into the switch",
	.open = replay_open,
	.check = replay_check,
	.close = replay_close,
	.receive = replay_receive,
	.transmit = replay_transmit,
	.receive_fd = replay_receive_fd,
	.arm = replay_arm,
	.next_ns = replay_next_ns,
	.describe = replay_describe,
};
