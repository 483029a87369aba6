// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a guard is told: what is refused, what follows changes, and what it costs where nothing is
// said.
#include "guard_lab.h"
#include "lab_document.h"

static int try(struct lab *lab, const char *type, const char *id, const ProtobufCMessage *message)
{
	return lab_try_policy(lab, "p0", "guard", type, id, message, 0);
}

static int try_ip(struct lab *lab, const char *address)
{
	char *list[] = { (char *)(uintptr_t)address };
	Guard__Ip message = GUARD__IP__INIT;

	message.n_address = 1;
	message.address = list;
	return try(lab, "ip", "ip", &message.base);
}

static void what_is_refused(void **state)
{
	Guard__Storm storm = GUARD__STORM__INIT;
	Guard__Learn learn = GUARD__LEARN__INIT;
	Guard__Mac mac = GUARD__MAC__INIT;
	uint8_t group[6] = { 1, 0, 0x5e, 0, 0, 1 };
	ProtobufCBinaryData address = { 6, group };
	struct lab lab;

	(void)state;
	guard_start(&lab, false);
	lab_assert_refused(&lab, try(&lab, "storm", "s", &storm.base), EINVAL,
		"policy \"s\": limits nothing; give at least one of broadcast, multicast, "
		"unknown_unicast");
	storm.has_broadcast = 1;
	lab_assert_refused(&lab, try(&lab, "storm", "s", &storm.base), EINVAL,
		"broadcast: 0: must be 1 to 1000000000 frames per second");
	storm.broadcast = 5;
	assert_int_equal(try(&lab, "storm", "s", &storm.base), 0);
	lab_assert_refused(&lab, try(&lab, "storm", "t", &storm.base), EEXIST,
		"policy \"t\": port p0 has a policy guard.storm already, \"s\"; at most one is "
		"allowed");
	learn.max = 5;
	assert_int_equal(try(&lab, "learn", "l", &learn.base), 0);
	lab_assert_refused(&lab, try(&lab, "learn", "m", &learn.base), EEXIST,
		"policy \"m\": port p0 has a policy guard.learn already, \"l\"");
	mac.n_address = 1;
	mac.address = &address;
	lab_assert_refused(&lab, try(&lab, "mac", "m", &mac.base), EINVAL,
		"address \"01:00:5e:00:00:01\": must be a unicast address");
	lab_assert_refused(&lab, try_ip(&lab, "10.0.0.0/40"), EINVAL,
		"\"10.0.0.0/40\": prefix length must be 0 to 32");
	lab_assert_refused(&lab, try_ip(&lab, "ten"), EINVAL, "\"ten\": ");
	// p1 has no assigned address.
	lab_assert_refused(&lab,
		lab_try_policy(
			&lab, "p1", "guard", "mac", "m", &(Guard__Mac)GUARD__MAC__INIT.base, 0),
		EINVAL, "port p1: has no address to be guarded");
	lab_end(&lab);
}

static int assign(struct lab *lab, const char *mac, unsigned flags)
{
	struct weir_port_config config = { .size = sizeof(config), .mac = mac };

	return weir_port_set(lab->weir, "p0", &config, WEIR_PORT_SET_MAC, flags, &lab->error);
}

// What is accepted now is what a restart accepts.
static void the_assigned_address_may_change(void **state)
{
	static const char none[] = "port p0: has no address to be guarded";
	struct lab_frame mine = guard_frame(ETH(ALL, MINE, "88b5"));
	struct lab_frame second = guard_frame(ETH(ALL, SECOND, "88b5"));
	struct lab lab;

	(void)state;
	guard_start(&lab, false);
	guard_mac(&lab, "own", NULL);
	lab_assert_pass(&lab, 0, &mine, 1 << 1);
	lab_assert_pass(&lab, 0, &second, 0);
	assert_int_equal(assign(&lab, "02:00:00:00:00:11", WEIR_DRY_RUN), 0);
	lab_assert_pass(&lab, 0, &mine, 1 << 1);
	assert_int_equal(assign(&lab, "02:00:00:00:00:11", 0), 0);
	lab_assert_pass(&lab, 0, &mine, 0);
	lab_assert_pass(&lab, 0, &second, 1 << 1);
	lab_assert_refused(&lab, assign(&lab, "", WEIR_DRY_RUN), EINVAL, none);
	lab_assert_refused(&lab, assign(&lab, "", 0), EINVAL, none);
	lab_assert_pass(&lab, 0, &mine, 0);
	lab_assert_pass(&lab, 0, &second, 1 << 1);
	lab_end(&lab);
}

static void so_it_may_in_a_document(void **state)
{
	struct lab_frame second = guard_frame(ETH(ALL, SECOND, "88b5"));
	struct lab lab;

	(void)state;
	guard_start(&lab, false);
	guard_mac(&lab, "own", NULL);
	lab_apply(&lab, "port br0 p0 nic=memory mac=02:00:00:00:00:11\n", 0);
	lab_assert_pass(&lab, 0, &second, 1 << 1);
	lab_assert_refused(&lab, lab_try_apply(&lab, "port br0 p0 nic=memory\n", 0, NULL), EINVAL,
		"port p0: has no address to be guarded");
	assert_string_equal(lab.error.field, "items[0]");
	lab_assert_pass(&lab, 0, &second, 1 << 1);
	lab_end(&lab);
}

// A document, as a restart reads it, can have left a port blocked: it is an address that it needs.
static void an_address_unblocks_a_port(void **state)
{
	struct lab_frame mine = guard_frame(ETH(ALL, MINE, "88b5"));
	struct lab lab;

	(void)state;
	guard_start(&lab, false);
	guard_mac(&lab, "own", NULL);
	lab_apply(&lab, "port br0 p0 nic=memory\n", WEIR_RESTORE);
	lab_assert_pass(&lab, 0, &mine, 0);
	assert_int_equal(assign(&lab, "02:00:00:00:00:01", 0), 0);
	lab_assert_pass(&lab, 0, &mine, 1 << 1);
	lab_end(&lab);
}

static void policies_come_and_go(void **state)
{
	static const char *const addresses[] = { "10.0.0.1" };
	static const char other[] = ETH(OTHER, SECOND, "0800") IP4("0000", "11", OTHER_4, MY_4)
		UDP("0043", "0044");
	static const struct guard_row by_mac = { "MAC first", other, "mac-spoof" };
	static const struct guard_row by_ip = { "then IP", other, "ip-spoof" };
	static const struct guard_row by_dhcp = { "then DHCP", other, "dhcp-server" };
	static const struct guard_row free_of_all = { "then nothing", other, NULL };
	struct lab lab;

	(void)state;
	guard_start(&lab, false);
	guard_check(&lab, &free_of_all, 1);
	guard_mac(&lab, "mac", NULL);
	guard_ip(&lab, "ip", addresses, 1, GUARD__LINK_LOCAL__EUI64);
	guard_plain(&lab, "dhcp");
	guard_check(&lab, &by_mac, 1);
	lab_remove_policy(&lab, "p0", "guard", "mac");
	guard_check(&lab, &by_ip, 1);
	lab_remove_policy(&lab, "p0", "guard", "ip");
	guard_check(&lab, &by_dhcp, 1);
	lab_remove_policy(&lab, "p0", "guard", "dhcp");
	guard_check(&lab, &free_of_all, 1);
	lab_end(&lab);
}

// Ports without policies, and frames out of guarded ports, have no hook at all.
static void unguarded_ports_cost_nothing(void **state)
{
	struct lab_frame to = guard_frame(ETH(OTHER, MINE, "88b5"));
	struct lab_frame from = guard_frame(ETH(MINE, OTHER, "88b5"));
	uint64_t decisions;
	struct lab lab;

	(void)state;
	guard_start(&lab, false);
	decisions = lab_extension(&lab, "guard").decisions;
	lab_assert_pass(&lab, 0, &to, 1 << 1);
	assert_int_equal(lab_extension(&lab, "guard").decisions, decisions);
	guard_mac(&lab, "own", NULL);
	lab_assert_pass(&lab, 1, &from, 1 << 0);
	assert_int_equal(lab_extension(&lab, "guard").decisions, decisions);
	lab_assert_pass(&lab, 0, &to, 1 << 1);
	assert_int_equal(lab_extension(&lab, "guard").decisions, decisions + 1);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(the_assigned_address_may_change),
		cmocka_unit_test(so_it_may_in_a_document),
		cmocka_unit_test(an_address_unblocks_a_port),
		cmocka_unit_test(policies_come_and_go),
		cmocka_unit_test(unguarded_ports_cost_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
