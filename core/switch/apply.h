// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Applying a document, between the files of it (apply*.c).
//
// It goes in phases, and the model is the plan:
//   1. plan      the model becomes what the document says, step by step: removals first, then
//                switches, extensions, ports, static entries, policies. Nothing is published, so no
//                worker sees any of it, and every step knows how to undo itself.
//   2. prepare   each pair of an attachment and a target that is concerned, once, with the final
//                list of policies.
//   3. open      the NICs that are wanted and free.
//   4. force     the prepared states are committed, every switch concerned gets one publication,
//                and then the publications are put in force, which cannot fail.
//   5. finish    every step does what remains, tells who is interested, and frees what is old.
// Until the publications are put in force, whatever fails undoes all steps, the last one first.
//
// Control thread only.
#ifndef SWITCH_APPLY_H
#define SWITCH_APPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "forwarding/vlan.h"
#include "switch/arena.h"
#include "switch/change.h"

struct apply;
struct attachment;
struct document_entry;
struct port;
struct step;
struct target;
struct vswitch;

// A kind of difference.
struct step_class {
	const char *action, *object; // as in struct weir_difference
	// Writes the name of the difference; NULL: the step is part of another and no row.
	void (*name)(const struct step *step, char *text, size_t size);
	void (*undo)(struct apply *apply, struct step *step);   // may be NULL
	void (*finish)(struct apply *apply, struct step *step); // may be NULL
};

// First member of every step. In the arena.
struct step {
	const struct step_class *class;
	struct step *next, *previous;
	const char *text; // of the difference; NULL: ""
};

enum { STEP_NAME_SIZE = 256, STEP_TEXT_SIZE = 400 };

// An attachment and a target that are to be prepared.
struct pair {
	struct pair *next;
	struct attachment *attachment;
	const struct document_entry *entry; // one that asks for it, or NULL
	unsigned n_entries;
	unsigned n_added, n_replaced, n_removed; // policies
	bool soft; // only follows which ports there are: a refusal leaves the old state
};

struct touched {
	struct touched *next;
	struct target *target;
	struct pair *pairs;
	const struct document_entry *entry; // of the port, when everybody prepares
	bool everybody;                     // on the stack prepares
};

struct apply {
	struct weir *weir;
	const struct weir_document *document;
	unsigned flags;
	weir_difference_row *row;
	void *context;
	struct weir_error *error; // never NULL
	struct arena arena;
	struct step *first, *last;
	// Switches first: an extension prepares for one before it does so for its ports.
	struct touched *switches, **switches_end, *ports, **ports_end;
	struct change change;
	struct port_step *nics, **nics_end; // ports that are to have another NIC
	struct port_step *leaving;          // ports that are removed
	bool queues;                        // what the workers poll changes
};

// ---- apply_step.c
// A zeroed step, the last one. NULL: no memory, refused.
void *step_add(struct apply *apply, const struct step_class *class, size_t size);
// Its text; a failure to make it shows "".
__attribute__((format(printf, 3, 4))) void step_say(
	struct apply *apply, struct step *step, const char *format, ...);
// "what value", behind what the text has. value: NULL or "": "none".
void step_append(char text[/* STEP_TEXT_SIZE */], const char *what, const char *value);
void steps_undo(struct apply *apply);
void steps_finish(struct apply *apply);
void steps_show(const struct apply *apply);
// The refusal in apply->error is about this item. Returns what is to be returned: with WEIR_RESTORE
// the item is left out, which is no failure.
int item_refuse(struct apply *apply, const struct document_entry *entry, int failed);
// The same where the item stays in some form: only the place is added, whatever the flags.
int item_blame(struct apply *apply, const struct document_entry *entry, int failed);
int no_memory(struct apply *apply);
static inline bool restoring(const struct apply *apply)
{
	return apply->flags & WEIR_RESTORE;
}
// As of the end state. NULL: refused.
struct vswitch *apply_find_switch(struct apply *apply, const char *name);
struct port *apply_find_port(struct apply *apply, const char *name);
struct target *apply_find_target(struct apply *apply, const char *name);
// review() that has no say while restoring.
int apply_review(struct apply *apply, struct vswitch *vswitch, enum weir_event_kind kind,
	const struct port *port, const char *extension);

// ---- apply_prepare.c
// The pair, made if need be. NULL: no memory, refused.
struct touched *touch_target(struct apply *apply, struct target *target);
struct pair *touch(struct apply *apply, struct target *target, struct attachment *attachment,
	const struct document_entry *entry);
// Touches what else is concerned by the switches, ports and attachments that come and go.
int prepare_plan(struct apply *apply);
int prepare_all(struct apply *apply);
// Notices and events of policies.
void prepare_tell(struct apply *apply);

// ---- What is planned: each returns 0, or a refusal
int plan_switch_removals(struct apply *apply); // apply_switch.c
int plan_switches(struct apply *apply);
int plan_stack_removals(struct apply *apply); // apply_stack.c
int plan_stacks(struct apply *apply);
int plan_port_removals(struct apply *apply); // apply_port.c
int plan_ports(struct apply *apply);
int plan_fdb(struct apply *apply);             // apply_fdb.c
int plan_policy_removals(struct apply *apply); // apply_policy.c
int plan_policies(struct apply *apply);
int plan_meters(struct apply *apply);

// Hands what was saved of the target to the extension, if anything was.
void restore_saved(struct apply *apply, struct attachment *attachment, const struct target *target);

// ---- apply_port.c, apply_port_set.c, apply_nic.c
struct port_step {
	struct step step;
	struct port *port;
	const struct document_entry *entry;
	bool settings, nic; // what changes of it
	// Settings before.
	struct vlan_config vlan;
	char *vlan_text;
	char mac[18];
	uint32_t mtu;
	bool uplink, forced;
	// The NIC before, off the port; and what becomes of it.
	struct port_step *next_nic; // in apply->nics or apply->leaving
	char *spec;
	struct nic *old;
	struct retired_nic *old_retired;
	enum weir_port_state state;
	char reason[160];
	unsigned first_worker;
	uint64_t nic_after;
	bool open;                     // the new NIC is to be opened
	struct retired_nic *waits_for; // whose interface it is to have
};
// Whether the item wants another NIC than the port has, and appends how.
bool nic_differs(
	const struct port *port, const struct weir_item *item, char text[/* STEP_TEXT_SIZE */]);
// Plans it: the port is without any until nics_open().
int nic_plan(struct apply *apply, struct port_step *step);
void nic_undo(struct port_step *step);
// After everything is planned.
int nics_check(struct apply *apply);
int nics_open(struct apply *apply);
// Once no worker is to use them: ends the old NICs, and lets the workers poll the new ones.
void nics_force(struct apply *apply);
// After steps_finish(): who waits for an interface knows what for.
void nics_wait(struct apply *apply);
void nic_tell(struct port_step *step);
// The name of the port, for step_class.
void port_step_name(const struct step *step, char *text, size_t size);
struct weir_port_config port_config_of(const struct weir_item *item);
// Everybody on the stack prepares for the port: it is new, or shows them another address.
int port_touch_everybody(
	struct apply *apply, struct port *port, const struct document_entry *entry);
// The settings and the NIC of a port that is there.
int plan_port_change(struct apply *apply, struct port *port, const struct document_entry *entry);
// part_of: the port goes with its switch: nobody is asked or told.
int plan_port_removal(struct apply *apply, struct port *port, bool part_of);

#endif
