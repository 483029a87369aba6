// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Random documents are applied while two workers forward. Two ports that every document leaves as
// they are talk: not a frame of theirs is lost, doubled or overtaken, whatever becomes of the
// stack, of other ports and of another switch. The others send all the while, too, and what becomes
// of their frames is counted.
#include "lab_document.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SHAKEN = 2, WINDOW = 32, ROUNDS = 300, PATIENCE_S = 10, TEXT_MAX = 4096 };

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// ---- Who talks

// From p0 to p1.
struct steady {
	struct weir_memory *from, *to;
	bool stop; // main: w
	uint64_t sent, received;
	const char *fault;
	pthread_t thread;
};

static void receive(struct steady *t)
{
	uint64_t began = now_ns(), number;
	uint8_t bytes[LAB_FRAME_MAX];

	while (t->received < t->sent && !t->fault) {
		int n = weir_memory_receive(t->to, 0, bytes, sizeof(bytes), NULL);

		if (n == 0 && now_ns() - began > UINT64_C(1000000000) * PATIENCE_S)
			t->fault = "a frame did not come";
		if (n <= 0)
			continue;
		memcpy(&number, bytes + 42, sizeof(number));
		if (number != t->received)
			t->fault = "a frame was lost, doubled or overtaken";
		t->received++;
	}
}

static void *talk(void *argument)
{
	struct steady *t = argument;
	struct lab_frame frame = lab_udp(0, 1, 1, 2);

	while (!__atomic_load_n(&t->stop, __ATOMIC_RELAXED) && !t->fault) {
		for (unsigned i = 0; i < WINDOW; i++, t->sent++) {
			memcpy(frame.bytes + 42, &t->sent, sizeof(t->sent));
			if (weir_memory_send(t->from, 0, frame.bytes, frame.size, NULL) < 0)
				t->fault = "the window does not fit";
		}
		receive(t);
	}
	return NULL;
}

// At p2 and p3, as far as they are there.
struct shaken {
	pthread_mutex_t lock;
	struct weir_memory *end; // under the lock; NULL: there is none now
	unsigned number;
	bool stop; // main: w
	uint64_t sent, received;
	pthread_t thread;
};

static void *chatter(void *argument)
{
	struct shaken *t = argument;
	struct lab_frame frames[] = { lab_udp(t->number, 5 - t->number, 1, 2),
		lab_udp(t->number, LAB_BROADCAST, 1, 3) };
	struct timespec pause = { 0, 50000 };
	uint8_t bytes[LAB_FRAME_MAX];

	while (!__atomic_load_n(&t->stop, __ATOMIC_RELAXED)) {
		pthread_mutex_lock(&t->lock);
		for (unsigned i = 0; t->end && i < 8; i++)
			t->sent += weir_memory_send(t->end, 0, frames[i % 2].bytes,
					   frames[i % 2].size, NULL) >= 0;
		while (t->end && weir_memory_receive(t->end, 0, bytes, sizeof(bytes), NULL) > 0)
			t->received++;
		pthread_mutex_unlock(&t->lock);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void give_end(struct lab *lab, struct shaken *t)
{
	char name[16];

	snprintf(name, sizeof(name), "p%u", t->number);
	pthread_mutex_lock(&t->lock);
	weir_memory_release(t->end);
	t->end = weir_port_memory(lab->weir, name);
	pthread_mutex_unlock(&t->lock);
}

// ---- What is applied

#define STEADY                                                                                     \
	"switch br0\n"                                                                             \
	"port br0 p0 nic=memory vlan=1\nport br0 p1 nic=memory vlan=1\n"                           \
	"fdb br0 02:00:00:00:00:00 1 p0\nfdb br0 02:00:00:00:00:01 1 p1\n"

static unsigned below(unsigned n)
{
	return (unsigned)rand() % n;
}

static bool often(unsigned percent)
{
	return below(100) < percent;
}

__attribute__((format(printf, 2, 3))) static void line(char *text, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, TEXT_MAX - used, format, arguments);
	va_end(arguments);
	assert_true(strlen(text) < TEXT_MAX - 1);
}

static void shaken_port(char *text, unsigned n, unsigned on, bool filtered)
{
	static const char *const nics[] = { "nic=memory", "nic=memory", "nic=memory", "nic=null",
		"nic=memory disconnected", "" };
	static const char *const vlans[] = { "vlan=5", "vlan=6", "vlan=trunk:5-6" };
	static const char *const acts[] = { "DROP_FRAME 0", "METER", "NOTHING 1",
		"EXCLUDE 0 EGRESS", "METER 0 EGRESS" };
	const char *vlan = vlans[below(3)];

	line(text, "port br%u p%u %s %s\n", on, n, nics[below(6)], vlan);
	for (unsigned i = 0; filtered && i < 2; i++)
		if (often(60))
			line(text, "policy p%u probe-filter i%u act %s\n", n, i, acts[below(5)]);
	if (often(30))
		line(text, "fdb br%u 02:00:00:00:00:%02x 5 p%u\n", on, n, n);
}

static void random_document(char *text)
{
	bool filtered[2] = { often(70), often(50) }, second = often(60);

	strcpy(text, STEADY);
	if (second)
		line(text, "switch br1\n");
	for (unsigned s = 0; s < 1u + second; s++) {
		if (filtered[s])
			line(text, "extension br%u probe-filter order=%u\n", s, 10 + 20 * below(2));
		if (often(50))
			line(text, "extension br%u nothing-1 order=20%s\n", s,
				often(50) ? " fail_open" : "");
	}
	if (filtered[0] && often(50))
		line(text, "policy p0 probe-filter m act METER\n");
	if (filtered[0] && often(50))
		line(text, "policy p1 probe-filter m act METER 0 EGRESS\n");
	for (unsigned n = 2; n < 2 + SHAKEN; n++) {
		unsigned on = second && often(50);

		if (often(85))
			shaken_port(text, n, on, filtered[on]);
	}
	for (unsigned n = 0; n < 3; n++)
		if (often(40))
			line(text, "port br%u x%u nic=null vlan=5\n", second && often(50), n);
}

static void apply_one(struct lab *lab)
{
	char text[TEXT_MAX];

	random_document(text);
	if (often(15)) // is refused when all is prepared
		line(text, "extension br0 probe-service\n"
			   "policy p0 probe-service r refuse odd\n");
	if (often(15))
		lab_try_apply(lab, text, WEIR_PRUNE | WEIR_DRY_RUN, NULL);
	if (lab_try_apply(lab, text, WEIR_PRUNE, NULL) < 0 && lab->error.code != -EPERM)
		fail_msg("%s\n%s: %s", text, lab->error.field, lab->error.message);
}

static void documents_under_traffic(void **state)
{
	struct steady steady = { 0 };
	struct shaken shaken[SHAKEN];
	struct lab lab;

	(void)state;
	srand(7);
	lab_start(&lab, &(struct lab_options){ .n_workers = 2 });
	lab_apply(&lab, STEADY, 0);
	lab_settle(&lab);
	steady.from = weir_port_memory(lab.weir, "p0");
	steady.to = weir_port_memory(lab.weir, "p1");
	assert_int_equal(pthread_create(&steady.thread, NULL, talk, &steady), 0);
	for (unsigned i = 0; i < SHAKEN; i++) {
		shaken[i] = (struct shaken){ .lock = PTHREAD_MUTEX_INITIALIZER, .number = 2 + i };
		assert_int_equal(pthread_create(&shaken[i].thread, NULL, chatter, &shaken[i]), 0);
	}
	for (unsigned i = 0; i < ROUNDS && !steady.fault; i++) {
		apply_one(&lab);
		for (unsigned n = 0; n < SHAKEN; n++)
			give_end(&lab, &shaken[n]);
		if (often(30))
			lab_settle(&lab);
		else
			lab_run(&lab);
	}
	__atomic_store_n(&steady.stop, true, __ATOMIC_RELAXED);
	pthread_join(steady.thread, NULL);
	for (unsigned i = 0; i < SHAKEN; i++) {
		__atomic_store_n(&shaken[i].stop, true, __ATOMIC_RELAXED);
		pthread_join(shaken[i].thread, NULL);
		print_message("p%u: %llu frames in, %llu out\n", shaken[i].number,
			(unsigned long long)shaken[i].sent, (unsigned long long)shaken[i].received);
		assert_true(shaken[i].sent > 0 && shaken[i].received > 0);
		weir_memory_release(shaken[i].end);
	}
	if (steady.fault)
		fail_msg("frame %llu: %s", (unsigned long long)steady.received, steady.fault);
	print_message("p0 to p1: %llu frames\n", (unsigned long long)steady.received);
	assert_true(steady.received > 0);
	weir_memory_release(steady.from);
	weir_memory_release(steady.to);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_under_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
