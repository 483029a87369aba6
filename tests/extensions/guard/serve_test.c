// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// No DHCP servers and no routers behind a guarded port, however their messages are wrapped.
#include "guard_lab.h"

#define CHECK(lab, rows) guard_check(lab, rows, sizeof(rows) / sizeof((rows)[0]))
#define V4(proto)        ETH(OTHER, MINE, "0800") IP4("0000", proto, MY_4, OTHER_4)
#define V6(next)         ETH(OTHER, MINE, "86dd") IP6(next, MY_6, OTHER_6)
// Extension headers: the next one, and what follows its length.
#define OPTIONS(next)          next "00 0104 00000000 "
#define FRAGMENT(next, offset) next "00 " offset " 00000001 "
#define RA                     "8600 0000 40000708 00000000 00000000 "

static void dhcp(void **state)
{
	static const struct guard_row rows[] = {
		{ "client", V4("11") UDP("0044", "0043"), NULL },
		{ "client, unicast renewal from another port", V4("11") UDP("8000", "0043"), NULL },
		{ "server", V4("11") UDP("0043", "0044"), "dhcp-server" },
		{ "server from another port", V4("11") UDP("8000", "0044"), "dhcp-server" },
		{ "server to a relay", V4("11") UDP("0043", "0043"), "dhcp-server" },
		{ "server, tagged",
			ETH(OTHER, MINE, "8100") "0000 0800" IP4("0000", "11", MY_4, OTHER_4)
				UDP("0043", "0044"),
			"dhcp-server" },
		{ "server behind IP options",
			ETH(OTHER, MINE, "0800") "4600 0028 0000 0000 4011 0000" MY_4 OTHER_4
						 "01010101" UDP("0043", "0044"),
			"dhcp-server" },
		{ "server in fragments",
			ETH(OTHER, MINE, "0800") IP4("2000", "11", MY_4, OTHER_4)
				UDP("0043", "0044"),
			"dhcp-server" },
		{ "what follows that fragment",
			ETH(OTHER, MINE, "0800")
				IP4("0002", "11", MY_4, OTHER_4) "00430044 00000000",
			NULL },
		{ "half a UDP header",
			ETH(OTHER, MINE, "0800") "4500 0018 0000 2000 4011 0000" MY_4 OTHER_4
						 "0043 0044",
			"tiny-fragment" },
		{ "half a UDP header, no fragment",
			ETH(OTHER, MINE, "0800") "4500 0018 0000 0000 4011 0000" MY_4 OTHER_4
						 "0043 0044",
			"malformed" },
		{ "the same ports of TCP", V4("06") TCP("0043", "0044"), NULL },
		{ "no IP header", ETH(OTHER, MINE, "0800") "4f00 0000", "malformed" },
		{ "client of IPv6", V6("11") UDP("0222", "0223"), NULL },
		{ "server of IPv6", V6("11") UDP("0223", "0222"), "dhcp-server" },
		{ "server of IPv6 from another port", V6("11") UDP("8000", "0222"), "dhcp-server" },
		{ "relay of IPv6", V6("11") UDP("0223", "0223"), "dhcp-server" },
		{ "server of IPv6 behind headers",
			V6("00") OPTIONS("3c") OPTIONS("11") UDP("0223", "0222"), "dhcp-server" },
		{ "server of IPv6 behind an experiment", V6("fe") OPTIONS("11") UDP("0223", "0222"),
			"header-chain" },
		{ "server of IPv6 in fragments",
			V6("2c") FRAGMENT("11", "0001") UDP("0223", "0222"), "dhcp-server" },
		{ "fragment without the header",
			V6("2c") FRAGMENT("3c", "0001") "1101 0104 00000000", "header-chain" },
		{ "router advertisement", V6("3a") RA, NULL },
	};
	struct lab lab;

	(void)state;
	guard_start(&lab, true);
	guard_plain(&lab, "dhcp");
	CHECK(&lab, rows);
	assert_int_equal(lab_extension(&lab, "guard").impure, 0);
	lab_end(&lab);
}

static void routers(void **state)
{
	static const struct guard_row rows[] = {
		{ "RS", V6("3a") "8500 0000 00000000", NULL },
		{ "RA", V6("3a") RA, "router-advertisement" },
		{ "redirect", V6("3a") ND("89", MY_6, OTHER_6), "redirect" },
		{ "NA", V6("3a") ND("88", OTHER_6, ""), NULL },
		{ "ping", V6("3a") "8000 0000 00000000", NULL },
		{ "redirect of IPv4", V4("01") "0500 0000 0a000003 45000000", "redirect" },
		{ "RA of IPv4", V4("01") "0900 0000 01020708 0a000001 00000000",
			"router-advertisement" },
		{ "ping of IPv4", V4("01") "0800 0000 00000000", NULL },
		// RFC 7113.
		{ "RA, tagged twice",
			ETH(OTHER, MINE, "88a8") "0000 8100 0000 86dd" IP6("3a", MY_6, OTHER_6) RA,
			"router-advertisement" },
		{ "RA behind options", V6("3c") OPTIONS("3a") RA, "router-advertisement" },
		{ "RA behind eight headers",
			V6("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("3c")
				OPTIONS("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("3a") RA,
			"router-advertisement" },
		{ "RA behind more headers than anybody needs",
			V6("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS(
				"3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("3a") RA,
			"header-chain" },
		{ "RA behind an authentication header",
			V6("33") "3a04 0000 00000001 00000001 "
				 "00000000 00000000 00000000" RA,
			"router-advertisement" },
		{ "RA behind a HIP header", V6("8b") OPTIONS("3a") RA, "header-chain" },
		{ "RA behind a Shim6 header", V6("3c") OPTIONS("8c") OPTIONS("3a") RA,
			"header-chain" },
		{ "RA behind an experiment", V6("fd") OPTIONS("3a") RA, "header-chain" },
		{ "GRE", V6("2f") "0000 88b5 00000000", NULL },
		{ "no next header", V6("3b") "00000000", NULL },
		{ "RA in fragments", V6("2c") FRAGMENT("3a", "0001") RA, "router-advertisement" },
		{ "RA in one fragment", V6("2c") FRAGMENT("3a", "0000") RA,
			"router-advertisement" },
		{ "first fragment without the RA",
			V6("3c") "2c00 0104 00000000 " FRAGMENT("3c", "0001") "3a03 0104 00000000",
			"header-chain" },
		{ "what follows that fragment", V6("2c") FRAGMENT("3c", "0008") RA, NULL },
		{ "half an ICMPv6 header", V6("2c") FRAGMENT("3a", "0001") "8600", "header-chain" },
		// RFC 6980.
		{ "NA in fragments", V6("2c") FRAGMENT("3a", "0001") ND("88", MY_6, ""),
			"nd-fragment" },
		{ "NA in one fragment", V6("2c") FRAGMENT("3a", "0000") ND("88", MY_6, ""),
			"nd-fragment" },
		{ "ping in fragments", V6("2c") FRAGMENT("3a", "0001") "8000 0000 00000000", NULL },
	};
	struct lab lab;

	(void)state;
	guard_start(&lab, true);
	guard_plain(&lab, "router");
	CHECK(&lab, rows);
	assert_int_equal(lab_extension(&lab, "guard").impure, 0);
	lab_end(&lab);
}

// CVE-2021-27853, -27854, -27861, -27862.
static void hidden_packets(void **state)
{
	static const struct guard_row rows[] = {
		{ "three tags",
			ETH(OTHER, MINE, "8100") "0000 8100 0000 8100 0000 86dd" IP6(
				"3a", MY_6, OTHER_6) RA,
			"hidden" },
		{ "an old tag", ETH(OTHER, MINE, "9100") "0000 86dd" IP6("3a", MY_6, OTHER_6) RA,
			"hidden" },
		{ "IPv6 behind SNAP",
			ETH(OTHER, MINE, "0040") "aaaa03 000000 86dd" IP6("3a", MY_6, OTHER_6) RA,
			"hidden" },
		{ "IPv4 behind SNAP", ETH(OTHER, MINE, "0040") "aaaa03 000000 0800", "hidden" },
		{ "ARP behind bridged SNAP", ETH(OTHER, MINE, "0040") "aaaa03 0000f8 0806",
			"hidden" },
		{ "a tag behind SNAP", ETH(OTHER, MINE, "8100") "0000 0040 aaaa03 000000 8100",
			"hidden" },
		{ "another protocol behind SNAP", ETH(OTHER, MINE, "0040") "aaaa03 000000 88b5",
			NULL },
		{ "a vendor's SNAP", ETH(OTHER, MINE, "0040") "aaaa03 00000c 2000", NULL },
		{ "other LLC", ETH(OTHER, MINE, "0040") "fefe03 83", NULL },
		{ "two tags", ETH(OTHER, MINE, "88a8") "0000 8100 0000 88b5", NULL },
	};
	static const char *const kinds[] = { "dhcp", "router" };
	struct lab lab;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		guard_start(&lab, true);
		guard_plain(&lab, kinds[i]);
		CHECK(&lab, rows);
		lab_end(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dhcp),
		cmocka_unit_test(routers),
		cmocka_unit_test(hidden_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
