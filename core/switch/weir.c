// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The context: workers, what is deferred, what is waited for.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <weir/embed.h>

#include "datapath/rcu.h"
#include "datapath/sized.h"
#include "datapath/worker.h"
#include "forwarding/fdb.h"
#include "nic/link_monitor.h"
#include "nic/module.h"
#include "switch/closer.h"
#include "switch/drop_watch.h"
#include "switch/flow_list.h"
#include "switch/host.h"
#include "switch/loader.h"
#include "switch/port_nic.h"
#include "switch/reasons.h"
#include "switch/session.h"
#include "switch/vswitch.h"
#include "switch/wait.h"
#include "switch/weir.h"
#include "switch/workers.h"

enum { DIRECTORIES_MAX = 16, TIMER_MS = 1000, FLOWS_DEFAULT = 131072, LINGER_DEFAULT_US = 50 };

static uint64_t monotonic_ns(void *context)
{
	struct timespec now;

	(void)context;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t weir_now_ns(const struct weir *w)
{
	return w->options.clock_ns(w->options.clock_context);
}

void weir_log_line(const struct weir *w, int level, const char *format, ...)
{
	char line[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (w->options.log)
		w->options.log(w->options.log_context, level, line);
	else
		fprintf(stderr, "weir: %s\n", line);
}

static void log_of_module(void *context, int level, const char *line)
{
	weir_log_line(context, level, "dpdk: %s", line);
}

// ---- The control thread's loop

static void age(struct weir *w)
{
	uint32_t now_s = (uint32_t)(weir_now_ns(w) / 1000000000);

	rcu_enter();
	for (struct vswitch *s = w->switches; s; s = s->next)
		fdb_age(s->fdb, now_s, fdb_n_places(s->fdb));
	rcu_leave();
}

// Workers tell when one runs short (report_fd).
static void touch_flow_tables(struct weir *w)
{
	for (struct vswitch *s = w->switches; s; s = s->next)
		for (unsigned i = 0; i < w->n_workers; i++)
			flow_table_touch(s->datapaths[i]->flows);
}

static bool drain(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count);
}

int weir_fd(const struct weir *w)
{
	return w->epoll_fd;
}

void weir_process(struct weir *w)
{
	if (drain(w->report_fd))
		touch_flow_tables(w);
	if (drain(w->timer_fd)) {
		age(w);
		watch_run(w);
		workers_read(w);
		port_retry_lost(w);
		if (w->queues_stale)
			weir_publish_queues_later(w);
	}
	if (w->links && link_monitor_process(w->links) == -ESTALE)
		weir_log_line(
			w, LOG_WARNING, "link changes were lost; interfaces were looked at anew");
	port_check_nics(w);
	deferred_run(w);
	sessions_run(w);
	host_refresh_due(w);
	host_calls_run(w);
	host_timers_run(w);
	drain(w->drops_fd);
	drop_watches_run(w);
	flow_list_collect(w);
	waits_run(w);
}

unsigned weir_run(struct weir *w)
{
	return w->options.n_workers == 0 ? worker_round(w->workers[0]) : 0;
}

// ---- Life

static int make_loader(struct weir *w, const char *directories)
{
	const char *list[DIRECTORIES_MAX];
	char *copy = strdup(directories ? directories : ""), *rest = copy, *one;
	size_t n = 0;
	int error;

	if (!copy)
		return -ENOMEM;
	while ((one = strsep(&rest, ":")) && n < DIRECTORIES_MAX)
		if (*one)
			list[n++] = one;
	error = loader_create(list, n, &w->loader);
	free(copy);
	return error;
}

static int watch(const struct weir *w, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int make_descriptors(struct weir *w, struct weir_error *error)
{
	struct itimerspec every = { { 0, TIMER_MS * 1000000L }, { 0, TIMER_MS * 1000000L } };
	int failed;

	every.it_interval.tv_sec = every.it_value.tv_sec = TIMER_MS / 1000;
	every.it_interval.tv_nsec = every.it_value.tv_nsec = TIMER_MS % 1000 * 1000000L;
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	w->report_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	w->due_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	w->drops_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (w->epoll_fd < 0 || w->report_fd < 0 || w->timer_fd < 0 || w->due_fd < 0 ||
		w->drops_fd < 0 || timerfd_settime(w->timer_fd, 0, &every, NULL) < 0)
		return weir_refuse(error, -errno, NULL, "no descriptors: %s", strerror(errno));
	failed = watch(w, w->report_fd);
	if (!failed)
		failed = watch(w, w->timer_fd);
	if (!failed)
		failed = watch(w, w->due_fd);
	if (!failed)
		failed = watch(w, w->drops_fd);
	if (failed)
		return weir_refuse(error, failed, NULL, "epoll: %s", strerror(-failed));
	failed = link_monitor_create(port_links_changed, w, &w->links, error);
	if (failed)
		return failed;
	failed = watch(w, link_monitor_fd(w->links));
	return failed ? weir_refuse(error, failed, NULL, "epoll: %s", strerror(-failed)) : 0;
}

static int make_workers(struct weir *w, struct weir_error *error)
{
	for (unsigned i = 0; i < w->n_workers; i++) {
		struct worker_options options = {
			.id = i,
			.poll = w->options.poll,
			.linger_us = &w->linger_us,
			.clock_ns = w->options.clock_ns,
			.clock_context = w->options.clock_context,
			.report_fd = w->report_fd,
		};

		w->workers[i] = worker_create(&options);
		if (!w->workers[i])
			return weir_refuse(error, -ENOMEM, NULL, "no memory for worker %u", i);
	}
	workers_read(w);
	if (weir_publish_queues(w) < 0)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for the workers' queues");
	for (unsigned i = 0; w->options.n_workers && i < w->n_workers; i++) {
		int failed = worker_start(w->workers[i]);

		if (failed)
			return weir_refuse(
				error, failed, NULL, "worker %u: %s", i, strerror(-failed));
	}
	return 0;
}

static int check_options(const struct weir_options *o, struct weir_error *error)
{
	if (o->n_workers > WORKERS_MAX)
		return weir_refuse(error, -EINVAL, "n_workers", "workers %u: at most %d",
			o->n_workers, WORKERS_MAX);
	if (o->fdb_entries > FDB_ENTRIES_MAX)
		return weir_refuse(error, -EINVAL, "fdb_entries", "FDB entries %u: must be 1 to %d",
			o->fdb_entries, FDB_ENTRIES_MAX);
	if (o->fdb_ageing_s > FDB_AGEING_MAX)
		return weir_refuse(error, -EINVAL, "fdb_ageing_s",
			"FDB ageing %u s: must be 1 to %d", o->fdb_ageing_s, FDB_AGEING_MAX);
	if (o->dpdk_mbufs &&
		(o->dpdk_mbufs < WEIR_DPDK_MBUFS_MIN || o->dpdk_mbufs > WEIR_DPDK_MBUFS_MAX))
		return weir_refuse(error, -EINVAL, "dpdk_mbufs", "DPDK mbufs %u: must be %d to %d",
			o->dpdk_mbufs, WEIR_DPDK_MBUFS_MIN, WEIR_DPDK_MBUFS_MAX);
	return flows_check(o->n_flows, error);
}

int weir_create(const struct weir_options *given, struct weir **weir, struct weir_error *error)
{
	struct weir_options taken, *options = &taken;
	int failed = SIZED_TAKE(weir_options, dpdk_mbufs, options, given, error);
	struct weir *w;

	if (!failed)
		failed = check_options(options, error);
	if (failed)
		return failed;
	w = calloc(1, sizeof(*w));
	if (!w)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	w->options = *options;
	if (!w->options.clock_ns)
		w->options.clock_ns = monotonic_ns;
	if (!w->options.n_flows)
		w->options.n_flows = FLOWS_DEFAULT;
	w->nic_host = (struct nic_host){
		.directory = options->modules,
		.dpdk_arguments = options->dpdk,
		.n_dpdk_mbufs = options->dpdk_mbufs,
		.log = log_of_module,
		.log_context = w,
	};
	w->linger_us = options->linger_us ? options->linger_us : LINGER_DEFAULT_US;
	w->n_workers = options->n_workers ? options->n_workers : 1;
	w->report_fd = w->timer_fd = w->due_fd = w->drops_fd = w->epoll_fd = -1;
	w->timer_due_ns = UINT64_MAX;
	w->waits_end = &w->waits;
	w->host = host_table(w);
	watch_start(w);
	rcu_thread_get();
	failed = make_loader(w, options->extensions);
	if (failed)
		weir_refuse(error, failed, "extensions", "extensions: %s", strerror(-failed));
	else
		failed = make_descriptors(w, error);
	if (!failed)
		failed = closer_create(w, error);
	if (!failed)
		failed = make_workers(w, error);
	if (failed) {
		weir_destroy(w);
		return failed;
	}
	*weir = w;
	return 0;
}

// Everything deferred has run, including what that deferred in turn.
static void drain_deferred(struct weir *w)
{
	while (w->n_deferred) {
		// What a worker was called for comes back from it; one without a thread is driven
		// from here.
		weir_run(w);
		rcu_drain();
		deferred_run(w);
		waits_run(w);
	}
}

static void free_waits(struct weir *w)
{
	// Who waits for a change to be in force: there is nothing left that could act otherwise.
	while (w->waits) {
		struct wait *wait = w->waits;

		w->waits = wait->next;
		if (!w->waits)
			w->waits_end = &w->waits;
		wait->done(wait->context);
		free(wait);
	}
}

static void close_descriptors(struct weir *w)
{
	link_monitor_destroy(w->links);
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	if (w->timer_fd >= 0)
		close(w->timer_fd);
	if (w->due_fd >= 0)
		close(w->due_fd);
	if (w->drops_fd >= 0)
		close(w->drops_fd);
	if (w->report_fd >= 0)
		close(w->report_fd);
}

void weir_destroy(struct weir *w)
{
	if (!w)
		return;
	w->on_change = NULL;
	w->ending = true;
	host_refresh_forget(w);
	drop_watches_free(w);
	while (w->switches) {
		if (vswitch_end(w->switches) < 0)
			break; // only for lack of memory; the process is ending
		drain_deferred(w);
	}
	for (unsigned i = 0; i < w->n_workers; i++)
		worker_stop(w->workers[i]);
	drain_deferred(w);
	free_waits(w);
	flow_list_free(w);
	drain_deferred(w);
	for (unsigned i = 0; i < w->n_workers; i++) {
		queues_free(w->lists[i]);
		worker_destroy(w->workers[i]);
	}
	closer_destroy(w->closer);
	// What was deferred last has run, but who handed it over may not have returned yet.
	rcu_drain();
	free(w->read_schema);
	loader_destroy(w->loader);
	reasons_free(w->reason_names);
	close_descriptors(w);
	rcu_thread_put();
	free(w);
}
