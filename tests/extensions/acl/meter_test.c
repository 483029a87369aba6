// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Meters are exact: while policies change, flows are evicted, the NIC behind them takes no more,
// ports disconnect and the extension leaves and comes back, every entry that meters has counted
// what the linear model lets pass, to the byte, and what a port's total counted was delivered or
// dropped at run time behind it. Between changes; meter_exact_test.c has no such breaks, and does
// not know what is decided.
#include <stdio.h>
#include <stdlib.h>

#include "acl_lab.h"
#include "model.h"

enum {
	ROUNDS = WEIR_SANITIZED ? 300 : 600,
	BURST = 150,
	QUEUE = 64, // what p1's NIC takes at a time
	EVICTIONS_MIN = ROUNDS / 2,
	DROPS_MIN = 100,
	DETACHES_MIN = ROUNDS / 150,
};

struct expected {
	uint64_t frames, bytes;
};

struct world {
	struct lab lab;
	struct model models[2];
	char texts[2][32][128]; // by number, "" where there is no such policy
	struct expected meters[2][32];
	bool connected;
	unsigned n_evicted, n_detached, n_disconnected, n_reset, n_changed;
	uint64_t n_full, n_down;
};

static unsigned any(unsigned n)
{
	return (unsigned)rand() % n;
}

static const char *port_name(unsigned port)
{
	return port ? "p1" : "p0";
}

// ---- Policies

// Number 0 is the total, 1 has the ports read so that there are many flows. The others come and go.
static void text_of(unsigned port, unsigned number, char text[128])
{
	const char *direction = port ? "in" : "out";

	if (number == 0)
		snprintf(text, 128, "acl direction=%s action=meter remote=any", direction);
	else if (number == 1)
		snprintf(text, 128,
			"rule direction=%s action=deny weight=1 protocol=udp remote_port=9",
			direction);
	else if (number < 16)
		snprintf(text, 128, "acl direction=%s action=meter %s=10.%u.0.%u/%u", direction,
			number % 2 ? "remote" : "local", any(2), any(4), 8 + any(25));
	else if (number < 24)
		snprintf(text, 128, "acl direction=%s action=%s remote=10.%u.0.%u/%u", direction,
			any(3) ? "allow" : "deny", any(2), any(4), 16 + any(17));
	else
		snprintf(text, 128,
			"rule direction=%s action=%s weight=%u protocol=%s remote_port=%u-%u",
			direction, any(3) ? "allow" : "deny", number, any(2) ? "udp" : "tcp",
			any(30000), 30000 + any(30000));
}

static bool is_meter(const char *text)
{
	return strstr(text, "action=meter") != NULL;
}

// What replaces a meter under the same id goes on counting.
static bool put(struct world *w, unsigned port, unsigned number, const char *text)
{
	char id[8];

	snprintf(id, sizeof(id), "n%u", number);
	if (acl_try(&w->lab, port_name(port), id, text) < 0) {
		assert_int_equal(w->lab.error.code, -EEXIST);
		return false;
	}
	model_add(&w->models[port], id, text);
	memmove(w->texts[port][number], text, strlen(text) + 1);
	return true;
}

static void change(struct world *w)
{
	unsigned port = any(2), number = 2 + any(30);
	char text[128], id[8];

	w->n_changed++;
	if (!*w->texts[port][number] || any(2)) {
		text_of(port, number, text);
		put(w, port, number, text);
		return;
	}
	snprintf(id, sizeof(id), "n%u", number);
	assert_int_equal(
		weir_policy_remove(w->lab.weir, port_name(port), "acl", id, 0, &w->lab.error), 0);
	model_remove(&w->models[port], id);
	w->texts[port][number][0] = '\0';
	w->meters[port][number] = (struct expected){ 0 };
}

// ---- What counts

static void check_meters(struct world *w)
{
	for (unsigned port = 0; port < 2; port++) {
		for (unsigned i = 0; i < 32; i++) {
			const struct expected *e = &w->meters[port][i];
			struct acl_meter got;
			char id[8];

			if (!is_meter(w->texts[port][i]))
				continue;
			snprintf(id, sizeof(id), "n%u", i);
			got = acl_meter(&w->lab, port_name(port), id);
			if (got.frames != e->frames || got.bytes != e->bytes)
				fail_msg("%s on %s: %llu frames, %llu bytes instead of %llu, %llu",
					w->texts[port][i], port_name(port),
					(unsigned long long)got.frames,
					(unsigned long long)got.bytes,
					(unsigned long long)e->frames,
					(unsigned long long)e->bytes);
		}
	}
}

static void expect(struct world *w, const struct packet *p, uint32_t size)
{
	for (unsigned port = 0; port < 2; port++) {
		for (unsigned i = 0; i < w->models[port].n; i++) {
			const struct model_policy *e = &w->models[port].policies[i];
			struct expected *meter = &w->meters[port][atoi(e->id + 1)];

			if (!model_counts(e, p, port == 0))
				continue;
			meter->frames++;
			meter->bytes += size;
		}
	}
}

static struct packet random_packet(void)
{
	struct packet p = { .from = 0,
		.to = 4,
		.vlan = -1,
		.type = 0x0800,
		.protocol = any(2) ? 6 : 17,
		.src_port = (uint16_t)any(65536),
		.dst_port = (uint16_t)any(60000) };

	p.src[0] = p.dst[0] = 10;
	p.src[1] = (uint8_t)any(2);
	p.dst[1] = (uint8_t)any(2);
	p.src[3] = (uint8_t)any(4);
	p.dst[3] = (uint8_t)any(4);
	return p;
}

// Sends frames, and compares what came of them: passed = delivered + dropped at run time.
static void traffic(struct world *w, bool attached)
{
	uint64_t full = lab_drops(&w->lab, "core", "tx-full");
	uint64_t down = lab_drops(&w->lab, "core", "port-down"), n_passed = 0, n_delivered = 0;
	unsigned n = 1 + any(BURST);
	struct lab_frame got;

	for (unsigned i = 0; i < n; i++) {
		struct packet p = random_packet();
		struct lab_frame frame = packet_frame(&p);

		frame.size += any(200);
		lab_send(&w->lab, 0, &frame);
		if (attached && (*model_decide(&w->models[0], &p, true) ||
					*model_decide(&w->models[1], &p, false)))
			continue;
		n_passed++;
		if (attached)
			expect(w, &p, frame.size);
	}
	lab_run(&w->lab);
	while (w->connected && lab_receive(&w->lab, 1, &got))
		n_delivered++;
	full = lab_drops(&w->lab, "core", "tx-full") - full;
	down = lab_drops(&w->lab, "core", "port-down") - down;
	assert_int_equal(n_passed, n_delivered + full + down);
	w->n_full += full;
	w->n_down += down;
	check_meters(w);
}

// ---- What happens meanwhile

static void connect(struct world *w, bool connected)
{
	char nic[32];

	if (connected) {
		snprintf(nic, sizeof(nic), "memory:size=%d", QUEUE);
		assert_int_equal(weir_port_connect(w->lab.weir, "p1", nic, 0, &w->lab.error), 0);
		w->lab.ends[1] = weir_port_memory(w->lab.weir, "p1");
	} else {
		assert_int_equal(weir_port_disconnect(w->lab.weir, "p1", 0, &w->lab.error), 0);
		weir_memory_release(w->lab.ends[1]);
		w->lab.ends[1] = NULL;
		w->n_disconnected++;
	}
	w->connected = connected;
}

// Its policies go, its meters stay: each policy that comes back under its id goes on counting.
static void leave_and_return(struct world *w)
{
	lab_detach(&w->lab, "acl");
	lab_settle(&w->lab);
	w->n_detached++;
	for (unsigned i = 0; i < 3; i++)
		traffic(w, false);
	lab_attach(&w->lab, "acl", 10);
	for (unsigned port = 0; port < 2; port++)
		for (unsigned i = 0; i < 32; i++)
			if (*w->texts[port][i])
				assert_true(put(w, port, i, w->texts[port][i]));
}

static unsigned n_flows(struct world *w)
{
	return (unsigned)lab_switch(&w->lab, "br0").flows;
}

static void evict(struct world *w)
{
	unsigned before = n_flows(w);

	for (unsigned i = 0; i < 20; i++) {
		lab_advance_s(&w->lab, 60);
		lab_run(&w->lab);
	}
	w->n_evicted += before - n_flows(w);
}

static void note_reset(void *context, const struct weir_meter_info *info)
{
	struct world *w = context;
	struct expected *e = &w->meters[strcmp(info->target, "p1") == 0][atoi(info->id + 1)];

	assert_int_equal(info->frames, e->frames);
	assert_int_equal(info->bytes, e->bytes);
	*e = (struct expected){ 0 };
}

static void happen(struct world *w)
{
	switch (any(60)) {
	case 0:
		leave_and_return(w);
		break;
	case 1:
	case 2:
		connect(w, !w->connected);
		break;
	case 3:
		evict(w);
		break;
	case 4:
		weir_meter_list(w->lab.weir, NULL, true, note_reset, w, NULL);
		w->n_reset++;
		return;
	default:
		change(w);
		break;
	}
	lab_settle(&w->lab);
}

static void meters_are_exact(void **state)
{
	static struct world w = { .connected = true };

	(void)state;
	srand(3);
	acl_begin(&w.lab, &(struct lab_options){ .n_flows = 4096 });
	connect(&w, false);
	connect(&w, true);
	for (unsigned port = 0; port < 2; port++) {
		for (unsigned i = 0; i < 2; i++) {
			char text[128];

			text_of(port, i, text);
			assert_true(put(&w, port, i, text));
		}
	}
	lab_settle(&w.lab);
	for (unsigned i = 0; i < ROUNDS; i++) {
		traffic(&w, true);
		happen(&w);
	}
	assert_true(w.n_evicted > EVICTIONS_MIN);
	assert_true(w.n_full > DROPS_MIN);
	assert_true(w.n_down > DROPS_MIN);
	assert_true(w.n_detached >= DETACHES_MIN);
	assert_true(w.n_disconnected && w.n_reset && w.n_changed > 100);
	if (!w.connected)
		connect(&w, true);
	acl_end(&w.lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meters_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
