// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Two workers decide and count while policies come and go and meters are read and reset: what the
// totals counted in all is what was delivered or lost at run time behind them, to the byte.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "acl_lab.h"

enum { CHANGES = 400, BURST = 40, RULES = 64 };

struct world {
	struct lab lab;
	uint64_t n_sent, n_received, bytes_received;
	uint64_t frames[2], bytes[2]; // counted by the totals, before their last reset
};

static unsigned any(unsigned n)
{
	return (unsigned)rand() % n;
}

// All frames are of one size, so that those that are lost are known to the byte.
static void send(struct world *w)
{
	for (unsigned i = 0; i < BURST; i++) {
		struct packet p = { .from = 0,
			.to = 4,
			.vlan = -1,
			.type = 0x0800,
			.protocol = 17,
			.src_port = (uint16_t)any(2000),
			.dst_port = (uint16_t)any(2000) };
		struct lab_frame frame;

		memcpy(p.src, (uint8_t[]){ 10, 0, 0, (uint8_t)any(4) }, 4);
		memcpy(p.dst, (uint8_t[]){ 10, 1, 0, (uint8_t)any(4) }, 4);
		frame = packet_frame(&p);
		// A full queue is the sender's: the frame never came.
		w->n_sent += weir_memory_send(w->lab.ends[0], (uint16_t)any(2), frame.bytes,
				     frame.size, NULL) == 0;
	}
}

static void receive(struct world *w)
{
	uint8_t bytes[2048];

	for (uint16_t queue = 0; queue < 2; queue++) {
		int n;

		while ((n = weir_memory_receive(
				w->lab.ends[1], queue, bytes, sizeof(bytes), NULL)) > 0) {
			w->n_received++;
			w->bytes_received += (uint64_t)n;
		}
	}
}

static void change(struct world *w)
{
	const char *port = any(2) ? "p1" : "p0";
	const char *direction = *port == 'p' && port[1] == '1' ? "in" : "out";
	unsigned number = any(RULES);
	char text[128], id[8];

	snprintf(id, sizeof(id), "r%u", number);
	if (any(2)) {
		weir_policy_remove(w->lab.weir, port, "acl", id, 0, &w->lab.error);
		return;
	}
	if (number % 4)
		snprintf(text, sizeof(text),
			"rule direction=%s action=%s weight=%u remote_port=%u-%u", direction,
			any(3) ? "allow" : "deny", number, any(1000), 1000 + any(1000));
	else
		snprintf(text, sizeof(text), "acl direction=%s action=%s remote=10.%u.0.%u",
			direction, any(2) ? "meter" : "deny", any(2), any(4));
	acl_try(&w->lab, port, id, text); // or it contradicts another one
}

static void note_total(void *context, const struct weir_meter_info *info)
{
	struct world *w = context;
	unsigned port = strcmp(info->target, "p1") == 0;

	if (strcmp(info->id, "total") != 0)
		return;
	w->frames[port] += info->frames;
	w->bytes[port] += info->bytes;
}

static void read_and_reset(struct world *w)
{
	weir_meter_list(w->lab.weir, NULL, true, note_total, w, NULL);
}

// Until nothing comes any more.
static void drain(struct world *w)
{
	uint64_t before;

	do {
		before = w->n_received;
		for (unsigned i = 0; i < 20; i++) {
			lab_run(&w->lab);
			receive(w);
		}
	} while (w->n_received != before);
}

static void nothing_is_lost_between_workers(void **state)
{
	static struct world w;
	uint64_t lost, size;

	(void)state;
	srand(4);
	acl_begin(
		&w.lab, &(struct lab_options){ .n_workers = 2, .nic = "memory:queues=2,size=256" });
	acl_add(&w.lab, "p0", "total", "acl direction=out action=meter remote=any");
	acl_add(&w.lab, "p1", "total", "acl direction=in action=meter remote=any");
	acl_add(&w.lab, "p0", "ports", "rule direction=out action=deny weight=5000 remote_port=9");
	for (unsigned i = 0; i < CHANGES; i++) {
		send(&w);
		change(&w);
		lab_run(&w.lab);
		if (any(3))
			receive(&w);
		if (any(20) == 0)
			read_and_reset(&w);
	}
	lab_settle(&w.lab);
	drain(&w);
	read_and_reset(&w);
	lost = lab_drops(&w.lab, "core", "tx-full");
	size = w.bytes_received / w.n_received;
	assert_int_equal(size * w.n_received, w.bytes_received);
	for (unsigned port = 0; port < 2; port++) {
		assert_int_equal(w.frames[port], w.n_received + lost);
		assert_int_equal(w.bytes[port], (w.n_received + lost) * size);
	}
	assert_true(w.n_received > w.n_sent / 10 && w.n_received + lost < w.n_sent);
	acl_end(&w.lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_between_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
