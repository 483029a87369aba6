// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The control thread's model of everything: inside core/switch/ only. Workers see none of this;
// they see the snapshots that publish.c makes of it.
#ifndef SWITCH_WEIR_H
#define SWITCH_WEIR_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "nic/module.h"
#include "switch/index.h"
#include "switch/workers.h"

struct closer;
struct closing;
struct deferred;
struct drop_watch;
struct ending;
struct flow_listing;
struct link_monitor;
struct loader;
struct poll_list;
struct reason_names;
struct refresh;
struct vswitch;
struct wait;
struct worker;

enum { SWITCHES_MAX = 256 };

struct weir {
	struct weir_options options;
	struct nic_host nic_host;
	unsigned linger_us;
	struct loader *loader;
	void *read_schema;                           // of a file, by weir_extension_schema()
	struct weir_host host;                       // what extensions are handed
	struct reason_names *reasons[REASON_OWNERS]; // control: w, any thread: r
	struct reason_names *reason_names;           // all of them
	unsigned n_workers; // at least 1; without threads the embedder is worker 0
	struct worker *workers[WORKERS_MAX];
	struct poll_list *lists[WORKERS_MAX];
	struct {
		struct worker_reading last, before;
	} readings[WORKERS_MAX];
	struct slow_told slow[WORKERS_MAX];
	uint64_t list_version;
	bool queues_stale;                         // weir_publish_queues() is to be tried again
	int report_fd, timer_fd, due_fd, epoll_fd; // due_fd: the first of extensions' timers
	int drops_fd; // of a timer that runs while somebody watches drops
	struct link_monitor *links;
	struct index ports; // of all switches, by name
	struct vswitch *switches;
	struct vswitch *switch_slots[SWITCHES_MAX];
	struct deferred *deferred; // lock-free stack. call_rcu thread: pushes, control: takes all
	unsigned n_deferred;       // not yet run
	struct wait **waits_end;
	struct ending *endings;   // under way
	uint64_t n_endings;       // begun, since the start
	struct closer *closer;    // closes NICs
	struct closing *closings; // versions of extensions that are to be unloaded
	struct wait *waits;
	struct flow_listing *listings;
	struct drop_watch *drop_watches; // RCU. control: w, worker: r
	struct weir_drop_watch *watching;
	uint16_t attachment_ids;
	uint64_t policy_serials; // given out
	uint64_t notices;
	bool ending; // weir_destroy() is at work: what goes with it is no news
	weir_notice_handler *on_notice;
	void *notice_context;
	weir_change_handler *on_change;
	void *change_context;
	weir_remark_handler *on_remark;
	void *remark_context;
	struct watch watch;
	struct refresh *refreshes;           // prepares asked for by extensions
	struct weir_running_call *cancelled; // calls whose extension is to be told
	uint64_t sessions_ran_s;             // the second of the last sessions_run()
	uint64_t timer_due_ns;               // when due_fd is armed for; UINT64_MAX: it is not
	bool posted;                         // any thread: w, control: rw
};

uint64_t weir_now_ns(const struct weir *w);
__attribute__((format(printf, 3, 4))) void weir_log_line(
	const struct weir *w, int level, const char *format, ...);

#endif
