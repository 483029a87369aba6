// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A document that is applied while memory runs out: wherever that happens, for one allocation or
// for all later ones, either everything is made or nothing is left of it, and frames pass as
// before.
#include "lab_document.h"
#include "lab_faults.h"

// ---- Documents

#define AFTER                                                                                      \
	"switch br0\n"                                                                             \
	"extension br0 nothing-2 order=5\n"                                                        \
	"extension br0 probe-filter order=20 fail_open\n"                                          \
	"port br0 p1 nic=null vlan=7\n"                                                            \
	"policy p1 probe-filter a act METER\n"                                                     \
	"port br0 p2 nic=memory\n"                                                                 \
	"policy p2 probe-filter a act NOTHING 1\n"                                                 \
	"fdb br0 02:00:00:00:00:09 0 p2\n"                                                         \
	"switch br2\n"                                                                             \
	"extension br2 probe-filter order=10\n"                                                    \
	"port br2 x0 nic=null\n"

// By the documents, and only by them.
static const char *const loaded[] = { "nothing-2", "probe-filter" };

struct attempt {
	const char *name, *before, *document, *after;
	unsigned flags;
};

static const struct attempt attempts[] = {
	{ "everything", "switch br0\n", AFTER, AFTER, WEIR_PRUNE },
	{ "all kinds of changes",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"extension br0 probe-service order=10\n"
		"port br0 p0 nic=memory\n"
		"policy p0 probe-service a act NOTHING 1\n"
		"port br0 p1 nic=memory\n"
		"policy p1 probe-filter a act NOTHING 2\n"
		"policy p1 probe-filter b act NOTHING 2\n"
		"fdb br0 02:00:00:00:00:09 0 p1\n"
		"switch br1\n"
		"extension br1 nothing-1 order=10\n"
		"port br1 x0 nic=null\n",
		AFTER, AFTER, WEIR_PRUNE },
	{ "an extension", "switch br0\n",
		"switch br0\nextension br0 probe-filter order=10\nport br0 p0 nic=null\n",
		"switch br0\nextension br0 probe-filter order=10\nport br0 p0 nic=null\n", 0 },
	{ "what cannot be had", "switch br0\n",
		"switch br0\nextension br0 nobody order=3\nextension br0 probe-filter order=10\n"
		"port br0 p0 nic=wire\npolicy p0 nobody a kind body\n"
		"policy p0 probe-filter r refuse odd\nmeter p0 nobody a 7 700\n",
		"switch br0\nextension br0 nobody order=3\nextension br0 probe-filter order=10\n"
		"port br0 p0 nic=wire\npolicy p0 nobody a kind body\n"
		"policy p0 probe-filter r refuse odd\n",
		WEIR_RESTORE },
};

struct traces {
	unsigned n_loaded, n_meters;
};

static void count_loaded(void *context, const struct weir_extension_info *info)
{
	((struct traces *)context)->n_loaded += info->switch_name == NULL;
}

static void count_meter(void *context, const struct weir_meter_info *info)
{
	(void)info;
	((struct traces *)context)->n_meters++;
}

// What the export does not tell.
static struct traces look(struct lab *lab)
{
	struct traces traces = { 0 };

	weir_extension_list(lab->weir, NULL, count_loaded, &traces, NULL);
	weir_meter_list(lab->weir, NULL, false, count_meter, &traces, NULL);
	return traces;
}

static void check_frames(struct lab *lab)
{
	struct lab_frame frame = lab_udp(0, 1, 4000, 4001);

	lab->n_ports = 2;
	lab->ends[0] = weir_port_memory(lab->weir, "p0");
	lab->ends[1] = weir_port_memory(lab->weir, "p1");
	if (lab->ends[0] && lab->ends[1])
		lab_assert_pass(lab, 0, &frame, 1 << 1);
	for (unsigned i = 0; i < 2; i++) {
		weir_memory_release(lab->ends[i]);
		lab->ends[i] = NULL;
	}
}

// Where a state that was committed is being retired, its extension stays loaded.
static void assert_nothing_left(struct lab *lab, const struct attempt *attempt, unsigned long n)
{
	struct traces traces = look(lab);

	if (!lab->error.message[0])
		fail_msg("%s, allocation %lu: refused without a sentence", attempt->name, n);
	if (traces.n_loaded && !lab_logged(lab, "committed"))
		fail_msg("%s, allocation %lu: %u extensions stay loaded", attempt->name, n,
			traces.n_loaded);
	if (traces.n_meters)
		fail_msg("%s, allocation %lu: meters stay", attempt->name, n);
	lab_assert_state(lab, attempt->before);
}

static void unload(struct lab *lab)
{
	lab_settle(lab);
	for (size_t i = 0; i < sizeof(loaded) / sizeof(loaded[0]); i++)
		weir_extension_unload(lab->weir, loaded[i], 0, NULL);
}

// The next one starts from where the last one did.
static void go_back(struct lab *lab, const struct attempt *attempt)
{
	lab_apply(lab, attempt->before, WEIR_PRUNE);
	lab_assert_state(lab, attempt->before);
	unload(lab);
}

// False: there are fewer allocations. What it can do without, it does.
static bool try_without(struct lab *lab, const struct attempt *attempt,
	const struct weir_document *document, unsigned long n, bool all)
{
	bool has_failed;
	int failed;

	memset(&lab->error, 0, sizeof(lab->error));
	lab_forget_log(lab);
	lab_faults_arm(n, all);
	failed = weir_apply(lab->weir, document, attempt->flags, NULL, NULL, &lab->error);
	has_failed = lab_faults_disarm();
	if (failed) {
		assert_int_equal(failed, -ENOMEM);
		assert_true(has_failed);
		assert_nothing_left(lab, attempt, n);
		if (lab_logged(lab, "committed"))
			unload(lab);
	} else {
		lab_assert_state(lab, attempt->after);
		go_back(lab, attempt);
	}
	check_frames(lab);
	return has_failed;
}

static void memory_runs_out(void **state)
{
	enum { STEP = WEIR_SANITIZED ? 3 : 1 }; // where it does not come back

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(attempts) / sizeof(attempts[0]); i++) {
		const struct attempt *attempt = &attempts[i / 2];
		struct weir_document *document = lab_document(attempt->document);
		unsigned long n = 1;
		struct lab lab;

		lab_start(&lab, &(struct lab_options){ 0 });
		lab_apply(&lab, attempt->before, 0);
		// What is allocated once for ever is had before the others are numbered.
		lab_apply(&lab, attempt->document, attempt->flags);
		go_back(&lab, attempt);
		for (; try_without(&lab, attempt, document, n, i % 2); n += i % 2 ? STEP : 1)
			if (n % 8 == 0)
				lab_settle(&lab); // what was given up has ended
		print_message("%s: %lu allocations\n", attempt->name, n - 1);
		assert_true(n > 30);
		lab_end(&lab);
		weir_document_destroy(document);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
