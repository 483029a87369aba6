// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// With real workers: frames of several at once come into one file, and captures come and go while
// frames pass.
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "capture_lab.h"

enum { SENDERS = 2, FRAMES = 50000 };

// Sends from port 2n to port 2n + 1, and takes out what arrives.
struct sender {
	pthread_t thread;
	struct lab *lab;
	unsigned port;
	uint64_t wanted, sent, received;
	bool stop;
};

static void receive(struct sender *s)
{
	uint8_t bytes[LAB_FRAME_MAX];
	unsigned queues = weir_memory_n_queues(s->lab->ends[s->port + 1]);

	for (unsigned q = 0; q < queues; q++)
		while (weir_memory_receive(
			       s->lab->ends[s->port + 1], q, bytes, sizeof(bytes), NULL) > 0)
			s->received++;
}

// Closed loop: nothing may be lost for want of room in a queue.
static void *send_frames(void *context)
{
	struct sender *s = context;
	struct lab_frame frame = lab_udp(s->port, s->port + 1, 1, 2);

	while (s->sent < s->wanted && !__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		if (s->sent - s->received < 256 && weir_memory_send(s->lab->ends[s->port], 0,
							   frame.bytes, frame.size, NULL) == 0)
			s->sent++;
		receive(s);
	}
	while (s->received < s->sent)
		receive(s);
	return NULL;
}

static void senders_start(struct lab *lab, struct sender senders[/* SENDERS */], uint64_t wanted)
{
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ .lab = lab, .port = 2 * i, .wanted = wanted };
		assert_int_equal(
			pthread_create(&senders[i].thread, NULL, send_frames, &senders[i]), 0);
	}
}

static void senders_join(struct sender senders[/* SENDERS */])
{
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(senders[i].thread, NULL);
}

static void drain(struct lab *lab)
{
	struct lab_frame got;

	lab_settle(lab);
	for (unsigned i = 0; i < lab->n_ports; i++)
		while (lab_receive(lab, i, &got))
			;
}

static void every_worker_is_captured(void **state)
{
	struct sender senders[SENDERS];
	struct pcapng_file file;
	struct capture_row row;
	struct lab lab;

	(void)state;
	capture_begin(&lab, &(struct lab_options){ .n_ports = 4, .n_workers = 2 });
	drain(&lab);
	capture_start(&lab, (struct capture_wish){ .port = "p0",
				    .port2 = "p3",
				    .at = AT_INGRESS | AT_EGRESS,
				    .name = "x",
				    .snap = 64 });
	senders_start(&lab, senders, FRAMES);
	senders_join(senders);
	row = capture_stop(&lab, "x");
	// p0 receives, p3 sends.
	assert_int_equal(row.seen, 2 * FRAMES);
	pcapng_read(&file, capture_path("capture.pcapng"));
	assert_int_equal(file.n_frames, row.captured);
	assert_int_equal(pcapng_count(&file, "p0", "stage=ingress") +
				 pcapng_count(&file, "p3", "stage=egress"),
		row.captured);
	pcapng_free(&file);
	capture_end(&lab);
}

static void captures_come_and_go_under_traffic(void **state)
{
	struct sender senders[SENDERS];
	struct pcapng_file file;
	struct capture_row row;
	struct lab lab;
	uint64_t captured = 0;

	(void)state;
	capture_begin(&lab, &(struct lab_options){ .n_ports = 4, .n_workers = 2 });
	drain(&lab);
	senders_start(&lab, senders, UINT64_MAX);
	for (unsigned i = 0; i < 30 || captured == 0; i++) {
		capture_start(&lab, (struct capture_wish){ .port = i & 1 ? "p0" : "p2",
					    .port2 = "p1",
					    .at = AT_ALL,
					    .name = "x",
					    .count = i % 3 ? 0 : 500 });
		usleep(2000);
		row = capture_stop(&lab, "x");
		captured += row.captured;
		assert_true(i % 3 || row.captured <= 500);
		pcapng_read(&file, capture_path("capture.pcapng"));
		assert_int_equal(file.n_frames, row.captured);
		assert_int_equal(file.size, row.bytes);
		pcapng_free(&file);
	}
	for (unsigned i = 0; i < SENDERS; i++)
		__atomic_store_n(&senders[i].stop, true, __ATOMIC_RELAXED);
	senders_join(senders);
	assert_int_equal(lab_switch(&lab, "br0").dropped, 0);
	capture_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_worker_is_captured),
		cmocka_unit_test(captures_come_and_go_under_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
