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
	WEIR_FORCE = 1 << 1, // port add: also an interface with the host's default route
};

struct weir_options {
	uint32_t size;          // sizeof(struct weir_options)
	unsigned n_workers;     // 0: none; the embedder calls weir_run() from the control thread
	bool poll;              // workers never sleep
	bool strict;            // check extensions' promises; for tests
	unsigned linger_us;     // how long a worker polls after its last frame; 0: 50
	unsigned n_flows;       // entries of each worker's flow table per switch; 0: 131072
	unsigned fdb_entries;   // per switch; 0: 65536
	unsigned fdb_ageing_s;  // 0: 300
	const char *extensions; // directories to search, separated by ':'; NULL: none
	uint64_t (*clock_ns)(void *context); // NULL: CLOCK_MONOTONIC. Any thread
	void *clock_context;
	void (*log)(void *context, int level, const char *line); // level as syslog(3); NULL: stderr
	void *log_context;
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
// Does what is due, including calling the functions given to weir_when_done() and weir_flow_list().
WEIR_API void weir_process(struct weir *weir);
// With n_workers 0: one round of receiving, deciding and sending, as a worker would; returns the
// number of frames received. Call weir_process() as well.
WEIR_API unsigned weir_run(struct weir *weir);

// Calls done once every change made so far is in force on every worker: within 100 ms under load.
typedef void weir_done(void *context);
WEIR_API int weir_when_done(struct weir *weir, weir_done *done, void *context);

// ---- Switches

struct weir_switch_info {
	const char *name;
	unsigned n_ports, n_extensions;
	uint64_t received, originated, copies, transmitted, dropped, consumed, queued; // frames
	uint64_t fdb_entries, fdb_max;
	uint64_t flows;     // cached, over all workers
	uint64_t decisions; // flows decided since the start, over all workers
};
typedef void weir_switch_row(void *context, const struct weir_switch_info *info);

WEIR_API int weir_switch_add(
	struct weir *weir, const char *name, unsigned flags, struct weir_error *error);
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
	WEIR_PORT_CREATED, // has never had a NIC
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
	uint64_t impure;          // strict: decisions that depended on what was not declared
	uint64_t modified;        // strict: frames that a capture's visit changed
	const char *last_offence; // a sentence about the last of these, or ""
};
typedef void weir_extension_row(void *context, const struct weir_extension_info *info);

// path: NULL: NAME.so in the search directories.
WEIR_API int weir_extension_load(struct weir *weir, const char *name, const char *path,
	unsigned flags, struct weir_error *error);
// Refused while attached.
WEIR_API int weir_extension_unload(
	struct weir *weir, const char *name, unsigned flags, struct weir_error *error);
enum { WEIR_ORDER_DEFAULT = -1 }; // behind the last of its class, in steps of 10
// Loads by name if needed. order: 0 to 65535 inside the class; ties by name.
WEIR_API int weir_extension_attach(struct weir *weir, const char *switch_name, const char *name,
	int order, unsigned flags, struct weir_error *error);
// Its policies on this switch go with it; its meters stay, and count on when it is attached again.
WEIR_API int weir_extension_detach(struct weir *weir, const char *switch_name, const char *name,
	unsigned flags, struct weir_error *error);
// One row per loaded extension and switch it is attached to, in stack order.
WEIR_API int weir_extension_list(struct weir *weir, const char *switch_name,
	weir_extension_row *row, void *context, struct weir_error *error);
// The FileDescriptorSet of a loaded extension (loading it by name if needed), borrowed until it is
// unloaded; *size 0 when it has no messages.
WEIR_API int weir_extension_schema(struct weir *weir, const char *name, const void **bytes,
	size_t *size, struct weir_error *error);

// ---- Policies. target: a port's name, or "switch:NAME".

struct weir_policy_info {
	const char *target, *extension, *type, *id;
	const void *bytes;
	size_t size;
};
typedef void weir_policy_row(void *context, const struct weir_policy_info *info);

// Adds, or replaces the one with the same id. extension must be attached to the target's switch.
// type: NULL or "": the extension's only one. id: NULL or "": made; the id goes to made_id (which
// may be NULL).
WEIR_API int weir_policy_add(struct weir *weir, const char *target, const char *extension,
	const char *type, const char *id, const void *bytes, size_t size, char made_id[/* 64 */],
	unsigned flags, struct weir_error *error);
WEIR_API int weir_policy_remove(struct weir *weir, const char *target, const char *extension,
	const char *id, unsigned flags, struct weir_error *error);
// target, extension: NULL: all.
WEIR_API int weir_policy_list(struct weir *weir, const char *target, const char *extension,
	weir_policy_row *row, void *context, struct weir_error *error);

// ---- What is observed

struct weir_meter_info {
	const char *target, *extension, *id;
	uint64_t frames, bytes; // since
	uint64_t since;         // Unix seconds
};
typedef void weir_meter_row(void *context, const struct weir_meter_info *info);
// reset: the counts given out are the new baseline; nothing is lost or counted twice.
WEIR_API int weir_meter_list(struct weir *weir, const char *target, bool reset, weir_meter_row *row,
	void *context, struct weir_error *error);

struct weir_drop_info {
	const char *reason, *text, *extension /* "core" */, *port, *stage;
	uint64_t frames;
};
typedef void weir_drop_row(void *context, const struct weir_drop_info *info);
WEIR_API int weir_drop_list(struct weir *weir, const char *switch_name, weir_drop_row *row,
	void *context, struct weir_error *error);

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
// Has every flow decided anew.
WEIR_API int weir_flow_flush(struct weir *weir, const char *switch_name, struct weir_error *error);

struct weir_worker_info {
	unsigned id;
	int cpu;                                               // the one it ran on last
	double cycles_per_frame, frames_per_batch, idle_share; // since the last list; idle 0 to 1
	uint64_t frames;
	unsigned n_queues; // receive queues that it polls
};
typedef void weir_worker_row(void *context, const struct weir_worker_info *info);
WEIR_API int weir_worker_list(struct weir *weir, weir_worker_row *row, void *context);
WEIR_API int weir_worker_set_linger(
	struct weir *weir, unsigned linger_us, struct weir_error *error);

// ---- Events

struct weir_notice {
	uint64_t number;  // 1, 2, 3, ...
	uint64_t time;    // Unix seconds
	const char *kind; // "port-added", "nic-lost", "extension-attached", ...
	const char *switch_name, *port, *extension; // or ""
	const char *text;
};
typedef void weir_notice_handler(void *context, const struct weir_notice *notice);
// One handler; NULL: none. Called on the control thread, during the change or weir_process().
WEIR_API void weir_on_notice(struct weir *weir, weir_notice_handler *handler, void *context);

#endif
