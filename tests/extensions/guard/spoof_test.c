// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Whose addresses a guarded port may use: of Ethernet, IP, ARP and neighbour discovery.
#include "guard_lab.h"

#define CHECK(lab, rows) guard_check(lab, rows, sizeof(rows) / sizeof((rows)[0]))

static void ethernet_addresses(void **state)
{
	static const struct guard_row rows[] = {
		{ "the assigned one", ETH(OTHER, MINE, "88b5"), NULL },
		{ "the listed one", ETH(OTHER, SECOND, "88b5"), NULL },
		{ "another one", ETH(OTHER, "020000000003 ", "88b5"), "mac-spoof" },
		{ "another one, tagged", ETH(OTHER, "020000000003 ", "8100") "0000 88b5",
			"mac-spoof" },
		{ "IP from any address",
			ETH(OTHER, MINE, "0800") IP4("0000", "11", OTHER_4, MY_4)
				UDP("0001", "0002"),
			NULL },
		// What ARP and neighbour discovery announce.
		{ "ARP", ETH(ALL, MINE, "0806") ARP("0001", MINE, OTHER_4, ALL, MY_4), NULL },
		{ "ARP of the listed one",
			ETH(ALL, MINE, "0806") ARP("0002", SECOND, MY_4, ALL, MY_4), NULL },
		{ "ARP for another station",
			ETH(ALL, MINE, "0806") ARP("0002", OTHER, MY_4, ALL, MY_4), "arp-spoof" },
		{ "ARP of another network",
			ETH(ALL, MINE, "0806") "0006 0800 06 04 0001 " MINE MY_4 ALL MY_4,
			"malformed" },
		{ "NS",
			ETH(GROUP, MINE, "86dd") IP6("3a", OTHER_6, ALL_6)
				ND("87", MY_6, OPTION("01", MINE)),
			NULL },
		{ "NS for another station",
			ETH(GROUP, MINE, "86dd") IP6("3a", OTHER_6, ALL_6)
				ND("87", MY_6, OPTION("01", OTHER)),
			"nd-spoof" },
		{ "NA for another station",
			ETH(GROUP, MINE, "86dd") IP6("3a", OTHER_6, ALL_6)
				ND("88", MY_6, OPTION("02", OTHER)),
			"nd-spoof" },
		{ "NA with more options",
			ETH(GROUP, MINE, "86dd") IP6("3a", OTHER_6, ALL_6)
				ND("88", MY_6, OPTION("0e", OTHER) OPTION("02", MINE)),
			NULL },
		{ "NA with an option of no length",
			ETH(GROUP, MINE, "86dd") IP6("3a", OTHER_6, ALL_6)
				ND("88", MY_6, "0e00 000000000000"),
			"nd-spoof" },
		{ "RS for another station",
			ETH(GROUP, MINE, "86dd")
				IP6("3a", OTHER_6, ALL_6) "8500 0000 00000000 " OPTION("01", OTHER),
			"nd-spoof" },
		{ "a damaged IPv4 header says no such address",
			ETH(OTHER, MINE, "0800") "4f00 0000", NULL },
	};
	struct lab lab;

	(void)state;
	guard_start(&lab, true);
	guard_mac(&lab, "own", NULL);
	guard_mac(&lab, "more", SECOND);
	CHECK(&lab, rows);
	assert_int_equal(lab_extension(&lab, "guard").impure, 0);
	lab_end(&lab);
}

static const char *const addresses[] = { "10.0.0.1", "10.0.1.0/24", "2001:db8::1", "fe80::1" };

static void ip_addresses(void **state)
{
	static const struct guard_row rows[] = {
		{ "IPv4",
			ETH(OTHER, MINE, "0800") IP4("0000", "06", MY_4, OTHER_4)
				TCP("0001", "0002"),
			NULL },
		{ "IPv4 of the prefix",
			ETH(OTHER, MINE, "0800") IP4("0000", "06", "0a0001ff ", OTHER_4)
				TCP("0001", "0002"),
			NULL },
		{ "another's IPv4",
			ETH(OTHER, MINE, "0800") IP4("0000", "06", OTHER_4, MY_4)
				TCP("0001", "0002"),
			"ip-spoof" },
		{ "another's IPv4, tagged",
			ETH(OTHER, MINE, "8100") "0000 0800" IP4("0000", "06", OTHER_4, MY_4)
				TCP("0001", "0002"),
			"ip-spoof" },
		{ "another's later fragment",
			ETH(OTHER, MINE, "0800")
				IP4("0010", "06", OTHER_4, MY_4) "00000000 00000000",
			"ip-spoof" },
		{ "IPv6", ETH(OTHER, MINE, "86dd") IP6("06", MY_6, OTHER_6) TCP("0001", "0002"),
			NULL },
		{ "another's IPv6",
			ETH(OTHER, MINE, "86dd") IP6("06", OTHER_6, MY_6) TCP("0001", "0002"),
			"ip-spoof" },
		{ "the listed link-local",
			ETH(OTHER, MINE, "86dd") IP6("06", MY_LL, OTHER_6) TCP("0001", "0002"),
			NULL },
		{ "that of the assigned address",
			ETH(OTHER, MINE, "86dd") IP6("06", EUI_LL, OTHER_6) TCP("0001", "0002"),
			NULL },
		{ "that of another station",
			ETH(OTHER, MINE, "86dd") IP6("06", EUI_LL2, OTHER_6) TCP("0001", "0002"),
			"ip-spoof" },
		{ "neither IP nor ARP", ETH(OTHER, MINE, "88b5") "0000", NULL },
		{ "any MAC", ETH(OTHER, SECOND, "88b5") "0000", NULL },
		// Before it has an address.
		{ "DHCP discover",
			ETH(ALL, MINE, "0800") IP4("0000", "11", NO_4, "ffffffff ")
				UDP("0044", "0043"),
			NULL },
		{ "DHCP to another port",
			ETH(ALL, MINE, "0800") IP4("0000", "11", NO_4, "ffffffff ")
				UDP("0044", "0044"),
			"ip-spoof" },
		{ "IGMP",
			ETH("01005e000016 ", MINE, "0800")
				IP4("0000", "02", NO_4, "e0000016 ") "2200 0000 00000000",
			NULL },
		{ "TCP from nowhere",
			ETH(OTHER, MINE, "0800") IP4("0000", "06", NO_4, OTHER_4)
				TCP("0001", "0002"),
			"ip-spoof" },
		{ "a fragment from nowhere",
			ETH(OTHER, MINE, "0800")
				IP4("0010", "11", NO_4, OTHER_4) "00000000 00000000",
			"ip-spoof" },
		{ "MLDv2",
			ETH(GROUP, MINE, "86dd")
				IP6("00", NO_6, ALL_6) "3a00 0502 0000 0100 8f00 0000 0000 0000",
			NULL },
		{ "RS", ETH(GROUP, MINE, "86dd") IP6("3a", NO_6, ALL_6) "8500 0000 00000000",
			NULL },
		{ "ping from nowhere",
			ETH(OTHER, MINE, "86dd") IP6("3a", NO_6, OTHER_6) "8000 0000 00000000",
			"ip-spoof" },
		{ "UDP from nowhere",
			ETH(OTHER, MINE, "86dd") IP6("11", NO_6, OTHER_6) UDP("0001", "0002"),
			"ip-spoof" },
	};
	struct lab lab;

	(void)state;
	guard_start(&lab, true);
	guard_ip(&lab, "a", addresses, 2, GUARD__LINK_LOCAL__EUI64);
	guard_ip(&lab, "b", addresses + 2, 2, GUARD__LINK_LOCAL__LISTED);
	CHECK(&lab, rows);
	assert_int_equal(lab_extension(&lab, "guard").impure, 0);
	lab_end(&lab);
}

static void what_is_claimed(void **state)
{
	static const struct guard_row rows[] = {
		{ "ARP request",
			ETH(ALL, MINE, "0806") ARP("0001", MINE, MY_4, NO_4 "0000", OTHER_4),
			NULL },
		{ "ARP reply", ETH(OTHER, MINE, "0806") ARP("0002", MINE, MY_4, OTHER, OTHER_4),
			NULL },
		{ "ARP probe", ETH(ALL, MINE, "0806") ARP("0001", MINE, NO_4, NO_4 "0000", MY_4),
			NULL },
		{ "ARP reply from nowhere",
			ETH(ALL, MINE, "0806") ARP("0002", MINE, NO_4, OTHER, MY_4), "arp-spoof" },
		{ "another's ARP request",
			ETH(ALL, MINE, "0806") ARP("0001", MINE, OTHER_4, NO_4 "0000", MY_4),
			"arp-spoof" },
		{ "another's ARP reply",
			ETH(OTHER, MINE, "0806") ARP("0002", MINE, OTHER_4, OTHER, MY_4),
			"arp-spoof" },
		{ "gratuitous ARP for another",
			ETH(ALL, MINE, "8100") "0000 0806" ARP("0002", MINE, OTHER_4, ALL, OTHER_4),
			"arp-spoof" },
		{ "NA",
			ETH(OTHER, MINE, "86dd") IP6("3a", MY_6, OTHER_6)
				ND("88", MY_6, OPTION("02", MINE)),
			NULL },
		{ "NA for the link-local of the assigned address",
			ETH(OTHER, MINE, "86dd") IP6("3a", EUI_LL, OTHER_6) ND("88", EUI_LL, ""),
			NULL },
		{ "NA for another",
			ETH(OTHER, MINE, "86dd") IP6("3a", MY_6, OTHER_6)
				ND("88", OTHER_6, OPTION("02", MINE)),
			"nd-spoof" },
		{ "NA cut short",
			ETH(OTHER, MINE, "86dd")
				IP6("3a", MY_6, OTHER_6) "8800 0000 00000000 20010db8",
			"nd-spoof" },
		{ "NS", ETH(GROUP, MINE, "86dd") IP6("3a", MY_6, ALL_6) ND("87", OTHER_6, ""),
			NULL },
		{ "NS of another",
			ETH(GROUP, MINE, "86dd") IP6("3a", OTHER_6, ALL_6) ND("87", MY_6, ""),
			"ip-spoof" },
		{ "DAD", ETH(GROUP, MINE, "86dd") IP6("3a", NO_6, ALL_6) ND("87", MY_6, ""), NULL },
		{ "DAD for another",
			ETH(GROUP, MINE, "86dd") IP6("3a", NO_6, ALL_6) ND("87", OTHER_6, ""),
			"nd-spoof" },
		{ "NA for another behind options",
			ETH(OTHER, MINE, "86dd") IP6("3c", MY_6, OTHER_6) "3a00 0104 00000000 " ND(
				"88", OTHER_6, ""),
			"nd-spoof" },
		{ "ping", ETH(OTHER, MINE, "86dd") IP6("3a", MY_6, OTHER_6) "8000 0000 00000000",
			NULL },
	};
	struct lab lab;

	(void)state;
	guard_start(&lab, true);
	guard_ip(&lab, "a", addresses, 4, GUARD__LINK_LOCAL__EUI64);
	CHECK(&lab, rows);
	assert_int_equal(lab_extension(&lab, "guard").impure, 0);
	lab_end(&lab);
}

static void link_local_addresses(void **state)
{
	static const struct guard_row any[] = {
		{ "any", ETH(OTHER, MINE, "86dd") IP6("06", EUI_LL2, OTHER_6) TCP("0001", "0002"),
			NULL },
		{ "not site-local",
			ETH(OTHER, MINE, "86dd") IP6("06", "fec00000000000000000000000000001 ",
				OTHER_6) TCP("0001", "0002"),
			"ip-spoof" },
	};
	static const struct guard_row listed[] = {
		{ "not that of the assigned address",
			ETH(OTHER, MINE, "86dd") IP6("06", EUI_LL, OTHER_6) TCP("0001", "0002"),
			"ip-spoof" },
		{ "the listed one",
			ETH(OTHER, MINE, "86dd") IP6("06", MY_LL, OTHER_6) TCP("0001", "0002"),
			NULL },
	};
	struct lab lab;

	(void)state;
	guard_start(&lab, false);
	guard_ip(&lab, "a", addresses, 4, GUARD__LINK_LOCAL__ANY);
	CHECK(&lab, any);
	guard_ip(&lab, "a", addresses, 4, GUARD__LINK_LOCAL__LISTED);
	CHECK(&lab, listed);
	lab_end(&lab);
}

// All of one family is nothing of the other.
static void families(void **state)
{
	static const struct guard_row rows[] = {
		{ "any IPv6", ETH(OTHER, MINE, "86dd") IP6("06", OTHER_6, MY_6) TCP("0001", "0002"),
			NULL },
		{ "the port's IPv4",
			ETH(OTHER, MINE, "0800") IP4("0000", "06", MY_4, OTHER_4)
				TCP("0001", "0002"),
			NULL },
		{ "another's IPv4",
			ETH(OTHER, MINE, "0800") IP4("0000", "06", OTHER_4, MY_4)
				TCP("0001", "0002"),
			"ip-spoof" },
		{ "ARP for another", ETH(ALL, MINE, "0806") ARP("0002", MINE, OTHER_4, ALL, MY_4),
			"arp-spoof" },
	};
	static const char *const both[] = { "::/0", "10.0.0.1" };
	struct lab lab;

	(void)state;
	guard_start(&lab, true);
	guard_ip(&lab, "a", both, 2, GUARD__LINK_LOCAL__EUI64);
	CHECK(&lab, rows);
	lab_end(&lab);
}

// However many connections a guest has, the guards read no more than its addresses.
static void few_flows(void **state)
{
	struct lab lab;

	(void)state;
	guard_start(&lab, false);
	guard_mac(&lab, "own", NULL);
	guard_ip(&lab, "a", addresses, 4, GUARD__LINK_LOCAL__EUI64);
	guard_plain(&lab, "dhcp");
	guard_plain(&lab, "router");
	for (unsigned i = 0; i < 200; i++) {
		struct lab_frame frame = guard_frame(ETH(OTHER, MINE, "0800")
				IP4("0000", "11", MY_4, OTHER_4) UDP("0001", "0002"));

		frame.bytes[34] = frame.bytes[36] = 0x40; // ports
		frame.bytes[35] = (uint8_t)i;
		frame.bytes[37] = (uint8_t)(200 - i);
		frame.bytes[33] = (uint8_t)i; // destination address
		lab_assert_pass(&lab, 0, &frame, 1 << 1);
	}
	assert_int_equal(lab_count_flows(&lab, ""), 1);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ethernet_addresses),
		cmocka_unit_test(ip_addresses),
		cmocka_unit_test(what_is_claimed),
		cmocka_unit_test(link_local_addresses),
		cmocka_unit_test(families),
		cmocka_unit_test(few_flows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
