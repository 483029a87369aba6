// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// weir-switchd: the switch as a daemon. Starts the core, what keeps its state, the control socket
// and a libuv loop that drives them, and takes them down in the reverse order when told to.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <syslog.h>
#include <uv.h>

#include <weir/embed.h>

#include "control/durable.h"
#include "control/server.h"
#include "switchd/detach.h"
#include "switchd/log.h"
#include "switchd/notify.h"
#include "switchd/options.h"
#include "switchd/overdue.h"

enum { TICK_MS = 1000, STOP_LIMIT_MS = 10000, N_SIGNALS = 3 };

struct switchd {
	struct log log;
	struct notify notify;
	struct overdue overdue;
	uv_loop_t loop;
	uv_poll_t poll; // weir_fd
	uv_timer_t tick;
	uv_signal_t signals[N_SIGNALS];
	struct weir *weir;
	struct durable *durable; // NULL: nothing is kept
	struct control_server *server;
	bool stopping;
};

static void on_weir(uv_poll_t *poll, int status, int events)
{
	struct switchd *switchd = poll->data;

	(void)status;
	(void)events;
	weir_process(switchd->weir);
}

// The loop is what would hang: that it still turns is what the watchdog wants to know.
static void on_tick(uv_timer_t *tick)
{
	struct switchd *switchd = tick->data;

	log_tick(&switchd->log);
	if (switchd->notify.watchdog_ms)
		notify_send(&switchd->notify, "WATCHDOG=1");
}

// ---- The end

// Lets the loop end. The signals are still caught, so that a second one aborts nothing, but they do
// not keep the loop.
static void leave_loop(void *context)
{
	struct switchd *switchd = context;

	overdue_step(&switchd->overdue, "ending the switches: their ports, extensions and workers");
	uv_close((uv_handle_t *)&switchd->poll, NULL);
	uv_close((uv_handle_t *)&switchd->tick, NULL);
	for (unsigned i = 0; i < N_SIGNALS; i++)
		uv_unref((uv_handle_t *)&switchd->signals[i]);
}

static void on_server_stopped(void *context)
{
	struct switchd *switchd = context;

	overdue_step(&switchd->overdue, "writing the state, meters and what extensions save");
	durable_stop(switchd->durable, leave_loop, switchd);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct switchd *switchd = handle->data;

	if (number == SIGHUP) {
		log_line(&switchd->log, LOG_INFO,
			"SIGHUP is ignored: there is no file to be read again");
		return;
	}
	if (switchd->stopping)
		return;
	switchd->stopping = true;
	log_line(&switchd->log, LOG_NOTICE,
		number == SIGTERM ? "stopping: SIGTERM" : "stopping: SIGINT");
	notify_send(&switchd->notify, "STOPPING=1\nSTATUS=stopping");
	overdue_begin(&switchd->overdue, &switchd->log, STOP_LIMIT_MS,
		"answering the requests under way");
	control_server_stop(switchd->server, on_server_stopped, switchd);
}

// The loop has ended once. From here on a signal finds nobody, and changes nothing either.
static void close_loop(struct switchd *switchd)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	for (unsigned i = 0; i < N_SIGNALS; i++)
		uv_close((uv_handle_t *)&switchd->signals[i], NULL);
	uv_run(&switchd->loop, UV_RUN_DEFAULT);
	uv_loop_close(&switchd->loop);
}

// ---- The beginning

static int create_weir(
	struct switchd *switchd, const struct switchd_options *options, struct weir_error *error)
{
	const struct weir_options weir_options = {
		.size = sizeof(weir_options),
		.n_workers = options->n_workers,
		.poll = options->poll,
		.strict = options->strict,
		.linger_us = options->linger_us,
		.n_flows = options->n_flows,
		.fdb_entries = options->fdb_entries,
		.fdb_ageing_s = options->fdb_ageing_s,
		.extensions = options->extensions,
		.log = log_line,
		.log_context = &switchd->log,
		.dpdk = options->dpdk,
		.dpdk_mbufs = options->dpdk_mbufs,
	};
	int result = weir_create(&weir_options, &switchd->weir, error);

	// Among the options 0 stands for the default.
	if (result == 0 && options->has_linger && options->linger_us == 0)
		result = weir_worker_set_linger(switchd->weir, 0, error);
	return result;
}

// What was kept is in force before anybody can change it.
static int restore(
	struct switchd *switchd, const struct switchd_options *options, struct weir_error *error)
{
	const struct durable_options durable_options = {
		.directory = options->state,
		.log = log_line,
		.log_context = &switchd->log,
	};
	int result;

	if (*options->state == '\0')
		return 0;
	notify_send(&switchd->notify, "STATUS=bringing back what was kept");
	result = durable_open(
		switchd->weir, &switchd->loop, &durable_options, &switchd->durable, error);
	return result < 0 ? result : durable_restore(switchd->durable, error);
}

static int create_server(
	struct switchd *switchd, const struct switchd_options *options, struct weir_error *error)
{
	const struct control_options control_options = {
		.path = options->socket,
		.durable = switchd->durable,
		.state = options->state,
		.extensions = options->extensions,
		.strict = options->strict,
		.log = log_line,
		.log_context = &switchd->log,
	};

	return control_server_create(
		switchd->weir, &switchd->loop, &control_options, &switchd->server, error);
}

static void start_signals(struct switchd *switchd)
{
	static const int numbers[N_SIGNALS] = { SIGTERM, SIGINT, SIGHUP };

	for (unsigned i = 0; i < N_SIGNALS; i++) {
		uv_signal_init(&switchd->loop, &switchd->signals[i]);
		switchd->signals[i].data = switchd;
		uv_signal_start(&switchd->signals[i], on_signal, numbers[i]);
	}
}

static int start_loop(struct switchd *switchd, struct weir_error *error)
{
	uint64_t tick_ms = switchd->notify.watchdog_ms;
	int result = uv_loop_init(&switchd->loop);

	if (result == 0)
		result = uv_poll_init(&switchd->loop, &switchd->poll, weir_fd(switchd->weir));
	if (result < 0)
		return weir_refuse(error, result, NULL, "cannot start the event loop: %s",
			uv_strerror(result));
	switchd->poll.data = switchd;
	uv_poll_start(&switchd->poll, UV_READABLE, on_weir);
	tick_ms = tick_ms == 0 || tick_ms > TICK_MS ? TICK_MS : tick_ms;
	uv_timer_init(&switchd->loop, &switchd->tick);
	switchd->tick.data = switchd;
	uv_timer_start(&switchd->tick, on_tick, tick_ms, tick_ms);
	start_signals(switchd);
	return 0;
}

static int start(
	struct switchd *switchd, const struct switchd_options *options, struct weir_error *error)
{
	int result = create_weir(switchd, options, error);

	if (result < 0)
		return result;
	result = start_loop(switchd, error);
	if (result < 0)
		goto destroy_weir;
	result = restore(switchd, options, error);
	if (result == 0)
		result = create_server(switchd, options, error);
	if (result < 0)
		goto end_loop;
	return 0;

end_loop:
	switchd->stopping = true; // there is no server that a signal could stop
	durable_stop(switchd->durable, leave_loop, switchd);
	uv_run(&switchd->loop, UV_RUN_DEFAULT);
	close_loop(switchd);
destroy_weir:
	weir_destroy(switchd->weir);
	return result;
}

// A thousand ports are a few thousand descriptors.
static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void open_notify(struct switchd *switchd)
{
	int failed = notify_open(&switchd->notify);
	char line[128];

	if (failed == 0)
		return;
	snprintf(line, sizeof(line), "NOTIFY_SOCKET cannot be reached, so that nobody is told: %s",
		strerror(-failed));
	log_line(&switchd->log, LOG_WARNING, line);
}

static void say_ready(
	struct switchd *switchd, const struct switchd_options *options, int background)
{
	char line[PATH_MAX + 64];

	if (background >= 0) {
		log_detached(&switchd->log);
		detach_ready(background);
	}
	snprintf(line, sizeof(line),
		*options->state ? "ready; the state is kept in %s" : "ready; no state is kept",
		options->state);
	log_line(&switchd->log, LOG_NOTICE, line);
	notify_send(&switchd->notify, "READY=1\nSTATUS=ready");
}

static void end(struct switchd *switchd)
{
	weir_destroy(switchd->weir);
	control_server_destroy(switchd->server);
	overdue_end(&switchd->overdue);
	close_loop(switchd);
	log_line(&switchd->log, LOG_NOTICE, "stopped");
	log_tick(&switchd->log);
}

// Runs until told to stop. background: from detach_start, or -1 in the foreground.
static int run(const struct switchd_options *options, int background)
{
	struct switchd switchd = { 0 };
	struct weir_error error = { 0 };
	int result;

	log_init(&switchd.log, options->log_level);
	if (background >= 0)
		log_to_syslog(&switchd.log);
	open_notify(&switchd);
	result = start(&switchd, options, &error);
	if (result < 0) {
		if (background >= 0)
			detach_fail(background, error.message);
		else
			log_line(&switchd.log, LOG_ERR, error.message);
	} else {
		say_ready(&switchd, options, background);
		uv_run(&switchd.loop, UV_RUN_DEFAULT);
		end(&switchd);
	}
	notify_close(&switchd.notify);
	return result < 0 ? 1 : 0;
}

int main(int argc, char *argv[])
{
	static struct switchd_options options;
	struct weir_error error = { 0 };
	int background = -1;

	if (options_parse(&options, argc, argv, &error) < 0) {
		fprintf(stderr, "weir-switchd: error: %s\n", error.message);
		return 2;
	}
	if (options.show_help || options.show_version) {
		fputs(options.show_help ? options_usage() : "weir-switchd " WEIR_VERSION "\n",
			stdout);
		return 0;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN); // until it is caught, to be logged
	raise_limits();
	if (!options.foreground) {
		background = detach_start();
		if (background < 0) {
			fprintf(stderr, "weir-switchd: error: cannot fork: %s\n",
				strerror(-background));
			return 1;
		}
	}
	return run(&options, background);
}
