// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Starting EAL, once per process.
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <syslog.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include "arguments.h"
#include "internal.h"

static enum { NEVER, STARTED, FAILED } state; // under dpdk_lock
static char failure[DPDK_LINE_SIZE + 20];     // EAL's reason, under dpdk_lock
static pthread_key_t thread_key;

static struct {
	struct dpdk_arguments arguments; // never freed: EAL keeps them
	bool logs, has_key;              // EAL's lines come to us; thread_key is made
	FILE *printed;                   // takes what EAL prints
	int result;                      // of rte_eal_init()
	int code;                        // rte_errno
} start;                                 // under dpdk_lock

// ---- Threads that move frames

static void leave(void *entered)
{
	(void)entered;
	rte_thread_unregister();
}

// Where a thread cannot be registered, EAL has no number left for it, it works without a cache.
void dpdk_thread_enter(void)
{
	static __thread bool tried;

	if (tried)
		return;
	tried = true;
	if (rte_thread_register() == 0)
		pthread_setspecific(thread_key, &tried);
	else
		dpdk_log(LOG_WARNING, "a worker goes without a cache of mbufs: %s",
			rte_strerror(rte_errno));
}

// ---- The start

// A thread of its own: EAL pins the one that starts it, and those that it starts from it inherit
// its signal mask.
static void *start_eal(void *context)
{
	struct dpdk_arguments permuted = start.arguments; // EAL changes the order
	FILE *output = stdout;

	(void)context;
	// On wrong arguments EAL prints its usage, to where another program's data may be going.
	// The descriptor is left alone; the stream is never closed, for another thread may print by
	// it.
	stdout = start.printed;
	start.result = rte_eal_init(permuted.n, permuted.words);
	start.code = rte_errno;
	fflush(start.printed);
	stdout = output;
	return NULL;
}

static int run_start(void)
{
	sigset_t all, before;
	pthread_t thread;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&thread, NULL, start_eal, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!failed)
		failed = pthread_join(thread, NULL);
	return -failed;
}

// The last error may be as little as that the arguments are invalid: the first one tells which.
static void note_failure(int code)
{
	char first[DPDK_LINE_SIZE], last[DPDK_LINE_SIZE];

	dpdk_log_first_error(first);
	dpdk_log_last_error(last);
	if (strcmp(first, last) != 0)
		snprintf(failure, sizeof(failure), "%.150s, after %.90s", last, first);
	else
		snprintf(failure, sizeof(failure), "%.240s", last[0] ? last : rte_strerror(code));
	state = FAILED;
}

static int refuse_failed(bool now, const char *arguments, struct weir_error *error)
{
	return weir_refuse(error, -EIO, "nic", "dpdk: EAL %s with \"%.100s\": %s%s",
		now ? "does not start" : "did not start", arguments, failure,
		now ? "; it can be started again in a new process only"
		    : "; it is not tried again in this process");
}

// What a start needs. A start whose thread could not be made goes on with it the next time.
static int prepare(const struct nic_host *host, const char *devargs, struct weir_error *error)
{
	int failed = 0;

	if (start.arguments.n == 0)
		failed = dpdk_arguments_make(
			&start.arguments, host ? host->dpdk_arguments : NULL, devargs, error);
	if (failed)
		return failed;
	if (!start.logs)
		failed = dpdk_log_start();
	start.logs = !failed;
	if (!start.printed && !(start.printed = dpdk_log_printed()))
		failed = -ENOMEM;
	if (!failed && !start.has_key) {
		failed = -pthread_key_create(&thread_key, leave);
		start.has_key = !failed;
	}
	return failed ? weir_refuse(error, failed, "nic", "dpdk: %s", strerror(-failed)) : 0;
}

int dpdk_eal_start(const struct nic_host *host, const char *devargs, struct weir_error *error)
{
	static char used[DPDK_LINE_SIZE]; // under dpdk_lock
	int failed;

	if (state == STARTED)
		return 0;
	if (state == FAILED)
		return refuse_failed(false, used, error);
	failed = prepare(host, devargs, error);
	if (failed)
		return failed;
	dpdk_arguments_text(&start.arguments, used, sizeof(used));
	failed = run_start();
	if (failed)
		return weir_refuse(error, failed, "nic", "dpdk: no thread to start EAL: %s",
			strerror(-failed));
	if (start.result < 0) {
		note_failure(start.code);
		return refuse_failed(true, used, error);
	}
	state = STARTED;
	return 0;
}

bool dpdk_eal_is_started(void)
{
	return state == STARTED;
}
