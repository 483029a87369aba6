// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Meters are exact: two workers pass connections, floods, segmentation frames and fragments, which
// other extensions rewrite, visit, mirror and drop, while rules, policers and meters change, flows
// and sessions end, NICs take no more or are gone, meters are read and reset, and the ACL moves in
// the stack, is detached, unloaded, loaded and attached. Every entry that meters has counted what
// exact_ledger.h says, to the byte. meter_test.c adds what a linear model decides.
#include <stdio.h>
#include <stdlib.h>

#include "acl_lab.h"
#include "exact_site.h"
#include "exact_traffic.h"

enum {
	STEPS = WEIR_SANITIZED ? 400 : 800,
	STEPS_PER_CHECK = 60, // fewer versions than can be told apart
	FIRST_METER = 2,
	EVICTIONS_MIN = 1000,
	DROPS_MIN = 100,
	LATER_MIN = 10, // few are denied on their way in that were not on their way out
	DETACHES_MIN = 10,
};

struct world {
	struct lab lab;
	struct ledger ledger;
	struct traffic traffic;
	struct site site;
	unsigned n_changes, n_refused, n_detached, n_evicted, n_reset, n_disconnected, n_moved;
};

static unsigned any(unsigned n)
{
	return (unsigned)rand() % n;
}

// ---- What happens meanwhile

// One to three policies come, go or are replaced; a meter that is replaced counts on.
static void change(struct world *w)
{
	static char before[EXACT_PORTS][SITE_NUMBERS][SITE_TEXT];

	memcpy(before, w->site.texts, sizeof(before));
	for (unsigned i = 1 + any(3); i > 0; i--) {
		unsigned port = any(4);
		unsigned number = FIRST_METER + any(SITE_NUMBERS - FIRST_METER);
		char *text = w->site.texts[port][number];

		// p3 denies nothing. What is not there when the ACL returns would go on without
		// a policy.
		if (number == SITE_PORTS_RULE || (port == 3 && number >= EXACT_METERS) ||
			!w->site.attached)
			continue;
		if (*text && any(3) == 0)
			*text = '\0';
		else
			site_random_policy(text, number);
	}
	w->n_changes++;
	if (site_publish(&w->site))
		return;
	w->n_refused++;
	memcpy(w->site.texts, before, sizeof(before));
}

static void leave_or_return(struct world *w)
{
	static const int orders[] = { 3, 10, 30 };

	w->n_detached += w->site.attached;
	w->site.attached = !w->site.attached;
	w->site.order = orders[any(3)];
	assert_true(site_publish(&w->site));
	if (!w->site.attached && any(2)) {
		lab_settle(&w->lab);
		assert_int_equal(weir_extension_unload(w->lab.weir, "acl", 0, &w->lab.error), 0);
	}
}

static void move(struct world *w)
{
	int before = w->site.order;

	w->site.order = before == 3 ? 30 : before == 30 ? 10 : 3;
	assert_true(site_publish(&w->site));
	w->n_moved++;
}

// Ends the batch, too.
static void plug(struct world *w, unsigned port)
{
	if (w->lab.ends[port]) {
		assert_int_equal(
			weir_port_disconnect(w->lab.weir, site_port(port), 0, &w->lab.error), 0);
		traffic_end_batch(&w->traffic);
		traffic_set_end(&w->traffic, port, NULL);
		w->n_disconnected++;
		return;
	}
	traffic_end_batch(&w->traffic);
	assert_int_equal(
		weir_port_connect(w->lab.weir, site_port(port), NULL, 0, &w->lab.error), 0);
	w->lab.ends[port] = weir_port_memory(w->lab.weir, site_port(port));
}

// Flows end while frames pass: those that are counted here, and as many as come anew meanwhile.
static void evict(struct world *w)
{
	uint64_t before = lab_switch(&w->lab, "br0").flows, after;

	lab_advance_s(&w->lab, 60);
	for (unsigned i = 0; i < 20; i++) {
		lab_run(&w->lab);
		traffic_take(&w->traffic, any(2));
	}
	after = lab_switch(&w->lab, "br0").flows;
	w->n_evicted += before > after ? (unsigned)(before - after) : 0;
}

static unsigned life_of(const struct world *w, const struct weir_meter_info *info)
{
	const struct version *v = &w->ledger.versions[w->ledger.latest % EXACT_VERSIONS];

	return v->lives[info->target[1] - '0'][atoi(info->id + 1)];
}

static void note_reset(void *context, const struct weir_meter_info *info)
{
	struct world *w = context;
	struct wire *reported = &w->ledger.reported[life_of(w, info)];

	reported->frames += info->frames;
	reported->bytes += info->bytes;
}

static void happen(struct world *w)
{
	switch (any(40)) {
	case 0:
	case 1:
	case 2:
		leave_or_return(w);
		break;
	case 3:
		move(w);
		break;
	case 4:
	case 5:
		plug(w, 1 + any(2));
		return;
	case 6:
		evict(w);
		break;
	case 7:
	case 8:
		weir_meter_list(w->lab.weir, NULL, true, note_reset, w, NULL);
		w->n_reset++;
		break;
	default:
		change(w);
		break;
	}
	traffic_end_batch(&w->traffic);
}

// ---- The equation

static void check_meter(void *context, const struct weir_meter_info *info)
{
	struct world *w = context;
	unsigned life = life_of(w, info);
	const struct wire *expected = &w->ledger.counted[life], *before = &w->ledger.reported[life];

	assert_int_not_equal(life, 0);
	if (before->frames + info->frames != expected->frames ||
		before->bytes + info->bytes != expected->bytes)
		fail_msg("version %u: %s of %s: %llu frames, %llu bytes instead of %llu, %llu; %s",
			w->ledger.latest, info->id, info->target,
			(unsigned long long)(before->frames + info->frames),
			(unsigned long long)(before->bytes + info->bytes),
			(unsigned long long)expected->frames, (unsigned long long)expected->bytes,
			w->site.texts[info->target[1] - '0'][atoi(info->id + 1)]);
}

static void check(struct world *w)
{
	traffic_quiesce(&w->traffic);
	weir_meter_list(w->lab.weir, NULL, false, check_meter, w, NULL);
	lab_check_conservation(&w->lab);
	assert_int_equal(lab_drops(&w->lab, "core", "no-buffers"), 0);
	lab_forget_log(&w->lab);
}

// ---- The course of it

static void add_port(struct world *w, unsigned port, const char *vlan, const char *nic)
{
	w->lab.nic = nic;
	lab_add_port(&w->lab, "br0", port, vlan);
}

static void begin(struct world *w)
{
	lab_start(&w->lab, &(struct lab_options){ .n_workers = 2,
				   .virtual_clock = true,
				   .n_flows = 8192,
				   .n_sessions = 256,
				   .n_port_sessions = 64 });
	add_port(w, 0, "trunk:10", "memory:queues=2,size=1024");
	add_port(w, 1, "10", "memory:queues=2,size=32");
	add_port(w, 2, "10", "memory:queues=2,size=32,offload=off");
	add_port(w, 3, "10", "memory:queues=2,size=1024");
	add_port(w, 4, "99", "memory:queues=2,size=4096");
	for (unsigned i = 0; i < 8; i++) {
		char mac[18];

		snprintf(mac, sizeof(mac), "02:00:00:00:00:%02x", i);
		assert_int_equal(weir_fdb_add(w->lab.weir, "br0", mac, 10, site_port(i % 4), 0,
					 &w->lab.error),
			0);
	}
	w->site.lab = &w->lab;
	w->site.ledger = &w->ledger;
	w->ledger.frames = calloc(EXACT_FRAMES, sizeof(w->ledger.frames[0]));
	assert_non_null(w->ledger.frames);
	for (unsigned port = 0; port < EXACT_PORTS; port++) {
		strcpy(w->site.texts[port][0], "acl direction=in action=meter remote=any");
		strcpy(w->site.texts[port][1], "acl direction=out action=meter remote=any");
		if (port < TRAFFIC_PORTS)
			snprintf(w->site.texts[port][SITE_PORTS_RULE], SITE_TEXT,
				"rule direction=both action=deny weight=1 protocol=udp "
				"remote_port=9");
	}
	w->site.attached = true;
	w->site.order = 10;
	assert_true(site_publish(&w->site));
	lab_settle(&w->lab);
	traffic_start(&w->traffic, &w->lab, &w->ledger);
}

static void assert_seen_enough(const struct world *w)
{
	const struct traffic *t = &w->traffic;

	print_message("%u frames sent, %llu came out, %llu tx-full, %llu port-down, %llu and %llu "
		      "over-rate, %llu later fragments, %llu dropped on a visit, %llu mirrored\n",
		w->ledger.n_frames, (unsigned long long)t->n_came_out,
		(unsigned long long)t->n_tx_full, (unsigned long long)t->n_port_down,
		(unsigned long long)t->n_over_rate_out, (unsigned long long)t->n_over_rate_in,
		(unsigned long long)t->n_later_in, (unsigned long long)t->n_visited,
		(unsigned long long)t->n_mirrored);
	print_message("%u changes, %u refused, %u detaches, %u moves, %u evictions, %u resets, %u "
		      "disconnects, %u meters; %llu rewritten, %llu of super-frames, %llu later "
		      "fragments, %llu more of floods\n",
		w->n_changes, w->n_refused, w->n_detached, w->n_moved, w->n_evicted, w->n_reset,
		w->n_disconnected, w->ledger.n_lives, (unsigned long long)w->ledger.n_rewritten,
		(unsigned long long)w->ledger.n_super, (unsigned long long)w->ledger.n_later,
		(unsigned long long)w->ledger.n_flooded);
	assert_true(w->n_evicted > EVICTIONS_MIN && w->n_detached > DETACHES_MIN);
	assert_true(t->n_tx_full > DROPS_MIN && t->n_port_down > DROPS_MIN);
	assert_true(t->n_over_rate_in > DROPS_MIN && t->n_over_rate_out > DROPS_MIN);
	assert_true(t->n_visited > DROPS_MIN && t->n_mirrored > DROPS_MIN);
	assert_true(t->n_came_out > w->ledger.n_frames / 4);
	assert_true(w->ledger.n_rewritten > DROPS_MIN && w->ledger.n_super > DROPS_MIN);
	assert_true(w->ledger.n_flooded > DROPS_MIN);
	assert_true(t->n_later_in > LATER_MIN && w->ledger.n_later > DROPS_MIN);
	assert_true(w->n_moved > 2 && w->n_reset > 10 && w->n_disconnected > 5);
}

static void meters_are_exact(void **state)
{
	static struct world w;

	(void)state;
	srand(5);
	begin(&w);
	for (unsigned i = 1; i <= STEPS; i++) {
		traffic_begin_batch(&w.traffic);
		happen(&w);
		lab_run(&w.lab);
		traffic_take(&w.traffic, any(3));
		if (i % STEPS_PER_CHECK == 0)
			check(&w);
	}
	check(&w);
	assert_seen_enough(&w);
	traffic_stop(&w.traffic);
	if (!w.site.attached)
		leave_or_return(&w);
	free(w.ledger.frames);
	acl_end(&w.lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meters_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
