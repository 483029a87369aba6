// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Frames in a line.
#include "frames.h"

#include "datapath/summary.h"

static const struct {
	const char *frame;
	bool macs;
	const char *text;
} rows[] = {
	{ MACS "0800 4500001c00000000401100000a0000010a000102 1388003500080000", false,
		"10.0.0.1:5000 > 10.0.1.2:53 udp 42 bytes" },
	{ MACS "0800 4500001c00000000401100000a0000010a000102 1388003500080000", true,
		"02:00:00:00:00:01 > 02:00:00:00:00:02 10.0.0.1:5000 > 10.0.1.2:53 udp 42 bytes" },
	{ MACS "8100 a00a 0800 4500001c00000000401100000a0000010a000102 1388003500080000", false,
		"vlan 10 10.0.0.1:5000 > 10.0.1.2:53 udp 46 bytes" },
	{ MACS "88a8 0005 8100 a00a 0806 0001080006040002 020000000001 0a000001 000000000000 "
	       "0a000002",
		false, "vlan 5 inner vlan 10 arp 10.0.0.1 > 10.0.0.2 reply 50 bytes" },
	{ MACS "0806 0001080006040003 020000000001 0a000001 000000000000 0a000002", false,
		"arp 10.0.0.1 > 10.0.0.2 operation 3 42 bytes" },
	{ MACS "86dd 600abcde00140640 20010db8000000000000000000000001 "
	       "20010db8000000000000000000000002 005000510000000000000000501200000000 0000",
		false, "[2001:db8::1]:80 > [2001:db8::2]:81 tcp syn,ack 74 bytes" },
	{ MACS "0800 4500001c00000000400100000a0000010a000102 0800f7ff00000000", false,
		"10.0.0.1 > 10.0.1.2 icmp type 8 code 0 42 bytes" },
	{ MACS "0800 4500001800000000402f00000a0000010a000102 00000000", false,
		"10.0.0.1 > 10.0.1.2 proto 47 38 bytes" },
	{ MACS "0800 4500001c00000010401100000a0000010a000102 1388003500080000", false,
		"10.0.0.1 > 10.0.1.2 proto 17 fragment 42 bytes" },
	{ MACS "0800 4500ffff00000000401100000a0000010a000102 1388003500080000", false,
		"02:00:00:00:00:01 > 02:00:00:00:00:02 type 0x0800 malformed 42 bytes" },
	{ MACS "0800 4500001800000000400600000a0000010a000102 00010002", false,
		"10.0.0.1 > 10.0.1.2 proto 6 malformed 38 bytes" },
	{ MACS "88cc 0000", false, "02:00:00:00:00:01 > 02:00:00:00:00:02 type 0x88cc 16 bytes" },
	{ MACS "0003 424203", false, "02:00:00:00:00:01 > 02:00:00:00:00:02 llc 17 bytes" },
	{ MACS "8100 00", false, "02:00:00:00:00:01 > 02:00:00:00:00:02 malformed 15 bytes" },
	{ "0200000000", true, "malformed 5 bytes" },
};

static void frames_in_a_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t bytes[HEX_MAX];
		uint32_t size = hex_bytes(rows[i].frame, bytes);
		struct weir_frame frame = plain_frame(bytes, size);
		char text[SUMMARY_SIZE];

		frame_summary(&frame, rows[i].macs, text);
		if (strcmp(text, rows[i].text) != 0)
			fail_msg("%s\n  is       %s\n  expected %s", rows[i].frame, text,
				rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_in_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
