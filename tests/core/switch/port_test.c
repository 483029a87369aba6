// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Ports: their states, their coming and going under traffic, several switches and several weirs.
#include "lab_probe.h"

struct seen_port {
	char state[16], nic[64], vlan[64], mac[32], reason[64];
	uint32_t mtu;
	uint64_t rx, tx, dropped;
	unsigned n;
};

static void see_port(void *context, const struct weir_port_info *info)
{
	struct seen_port *seen = context;

	snprintf(seen->state, sizeof(seen->state), "%s", info->state_name);
	snprintf(seen->nic, sizeof(seen->nic), "%s", info->nic);
	snprintf(seen->vlan, sizeof(seen->vlan), "%s", info->vlan);
	snprintf(seen->mac, sizeof(seen->mac), "%s", info->mac);
	seen->mtu = info->mtu;
	seen->rx = info->rx_frames;
	seen->tx = info->tx_frames;
	seen->dropped = info->dropped_frames;
	seen->n++;
}

static struct seen_port see(struct lab *lab, const char *name)
{
	struct seen_port seen = { .n = 0 };

	assert_int_equal(weir_port_list(lab->weir, NULL, name, see_port, &seen, &lab->error), 0);
	assert_int_equal(seen.n, 1);
	return seen;
}

static int add(struct lab *lab, const char *name, struct weir_port_config config)
{
	config.size = sizeof(config);
	memset(&lab->error, 0, sizeof(lab->error));
	return weir_port_add(lab->weir, "br0", name, &config, 0, &lab->error);
}

static void states(void **state)
{
	struct lab_frame frame = lab_udp(0, LAB_BROADCAST, 1, 2), got;
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 1 });
	assert_int_equal(add(&lab, "vm", (struct weir_port_config){ .vlan = "" }), 0);
	assert_string_equal(see(&lab, "vm").state, "created");
	lab_assert_pass(&lab, 0, &frame, 0); // nobody to send to
	assert_int_equal(lab_drops(&lab, "core", "no-destination"), 1);
	lab_assert_refused(&lab, weir_port_connect(lab.weir, "vm", NULL, 0, &lab.error), EINVAL,
		"port \"vm\": has no NIC that it could be connected to again; name one");
	assert_int_equal(weir_port_connect(lab.weir, "vm", "memory", 0, &lab.error), 0);
	assert_string_equal(see(&lab, "vm").state, "connected");
	lab_assert_refused(&lab, weir_port_connect(lab.weir, "vm", "null", 0, &lab.error), EBUSY,
		"port \"vm\": is connected to memory; disconnect it first");
	lab.ends[1] = weir_port_memory(lab.weir, "vm");
	lab.n_ports = 2;
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(weir_port_disconnect(lab.weir, "vm", 0, &lab.error), 0);
	assert_string_equal(see(&lab, "vm").state, "disconnected");
	lab_assert_refused(&lab, weir_port_disconnect(lab.weir, "vm", 0, &lab.error), ENOTCONN,
		"port \"vm\": is not connected");
	lab_send(&lab, 0, &frame);
	lab_run(&lab);
	lab_settle(&lab); // the NIC is closed: its end says so
	assert_int_equal(weir_memory_receive(lab.ends[1], 0, got.bytes, 2000, NULL), -ENODEV);
	weir_memory_release(lab.ends[1]);
	// It comes back as what it was, and its counts with it.
	assert_int_equal(weir_port_connect(lab.weir, "vm", NULL, 0, &lab.error), 0);
	lab.ends[1] = weir_port_memory(lab.weir, "vm");
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(see(&lab, "vm").tx, 2);
	lab_end(&lab);
}

// What is sent to a known station whose NIC is gone is dropped under its reason.
static void a_disconnected_destination(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_learn(&lab);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(weir_port_disconnect(lab.weir, "p1", 0, &lab.error), 0);
	weir_memory_release(lab.ends[1]);
	lab.ends[1] = NULL;
	lab_assert_pass(&lab, 0, &frame, 0);
	assert_int_equal(lab_drops(&lab, "core", "port-down"), 1);
	lab_end(&lab);
}

static void settings(void **state)
{
	struct weir_port_config config = {
		.size = sizeof(config), .vlan = "10", .mac = "02:AA:00:00:00:01", .mtu = 1000
	};
	struct lab_frame small = lab_udp(0, LAB_BROADCAST, 1, 2), large = small;
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 3 });
	assert_int_equal(
		weir_port_set(lab.weir, "p1", &config,
			WEIR_PORT_SET_VLAN | WEIR_PORT_SET_MAC | WEIR_PORT_SET_MTU, 0, &lab.error),
		0);
	assert_string_equal(see(&lab, "p1").vlan, "10");
	assert_string_equal(see(&lab, "p1").mac, "02:aa:00:00:00:01");
	assert_int_equal(see(&lab, "p1").mtu, 1000);
	lab_assert_pass(&lab, 0, &small, 1 << 2);
	config.vlan = "";
	assert_int_equal(
		weir_port_set(lab.weir, "p1", &config, WEIR_PORT_SET_VLAN, 0, &lab.error), 0);
	lab_assert_pass(&lab, 0, &small, 1 << 1 | 1 << 2);
	large.size = 14 + 1000;
	lab_assert_pass(&lab, 0, &large, 1 << 1 | 1 << 2);
	large.size++;
	lab_assert_pass(&lab, 0, &large, 1 << 2);
	assert_int_equal(lab_drops(&lab, "core", "too-big"), 1);
	assert_int_equal(see(&lab, "p1").dropped, 1);
	lab_end(&lab);
}

static void refusals(void **state)
{
	static const struct {
		const char *name;
		struct weir_port_config config;
		int code;
		const char *text;
	} rows[] = {
		{ "p0", { 0 }, EEXIST, "port \"p0\": switch br0 has one of this name" },
		{ "", { 0 }, EINVAL, "must have 1 to 31 bytes" },
		{ "a/b", { 0 }, EINVAL, "port name \"a/b\": letters, digits" },
		{ "p", { .vlan = "4095" }, EINVAL, "4095" },
		{ "p", { .vlan = "trunk:" }, EINVAL, "must be an id, 1 to 4094" },
		{ "p", { .mac = "02:00" }, EINVAL, "mac \"02:00\": must be six bytes" },
		{ "p", { .mac = "01:00:00:00:00:01" }, EINVAL, "must be a unicast address" },
		{ "p", { .mtu = 67 }, EINVAL, "mtu 67: must be 68 to 65535" },
		{ "p", { .mtu = 65536 }, EINVAL, "mtu 65536: must be 68 to 65535" },
		{ "p", { .nic = "carrier-pigeon:1" }, EINVAL, "carrier-pigeon" },
		{ "p", { .nic = "memory:queues=0" }, EINVAL, "queues" },
	};
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 1 });
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		lab_assert_refused(
			&lab, add(&lab, rows[i].name, rows[i].config), rows[i].code, rows[i].text);
	assert_int_equal(lab_switch(&lab, "br0").n_ports, 1);
	lab_assert_refused(&lab, weir_port_remove(lab.weir, "p9", 0, &lab.error), ENOENT,
		"port \"p9\": there is none of this name");
	lab_end(&lab);
}

static void a_service_guards_uplinks(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 1 });
	assert_int_equal(add(&lab, "up0", (struct weir_port_config){ .uplink = true }), 0);
	lab_attach(&lab, "guardian", 0);
	lab_assert_refused(&lab, weir_port_remove(lab.weir, "up0", 0, &lab.error), EPERM,
		"extension guardian: port \"up0\": is guarded and stays");
	lab_remove_port(&lab, 0);
	lab_end(&lab);
}

// A port that takes the place of a removed one is another port, for flows and addresses too.
static void a_place_is_used_again(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 3 });
	lab_learn(&lab);
	for (unsigned i = 0; i < 5; i++) {
		struct lab_frame back = lab_udp(1, 0, 2, 1);

		lab_assert_pass(&lab, 1, &back, 1 << 0);
		lab_assert_pass(&lab, 0, &frame, 1 << 1);
		lab_remove_port(&lab, 1);
		lab_assert_pass(&lab, 0, &frame, 1 << 2); // unknown again
		if (i % 2)
			lab_settle(&lab);
		lab_add_port(&lab, "br0", 1, NULL);
		lab_assert_pass(&lab, 0, &frame, 1 << 1 | 1 << 2);
		assert_int_equal(see(&lab, "p1").tx, 1);
	}
	lab_end(&lab);
}

// ---- Several of everything

static void two_switches_share_nothing(void **state)
{
	struct lab_frame frame = lab_udp(0, LAB_BROADCAST, 1, 2);
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	assert_int_equal(weir_switch_add(lab.weir, "br1", 0, &lab.error), 0);
	lab_assert_refused(&lab, weir_switch_add(lab.weir, "br1", 0, &lab.error), EEXIST,
		"switch \"br1\": there is one already");
	lab_add_port(&lab, "br1", 2, NULL);
	lab_add_port(&lab, "br1", 3, NULL);
	lab_attach(&lab, "probe-filter", 0);
	assert_int_equal(
		weir_extension_attach(lab.weir, "br1", "probe-filter", 0, 0, &lab.error), 0);
	lab_act(&lab, "p2", "probe-filter", "drop", (Probe__Act){ AT(INGRESS, DROP_FRAME) });
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_assert_pass(&lab, 2, &frame, 0);
	lab_assert_pass(&lab, 3, &frame, 1 << 2);
	assert_int_equal(lab_switch(&lab, "br0").received, 1);
	assert_int_equal(lab_switch(&lab, "br1").received, 2);
	assert_int_equal(lab_switch(&lab, "br1").fdb_entries, 1);
	lab_detach(&lab, "probe-filter");
	lab_settle(&lab);
	lab_assert_refused(&lab, weir_extension_unload(lab.weir, "probe-filter", 0, &lab.error),
		EBUSY, "is attached to switch br1");
	lab_assert_pass(&lab, 2, &frame, 0);
	assert_int_equal(weir_switch_remove(lab.weir, "br1", 0, &lab.error), 0);
	lab_settle(&lab);
	assert_int_equal(weir_extension_unload(lab.weir, "probe-filter", 0, &lab.error), 0);
	weir_memory_release(lab.ends[2]);
	weir_memory_release(lab.ends[3]);
	lab.ends[2] = lab.ends[3] = NULL;
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_end(&lab);
}

static void two_weirs_share_nothing(void **state)
{
	struct lab_frame frame = lab_udp(0, LAB_BROADCAST, 1, 2);
	struct lab a, b;

	(void)state;
	lab_start(&a, &(struct lab_options){ .n_ports = 2 });
	lab_start(&b, &(struct lab_options){ .n_ports = 3 });
	lab_attach(&a, "probe-filter", 0);
	lab_attach(&b, "probe-filter", 0);
	lab_act(&a, "p0", "probe-filter", "drop", (Probe__Act){ AT(INGRESS, DROP_FRAME) });
	lab_assert_pass(&a, 0, &frame, 0);
	lab_assert_pass(&b, 0, &frame, 1 << 1 | 1 << 2);
	assert_int_equal(lab_drops(&a, "probe-filter", "told"), 1);
	assert_int_equal(lab_drops(&b, "probe-filter", "told"), 0);
	lab_end(&a);
	lab_assert_pass(&b, 0, &frame, 1 << 1 | 1 << 2);
	lab_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states),
		cmocka_unit_test(a_disconnected_destination),
		cmocka_unit_test(settings),
		cmocka_unit_test(refusals),
		cmocka_unit_test(a_service_guards_uplinks),
		cmocka_unit_test(a_place_is_used_again),
		cmocka_unit_test(two_switches_share_nothing),
		cmocka_unit_test(two_weirs_share_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
