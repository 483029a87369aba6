// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The bench of weir/testing.h: what it tells of frames, and that it fails when it should. A failure
// that is expected comes back here by longjmp().
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/testing.h>

static jmp_buf failed;
static char said[1024];

static void say(const char *sentence)
{
	fail_msg("%s", sentence);
}

static void catch (const char *sentence)
{
	snprintf(said, sizeof(said), "%s", sentence);
	longjmp(failed, 1);
}

static struct weir_testing *start_with(
	const char *extension, unsigned n_ports, bool lax, void (*fail)(const char *))
{
	return weir_testing_start(&(struct weir_testing_options){
		.size = sizeof(struct weir_testing_options),
		.n_ports = n_ports,
		.extension = extension,
		.extensions = MODULES,
		.lax = lax,
		.fail = fail,
	});
}

// Asserts that the statement fails, with a sentence that has the text.
#define ASSERT_FAILS(text, statement)                                                              \
	do {                                                                                       \
		if (setjmp(failed) == 0) {                                                         \
			statement;                                                                 \
			fail_msg("does not fail, \"%s\"", text);                                   \
		}                                                                                  \
		if (!strstr(said, text))                                                           \
			fail_msg("\"%s\", expected \"%s\"", said, text);                           \
	} while (0)

static void frames_are_told_apart(void **state)
{
	struct weir_testing *t = start_with(NULL, 3, false, say);
	struct weir_testing_frame f = weir_testing_udp(0, 1, 5, 6), all = f;
	const struct weir_testing_verdict *v;

	(void)state;
	v = weir_testing_pass(t, "p0", &f);
	assert_int_equal(v->out, 1 << 1 | 1 << 2); // nobody knows where 1 is
	assert_int_equal(v->n_out, 2);
	assert_int_equal(v->last.size, 60);
	assert_memory_equal(v->last.bytes, f.bytes, 60);
	weir_testing_learn(t);
	v = weir_testing_pass(t, "p0", &f);
	assert_int_equal(v->out, 1 << 1);
	assert_string_equal(v->reason, "");
	// To who is where it comes from.
	f = weir_testing_udp(1, 0, 5, 6);
	v = weir_testing_pass(t, "p0", &f);
	assert_int_equal(v->n_out, 0);
	assert_string_equal(v->extension, "core");
	assert_string_not_equal(v->reason, "");
	memset(all.bytes, 0xff, 6);
	// More than the queues hold.
	assert_int_equal(weir_testing_burst(t, "p2", &all, 5000)->n_out, 10000);
	f = weir_testing_hex(t, "02000000 0001 020000000000 88B5 ff");
	assert_int_equal(f.size, 60);
	assert_int_equal(f.bytes[13], 0xb5);
	assert_int_equal(f.bytes[14], 0xff);
	weir_testing_end(t);
}

static void drops_visits_and_time_are_told(void **state)
{
	struct weir_testing *t = start_with("policed", 2, false, say);
	struct weir_testing_frame f = weir_testing_udp(0, 1, 5, 9);

	(void)state;
	weir_testing_learn(t);
	weir_testing_pass(t, "p0", &f);
	assert_non_null(strstr(weir_testing_log(t), "extension-attached"));
	assert_non_null(strstr(weir_testing_trace(t, "p0", &f), "p0 - - program "));
	weir_testing_advance_ms(t, 3000);
	weir_testing_end(t);
}

// What the bench writes to stderr before it aborts. Options that end before `fail` have no other.
static void expect_aborts(const struct weir_testing_options *options, const char *text)
{
	char written[1024] = "";
	int ends[2], status;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		signal(SIGABRT, SIG_DFL); // cmocka's would go on in the child
		weir_testing_start(options);
		_exit(0);
	}
	close(ends[1]);
	assert_true(read(ends[0], written, sizeof(written) - 1) >= 0);
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	if (!strstr(written, text))
		fail_msg("\"%s\", expected \"%s\"", written, text);
}

static void too_short_options_abort(void **state)
{
	const unsigned whole = sizeof(struct weir_testing_options);
	struct weir_testing_options options = { .n_ports = 1, .fail = say };
	char text[128];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		options.size = i ? whole - 1 : 0;
		snprintf(text, sizeof(text),
			"size %u of struct weir_testing_options: must be %u to 4096", options.size,
			whole);
		expect_aborts(&options, text);
	}
}

// A test is built with the header that the bench is from; one that was not is told so.
static void options_say_their_size(void **state)
{
	struct {
		struct weir_testing_options known;
		uint64_t newer;
	} options = { { .n_ports = 1, .fail = catch }, 0 };

	(void)state;
	options.known.size = 4097;
	ASSERT_FAILS("size 4097 of struct weir_testing_options: must be",
		weir_testing_start(&options.known));
	options.known.size = sizeof(options);
	options.newer = 1;
	ASSERT_FAILS("those behind must be zero", weir_testing_start(&options.known));
	options.newer = 0;
	options.known.fail = say;
	weir_testing_end(weir_testing_start(&options.known));
}

static void what_is_wrong_fails(void **state)
{
	struct weir_testing *t = start_with(NULL, 2, false, catch);
	struct weir_testing_frame f = weir_testing_tcp(0, 1, 80);

	(void)state;
	ASSERT_FAILS("n_ports: 33: must be 1 to 32", start_with(NULL, 33, false, catch));
	ASSERT_FAILS("nowhere", start_with("nowhere", 1, false, catch));
	ASSERT_FAILS("port \"p2\": must be p0 to p1", weir_testing_pass(t, "p2", &f));
	ASSERT_FAILS("port \"eth0\": must be", weir_testing_pass(t, "eth0", &f));
	ASSERT_FAILS("port \"p\": must be", weir_testing_pass(t, "p", &f));
	ASSERT_FAILS("there is none", weir_testing_meter(t, "p0", "x", "y", NULL));
	ASSERT_FAILS("must be 0 to 9 and a to f", weir_testing_hex(t, "0g"));
	ASSERT_FAILS("must be 0 to 9 and a to f", weir_testing_hex(t, "012"));
	f.size = 0;
	ASSERT_FAILS("p0: a frame of 0 bytes cannot be sent", weir_testing_pass(t, "p0", &f));
	weir_testing_abandon(t);
}

static void broken_promises_fail(void **state)
{
	struct weir_testing_frame f = weir_testing_udp(0, 1, 5, 6);
	struct weir_testing *t = start_with("cheat-reads", 2, false, catch);

	(void)state;
	weir_testing_pass(t, "p0", &f);
	ASSERT_FAILS("extension cheat-reads: 0 violations", weir_testing_end(t));
	weir_testing_abandon(t);
	t = start_with("cheat-values", 2, false, catch);
	weir_testing_pass(t, "p0", &f);
	ASSERT_FAILS("extension cheat-values: ", weir_testing_end(t));
	weir_testing_abandon(t);
	t = start_with("cheat-values", 2, true, say);
	weir_testing_pass(t, "p0", &f);
	weir_testing_end(t);
	weir_testing_abandon(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_told_apart),
		cmocka_unit_test(drops_visits_and_time_are_told),
		cmocka_unit_test(options_say_their_size),
		cmocka_unit_test(too_short_options_abort),
		cmocka_unit_test(what_is_wrong_fails),
		cmocka_unit_test(broken_promises_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
