// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A cheat on the control thread: the name of a port says what it does when it prepares for it. It
// says at level debug what it was answered.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <weir/extension.h>

struct rogue {
	struct weir_attachment *attachment;
	bool vetoes;
};

#define SAY(rogue, what, answer)                                                                   \
	weir_log((rogue)->attachment, LOG_DEBUG, what ": %s", name_of(answer))

static const char *name_of(int answer)
{
	return answer < 0 ? strerrorname_np(-answer) : "0";
}

// ---- Deeds

static int ask_for_meters(struct rogue *r, struct weir_plan *plan, struct weir_error *error)
{
	int failed = 0;
	uint32_t meter;
	char key[16];

	(void)r;
	(void)error;
	for (unsigned i = 0; !failed; i++) {
		snprintf(key, sizeof(key), "%u", i);
		failed = weir_plan_meter(plan, key, &meter);
	}
	return failed;
}

static int ask_for_policers(struct rogue *r, struct weir_plan *plan, struct weir_error *error)
{
	int failed = 0;
	uint32_t policer;
	char key[16];

	(void)r;
	(void)error;
	for (unsigned i = 0; !failed; i++) {
		snprintf(key, sizeof(key), "%u", i);
		failed = weir_plan_policer(plan, key, 1000000, 1000, &policer);
	}
	return failed;
}

static int name_badly(struct rogue *r, struct weir_plan *plan, struct weir_error *error)
{
	static const char *const keys[] = { NULL, "", "\xff", "\xc3(",
		"0123456789012345678901234567890123456789012345678901234567890123" };
	uint32_t id;

	(void)error;
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		SAY(r, "meter", weir_plan_meter(plan, keys[i], &id));
		SAY(r, "policer", weir_plan_policer(plan, keys[i], 1000000, 1000, &id));
	}
	return 0;
}

static int name_badly_and_give_up(struct rogue *r, struct weir_plan *plan, struct weir_error *error)
{
	uint32_t id;

	(void)r;
	(void)error;
	return weir_plan_meter(plan, "\xff", &id);
}

static int ask_for_rings(struct rogue *r, struct weir_plan *plan, struct weir_error *error)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX / 2 + 2, (size_t)1 << 31 };
	struct weir_ring *ring;

	(void)plan;
	(void)error;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		SAY(r, "ring", weir_ring_create(r->attachment, sizes[i], &ring));
	return 0;
}

static int ask_for_timers(struct rogue *r, struct weir_plan *plan, struct weir_error *error)
{
	(void)plan;
	(void)error;
	for (unsigned i = 0; i < WEIR_TIMERS_MAX; i++)
		if (weir_timer(r->attachment, i, WEIR_TIMER_OFF - 1) < 0)
			weir_log(r->attachment, LOG_DEBUG, "timer %u refused", i);
	SAY(r, "one timer more", weir_timer(r->attachment, WEIR_TIMERS_MAX, 1));
	return 0;
}

static int plan_nonsense(struct rogue *r, struct weir_plan *plan, struct weir_error *error)
{
	uint32_t sink;

	(void)error;
	SAY(r, "reads", weir_plan_reads(plan, (enum weir_stage)99, 0));
	SAY(r, "reads", weir_plan_reads(plan, WEIR_STAGE_INGRESS, UINT64_MAX));
	SAY(r, "inactive", weir_plan_inactive(plan, (enum weir_stage) - 1));
	SAY(r, "mirror", weir_plan_mirror(plan, "no-such-port", &sink));
	SAY(r, "learn", weir_plan_learn_limit(plan, 0));
	weir_log(r->attachment, LOG_DEBUG, "port: 0x%x", weir_plan_port(plan, ""));
	return 0;
}

static int use_nonsense(struct rogue *r, struct weir_plan *plan, struct weir_error *error)
{
	static const uint8_t frame[13];

	(void)plan;
	(void)error;
	SAY(r, "short", weir_originate(r->attachment, WEIR_PORT_NONE, frame, sizeof(frame)));
	SAY(r, "long", weir_originate(r->attachment, WEIR_PORT_NONE, frame, SIZE_MAX));
	SAY(r, "nowhere", weir_originate(r->attachment, 0xdead, frame, 60));
	SAY(r, "refresh", weir_refresh(r->attachment, 0xdeadbeef));
	SAY(r, "sessions", weir_sessions_end(r->attachment, 0xdeadbeef, 7));
	weir_invalidate(r->attachment, UINT64_MAX);
	weir_log(r->attachment, 99, "%s", "a level that is none");
	weir_log(r->attachment, LOG_DEBUG, "%01000d", 1);
	return 0;
}

static int refuse_with_garbage(struct rogue *r, struct weir_plan *plan, struct weir_error *error)
{
	(void)r;
	weir_plan_remark(plan, "void with the refusal");
	memset(error, 0xee, sizeof(*error));
	return -EPERM;
}

static int refuse_with_escapes(struct rogue *r, struct weir_plan *plan, struct weir_error *error)
{
	(void)r;
	(void)plan;
	return weir_refuse(error, -EPERM, "a\nb", "\033[2J\177caf\303\251\n");
}

static int refuse_with_no_errno(struct rogue *r, struct weir_plan *plan, struct weir_error *error)
{
	(void)r;
	(void)plan;
	(void)error;
	return INT32_MIN;
}

static int refuse_for_memory(struct rogue *r, struct weir_plan *plan, struct weir_error *error)
{
	(void)r;
	(void)plan;
	(void)error;
	return -ENOMEM;
}

static int succeed_oddly(struct rogue *r, struct weir_plan *plan, struct weir_error *error)
{
	(void)r;
	(void)plan;
	memset(error, 0xee, sizeof(*error));
	return 77;
}

static int remark_with_garbage(struct rogue *r, struct weir_plan *plan, struct weir_error *error)
{
	char cut[400] = "cut ";

	(void)error;
	for (size_t i = 4; i < sizeof(cut) - 1; i++)
		cut[i] = "\303\251"[i % 2];
	SAY(r, "cut", weir_plan_remark(plan, "%s", cut));
	for (unsigned i = 1; i < WEIR_REMARKS_MAX; i++)
		if (weir_plan_remark(plan, "%s", "\033[2J\xff\ncaf\303\251") < 0)
			weir_log(r->attachment, LOG_DEBUG, "remark %u refused", i);
	SAY(r, "one remark more", weir_plan_remark(plan, "more"));
	return 0;
}

static int begin_to_veto(struct rogue *r, struct weir_plan *plan, struct weir_error *error)
{
	(void)plan;
	(void)error;
	r->vetoes = true;
	return 0;
}

static const struct deed {
	const char *port;
	int (*run)(struct rogue *r, struct weir_plan *plan, struct weir_error *error);
} deeds[] = {
	{ "meters", ask_for_meters },
	{ "policers", ask_for_policers },
	{ "names", name_badly },
	{ "bad-name", name_badly_and_give_up },
	{ "rings", ask_for_rings },
	{ "timers", ask_for_timers },
	{ "plans", plan_nonsense },
	{ "uses", use_nonsense },
	{ "garbage", refuse_with_garbage },
	{ "escapes", refuse_with_escapes },
	{ "no-errno", refuse_with_no_errno },
	{ "no-memory", refuse_for_memory },
	{ "oddly", succeed_oddly },
	{ "remarks", remark_with_garbage },
	{ "veto", begin_to_veto },
};

// ---- Hooks

static int attach(struct weir_attachment *attachment, void **instance, struct weir_error *error)
{
	struct rogue *r = calloc(1, sizeof(*r));

	if (!r)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	r->attachment = attachment;
	*instance = r;
	if (strncmp(attachment->switch_name, "rogue", 5) != 0)
		return 0;
	free(r);
	*instance = NULL;
	memset(error, 0xee, sizeof(*error));
	return INT32_MIN + 1;
}

static int prepare(void *instance, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error)
{
	*prepared = NULL;
	for (unsigned i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		if (strcmp(deeds[i].port, target->name) == 0)
			return deeds[i].run(instance, plan, error);
	return 0;
}

static int review(void *instance, const struct weir_event *event, struct weir_error *error)
{
	const struct rogue *r = instance;

	if (!r->vetoes || event->kind != WEIR_EVENT_PORT_CHANGED)
		return 0;
	memset(error, 0xee, sizeof(*error));
	return INT32_MIN;
}

static int save(void *instance, weir_port_id port, struct weir_save *s, struct weir_error *error)
{
	const struct rogue *r = instance;

	(void)port;
	SAY(r, "save", weir_save_write(s, "", SIZE_MAX));
	memset(error, 0xee, sizeof(*error));
	return INT32_MIN;
}

static int restore(void *instance, weir_port_id port, uint32_t version, const void *bytes,
	size_t size, struct weir_error *error)
{
	(void)instance;
	(void)port;
	(void)version;
	(void)bytes;
	(void)size;
	memset(error, 0xee, sizeof(*error));
	return INT32_MIN;
}

WEIR_EXTENSION("rogue", WEIR_CLASS_FILTER, .version = "1.0", .summary = "Asks for the impossible",
	.attach = attach, .detach = free, .prepare = prepare, .review = review, .save = save,
	.restore = restore);
