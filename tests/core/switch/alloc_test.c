// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Memory that runs out in the middle of a change: for every allocation that the change makes, it is
// done once with that one failing, and once with that and all later ones. It is then refused with a
// sentence, and everything is as it was; or it is made, and everything is as after it. Frames pass
// as before either way, and nothing is lost (the sanitizers look for leaks).
//
// Documents have a test of their own, apply_memory_test.c.
#include "lab_faults.h"
#include "lab_items.h"
#include "lab_probe.h"

// ---- Changes

static int port_add(struct lab *lab)
{
	const struct weir_port_config config = {
		.size = sizeof(config), .nic = "memory", .vlan = "5", .mac = "02:00:00:00:00:55"
	};

	return weir_port_add(lab->weir, "br0", "new", &config, 0, &lab->error);
}

static int port_remove(struct lab *lab)
{
	return weir_port_remove(lab->weir, "new", 0, &lab->error);
}

// The extension prepares for another address.
static int port_set_to(struct lab *lab, const char *vlan, const char *mac, uint32_t mtu)
{
	const struct weir_port_config config = {
		.size = sizeof(config), .vlan = vlan, .mac = mac, .mtu = mtu
	};

	return weir_port_set(lab->weir, "new", &config,
		WEIR_PORT_SET_VLAN | WEIR_PORT_SET_MAC | WEIR_PORT_SET_MTU, 0, &lab->error);
}

static int port_set(struct lab *lab)
{
	return port_set_to(lab, "trunk:5-9", "02:00:00:00:00:66", 900);
}

static int port_set_back(struct lab *lab)
{
	return port_set_to(lab, "5", "02:00:00:00:00:55", 0);
}

static int port_disconnect(struct lab *lab)
{
	return weir_port_disconnect(lab->weir, "new", 0, &lab->error);
}

static int port_connect(struct lab *lab)
{
	return weir_port_connect(lab->weir, "new", NULL, 0, &lab->error);
}

static int switch_add(struct lab *lab)
{
	return weir_switch_add(lab->weir, "br9", 0, &lab->error);
}

static int switch_remove(struct lab *lab)
{
	return weir_switch_remove(lab->weir, "br9", 0, &lab->error);
}

static int attach(struct lab *lab)
{
	return weir_extension_attach(lab->weir, "br0", "marker", 7, 0, &lab->error);
}

static int detach(struct lab *lab)
{
	return weir_extension_detach(lab->weir, "br0", "marker", 0, &lab->error);
}

// By its own file: the desired state is the same afterwards.
static int replace(struct lab *lab)
{
	return weir_extension_replace(lab->weir, "probe-filter", NULL, 0, &lab->error);
}

static int policy_of(struct lab *lab, uint32_t if_l4_dst)
{
	return lab_try_act(lab, "new", "probe-filter", "a",
		(Probe__Act){ AT(INGRESS, METER), IF(l4_dst, if_l4_dst) }, 0);
}

static int policy_add(struct lab *lab)
{
	return policy_of(lab, 80);
}

static int policy_replace(struct lab *lab)
{
	return policy_of(lab, 81);
}

static int policy_remove(struct lab *lab)
{
	return weir_policy_remove(lab->weir, "new", "probe-filter", "a", 0, &lab->error);
}

static int fdb_add(struct lab *lab)
{
	return weir_fdb_add(lab->weir, "br0", "02:00:00:00:00:77", 5, "new", 0, &lab->error);
}

static int fdb_remove(struct lab *lab)
{
	return weir_fdb_remove(lab->weir, "br0", "02:00:00:00:00:77", 5, 0, &lab->error);
}

struct change {
	const char *name;
	int (*make)(struct lab *lab);
	int (*back)(struct lab *lab);
};

static const struct change changes[] = {
	{ "switch add", switch_add, switch_remove },
	{ "port add", port_add, port_remove },
	{ "extension attach", attach, detach },
	// From here on the port is there.
	{ "port set", port_set, port_set_back },
	{ "port disconnect", port_disconnect, port_connect },
	{ "policy add", policy_add, policy_remove },
	{ "fdb add", fdb_add, fdb_remove },
	// And from here on the policy, the entry, a second switch and extension.
	{ "policy replace", policy_replace, policy_add },
	{ "policy remove", policy_remove, policy_add },
	{ "extension replace", replace, replace },
	{ "fdb remove", fdb_remove, fdb_add },
	{ "extension detach", detach, attach },
	{ "switch remove", switch_remove, switch_add },
};

static void must(struct lab *lab, int (*make)(struct lab *lab))
{
	assert_int_equal(make(lab), 0);
	lab_settle(lab);
}

static void export_of(struct lab *lab, struct lab_items *items)
{
	memset(items, 0, sizeof(*items));
	lab_export(lab, NULL, items);
}

static void check_frames(struct lab *lab)
{
	struct lab_frame frame = lab_udp(0, 1, 4000, 4001);

	lab_assert_pass(lab, 0, &frame, 1 << 1);
}

// Makes the change with allocation number n (and all later ones) failing. Returns whether it was
// reached at all.
static bool make_with_fault(struct lab *lab, const struct change *change, unsigned n, bool all,
	const struct lab_items *before, const struct lab_items *after)
{
	static struct lab_items now;
	bool hit;
	int result;

	memset(&lab->error, 0, sizeof(lab->error));
	lab_forget_log(lab);
	lab_faults_arm(n, all);
	result = change->make(lab);
	hit = lab_faults_disarm();
	lab_settle(lab);
	export_of(lab, &now);
	if (result < 0 && !lab->error.message[0])
		fail_msg("%s, allocation %u: refused without a sentence", change->name, n);
	if (strcmp(now.text, result < 0 ? before->text : after->text) != 0)
		fail_msg("%s, allocation %u%s: returned %d (%s) and left\n%snot\n%s", change->name,
			n, all ? " and later ones" : "", result, lab->error.message, now.text,
			result < 0 ? before->text : after->text);
	check_frames(lab);
	if (result == 0)
		must(lab, change->back);
	return hit;
}

// Returns how many allocations failed in it.
static unsigned try_change(struct lab *lab, const struct change *change)
{
	static struct lab_items before, after;
	unsigned n, total = 0;

	export_of(lab, &before);
	must(lab, change->make);
	export_of(lab, &after);
	must(lab, change->back);
	for (int all = 0; all < 2; all++) {
		for (n = 1; make_with_fault(lab, change, n, all, &before, &after); n++)
			total++;
	}
	return total;
}

static void a_change_without_memory_is_none(void **state)
{
	unsigned n = 0;
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_attach(&lab, "probe-filter", 1);
	lab_learn(&lab);
	for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		if (strcmp(changes[i].name, "port set") == 0)
			must(&lab, port_add);
		if (strcmp(changes[i].name, "policy replace") == 0) {
			must(&lab, policy_add);
			must(&lab, fdb_add);
			must(&lab, attach);
			must(&lab, switch_add);
		}
		n += try_change(&lab, &changes[i]);
	}
	// A static entry, say, needs none: its memory is reserved. All together need many.
	if (n <= 200)
		fail_msg("only %u allocations failed", n);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_without_memory_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
