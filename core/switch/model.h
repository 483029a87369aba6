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

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/rcu.h"
#include "datapath/snapshot.h"
#include "datapath/worker.h"
#include "forwarding/vlan.h"
#include "nic/link_monitor.h"
#include "nic/nic.h"
#include "switch/loader.h"
#include "switch/schema.h"

enum {
	WORKERS_MAX = 64,
	POLICY_ID_SIZE = 64,
	SWITCHES_MAX = 256,
	RETIRED_DROPS = 256,
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
	struct attachment *attachment;
	char id[POLICY_ID_SIZE];
	const char *type; // the schema's
	size_t size;
	unsigned char bytes[];
};

struct meter {
	struct meter *next;
	char extension[WEIR_NAME_MAX];
	char target[WEIR_NAME_MAX + 8];
	char key[64];
	uint32_t id;
	unsigned refs;  // states that hold it
	bool orphaned;  // its target is gone: it goes with its last state
	bool committed; // a state in force has held it
	uint64_t base_frames, base_bytes, since;
};

// What a plan collected, and what became of it: one per attachment and target.
struct target_state {
	struct target_state *next;
	struct attachment *attachment;
	void *prepared;
	const void *state;
	uint64_t reads[WEIR_N_STAGES];
	unsigned inactive; // set of stages
	bool uses_ports;   // asked for ports by name: prepared again when ports come and go
	unsigned n_meters;
	struct meter **meters;
	struct retired_state
		*retired; // for its end: made with it, so that retiring needs no memory
};

struct target {
	struct vswitch *vswitch;
	struct port *port; // NULL: the switch itself
	struct policy *policies;
	unsigned made_ids; // the last id that was made
	struct target_state *states;
};

// ---- The stack

struct attachment {
	struct weir_attachment public; // first: what the extension is handed
	struct attachment *next;       // in stack order
	struct weir *weir;
	struct vswitch *vswitch;
	struct extension *extension;
	const struct weir_extension *descriptor;
	void *instance;
	int order;
	uint16_t id;
	uint16_t number; // of the extension's name
	struct ending ending;
	bool attached; // attach() succeeded
	bool detached;
	struct weir_running_call *calls; // that have not ended
	struct timers *timers;           // NULL: none was ever set
	struct post *posts;              // lock-free stack. any thread: pushes, control: takes all
	unsigned
		refs; // the stack's, its states' and a sweep's: detach() runs when the last is gone
	struct extension_counters counters;
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
	struct generation *generation;
	struct fdb *fdb;
	const struct snapshot *published; // RCU. control: w, worker: r
	struct stack *stack;
	struct attachment *attachments; // in stack order
	unsigned n_attachments;
	struct port **ports; // by index; NULL where there is none
	unsigned n_ports, ports_size, n_indices;
	uint16_t *port_uses; // by index: how often it has been given out
	bool *port_retiring; // by index: not to be given out yet
	uint16_t epoch;
	struct port_runtime nowhere; // counters of frames that no port sent
	struct snapshot_port *nowhere_snapshot;
	struct datapath *datapaths[WORKERS_MAX];
	struct meter_owners meter_owners;
	struct meter *meters;
	uint32_t meters_made;
	uint32_t *meter_ids; // free ones
	unsigned n_meter_ids;
	struct totals retired; // of ports that are gone
	struct drop_slot
		retired_drops[RETIRED_DROPS]; // what they dropped, by reason; the last is shared
	struct port *leaving;                 // removed, and still used by a worker
	unsigned users;                       // deferred ends that still need the switch
	bool removed;
};

// Immutable once published: read by any thread, and kept until weir_destroy().
struct reason_names {
	struct reason_names *older; // that it replaced
	char owner[WEIR_NAME_MAX];
	unsigned n;
	struct weir_drop_reason *reasons; // copies: an unloaded extension's drops stay listed
};

struct flow_listing;

struct weir {
	struct weir_options options;
	unsigned linger_us;
	struct loader *loader;
	struct weir_host host;                       // what extensions are handed
	struct reason_names *reasons[REASON_OWNERS]; // control: w, any thread: r
	unsigned n_workers; // at least 1; without threads the embedder is worker 0
	struct worker *workers[WORKERS_MAX];
	struct poll_list *lists[WORKERS_MAX];
	struct worker_counts last_counts[WORKERS_MAX];
	uint64_t list_version;
	bool queues_stale;                         // weir_publish_queues() is to be tried again
	int report_fd, timer_fd, due_fd, epoll_fd; // due_fd: the first of extensions' timers
	struct link_monitor *links;
	struct vswitch *switches;
	struct vswitch *switch_slots[SWITCHES_MAX];
	struct deferred *deferred; // lock-free stack. call_rcu thread: pushes, control: takes all
	unsigned n_deferred;       // not yet run
	struct wait **waits_end;
	struct ending *endings; // under way
	uint64_t n_endings;     // begun, since the start
	struct closer *closer;  // closes NICs
	struct wait *waits;
	struct flow_listing *listings;
	uint16_t attachment_ids;
	uint64_t notices;
	weir_notice_handler *on_notice;
	void *notice_context;
	weir_change_handler *on_change;
	void *change_context;
	struct refresh *refreshes;           // prepares asked for by extensions
	struct weir_running_call *cancelled; // calls whose extension is to be told
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

// ---- queues.c
void queues_free(struct poll_list *list);

// ---- vswitch.c
struct vswitch *vswitch_find(struct weir *w, const char *name, struct weir_error *error);
// Removes the switch and all that is on it, whoever would veto it. -ENOMEM leaves it.
int vswitch_end(struct vswitch *vswitch);
struct port *port_find(struct weir *w, const char *name, struct weir_error *error);
// "vm1" or "switch:br0".
struct target *target_find(struct weir *w, const char *text, struct weir_error *error);
void target_name(const struct target *target, char name[/* WEIR_NAME_MAX + 8 */]);
bool mac_parse(const char *text, uint8_t mac[6]);
void mac_format(const uint8_t mac[6], char text[/* 18 */]);
int name_check(const char *what, const char *name, struct weir_error *error);
void port_add_totals(
	const struct port_counters *counters, unsigned n_workers, struct totals *totals);

// ---- publish.c
// Makes the port's next snapshot from the model. NULL: no memory.
struct published_port *publish_port_make(struct port *port, const struct stack *stack);
void publish_port_discard(struct published_port *published);
// Puts it in force: the new snapshot of the switch has it, the port's generation moves.
int publish_port(struct port *port, struct published_port *published);
// The same for all ports of a switch at once, with a new stack. Either all or, with -ENOMEM,
// nothing.
int publish_all(struct vswitch *vswitch);
// Gives the port's published snapshot back after a grace period.
void publish_port_retire(struct port *port);
// The switch without the port. -ENOMEM leaves it.
int publish_without(struct vswitch *vswitch, struct port *port);
void publish_free(struct vswitch *vswitch);
struct port_runtime runtime_make(unsigned n_workers);
void runtime_free(struct port_runtime *runtime);

// ---- change.c: one transaction of prepares
struct change {
	struct weir *weir;
	struct prepared *items;
};
// policies: the list that the target will have for this attachment.
int change_prepare(struct change *change, struct attachment *attachment, struct target *target,
	const struct policy *policies, struct weir_error *error);
void change_abort(struct change *change);
// Puts the prepared states in place of the old ones, in the model. Cannot fail. Then publish, and
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

// ---- extensions.c
// The number of an extension's name: of its reasons, meters and ids, for as long as the process
// lives. 0: there are too many.
unsigned extension_owner_number(const struct weir *w, const char *name);
// The loaded extension, loaded now if need be; *loaded says so. NULL: refused.
struct extension *extension_need(
	struct weir *w, const char *name, bool *loaded, struct weir_error *error);

// ---- stack.c
void attachment_put(struct attachment *attachment);
struct attachment *attachment_find(struct vswitch *vswitch, const char *extension);
int review(struct vswitch *vswitch, enum weir_event_kind kind, const struct port *port,
	const char *extension, struct weir_error *error);
void tell(struct vswitch *vswitch, enum weir_event_kind kind, const struct port *port,
	const char *extension);
void stack_detach_all(struct vswitch *vswitch);
void reasons_free(struct reason_names *names); // with the older ones; accepts NULL
// The table that the extensions of w are handed.
struct weir_host host_table(const struct weir *w);
void host_refresh_due(struct weir *w);
void host_refresh_forget(struct weir *w);

// ---- host_timer.c
int host_timer(struct weir_attachment *attachment, uint64_t cookie, uint64_t delay_ms);
int host_post(struct weir_attachment *attachment, uint64_t cookie); // any thread
// Delivers what is due.
void host_timers_run(struct weir *w);
// Frees what is left, once detach() has returned.
void host_timers_free(struct attachment *attachment);

// ---- host_save.c
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

// Adds a leaving port's drops to those of its switch.
void drops_retire(struct vswitch *vswitch, const struct port_counters *counters);

// ---- port_nic.c
void port_links_changed(void *context, const struct link_change *change);
void port_check_nics(struct weir *w);
void port_retry_lost(struct weir *w);
// Whether the port could have this NIC, without opening it.
int port_check_nic(const struct port *port, const char *spec, struct weir_error *error);
int port_open_nic(struct port *port, const char *spec, unsigned flags, struct weir_error *error);
// Closes the NIC after a grace period. The workers' lists are without it already (port->leaving).
void port_close_nic(struct port *port);
uint64_t port_nic_missed(const struct port *port);
// What a worker says when the NIC fails. worker: w once, control: r. The port has a NIC.
int *port_nic_error(const struct port *port);

// ---- closer.c
// A thread that closes NICs, which may take the kernel tens of milliseconds each.
int closer_create(struct weir *w, struct weir_error *error);
// Closes what is left, ends the thread. Accepts NULL.
void closer_destroy(struct closer *closer);
// Closes the NIC, then hands `deferred` to the control thread. No worker uses the NIC any more.
void closer_close(struct closer *closer, struct nic *nic, struct deferred *deferred);

// ---- port_config.c
int port_config_check(const struct weir_port_config *config, struct weir_error *error);
// Fills the settings in the set `which` into the port; on failure the caller drops the port.
int port_configure(struct port *port, const struct weir_port_config *config, unsigned which,
	struct weir_error *error);

// ---- port.c
// The end of a port that is in no snapshot any more.
void port_end(struct port *port);
int port_republish(struct port *port);

// ---- item.c: what is told to the weir_change_handler, after the change was made
void note_switch(const struct vswitch *vswitch, bool removed);
void note_attachment(const struct attachment *attachment, bool removed);
void note_port(const struct port *port, bool removed);
void note_policy(const struct target *target, const struct policy *policy, bool removed);
void note_fdb(const struct vswitch *vswitch, uint16_t vlan, const uint8_t mac[6], const char *port,
	bool removed);

// ---- meter.c
struct meter *meter_get(struct vswitch *vswitch, const struct attachment *attachment,
	const char *target, const char *key);
// policy_gone: the last holder is gone because its policy is, not because the extension left.
void meter_put(struct vswitch *vswitch, struct meter *meter, bool policy_gone);
void meter_remove_target(struct vswitch *vswitch, const char *target);
void meter_free_all(struct vswitch *vswitch);

// ---- flow_list.c
void flow_list_collect(struct weir *w);
void flow_list_forget(struct weir *w, struct vswitch *vswitch);
void flow_list_free(struct weir *w);

#endif
