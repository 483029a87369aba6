// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The table of rights: every right, tried by every class at every place where it has a hook. Either
// it has its effect on the frame and nothing is counted, or the frame fares as if nothing had been
// said, the violation is counted and the sentence about it names what was tried.
//
// p0 sends to p1; p2 is what a right can bring in. The probe acts at p0, or at p1 for stage egress.
#include "lab_probe.h"

enum { N_FRAMES = 3, NEW_TOS = 0xb8 };

enum class {
	CAPTURE = 1 << 0,
	FILTER = 1 << 1,
	FORWARDING = 1 << 2,
};

#define STAGE(s) (1u << PROBE__ACT__STAGE__##s)
#define ANY      (STAGE(INGRESS) | STAGE(FORWARD) | STAGE(FORWARDED) | STAGE(EGRESS) | STAGE(DROP))

static const struct class_row {
	const char *extension;
	enum class class;
	unsigned stages; // where it has a decide hook
} classes[] = {
	{ "probe-capture", CAPTURE, STAGE(INGRESS) | STAGE(EGRESS) | STAGE(DROP) },
	{ "probe-filter", FILTER, STAGE(INGRESS) | STAGE(FORWARDED) | STAGE(EGRESS) },
	{ "probe-forwarding", FORWARDING, STAGE(FORWARD) },
};

// How the frames fare.
struct fate {
	unsigned at_p1, at_p2;
	uint8_t tos; // of the last at p1
	uint64_t metered, dropped, consumed, originated;
};

static const struct fate as_ever = { .at_p1 = N_FRAMES };
static const struct fate copied = { .at_p1 = N_FRAMES, .at_p2 = N_FRAMES };
static const struct fate marked = { .at_p1 = N_FRAMES, .tos = NEW_TOS };
static const struct fate metered = { .at_p1 = N_FRAMES, .metered = N_FRAMES };
static const struct fate dropped = { .dropped = N_FRAMES };
static const struct fate sent_to_p2 = { .at_p2 = N_FRAMES };
static const struct fate consumed = { .consumed = N_FRAMES };
static const struct fate originated = {
	.at_p1 = N_FRAMES,
	.at_p2 = N_FRAMES,
	.originated = N_FRAMES,
};

static const struct right_row {
	const char *name;
	Probe__Act act; // stage is filled in
	unsigned classes;
	unsigned stages; // where those may do it
	const struct fate *effect;
	const char *offence;
} rights[] = {
	{ "copy", { AT(INGRESS, COPY), PORT("p2") }, CAPTURE, ANY, &copied, "copy at stage" },
	{ "drop", { AT(INGRESS, DROP_FRAME) }, FILTER | FORWARDING, ANY, &dropped,
		"drop at stage" },
	{ "rewrite", { AT(INGRESS, SET), VALUE(WEIR_FIELD_IP_TOS), BYTES("\xb8", 1) },
		FILTER | FORWARDING, ANY, &marked, "rewrite at stage" },
	{ "meter", { AT(INGRESS, METER) }, FILTER | FORWARDING, ANY, &metered, "meter at stage" },
	{ "exclude", { AT(INGRESS, EXCLUDE) }, FILTER, STAGE(EGRESS), &dropped,
		"exclude at stage" },
	{ "choose a destination", { AT(INGRESS, SEND_TO), PORT("p2") }, FORWARDING, STAGE(FORWARD),
		&sent_to_p2, "choosing a destination at stage" },
	{ "flood", { AT(INGRESS, FLOOD) }, FORWARDING, STAGE(FORWARD), &copied,
		"flooding at stage" },
	{ "forward natively", { AT(INGRESS, NATIVE) }, FORWARDING, STAGE(FORWARD), &as_ever,
		"native forwarding at stage" },
	{ "visit", { AT(INGRESS, NOTHING), VISIT }, CAPTURE | FILTER | FORWARDING, ANY, &as_ever,
		"" },
	{ "edit in a visit", { AT(INGRESS, EDIT), VISIT, VALUE(15), BYTES("\xb8", 1) },
		FILTER | FORWARDING, ANY, &marked, "visit may only read" },
	{ "drop in a visit", { AT(INGRESS, DROP_FRAME), VISIT }, FILTER | FORWARDING, ANY, &dropped,
		"visit may not drop" },
	{ "redirect in a visit", { AT(INGRESS, REDIRECT), VISIT, PORT("p2") }, FORWARDING,
		STAGE(FORWARD), &sent_to_p2, "may redirect" },
	{ "rekey in a visit", { AT(INGRESS, REKEY), VISIT }, FILTER | FORWARDING, ANY, &as_ever,
		"visit may not change flows" },
	{ "consume in a visit", { AT(INGRESS, CONSUME), VISIT }, FILTER | FORWARDING, ANY,
		&consumed, "visit may not consume" },
	{ "originate in a visit", { AT(INGRESS, ORIGINATE), VISIT, PORT("p0") },
		CAPTURE | FILTER | FORWARDING, ANY, &originated, "" },
};

static struct fate send_frames(
	struct lab *lab, const char *target, const char *extension, bool lost)
{
	struct lab_frame frame = lab_udp(0, 1, 5000, 6000), last = { .size = 0 };
	unsigned got[LAB_PORTS_MAX];
	struct fate fate = { 0 };

	if (lost) // IEEE 802.1Q-2018, 8.6.3: not forwarded
		memcpy(frame.bytes, "\x01\x80\xc2\x00\x00\x00", 6);
	for (unsigned i = 0; i < N_FRAMES; i++) {
		lab_pass(lab, 0, &frame, got, 1, &last);
		fate.at_p1 += got[1];
		fate.at_p2 += got[2];
		assert_int_equal(got[0], 0);
	}
	fate.tos = last.bytes[15];
	fate.metered = lab_meter(lab, target, extension, "try");
	fate.metered = fate.metered == UINT64_MAX ? 0 : fate.metered;
	fate.dropped = lab_drops(lab, extension, "told");
	fate.consumed = lab_switch(lab, "br0").consumed;
	fate.originated = lab_switch(lab, "br0").originated;
	return fate;
}

static bool same_fate(const struct fate *a, const struct fate *b)
{
	return a->at_p1 == b->at_p1 && a->at_p2 == b->at_p2 && a->tos == b->tos &&
	       a->metered == b->metered && a->dropped == b->dropped && a->consumed == b->consumed &&
	       a->originated == b->originated;
}

static void print_fate(const char *what, const struct fate *f)
{
	print_error("  %s: p1 %u, p2 %u, tos 0x%02x, metered %d, dropped %d, consumed %d, "
		    "originated %d\n",
		what, f->at_p1, f->at_p2, f->tos, (int)f->metered, (int)f->dropped,
		(int)f->consumed, (int)f->originated);
}

// What is due when frames are dropped anyway, and only stage 7 sees them.
static struct fate without_delivery(const struct fate *fate)
{
	struct fate f = *fate;

	f.at_p1 = 0;
	f.tos = 0;
	return f;
}

static unsigned check(const struct right_row *right, const struct class_row *class, unsigned stage)
{
	static const char *const stages[] = { "ingress", "forward", "forwarded", "egress", "drop" };
	const char *target = stage == PROBE__ACT__STAGE__EGRESS ? "p1" : "p0";
	bool drop_stage = stage == PROBE__ACT__STAGE__DROP;
	bool allowed = (right->classes & class->class) && (right->stages & 1u << stage);
	struct fate expected = allowed ? *right->effect : as_ever, fate;
	struct lab_frame to_p2 = lab_udp(0, 2, 7000, 8000);
	struct lab_extension counted;
	Probe__Act act = right->act;
	struct lab lab;
	bool fair;

	lab_start(&lab, &(struct lab_options){ .n_ports = 3 });
	lab_learn(&lab);
	lab_attach(&lab, class->extension, 0);
	act.stage = (Probe__Act__Stage)stage;
	if (act.what == PROBE__ACT__WHAT__ORIGINATE) {
		act.has_bytes = 1;
		act.bytes = (ProtobufCBinaryData){ to_p2.size, to_p2.bytes };
	}
	// Asked for first, so that what it decides about does not decide about it.
	lab_act(&lab, target, class->extension, "try", act);
	fate = send_frames(&lab, target, class->extension, drop_stage);
	counted = lab_extension(&lab, class->extension);
	if (drop_stage)
		expected = without_delivery(&expected);
	fair = allowed ? counted.violations == 0 && !*counted.last_offence
		       : counted.violations > 0 && strstr(counted.last_offence, right->offence);
	if (act.visit)
		fair &= counted.visits == N_FRAMES;
	if (!same_fate(&fate, &expected) || !fair) {
		print_error("%s may %s%s at stage %s, but:\n", class->extension,
			allowed ? "" : "not ", right->name, stages[stage]);
		print_fate("expected", &expected);
		print_fate("found", &fate);
		print_error("  violations %d, visits %d, last offence \"%s\"\n",
			(int)counted.violations, (int)counted.visits, counted.last_offence);
		lab_end(&lab);
		return 1;
	}
	lab_end(&lab);
	return 0;
}

static void decides_and_visits(void **state)
{
	unsigned failed = 0, n = 0;

	(void)state;
	for (size_t r = 0; r < sizeof(rights) / sizeof(rights[0]); r++) {
		for (size_t c = 0; c < sizeof(classes) / sizeof(classes[0]); c++) {
			for (unsigned s = 0; s <= PROBE__ACT__STAGE__DROP; s++) {
				if (!(classes[c].stages & 1u << s))
					continue;
				failed += check(&rights[r], &classes[c], s);
				n++;
			}
		}
	}
	print_message("%u rows\n", n);
	assert_int_equal(failed, 0);
}

// ---- Hooks that a class does not have

static void foreign_hooks_are_refused(void **state)
{
	static const char *const names[] = { "capture-forward", "capture-forwarded",
		"capture-review", "capture-session_ended", "filter-forward", "filter-dropped",
		"forwarding-ingress", "forwarding-forwarded", "forwarding-egress",
		"forwarding-dropped", "service-ingress", "service-forward", "service-forwarded",
		"service-egress", "service-dropped", "service-visit", "service-session_ended" };
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 1 });
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char name[64], sentence[128], class[16];
		const char *hook = strchr(names[i], '-') + 1;

		snprintf(class, sizeof(class), "%.*s", (int)(hook - names[i] - 1), names[i]);
		snprintf(name, sizeof(name), "refused-%s", names[i]);
		for (char *c = name; *c; c++)
			*c = *c == '_' ? '-' : *c;
		snprintf(sentence, sizeof(sentence),
			"has a hook %s(), which the class %s does not have", hook, class);
		lab_assert_refused(&lab,
			weir_extension_attach(lab.weir, "br0", name, -1, 0, &lab.error), EINVAL,
			sentence);
		assert_false(lab_extension(&lab, name).attached);
	}
	lab_end(&lab);
}

// ---- The control thread

static const struct control_row {
	const char *extension;
	bool may_veto, may_originate;
} controls[] = {
	{ "probe-capture", false, true },
	{ "probe-filter", true, true },
	{ "probe-forwarding", true, true },
	{ "probe-service", true, false },
};

static int set_mtu(struct lab *lab, const char *port, uint32_t mtu)
{
	struct weir_port_config config = { .size = sizeof(config), .mtu = mtu };

	return weir_port_set(lab->weir, port, &config, WEIR_PORT_SET_MTU, 0, &lab->error);
}

static void vetoes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
		const struct control_row *row = &controls[i];
		struct weir_port_config config = { .size = sizeof(config) };
		struct lab_extension counted;
		struct lab lab;
		int ret;

		lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
		lab_attach(&lab, row->extension, 0);
		lab_veto(&lab, row->extension, WEIR_EVENT_PORT_CHANGED, "the MTU stays");
		ret = set_mtu(&lab, "p0", 1400);
		if (row->may_veto)
			lab_assert_refused(&lab, ret, EACCES, "the MTU stays");
		else // it has no review hook: the loader refuses one, as shown above
			assert_int_equal(ret, 0);
		// prepare() can refuse a port too.
		ret = weir_port_add(lab.weir, "br0", "refused", &config, 0, &lab.error);
		counted = lab_extension(&lab, row->extension);
		if (row->may_veto) {
			lab_assert_refused(&lab, ret, EPERM, "is not wanted");
			assert_int_equal(counted.violations, 0);
		} else {
			assert_int_equal(ret, 0);
			assert_int_equal(counted.violations, 1);
			assert_non_null(strstr(counted.last_offence, "refusing a port"));
		}
		assert_int_equal(lab_switch(&lab, "br0").n_ports, row->may_veto ? 2 : 3);
		lab_end(&lab);
	}
}

static void originates_from_the_control_thread(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2), got;

	(void)state;
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
		const struct control_row *row = &controls[i];
		struct lab_extension counted;
		struct lab lab;

		lab_start(&lab, &(struct lab_options){ .n_ports = 3 });
		lab_learn(&lab);
		lab_attach(&lab, row->extension, 0);
		lab_act(&lab, "p2", row->extension, "send",
			(Probe__Act){ AT(CONTROL, ORIGINATE), PORT("p0"), FRAME(frame) });
		assert_int_equal(set_mtu(&lab, "p2", 1400), 0);
		lab_run(&lab);
		counted = lab_extension(&lab, row->extension);
		assert_int_equal(lab_receive(&lab, 1, &got), row->may_originate);
		assert_int_equal(counted.violations, row->may_originate ? 0 : 1);
		assert_int_equal(lab_switch(&lab, "br0").originated, row->may_originate);
		assert_int_equal(lab_logged(&lab, "originated: EPERM"), !row->may_originate);
		if (!row->may_originate)
			assert_non_null(strstr(counted.last_offence, "originating"));
		lab_end(&lab);
	}
}

// Policies (above), events and refreshes are everybody's.
static void events_and_refreshes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
		const char *extension = controls[i].extension;
		struct lab lab;

		lab_start(&lab, &(struct lab_options){ .n_ports = 1 });
		lab_attach(&lab, extension, 0);
		lab_act(&lab, "p0", extension, "refresh", (Probe__Act){ AT(CONTROL, REFRESH) });
		lab_settle(&lab);
		lab_forget_log(&lab);
		assert_int_equal(set_mtu(&lab, "p0", 1400), 0);
		assert_int_equal(lab_logged(&lab, "event 2 p0"), 1);
		assert_int_equal(lab_logged(&lab, "committed p0"), 0);
		lab_run(&lab);
		assert_int_equal(lab_logged(&lab, "committed p0"), 1);
		lab_settle(&lab);
		assert_int_equal(lab_logged(&lab, "released p0"), 1);
		assert_int_equal(lab_extension(&lab, extension).violations, 0);
		lab_end(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_and_visits),
		cmocka_unit_test(foreign_hooks_are_refused),
		cmocka_unit_test(vetoes),
		cmocka_unit_test(originates_from_the_control_thread),
		cmocka_unit_test(events_and_refreshes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
