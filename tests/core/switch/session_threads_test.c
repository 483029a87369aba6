// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Clients behind protected ports (tests/extensions/small/stateful.c) ask servers behind others, one
// connection after the other, over two workers: requests are decided by one, replies by the other.
// Meanwhile every flow is decided anew again and again. Not an answer is lost, however soon it
// comes after the request that opens its session, and whatever had been decided about it before;
// and in the end the sessions have counted every frame once.
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "lab.h"

enum { EARLY_AT = 42 }; // where a frame says that nobody has asked for it
enum { PAIRS = 2, CONNECTIONS = 400, ASKS = 3, PATIENCE_S = 20, FIRST_PORT = 1000 };

struct pair {
	struct weir_memory *client, *server;
	unsigned number;
	bool stop;
	uint64_t asked, answered, early;
	const char *fault;
	pthread_t threads[2];
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool send_to(struct weir_memory *end, const struct lab_frame *f)
{
	return weir_memory_send(end, 0, f->bytes, f->size, NULL) == 0;
}

// True: an answer has come.
static bool take(struct pair *p)
{
	uint8_t bytes[LAB_FRAME_MAX];

	if (weir_memory_receive(p->client, 0, bytes, sizeof(bytes), NULL) <= 0)
		return false;
	p->early += bytes[EARLY_AT];
	p->answered += !bytes[EARLY_AT];
	return !bytes[EARLY_AT];
}

static void ask(struct pair *p, uint16_t port)
{
	struct lab_frame request = lab_udp(2 * p->number, 2 * p->number + 1, port, 2000);
	uint64_t began = now_ns();

	if (!send_to(p->client, &request))
		p->fault = "a request does not fit";
	p->asked++;
	while (!take(p) && !p->fault) {
		if (now_ns() - began > UINT64_C(1000000000) * PATIENCE_S)
			p->fault = "an answer did not come";
		sched_yield();
	}
}

static void *be_client(void *context)
{
	struct pair *p = context;

	for (uint16_t i = 0; i < CONNECTIONS && !p->fault; i++)
		for (unsigned k = 0; k < ASKS && !p->fault; k++)
			ask(p, FIRST_PORT + i);
	__atomic_store_n(&p->stop, true, __ATOMIC_RELEASE);
	return NULL;
}

// Answers the next connection, too, which nobody has asked for yet: dropped, or passed if it is
// there by then.
static void *be_server(void *context)
{
	struct pair *p = context;
	uint8_t bytes[LAB_FRAME_MAX];

	while (!__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE)) {
		struct lab_frame answer;
		uint16_t port;

		if (weir_memory_receive(p->server, 0, bytes, sizeof(bytes), NULL) <= 0) {
			sched_yield();
			continue;
		}
		port = (uint16_t)(bytes[34] << 8 | bytes[35]);
		answer = lab_udp(2 * p->number + 1, 2 * p->number, 2000, port + 1);
		answer.bytes[EARLY_AT] = 1;
		send_to(p->server, &answer);
		answer = lab_udp(2 * p->number + 1, 2 * p->number, 2000, port);
		send_to(p->server, &answer);
	}
	return NULL;
}

struct sums {
	uint64_t frames, reverse_frames;
};

static void add(void *context, const struct weir_session_info *info)
{
	struct sums *sums = context;

	sums->frames += info->frames;
	sums->reverse_frames += info->reverse_frames;
}

// Of those that have ended, as the extension has said.
static struct sums ended(const struct lab *lab)
{
	struct sums sums = { 0 };

	for (const char *at = lab->log; (at = strstr(at, " > 2000, ")); at++) {
		unsigned long long frames, reverse_frames;

		assert_int_equal(sscanf(at, " > 2000, %llu frames %*u bytes, %llu frames", &frames,
					 &reverse_frames),
			2);
		sums.frames += frames;
		sums.reverse_frames += reverse_frames;
	}
	return sums;
}

// Once the workers have told what their flows counted, which they do every second.
static struct sums settled(struct lab *lab, uint64_t frames, uint64_t reverse_frames)
{
	uint64_t began = now_ns();
	struct sums sums = { 0 };

	while (sums.frames + sums.reverse_frames < frames + reverse_frames &&
		now_ns() - began < UINT64_C(1000000000) * PATIENCE_S) {
		weir_process(lab->weir);
		sums = ended(lab);
		assert_int_equal(weir_session_list(lab->weir, "br0", add, &sums, &lab->error), 0);
	}
	return sums;
}

static bool are_busy(const struct pair pairs[])
{
	for (unsigned i = 0; i < PAIRS; i++)
		if (!__atomic_load_n(&pairs[i].stop, __ATOMIC_ACQUIRE))
			return true;
	return false;
}

static void run(struct pair pairs[], struct lab *lab)
{
	bool attached = false;

	for (unsigned i = 0; i < PAIRS; i++) {
		pairs[i] = (struct pair){
			.client = lab->ends[2 * i], .server = lab->ends[2 * i + 1], .number = i
		};
		assert_int_equal(
			pthread_create(&pairs[i].threads[0], NULL, be_client, &pairs[i]), 0);
		assert_int_equal(
			pthread_create(&pairs[i].threads[1], NULL, be_server, &pairs[i]), 0);
	}
	while (are_busy(pairs)) {
		assert_int_equal(weir_flow_flush(lab->weir, "br0", &lab->error), 0);
		if (attached)
			lab_detach(lab, "nothing-1");
		else
			lab_attach(lab, "nothing-1", 30);
		attached = !attached;
		lab_settle(lab);
	}
	for (unsigned i = 0; i < PAIRS; i++) {
		pthread_join(pairs[i].threads[0], NULL);
		pthread_join(pairs[i].threads[1], NULL);
		if (pairs[i].fault)
			fail_msg("pair %u, connection %llu: %s", i,
				(unsigned long long)pairs[i].asked / ASKS, pairs[i].fault);
	}
}

static void no_answer_is_lost(void **state)
{
	uint64_t received = 0, early = 0;
	struct pair pairs[PAIRS];
	struct sums sums;
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 * PAIRS, .n_workers = 2 });
	// Stations are known without a frame, which would be counted whenever a worker takes it.
	for (unsigned i = 0; i < 2 * PAIRS; i++) {
		char mac[32], port[16];

		snprintf(mac, sizeof(mac), "02:00:00:00:00:%02x", i);
		snprintf(port, sizeof(port), "p%u", i);
		assert_int_equal(weir_fdb_add(lab.weir, "br0", mac, 0, port, 0, &lab.error), 0);
	}
	lab_attach(&lab, "stateful", 0);
	lab_settle(&lab);
	run(pairs, &lab);
	lab_settle(&lab);
	for (unsigned i = 0; i < PAIRS; i++) {
		while (take(&pairs[i]))
			continue;
		received += pairs[i].answered + pairs[i].early;
		early += pairs[i].early;
	}
	sums = settled(&lab, PAIRS * CONNECTIONS * ASKS, received);
	assert_int_equal(sums.frames, PAIRS * CONNECTIONS * ASKS);
	assert_int_equal(sums.reverse_frames, received);
	assert_int_equal(received - early, PAIRS * CONNECTIONS * ASKS);
	assert_int_equal(
		lab_drops(&lab, "stateful", "unsolicited"), PAIRS * CONNECTIONS * ASKS - early);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_answer_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
