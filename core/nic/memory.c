// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The NIC kind `memory`: two rings of frames per queue, one in each direction. This is the switch's
// side and what both sides share; memory_end.c is the application's.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "nic/argument.h"
#include "nic/memory_internal.h"

enum {
	DEFAULT_FRAMES = 1024,
	MAX_FRAMES = 65536,
};

struct memory_nic {
	struct nic nic;
	struct weir_memory *end;
};

struct settings {
	uint64_t n_queues, n_frames;
	bool offload;
};

static struct weir_memory *end_of(struct nic *nic)
{
	return ((struct memory_nic *)nic)->end;
}

static int parse_item(
	const struct nic_item *item, struct settings *settings, struct weir_error *error)
{
	if (nic_item_is(item, "queues"))
		return nic_item_number(item, 1, NIC_MAX_QUEUES, &settings->n_queues, error);
	if (nic_item_is(item, "size")) {
		int ret = nic_item_number(item, 2, MAX_FRAMES, &settings->n_frames, error);

		if (!ret && (settings->n_frames & (settings->n_frames - 1)))
			ret = weir_refuse(error, -EINVAL, "nic",
				"size \"%.*s\": must be a power of two", item->value_size,
				item->value);
		return ret;
	}
	if (nic_item_is(item, "offload")) {
		settings->offload = nic_item_value_is(item, "on");
		if (settings->offload || nic_item_value_is(item, "off"))
			return 0;
		return weir_refuse(error, -EINVAL, "nic", "offload \"%.*s\": must be on or off",
			item->value_size < 32 ? item->value_size : 32,
			item->value ? item->value : "");
	}
	return weir_refuse(error, -EINVAL, "nic",
		"memory: unknown option \"%.*s\"; there are queues, size and offload",
		item->key_size < 32 ? item->key_size : 32, item->key);
}

static int parse(
	const struct nic_options *options, struct settings *settings, struct weir_error *error)
{
	const char *rest = *options->argument ? options->argument : NULL;
	struct nic_item item;
	int ret = 0;

	*settings = (struct settings){
		.n_queues = options->n_queues ? options->n_queues : 1,
		.n_frames = DEFAULT_FRAMES,
		.offload = true,
	};
	if (settings->n_queues > NIC_MAX_QUEUES)
		settings->n_queues = NIC_MAX_QUEUES;
	while (!ret && nic_next_item(&rest, &item))
		ret = parse_item(&item, settings, error);
	return ret;
}

static int init_queue(struct memory_queue *queue, uint32_t n_frames)
{
	int ret = memory_ring_init(&queue->to_switch, n_frames, false);

	if (ret)
		return ret;
	// Readable at first, so that an application that begins with poll() learns of frames that
	// came before it asked for the descriptor.
	ret = memory_ring_init(&queue->to_application, n_frames, true);
	if (ret) {
		memory_ring_fini(&queue->to_switch);
		return ret;
	}
	pthread_mutex_init(&queue->transmit_lock, NULL);
	return 0;
}

static void fini_queues(struct weir_memory *end, unsigned n)
{
	while (n--) {
		pthread_mutex_destroy(&end->queues[n].transmit_lock);
		memory_ring_fini(&end->queues[n].to_application);
		memory_ring_fini(&end->queues[n].to_switch);
	}
}

static int create_end(const struct settings *settings, unsigned n_workers, struct weir_memory **end)
{
	size_t size = sizeof(**end) + settings->n_queues * sizeof((*end)->queues[0]);
	struct weir_memory *created = aligned_alloc(_Alignof(struct weir_memory), size);
	int ret = 0;

	if (!created)
		return -ENOMEM;
	*created = (struct weir_memory){ .n_queues = (unsigned)settings->n_queues };
	atomic_init(&created->refs, 1);
	atomic_init(&created->closed, false);
	created->shared_transmit = n_workers > created->n_queues;
	for (unsigned i = 0; i < created->n_queues; i++) {
		atomic_init(&created->queues[i].wants_event, false);
		ret = init_queue(&created->queues[i], (uint32_t)settings->n_frames);
		if (ret) {
			fini_queues(created, i);
			free(created);
			return ret;
		}
	}
	*end = created;
	return 0;
}

void weir_memory_release(struct weir_memory *memory)
{
	if (!memory || atomic_fetch_sub(&memory->refs, 1) > 1)
		return;
	fini_queues(memory, memory->n_queues);
	free(memory);
}

static int memory_check(const struct nic_options *options, struct weir_error *error)
{
	struct settings settings;

	return parse(options, &settings, error);
}

static int memory_open(
	const struct nic_options *options, struct nic **nic, struct weir_error *error)
{
	struct memory_nic *memory;
	struct settings settings;
	int ret = parse(options, &settings, error);

	if (ret)
		return ret;
	memory = calloc(1, sizeof(*memory));
	if (!memory)
		return weir_refuse(error, -ENOMEM, "nic", "memory: out of memory");
	ret = create_end(&settings, options->n_workers, &memory->end);
	if (ret) {
		free(memory);
		return weir_refuse(error, ret, "nic", "memory: %s",
			ret == -ENOMEM ? "out of memory"
				       : "no more files can be opened by this process");
	}
	memory->nic = (struct nic){
		.class = &nic_memory_class,
		.n_rx_queues = memory->end->n_queues,
		.n_tx_queues = memory->end->n_queues,
		.mtu = options->mtu,
		.rx_waits = true,
	};
	if (settings.offload)
		memory->nic.offloads = NIC_OFFLOAD_CSUM | NIC_OFFLOAD_TSO4 | NIC_OFFLOAD_TSO6 |
				       NIC_OFFLOAD_USO | NIC_OFFLOAD_ECN;
	*nic = &memory->nic;
	return 0;
}

static void memory_close(struct nic *nic)
{
	struct weir_memory *end = end_of(nic);

	atomic_store(&end->closed, true);
	for (unsigned i = 0; i < end->n_queues; i++)
		memory_ring_wake(&end->queues[i].to_application);
	weir_memory_release(end);
	free(nic);
}

static int memory_receive(struct nic *nic, unsigned queue, struct frame_pool *pool,
	struct weir_frame *frames[], unsigned max)
{
	struct memory_ring *ring = &end_of(nic)->queues[queue].to_switch;
	const struct memory_record *record;
	unsigned n = 0;

	while (n < max && (record = memory_ring_peek(ring))) {
		struct weir_frame *frame = frame_alloc(pool, record->size);

		if (!frame)
			break;
		memory_ring_read(ring, record, frame->data);
		frame->size = frame->linear = record->size;
		frame->offload = record->offload;
		memory_ring_pop(ring);
		frames[n++] = frame;
	}
	memory_ring_retire(ring);
	return (int)n;
}

static bool push_frame(struct memory_ring *ring, const struct weir_frame *frame)
{
	struct weir_frame_iterator it = weir_frame_iterate(frame);
	uint64_t position = memory_ring_push(ring, frame->size, &frame->offload);
	const uint8_t *piece;
	uint32_t size;

	if (position == UINT64_MAX)
		return false;
	while ((piece = weir_frame_next(&it, &size))) {
		memory_ring_write(ring, position, piece, size);
		position += size;
	}
	return true;
}

static unsigned memory_transmit(
	struct nic *nic, unsigned queue, struct weir_frame *frames[], unsigned n, unsigned *lost)
{
	struct weir_memory *end = end_of(nic);
	struct memory_queue *to = &end->queues[queue];
	unsigned n_sent = 0;

	(void)lost;
	if (end->shared_transmit)
		pthread_mutex_lock(&to->transmit_lock);
	while (n_sent < n && push_frame(&to->to_application, frames[n_sent]))
		n_sent++;
	memory_ring_publish(&to->to_application);
	if (end->shared_transmit)
		pthread_mutex_unlock(&to->transmit_lock);
	for (unsigned i = 0; i < n_sent; i++)
		weir_frame_release(frames[i]);
	return n_sent;
}

static int memory_receive_fd(struct nic *nic, unsigned queue)
{
	return end_of(nic)->queues[queue].to_switch.event;
}

static bool memory_arm(struct nic *nic, unsigned queue)
{
	return memory_ring_arm(&end_of(nic)->queues[queue].to_switch);
}

static void memory_describe(struct nic *nic, char *text, size_t size)
{
	const struct weir_memory *end = end_of(nic);
	uint64_t to_switch = 0, to_application = 0;

	for (unsigned i = 0; i < end->n_queues; i++) {
		to_switch += memory_ring_waiting(&end->queues[i].to_switch);
		to_application += memory_ring_waiting(&end->queues[i].to_application);
	}
	snprintf(text, size,
		"queues=%u, size=%llu, offload=%s, to_switch=%llu, to_application=%llu",
		end->n_queues, (unsigned long long)end->queues[0].to_switch.record_mask + 1,
		nic->offloads ? "on" : "off", (unsigned long long)to_switch,
		(unsigned long long)to_application);
}

struct weir_memory *nic_memory_end(struct nic *nic)
{
	struct weir_memory *end;

	if (nic->class != &nic_memory_class)
		return NULL;
	end = end_of(nic);
	atomic_fetch_add(&end->refs, 1);
	return end;
}

const struct nic_class nic_memory_class = {
	.kind = "memory",
	.usage = "memory[:queues=N,size=N,offload=on|off]",
	.summary = "queues of frames between the switch and the program that embeds it",
	.open = memory_open,
	.check = memory_check,
	.close = memory_close,
	.receive = memory_receive,
	.transmit = memory_transmit,
	.receive_fd = memory_receive_fd,
	.arm = memory_arm,
	.describe = memory_describe,
};
