// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The switch as a library: all that an embedder reads, and all that the daemon's control socket
// uses.
//
// One struct weir holds the workers, the loaded extensions and any number of switches; a process
// may have several. All functions here are for one thread, the *control thread* of that struct
// weir, unless they say otherwise. They do not block on the datapath.
//
// A change either refuses, leaves everything as it was and fills *error (which may be NULL), or is
// made at once. Workers take it up as their frames come: weir_when_done() tells when no worker acts
// on anything older. With WEIR_DRY_RUN everything is checked, by extensions too, and nothing done.
//
// Lists call a function once per row, on the control thread, before they return. The row and its
// strings are borrowed during the call. A list function returns 0 or a refusal (unknown name).
//
// Structs that are passed in say their size, sizeof, and are initialised as a whole. They grow at
// their ends, behind whatever was padding: a program built against an older header passes a shorter
// one, and what that lacks is 0, which asks for nothing. A longer one, of a newer header, is taken
// if all that this library does not know of it is 0, and else refused with -E2BIG; a size that no
// version has had, with -EINVAL. error->field is "size".
//
// Structs that are handed out grow at their ends, too, and say no size: a program runs with the
// library that it was built against and with later ones of the same soname, not with earlier ones.
#ifndef WEIR_EMBED_H
#define WEIR_EMBED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#define WEIR_API __attribute__((visibility("default")))

struct weir;
struct weir_memory; // weir/memory.h

enum weir_flag {
	WEIR_DRY_RUN = 1 << 0,
	WEIR_FORCE = 1 << 1,     // port add: also an interface with the host's default route
	WEIR_FAIL_OPEN = 1 << 2, // extension attach: ports pass frames while it cannot be had
	WEIR_PRUNE = 1 << 3,     // apply: what the document does not name is removed
	WEIR_RESTORE = 1 << 4,   // apply: what cannot be had is put off, not refused
	WEIR_LOST_NICS = 1 << 5, // apply: of NICs alone, likewise
};

// How many flows a worker's table can be made for.
enum {
	WEIR_FLOWS_MIN = 64,
	WEIR_FLOWS_MAX = 1 << 24,
};

// How many sessions a switch can have.
enum {
	WEIR_SESSIONS_MIN = 64,
	WEIR_SESSIONS_MAX = 1 << 24,
};

// How many buffers all dpdk NICs together can have.
enum {
	WEIR_DPDK_MBUFS_MIN = 2048,
	WEIR_DPDK_MBUFS_MAX = 1 << 24,
};

struct weir_options {
	uint32_t size;      // sizeof(struct weir_options)
	unsigned n_workers; // 0: none; the embedder calls weir_run() from the control thread
	bool poll;          // workers never sleep
	// Checks what extensions promise, and expels who breaks a promise: within a second it is
	// off its stack, and counts as missing there (struct weir_extension_info). For their
	// development: each flow is decided several times, and again for a frame of each batch.
	bool strict;
	unsigned linger_us;     // how long a worker polls after its last frame; 0: 50
	unsigned n_flows;       // entries of each worker's flow table per switch; 0: 131072
	unsigned fdb_entries;   // per switch; 0: 65536
	unsigned fdb_ageing_s;  // 0: 300
	const char *extensions; // directories to search, separated by ':'; NULL: none
	uint64_t (*clock_ns)(void *context); // NULL: CLOCK_MONOTONIC. Any thread
	void *clock_context;
	// level as syslog(3). Any thread: DPDK has some of its own. NULL: stderr
	void (*log)(void *context, int level, const char *line);
	void *log_context;
	// Of the NIC kind dpdk. What is said first in a process stands: DPDK starts with the first
	// NIC of that kind, and all struct weir share it.
	const char *modules; // directory that is searched first for weir-dpdk.so; NULL: none
	const char *dpdk;    // arguments for DPDK's EAL, between blanks; NULL: what fits
	unsigned dpdk_mbufs; // buffers of all dpdk NICs together; 0: what fits
};

// The library's version, "0.1.0". Any thread.
WEIR_API const char *weir_version(void);

WEIR_API int weir_create(
	const struct weir_options *options, struct weir **weir, struct weir_error *error);
// Stops the workers, removes everything, unloads every extension. Blocks until done. Accepts NULL.
WEIR_API void weir_destroy(struct weir *weir);

// Readable when weir_process() has something to do: link changes, workers' reports, timers. The
// caller polls it; level-triggered.
WEIR_API int weir_fd(const struct weir *weir);
// Does what is due, including calling the functions given to weir_when_done(), weir_flow_list() and
// weir_drop_watch().
WEIR_API void weir_process(struct weir *weir);
// With n_workers 0: one round of receiving, deciding and sending, as a worker would; returns the
// number of frames received. Call weir_process() as well.
WEIR_API unsigned weir_run(struct weir *weir);

// Calls done once every change made so far is in force on every worker: every flow that it concerns
// has been decided anew, as far as possible in time that frames leave. That is within 100 ms,
// unless it concerns more flows than there is time for; and at the latest a second, and twice what
// deciding them and forwarding 32 frames for each takes, after it could begin, which is at once or
// when a change that was made before is in force.
typedef void weir_done(void *context);
WEIR_API int weir_when_done(struct weir *weir, weir_done *done, void *context);

// ---- Switches

struct weir_switch_info {
	const char *name;
	unsigned n_ports, n_extensions;
	uint64_t received, originated, copies, transmitted, dropped, consumed, queued; // frames
	uint64_t fdb_entries, fdb_max;
	uint64_t flows;                           // cached, over all workers
	uint64_t decisions;                       // flows decided since the start, over all workers
	uint64_t worker_flows_max;                // that each worker can cache
	uint64_t sessions;                        // open, or just ended
	uint64_t sessions_max, port_sessions_max; // of the switch, and of each of its ports
	// First fragments that were forgotten before their time, for lack of room, since the start.
	uint64_t fragments_forgotten;
};
typedef void weir_switch_row(void *context, const struct weir_switch_info *info);

struct weir_switch_config {
	uint32_t size;    // sizeof(struct weir_switch_config)
	unsigned n_flows; // entries of each worker's flow table, WEIR_FLOWS_MIN to WEIR_FLOWS_MAX;
			  // 0: as struct weir_options says. Takes memory as it
			  // fills; from 32,768 on 16 bytes of each and 4 MB at once
	// Sessions that extensions can have open, WEIR_SESSIONS_MIN to WEIR_SESSIONS_MAX; 0:
	// 131072.
	unsigned n_sessions;
	unsigned n_port_sessions; // of them at one port, 1 to n_sessions; 0: half of them
};

WEIR_API int weir_switch_add(
	struct weir *weir, const char *name, unsigned flags, struct weir_error *error);
// The same with settings, which stay what they are while there is the switch. config: NULL: none.
WEIR_API int weir_switch_add_with(struct weir *weir, const char *name,
	const struct weir_switch_config *config, unsigned flags, struct weir_error *error);
WEIR_API int weir_switch_remove(
	struct weir *weir, const char *name, unsigned flags, struct weir_error *error);
// name: NULL: all.
WEIR_API int weir_switch_list(struct weir *weir, const char *name, weir_switch_row *row,
	void *context, struct weir_error *error);

// ---- Ports. Names are unique in the struct weir.

struct weir_port_config {
	uint32_t size;
	const char *nic;  // "packet:eth1"; NULL: a port without a NIC
	const char *vlan; // "10", "trunk:1-100,200,native:1"; NULL or "": none
	const char *mac;  // "02:00:00:00:00:01"; NULL or "": none
	uint32_t mtu;     // bytes; 0: the NIC's
	bool uplink;
};

enum weir_port_state {
	WEIR_PORT_CREATED, // has no NIC, and none to be connected to again
	WEIR_PORT_CONNECTED,
	WEIR_PORT_DISCONNECTED, // on request
	WEIR_PORT_NIC_LOST,     // the interface is gone; reconnected when it comes back
};

struct weir_port_info {
	const char *name, *switch_name;
	enum weir_port_state state;
	const char *state_name;  // "created", "connected", "disconnected", "nic-lost"
	const char *reason;      // why it is in this state, or ""
	const char *nic;         // the specification, or ""
	const char *nic_details; // the kind's own, "key=value, ..."
	const char *vlan, *mac;  // canonical text, or ""
	uint32_t mtu;
	bool uplink;
	bool blocked; // passes no frame: its policies cannot be in force; reason says why
	uint64_t rx_frames, rx_bytes, rx_missed, tx_frames, tx_bytes, dropped_frames;
};
typedef void weir_port_row(void *context, const struct weir_port_info *info);

WEIR_API int weir_port_add(struct weir *weir, const char *switch_name, const char *name,
	const struct weir_port_config *config, unsigned flags, struct weir_error *error);
WEIR_API int weir_port_remove(
	struct weir *weir, const char *name, unsigned flags, struct weir_error *error);
// nic: NULL: the one it had.
WEIR_API int weir_port_connect(struct weir *weir, const char *name, const char *nic, unsigned flags,
	struct weir_error *error);
WEIR_API int weir_port_disconnect(
	struct weir *weir, const char *name, unsigned flags, struct weir_error *error);

enum weir_port_setting { WEIR_PORT_SET_VLAN = 1, WEIR_PORT_SET_MAC = 2, WEIR_PORT_SET_MTU = 4 };
// Changes the settings in the set `which` to the values in config; "" takes one away.
WEIR_API int weir_port_set(struct weir *weir, const char *name,
	const struct weir_port_config *config, unsigned which, unsigned flags,
	struct weir_error *error);
// switch_name, name: NULL: all.
WEIR_API int weir_port_list(struct weir *weir, const char *switch_name, const char *name,
	weir_port_row *row, void *context, struct weir_error *error);
// The application's end of a port with a `memory` NIC; NULL when it has none. Free with
// weir_memory_release().
WEIR_API struct weir_memory *weir_port_memory(struct weir *weir, const char *name);

// ---- Extensions

struct weir_extension_info {
	const char *name, *version, *summary, *class_name, *path;
	unsigned abi_major, abi_minor;
	const char *switch_name; // NULL: a row for a loaded extension that is attached nowhere
	int order;
	uint64_t decisions;       // calls of its decide hooks
	uint64_t visits;          // frames shown to its visit hook
	uint64_t violations;      // things its class may not do, without effect
	uint64_t invalid;         // values out of range, without effect
	uint64_t impure;          // strict: decisions, new ones and for later frames of a flow,
				  // that depended on what was not declared
	uint64_t modified;        // strict: frames that a capture's visit changed
	const char *last_offence; // a sentence about the last of these, or ""
	bool missing;             // it is to be attached, but cannot be had: see weir_apply()
	bool fail_open;           // WEIR_FAIL_OPEN
	const char *reason;       // why it is missing, or ""
	bool expelled; // it is missing because it broke a promise, and strict mode detached it
};
typedef void weir_extension_row(void *context, const struct weir_extension_info *info);

// path: NULL: NAME.so in the search directories.
WEIR_API int weir_extension_load(struct weir *weir, const char *name, const char *path,
	unsigned flags, struct weir_error *error);
// Refused while attached.
WEIR_API int weir_extension_unload(
	struct weir *weir, const char *name, unsigned flags, struct weir_error *error);
// Another version of a loaded extension takes its place on every switch, and no frame is dropped
// for it. path: NULL: from where the loaded one came. Name and class must be the same, its schema
// must take every policy that there is, it must restore what the loaded one saves, and prepare
// every port; otherwise it is refused with a sentence, and the loaded one has noticed nothing but
// save(). What stays: the place in the stack, WEIR_FAIL_OPEN, policies, meters, policers, sessions,
// names and counts of drop reasons. The calls of the old version that have not ended end, its
// timers and posts are forgotten. It is detached and unloaded when no worker runs a decision of its
// any more: weir_when_done() tells. -EBUSY until no worker does. Where it is missing, or was
// expelled, it stays so, until weir_extension_attach() tries the new one. See weir/extension.h.
WEIR_API int weir_extension_replace(struct weir *weir, const char *name, const char *path,
	unsigned flags, struct weir_error *error);
enum { WEIR_ORDER_DEFAULT = -1 }; // behind the last of its class, in steps of 10
// Loads by name if needed. order: 0 to 65535 inside the class; ties by name. flags: WEIR_FAIL_OPEN
// decides what becomes of the switch's ports when a restart does not find the extension: without
// it they are blocked. One that is missing is tried again by this, with the policies it has, its
// place unless order says another, and WEIR_FAIL_OPEN if it had it.
WEIR_API int weir_extension_attach(struct weir *weir, const char *switch_name, const char *name,
	int order, unsigned flags, struct weir_error *error);
// Its policies on this switch go with it; its meters stay, and count on when it is attached again.
// Also of one that is missing: its ports are not blocked any more.
WEIR_API int weir_extension_detach(struct weir *weir, const char *switch_name, const char *name,
	unsigned flags, struct weir_error *error);
// One row per loaded extension and switch it is attached to, in stack order.
WEIR_API int weir_extension_list(struct weir *weir, const char *switch_name,
	weir_extension_row *row, void *context, struct weir_error *error);
// The FileDescriptorSet of an extension, *size 0 when it has no messages. Borrowed until it is
// unloaded; of one that is not loaded, whose file is looked into and let go again, until the next
// call of this.
WEIR_API int weir_extension_schema(struct weir *weir, const char *name, const void **bytes,
	size_t *size, struct weir_error *error);
// The same for policies on a target, borrowed until the extension is unloaded: refused with -ENOENT
// unless it is attached to the target's switch, and there.
WEIR_API int weir_policy_schema(struct weir *weir, const char *target, const char *extension,
	const void **bytes, size_t *size, struct weir_error *error);

// ---- Policies. target: a port's name, or "switch:NAME".

struct weir_policy_info {
	const char *target, *extension, *type, *id;
	const void *bytes;
	size_t size;
};
typedef void weir_policy_row(void *context, const struct weir_policy_info *info);

// Adds, or replaces the one with the same id and type; an id of another type is refused with
// -EEXIST. extension must be attached to the target's switch, and not be missing there. type: NULL
// or "": the extension's only one. id: NULL or "": made; the id goes to made_id (which may be
// NULL).
WEIR_API int weir_policy_add(struct weir *weir, const char *target, const char *extension,
	const char *type, const char *id, const void *bytes, size_t size, char made_id[/* 64 */],
	unsigned flags, struct weir_error *error);
WEIR_API int weir_policy_remove(struct weir *weir, const char *target, const char *extension,
	const char *id, unsigned flags, struct weir_error *error);
// target, extension: NULL: all. type: one of the extension's, NULL: all.
WEIR_API int weir_policy_list(struct weir *weir, const char *target, const char *extension,
	const char *type, weir_policy_row *row, void *context, struct weir_error *error);

// Statuses of an extension: what status() of extension.h says, type by type. target: NULL: all that
// the extension is attached to. type: NULL: all. A row is as of a policy.
WEIR_API int weir_status_list(struct weir *weir, const char *target, const char *extension,
	const char *type, weir_policy_row *row, void *context, struct weir_error *error);

// ---- Calls

struct weir_call_request {
	uint32_t size;
	const char *extension;
	const char *switch_name; // which attachment; NULL: the one of the port that the message
				 // names in a field of format PORT_NAME, or the only one
	const char *type;        // NULL or "": the extension's only one
	const void *bytes;       // the packed message, of n_bytes; copied
	size_t n_bytes;
	const int *files; // descriptors: taken over, also on failure
	unsigned n_files;
	// Called on the control thread, perhaps before weir_call_begin() returns.
	void (*reply)(void *context, const void *bytes, size_t size);
	// False: there is no room for so much now.
	bool (*stream)(void *context, const void *bytes, size_t size);
	// refusal: NULL: done. The last call; nothing of the request is used afterwards.
	void (*ended)(void *context, const struct weir_error *refusal);
	void *context;
};

struct weir_running_call;

// Begins a call. 0: ended() has been or will be called, and *running, which may have ended already
// (then NULL), can be cancelled. A refusal: none of the functions is called. flags: WEIR_DRY_RUN.
WEIR_API int weir_call_begin(struct weir *weir, const struct weir_call_request *request,
	unsigned flags, struct weir_running_call **running, struct weir_error *error);
// The caller is not interested any more: ended() is not called. Not after ended().
WEIR_API void weir_call_cancel(struct weir_running_call *running);

// ---- Items: the desired state, piece by piece
//
// What an operator wants is a set of items. They are what weir_export() tells, what a document is
// made of, and what weir_on_change() reports; every one says of itself where it belongs. What is
// new in one comes behind the union, for whatever kind it is.

enum weir_item_kind {
	WEIR_ITEM_SWITCH = 1,
	WEIR_ITEM_EXTENSION, // an attachment: its place in the stack
	WEIR_ITEM_PORT,
	WEIR_ITEM_POLICY,
	WEIR_ITEM_FDB,   // a static entry
	WEIR_ITEM_METER, // counts, not wanted state: only restored, never compared
	WEIR_ITEM_SAVED, // what an extension's save() wrote: likewise
};

struct weir_item {
	uint32_t size; // sizeof(struct weir_item)
	enum weir_item_kind kind;
	const char *switch_name; // SWITCH, EXTENSION, PORT, FDB; else NULL
	const char *target;      // POLICY, METER, SAVED: a port's name, or "switch:NAME"
	const char *name;        // PORT: its name; EXTENSION, POLICY, METER, SAVED: the extension's
	union {
		struct weir_item_switch {
			unsigned made_ids; // the last policy id that was made for the target
			unsigned n_flows;  // as in weir_switch_config; 0 in a document: as it is
			unsigned n_sessions, n_port_sessions; // likewise
		} vswitch;
		struct weir_item_extension {
			int order;        // or WEIR_ORDER_DEFAULT
			bool fail_open;   // WEIR_FAIL_OPEN
			const char *path; // of the file; NULL: looked for by name
		} extension;
		struct weir_item_port {
			const char *nic, *vlan, *mac; // NULL or "": none
			uint32_t mtu;                 // 0: the NIC's
			bool uplink;
			bool disconnected; // on request: has a NIC, and is not to use it
			bool forced;       // WEIR_FORCE
			unsigned made_ids;
		} port;
		struct weir_item_policy {
			const char *type, *id; // type: NULL or "": the extension's only one
			const void *bytes;
			size_t size;
		} policy;
		struct weir_item_fdb {
			const char *mac, *port;
			uint16_t vlan;
		} fdb;
		struct weir_item_meter {
			const char *id;
			uint64_t frames, bytes, since; // Unix seconds
		} meter;
		struct weir_item_saved {
			uint32_t version;
			const void *bytes;
			size_t size;
		} saved;
	};
};

typedef void weir_item_row(void *context, const struct weir_item *item);

// Every item but meters and saved state, in a stable order: switches by name; in each its
// extensions by their order and name, its own policies, its ports by name, each followed by its
// policies in the order in which extensions see them, and static FDB entries by VLAN and address.
// Items are borrowed during the call. After a refusal with -ENOMEM, what was told is not all.
WEIR_API int weir_export(struct weir *weir, const char *switch_name /* NULL: all */,
	weir_item_row *row, void *context, struct weir_error *error);

// Saves the state of every extension that has some: items of kind SAVED. One that refuses does not
// keep the others from being saved; the first refusal is what is returned.
WEIR_API int weir_export_saved(
	struct weir *weir, weir_item_row *row, void *context, struct weir_error *error);
// Reports the meters (items of kind METER) whose counts changed since the last such report; all of
// them with `all`.
WEIR_API void weir_export_meters(struct weir *weir, bool all, weir_item_row *row, void *context);

// Called for every change of the desired state, on the control thread, after it was made and before
// the function that made it returns. An item that was changed is reported as it is now. removed:
// the item is gone, and what hangs from it, which is not reported itself:
//     SWITCH     all that is on it
//     PORT       its policies, meters and saved state, and the static FDB entries that lead to it
//     EXTENSION  its policies on the switch; its meters stay
// Counts are no change; but a meter that weir_export_meters() reported, or that was restored, and
// that ends with its policy or by weir_meter_remove(), is reported as removed: it must not be
// restored any more. Items are borrowed during the call, which changes nothing. One handler; NULL:
// none. Not called from weir_destroy().
typedef void weir_change_handler(void *context, bool removed, const struct weir_item *item);
WEIR_API void weir_on_change(struct weir *weir, weir_change_handler *handler, void *context);

// ---- Documents: many items, applied as one change

struct weir_document;

// NULL: no memory.
WEIR_API struct weir_document *weir_document_create(void);
WEIR_API void weir_document_destroy(struct weir_document *document); // accepts NULL
// Copies the item into the document. Items may come in any order. Refuses with -EEXIST what is in
// it already, with -EINVAL what misses a name (a policy's id is one), with -ENOMEM; what is wrong
// otherwise, weir_apply() says. error->field as there.
WEIR_API int weir_document_add(
	struct weir_document *document, const struct weir_item *item, struct weir_error *error);
// Items added, and bytes of memory that the document holds.
WEIR_API size_t weir_document_n_items(const struct weir_document *document);
WEIR_API size_t weir_document_size(const struct weir_document *document);

struct weir_difference {
	const char *action; // "add", "change", "remove"
	const char *object; // "switch", "extension", "port", "policy", "fdb"
	const char *name;   // "vm1"; of a policy "vm1 acl.rule web"; of an extension "br0 acl"
	const char *text;   // what changes, one line, or ""
};
typedef void weir_difference_row(void *context, const struct weir_difference *difference);

// Makes the switches what the document says. Compares, reviews and prepares everything, and then
// changes everything or, when anybody refuses, nothing; no frame passes a new port, or is decided
// for a port as the document has it, before the policies that the document gives it are in force.
// What was decided before goes on by the old settings and the old policies, both together, until
// weir_when_done() says otherwise. Items that stand as they are wanted are not touched.
// row: called for each difference, in the order in which they are made, once nobody refused; may be
// NULL. document: not changed. Objects that the document does not name stay as they are, so that
// nothing is removed; or with WEIR_PRUNE are removed: with an empty document, everything.
//
// A port that the document has on another switch than it is on is refused with -EBUSY. With
// WEIR_PRUNE it is removed there, with what hangs from it, and added here. A NIC whose interface
// another port gives up by the same document is opened when that one has ended, by weir_process();
// until then, or when that fails, it is lost. An extension cannot change its path: it has to be
// detached first. One that is missing is not tried again by a document that names it, but by
// weir_extension_attach(). Vetoes are asked of those extensions that stand on the stack before and
// after.
//
// A refusal's error->field is "items[N]" and perhaps a field behind it ("items[7].vlan"), where N
// counts weir_document_add() calls from 0, or "" when no single item is to blame.
//
// With WEIR_LOST_NICS a NIC that cannot be had now does not refuse the document: its port is
// nic-lost, and connected when the NIC comes.
//
// With WEIR_RESTORE nothing refuses but a lack of memory. A NIC that cannot be had is lost (and
// found when it comes). An extension that cannot be loaded or attached is *missing*: it keeps its
// place and its policies, and the switch's ports are blocked, unless it is fail_open. A port whose
// policies an extension refuses is blocked, unless that is fail_open; the policies stay. An item
// that makes no sense at all is left out. Each of these is a notice and, in row, a difference whose
// text says why. A meter that has counts already keeps them, and saved state goes to what this call
// adds: a switch that is brought back to its kept state has counted on since that was written.
WEIR_API int weir_apply(struct weir *weir, const struct weir_document *document, unsigned flags,
	weir_difference_row *row, void *context, struct weir_error *error);

// What whoever makes a change should know although it is accepted: a sentence, while the function
// that makes it runs (or, WEIR_DRY_RUN, only checks it). If that refuses the change, what was said
// is void. Changes that nobody asked for, such as an interface that comes back, can have remarks,
// too; all of changes that were made are in the log. One handler; NULL: none. It changes nothing
// itself.
typedef void weir_remark_handler(void *context, const char *text);
WEIR_API void weir_on_remark(struct weir *weir, weir_remark_handler *handler, void *context);

// ---- What is observed

struct weir_meter_info {
	const char *target, *extension, *id;
	uint64_t frames, bytes; // since
	uint64_t since;         // Unix seconds
	bool unused; // no state in force counts on it: its extension is detached, or missing
};
typedef void weir_meter_row(void *context, const struct weir_meter_info *info);

// Which meters or policers are listed.
struct weir_count_filter {
	uint32_t size;      // sizeof(struct weir_count_filter)
	const char *target; // NULL: of all
	// NULL: of all. Refused with -ENOENT when it is not loaded, missing on no switch, and has
	// no meter from before.
	const char *extension;
	// The counts given out are the new baseline of those that are listed; nothing is lost or
	// counted twice.
	bool reset;
};
WEIR_API int weir_meter_list_some(struct weir *weir, const struct weir_count_filter *filter,
	weir_meter_row *row, void *context, struct weir_error *error);
// The same for all extensions.
WEIR_API int weir_meter_list(struct weir *weir, const char *target, bool reset, weir_meter_row *row,
	void *context, struct weir_error *error);

// Removes a meter that is unused: it goes by itself with its policy and with its target only. id:
// NULL: all that the extension has of the target. -EBUSY: one of them is in use; -ENOENT: there is
// none. A meter that is removed counts from 0 when the extension asks for it again.
WEIR_API int weir_meter_remove(struct weir *weir, const char *target, const char *extension,
	const char *id, unsigned flags, struct weir_error *error);

// Counted since the policer was made, or since the start, or since it was reset: wire frames and
// wire bytes.
struct weir_policer_info {
	const char *target, *extension, *id;
	bool counts_frames;   // else bits and bytes
	uint64_t rate, burst; // frames per second and frames, or bits per second and bytes
	uint64_t passed_frames, passed_bytes, dropped_frames, dropped_bytes;
	uint64_t since; // Unix seconds
};
typedef void weir_policer_row(void *context, const struct weir_policer_info *info);
WEIR_API int weir_policer_list_some(struct weir *weir, const struct weir_count_filter *filter,
	weir_policer_row *row, void *context, struct weir_error *error);
// The same without a reset. target, extension: NULL: all.
WEIR_API int weir_policer_list(struct weir *weir, const char *target, const char *extension,
	weir_policer_row *row, void *context, struct weir_error *error);

enum { WEIR_DROP_POLICERS_MAX = 8 };

struct weir_drop_info {
	const char *reason, *text, *extension /* "core" */, *port, *stage;
	uint64_t frames; // since the start, or since they were reset
	// Of frames that were over a rate: the policers that dropped most of them, of those that
	// are still there, as "acl web"; "acl web of switch:br0" where they are not the port's.
	const char *const *policers;
	unsigned n_policers; // at most WEIR_DROP_POLICERS_MAX
	// What each of those dropped of `frames`; 0: it is not known, as it and others have dropped
	// at so many ports and stages that they are not counted apart. The rest was dropped by
	// policers that are gone.
	const uint64_t *policer_frames;
};
typedef void weir_drop_row(void *context, const struct weir_drop_info *info);
WEIR_API int weir_drop_list(struct weir *weir, const char *switch_name, weir_drop_row *row,
	void *context, struct weir_error *error);

// Which drops are listed.
struct weir_drop_list_filter {
	uint32_t size;           // sizeof(struct weir_drop_list_filter)
	const char *switch_name; // NULL: of all
	const char *port;        // NULL: of all, and of those that are gone
	// What is given out is not listed again; nothing is lost or listed twice. Counts of ports
	// and switches are not reset.
	bool reset;
};
WEIR_API int weir_drop_list_some(struct weir *weir, const struct weir_drop_list_filter *filter,
	weir_drop_row *row, void *context, struct weir_error *error);

// Watching drops: samples of the frames that are dropped, as they are then.
enum { WEIR_DROP_WATCHES_MAX = 16 };

struct weir_drop_filter {
	uint32_t size;           // sizeof(struct weir_drop_filter)
	const char *switch_name; // NULL: each of these is any
	const char *port;        // where the drop is counted
	const char *reason;      // token
	const char *extension;   // whose reason it is, or "core"
};

struct weir_drop_sample {
	uint64_t time; // Unix seconds, and nanoseconds of the second
	uint32_t time_ns;
	const char *switch_name, *port; // or ""
	const char *stage, *reason, *text, *extension;
	const char *summary; // the frame in a line: "10.0.0.1:5000 > 10.0.0.2:53 udp 64 bytes"
	uint32_t frame_size; // bytes of the frame
	const void *bytes;   // its first n_bytes, at most 128
	uint32_t n_bytes;
	uint64_t lost;       // samples lost since the last one because too many came at once
	const char *policer; // over whose rate it was, as in struct weir_drop_info; or ""
};
typedef void weir_drop_sample_handler(void *context, const struct weir_drop_sample *sample);
struct weir_drop_watch;

// Samples are handed over by weir_process(), some hundred per worker at once and twenty times a
// second; which were too many for that is told by the next one. Frames that the kernel refused
// (tx-failed) have no sample: which ones they were is not known. The handler may end the watch, and
// change nothing else. Refuses with -ENOENT what there is not, and with -EBUSY one watch too many.
WEIR_API int weir_drop_watch(struct weir *weir, const struct weir_drop_filter *filter,
	weir_drop_sample_handler *handler, void *context, struct weir_drop_watch **watch,
	struct weir_error *error);
// The handler is not called any more. Accepts NULL.
WEIR_API void weir_drop_watch_end(struct weir_drop_watch *watch);

struct weir_fdb_info {
	const char *switch_name, *port;
	uint8_t mac[6];
	uint16_t vlan;
	uint32_t age_s;
	bool is_static;
};
typedef void weir_fdb_row(void *context, const struct weir_fdb_info *info);
WEIR_API int weir_fdb_list(struct weir *weir, const char *switch_name, weir_fdb_row *row,
	void *context, struct weir_error *error);
WEIR_API int weir_fdb_add(struct weir *weir, const char *switch_name, const char *mac,
	uint16_t vlan, const char *port, unsigned flags, struct weir_error *error);
WEIR_API int weir_fdb_remove(struct weir *weir, const char *switch_name, const char *mac,
	uint16_t vlan, unsigned flags, struct weir_error *error);
// Learned entries only. port: NULL: all.
WEIR_API int weir_fdb_flush(
	struct weir *weir, const char *switch_name, const char *port, struct weir_error *error);

struct weir_flow_info {
	const char *switch_name, *port;
	unsigned worker;
	const char *key, *program; // text
	uint64_t frames, bytes;
	uint32_t age_s; // since the last frame
};
typedef void weir_flow_row(void *context, const struct weir_flow_info *info);
// Asks the workers, who answer between their batches: rows, then done, are called from
// weir_process().
WEIR_API int weir_flow_list(struct weir *weir, const char *switch_name, weir_flow_row *row,
	weir_done *done, void *context, struct weir_error *error);

struct weir_flow_filter {
	uint32_t size;           // sizeof(struct weir_flow_filter)
	const char *switch_name; // whose flows
	const char *port;        // NULL: of all ports
	// "ip_dst=10.0.0.0/8,proto=17": the key of a flow, or a part of it, with prefixes of
	// addresses. A flow that is not told apart by a field is not one with any value of it. NULL
	// or "": all.
	const char *match;
	int worker;          // -1: of all workers
	uint64_t min_frames; // that a flow has had
	uint64_t limit;      // after so many rows the list ends; 0: never
};
// The same for some flows.
WEIR_API int weir_flow_list_some(struct weir *weir, const struct weir_flow_filter *filter,
	weir_flow_row *row, weir_done *done, void *context, struct weir_error *error);
// Has every flow decided anew.
WEIR_API int weir_flow_flush(struct weir *weir, const char *switch_name, struct weir_error *error);

// ---- Tracing: what would become of a frame

struct weir_trace_request {
	uint32_t size;     // sizeof(struct weir_trace_request)
	const char *port;  // where the frame would come from
	const void *bytes; // the frame from its destination address on, without FCS
	size_t n_bytes;    // 1 to WEIR_FRAME_MAX of weir/frame.h
};

// One step. Strings are never NULL.
struct weir_trace_info {
	const char *port;      // whose stages run
	const char *stage;     // "ingress", "forward", "forwarded", "egress", "drop", or ""
	const char *extension; // "core", or "" where nobody decides
	const char *action;    // one of the tokens that proto/weir/trace.proto lists
	const char *text;
};
typedef void weir_trace_row(void *context, const struct weir_trace_info *info);
// Tells, in the order in which it is decided, what the switch would do with a frame: a row "frame";
// for the ingress half and for the egress half of each destination a row "flow" with the fields
// that it is known by, a row per decision, and a row "program"; and what comes of each destination.
// It is decided as for the next frame that comes, also where there is a flow; nothing is sent,
// cached, learned or counted. An extension that asks to visit the frame is taken to let it pass.
WEIR_API int weir_trace(struct weir *weir, const struct weir_trace_request *request,
	weir_trace_row *row, void *context, struct weir_error *error);

struct weir_session_info {
	const char *switch_name, *extension, *port; // who opened it, and where
	const char *key;                            // text, the way of the flow that opened it
	const char *state;                          // a token: "open", or TCP's, "established"
	uint64_t cookie;                            // the extension's
	// Of the flow that opened it, and of those that answer; up to a second old, and without
	// fragments after the first of a datagram.
	uint64_t frames, bytes, reverse_frames, reverse_bytes;
	uint32_t age_s, idle_s; // since it was opened, since the last frame
	uint32_t expires_s;     // until it ends, when no frame comes
	const char *policy; // whose serial (weir/extension.h) the cookie is, at that port; or ""
};
typedef void weir_session_row(void *context, const struct weir_session_info *info);
WEIR_API int weir_session_list(struct weir *weir, const char *switch_name, weir_session_row *row,
	void *context, struct weir_error *error);

struct weir_worker_info {
	unsigned id;
	int cpu; // the one it ran on last
	// Over the last one to two seconds (since the start until then): the CPU's cycles per frame
	// in rounds of polling that had some (0: no frames), and the share of the time in which the
	// worker slept or polled in vain, 0 to 1.
	double cycles_per_frame, frames_per_batch, idle_share;
	uint64_t frames;    // since the start
	unsigned n_queues;  // receive queues that it polls
	unsigned linger_us; // how long it polls without traffic before it sleeps
	// Decide hooks that took longer than a millisecond: how many since the start; whose the
	// longest of the last second was that had any, on which switch, and its time. "", "" and 0
	// until there is one.
	uint64_t slow_decides;
	const char *slow_extension, *slow_switch;
	double slow_ms;
};
typedef void weir_worker_row(void *context, const struct weir_worker_info *info);
WEIR_API int weir_worker_list(struct weir *weir, weir_worker_row *row, void *context);
WEIR_API int weir_worker_set_linger(
	struct weir *weir, unsigned linger_us, struct weir_error *error);

// ---- Events

struct weir_notice {
	uint64_t number;  // 1, 2, 3, ...
	uint64_t time;    // Unix seconds
	const char *kind; // one of weir_notice_kind(): "port-added", "nic-lost", ...
	const char *switch_name, *port, *extension; // or ""
	const char *text;
};
typedef void weir_notice_handler(void *context, const struct weir_notice *notice);
// The kinds of notices there are, by name, i from 0; NULL behind the last. Any thread.
WEIR_API const char *weir_notice_kind(unsigned i);
// One handler; NULL: none. Called on the control thread, during the change or weir_process().
WEIR_API void weir_on_notice(struct weir *weir, weir_notice_handler *handler, void *context);

#endif
