// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What workers saw and an operator should know, told once a second: extensions that did what they
// may not, decisions that took too long, addresses that moved. Workers count, and note the last
// few; here the counts are compared with those of the second before.
#include <inttypes.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/counters.h"
#include "datapath/cycles.h"
#include "datapath/datapath.h"
#include "datapath/slow.h"
#include "datapath/snapshot.h"
#include "forwarding/fdb_moves.h"
#include "switch/attachment.h"
#include "switch/notice.h"
#include "switch/port.h"
#include "switch/vswitch.h"
#include "switch/weir.h"
#include "switch/workers.h"

enum {
	MOVES_PER_S = 10,  // told one by one, over all switches
	SLOW_NS = 1000000, // what is said of a decide hook that takes longer
};

// ---- How fast the cycle counter is

void watch_start(struct weir *w)
{
	// Until the rate is known nothing is slow.
	w->watch = (struct watch){ .slow_limit = UINT64_MAX, .cycles = cycles() };
	clock_gettime(CLOCK_MONOTONIC, &w->watch.time);
}

// Over the whole time since the start, so that an interruption between the two readings means
// little. The clock is the system's own: the switch's may be a test's.
static void measure_cycles(struct watch *watch)
{
	uint64_t passed = cycles() - watch->cycles;
	struct timespec now;
	double ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (double)(now.tv_sec - watch->time.tv_sec) * 1e9 +
	     (double)(now.tv_nsec - watch->time.tv_nsec);
	if (passed == 0 || ns <= 0)
		return; // a processor without a counter
	watch->cycles_per_ms = (double)passed / ns * 1e6;
	__atomic_store_n(&watch->slow_limit, (uint64_t)(watch->cycles_per_ms * SLOW_NS / 1e6),
		__ATOMIC_RELAXED);
}

// ---- Extensions that did what they may not

// The sentence about an offence of the last second; the counters' place is free for the next one
// then.
static void take_sentence(struct attachment *a)
{
	struct extension_counters *c = &a->counters;

	if (__atomic_load_n(&c->offence_set, __ATOMIC_ACQUIRE) != 2)
		return;
	memcpy(a->last_offence, c->offence, sizeof(a->last_offence));
	__atomic_store_n(&c->offence_set, 0, __ATOMIC_RELEASE);
}

static void add_count(char *text, size_t size, uint64_t n, const char *what)
{
	size_t used = strlen(text);

	if (n)
		snprintf(text + used, size - used, "%s%" PRIu64 " %s", used ? ", " : "", n, what);
}

// What an extension did stays untold until it is off the stack.
static void expel(struct attachment *a, const struct offence_counts *before, const char *why)
{
	struct weir *w = a->weir;

	if (attachment_expel(a, why) == 0)
		return;
	weir_log_line(w, LOG_ERR, "extension %s: no memory to expel it; tried again in a second",
		a->descriptor->name);
	a->told = *before;
}

// Why an extension is told of: how often it did what, and an example.
struct offences {
	struct offence_counts before;                                         // what had been told
	char text[160 + sizeof(((struct attachment *)0)->last_offence) + 16]; // "": nothing new
};

static void tell_offences(struct attachment *a, struct offences *o)
{
	const struct extension_counters *c = &a->counters;
	const struct offence_counts now = {
		.violations = counted(&c->violations),
		.invalid = counted(&c->invalid),
		.impure = counted(&c->impure),
		.modified = counted(&c->modified),
	};
	char counts[160] = "";

	o->before = a->told;
	add_count(counts, sizeof(counts), now.violations - a->told.violations,
		"times what its class may not");
	add_count(counts, sizeof(counts), now.invalid - a->told.invalid, "values out of range");
	add_count(counts, sizeof(counts), now.impure - a->told.impure, "impure decisions");
	add_count(counts, sizeof(counts), now.modified - a->told.modified,
		"frames changed in captures");
	a->told = now;
	// A sentence that is being written just now comes with the next report.
	take_sentence(a);
	snprintf(o->text, sizeof(o->text), "%s%s%s", counts,
		*counts && *a->last_offence ? "; among them: " : "",
		*counts ? a->last_offence : "");
	if (*counts)
		weir_notify(a->weir, "rights-violated", a->vswitch->name, "", a->descriptor->name,
			"extension %s: %s", a->descriptor->name, o->text);
}

static void watch_offences(struct attachment *a)
{
	struct offences o;

	tell_offences(a, &o);
	if (*o.text && a->weir->options.strict)
		expel(a, &o.before, o.text);
}

static void add_counter(uint64_t *to, uint64_t n)
{
	__atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

// What it did is told as its own, so that nobody is expelled for it who has come in its place.
void counters_hand_over(struct attachment *from, struct attachment *to)
{
	struct extension_counters *t = &to->counters;
	struct offences o;

	tell_offences(from, &o);
	add_counter(&t->decisions, counted(&from->counters.decisions));
	add_counter(&t->visits, counted(&from->counters.visits));
	add_counter(&t->violations, from->told.violations);
	add_counter(&t->invalid, from->told.invalid);
	add_counter(&t->impure, from->told.impure);
	add_counter(&t->modified, from->told.modified);
	to->told.violations += from->told.violations;
	to->told.invalid += from->told.invalid;
	to->told.impure += from->told.impure;
	to->told.modified += from->told.modified;
	if (!*to->last_offence)
		memcpy(to->last_offence, from->last_offence, sizeof(to->last_offence));
}

// ---- Decisions that took too long

static const char *port_name(const struct vswitch *s, uint16_t index)
{
	return index < s->n_indices && s->ports[index] ? s->ports[index]->name : "";
}

static const char *extension_name(const struct vswitch *s, uint16_t attachment)
{
	for (const struct attachment *a = s->attachments; a; a = a->next)
		if (attachment_stands_for(a, attachment))
			return a->descriptor->name;
	return "";
}

static void watch_slow(struct vswitch *s, unsigned worker)
{
	struct slow_decides *slow = &s->datapaths[worker]->slow;
	uint64_t n = counted(&slow->n), before = s->told[worker].slow, taken;
	struct slow_told *told = &s->weir->slow[worker];
	const char *extension, *port;
	uint16_t attachment, index;

	if (!slow_take(slow, &taken, &attachment, &index))
		return;
	s->told[worker].slow = n;
	extension = extension_name(s, attachment);
	port = port_name(s, index);
	told->n += n - before;
	told->ms = (double)taken / s->weir->watch.cycles_per_ms;
	snprintf(told->extension, sizeof(told->extension), "%s", extension);
	snprintf(told->vswitch, sizeof(told->vswitch), "%s", s->name);
	weir_notify(s->weir, "decide-slow", s->name, port, extension,
		"worker %u: %" PRIu64 " decisions took longer than 1 ms, the longest %.1f ms in "
		"extension %s for a flow of port %s",
		worker, n - before, told->ms, *extension ? extension : "(detached)",
		*port ? port : "(none)");
}

// ---- Addresses that moved

static const char *moved_port(const struct vswitch *s, uint32_t id)
{
	const struct port *port = (uint16_t)id < s->n_indices ? s->ports[(uint16_t)id] : NULL;

	return port && port->id == id ? port->name : "";
}

static void tell_move(struct vswitch *s, const struct fdb_move *move)
{
	uint16_t vlan = (uint16_t)(move->address >> 48);
	const char *to = moved_port(s, (uint32_t)move->ports);
	const char *from = moved_port(s, (uint32_t)(move->ports >> 32));
	char mac[18], in_vlan[24] = "";
	uint8_t bytes[6];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(move->address >> (40 - 8 * i));
	mac_format(bytes, mac);
	if (vlan)
		snprintf(in_vlan, sizeof(in_vlan), " in VLAN %u", vlan);
	weir_notify(s->weir, "fdb-moved", s->name, to, "", "%s%s moved from port %s to port %s",
		mac, in_vlan, *from ? from : "(removed)", *to ? to : "(removed)");
}

// Returns how many moves were told; those beyond `most`, or overwritten by later ones, are counted
// in *untold.
static unsigned watch_moves(struct vswitch *s, unsigned worker, unsigned most, uint64_t *untold)
{
	const struct fdb_moves *moves = &s->datapaths[worker]->moves;
	uint64_t n = fdb_moves_count(moves), from = s->told[worker].moves;
	uint64_t next = n - from > FDB_MOVES ? n - FDB_MOVES : from;
	unsigned n_told = 0;
	struct fdb_move move;

	for (; next < n && n_told < most; next++) {
		if (!fdb_moves_read(moves, next, &move))
			continue;
		tell_move(s, &move);
		n_told++;
	}
	*untold += n - from - n_told;
	s->told[worker].moves = n;
	return n_told;
}

void watch_run(struct weir *w)
{
	unsigned moves_left = MOVES_PER_S;

	measure_cycles(&w->watch);
	for (struct vswitch *s = w->switches; s; s = s->next) {
		uint64_t untold = 0;

		for (unsigned i = 0; i < w->n_workers; i++) {
			watch_slow(s, i);
			moves_left -= watch_moves(s, i, moves_left, &untold);
		}
		// Behind what still has a name for who is expelled now.
		for (struct attachment *a = s->attachments, *next; a; a = next) {
			next = a->next;
			watch_offences(a);
		}
		if (untold)
			weir_notify(w, "fdb-moved", s->name, "", "",
				"and %" PRIu64 " more addresses moved between ports", untold);
	}
}
