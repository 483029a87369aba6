// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Two workers forward for all they are worth while the stack, policies and ports of their switch
// change: not a frame is lost, none comes twice, and none is decided by what has been taken back.
//
// Two pairs of ports talk, each with a thread of its own that sends a window of numbered frames of
// several flows and waits for them at the other end. Frames of one flow keep their order.
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "lab_call.h"

enum { PAIRS = 2, FLOWS = 8, WINDOW = 64, ROUNDS = 40, PATIENCE_S = 10 };

struct talker {
	struct weir_memory *from, *to;
	unsigned number; // of the pair
	bool stop;       // main: w
	bool seen;       // every frame is to bear the mark of the extension "versioned"
	uint64_t sent, received, marked;
	uint64_t next[FLOWS]; // number of the flow's next frame
	const char *fault;
	pthread_t thread;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// Takes what has come; every frame must be the next one.
static void receive(struct talker *t, uint64_t until)
{
	uint64_t began = now_ns(), number;
	uint8_t bytes[LAB_FRAME_MAX];

	while (t->received < until && !t->fault) {
		int n = weir_memory_receive(t->to, 0, bytes, sizeof(bytes), NULL);

		if (n == 0 && now_ns() - began > UINT64_C(1000000000) * PATIENCE_S)
			t->fault = "a frame did not come";
		if (n <= 0)
			continue;
		memcpy(&number, bytes + 42, sizeof(number));
		if (number != t->next[number % FLOWS])
			t->fault = "a frame was lost, doubled or overtaken";
		if (t->seen && bytes[n - 1] == 0)
			t->fault = "a frame passed unseen";
		t->next[number % FLOWS] += FLOWS;
		__atomic_store_n(&t->received, t->received + 1, __ATOMIC_RELAXED);
		t->marked += bytes[15] != 0;
	}
}

static void *talk(void *argument)
{
	struct talker *t = argument;
	struct lab_frame frame = lab_udp(2 * t->number, 2 * t->number + 1, 1, 2);

	for (unsigned i = 0; i < FLOWS; i++)
		t->next[i] = i;
	while (!__atomic_load_n(&t->stop, __ATOMIC_RELAXED) && !t->fault) {
		for (unsigned i = 0; i < WINDOW; i++, t->sent++) {
			memcpy(frame.bytes + 42, &t->sent, sizeof(t->sent));
			frame.bytes[37] = (uint8_t)(t->sent % FLOWS); // destination port
			if (weir_memory_send(t->from, 0, frame.bytes, frame.size, NULL) < 0)
				t->fault = "the window does not fit";
		}
		receive(t, t->sent);
	}
	return NULL;
}

static void pause_until_done(struct lab *lab)
{
	lab_settle(lab);
	lab_check_conservation(lab);
}

static void come_and_go(struct lab *lab, unsigned i)
{
	struct weir_port_config config = { .size = sizeof(config), .nic = "memory" };

	lab_attach(lab, "probe-filter", 10);
	lab_act(lab, "p0", "probe-filter", "mark",
		(Probe__Act){ AT(INGRESS, SET), VALUE(WEIR_FIELD_IP_TOS), BYTE(0x20),
			IF(l4_dst, i % FLOWS) });
	lab_act(lab, "p1", "probe-filter", "meter", (Probe__Act){ AT(EGRESS, METER) });
	lab_act(lab, "p2", "probe-filter", "visit",
		(Probe__Act){ AT(INGRESS, EDIT), VISIT, VALUE(15), BYTE(0x40) });
	lab_attach(lab, "watcher", 0);
	assert_int_equal(weir_port_add(lab->weir, "br0", "extra", &config, 0, &lab->error), 0);
	lab_run(lab);
	lab_detach(lab, "watcher");
	assert_int_equal(weir_port_remove(lab->weir, "extra", 0, &lab->error), 0);
	lab_remove_policy(lab, "p0", "probe-filter", "mark");
	lab_detach(lab, "probe-filter");
	lab_settle(lab);
	// It is gone for good: it can be unloaded under traffic.
	assert_int_equal(weir_extension_unload(lab->weir, "probe-filter", 0, &lab->error), 0);
	assert_int_equal(weir_extension_unload(lab->weir, "watcher", 0, &lab->error), 0);
}

static void begin(struct lab *lab)
{
	lab_start(lab, &(struct lab_options){ .n_ports = 2 * PAIRS, .n_workers = 2 });
	// Stations are known, so that no pair hears the other's unknown unicast.
	for (unsigned i = 0; i < 2 * PAIRS; i++) {
		char mac[32], port[16];

		snprintf(mac, sizeof(mac), "02:00:00:00:00:%02x", i);
		snprintf(port, sizeof(port), "p%u", i);
		assert_int_equal(weir_fdb_add(lab->weir, "br0", mac, 0, port, 0, &lab->error), 0);
	}
}

static void talk_all(struct lab *lab, struct talker talkers[PAIRS], bool seen)
{
	for (unsigned i = 0; i < PAIRS; i++) {
		talkers[i] = (struct talker){
			.from = lab->ends[2 * i],
			.to = lab->ends[2 * i + 1],
			.number = i,
			.seen = seen,
		};
		assert_int_equal(pthread_create(&talkers[i].thread, NULL, talk, &talkers[i]), 0);
	}
}

static void start(struct lab *lab, struct talker talkers[PAIRS])
{
	begin(lab);
	talk_all(lab, talkers, false);
}

static void let_come(const struct talker *t, uint64_t frames)
{
	uint64_t until = __atomic_load_n(&t->received, __ATOMIC_RELAXED) + frames;

	while (__atomic_load_n(&t->received, __ATOMIC_RELAXED) < until && !t->fault)
		sched_yield();
}

static void stop(struct talker talkers[PAIRS])
{
	for (unsigned i = 0; i < PAIRS; i++)
		__atomic_store_n(&talkers[i].stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < PAIRS; i++)
		pthread_join(talkers[i].thread, NULL);
}

static void changes_under_traffic_lose_nothing(void **state)
{
	struct talker talkers[PAIRS];
	struct lab lab;

	(void)state;
	start(&lab, talkers);
	for (unsigned i = 0; i < ROUNDS; i++)
		come_and_go(&lab, i);
	stop(talkers);
	for (unsigned i = 0; i < PAIRS; i++) {
		if (talkers[i].fault)
			fail_msg("pair %u, frame %llu: %s", i,
				(unsigned long long)talkers[i].received, talkers[i].fault);
		assert_true(talkers[i].received == talkers[i].sent && talkers[i].sent > 0);
		print_message("pair %u: %llu frames, %llu of them marked\n", i,
			(unsigned long long)talkers[i].received,
			(unsigned long long)talkers[i].marked);
	}
	// The changes were in force in between.
	assert_true(talkers[1].marked > 0);
	pause_until_done(&lab);
	assert_int_equal(lab_switch(&lab, "br0").dropped, 0);
	lab_end(&lab);
}

static int replace(struct lab *lab, const char *name, const char *file)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s.so", LAB_MODULES, file);
	return weir_extension_replace(lab->weir, name, path, 0, &lab->error);
}

static void say_drop(void *context, const struct weir_drop_info *info)
{
	(void)context;
	print_message("%llu frames of port %s dropped as %s of %s\n",
		(unsigned long long)info->frames, info->port, info->reason, info->extension);
}

static void check_pair(struct lab *lab, const struct talker *t, const char *port)
{
	weir_drop_list(lab->weir, NULL, say_drop, NULL, NULL);
	if (t->fault)
		fail_msg("pair %u, frame %llu: %s", t->number, (unsigned long long)t->received,
			t->fault);
	assert_true(t->received == t->sent && t->sent > 0);
	assert_int_equal(lab_meter(lab, port, "versioned", "all"), t->sent);
}

// Two extensions are replaced, one of which sees and counts every frame and one of which has
// sessions; every third time the new version is refused.
static void replacements_under_traffic_lose_nothing(void **state)
{
	static const char *const files[] = { "versioned-2", "versioned-later", "versioned" };
	struct talker talkers[PAIRS];
	struct lab lab;

	(void)state;
	begin(&lab);
	lab_attach(&lab, "versioned", 10);
	lab_attach(&lab, "stateful", 20);
	lab_settle(&lab);
	talk_all(&lab, talkers, true);
	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		assert_int_equal(
			replace(&lab, "versioned", files[i % 3]), i % 3 == 1 ? -EINVAL : 0);
		assert_int_equal(replace(&lab, "stateful", i % 2 ? "stateful" : "stateful-2"), 0);
		let_come(&talkers[i % PAIRS], 3 * WINDOW);
		lab_settle(&lab);
	}
	stop(talkers);
	pause_until_done(&lab);
	check_pair(&lab, &talkers[0], "p0");
	check_pair(&lab, &talkers[1], "p2");
	assert_int_equal(lab_switch(&lab, "br0").dropped, 0);
	assert_int_equal(lab_switch(&lab, "br0").sessions, PAIRS * FLOWS);
	assert_int_equal(lab_logged(&lab, "ended "), 0);
	assert_int_equal(lab_logged(&lab, " idle "), 0);
	lab_end(&lab);
}

// Both workers fill their lanes while a third thread reads: what was seen was read, or is lost and
// counted.
static void rings_take_what_visits_see(void **state)
{
	Probe__Order order = PROBE__ORDER__INIT;
	struct talker talkers[PAIRS];
	uint64_t n_read = 0, n_lost = 0;
	unsigned n, lane;
	struct lab lab;

	(void)state;
	start(&lab, talkers);
	lab_attach(&lab, "probe-filter", 10);
	order.has_ring = order.ring = 1;
	lab_order(&lab, "probe-filter", &order);
	lab_act(&lab, "p0", "probe-filter", "see", (Probe__Act){ AT(INGRESS, RECORD), VISIT });
	lab_act(&lab, "p2", "probe-filter", "see", (Probe__Act){ AT(INGRESS, RECORD), VISIT });
	for (unsigned i = 0; i < 50; i++) {
		lab_order(&lab, "probe-filter", &order);
		lab_run(&lab);
	}
	stop(talkers);
	lab_settle(&lab);
	lab_order(&lab, "probe-filter", &order);
	for (const char *at = lab.log; (at = strstr(at, "lane ")); at++)
		n_read += sscanf(at, "lane %u: %u records", &lane, &n) == 2 ? n : 0;
	for (const char *at = lab.log; (at = strstr(at, "lost ")); at++)
		n_lost = sscanf(at, "lost %u records", &n) == 1 ? n : n_lost; // in all so far
	assert_true(n_read > 0);
	assert_int_equal(n_read + n_lost, lab_extension(&lab, "probe-filter").visits);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_under_traffic_lose_nothing),
		cmocka_unit_test(replacements_under_traffic_lose_nothing),
		cmocka_unit_test(rings_take_what_visits_see),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
