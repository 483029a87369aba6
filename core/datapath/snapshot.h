// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a worker sees of a switch: one immutable snapshot, published by RCU and loaded once per
// batch.
//
// A worker reads the switch's clock first and the snapshot second; the control thread publishes
// first and moves generations second (generation.h). So a decision is never newer in its own
// account than in fact.
//
// The control thread makes a new snapshot for every change: the array of ports is copied, ports
// that did not change are shared between snapshots. What lives longer than any snapshot (counters,
// transmit queues) hangs from struct port_runtime.
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <weir/extension.h>

#include "datapath/counters.h"
#include "datapath/generation.h"
#include "datapath/key.h"
#include "datapath/policer.h"
#include "forwarding/fdb.h"
#include "forwarding/vlan.h"
#include "nic/nic.h"

// Counts that an attached extension collects from the workers; atomics, touched per flow, per batch
// or per offence, never per frame.
struct extension_counters {
	uint64_t decisions, visits, violations, invalid, impure, modified;
	// The first offence after the control thread took the last sentence, which it does once a
	// second.
	char offence[160];    // worker: w at offence_set 1, control: r at 2
	uint32_t offence_set; // 0 free, 1 being written, 2 written; control: 2 to 0
};

// Adds one to a counter of c; the sentence is kept unless there is one already. Any thread.
__attribute__((format(printf, 3, 4))) void extension_offend(
	struct extension_counters *c, uint64_t *counter, const char *format, ...);

// One extension on the stack of one switch.
struct stack_entry {
	const struct weir_extension *extension;
	void *instance;
	const void *switch_state;
	struct extension_counters *counters;
	uint16_t attachment; // unique in the process: whose its sessions are
	uint16_t visitor; // names it in programs, as it named the version that it replaced; 0: it
			  // has no visit hook
	uint16_t number;  // the extension's: base of its reasons and ids
	uint8_t order;    // position in the stack, 0..n-1
	const uint8_t *reasons; // by its drop reasons: their places among those of all versions of
				// its name that were loaded; NULL: they are the first ones
};

// What a drop reason of the extension is to everybody else, as reason_of(). i: as the extension
// says it, checked or not.
static inline uint16_t entry_reason(const struct stack_entry *entry, unsigned i)
{
	bool mapped = entry->reasons && i < entry->extension->n_drop_reasons;

	return reason_of(entry->number, mapped ? entry->reasons[i] : i);
}

// One decide hook that is called for one port.
struct hook {
	weir_decide *decide;
	const struct stack_entry *entry;
	const void *state;
	struct key_mask mask; // what the hook may see
	uint8_t position;     // in the walk through the stack; see hook_position()
	uint8_t stage;        // enum weir_stage
};

enum {
	STACK_MAX = 64,
	PORTS_MAX = 65535,
	DESTINATIONS_MAX = 32,
};

// Positions rise along a frame's way: ingress 1.., forwarding, forwarded, egress (reversed), drop.
static inline uint8_t hook_position(enum weir_stage stage, unsigned order, unsigned n_entries)
{
	switch (stage) {
	case WEIR_STAGE_INGRESS:
		return (uint8_t)(1 + order);
	case WEIR_STAGE_FORWARD:
		return (uint8_t)(1 + n_entries);
	case WEIR_STAGE_FORWARDED:
		return (uint8_t)(2 + n_entries + order);
	case WEIR_STAGE_EGRESS:
		return (uint8_t)(2 + 2 * n_entries + (n_entries - 1 - order));
	default:
		return (uint8_t)(2 + 3 * n_entries > 255 ? 255 : 2 + 3 * n_entries);
	}
}

// Frames waiting for the end of the batch, per port and worker. worker: rw
struct tx_queue {
	_Alignas(64) unsigned n;
	bool dirty; // in the worker's list
	uint16_t port;
	struct tx_queue *next;
	struct weir_frame *frames[NIC_BATCH];
};

// The part of a port that outlives its snapshots. One element per worker in each array.
struct port_runtime {
	struct port_counters *counters;
	struct tx_queue *queues;
};

struct snapshot_port {
	weir_port_id id;
	uint16_t index;
	uint16_t epoch; // of the masks
	uint16_t slot;  // its generation
	bool blocked;   // nothing passes: its policies are not in force
	bool native;    // the extension that chooses destinations is not asked: as without one
	char name[WEIR_NAME_MAX];
	struct nic *nic; // NULL: nothing connected
	struct vlan_config vlan;
	uint32_t frame_max; // bytes of a frame without tags; UINT32_MAX: no limit
	struct key_mask ingress, egress;
	// The masks before the last change, for the flows that still run under them.
	struct key_mask old_ingress;
	uint16_t old_epoch;
	uint64_t masks_changed_at; // switch clock; 0: never
	struct port_runtime runtime;
	// Hooks in the order of their positions: ingress, forward, forwarded, egress, drop.
	struct hook *hooks;
	uint8_t first[WEIR_N_STAGES + 1]; // hooks of stage s: first[s] .. first[s + 1] - 1
};

struct snapshot {
	unsigned n_ports;                     // entries of ports; some NULL
	const struct snapshot_port *nowhere;  // for trusted frames that no port sent
	const struct policer_table *policers; // the switch's, the same in all its snapshots
	bool has_forwarding;                  // an extension chooses destinations
	bool strict;
	const struct snapshot_port *ports[];
};

static inline const struct snapshot_port *snapshot_port(const struct snapshot *s, uint16_t index)
{
	if (index < s->n_ports)
		return s->ports[index];
	return index == KEY_NO_PORT ? s->nowhere : NULL;
}

// Whether the id is, as far as can be told, that of a port that has been removed. An extension may
// name it until it has prepared for that, which is no offence.
static inline bool snapshot_port_gone(const struct snapshot *s, weir_port_id id)
{
	uint16_t index = (uint16_t)id;

	return index < s->n_ports && (!s->ports[index] || s->ports[index]->id > id);
}

static inline unsigned port_n_hooks(const struct snapshot_port *port, enum weir_stage stage)
{
	return port->first[stage + 1] - port->first[stage];
}

#endif
