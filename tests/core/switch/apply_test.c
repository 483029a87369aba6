// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Documents: what is different is made so, all of it or nothing.
#include "lab_document.h"
#include "lab_items.h"

#include <stdlib.h>

// A laboratory that has a switch br0 and nothing else.
static void start(struct lab *lab)
{
	lab_start(lab, &(struct lab_options){ 0 });
}

// ---- What differs, and what there is in the end

struct row {
	const char *name;
	const char *before, *document;
	unsigned flags;
	const char *differences;
	const char *after; // NULL: as before
};

#define SMALL                                                                                      \
	"switch br0\n"                                                                             \
	"extension br0 probe-filter order=10\n"                                                    \
	"port br0 p0 nic=memory\n"                                                                 \
	"policy p0 probe-filter a act NOTHING 1\n"                                                 \
	"policy p0 probe-filter b act NOTHING 2\n"                                                 \
	"port br0 p1 nic=null vlan=10\n"                                                           \
	"fdb br0 02:00:00:00:00:01 10 p1\n"

#define SESSIONS                                                                                   \
	"switch br0\n"                                                                             \
	"switch br1 sessions=200000 port_sessions=140000\n"

static const struct row rows[] = {
	{ "nothing", "switch br0\n", "", 0, "", NULL },
	{ "a switch with tables of its own size, twice", "switch br0\n", "switch br1 flows=4096\n",
		0, "add switch br1: flows 4096\n", "switch br0\nswitch br1 flows=4096\n" },
	{ "both of its own, twice", "switch br0\n",
		"switch br1 flows=4096 sessions=100 port_sessions=10\n", 0,
		"add switch br1: flows 4096, sessions 100, 10 at a port\n",
		"switch br0\nswitch br1 flows=4096 sessions=100 port_sessions=10\n" },
	{ "of the size that all have", "switch br0\n", "switch br0 flows=131072\n", 0, "", NULL },
	{ "a switch with room for so many sessions, twice", "switch br0\n",
		"switch br1 sessions=100 port_sessions=10\n", 0,
		"add switch br1: sessions 100, 10 at a port\n",
		"switch br0\nswitch br1 sessions=100 port_sessions=10\n" },
	{ "more at a port than other switches have in all, again", SESSIONS,
		"switch br0\nswitch br1 port_sessions=140000\n", 0, "", SESSIONS },
	{ "for as many as all have", "switch br0\n",
		"switch br0 sessions=131072 port_sessions=65536\n", 0, "", NULL },
	{ "all at once", "switch br0\n",
		"fdb br1 02:00:00:00:00:01 0 x1\n"
		"policy x0 probe-filter b act NOTHING 2\n"
		"policy x0 probe-filter a act NOTHING 1\n"
		"policy switch:br1 probe-filter v veto 6\n"
		"port br1 x1 nic=null vlan=trunk:3-4 mac=02:00:00:00:00:0A mtu=1500 uplink\n"
		"port br1 x0\n"
		"extension br1 probe-filter\n"
		"extension br1 nothing-1 order=3 fail_open\n"
		"switch br1\n",
		0,
		"add switch br1\n"
		"add extension br1 probe-filter: order 10\n"
		"add extension br1 nothing-1: order 3, fail_open yes\n"
		"add port x1: nic null, vlan trunk:3-4, mac 02:00:00:00:00:0a, mtu 1500, uplink "
		"yes\n"
		"add port x0: nic none\n"
		"add policy x0 probe-filter.act b\n"
		"add policy x0 probe-filter.act a\n"
		"add policy switch:br1 probe-filter.veto v\n"
		"add fdb br1 02:00:00:00:00:01 vlan 0: port x1\n",
		"switch br0\n"
		"switch br1\n"
		"extension br1 nothing-1 order=3 fail_open\n"
		"extension br1 probe-filter order=10\n"
		"policy switch:br1 probe-filter v veto 6\n"
		"port br1 x0\n"
		"policy x0 probe-filter b act NOTHING 2\n"
		"policy x0 probe-filter a act NOTHING 1\n"
		"port br1 x1 nic=null vlan=trunk:3-4 mac=02:00:00:00:00:0a mtu=1500 uplink\n"
		"fdb br1 02:00:00:00:00:01 0 x1\n" },
	{ "the same again", SMALL, SMALL, 0, "", NULL },
	{ "the same again, pruned", SMALL, SMALL, WEIR_PRUNE, "", NULL },
	{ "other texts for the same", SMALL,
		"switch br0\nextension br0 probe-filter\n"
		"port br0 p1 nic=null vlan=10\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n",
		0, "", NULL },
	{ "a policy changes in its place", SMALL, "policy p0 probe-filter a act NOTHING 7\n", 0,
		"change policy p0 probe-filter.act a\n",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"port br0 p0 nic=memory\n"
		"policy p0 probe-filter a act NOTHING 7\n"
		"policy p0 probe-filter b act NOTHING 2\n"
		"port br0 p1 nic=null vlan=10\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n" },
	{ "what is not named goes", SMALL,
		"switch br0\nextension br0 probe-filter\nport br0 p0 nic=memory\n"
		"policy p0 probe-filter b act NOTHING 2\npolicy p0 probe-filter c act NOTHING 3\n",
		WEIR_PRUNE,
		"remove port p1\n"
		"remove policy p0 probe-filter.act a\n"
		"add policy p0 probe-filter.act c\n",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"port br0 p0 nic=memory\n"
		"policy p0 probe-filter b act NOTHING 2\n"
		"policy p0 probe-filter c act NOTHING 3\n" },
	{ "static entries go and lead elsewhere", SMALL "fdb br0 02:00:00:00:00:02 10 p1\n",
		"switch br0\nextension br0 probe-filter\n"
		"port br0 p0 nic=memory\npolicy p0 probe-filter a act NOTHING 1\n"
		"policy p0 probe-filter b act NOTHING 2\nport br0 p1 nic=null vlan=10\n"
		"fdb br0 02:00:00:00:00:02 10 p0\n",
		WEIR_PRUNE,
		"remove fdb br0 02:00:00:00:00:01 vlan 10\n"
		"change fdb br0 02:00:00:00:00:02 vlan 10: port p0\n",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"port br0 p0 nic=memory\n"
		"policy p0 probe-filter a act NOTHING 1\n"
		"policy p0 probe-filter b act NOTHING 2\n"
		"port br0 p1 nic=null vlan=10\n"
		"fdb br0 02:00:00:00:00:02 10 p0\n" },
	{ "an extension goes with its policies", SMALL,
		"switch br0\nport br0 p0 nic=memory\nport br0 p1 nic=null vlan=10\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n",
		WEIR_PRUNE, "remove extension br0 probe-filter: with its policies\n",
		"switch br0\nport br0 p0 nic=memory\nport br0 p1 nic=null vlan=10\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n" },
	{ "a switch goes, another comes", SMALL, "switch br1\nport br1 p0 nic=null\n", WEIR_PRUNE,
		"remove switch br0: ports 2, extensions 1\nadd switch br1\nadd port p0: nic null\n",
		"switch br1\nport br1 p0 nic=null\n" },
	{ "a port moves", SMALL "switch br1\n", "port br1 p0 nic=memory\n", 0,
		"remove port p0: policies 2\nadd port p0: nic memory\n",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"port br0 p1 nic=null vlan=10\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n"
		"switch br1\n"
		"port br1 p0 nic=memory\n" },
	{ "settings", SMALL, "port br0 p1 nic=null mtu=9000 mac=02:00:00:00:00:01 uplink\n", 0,
		"change port p1: vlan none, mac 02:00:00:00:00:01, mtu 9000, uplink yes\n",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"port br0 p0 nic=memory\n"
		"policy p0 probe-filter a act NOTHING 1\n"
		"policy p0 probe-filter b act NOTHING 2\n"
		"port br0 p1 nic=null mac=02:00:00:00:00:01 mtu=9000 uplink\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n" },
	{ "NICs", SMALL,
		"port br0 p0 nic=memory disconnected\nport br0 p1 nic=memory vlan=10\n"
		"port br0 p2 nic=null disconnected\n",
		0,
		"change port p0: disconnected yes\n"
		"change port p1: nic memory\n"
		"add port p2: nic null, disconnected yes\n",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"port br0 p0 nic=memory disconnected\n"
		"policy p0 probe-filter a act NOTHING 1\n"
		"policy p0 probe-filter b act NOTHING 2\n"
		"port br0 p1 nic=memory vlan=10\n"
		"port br0 p2 nic=null disconnected\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n" },
	{ "a NIC is taken away", SMALL, "port br0 p1 vlan=10\n", 0, "change port p1: nic none\n",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"port br0 p0 nic=memory\n"
		"policy p0 probe-filter a act NOTHING 1\n"
		"policy p0 probe-filter b act NOTHING 2\n"
		"port br0 p1 vlan=10\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n" },
	{ "another place in the stack",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"extension br0 nothing-1 order=20\n"
		"port br0 p0 nic=memory\n"
		"policy p0 probe-filter a act NOTHING 1\n",
		"extension br0 probe-filter order=30\nextension br0 nothing-1 order=20 fail_open\n",
		0,
		"change extension br0 probe-filter: order 30\n"
		"change extension br0 nothing-1: fail_open yes\n",
		"switch br0\n"
		"extension br0 nothing-1 order=20 fail_open\n"
		"extension br0 probe-filter order=30\n"
		"port br0 p0 nic=memory\n"
		"policy p0 probe-filter a act NOTHING 1\n" },
	{ "one forwarding extension for another",
		"switch br0\nextension br0 probe-forwarding order=10\n",
		"switch br0\nextension br0 patch-panel\n", WEIR_PRUNE,
		"remove extension br0 probe-forwarding: with its policies\n"
		"add extension br0 patch-panel: order 10\n",
		"switch br0\nextension br0 patch-panel order=10\n" },
};

static void differences(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct lab lab;
		char *got;

		print_message("%s\n", row->name);
		start(&lab);
		lab_apply(&lab, row->before, 0);
		lab_assert_state(&lab, row->before);
		// A dry run says the same and does nothing.
		assert_int_equal(
			lab_try_apply(&lab, row->document, row->flags | WEIR_DRY_RUN, &got), 0);
		lab_assert_text(got, row->differences);
		free(got);
		lab_assert_state(&lab, row->before);
		if (lab_try_apply(&lab, row->document, row->flags, &got) < 0)
			fail_msg("%s: %s", lab.error.field, lab.error.message);
		lab_assert_text(got, row->differences);
		free(got);
		lab_assert_state(&lab, row->after ? row->after : row->before);
		lab_settle(&lab);
		lab_assert_state(&lab, row->after ? row->after : row->before);
		lab_end(&lab);
	}
}

// ---- Refusals

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
	unsigned n = lab_logged(lab, "committed");
	int failed = lab_try_apply(lab, document, r->flags, NULL);

	lab_assert_refused(lab, failed, r->code, r->text);
	assert_string_equal(lab->error.field, r->field);
	lab_assert_state(lab, STANDING);
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

static void documents_check_themselves(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *field, *sentence;
	} bad[] = {
		{ "switch a\nswitch a\n", EEXIST, "items[1]",
			"switch \"a\": is in the document already, as items[0]" },
		{ "port a p\nport b p\n", EEXIST, "items[1]", "port \"p\"" },
		{ "extension a x\nextension b x\nextension a x order=7\n", EEXIST, "items[2]",
			"extension \"a x\"" },
		{ "policy p x 1 refuse a\npolicy p x 2 refuse a\npolicy p x 1 act NOTHING\n",
			EEXIST, "items[2]", "policy \"p x 1\"" },
		{ "fdb a 02:00:00:00:00:0a 1 p\nfdb a 02:00:00:00:00:0A 1 q\n", EEXIST, "items[1]",
			"static entry \"a 02:00:00:00:00:0a 1\"" },
	};
	struct weir_item no_id = { .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_POLICY,
		.target = "p",
		.name = "x" };
	struct weir_item no_kind = { .size = sizeof(no_kind), .kind = (enum weir_item_kind)99 };
	struct weir_document *document;
	struct weir_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		document = weir_document_create();
		assert_int_equal(lab_document_add(document, bad[i].text, &error), -bad[i].code);
		assert_string_equal(error.field, bad[i].field);
		assert_non_null(strstr(error.message, bad[i].sentence));
		weir_document_destroy(document);
	}
	document = weir_document_create();
	assert_int_equal(weir_document_add(document, &no_id, &error), -EINVAL);
	assert_string_equal(error.field, "items[0].id");
	assert_int_equal(weir_document_add(document, &no_kind, &error), -EINVAL);
	assert_int_equal(weir_document_n_items(document), 0);
	assert_int_equal(lab_document_add(document, SMALL, &error), 0);
	assert_int_equal(weir_document_n_items(document), 7);
	assert_true(weir_document_size(document) > 0);
	weir_document_destroy(document);
	weir_document_destroy(NULL);
}

// ---- What extensions see

static void everybody_prepares_once(void **state)
{
	struct lab lab;
	const char *commit;

	(void)state;
	start(&lab);
	lab_apply(&lab,
		"extension br0 probe-filter\nextension br0 probe-service\n"
		"port br0 p0 nic=null\nport br0 p1\n"
		"policy p0 probe-filter a act NOTHING 1\npolicy p0 probe-filter b act NOTHING 2\n"
		"policy p0 probe-service a act NOTHING 1\n"
		"policy switch:br0 probe-filter v veto 1\n",
		0);
	assert_int_equal(lab_logged(&lab, "extension probe-filter: prepared p0"), 1);
	assert_int_equal(lab_logged(&lab, "extension probe-filter: prepared p1"), 1);
	assert_int_equal(lab_logged(&lab, "extension probe-filter: prepared br0"), 1);
	assert_int_equal(lab_logged(&lab, "prepared"), 6);
	assert_int_equal(lab_logged(&lab, "committed"), 6);
	commit = strstr(lab.log, "committed");
	assert_null(strstr(commit, "prepared"));
	// One of three targets changes: nobody else is asked.
	lab_settle(&lab);
	lab_forget_log(&lab);
	lab_apply(&lab,
		"port br0 p1\npolicy p0 probe-filter a act NOTHING 3\n"
		"policy p0 probe-service a act NOTHING 1\npolicy switch:br0 probe-filter v veto "
		"1\n",
		0);
	assert_int_equal(lab_logged(&lab, "prepared"), 1);
	assert_int_equal(lab_logged(&lab, "extension probe-filter: prepared p0"), 1);
	lab_end(&lab);
}

// A policy that names a port which the same document brings, or takes away.
static void policies_see_the_ports_of_the_end(void **state)
{
	const struct weir_item item = { .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_POLICY,
		.target = "p0",
		.name = "probe-capture",
		.policy = { .type = "act", .id = "m" } };
	Probe__Act act = PROBE__ACT__INIT;
	struct weir_document *document = lab_document(
		"extension br0 probe-capture\nport br0 p0 nic=null\n");
	struct weir_item copy = item;
	uint8_t body[64];
	struct lab lab;

	(void)state;
	start(&lab);
	act.what = PROBE__ACT__WHAT__COPY;
	act.port = (char *)(uintptr_t) "late";
	copy.policy.bytes = body;
	copy.policy.size = protobuf_c_message_pack(&act.base, body);
	assert_int_equal(weir_document_add(document, &copy, &lab.error), 0);
	lab_assert_refused(&lab, weir_apply(lab.weir, document, 0, NULL, NULL, &lab.error), ENOENT,
		"port \"late\": there is none");
	assert_int_equal(lab_document_add(document, "port br0 late nic=null\n", &lab.error), 0);
	assert_int_equal(weir_apply(lab.weir, document, 0, NULL, NULL, &lab.error), 0);
	weir_document_destroy(document);
	lab_end(&lab);
}

// Frames of a flow that nothing changes for go on as decided.
static void others_are_not_decided_again(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;
	uint64_t decisions;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_attach(&lab, "probe-filter", 10);
	lab_learn(&lab);
	lab_add_port(&lab, "br0", 2, NULL);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_settle(&lab);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	decisions = lab_switch(&lab, "br0").decisions;
	lab_apply(&lab,
		"switch br0\nextension br0 probe-filter order=10\nport br0 p0 nic=memory\n"
		"port br0 p1 nic=memory\nport br0 p2 nic=memory\n"
		"policy p2 probe-filter x act DROP_FRAME 0\n",
		WEIR_PRUNE);
	lab_settle(&lab);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(lab_switch(&lab, "br0").decisions, decisions);
	lab_end(&lab);
}

// A port and the policy that lets nothing of its through come together.
static void no_frame_passes_before_the_policies(void **state)
{
	struct lab_frame frame = lab_udp(2, 1, 1, 2);
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_attach(&lab, "probe-filter", 10);
	lab_learn(&lab);
	lab_apply(&lab, "port br0 p2 nic=memory\npolicy p2 probe-filter x act DROP_FRAME 0\n", 0);
	lab.ends[2] = weir_port_memory(lab.weir, "p2");
	lab.n_ports = 3;
	lab_assert_pass(&lab, 2, &frame, 0);
	assert_int_equal(lab_drops(&lab, "probe-filter", "told"), 1);
	lab_apply(&lab, "policy p2 probe-filter x act NOTHING\n", 0);
	lab_assert_pass(&lab, 2, &frame, 1 << 1);
	lab_end(&lab);
}

// ---- An existing port: its new place and its new policies come together

struct meeting {
	struct lab lab;
	struct lab_frame frame;
};

// p0 and p1 meet in VLAN 10, p2 is in VLAN 20; what p0 sends is decided, whoever it is for.
static void meet(struct meeting *m)
{
	lab_start(&m->lab, &(struct lab_options){ 0 });
	lab_add_port(&m->lab, "br0", 0, "10");
	lab_add_port(&m->lab, "br0", 1, "10");
	lab_add_port(&m->lab, "br0", 2, "20");
	lab_attach(&m->lab, "probe-filter", 10);
	m->frame = lab_udp(0, LAB_BROADCAST, 1, 2);
	lab_assert_pass(&m->lab, 0, &m->frame, 1 << 1);
	lab_settle(&m->lab);
	lab_assert_pass(&m->lab, 0, &m->frame, 1 << 1);
}

// Whatever is still under way by old decisions goes where it went; never to where only the new
// policies may let it. Then none does.
static void nothing_passes(struct meeting *m)
{
	unsigned got[LAB_PORTS_MAX];

	for (unsigned i = 0; i < 3; i++) {
		lab_pass(&m->lab, 0, &m->frame, got, 0, NULL);
		assert_int_equal(got[2], 0);
	}
	lab_settle(&m->lab);
	lab_pass(&m->lab, 0, &m->frame, got, 0, NULL);
	assert_int_equal(got[2], 0);
	lab_end(&m->lab);
}

static void a_port_moves_under_new_policies(void **state)
{
	struct meeting m;

	(void)state;
	// The sender comes to the VLAN of p2.
	meet(&m);
	lab_apply(&m.lab,
		"port br0 p0 nic=memory vlan=20\npolicy p0 probe-filter x act DROP_FRAME 0\n", 0);
	nothing_passes(&m);
	// p2 comes to the sender's.
	meet(&m);
	lab_apply(&m.lab,
		"port br0 p2 nic=memory vlan=10\npolicy p2 probe-filter x act EXCLUDE 0 EGRESS\n",
		0);
	nothing_passes(&m);
	// It was there before, and has decisions of that time.
	meet(&m);
	lab_apply(&m.lab, "port br0 p2 nic=memory vlan=10\n", 0);
	lab_assert_pass(&m.lab, 0, &m.frame, 1 << 1 | 1 << 2);
	lab_apply(&m.lab, "port br0 p2 nic=memory vlan=20\n", 0);
	lab_settle(&m.lab);
	lab_assert_pass(&m.lab, 0, &m.frame, 1 << 1);
	lab_apply(&m.lab,
		"port br0 p2 nic=memory vlan=10\npolicy p2 probe-filter x act EXCLUDE 0 EGRESS\n",
		0);
	nothing_passes(&m);
}

// What another NIC brings is not let through by decisions about what the former one brought.
static void a_nic_comes_under_new_policies(void **state)
{
	struct meeting m;
	unsigned got[LAB_PORTS_MAX];

	(void)state;
	meet(&m);
	lab_apply(&m.lab,
		"port br0 p0 nic=memory:size=64 vlan=10\n"
		"policy p0 probe-filter x act DROP_FRAME 0\n",
		0);
	weir_memory_release(m.lab.ends[0]);
	m.lab.ends[0] = weir_port_memory(m.lab.weir, "p0");
	for (unsigned i = 0; i < 3; i++) {
		lab_pass(&m.lab, 0, &m.frame, got, 0, NULL);
		assert_int_equal(got[1], 0);
	}
	lab_end(&m.lab);
}

// ---- What is not told, and what is

static void a_dry_run_leaves_no_mark(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_attach(&lab, "probe-capture", 10);
	lab_act(&lab, "p0", "probe-capture", "m",
		(Probe__Act){ AT(INGRESS, COPY), PORT("p1") }); // follows the ports
	assert_int_equal(lab_try_apply(&lab, "switch br1\n", WEIR_PRUNE | WEIR_DRY_RUN, NULL), 0);
	lab_forget_log(&lab);
	lab_apply(&lab, "switch br1\n", 0);
	assert_int_equal(lab_logged(&lab, "prepared"), 0);
	lab_end(&lab);
}

// Ids that have been made are no difference, and are kept all the same.
static void made_ids_are_noted(void **state)
{
	static const struct weir_item wanted[] = {
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_SWITCH,
			.switch_name = "br0",
			.vswitch = { .made_ids = 3 } },
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_PORT,
			.switch_name = "br0",
			.name = "p0",
			.port = { .nic = "memory", .made_ids = 5 } },
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_PORT,
			.switch_name = "br0",
			.name = "new",
			.port = { .nic = "null", .made_ids = 7 } },
	};
	struct weir_document *document = weir_document_create();
	struct lab_items items = { .n = 0 };
	struct lab lab;

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_int_equal(weir_document_add(document, &wanted[i], NULL), 0);
	lab_start(&lab, &(struct lab_options){ .n_ports = 1 });
	weir_on_change(lab.weir, lab_items_note, &items);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(weir_apply(lab.weir, document, 0, NULL, NULL, &lab.error), 0);
		lab_assert_items(&items, i ? ""
					   : "+ port br0 new nic=null made=7\n"
					     "+ switch br0 made=3\n"
					     "+ port br0 p0 nic=memory made=5\n");
	}
	weir_on_change(lab.weir, NULL, NULL);
	weir_document_destroy(document);
	lab_end(&lab);
}

static void count_row(void *context, const struct weir_difference *difference)
{
	(void)difference;
	++*(size_t *)context;
}

// The size that an operator may have, well within what a test may take.
static void many_policies(void **state)
{
	enum { PORTS = 500, POLICIES = 100 };
	struct weir_document *document = weir_document_create();
	struct weir_error error;
	struct lab lab;
	size_t n_rows = 0;

	(void)state;
	start(&lab);
	assert_int_equal(lab_document_add(document, "extension br0 probe-filter\n", &error), 0);
	for (unsigned p = 0; p < PORTS; p++) {
		char text[POLICIES * 64], *at = text;

		at += sprintf(at, "port br0 n%u nic=null\n", p);
		for (unsigned i = 0; i < POLICIES; i++)
			at += sprintf(at, "policy n%u probe-filter i%u act NOTHING %u\n", p, i, i);
		assert_int_equal(lab_document_add(document, text, &error), 0);
	}
	assert_int_equal(weir_apply(lab.weir, document, 0, count_row, &n_rows, &error), 0);
	assert_int_equal(n_rows, 1 + PORTS + PORTS * POLICIES);
	n_rows = 0;
	assert_int_equal(weir_apply(lab.weir, document, 0, count_row, &n_rows, &error), 0);
	assert_int_equal(n_rows, 0);
	weir_document_destroy(document);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(differences),
		cmocka_unit_test(refusals_change_nothing),
		cmocka_unit_test(vetoes_are_heard),
		cmocka_unit_test(documents_check_themselves),
		cmocka_unit_test(everybody_prepares_once),
		cmocka_unit_test(policies_see_the_ports_of_the_end),
		cmocka_unit_test(others_are_not_decided_again),
		cmocka_unit_test(no_frame_passes_before_the_policies),
		cmocka_unit_test(a_port_moves_under_new_policies),
		cmocka_unit_test(a_nic_comes_under_new_policies),
		cmocka_unit_test(a_dry_run_leaves_no_mark),
		cmocka_unit_test(made_ids_are_noted),
		cmocka_unit_test(many_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
