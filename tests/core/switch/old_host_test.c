// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Extensions built against this header, on hosts of minor version 0: their tables end where those
// of that version did, and what is behind that cannot be read. On hosts that reach further and
// offer nothing, the same.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>

#include <weir/extension.h>

enum { PAGE = 4096 };

static uint8_t *pages;

// A table of so many bytes, with nothing in it, at the end of what can be read.
static void *table(size_t size)
{
	uint32_t bytes = (uint32_t)size;

	memset(pages, 0, PAGE);
	return memcpy(pages + PAGE - size, &bytes, sizeof(bytes));
}

static void assert_host_offers_nothing(const struct weir_host *host)
{
	struct weir_attachment a = { .host = host };
	struct weir_drop_cause cause = { .size = 99 };
	struct weir_ring *ring = NULL;
	uint64_t cookie = 1;

	assert_int_equal(weir_n_workers(&a), 0);
	assert_int_equal(weir_timer(&a, 1, 1), -ENOSYS);
	assert_int_equal(weir_post(&a, 1), -ENOSYS);
	weir_drop_describe(&a, 0, &cause);
	assert_int_equal(cause.size, 0);
	assert_int_equal(weir_ring_create(&a, 4096, &ring), -ENOSYS);
	assert_null(ring);
	weir_ring_destroy(&a, NULL);
	assert_int_equal(weir_sessions_end(&a, WEIR_PORT_NONE, 0), -ENOSYS);
	assert_int_equal(weir_sessions_end_some(&a, WEIR_PORT_NONE, &cookie, 1), -ENOSYS);
	assert_int_equal(weir_running(&a, 1, "captures"), -ENOSYS);
}

static void host(void **state)
{
	(void)state;
	assert_host_offers_nothing(table(offsetof(struct weir_host, n_workers)));
	assert_host_offers_nothing(table(sizeof(struct weir_host)));
}

static void assert_plan_offers_nothing(const struct weir_plan_ops *ops)
{
	struct weir_plan p = { .ops = ops };
	uint32_t policer = 77;

	assert_int_equal(weir_plan_policer(&p, "key", 1000, 1, &policer), -ENOSYS);
	assert_int_equal(weir_plan_scheduler(&p, NULL, NULL), -ENOSYS);
	assert_int_equal(weir_plan_steering(&p, NULL, NULL), -ENOSYS);
	assert_int_equal(weir_plan_frame_policer(&p, "key", 1, 1, &policer), -ENOSYS);
	assert_int_equal(weir_plan_learn_limit(&p, 1), -ENOSYS);
	assert_int_equal(weir_plan_keep(&p, NULL, NULL, 0), -ENOSYS);
	assert_int_equal(weir_plan_remark(&p, "%s", "remark"), -ENOSYS);
	assert_int_equal(policer, 77);
}

static void plan(void **state)
{
	(void)state;
	assert_plan_offers_nothing(table(offsetof(struct weir_plan_ops, frame_policer)));
	assert_plan_offers_nothing(table(sizeof(struct weir_plan_ops)));
}

static void assert_decision_offers_nothing(const struct weir_decision_ops *ops)
{
	static const struct weir_session session = { .size = sizeof(session), .idle_s = 1 };
	static const struct weir_fragment_verdict verdict = { .size = sizeof(verdict) };
	struct weir_decision d = { .ops = ops };
	struct weir_session_found found;

	assert_int_equal(weir_police(&d, 0), -ENOSYS);
	assert_int_equal(weir_session(&d, &session), -ENOSYS);
	assert_int_equal(weir_egress_class(&d, 0), -ENOSYS);
	assert_int_equal(weir_session_find(&d, &found), -ENOSYS);
	assert_int_equal(weir_session_related(&d, 0), -ENOSYS);
	assert_int_equal(weir_police_as(&d, 0, 0), -ENOSYS);
	assert_int_equal(weir_fragment_remember(&d, &verdict), -ENOSYS);
	assert_int_equal(weir_fragment_follow(&d, &verdict), -ENOSYS);
}

static void decision(void **state)
{
	(void)state;
	assert_decision_offers_nothing(table(offsetof(struct weir_decision_ops, session_find)));
	assert_decision_offers_nothing(table(sizeof(struct weir_decision_ops)));
}

static int setup(void **state)
{
	(void)state;
	pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return pages == MAP_FAILED ? -1 : mprotect(pages + PAGE, PAGE, PROT_NONE);
}

static int teardown(void **state)
{
	(void)state;
	return munmap(pages, 2 * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host),
		cmocka_unit_test(plan),
		cmocka_unit_test(decision),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
