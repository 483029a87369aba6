// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Random changes, tried, refused and made: who only listens to what is told of them knows at any
// time what an export would say.
#include <stdlib.h>

#include "lab_items.h"
#include "lab_probe.h"

enum { ROUNDS = 6000, ITEMS_MAX = 400 };

// ---- What the listener knows

struct known {
	enum weir_item_kind kind;
	char vswitch[32], target[40], name[32], id[64];
	char text[LAB_ITEM_SIZE];
};

struct listener {
	struct known items[ITEMS_MAX];
	unsigned n, notes;
};

static void copy(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
}

static struct known known_of(const struct weir_item *item)
{
	struct known k = { .kind = item->kind };

	copy(k.vswitch, sizeof(k.vswitch), item->switch_name);
	copy(k.target, sizeof(k.target), item->target);
	copy(k.name, sizeof(k.name), item->name);
	if (item->kind == WEIR_ITEM_POLICY)
		copy(k.id, sizeof(k.id), item->policy.id);
	if (item->kind == WEIR_ITEM_FDB) {
		snprintf(k.id, sizeof(k.id), "%u %s", item->fdb.vlan, item->fdb.mac);
		copy(k.target, sizeof(k.target), item->fdb.port);
	}
	lab_item_text(item, k.text);
	return k;
}

// An entry of the FDB is the same one when it leads to another port.
static bool same(const struct known *a, const struct known *b)
{
	return a->kind == b->kind && strcmp(a->vswitch, b->vswitch) == 0 &&
	       strcmp(a->name, b->name) == 0 && strcmp(a->id, b->id) == 0 &&
	       (a->kind == WEIR_ITEM_FDB || strcmp(a->target, b->target) == 0);
}

static struct known *find(struct listener *l, const struct known *k)
{
	for (unsigned i = 0; i < l->n; i++)
		if (same(&l->items[i], k))
			return &l->items[i];
	return NULL;
}

// The switch that a target is on; from what the listener knows.
static const char *switch_of(const struct listener *l, const char *target)
{
	if (strncmp(target, "switch:", 7) == 0)
		return target + 7;
	for (unsigned i = 0; i < l->n; i++)
		if (l->items[i].kind == WEIR_ITEM_PORT && strcmp(l->items[i].name, target) == 0)
			return l->items[i].vswitch;
	fail_msg("nobody told of port %s", target);
	return "";
}

// Whether `k` hangs from what is gone, or is it.
static bool goes_with(const struct listener *l, const struct known *k, const struct known *gone)
{
	const char *vswitch = k->kind == WEIR_ITEM_POLICY ? switch_of(l, k->target) : k->vswitch;
	bool on_target = k->kind == WEIR_ITEM_POLICY || k->kind == WEIR_ITEM_FDB;

	if (same(k, gone))
		return true;
	switch (gone->kind) {
	case WEIR_ITEM_SWITCH:
		return strcmp(vswitch, gone->vswitch) == 0;
	case WEIR_ITEM_PORT:
		return on_target && strcmp(k->target, gone->name) == 0;
	case WEIR_ITEM_EXTENSION:
		return k->kind == WEIR_ITEM_POLICY && strcmp(k->name, gone->name) == 0 &&
		       strcmp(vswitch, gone->vswitch) == 0;
	default:
		return false;
	}
}

static void forget(struct listener *l, const struct known *gone)
{
	bool goes[ITEMS_MAX];
	unsigned n = 0;

	if (!find(l, gone))
		fail_msg("removed, and nobody told of it: %s", gone->text);
	for (unsigned i = 0; i < l->n; i++)
		goes[i] = goes_with(l, &l->items[i], gone);
	for (unsigned i = 0; i < l->n; i++)
		if (!goes[i])
			l->items[n++] = l->items[i];
	l->n = n;
}

static void listen(void *context, bool removed, const struct weir_item *item)
{
	struct listener *l = context;
	struct known k, *before;

	if (item->kind == WEIR_ITEM_METER)
		return;
	l->notes++;
	k = known_of(item);
	if (removed) {
		forget(l, &k);
		return;
	}
	before = find(l, &k);
	assert_true(before || l->n < ITEMS_MAX);
	if (before)
		*before = k;
	else
		l->items[l->n++] = k;
}

static void add_known(void *context, const struct weir_item *item)
{
	struct listener *l = context;

	assert_true(l->n < ITEMS_MAX);
	l->items[l->n++] = known_of(item);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->text, ((const struct known *)b)->text);
}

static void compare(struct lab *lab, struct listener *l, unsigned round)
{
	static struct listener exported;

	exported.n = 0;
	assert_int_equal(weir_export(lab->weir, NULL, add_known, &exported, &lab->error), 0);
	qsort(l->items, l->n, sizeof(l->items[0]), by_text);
	qsort(exported.items, exported.n, sizeof(l->items[0]), by_text);
	for (unsigned i = 0; i < l->n || i < exported.n; i++)
		if (i >= l->n || i >= exported.n ||
			strcmp(l->items[i].text, exported.items[i].text) != 0)
			fail_msg("round %u: told \"%s\", exported \"%s\"", round,
				i < l->n ? l->items[i].text : "",
				i < exported.n ? exported.items[i].text : "");
}

// ---- What happens

static const char *one_of(const char *const list[], unsigned n)
{
	return list[(unsigned)rand() % n];
}

#define ONE_OF(list) one_of(list, sizeof(list) / sizeof((list)[0]))

static const char *const switches[] = { "br0", "br1", "br2", "no such" };
static const char *const ports[] = { "a", "b", "c", "d", "e", "f", "no such" };
static const char *const extensions[] = { "probe-filter", "probe-after", "probe-service",
	"no-such" };
static const char *const targets[] = { "a", "b", "c", "d", "e", "f", "switch:br0", "switch:br1",
	"switch:br3" };
static const char *const nics[] = { "", "null", "memory", "no such:x" };
static const char *const vlans[] = { "", "1", "trunk:2-5", "5000" };
static const char *const macs[] = { "02:00:00:00:00:01", "02:00:00:00:00:02", "nonsense" };
static const char *const ids[] = { "x", "y", "z", "3", "", "no such" };

static int change_switches(struct weir *w, unsigned flags)
{
	// Rarely: with a switch goes everything.
	return rand() % 3 ? weir_switch_add(w, ONE_OF(switches), flags, NULL)
			  : weir_switch_remove(w, ONE_OF(switches), flags, NULL);
}

static int change_ports(struct weir *w, unsigned flags)
{
	struct weir_port_config config = {
		.size = sizeof(config),
		.nic = ONE_OF(nics),
		.vlan = ONE_OF(vlans),
		.mac = ONE_OF(macs),
		.mtu = rand() % 2 ? 1400 : 0,
		.uplink = rand() % 2,
	};

	switch (rand() % 8) {
	case 0:
		return weir_port_remove(w, ONE_OF(ports), flags, NULL);
	case 1:
		return weir_port_connect(w, ONE_OF(ports), ONE_OF(nics), flags, NULL);
	case 2:
		return weir_port_disconnect(w, ONE_OF(ports), flags, NULL);
	case 3:
		return weir_port_set(w, ONE_OF(ports), &config, (unsigned)rand() % 8, flags, NULL);
	default:
		return weir_port_add(w, ONE_OF(switches), ONE_OF(ports), &config, flags, NULL);
	}
}

static int change_stack(struct weir *w, unsigned flags)
{
	flags |= rand() % 2 ? WEIR_FAIL_OPEN : 0;
	return rand() % 3 ? weir_extension_attach(w, ONE_OF(switches), ONE_OF(extensions),
				    rand() % 30 - 1, flags, NULL)
			  : weir_extension_detach(
				    w, ONE_OF(switches), ONE_OF(extensions), flags, NULL);
}

static int change_policies(struct weir *w, unsigned flags)
{
	// Ingress nothing, egress a meter, and one that is cut.
	static const struct {
		const char *bytes;
		size_t size;
	} messages[] = { { "\x08\x00\x10\x00", 4 }, { "\x08\x03\x10\x04", 4 },
		{ "\x08\x00\x10", 3 } };
	unsigned which = (unsigned)rand() % 3;

	if (rand() % 4 == 0)
		return weir_policy_remove(
			w, ONE_OF(targets), ONE_OF(extensions), ONE_OF(ids), flags, NULL);
	return weir_policy_add(w, ONE_OF(targets), ONE_OF(extensions), "act", ONE_OF(ids),
		messages[which].bytes, messages[which].size, NULL, flags, NULL);
}

static int change_fdb(struct weir *w, unsigned flags)
{
	uint16_t vlan = (uint16_t)(rand() % 2 * 10);

	return rand() % 3 ? weir_fdb_add(w, ONE_OF(switches), ONE_OF(macs), vlan, ONE_OF(ports),
				    flags, NULL)
			  : weir_fdb_remove(w, ONE_OF(switches), ONE_OF(macs), vlan, flags, NULL);
}

static const struct {
	const char *name;
	int (*change)(struct weir *w, unsigned flags);
	int weight;
} kinds[] = {
	{ "switches", change_switches, 1 },
	{ "ports", change_ports, 10 },
	{ "stack", change_stack, 5 },
	{ "policies", change_policies, 20 },
	{ "fdb", change_fdb, 10 },
};
enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static unsigned pick_kind(void)
{
	int at = rand() % 46;
	unsigned kind = 0;

	while (at >= kinds[kind].weight)
		at -= kinds[kind++].weight;
	return kind;
}

static void listening_is_enough(void **state)
{
	static struct listener listener;
	unsigned made[N_KINDS] = { 0 }, refused[N_KINDS] = { 0 }, largest = 0;
	struct lab lab;

	(void)state;
	srand(3);
	lab_start(&lab, &(struct lab_options){ .n_ports = 0 });
	// Begins with what there is already.
	add_known(&listener, &(struct weir_item){ .size = sizeof(struct weir_item),
				     .kind = WEIR_ITEM_SWITCH,
				     .switch_name = "br0" });
	weir_on_change(lab.weir, listen, &listener);
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned kind = pick_kind(), notes = listener.notes;
		unsigned flags = rand() % 5 ? 0 : WEIR_DRY_RUN;
		int ret = kinds[kind].change(lab.weir, flags);

		// What was not done is not told.
		if ((ret < 0 || flags) && listener.notes != notes)
			fail_msg("round %u: a change of %s that was not made is told", round,
				kinds[kind].name);
		made[kind] += ret >= 0 && !flags;
		refused[kind] += ret < 0;
		compare(&lab, &listener, round);
		largest = listener.n > largest ? listener.n : largest;
		if (round % 50 == 0)
			lab_settle(&lab);
	}
	for (unsigned i = 0; i < N_KINDS; i++)
		if (made[i] < 20 || refused[i] < 20)
			fail_msg(
				"%s: only %u made, %u refused", kinds[i].name, made[i], refused[i]);
	assert_true(largest > 15);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listening_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
