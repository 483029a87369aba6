// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Meters and policers that a state keeps of the one before: what is had then is the same as if all
// of it had been asked for.
#include "lab_faults.h"
#include "lab_probe.h"

#include "switch/numbers.h"
#include "switch/vswitch.h"

static const char thrifty[] = "thrifty";

enum { N_IDS = 12 };

// What is to be counted, by the number in the id.
struct model {
	bool there[N_IDS];
	uint64_t frames[N_IDS];
};

static const char *id_of(unsigned i)
{
	static char id[8];

	snprintf(id, sizeof(id), "m%u", i);
	return id;
}

static int count_at(struct lab *lab, unsigned i, unsigned flags)
{
	return lab_try_act(lab, "p0", thrifty, id_of(i), (Probe__Act){ AT(INGRESS, METER) }, flags);
}

static void pass_and_compare(struct lab *lab, struct model *model)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);

	lab_settle(lab);
	lab_assert_pass(lab, 0, &frame, 1 << 1);
	for (unsigned i = 0; i < N_IDS; i++) {
		uint64_t frames = lab_meter(lab, "p0", thrifty, id_of(i));

		model->frames[i] += model->there[i];
		if (frames != (model->there[i] ? model->frames[i] : UINT64_MAX))
			fail_msg("%s: %llu, not %llu", id_of(i), (unsigned long long)frames,
				(unsigned long long)model->frames[i]);
	}
}

static void start(struct lab *lab)
{
	lab_start(lab, &(struct lab_options){ .n_ports = 2 });
	lab_learn(lab);
	lab_attach(lab, thrifty, 0);
}

static uint32_t random_number(void)
{
	static uint32_t x = 2463534242; // Marsaglia, "Xorshift RNGs", 2003

	x ^= x << 13;
	x ^= x >> 17;
	return x ^= x << 5;
}

static void change(struct lab *lab, struct model *model)
{
	unsigned i = random_number() % N_IDS;
	Probe__Refuse refuse = PROBE__REFUSE__INIT;

	switch (random_number() % 6) {
	case 0:
	case 1: // a replacement too
		assert_int_equal(count_at(lab, i, 0), 0);
		model->frames[i] = model->there[i] ? model->frames[i] : 0;
		model->there[i] = true;
		break;
	case 2:
	case 3:
		if (model->there[i])
			lab_remove_policy(lab, "p0", thrifty, id_of(i));
		model->there[i] = false;
		break;
	case 4:
		assert_int_equal(count_at(lab, i, WEIR_DRY_RUN), 0);
		break;
	default:
		refuse.why = (char *)"";
		assert_int_equal(
			lab_try_policy(lab, "p0", thrifty, "refuse", "r", &refuse.base, 0), -EPERM);
	}
}

static void random_changes(void **state)
{
	struct model model = { 0 };
	struct lab lab;

	(void)state;
	start(&lab);
	for (unsigned i = 0; i < 1500; i++) {
		change(&lab, &model);
		// Changes follow each other before the states that they replace are released, too.
		if (random_number() % 3)
			pass_and_compare(&lab, &model);
	}
	lab_detach(&lab, thrifty);
	lab_settle(&lab);
	lab_end(&lab);
}

// A policer that is kept has no new burst; another rate holds when it is asked for.
static void policers_are_kept(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab);
	lab_act(&lab, "p0", thrifty, "p", (Probe__Act){ AT(INGRESS, POLICE), LIMIT(1000, 64) });
	lab_settle(&lab);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_assert_pass(&lab, 0, &frame, 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(count_at(&lab, i, 0), 0);
		lab_settle(&lab);
		lab_assert_pass(&lab, 0, &frame, 0);
	}
	lab_remove_policy(&lab, "p0", thrifty, id_of(1));
	lab_settle(&lab);
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_act(&lab, "p0", thrifty, "p", (Probe__Act){ AT(INGRESS, POLICE), LIMIT(1000, 64) });
	lab_settle(&lab);
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_remove_policy(&lab, "p0", thrifty, "p");
	lab_settle(&lab);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(lab_meter(&lab, "p0", thrifty, id_of(0)), 1);
	lab_end(&lab);
}

static void wrong_calls_keep_nothing(void **state)
{
	static const char *const wrong[] = { "ESTALE", "ENOENT", "EINVAL" };
	struct model model = { .there = { true } };
	struct lab lab;

	(void)state;
	start(&lab);
	assert_int_equal(count_at(&lab, 0, 0), 0);
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		lab_assert_refused(&lab,
			lab_try_act(&lab, "p0", thrifty, wrong[i],
				(Probe__Act){ AT(INGRESS, METER) }, 0),
			EPERM, "as said");
		pass_and_compare(&lab, &model);
	}
	lab_end(&lab);
}

// Whichever allocation of the core's fails: a change is made or not, and the meters go with it.
static void without_memory(void **state)
{
	struct model model = { 0 };
	unsigned n = 0;
	struct lab lab;
	bool hit = true;

	(void)state;
	start(&lab);
	for (unsigned i = 0; i < N_IDS - 1; i++) {
		assert_int_equal(count_at(&lab, i, 0), 0);
		model.there[i] = true;
	}
	for (n = 1; hit; n++) {
		lab_faults_arm((n + 1) / 2, n % 2);
		model.there[N_IDS - 1] = count_at(&lab, N_IDS - 1, 0) == 0;
		hit = lab_faults_disarm();
		model.frames[N_IDS - 1] = 0;
		pass_and_compare(&lab, &model);
		if (!model.there[N_IDS - 1])
			continue;
		// And taken away again, if there is memory for that.
		lab_faults_arm((n + 1) / 2, n % 2);
		model.there[N_IDS - 1] = weir_policy_remove(lab.weir, "p0", thrifty,
						 id_of(N_IDS - 1), 0, &lab.error) < 0;
		hit |= lab_faults_disarm();
		pass_and_compare(&lab, &model);
		if (model.there[N_IDS - 1])
			lab_remove_policy(&lab, "p0", thrifty, id_of(N_IDS - 1));
		model.there[N_IDS - 1] = false;
	}
	assert_true(n > 12);
	lab_end(&lab);
}

// One more than there can be is refused with the number, in either way to ask.
static void too_many(void **state)
{
	struct model model = { .there = { true, true } };
	struct vswitch *s;
	struct lab lab;

	(void)state;
	start(&lab);
	s = vswitch_find(lab.weir, "br0", NULL);
	assert_int_equal(count_at(&lab, 0, 0), 0);
	s->meter_numbers.max = 2;
	s->policer_numbers.max = 0;
	assert_int_equal(count_at(&lab, 1, 0), 0);
	lab_assert_refused(
		&lab, count_at(&lab, 2, 0), ENOSPC, "switch br0: has 2 meters, the most allowed");
	lab_assert_refused(&lab,
		lab_try_act(&lab, "p0", thrifty, "p",
			(Probe__Act){ AT(INGRESS, POLICE), LIMIT(1000, 64) }, 0),
		ENOSPC, "switch br0: has 0 policers, the most allowed");
	pass_and_compare(&lab, &model);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_changes),
		cmocka_unit_test(policers_are_kept),
		cmocka_unit_test(wrong_calls_keep_nothing),
		cmocka_unit_test(without_memory),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
