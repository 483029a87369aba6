// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A document that is applied while memory runs out: wherever that happens, either everything is
// made or nothing is left of it.
#include "lab_document.h"

#include <stdio.h>
#include <stdlib.h>

// ---- Allocations that fail (the program is linked with --wrap)

static unsigned long fail_at; // counts down to the one that fails; 0: none
static bool has_failed;

static bool fails(void)
{
	if (fail_at == 0 || --fail_at > 0)
		return false;
	has_failed = true;
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

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
	{ "what cannot be had", "switch br0\n",
		"switch br0\nextension br0 nobody order=3\nextension br0 probe-filter order=10\n"
		"port br0 p0 nic=wire\npolicy p0 nobody a kind body\n"
		"policy p0 probe-filter r refuse odd\n",
		"switch br0\nextension br0 nobody order=3\nextension br0 probe-filter order=10\n"
		"port br0 p0 nic=wire\npolicy p0 nobody a kind body\n"
		"policy p0 probe-filter r refuse odd\n",
		WEIR_RESTORE },
};

// Applies with the nth allocation failing; false: there are fewer. What it can do without, it does.
static bool try_without(struct lab *lab, const struct attempt *attempt,
	const struct weir_document *document, unsigned long n)
{
	int failed;

	memset(&lab->error, 0, sizeof(lab->error));
	has_failed = false;
	fail_at = n;
	failed = weir_apply(lab->weir, document, attempt->flags, NULL, NULL, &lab->error);
	fail_at = 0;
	if (failed)
		assert_int_equal(failed, -ENOMEM);
	assert_true(has_failed || !failed);
	lab_assert_state(lab, failed ? attempt->before : attempt->after);
	if (!failed) {
		lab_apply(lab, attempt->before, WEIR_PRUNE);
		lab_assert_state(lab, attempt->before);
	}
	return has_failed;
}

static void memory_runs_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		struct weir_document *document = lab_document(attempts[i].document);
		unsigned long n = 1;
		struct lab lab;

		lab_start(&lab, &(struct lab_options){ 0 });
		lab_apply(&lab, attempts[i].before, 0);
		lab_assert_state(&lab, attempts[i].before);
		for (; try_without(&lab, &attempts[i], document, n); n++)
			if (n % 32 == 0)
				lab_settle(&lab); // what was given up has ended
		print_message("%s: %lu allocations\n", attempts[i].name, n - 1);
		assert_true(n > 40);
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
