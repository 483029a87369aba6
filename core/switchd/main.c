// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// weir-switchd: the switch as a daemon. Starts the core, the control socket and a libuv loop that
// drives both, and takes them down in the reverse order when told to.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <syslog.h>
#include <uv.h>

#include <weir/embed.h>

#include "control/server.h"
#include "switchd/detach.h"
#include "switchd/log.h"
#include "switchd/options.h"

struct switchd {
	struct log log;
	uv_loop_t loop;
	uv_poll_t poll; // weir_fd
	uv_signal_t terminate;
	uv_signal_t interrupt;
	struct weir *weir;
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

// The last handles of the loop: it ends without them.
static void on_server_stopped(void *context)
{
	struct switchd *switchd = context;

	uv_close((uv_handle_t *)&switchd->poll, NULL);
	uv_close((uv_handle_t *)&switchd->terminate, NULL);
	uv_close((uv_handle_t *)&switchd->interrupt, NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct switchd *switchd = handle->data;

	if (switchd->stopping)
		return;
	switchd->stopping = true;
	log_line(&switchd->log, LOG_INFO,
		number == SIGTERM ? "stopping: SIGTERM" : "stopping: SIGINT");
	control_server_stop(switchd->server, on_server_stopped, switchd);
}

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
	};
	int result = weir_create(&weir_options, &switchd->weir, error);

	// Among the options 0 stands for the default.
	if (result == 0 && options->has_linger && options->linger_us == 0)
		result = weir_worker_set_linger(switchd->weir, 0, error);
	return result;
}

static int create_server(
	struct switchd *switchd, const struct switchd_options *options, struct weir_error *error)
{
	const struct control_options control_options = {
		.path = options->socket,
		.log = log_line,
		.log_context = &switchd->log,
	};

	return control_server_create(
		switchd->weir, &switchd->loop, &control_options, &switchd->server, error);
}

static int start_loop(struct switchd *switchd, struct weir_error *error)
{
	int result = uv_loop_init(&switchd->loop);

	if (result == 0)
		result = uv_poll_init(&switchd->loop, &switchd->poll, weir_fd(switchd->weir));
	if (result < 0)
		return weir_refuse(error, result, NULL, "cannot start the event loop: %s",
			uv_strerror(result));
	switchd->poll.data = switchd;
	uv_poll_start(&switchd->poll, UV_READABLE, on_weir);
	uv_signal_init(&switchd->loop, &switchd->terminate);
	uv_signal_init(&switchd->loop, &switchd->interrupt);
	switchd->terminate.data = switchd;
	switchd->interrupt.data = switchd;
	uv_signal_start(&switchd->terminate, on_signal, SIGTERM);
	uv_signal_start(&switchd->interrupt, on_signal, SIGINT);
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
	result = create_server(switchd, options, error);
	if (result < 0)
		goto end_loop;
	return 0;

end_loop:
	on_server_stopped(switchd);
	uv_run(&switchd->loop, UV_RUN_DEFAULT);
	uv_loop_close(&switchd->loop);
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

// Runs until told to stop. background: from detach_start, or -1 in the foreground.
static int run(const struct switchd_options *options, int background)
{
	struct switchd switchd = { 0 };
	struct weir_error error = { 0 };
	int result = start(&switchd, options, &error);

	if (result < 0) {
		if (background >= 0)
			detach_fail(background, error.message);
		else
			log_line(&switchd.log, LOG_ERR, error.message);
		return 1;
	}
	if (background >= 0) {
		openlog("weir-switchd", LOG_PID, LOG_DAEMON);
		atomic_store(&switchd.log.to_syslog, true);
		detach_ready(background);
	} else {
		log_line(&switchd.log, LOG_INFO, "ready");
	}
	uv_run(&switchd.loop, UV_RUN_DEFAULT);
	weir_destroy(switchd.weir);
	control_server_destroy(switchd.server);
	uv_loop_close(&switchd.loop);
	return 0;
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
