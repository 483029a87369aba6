// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The control thread's model of everything: inside core/switch/ only. Workers see none of this;
// they see the snapshots that publish.c makes of it.
//
// A change goes: check, review (vetoes), prepare (every extension concerned), and only then
// commit, publish, move generations, retire what was replaced. Nothing up to prepare leaves a
// trace.
#ifndef MODEL_H
#define MODEL_H

#include <time.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/drop_watch.h"
#include "datapath/rcu.h"
#include "datapath/sized.h"
#include "datapath/snapshot.h"
#include "datapath/worker.h"
#include "forwarding/vlan.h"
#include "nic/link_monitor.h"
#include "nic/module.h"
#include "nic/nic.h"
#include "switch/index.h"
#include "switch/loader.h"
#include "switch/numbers.h"
#include "switch/schema.h"

enum {
	WORKERS_MAX = 64,
	POLICY_ID_SIZE = 64,
	SWITCHES_MAX = 256,
	RETIRED_DROPS = 256,
	BLOCKED_REASON_SIZE = 256,
};

// ---- Things that end later

// Freed or finished after a grace period, on the control thread. Embedded in what is retired.
struct deferred {
	struct rcu_head head; // first: liburcu hands it back
	struct weir *weir;
	struct deferred *next;
	void (*function)(struct deferred *deferred);
};

// Something that takes its time to end: a detach, the closing of a NIC. Who asks when a change is
// done waits for those that began before.
struct ending {
	struct ending *next;
	uint64_t number; // in the order of their beginnings
};

// Called when no worker runs a decision older than now and everything retired until now has ended,
// on the control thread.
struct wait {
	struct wait *next;
	uint64_t endings;        // and when the endings up to this number are over
	struct vswitch *vswitch; // NULL: all of them
	weir_done *done;
	void *context;
	uint64_t targets[]; // clock per switch slot, for NULL; else one
};

// ---- Policies and states of one target: a port, or the switch itself

struct policy {
	struct policy *next;
	struct policy **link;     // what points to it
	struct index_entry by_id; // in target->policy_ids
	struct attachment *attachment;
	char id[POLICY_ID_SIZE];
	const char *type; // the schema's; of one that is unchecked its own, perhaps ""
	bool unchecked;   // kept without its extension's schema: checked before it is prepared
	uint64_t serial;  // as in struct weir_target; 0: it has never been in a list
	uint64_t place;   // rises along the list; a replacement has that of what it replaces
	size_t size;
	unsigned char bytes[]; // and then the type of one that was made unchecked
};

// What prepare() of an attachment is shown of a target: arrays that are kept in step with the list,
// so that one policy more among many costs no walk through all of them.
struct policy_view {
	struct policy_view *next;
	const struct attachment *attachment;
	struct weir_policy *policies; // in the order of the list
	uint64_t *serials, *places;   // of the same policies
	size_t n, room;
	size_t n_unchecked;
	unsigned n_moved; // times that what is behind a policy was moved, since it was last shown
	bool stale;       // to be made anew from the list
};

struct meter {
	struct numbered number; // first
	struct meter *next;
	struct meter **link; // what points to it
	struct index_entry by_name, by_target;
	char extension[WEIR_NAME_MAX];
	char target[WEIR_NAME_MAX + 8];
	char key[64];
	unsigned refs;  // states that hold it
	bool orphaned;  // its target is gone: it goes with its last state
	bool committed; // a state in force has held it
	bool kept;      // weir_export_meters() has told it, or it was restored: its end is told
	bool changed;   // to be told by weir_export_meters() whatever it counts
	uint64_t base_frames, base_bytes, since;
	uint64_t told_frames, told_bytes; // what was counted when it was told
};

struct policing_counts {
	uint64_t passed_frames, passed_bytes, dropped_frames, dropped_bytes;
};

// A policer lives as long as a state holds it: what it has is worth no more than its burst.
struct policing {
	struct numbered number; // first
	struct index_entry by_name;
	char extension[WEIR_NAME_MAX];
	char target[WEIR_NAME_MAX + 8];
	char key[64];
	unsigned refs;                // states that hold it
	struct policer_config config; // in force
	struct policer *policer;
	uint64_t since_ns;           // when the number became its own, by the clock of batches
	struct policing_counts base; // when it was reset
	uint64_t since;              // Unix seconds, when it was made or reset
};

// A policer as a state wants it.
struct wanted_policer {
	struct policing *policing; // holds a reference
	struct policer_config config;
};

// What a plan collected, and what became of it: one per attachment and target.
struct remark;

struct target_state {
	struct target_state *next;
	struct attachment *attachment;
	void *prepared;
	const void *state;
	uint64_t reads[WEIR_N_STAGES];
	unsigned inactive;  // set of stages
	uint32_t learn_max; // addresses of the port, 0: any number
	bool uses_ports;    // asked for ports by name: prepared again when ports come and go
	bool checked;       // policies that were unchecked have passed
	// Why the extension does not take the target's policies: then there is no state, no hook is
	// run for it, and the target's ports are blocked unless the attachment is fail_open.
	char *refusal;
	// What it asked for; in force, all that it has.
	unsigned n_meters, meters_room, n_policers, policers_room;
	struct meter **meters;
	struct wanted_policer *policers;
	// Besides, until it is in force: what the state before has, without those that are listed.
	bool keeps;
	unsigned n_gone_meters, n_gone_policers;
	struct meter **gone_meters;
	struct policing **gone_policers;
	struct remark *remarks; // until they are told
	struct retired_state
		*retired; // for its end: made with it, so that retiring needs no memory
};

struct target {
	struct vswitch *vswitch;
	struct port *port; // NULL: the switch itself
	// In the order in which extensions see them, and by id. Only policy_list.c changes them.
	struct policy *policies, **policies_end;
	struct index policy_ids;
	struct policy_view *views; // of the attachments that were shown policies
	uint64_t places;           // given out
	unsigned made_ids;         // the last id that was made
	struct target_state *states;
	struct touched *touched; // inside weir_apply(): what of it is concerned
};

// ---- The stack

struct offence_counts {
	uint64_t violations, invalid, impure, modified;
};

struct attachment {
	struct weir_attachment public; // first: what the extension is handed
	struct attachment *next;       // in stack order
	struct weir *weir;
	struct vswitch *vswitch;
	struct extension *extension;             // NULL: it is missing
	const struct weir_extension *descriptor; // of a missing one: its name and no hooks
	struct missing *missing;                 // NULL: it is there
	void *instance;
	int order;
	uint16_t id;
	uint16_t visitor; // that of the first version whose place this has
	uint16_t number;  // of the extension's name
	uint8_t reason_map[WEIR_REASONS_MAX];
	const uint8_t *reasons; // as in struct stack_entry
	// While flows run that were decided by the version before; NULL: there is none.
	struct attachment *predecessor;
	struct attachment *successor; // of that one; holds a reference
	struct ending ending;
	struct deferred end; // with its switch
	bool attached;       // attach() succeeded
	bool fail_open;      // WEIR_FAIL_OPEN
	bool arriving;       // inside weir_apply(): it has no say yet
	bool detached;
	bool expelled; // a missing one, in the place of one that strict mode detached
	struct weir_running_call *calls; // that have not ended
	struct timers *timers;           // NULL: none was ever set
	struct post *posts;              // lock-free stack. any thread: pushes, control: takes all
	unsigned
		refs; // the stack's, its states' and a sweep's: detach() runs when the last is gone
	struct extension_counters counters;
	struct offence_counts told;                                           // of the counters
	char last_offence[sizeof(((struct extension_counters *)0)->offence)]; // or ""
};

// The stack as the datapath sees it; replaced as a whole.
struct stack {
	struct deferred deferred;
	unsigned n;
	struct stack_entry entries[];
};

// ---- Ports

struct port {
	struct target target;
	weir_port_id id;
	uint16_t index;
	struct index_entry by_name; // in weir->ports, while it is in vswitch->ports
	char name[WEIR_NAME_MAX];
	char *vlan_text;
	struct vlan_config vlan;
	char mac[18];
	uint32_t mtu; // as configured, 0: the NIC's
	bool uplink;
	char *nic_spec; // "" when there has never been one
	bool nic_forced;
	struct nic *nic;
	enum weir_port_state state;
	char reason[160];
	bool leaving;                    // no worker is to poll the NIC any more
	struct retired_nic *nic_retired; // for the NIC's end: made with it
	uint64_t missed_before;          // rx_missed of the NICs that it had before
	unsigned first_worker;           // of its receive queues
	struct port_runtime runtime;
	struct retired_port *retired;
	struct port *next_leaving;
	struct snapshot_port *snapshot; // the published one
	bool dirty;                     // the next publication makes its snapshot anew
	uint64_t nic_after; // its NIC is to be had when the ending of this number is over; 0: none
};

// A snapshot_port with its hooks in one piece of memory.
struct published_port {
	struct deferred deferred;
	struct snapshot_port port;
	struct hook hooks[];
};

struct published_snapshot {
	struct deferred deferred;
	struct snapshot snapshot; // last: ends in an array
};

struct retired_port {
	struct deferred deferred;
	struct port *port;
};

struct totals {
	uint64_t received, originated, copies, transmitted, dropped, consumed;
};

struct vswitch {
	struct vswitch *next;
	struct weir *weir;
	unsigned slot; // in weir->switch_slots
	char name[WEIR_NAME_MAX];
	struct target target;
	unsigned n_flows;                     // as configured, 0: the daemon's
	unsigned n_sessions, n_port_sessions; // as configured, 0: the core's choice
	struct generation *generation;
	struct fdb *fdb;
	struct session_table *sessions;
	struct fragment_table *fragments;
	const struct snapshot *published; // RCU. control: w, worker: r
	struct stack *stack;
	struct attachment *attachments; // in stack order
	unsigned n_attachments;
	struct port **ports; // by index; NULL where there is none. port_link(), port_unlink()
	unsigned n_ports, ports_size, n_indices;
	uint16_t *port_uses; // by index: how often it has been given out
	bool *port_retiring; // by index: not to be given out yet
	uint16_t epoch;
	struct port_runtime nowhere; // counters of frames that no port sent
	struct snapshot_port *nowhere_snapshot;
	struct datapath *datapaths[WORKERS_MAX];
	struct {
		uint64_t slow, moves;
	} told[WORKERS_MAX]; // of what the datapaths counted
	struct meter_owners meter_owners;
	struct meter *meters;            // the latest first
	struct meter **meters_by_number; // as many as were made; NULL where there is none
	struct index meter_names, meter_targets;
	struct numbers meter_numbers;
	struct policer_table policer_table;
	struct index policers; // by name
	struct numbers policer_numbers;
	struct policing **policings; // by number, as many as were made; NULL where there is none
	struct totals retired;       // of ports that are gone
	struct drop_slot
		retired_drops[RETIRED_DROPS]; // what they dropped, by reason; the last is shared
	struct port *leaving;                 // removed, and still used by a worker
	unsigned users;                       // deferred ends that still need the switch
	struct deferred end;                  // for its end
	bool stale;                           // inside weir_apply(): to be published
	uint32_t n_planned;                   // inside weir_apply(): static entries to come
	bool ports_changed;                   // inside weir_apply(): which ports there are
	bool restacked;                       // inside weir_apply(): with all its ports
	bool removed;
};

// Immutable once published: read by any thread, and kept until weir_destroy().
struct reason_names {
	struct reason_names *next; // of all that were ever published
	char owner[WEIR_NAME_MAX];
	unsigned n;
	struct weir_drop_reason *reasons; // copies: an unloaded extension's drops stay listed
};

struct watch {
	uint64_t slow_limit;  // cycles that a decide hook may take. control: w, worker: r
	double cycles_per_ms; // 0: not known yet
	uint64_t cycles;      // at the start
	struct timespec time;
};

// What a worker had counted at a time.
struct worker_reading {
	uint64_t at_ns;
	struct worker_counts counts;
};

// The decide hooks of a worker that took too long: how many, and the longest that was told last.
struct slow_told {
	uint64_t n;
	char extension[WEIR_NAME_MAX], vswitch[WEIR_NAME_MAX];
	double ms;
};

struct flow_listing;
struct closing;

struct weir {
	struct weir_options options;
	struct nic_host nic_host;
	unsigned linger_us;
	struct loader *loader;
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

// ---- weir.c
uint64_t weir_now_ns(const struct weir *w);
// Hands something to the control thread, which calls its function. Any thread.
void weir_hand_over(struct deferred *deferred);
// The same as a callback of rcu_free_later().
void weir_grace_period_over(struct rcu_head *head);
void weir_defer(struct weir *w, struct deferred *deferred, void (*function)(struct deferred *));
// Calls done when every worker has swept this switch (NULL: all) up to now. -ENOMEM.
int weir_wait(struct weir *w, struct vswitch *vswitch, weir_done *done, void *context);
// The same in two steps, for what must not fail once it has been done. Caller begins, or frees with
// free().
struct wait *weir_wait_make(unsigned n_switches, weir_done *done, void *context);
void weir_wait_begin(struct weir *w, struct wait *wait, struct vswitch *vswitch);
void weir_ending_begin(struct weir *w, struct ending *ending);
void weir_ending_over(struct weir *w, struct ending *ending);
void weir_wake_workers(struct weir *w);
__attribute__((format(printf, 3, 4))) void weir_log_line(
	const struct weir *w, int level, const char *format, ...);
__attribute__((format(printf, 6, 7))) void weir_notify(struct weir *w, const char *kind,
	const char *vswitch, const char *port, const char *extension, const char *format, ...);
// Rebuilds and publishes every worker's list of queues. -ENOMEM leaves the old ones.
int weir_publish_queues(struct weir *w);
// The same where it must not fail: tried again by weir_process() until there is memory.
void weir_publish_queues_later(struct weir *w);

// ---- wait.c
// Makes weir_fd() readable. Any thread.
void control_wake(const struct weir *w);
// Ends what is due: what was deferred, and whose waiting is over.
void deferred_run(struct weir *w);
void waits_run(struct weir *w);

// ---- worker_list.c
// Takes a reading of each worker: once as it is made, then once a second.
void workers_read(struct weir *w);

// ---- queues.c
void queues_free(struct poll_list *list);
// The worker with the fewest queues: more go there.
unsigned queues_least_loaded(const struct weir *w);

// ---- vswitch.c
struct vswitch *vswitch_find(struct weir *w, const char *name, struct weir_error *error);
// Removes the switch and all that is on it, whoever would veto it. -ENOMEM leaves it.
int vswitch_end(struct vswitch *vswitch);
// A switch that nobody knows yet, with no ports. config: checked. NULL: no memory.
struct vswitch *vswitch_make(
	struct weir *w, const char *name, const struct weir_switch_config *config);
// 0, or a refusal of what a switch is to be.
int vswitch_check(const struct weir_switch_config *config, struct weir_error *error);
// 0, or a refusal of a size of flow tables.
int flows_check(unsigned n_flows, struct weir_error *error);
// How many flows each of the switch's tables holds.
unsigned vswitch_n_flows(const struct vswitch *vswitch);
// Among the switches that there are, -ENOSPC; and out of them again.
int vswitch_link(struct vswitch *vswitch, struct weir_error *error);
void vswitch_unlink(struct vswitch *vswitch);
// The end of one that no worker has known.
void vswitch_discard(struct vswitch *vswitch);
// The end of one that is off the list of switches, and in no worker's list any more.
void vswitch_end_now(struct vswitch *vswitch);
// "vm1" or "switch:br0".
struct target *target_find(struct weir *w, const char *text, struct weir_error *error);
void target_name(const struct target *target, char name[/* WEIR_NAME_MAX + 8 */]);
bool mac_parse(const char *text, uint8_t mac[6]);
void mac_format(const uint8_t mac[6], char text[/* 18 */]);
int name_check(const char *what, const char *name, struct weir_error *error);
void port_add_totals(
	const struct port_counters *counters, unsigned n_workers, struct totals *totals);

// ---- session.c
int sessions_check(unsigned n_sessions, unsigned n_port_sessions, struct weir_error *error);
unsigned vswitch_n_sessions(const struct vswitch *vswitch);
unsigned vswitch_n_port_sessions(const struct vswitch *vswitch);
// Once a second by the clock of w: ends those that have expired, and tells who opened them.
void sessions_run(struct weir *w);
// No worker uses the port any more.
void sessions_end_port(struct vswitch *vswitch, weir_port_id port);
// Ends those of an attachment, and tells it. Nobody calls its hooks any more, and no flow rests on
// them; or its switch has been removed, and no worker has it.
void sessions_leave(struct attachment *attachment);
// Those of a replaced attachment go to the one that came in its place, once the former is told.
void sessions_hand_over(const struct attachment *from, const struct attachment *to);
int host_sessions_end(struct weir_attachment *attachment, weir_port_id port, uint64_t cookie);
int host_sessions_end_some(
	struct weir_attachment *attachment, weir_port_id port, const uint64_t *cookies, size_t n);

// ---- port_list.c
struct port *port_find(struct weir *w, const char *name, struct weir_error *error);
// Into its place of vswitch->ports, and out of it; the latter also when it is not there.
void port_link(struct port *port);
void port_unlink(struct port *port);

// ---- policy_list.c
void target_init(struct target *target, struct vswitch *vswitch, struct port *port);
// NULL: there is none.
struct policy *policy_find(
	const struct target *target, const struct attachment *attachment, const char *id);
// To the end of the list. Takes ownership of the policy, as does policy_link().
void policy_append(struct target *target, struct policy *policy);
// Off the list; the caller frees it with free(), or has it back in its old place with policy_link()
// as long as nothing else of the list was changed meanwhile.
void policy_unlink(struct target *target, struct policy *policy);
void policy_link(struct target *target, struct policy *policy);
// In the place of `old`, which is then the caller's.
void policy_replace(struct target *target, struct policy *old, struct policy *policy);
// Frees those of an attachment (NULL: all), and says how many there were.
unsigned policies_free(struct target *target, const struct attachment *attachment);
// The name of the extension that it is for.
const char *policy_extension(const struct policy *policy);

// ---- policy_view.c
// All of an attachment's policies on a target, until the next change of the list. NULL: no memory.
const struct policy_view *policy_view(struct target *target, const struct attachment *attachment);
// What policy_list.c does to the list.
void policy_views_add(struct target *target, const struct policy *policy);
void policy_views_remove(struct target *target, const struct policy *policy);
void policy_views_replace(
	struct target *target, const struct policy *old, const struct policy *policy);
// Policies changed otherwise: those of an attachment (NULL: of all).
void policy_views_drop(struct target *target, const struct attachment *attachment);

// ---- publish.c
// Makes the port's next snapshot from the model. NULL: no memory.
struct published_port *publish_port_make(struct port *port, const struct stack *stack);
void publish_port_discard(struct published_port *published);
// The same for the frames that no port sent.
struct published_port *publish_nowhere_make(struct vswitch *vswitch, const struct stack *stack);
bool publish_has_forwarding(const struct stack *stack);

// ---- publication.c
// Puts it in force: the new snapshot of the switch has it, the port's generation moves.
int publish_port(struct port *port, struct published_port *published);
// The same for all ports of a switch at once, with a new stack. Either all or, with -ENOMEM,
// nothing.
int publish_all(struct vswitch *vswitch);
// The same in two steps, for several switches at once: makes what is new, for all ports or for
// those that are dirty, without changing anything. NULL: no memory. Then one of the others, neither
// of which can fail.
struct publication *publication_make(struct vswitch *vswitch, bool all);
void publication_force(struct publication *publication);
void publication_discard(struct publication *publication); // accepts NULL
// Gives the port's published snapshot back after a grace period.
void publish_port_retire(struct port *port);
// The switch without the port. -ENOMEM leaves it.
int publish_without(struct vswitch *vswitch, struct port *port);
void publish_free(struct vswitch *vswitch);
struct port_runtime runtime_make(unsigned n_workers);
void runtime_free(struct port_runtime *runtime);

// ---- change.c: one transaction of prepares
struct change {
	struct prepared *items, **end;
};
// With the policies that the target has now.
int change_prepare(struct change *change, struct attachment *attachment, struct target *target,
	struct weir_error *error);
// The same; a refusal is kept in place of a state and returned as 1,
// with its sentence. -ENOMEM.
int change_prepare_or_refuse(struct change *change, struct attachment *attachment,
	struct target *target, struct weir_error *error);
void change_abort(struct change *change);
// Puts in force what has been prepared; a dry run gives it up. publish: shows workers the model,
// with the prepared states in place of the old ones; what fails, for lack of memory, leaves no
// trace. 0; -ENOMEM: the old states stand again. The change is over in either case.
typedef int change_publisher(void *context);
int change_carry_out(
	struct change *change, unsigned flags, change_publisher *publish, void *context);
// A publisher of what a change of one target concerns: its port, or the whole switch.
int change_publish_target(void *target);
// What change_carry_out() consists of, for those who publish several changes at once. The prepared
// states come in place of the old ones, in the model. Cannot fail. Then publish, and
void change_commit(struct change *change);
// either, once that has been done: what the targets had is released after a grace period;
void change_finish(struct change *change);
// or, when there was no memory for it: the old states stand again.
void change_revert(struct change *change);
// Drops every state of an attachment on a target, retiring it.
void target_drop_state(struct target *target, struct attachment *attachment);
const struct target_state *target_state_of(
	const struct target *target, const struct attachment *attachment);
// Prepares again what depends on which ports there are.
void change_ports_changed(struct vswitch *vswitch);

// ---- reasons.c
// The number of an extension's name: of its reasons, meters and ids, for as long as the process
// lives. 0: there are too many.
unsigned extension_owner_number(const struct weir *w, const char *name);
// What the names of drops are to be with those of this version: to be published or discarded.
int reasons_make(const struct weir *w, const struct weir_extension *descriptor,
	struct reason_names **made, struct weir_error *error);
void reasons_publish(struct weir *w, struct reason_names *made);
void reasons_discard(const struct weir *w, struct reason_names *made); // accepts NULL
// Which places the version's own reasons have; NULL: the first ones.
const uint8_t *reasons_map(const struct reason_names *names,
	const struct weir_extension *descriptor, uint8_t map[/* WEIR_REASONS_MAX */]);
void reasons_free(struct reason_names *names); // and those behind it; accepts NULL

// ---- extensions.c
// 0, or a refusal that says which there are: the extension is neither loaded nor missing anywhere.
int extension_check_known(struct weir *w, const char *name, struct weir_error *error);
// The loaded extension, loaded now if need be; *loaded says so. NULL: refused.
struct extension *extension_need(
	struct weir *w, const char *name, bool *loaded, struct weir_error *error);

// ---- policy.c
// NULL: no memory. Caller frees with free(), or adds it to a list.
struct policy *policy_make(struct attachment *attachment, const struct schema_type *type,
	const char *id, const void *bytes, size_t size);
// type: as it was given, perhaps "".
struct policy *policy_make_unchecked(struct attachment *attachment, const char *type,
	const char *id, const void *bytes, size_t size);

// ---- policy_check.c
int policy_check_id(const char *id, struct weir_error *error);
// The type of a policy, NULL or "" being the only one, whose bytes pass its schema. NULL: refused.
const struct schema_type *policy_check(const struct target *target,
	const struct attachment *attachment, const char *type, const void *bytes, size_t size,
	struct weir_error *error);
// Two policies of the same key contradict each other: -EEXIST for `added` and any of the target's.
int policy_check_key(const struct target *target, const struct policy *added,
	const struct schema_type *type, struct weir_error *error);
// The same for all of an attachment's policies on a target. *second: one that another contradicts.
int policy_check_keys(const struct target *target, const struct attachment *attachment,
	const struct policy **second, struct weir_error *error);
// Hands the policies of an attachment to another one of the same extension's name, whose schema has
// the types of those that are not unchecked.
void policies_give(struct target *target, const struct attachment *from, struct attachment *to);
// The attachment's unchecked policies on the target are as good as any: they have been prepared.
void policies_settle(struct target *target, const struct attachment *attachment);

// ---- attachment.c
void attachment_put(struct attachment *attachment);
struct attachment *attachment_find(struct vswitch *vswitch, const char *extension);
// Whether the id is its own, or that of the version before it, which is on its way out.
bool attachment_stands_for(const struct attachment *attachment, uint16_t id);
// order: or WEIR_ORDER_DEFAULT. flags: WEIR_FAIL_OPEN. extension: NULL: for missing.c. NULL: no
// memory.
struct attachment *attachment_make(
	struct vswitch *vswitch, struct extension *extension, int order, unsigned flags);
// Calls its attach().
int attachment_attach(struct attachment *attachment, struct weir_error *error);
// attachment_attach(), every prepare with the policies that are there, and into force. On failure
// the caller calls attachment_give_up().
int attachment_enter(struct attachment *attachment, unsigned flags, struct weir_error *error);
void attachment_give_up(struct attachment *attachment);
// What one needs to leave; caller frees with free(), or: the published stack is without it. Returns
// how many policies went with it.
struct wait *attachment_end_make(struct attachment *attachment);
unsigned attachment_end(struct attachment *attachment, struct wait *wait);
// How many policies it has, on its switch and on ports.
unsigned attachment_n_policies(const struct attachment *attachment);
// The same for one whose switch goes.
void attachment_end_with_switch(struct attachment *attachment);

// ---- stack.c
// Whether there is a place for the extension on the stack.
int stack_check(const struct vswitch *vswitch, const struct weir_extension *extension, int order,
	struct weir_error *error);
int stack_check_order(int order, struct weir_error *error);
// Behind the last of the class.
int stack_next_order(const struct vswitch *vswitch, enum weir_class class);
void stack_insert(struct vswitch *vswitch, struct attachment *attachment);
void stack_unlink(struct vswitch *vswitch, struct attachment *attachment);
void stack_exchange(struct vswitch *vswitch, struct attachment *from, struct attachment *to);
void stack_detach_all(struct vswitch *vswitch);

// ---- expel.c
// Takes an extension that broke a promise off its stack, and leaves a missing one with its policies
// in its place. The attachment is on its way out then, or still there: -ENOMEM.
int attachment_expel(struct attachment *attachment, const char *why);

// ---- replace_close.c: what becomes of a version that is not the loaded one any more, or never was
// NULL: no memory. Caller frees with free(), or: the extension, which the loader has not among the
// loaded ones, is unloaded when nothing refers to it any more, which is an ending until then.
struct closing *closing_make(struct weir *w);
void closing_begin(struct closing *closing, struct extension *extension);
// An attachment does not need its extension any more.
void extension_let_go(struct weir *w, struct extension *extension);

// ---- missing.c: extensions that cannot be had, and ports that are blocked for them
// Turns a fresh attachment_make() without an extension into one that stands for `name`. path: NULL:
// looked for by name. -ENOMEM.
int missing_make(
	struct attachment *attachment, const char *name, const char *path, const char *reason);
void missing_free(struct missing *missing); // accepts NULL
// Of a missing one, or "".
const char *missing_reason(const struct attachment *attachment);
// The path that was asked for, NULL: by name. Of any attachment.
const char *attachment_path(const struct attachment *attachment);
// Has those of the name looked for at another path, wherever they are missing: makes what that
// needs, -ENOMEM; then one of the others. missing_move() returns how many there are.
int missing_move_make(const struct weir *w, const char *name, const char *path);
unsigned missing_move(const struct weir *w, const char *name);
void missing_move_discard(const struct weir *w, const char *name);
// Tries again. The attachment is gone when this succeeds.
int missing_retry(struct attachment *missing, int order, unsigned flags, struct weir_error *error);
// One whose switch-wide policies were refused counts as missing: prepares those again.
bool attachment_is_refused(const struct attachment *attachment);
int refused_retry(struct attachment *attachment, unsigned flags, struct weir_error *error);
// Whether an extension is attached anywhere, or missing somewhere.
bool attached_anywhere(const struct weir *w, const char *name, bool missing_too);
// Whether the port passes nothing; reason: "extension acl: ...", may be NULL.
bool port_is_blocked(const struct port *port, char reason[/* BLOCKED_REASON_SIZE */]);
// The notice: it is blocked, or not any more.
void port_tell_blocked(const struct port *port);

// ---- refusal.c
// What a hook of an extension returned, and its *error: 0 when it did not refuse, or the code, that
// of a system's error whatever it was, with terminated strings of UTF-8 without control characters.
// The message may be "".
int refusal_tame(struct weir_error *error, int code);

// ---- host.c
// The table that the extensions of w are handed.
struct weir_host host_table(const struct weir *w);
void host_refresh_due(struct weir *w);
void host_refresh_forget(struct weir *w);
// Asks every extension of the switch whether something may change, and tells them that it has.
int review(struct vswitch *vswitch, enum weir_event_kind kind, const struct port *port,
	const char *extension, struct weir_error *error);
void tell(struct vswitch *vswitch, enum weir_event_kind kind, const struct port *port,
	const char *extension);

// ---- remark.c
// A remark on what is being prepared. -ENOSPC, -ENOMEM.
__attribute__((format(printf, 2, 0))) int remark_add(
	struct target_state *state, const char *format, va_list arguments);
// Tells them, and forgets them. made: the change is; else it is but checked, or refused.
void remarks_tell(const struct target *target, struct target_state *state, bool made);
void remarks_free(struct target_state *state);
// One of the core's own.
__attribute__((format(printf, 3, 4))) void weir_remark(
	const struct weir *w, bool made, const char *format, ...);
// What somebody who has given the port its NIC should know of it. After the change.
void port_remark_nic(const struct port *port);
// The same of a NIC with this specification that is, or would be, `shared`.
void port_remark_shared(const struct port *port, const char *spec, bool made);

// ---- host_timer.c
int host_timer(struct weir_attachment *attachment, uint64_t cookie, uint64_t delay_ms);
int host_post(struct weir_attachment *attachment, uint64_t cookie); // any thread
// Delivers what is due.
void host_timers_run(struct weir *w);
// Frees what is left, once detach() has returned.
void host_timers_free(struct attachment *attachment);

// ---- host_save.c
// What an attachment has to say of a target beyond its policies; *size 0: nothing. Caller frees
// *bytes with free().
int attachment_save(const struct attachment *a, const struct target *target, void **bytes,
	size_t *size, struct weir_error *error);
// Hands an attachment what it saved for a target: of the switch before any prepare(), of a port
// before its first. A refusal, which is a sentence, leaves the extension without.
int attachment_restore(struct attachment *a, const struct target *target, uint32_t version,
	const void *bytes, size_t size, struct weir_error *error);

// ---- host_call_find.c
// The attachment that a request of a client means, and the type of its message, which has passed
// the checks. NULL: refused.
struct attachment *call_find(struct weir *w, const struct weir_call_request *request,
	const struct schema_message **message, struct weir_error *error);

// ---- host_call.c
// Tells extensions which calls were cancelled.
void host_calls_run(struct weir *w);
// Ends every call of an attachment that is being detached.
void host_calls_end(struct attachment *attachment);

// ---- observe.c
// The token of a reason, its text and whose it is; never NULL, valid until weir_destroy(). Any
// thread.
const char *reason_describe(
	const struct weir *w, uint16_t reason, const char **text, const char **owner);

// Of enum weir_stage, as rows show it.
const char *stage_name(unsigned stage);

// Adds a leaving port's drops to those of its switch.
void drops_retire(struct vswitch *vswitch, const struct port_counters *counters);

// ---- watch.c
void watch_start(struct weir *w);
// Tells what workers saw since the last call; once a second.
void watch_run(struct weir *w);
// What was counted of an attachment is counted of the one in its place, too.
void counters_hand_over(struct attachment *from, struct attachment *to);

// ---- port_nic.c
void port_links_changed(void *context, const struct link_change *change);
void port_check_nics(struct weir *w);
void port_retry_lost(struct weir *w);
// Whether the port could have this NIC, without opening it.
int port_check_nic(const struct port *port, const char *spec, struct weir_error *error);
// What opening it would refuse, as far as can be told without; else what would be remarked.
int port_try_nic(
	const struct port *port, const char *spec, unsigned flags, struct weir_error *error);
int port_open_nic(struct port *port, const char *spec, unsigned flags, struct weir_error *error);
// Closes the NIC after a grace period. The workers' lists are without it already (port->leaving).
void port_close_nic(struct port *port);
// The same for a NIC that has been taken off the port; returns the number of its ending.
uint64_t port_end_nic(struct port *port, struct nic *nic, struct retired_nic *retired);
uint64_t retired_nic_ending(const struct retired_nic *retired);
uint64_t port_nic_missed(const struct port *port);
// What a worker says when the NIC fails. worker: w once, control: r. The port has a NIC.
int *port_nic_error(const struct port *port);
// Of one of its queues. The queue's worker: rw. The port has a NIC.
struct queue_pressure *port_queue_pressure(const struct port *port, unsigned queue);

// ---- closer.c
// A thread that closes NICs, which may take the kernel tens of milliseconds each.
int closer_create(struct weir *w, struct weir_error *error);
// Closes what is left, ends the thread. Accepts NULL.
void closer_destroy(struct closer *closer);
// Closes the NIC, then hands `deferred` to the control thread. No worker uses the NIC any more.
void closer_close(struct closer *closer, struct nic *nic, struct deferred *deferred);

// ---- port_config.c
// What an embedder gave, as SIZED_TAKE().
int port_config_take(const struct weir_port_config *given, struct weir_port_config *config,
	struct weir_error *error);
// Fills the settings in the set `which` into the port; on failure the caller drops the port.
int port_configure(struct port *port, const struct weir_port_config *config, unsigned which,
	struct weir_error *error);

// ---- port.c
// A port that is nowhere yet. NULL: refused.
struct port *port_make(struct vswitch *vswitch, const char *name,
	const struct weir_port_config *config, struct weir_error *error);
void port_free(struct port *port);
// Gives it a free place of its switch, and an id. It is taken by port_link() and by counting
// port_uses. -ENOSPC, -ENOMEM.
int port_take_index(struct port *port);
// Keeps the place of a removed port until no decision can name it.
void port_retire_index(struct vswitch *vswitch, uint16_t index);
// Addresses can be learned at the port, and not any more. -ENOMEM.
int port_learn(const struct port *port);
void port_forget(struct vswitch *vswitch, weir_port_id id);
void port_forget_learned(const struct port *port);
// The end of a port that is in no snapshot any more.
void port_end(struct port *port);
int port_republish(struct port *port);
// Has everybody on the stack prepare for the port. On failure the change is aborted.
int port_prepare(struct change *change, struct port *port, struct weir_error *error);

// ---- notice_kinds.c
// How much a line about a notice of this kind matters: as syslog(3).
int notice_level(const char *kind);

// ---- item.c: what is told to the weir_change_handler, after the change was made
void note_switch(const struct vswitch *vswitch, bool removed);
void note_attachment(const struct attachment *attachment, bool removed);
void note_port(const struct port *port, bool removed);
void note_policy(const struct target *target, const struct policy *policy, bool removed);
void note_fdb(const struct vswitch *vswitch, uint16_t vlan, const uint8_t mac[6], const char *port,
	bool removed);
// A meter that is kept, and ends before its target does.
void note_meter_gone(const struct weir *w, const struct meter *meter);

// ---- plan.c
// What an extension's plan calls reach.
struct plan {
	struct weir_plan public; // first, with plan_ops
	struct target *target;
	struct target_state *state;
	struct weir_error refusal; // of what the extension asked for
	bool no_memory;            // the core had none for it
};
extern const struct weir_plan_ops plan_ops;
// Gives back what the core has for a state but what it keeps of another. policy_gone: as for
// meter_put().
void plan_put_objects(struct vswitch *vswitch, struct target_state *state, bool policy_gone);
// The states of the target have changed; `state` (which may be NULL) is in force now.
void plan_apply_objects(struct target *target, const struct target_state *state);
// How many addresses may be learned at the target's port, 0: any number.
uint32_t plan_learn_max(const struct target *target);

// ---- plan_keep.c: a state that has what the one before it has, but for a few
// Of struct weir_plan_ops.
int plan_keep(struct weir_plan *p, const void *in_force, const char *const gone[/* n */], size_t n);
// Makes room for plan_inherit(), which cannot fail. -ENOMEM.
int plan_reserve(struct target_state *state, struct target_state *before);
// `old`, which the state was planned after, is in force no more: the state has of it what it keeps,
// and what was to go is given back.
void plan_inherit(struct vswitch *vswitch, struct target_state *state, struct target_state *old);

// ---- policing.c
void policing_init(struct vswitch *vswitch);
// No worker uses the switch any more, and no state.
void policing_fini(struct vswitch *vswitch);
// 0, or a refusal of a rate or burst.
int policing_check(const struct policer_config *config, struct weir_error *error);
// NULL: there is none.
struct policing *policing_find(const struct vswitch *vswitch, const struct attachment *attachment,
	const char *target, const char *key, enum policer_unit unit);
// The policer of this name and unit, with one more reference; a new one is as config says, full.
// -ENOSPC, -ENOMEM: as of numbers_take().
int policing_get(struct vswitch *vswitch, const struct attachment *attachment, const char *target,
	const char *key, const struct policer_config *config, struct policing **got);
void policing_put(struct vswitch *vswitch, struct policing *policing);
// Puts the rates and bursts of the state in force. Cannot fail.
void policing_apply(struct vswitch *vswitch, const struct target_state *state);
// NULL: there is none of this number.
const struct policing *policing_at(const struct vswitch *vswitch, uint32_t id);
// What it has counted since it was made, on all workers.
struct policing_counts policing_count(
	const struct vswitch *vswitch, const struct policing *policing);

// ---- policer_list.c
enum { POLICER_NAME_SIZE = WEIR_NAME_MAX + 64 + sizeof(" of ") + WEIR_NAME_MAX + 8 };
// "acl web"; where it is not of the port, "acl web of switch:br0".
void policer_name(
	const struct policing *policing, const char *port, char name[/* POLICER_NAME_SIZE */]);
// Which policers of a switch dropped frames, most first. Finish with free().
struct policer_drop {
	const struct policing *policing;
	uint32_t cause;
	weir_port_id port;
	uint64_t frames;
	bool elsewhere; // not all of them, or not only they, were dropped there: there was no
			// room to count all of its places
};
// What an embedder gave, as SIZED_TAKE().
int count_filter_take(const struct weir_count_filter *given, struct weir_count_filter *filter,
	struct weir_error *error);
// What cannot be listed. known: its extension has something to list, whether it is loaded or not.
int count_filter_check(struct weir *w, const struct weir_count_filter *filter, bool known,
	struct weir_error *error);
// NULL: no memory.
struct policer_drop *policer_drops(const struct vswitch *vswitch, size_t *n);

// ---- meter.c
void meters_init(struct vswitch *vswitch);
// NULL: there is none.
struct meter *meter_find(const struct vswitch *vswitch, const struct attachment *attachment,
	const char *target, const char *key);
// Also one that is gone, as long as flows may count on it. NULL: there is none of this number.
const struct meter *meter_numbered(const struct vswitch *vswitch, uint32_t id);
// With one more reference. -ENOSPC, -ENOMEM: as of numbers_take().
int meter_get(struct vswitch *vswitch, const struct attachment *attachment, const char *target,
	const char *key, struct meter **got);
// policy_gone: the last holder is gone because its policy is, not because the extension left.
void meter_put(struct vswitch *vswitch, struct meter *meter, bool policy_gone);
// Before the target's states are dropped: their meters then end with them, untold.
void meter_remove_target(struct vswitch *vswitch, const char *target);
// What a meter was before it was restored.
struct meter_before {
	struct meter *meter;
	uint64_t base_frames, base_bytes, since;
	bool committed, kept, changed;
};
// The item's meter, made or found, has its counts as of now; one that is in use and has counted as
// much keeps its own, and one that is in use and was reset since goes on from these. Nobody holds
// one that was made: it stays until an extension of the name asks for it, or the target is removed.
// 0, -EINVAL for a name that is too long, -ENOSPC, -ENOMEM.
int meter_restore(
	struct vswitch *vswitch, const struct weir_item *item, struct meter_before *before);
// Nobody holds it since, and it has counted nothing more.
void meter_restore_undo(struct vswitch *vswitch, const struct meter_before *before);
void meter_free_all(struct vswitch *vswitch);

// The reasons of this token and extension, NULL: any, that somebody registered. Returns how many
// there are; the first `max` of them are filled in. One with mask REASON_OF_EXTENSION stands for
// all of an extension.
unsigned reasons_find(const struct weir *w, const char *token, const char *extension,
	struct drop_want wants[/* max */], unsigned max);

// ---- drop_watch.c
// Hands over the samples that have come.
void drop_watches_run(struct weir *w);
// Ends all that are left.
void drop_watches_free(struct weir *w);

// ---- flow_list.c
// What `flow list` and `trace` show of a flow.
void flow_key_text(
	const struct flow_key *key, const struct key_mask *mask, char *text, size_t size);
void flow_program_text(const struct vswitch *vswitch, const struct op ops[/* n */], unsigned n,
	char *text, size_t size);
void flow_list_collect(struct weir *w);
void flow_list_forget(struct weir *w, struct vswitch *vswitch);
void flow_list_free(struct weir *w);

#endif
