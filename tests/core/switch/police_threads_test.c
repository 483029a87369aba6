// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Two workers pay to one policer while it is changed, and while others come and go: together they
// do not pass more than one may, and every frame is delivered or counted as dropped.
#include <pthread.h>
#include <time.h>

#include "lab_probe.h"

enum { SENDERS = 2, FRAMES = 30000, BURST = 8000, BURST_LEAST = 4000 };

static const char filter[] = "probe-filter";

struct sender {
	struct weir_memory *from, *to;
	unsigned number;
	uint64_t received;
	bool done; // sender: w, main: r
	pthread_t thread;
};

static void take(struct sender *s)
{
	uint8_t bytes[LAB_FRAME_MAX];

	while (weir_memory_receive(s->to, 0, bytes, sizeof(bytes), NULL) > 0)
		s->received++;
}

static void *run_sender(void *argument)
{
	struct sender *s = argument;
	struct lab_frame frame = lab_udp(2 * s->number, 2 * s->number + 1, 1, 2);

	for (unsigned i = 0; i < FRAMES;) {
		frame.bytes[37] = (uint8_t)(i % 8); // destination port
		if (weir_memory_send(s->from, 0, frame.bytes, frame.size, NULL) == 0)
			i++;
		take(s);
	}
	__atomic_store_n(&s->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void begin(struct lab *lab, struct sender senders[SENDERS])
{
	lab_start(lab, &(struct lab_options){ .n_ports = 2 * SENDERS, .n_workers = 2 });
	// Stations are known without a frame, which would be counted whenever a worker takes it.
	for (unsigned i = 0; i < 2 * SENDERS; i++) {
		char mac[32], port[16];

		snprintf(mac, sizeof(mac), "02:00:00:00:00:%02x", i);
		snprintf(port, sizeof(port), "p%u", i);
		assert_int_equal(weir_fdb_add(lab->weir, "br0", mac, 0, port, 0, &lab->error), 0);
	}
	lab_attach(lab, filter, 0);
	lab_act(lab, "switch:br0", filter, "all",
		(Probe__Act){ AT(CONTROL, POLICE_FRAMES), LIMIT(1, BURST) });
	for (unsigned i = 0; i < SENDERS; i++) {
		char port[16];

		snprintf(port, sizeof(port), "p%u", 2 * i);
		lab_act(lab, port, filter, "before", (Probe__Act){ AT(INGRESS, METER) });
		lab_act(lab, port, filter, "use", (Probe__Act){ AT(INGRESS, POLICE), VALUE(0) });
		lab_act(lab, port, filter, "web",
			(Probe__Act){ AT(FORWARDED, NOTHING), IF(l4_dst, 3) });
		senders[i] = (struct sender){ lab->ends[2 * i], lab->ends[2 * i + 1], i, 0, false,
			0 };
	}
	lab_settle(lab);
}

static bool all_done(const struct sender senders[SENDERS])
{
	bool done = true;

	for (unsigned i = 0; i < SENDERS; i++)
		done &= __atomic_load_n(&senders[i].done, __ATOMIC_ACQUIRE);
	return done;
}

// The burst goes up and down, and another policer of some flows comes and goes.
static unsigned change_until_done(struct lab *lab, const struct sender senders[SENDERS])
{
	unsigned n = 0;

	for (; !all_done(senders); n++) {
		lab_act(lab, "switch:br0", filter, "all",
			(Probe__Act){ AT(CONTROL, POLICE_FRAMES),
				LIMIT(1 + n % 2, n % 2 ? BURST_LEAST : BURST) });
		lab_act(lab, "p0", filter, "web",
			(Probe__Act){ AT(FORWARDED, POLICE), LIMIT(1000, 1 + n), IF(l4_dst, 3) });
		lab_run(lab);
		lab_remove_policy(lab, "p0", filter, "web");
		lab_run(lab);
	}
	return n;
}

static void workers_share_one(void **state)
{
	struct sender senders[SENDERS];
	struct timespec from, to;
	uint64_t received = 0, metered = 0, most;
	unsigned n_changes;
	struct lab lab;

	(void)state;
	begin(&lab, senders);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (unsigned i = 0; i < SENDERS; i++)
		assert_int_equal(
			pthread_create(&senders[i].thread, NULL, run_sender, &senders[i]), 0);
	n_changes = change_until_done(&lab, senders);
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(senders[i].thread, NULL);
	// What was sent may still wait for a worker; and then its batch is to end.
	while (lab_switch(&lab, "br0").received < SENDERS * FRAMES)
		lab_run(&lab);
	lab_settle(&lab);
	clock_gettime(CLOCK_MONOTONIC, &to);
	for (unsigned i = 0; i < SENDERS; i++) {
		take(&senders[i]);
		received += senders[i].received;
		metered += lab_meter(&lab, i ? "p2" : "p0", filter, "before");
	}
	print_message("%u changes, %llu frames passed\n", n_changes, (unsigned long long)received);
	// New flows are shed before anybody meters them, where the machine is slow.
	assert_int_equal(metered + lab_drops(&lab, "core", "new-flow-shed"), SENDERS * FRAMES);
	assert_int_equal(received + lab_drops(&lab, "core", "over-rate") +
				 lab_drops(&lab, "core", "tx-full"),
		metered);
	// The burst, what workers had taken, and what came at two frames a second at most.
	most = BURST + BURST / 4 + 2 * (uint64_t)(to.tv_sec - from.tv_sec + 2);
	assert_in_range(received, BURST_LEAST / 2, most);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_share_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
