// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a worker waits for that has nothing to do.
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "datapath/rcu.h"
#include "datapath/worker_internal.h"

enum {
	SCAN_SLEEP_MS = 1000, // a worker with flows wakes this often to forget idle ones
	EVENTS = 16,
};

static void watch(struct worker *w, const struct poll_list *list)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	w->epoll_version = list ? list->version : 0;
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll_fd < 0)
		return; // the worker polls until a descriptor is to be had
	if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->wake_fd, &event) < 0)
		goto failed;
	for (unsigned i = 0; list && i < list->n_entries; i++) {
		struct poll_entry *e = &list->entries[i];
		int fd = e->nic->class->receive_fd(e->nic, e->queue);

		if (fd >= 0 && epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 &&
			errno != EEXIST)
			goto failed;
	}
	return;
failed:
	close(w->epoll_fd);
	w->epoll_fd = -1;
}

// A queue of a NIC that failed would keep waking: it is no longer watched.
static void unwatch_failed(struct worker *w, const struct poll_list *list)
{
	for (unsigned i = 0; i < list->n_entries; i++) {
		struct poll_entry *e = &list->entries[i];
		int fd;

		if (!__atomic_load_n(e->nic_error, __ATOMIC_RELAXED))
			continue;
		fd = e->nic->class->receive_fd(e->nic, e->queue);
		if (fd >= 0)
			epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	}
}

// When to wake at the latest, in ms for epoll_wait(); 0: do not sleep.
static int sleep_limit(struct worker *w, const struct poll_list *list, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; list && i < list->n_datapaths; i++)
		if (list->datapaths[i]->flows->n)
			next = now_ns + UINT64_C(1000000) * SCAN_SLEEP_MS;
	for (unsigned i = 0; list && i < list->n_entries; i++) {
		struct poll_entry *e = &list->entries[i];
		uint64_t due;

		if (__atomic_load_n(e->nic_error, __ATOMIC_RELAXED))
			continue;
		if (e->nic->poll_only ||
			(e->nic->class->arm && e->nic->class->arm(e->nic, e->queue)))
			return 0;
		due = e->nic->class->next_ns ? e->nic->class->next_ns(e->nic, e->queue)
					     : UINT64_MAX;
		if (due < next)
			next = due;
	}
	if (__atomic_load_n(&w->calls, __ATOMIC_ACQUIRE))
		return 0;
	if (next == UINT64_MAX)
		return -1;
	// Rounded down: the last part of a millisecond is polled away.
	return next > now_ns ? (int)((next - now_ns) / 1000000) : 0;
}

void worker_sleep(struct worker *w, const struct poll_list *list, uint64_t now_ns)
{
	struct epoll_event events[EVENTS];
	uint64_t drained;
	int limit;

	if (w->epoll_version != (list ? list->version : 0) || w->epoll_fd < 0)
		watch(w, list);
	limit = sleep_limit(w, list, now_ns);
	if (limit == 0 || w->epoll_fd < 0)
		return;
	if (list)
		unwatch_failed(w, list);
	rcu_leave();
	epoll_wait(w->epoll_fd, events, EVENTS, limit);
	rcu_enter();
	while (read(w->wake_fd, &drained, sizeof(drained)) > 0)
		continue;
}
