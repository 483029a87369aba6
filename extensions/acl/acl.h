// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Inside extensions/acl: what a port's policies become.
//
// Each policy is an item. The items of a port stand in structures that decisions look into: tries
// of prefixes for the port ACL, classifiers for the rules of the extended ACL. All of it is
// immutable once it is in force, and made anew for every change, sharing with what was before all
// that the change does not concern: one policy more among 100,000 copies the path to its place.
//
// Everything here belongs to the control thread, except that workers read a state in the decide
// hooks. References are counted by the control thread alone; a worker holds a state as long as the
// core says.
#ifndef ACL_ACL_H
#define ACL_ACL_H

#include <weir/extension.h>

#include "classify.h"
#include "trie.h"
#include "vector.h"

enum acl_drop {
	DROP_DENIED,
	DROP_RULE,
	DROP_FRAGMENT,
	DROP_TINY_FRAGMENT,
	DROP_OVERLAP,
	DROP_CHAIN,
	DROP_MALFORMED,
	DROP_UNRELATED,
	N_DROPS,
};

enum acl_action { ACTION_ALLOW, ACTION_DENY, ACTION_METER, ACTION_POLICE };
enum acl_fragments { FRAGMENTS_SKIP, FRAGMENTS_DROP, FRAGMENTS_PASS };
enum acl_kind { ITEM_ENTRY, ITEM_RULE, ITEM_SETTINGS };
enum acl_side { SIDE_IN, SIDE_OUT, N_SIDES }; // frames to the port, and from it

enum {
	METERS_MAX = 64, // of one frame in one direction: a program has room for 256 operations
	PREFIX_TEXT = 64,
	TOLD_MAX = 16, // lines about normalised prefixes in one change
};

// ---- Items

struct prefix {
	uint8_t family; // 4, 6; 0: of both, with length 0
	uint8_t length;
	bool normalised; // bits were set behind its length
	uint8_t bytes[16];
};

struct entry {
	bool remote, mac;
	struct prefix prefix; // of an address; or family 0 and, of a MAC, length 48 or 0
};

struct item {
	uint32_t refs; // of the structures that it stands in, and of who makes it
	uint8_t kind;  // enum acl_kind
	uint8_t action;
	uint8_t sides; // set of enum acl_side
	bool has_ports;
	bool non_ip; // a rule for frames that are not IP
	bool normalised;
	bool fresh;            // its meter or policer is not known yet
	bool stateful;         // a rule: what it allows opens sessions
	uint16_t idle_s;       // of them
	uint64_t cookie;       // of them: the policy's serial
	uint8_t fragments;     // settings
	bool sessions_pass;    // when there is no room for another: without one
	uint32_t sessions_max; // of the port; 0: what the switch allows
	uint32_t meter;        // of METER
	uint32_t policer;      // of POLICE
	uint64_t rate_bps, burst_bytes;
	struct vector_numbers *numbers; // that a rule's number is of
	union {
		struct entry entry;
		struct classify_rule rule; // its id is the rule's number
	};
	char id[]; // of the policy
};

// Makes the item of a policy, with one reference; numbers: for a rule. Refuses what makes no sense
// with a sentence.
int item_make(const struct weir_policy *policy, struct vector_numbers *numbers, struct item **made,
	struct weir_error *error);
void item_put(struct item *item); // accepts NULL
// What it matches and does, in the words of the policies.
void item_format(const struct item *item, char *text, size_t size);

// ---- States

// How many conditions of each kind there are: what has to be read.
struct conditions {
	uint32_t local, remote, local_mac, remote_mac, protocol, ports, icmp_type, icmp_code, vlan;
	uint32_t ip_verdicts; // rules for IP, and entries of prefixes that allow, deny or police
	uint32_t stateful;
};

// Values of families in the arrays below.
enum { FAMILY_4, FAMILY_6, FAMILY_MAC, N_FAMILIES };

// One direction of a port.
struct side {
	struct trie_node *local[N_FAMILIES], *remote[N_FAMILIES];
	struct trie_node *weights; // of the rules
	struct conditions conditions;
	// NULL: there are no such rules.
	struct classify *ip;        // for IP
	struct classify *others;    // for frames that are not IP
	struct classify *fragments; // rules with ports or ICMP types without them, unless SKIP
};

struct items {
	struct item **items;
	size_t n;
};

// What decisions about a port are made of.
struct acl_state {
	struct acl_port *port;
	struct weir_attachment *attachment;
	// The policies in their order; the items are held by the structures.
	uint64_t *serials;
	struct item **items;
	size_t n;
	struct side sides[N_SIDES];
	struct vector rules; // by number
	struct item *settings;
	uint32_t n_entries, n_rules, n_meters, n_normalised;
	// What was in force when this was prepared, as long as it has not been released, or NULL.
	// It is so again when this one is released without another in its place: there was no
	// memory to publish it.
	struct acl_state *before;
	// Cookies of rules that the state before had: until it is in force, of sessions that are to
	// end; then handed to that state, to be ended with it, when nobody opens any more of them.
	uint64_t *gone;
	size_t n_gone;
};

// A port as long as there are states of it.
struct acl_port {
	struct acl_port *next;
	weir_port_id id;
	unsigned refs;                 // of its states and of a prepare() at work
	struct acl_state *current;     // in force, or NULL
	struct vector_numbers numbers; // of rules
	struct acl_instance *instance;
};

struct acl_instance {
	struct weir_attachment *attachment;
	struct acl_port *ports;
};

struct acl_port *port_get(struct acl_instance *instance, weir_port_id id); // NULL: no memory
struct acl_port *port_find(struct acl_instance *instance, weir_port_id id);
void port_put(struct acl_port *port);

// A state with what `before` (may be NULL) has, and room for n policies. Takes one reference of the
// port. NULL: no memory.
struct acl_state *state_make(
	struct acl_instance *instance, struct acl_port *port, struct acl_state *before, size_t n);
void state_free(struct acl_state *state); // accepts NULL
// Puts an item into the structures but the classifiers, or out of them. Contradictions are refused
// with a sentence, and -ENOMEM: the state is then only good for state_free().
int state_add(struct acl_state *state, struct item *item, struct weir_error *error);
int state_remove(struct acl_state *state, struct item *item, struct weir_error *error);
bool state_keeps_sessions(const struct acl_state *state);
// The fragments setting in force.
enum acl_fragments state_fragments(const struct acl_state *state);
// The most meters that count one frame.
unsigned side_meters(const struct side *side);
// Items that meter a frame.
struct metering {
	const struct item *items[METERS_MAX];
	unsigned n;
};
// The entry of the port ACL that decides for these addresses, NULL: none; adds those that meter. n:
// bytes of an address. Any thread.
const struct item *side_look_up(const struct side *side, unsigned family, const uint8_t *local,
	const uint8_t *remote, unsigned n, struct metering *metering);
// Has the classifiers follow. before: whose classifiers the state's are to be made from, with the
// items that were removed and added since; NULL: from all of the state's rules.
int state_classify(struct acl_state *state, const struct acl_state *before,
	const struct items *removed, const struct items *added, struct weir_error *error);

// ---- The hooks

int acl_prepare(void *instance, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error);
const void *acl_commit(void *instance, void *prepared);
void acl_abort(void *instance, void *prepared);
void acl_release(void *instance, const void *state);
void acl_ingress(const void *state, const struct weir_flow *flow, struct weir_decision *d);
void acl_egress(const void *state, const struct weir_flow *flow, struct weir_decision *d);
int acl_status(
	void *instance, weir_port_id port, struct weir_status *status, struct weir_error *error);

#endif
