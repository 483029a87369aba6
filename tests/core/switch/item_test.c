// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The desired state as items: what is told of each change, and what an export says.
#include "lab_items.h"
#include "lab_probe.h"

#include "switch/policy.h"
#include "switch/port.h"
#include "switch/port_nic.h"

static const char filter[] = "probe-filter";

struct watched {
	struct lab lab;
	struct lab_items notes;
};

static void start(struct watched *w, unsigned n_ports)
{
	w->notes = (struct lab_items){ 0 };
	lab_start(&w->lab, &(struct lab_options){ .n_ports = n_ports });
	weir_on_change(w->lab.weir, lab_items_note, &w->notes);
}

// The end of everything is no change of what is wanted.
static void end(struct watched *w)
{
	lab_end(&w->lab);
	lab_assert_items(&w->notes, "");
}

static void done(int returned, const struct weir_error *error)
{
	if (returned < 0)
		fail_msg("%s", error->message);
}

static void switches(void **state)
{
	struct watched w;
	struct weir_error *error = &w.lab.error;

	(void)state;
	start(&w, 0);
	done(weir_switch_add(w.lab.weir, "br1", WEIR_DRY_RUN, error), error);
	assert_int_equal(weir_switch_add(w.lab.weir, "br0", 0, error), -EEXIST);
	lab_assert_items(&w.notes, "");
	done(weir_switch_add(w.lab.weir, "br1", 0, error), error);
	lab_assert_items(&w.notes, "+ switch br1\n");
	lab_add_port(&w.lab, "br1", 0, NULL);
	lab_assert_items(&w.notes, "+ port br1 p0 nic=memory\n");
	done(weir_switch_remove(w.lab.weir, "br1", WEIR_DRY_RUN, error), error);
	assert_int_equal(weir_switch_remove(w.lab.weir, "br2", 0, error), -ENOENT);
	lab_assert_items(&w.notes, "");
	// What was on it goes with it.
	done(weir_switch_remove(w.lab.weir, "br1", 0, error), error);
	lab_assert_items(&w.notes, "- switch br1\n");
	weir_on_change(w.lab.weir, NULL, NULL);
	done(weir_switch_add(w.lab.weir, "br1", 0, error), error);
	end(&w);
}

static void switches_with_settings(void **state)
{
	struct weir_switch_config config = {
		.size = sizeof(config), .n_flows = 1024, .n_sessions = 2048, .n_port_sessions = 512
	};
	struct watched w;
	struct weir_error *error = &w.lab.error;

	(void)state;
	start(&w, 0);
	done(weir_switch_add_with(w.lab.weir, "br1", &config, WEIR_DRY_RUN, error), error);
	lab_assert_items(&w.notes, "");
	done(weir_switch_add_with(w.lab.weir, "br1", &config, 0, error), error);
	lab_assert_items(&w.notes, "+ switch br1 flows=1024 sessions=2048 port-sessions=512\n");
	assert_int_equal(lab_switch(&w.lab, "br1").worker_flows_max, 1024);
	assert_int_equal(lab_switch(&w.lab, "br0").worker_flows_max, 131072);
	assert_int_equal(lab_switch(&w.lab, "br1").sessions_max, 2048);
	assert_int_equal(lab_switch(&w.lab, "br1").port_sessions_max, 512);
	assert_int_equal(lab_switch(&w.lab, "br0").sessions_max, 131072);
	assert_int_equal(lab_switch(&w.lab, "br0").port_sessions_max, 65536);
	config.n_flows = config.n_sessions = config.n_port_sessions = 0;
	done(weir_switch_add_with(w.lab.weir, "br2", &config, 0, error), error);
	done(weir_switch_add_with(w.lab.weir, "br3", NULL, 0, error), error);
	lab_assert_items(&w.notes, "+ switch br2\n+ switch br3\n");
	assert_int_equal(lab_switch(&w.lab, "br2").worker_flows_max, 131072);
	config.n_flows = 63;
	lab_assert_refused(&w.lab, weir_switch_add_with(w.lab.weir, "br4", &config, 0, error),
		EINVAL, "flows 63: must be 64 to 16777216");
	config.n_flows = WEIR_FLOWS_MAX + 1;
	lab_assert_refused(&w.lab,
		weir_switch_add_with(w.lab.weir, "br4", &config, WEIR_DRY_RUN, error), EINVAL,
		"flows 16777217: must be 64 to 16777216");
	config.n_flows = 0;
	config.n_sessions = 63;
	lab_assert_refused(&w.lab, weir_switch_add_with(w.lab.weir, "br4", &config, 0, error),
		EINVAL, "sessions 63: must be 64 to 16777216");
	config.n_sessions = 100;
	config.n_port_sessions = 101;
	lab_assert_refused(&w.lab, weir_switch_add_with(w.lab.weir, "br4", &config, 0, error),
		EINVAL, "port sessions 101: must be 1 to 100");
	config.size = 4;
	lab_assert_refused(&w.lab, weir_switch_add_with(w.lab.weir, "br4", &config, 0, error),
		EINVAL, "size 4 of struct weir_switch_config: must be ");
	lab_assert_items(&w.notes, "");
	end(&w);
}

static void ports(void **state)
{
	struct weir_port_config config = { .size = sizeof(config),
		.vlan = "trunk:1-3,native:2",
		.mac = "02:00:00:00:00:AB",
		.mtu = 1400,
		.uplink = true };
	struct watched w;
	struct weir_error *error = &w.lab.error;
	struct weir *weir;

	(void)state;
	start(&w, 0);
	weir = w.lab.weir;
	done(weir_port_add(weir, "br0", "a", &config, WEIR_DRY_RUN, error), error);
	assert_int_equal(weir_port_add(weir, "br1", "a", &config, 0, error), -ENOENT);
	lab_assert_items(&w.notes, "");
	done(weir_port_add(weir, "br0", "a", &config, 0, error), error);
	lab_assert_items(&w.notes,
		"+ port br0 a vlan=trunk:1-3,native:2 mac=02:00:00:00:00:ab mtu=1400 uplink\n");
	assert_int_equal(weir_port_add(weir, "br0", "a", &config, 0, error), -EEXIST);
	config = (struct weir_port_config){ .size = sizeof(config), .vlan = "7", .mac = "" };
	done(weir_port_set(weir, "a", &config, WEIR_PORT_SET_VLAN, WEIR_DRY_RUN, error), error);
	config.vlan = "4095";
	assert_true(weir_port_set(weir, "a", &config, WEIR_PORT_SET_VLAN, 0, error) < 0);
	lab_assert_items(&w.notes, "");
	config.vlan = "7";
	done(weir_port_set(weir, "a", &config, WEIR_PORT_SET_VLAN, 0, error), error);
	lab_assert_items(&w.notes, "+ port br0 a vlan=7 mac=02:00:00:00:00:ab mtu=1400 uplink\n");
	done(weir_port_set(weir, "a", &config, WEIR_PORT_SET_MAC | WEIR_PORT_SET_MTU, 0, error),
		error);
	lab_assert_items(&w.notes, "+ port br0 a vlan=7 uplink\n");
	done(weir_port_remove(weir, "a", WEIR_DRY_RUN, error), error);
	assert_int_equal(weir_port_remove(weir, "b", 0, error), -ENOENT);
	lab_assert_items(&w.notes, "");
	done(weir_port_remove(weir, "a", 0, error), error);
	lab_assert_items(&w.notes, "- port br0 a vlan=7 uplink\n");
	end(&w);
}

static void nics(void **state)
{
	struct weir_port_config config = { .size = sizeof(config) };
	struct lab_items all;
	struct watched w;
	struct weir_error *error = &w.lab.error;
	struct weir *weir;

	(void)state;
	start(&w, 0);
	weir = w.lab.weir;
	done(weir_port_add(weir, "br0", "a", &config, 0, error), error);
	lab_assert_items(&w.notes, "+ port br0 a\n");
	done(weir_port_connect(weir, "a", "null", WEIR_DRY_RUN, error), error);
	assert_true(weir_port_connect(weir, "a", "nonsense:x", 0, error) < 0);
	lab_assert_items(&w.notes, "");
	done(weir_port_connect(weir, "a", "null", WEIR_FORCE, error), error);
	lab_assert_items(&w.notes, "+ port br0 a nic=null forced\n");
	done(weir_port_disconnect(weir, "a", WEIR_DRY_RUN, error), error);
	lab_assert_items(&w.notes, "");
	done(weir_port_disconnect(weir, "a", 0, error), error);
	lab_assert_items(&w.notes, "+ port br0 a nic=null disconnected forced\n");
	assert_int_equal(weir_port_disconnect(weir, "a", 0, error), -ENOTCONN);
	// What could not be opened has not become what is wanted.
	assert_true(weir_port_connect(weir, "a", "replay:/nowhere/f.pcap", 0, error) < 0);
	lab_assert_items(&w.notes, "");
	lab_export(&w.lab, NULL, &all);
	lab_assert_items(&all, "switch br0\nport br0 a nic=null disconnected forced\n");
	done(weir_port_connect(weir, "a", NULL, 0, error), error);
	lab_assert_items(&w.notes, "+ port br0 a nic=null\n");
	// A NIC that is lost is wanted as before.
	__atomic_store_n(port_nic_error(port_find(weir, "a", NULL)), -EIO, __ATOMIC_RELEASE);
	weir_process(weir);
	assert_int_equal(port_find(weir, "a", NULL)->state, WEIR_PORT_NIC_LOST);
	lab_assert_items(&w.notes, "");
	lab_export(&w.lab, NULL, &all);
	lab_assert_items(&all, "switch br0\nport br0 a nic=null\n");
	// But not any more when somebody says so.
	done(weir_port_disconnect(weir, "a", 0, error), error);
	lab_assert_items(&w.notes, "+ port br0 a nic=null disconnected\n");
	end(&w);
}

static void see_path(void *context, const struct weir_extension_info *info)
{
	snprintf(context, 400, "%s", info->path);
}

static void extensions(void **state)
{
	char path[400], line[LAB_ITEM_SIZE];
	struct watched w;
	struct weir_error *error = &w.lab.error;
	struct weir *weir;

	(void)state;
	start(&w, 1);
	weir = w.lab.weir;
	done(weir_extension_load(weir, filter, NULL, 0, error), error);
	done(weir_extension_attach(weir, "br0", filter, WEIR_ORDER_DEFAULT, WEIR_DRY_RUN, error),
		error);
	assert_true(weir_extension_attach(weir, "br0", "none-such", 1, 0, error) < 0);
	lab_assert_items(&w.notes, ""); // to be loaded is no state of its own
	// The order that was found for it is what is wanted.
	lab_attach(&w.lab, filter, WEIR_ORDER_DEFAULT);
	lab_assert_items(&w.notes, "+ extension br0 probe-filter order=10\n");
	lab_act(&w.lab, "p0", filter, "a", (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_assert_items(&w.notes, "+ policy p0 probe-filter act a 08001000\n");
	assert_int_equal(weir_extension_attach(weir, "br0", filter, 1, 0, error), -EEXIST);
	done(weir_extension_detach(weir, "br0", filter, WEIR_DRY_RUN, error), error);
	done(weir_extension_list(weir, "br0", see_path, path, error), error);
	lab_assert_items(&w.notes, "");
	lab_detach(&w.lab, filter); // with its policy
	lab_assert_items(&w.notes, "- extension br0 probe-filter order=10\n");
	lab_settle(&w.lab);
	done(weir_extension_unload(weir, filter, 0, error), error);
	// From a file that was named.
	done(weir_extension_load(weir, filter, path, 0, error), error);
	done(weir_extension_attach(weir, "br0", filter, 0, WEIR_FAIL_OPEN, error), error);
	snprintf(line, sizeof(line), "+ extension br0 probe-filter order=0 fail-open path=%s\n",
		path);
	lab_assert_items(&w.notes, line);
	end(&w);
}

static void policies(void **state)
{
	static const char bytes[] = "\x08\x00\x10\x00";
	char id[POLICY_ID_SIZE];
	struct watched w;
	struct weir_error *error = &w.lab.error;
	struct weir *weir;

	(void)state;
	start(&w, 1);
	weir = w.lab.weir;
	lab_attach(&w.lab, filter, 10);
	lab_assert_items(&w.notes, "+ extension br0 probe-filter order=10\n");
	lab_act(&w.lab, "p0", filter, "a", (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_assert_items(&w.notes, "+ policy p0 probe-filter act a 08001000\n");
	lab_act(&w.lab, "p0", filter, "a", (Probe__Act){ AT(EGRESS, NOTHING) });
	lab_assert_items(&w.notes, "+ policy p0 probe-filter act a 08031000\n");
	// An id that was made must not be made again: the target remembers it.
	done(weir_policy_add(weir, "p0", filter, "act", "", bytes, 4, id, 0, error), error);
	assert_string_equal(id, "1");
	lab_assert_items(&w.notes,
		"+ port br0 p0 nic=memory made=1\n+ policy p0 probe-filter act 1 08001000\n");
	done(weir_policy_add(weir, "switch:br0", filter, "act", NULL, bytes, 4, id, 0, error),
		error);
	lab_assert_items(
		&w.notes, "+ switch br0 made=1\n+ policy switch:br0 probe-filter act 1 08001000\n");
	done(weir_policy_add(weir, "p0", filter, "act", "", bytes, 4, id, WEIR_DRY_RUN, error),
		error);
	assert_int_equal(lab_try_act(&w.lab, "p0", filter, "a",
				 (Probe__Act){ AT(INGRESS, NOTHING) }, WEIR_DRY_RUN),
		0);
	assert_true(weir_policy_add(weir, "p0", filter, "act", "", bytes, 3, id, 0, error) < 0);
	done(weir_policy_remove(weir, "p0", filter, "1", WEIR_DRY_RUN, error), error);
	assert_int_equal(weir_policy_remove(weir, "p0", filter, "2", 0, error), -ENOENT);
	lab_assert_items(&w.notes, "");
	lab_remove_policy(&w.lab, "p0", filter, "a");
	lab_assert_items(&w.notes, "- policy p0 probe-filter act a 08031000\n");
	lab_remove_port(&w.lab, 0); // with the other
	lab_assert_items(&w.notes, "- port br0 p0 nic=memory made=1\n");
	end(&w);
}

static void refusals_of_an_extension(void **state)
{
	Probe__Refuse refuse = PROBE__REFUSE__INIT;
	struct lab_items before, after;
	struct watched w;

	(void)state;
	start(&w, 1);
	lab_attach(&w.lab, filter, 10);
	lab_veto(&w.lab, filter, WEIR_EVENT_PORT_REMOVED, "no");
	lab_act(&w.lab, "p0", filter, "a", (Probe__Act){ AT(INGRESS, NOTHING) });
	w.notes = (struct lab_items){ 0 };
	lab_export(&w.lab, NULL, &before);
	refuse.why = (char *)(uintptr_t) "no";
	assert_true(lab_try_policy(&w.lab, "p0", filter, "refuse", "a", &refuse.base, 0) < 0);
	assert_true(lab_try_policy(&w.lab, "p0", filter, "refuse", NULL, &refuse.base, 0) < 0);
	assert_true(weir_port_remove(w.lab.weir, "p0", 0, NULL) < 0);
	assert_true(weir_switch_remove(w.lab.weir, "br0", 0, NULL) < 0);
	lab_assert_items(&w.notes, "");
	lab_export(&w.lab, NULL, &after);
	assert_string_equal(before.text, after.text);
	lab_remove_policy(&w.lab, "switch:br0", filter, "veto");
	w.notes = (struct lab_items){ 0 };
	end(&w);
}

static void static_addresses(void **state)
{
	static const char mac[] = "02:00:00:00:00:AA";
	struct watched w;
	struct weir_error *error = &w.lab.error;
	struct weir *weir;

	(void)state;
	start(&w, 2);
	weir = w.lab.weir;
	done(weir_fdb_add(weir, "br0", mac, 10, "p0", WEIR_DRY_RUN, error), error);
	assert_true(weir_fdb_add(weir, "br0", mac, 4095, "p0", 0, error) < 0);
	lab_assert_items(&w.notes, "");
	done(weir_fdb_add(weir, "br0", mac, 10, "p0", 0, error), error);
	lab_assert_items(&w.notes, "+ fdb br0 10 02:00:00:00:00:aa p0\n");
	done(weir_fdb_add(weir, "br0", mac, 10, "p1", 0, error), error);
	lab_assert_items(&w.notes, "+ fdb br0 10 02:00:00:00:00:aa p1\n");
	done(weir_fdb_remove(weir, "br0", mac, 10, WEIR_DRY_RUN, error), error);
	assert_int_equal(weir_fdb_remove(weir, "br0", mac, 0, 0, error), -ENOENT);
	done(weir_fdb_flush(weir, "br0", NULL, error), error);
	// What was learned is nobody's wish.
	lab_learn(&w.lab);
	done(weir_fdb_remove(weir, "br0", "02:00:00:00:00:01", 0, 0, error), error);
	lab_assert_items(&w.notes, "");
	done(weir_fdb_remove(weir, "br0", mac, 10, 0, error), error);
	lab_assert_items(&w.notes, "- fdb br0 10 02:00:00:00:00:aa p1\n");
	end(&w);
}

static void an_export_has_a_stable_order(void **state)
{
	static const char *const names[] = { "b", "c", "a" };
	struct weir_port_config config = { .size = sizeof(config) };
	struct lab_items all;
	struct watched w;
	struct weir_error *error = &w.lab.error;
	struct weir *weir;

	(void)state;
	start(&w, 0);
	weir = w.lab.weir;
	done(weir_switch_add(weir, "br2", 0, error), error);
	done(weir_switch_add(weir, "br1", 0, error), error);
	for (unsigned i = 0; i < 3; i++)
		done(weir_port_add(weir, "br1", names[i], &config, 0, error), error);
	done(weir_extension_attach(weir, "br1", "probe-after", 30, 0, error), error);
	done(weir_extension_attach(weir, "br1", filter, 20, 0, error), error);
	done(weir_extension_attach(weir, "br1", "probe-capture", 99, 0, error), error);
	lab_act(&w.lab, "a", "probe-after", "z", (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_act(&w.lab, "a", filter, "y", (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_act(&w.lab, "a", filter, "x", (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_act(&w.lab, "switch:br1", filter, "s", (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_act(&w.lab, "a", filter, "y", (Probe__Act){ AT(EGRESS, NOTHING) });
	done(weir_fdb_add(weir, "br1", "02:00:00:00:00:02", 2, "b", 0, error), error);
	done(weir_fdb_add(weir, "br1", "02:00:00:00:00:01", 10, "b", 0, error), error);
	done(weir_fdb_add(weir, "br1", "02:00:00:00:00:01", 2, "c", 0, error), error);
	lab_export(&w.lab, NULL, &all);
	lab_assert_items(&all, "switch br0\n"
			       "switch br1\n"
			       "extension br1 probe-filter order=20\n"
			       "extension br1 probe-after order=30\n"
			       "extension br1 probe-capture order=99\n"
			       "policy switch:br1 probe-filter act s 08001000\n"
			       "port br1 a\n"
			       "policy a probe-after act z 08001000\n"
			       "policy a probe-filter act y 08031000\n"
			       "policy a probe-filter act x 08001000\n"
			       "port br1 b\n"
			       "port br1 c\n"
			       "fdb br1 2 02:00:00:00:00:01 c\n"
			       "fdb br1 2 02:00:00:00:00:02 b\n"
			       "fdb br1 10 02:00:00:00:00:01 b\n"
			       "switch br2\n");
	lab_export(&w.lab, "br2", &all);
	lab_assert_items(&all, "switch br2\n");
	lab_assert_refused(&w.lab, weir_export(weir, "br9", lab_items_add, &all, error), ENOENT,
		"switch \"br9\": there is none of this name");
	assert_int_equal(all.n, 0);
	w.notes = (struct lab_items){ 0 };
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(switches),
		cmocka_unit_test(switches_with_settings),
		cmocka_unit_test(ports),
		cmocka_unit_test(nics),
		cmocka_unit_test(extensions),
		cmocka_unit_test(policies),
		cmocka_unit_test(refusals_of_an_extension),
		cmocka_unit_test(static_addresses),
		cmocka_unit_test(an_export_has_a_stable_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
