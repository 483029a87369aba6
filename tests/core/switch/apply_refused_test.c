// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Documents that are refused: nothing of them is done.
#include "lab_document.h"
#include "lab_items.h"

#include <stdlib.h>

// A laboratory that has a switch br0 and nothing else.
static void start(struct lab *lab)
{
	lab_start(lab, &(struct lab_options){ 0 });
}

struct refusal {
	const char *name;
	const char *document;
	unsigned flags;
	int code;
	const char *field, *text;
};

#define WANTED "switch br0\nextension br0 probe-filter\nextension br0 probe-service\n"

// All of them are refused by a switch of STANDING.
#define STANDING                                                                                   \
	"switch br0\n"                                                                             \
	"extension br0 probe-filter order=10\n"                                                    \
	"extension br0 probe-service order=10\n"                                                   \
	"port br0 p0 nic=memory\n"                                                                 \
	"policy p0 probe-filter a act NOTHING 1\n"                                                 \
	"port br0 p1 nic=memory\n"

static const struct refusal refusals[] = {
	{ "tables of another size than the switch has", "switch br0 flows=4096\n", 0, EBUSY,
		"items[0].flows",
		"flows 4096: switch \"br0\" has 131072, which only changes by removing and adding "
		"it" },
	{ "tables that are too small", "switch br1 flows=63\n", 0, EINVAL, "items[0].flows",
		"flows 63: must be 64 to 16777216" },
	{ "tables that are too large", "switch br1 flows=16777217\n", 0, EINVAL, "items[0].flows",
		"flows 16777217: must be 64 to 16777216" },
	{ "room for other sessions than the switch has", "switch br0 sessions=64\n", 0, EBUSY,
		"items[0].sessions", "sessions 64: switch \"br0\" has 131072, which only changes" },
	{ "at its ports", "switch br0 port_sessions=64\n", 0, EBUSY, "items[0].port_sessions",
		"port_sessions 64: switch \"br0\" has 65536, which only changes" },
	{ "room for too few", "switch br1 sessions=63\n", 0, EINVAL, "items[0].sessions",
		"sessions 63: must be 64 to 16777216" },
	{ "more at a port than there are", "switch br1 sessions=64 port_sessions=65\n", 0, EINVAL,
		"items[0].port_sessions", "port sessions 65: must be 1 to 64" },
	{ "a switch's name", "switch br1\nswitch b:r\n", 0, EINVAL, "items[1].name",
		"switch name \"b:r\"" },
	{ "an unknown switch", "port br9 p9\n", 0, ENOENT, "items[0].switch",
		"switch \"br9\": there is none of this name" },
	{ "a switch that goes", "switch br1\nextension br0 probe-filter\n", WEIR_PRUNE, ENOENT,
		"items[1].switch", "removes what it does not name" },
	{ "an unknown extension", "switch br1\nextension br1 nobody\n", 0, ENOENT, "items[1].name",
		"extension \"nobody\": there is no nobody.so" },
	{ "an extension's name", "extension br0 No/Body\n", 0, EINVAL, "items[0].name",
		"extension \"No/Body\": a name has" },
	{ "an order", "extension br0 nothing-1 order=65536\n", 0, EINVAL, "items[0].order",
		"order 65536: must be 0 to 65535" },
	{ "another order", "extension br0 probe-filter order=70000\n", 0, EINVAL, "items[0].order",
		"order 70000" },
	{ "another path", "extension br0 probe-filter path=/nowhere/x.so\n", 0, EBUSY,
		"items[0].path", "has to be detached first" },
	{ "a second forwarding extension",
		"extension br0 nothing-1\nextension br0 probe-forwarding\nextension br0 "
		"patch-panel\n",
		0, EBUSY, "items[2].name", "has the forwarding extension probe-forwarding" },
	{ "a port's name", "port br0 p/9\n", 0, EINVAL, "items[0].name", "port name \"p/9\"" },
	{ "a port on another switch", "switch br1\nport br1 p0 nic=memory\n", 0, EBUSY,
		"items[1].name",
		"port \"p0\": is on switch br0; apply moves it to br1, and removes its policies "
		"that the document does not name, with --prune only; without, remove it there "
		"first" },
	{ "a port on another of two switches that are both named",
		WANTED "switch br1\nport br1 p0 nic=memory\nport br0 p1 nic=memory\n", 0, EBUSY,
		"items[4].name", "port \"p0\": is on switch br0; apply moves it to br1" },
	{ "a VLAN", "port br0 p2\nport br0 p1 nic=memory vlan=4095\n", 0, EINVAL, "items[1].vlan",
		"4095" },
	{ "an address", "port br0 p9 mac=01:00:00:00:00:00\n", 0, EINVAL, "items[0].mac",
		"must be a unicast address" },
	{ "an MTU", "port br0 p9 mtu=67\n", 0, EINVAL, "items[0].mtu", "mtu 67" },
	{ "a kind of NIC", "port br0 p1 nic=wire\n", 0, EINVAL, "items[0].nic",
		"unknown kind \"wire\"" },
	{ "a NIC that cannot be had", "port br0 p2\nport br0 p1 nic=packet:no-such-if\n", 0, ENODEV,
		"items[1].nic", "no-such-if" },
	{ "one interface twice", "port br0 p8 nic=packet:lo\nport br0 p9 nic=packet:lo\n", 0, EBUSY,
		"items[1].nic", "port p8 of switch br0 has the interface lo" },
	{ "a port that an extension does not want", "port br0 p9\nport br0 refused\n", 0, EPERM,
		"items[1].name", "port \"refused\": is not wanted" },
	{ "an extension that does not want a port",
		"switch br1\nport br1 refused-probe-after\nextension br1 probe-after\n", 0, EPERM,
		"items[1].name", "is not wanted" },
	{ "a static entry that leads to a switch", "fdb br0 02:00:00:00:00:09 7 switch:br0\n", 0,
		ENOENT, "items[0].port", "port \"switch:br0\": there is none of this name" },
	{ "a policy of nobody's", "policy p9 probe-filter a act NOTHING\n", 0, ENOENT,
		"items[0].port", "port \"p9\"" },
	{ "a policy of a port that goes",
		WANTED "port br0 p1 nic=memory\npolicy p0 probe-filter a act NOTHING 1\n",
		WEIR_PRUNE, ENOENT, "items[4].port",
		"port \"p0\": there is none of this name in the document" },
	{ "a policy for nobody", "policy p0 probe-after a act NOTHING\n", 0, ENOENT,
		"items[0].extension", "extension \"probe-after\": is not attached to switch br0" },
	{ "a policy for an extension that goes",
		"switch br0\nport br0 p0 nic=memory\npolicy p0 probe-filter a act NOTHING 1\n",
		WEIR_PRUNE, ENOENT, "items[2].extension",
		"is not attached to switch br0 in the document" },
	{ "a policy's type", "policy p0 probe-filter a acts x\n", 0, ENOENT, "items[0].type",
		"type \"acts\"" },
	{ "no type of several", "policy p0 probe-filter a - x\n", 0, EINVAL, "items[0].type",
		"must be one of" },
	{ "a policy's place", "policy p0 probe-filter a veto 1\n", 0, EINVAL, "items[0].target",
		"is for a switch, not for a port" },
	{ "a policy's field",
		"policy p1 probe-filter x act NOTHING\n"
		"policy switch:br0 probe-filter v veto 7\n",
		0, EINVAL, "items[1].kind", "kind: 7: must be 0 to 6" },
	{ "a policy's id", "policy p0 probe-filter a/b act NOTHING\n", 0, EINVAL, "items[0].id",
		"id \"a/b\"" },
	{ "a policy that its extension refuses",
		"policy p1 probe-filter x act NOTHING\npolicy p0 probe-filter r refuse odd\n", 0,
		EPERM, "items[1].why", "odd" },
	{ "one of two policies",
		"policy p0 probe-filter x act NOTHING\npolicy p0 probe-filter r refuse odd\n", 0,
		EPERM, "", "odd" },
	{ "two policies of one key",
		"policy switch:br0 probe-filter x veto 6\n"
		"policy switch:br0 probe-filter y veto 5\n"
		"policy switch:br0 probe-filter z veto 6\n",
		0, EEXIST, "items[2]", "the one with id x has the same key" },
	{ "a static entry's address", "fdb br0 02:00:00 0 p0\n", 0, EINVAL, "items[0].mac",
		"mac \"02:00:00\"" },
	{ "a group's address", "fdb br0 03:00:00:00:00:00 0 p0\n", 0, EINVAL, "items[0].mac",
		"must be a station's address" },
	{ "a static entry's VLAN", "fdb br0 02:00:00:00:00:01 4095 p0\n", 0, EINVAL,
		"items[0].vlan", "vlan 4095" },
	{ "a static entry's port", "fdb br0 02:00:00:00:00:01 0 p9\n", 0, ENOENT, "items[0].port",
		"port \"p9\"" },
	{ "a static entry to another switch",
		"switch br1\nport br1 x\nfdb br0 02:00:00:00:00:01 0 x\n", 0, EINVAL,
		"items[2].port", "port \"x\": is on switch br1, not on br0" },
};

// What would be done, if nobody refused, before and after it.
#define MORE                                                                                       \
	"switch more\nextension more probe-capture\nport more m0 nic=memory\n"                     \
	"policy m0 probe-capture m act NOTHING\nfdb more 02:00:00:00:00:77 0 m0\n"

static void refuse(struct lab *lab, const struct refusal *r, const char *document)
{
	static const unsigned flags[] = { WEIR_DRY_RUN, 0 };
	unsigned n = lab_logged(lab, "committed");

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		int failed = lab_try_apply(lab, document, r->flags | flags[i], NULL);

		lab_assert_refused(lab, failed, r->code, r->text);
		assert_string_equal(lab->error.field, r->field);
		lab_assert_state(lab, STANDING);
	}
	assert_int_equal(lab_logged(lab, "committed"), n);
}

static void count_loaded(void *context, const struct weir_extension_info *info)
{
	(void)info;
	++*(unsigned *)context;
}

static void refusals_change_nothing(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;
	unsigned loaded = 0;

	(void)state;
	start(&lab);
	lab_apply(&lab, STANDING, 0);
	lab.ends[0] = weir_port_memory(lab.weir, "p0");
	lab.ends[1] = weir_port_memory(lab.weir, "p1");
	lab.n_ports = 2;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		char document[2048];

		print_message("%s\n", refusals[i].name);
		snprintf(document, sizeof(document), "%s%s", refusals[i].document, MORE);
		refuse(&lab, &refusals[i], document);
		lab_assert_pass(&lab, 0, &frame, 1 << 1);
	}
	lab_settle(&lab);
	// What was loaded for what did not come is not loaded any more.
	assert_int_equal(weir_extension_list(lab.weir, NULL, count_loaded, &loaded, &lab.error), 0);
	assert_int_equal(loaded, 2);
	lab_end(&lab);
}

static void vetoes_are_heard(void **state)
{
	static const struct {
		unsigned kind; // enum weir_event_kind
		const char *document;
	} vetoes[] = {
		{ WEIR_EVENT_PORT_ADDED, "port br0 p9\n" },
		{ WEIR_EVENT_PORT_REMOVED, "" },
		{ WEIR_EVENT_PORT_CHANGED, "port br0 p0 nic=memory vlan=7\n" },
		{ WEIR_EVENT_NIC_CONNECTED, "port br0 p0 nic=null\n" },
		{ WEIR_EVENT_NIC_DISCONNECTED, "port br0 p0 nic=memory disconnected\n" },
		{ WEIR_EVENT_POLICY_CHANGED, "policy p0 probe-filter a act NOTHING 2\n" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(vetoes) / sizeof(vetoes[0]); i++) {
		char standing[512], document[1024];
		struct lab lab;
		bool removal = !*vetoes[i].document;

		snprintf(standing, sizeof(standing),
			"switch br0\nextension br0 probe-filter order=10\n"
			"policy switch:br0 probe-filter v veto %u\nport br0 p0 nic=memory\n",
			vetoes[i].kind);
		snprintf(document, sizeof(document),
			"switch br0\nextension br0 probe-filter order=10\n"
			"policy switch:br0 probe-filter v veto %u\n%s",
			vetoes[i].kind, vetoes[i].document);
		start(&lab);
		lab_apply(&lab, standing, 0);
		lab_assert_refused(&lab,
			lab_try_apply(&lab, document, removal ? WEIR_PRUNE : 0, NULL), EACCES,
			"extension probe-filter: vetoed");
		assert_string_equal(lab.error.field, removal ? "" : "items[3].kind");
		lab_assert_state(&lab, standing);
		// A switch that goes takes no port along that is wanted by somebody.
		if (removal)
			lab_assert_refused(&lab,
				lab_try_apply(&lab, "switch br1\n", WEIR_PRUNE, NULL), EACCES,
				"vetoed");
		lab_end(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_change_nothing),
		cmocka_unit_test(vetoes_are_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
