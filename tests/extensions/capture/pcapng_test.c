// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Blocks of a pcapng file, as our own reader and as tshark and capinfos see them.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "pcapng.h"
#include "pcapng_file.h"

// 2026-11-25 00:00:00.123456789 UTC
#define TIME_NS UINT64_C(1795564800123456789)

struct row {
	uint32_t interface, captured, size;
	enum pcapng_direction direction;
	const char *comment;
};

// Every padding, of the frame and of the comment.
static const struct row rows[] = {
	{ 0, 60, 60, PCAPNG_INBOUND, "stage=ingress" },
	{ 1, 61, 61, PCAPNG_OUTBOUND, "stage=egress" },
	{ 0, 62, 1514, PCAPNG_INBOUND, "stage=drop reason=telnet extension=no-telnet" },
	{ 1, 63, 65000, PCAPNG_OUTBOUND, "stage=drop reason=too-big extension=core" },
	{ 1, 0, 14, PCAPNG_INBOUND, NULL },
	{ 0, 14, 14, PCAPNG_UNKNOWN, "c" },
};

enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static char path[64];
static uint8_t frame[65536];
static uint8_t blocks[1 << 16];
static size_t n_bytes;

static struct pcapng_packet packet_of(unsigned i)
{
	return (struct pcapng_packet){
		.interface = rows[i].interface,
		.time_ns = TIME_NS + i,
		.bytes = frame,
		.captured = rows[i].captured,
		.size = rows[i].size,
		.direction = rows[i].direction,
		.comment = rows[i].comment,
	};
}

static int make_file(void **state)
{
	FILE *file;
	int fd;

	(void)state;
	// ARP: nothing in it depends on what is cut off.
	memcpy(frame, "\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x01\x08\x06", 14);
	for (unsigned i = 14; i < sizeof(frame); i++)
		frame[i] = (uint8_t)i;
	n_bytes = pcapng_section(blocks, "x86_64", "Linux 6.1", "Weir capture");
	n_bytes += pcapng_interface(blocks + n_bytes, "vm1", 0);
	n_bytes += pcapng_interface(blocks + n_bytes, "up0", 63);
	for (unsigned i = 0; i < N_ROWS; i++) {
		struct pcapng_packet packet = packet_of(i);
		size_t size = pcapng_packet(blocks + n_bytes, &packet);

		assert_int_equal(size, pcapng_packet_size(&packet));
		assert_true(size <= packet.captured + PCAPNG_PACKET_EXTRA);
		n_bytes += size;
	}
	strcpy(path, "/tmp/weir-pcapng-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	file = fdopen(fd, "wb");
	assert_int_equal(fwrite(blocks, 1, n_bytes, file), n_bytes);
	assert_int_equal(fclose(file), 0);
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void is_read_back(void **state)
{
	struct pcapng_file file;

	(void)state;
	pcapng_read(&file, path);
	assert_int_equal(file.n_ports, 2);
	assert_string_equal(file.ports[0].name, "vm1");
	assert_string_equal(file.ports[1].name, "up0");
	assert_int_equal(file.ports[1].snap, 63);
	assert_int_equal(file.n_frames, N_ROWS);
	for (unsigned i = 0; i < N_ROWS; i++) {
		const struct pcapng_frame *f = &file.frames[i];

		assert_int_equal(f->interface, rows[i].interface);
		assert_int_equal(f->captured, rows[i].captured);
		assert_int_equal(f->size, rows[i].size);
		assert_int_equal(f->flags, rows[i].direction);
		assert_true(f->time_ns == TIME_NS + i);
		assert_string_equal(f->comment, rows[i].comment ? rows[i].comment : "");
		assert_memory_equal(f->bytes, frame, rows[i].captured);
	}
	pcapng_free(&file);
}

// A cut anywhere leaves the blocks before it.
static void whole_blocks_are_found(void **state)
{
	size_t last = 0;
	uint64_t last_packets = 0;

	(void)state;
	for (size_t size = 0; size <= n_bytes; size++) {
		uint64_t packets;
		size_t whole = pcapng_whole_blocks(blocks, size, &packets);

		assert_true(whole <= size && whole >= last);
		assert_true(packets - last_packets <= 1);
		if (whole != last)
			assert_int_equal(whole, size);
		last = whole;
		last_packets = packets;
	}
	assert_int_equal(last, n_bytes);
	assert_int_equal(last_packets, N_ROWS);
}

static void long_texts_are_cut(void **state)
{
	char text[1000];
	uint8_t at[PCAPNG_HEADER_MAX + 1];
	struct pcapng_packet packet = {
		.bytes = frame, .captured = 60, .size = 60, .comment = text
	};

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	at[PCAPNG_HEADER_MAX] = 0x5a;
	assert_true(pcapng_section(at, text, text, text) <= PCAPNG_HEADER_MAX);
	assert_true(pcapng_interface(at, text, 0) <= PCAPNG_HEADER_MAX);
	assert_int_equal(pcapng_packet(at, &packet), pcapng_packet_size(&packet));
	assert_true(pcapng_packet_size(&packet) <= 60 + PCAPNG_PACKET_EXTRA);
	assert_int_equal(at[PCAPNG_HEADER_MAX], 0x5a);
}

// What a program prints about the file.
static void output_of(const char *program, const char *arguments, char *text, size_t room)
{
	char command[512];
	FILE *pipe;
	size_t n;

	snprintf(command, sizeof(command), "%s %s %s 2>/dev/null", program, path, arguments);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	n = fread(text, 1, room - 1, pipe);
	text[n] = '\0';
	assert_int_equal(pclose(pipe), 0);
}

static void tshark_agrees(void **state)
{
	static const char expected[] = "vm1|1795564800.123456789|60|60|0x00000001|stage=ingress\n"
				       "up0|1795564800.123456790|61|61|0x00000002|stage=egress\n"
				       "vm1|1795564800.123456791|62|1514|0x00000001|"
				       "stage=drop reason=telnet extension=no-telnet\n"
				       "up0|1795564800.123456792|63|65000|0x00000002|"
				       "stage=drop reason=too-big extension=core\n"
				       "up0|1795564800.123456793|0|14|0x00000001|\n"
				       "vm1|1795564800.123456794|14|14|0x00000000|c\n";
	char text[4096];

	(void)state;
	if (system("command -v tshark >/dev/null") != 0)
		skip();
	output_of("tshark -r",
		"-T fields -E 'separator=|' -e frame.interface_name -e frame.time_epoch "
		"-e frame.cap_len -e frame.len -e frame.packet_flags -e frame.comment",
		text, sizeof(text));
	assert_string_equal(text, expected);
}

static void capinfos_agrees(void **state)
{
	static const char *const expected[] = {
		"File type:           Wireshark/... - pcapng",
		"File encapsulation:  Ethernet",
		"File timestamp precision:  nanoseconds (9)",
		"Number of packets:   6",
		"Capture hardware:    x86_64",
		"Capture oper-sys:    Linux 6.1",
		"Capture application: Weir capture",
		"Name = vm1",
		"Name = up0",
		"Capture length = 63",
	};
	char text[8192];

	(void)state;
	if (system("command -v capinfos >/dev/null") != 0)
		skip();
	output_of("capinfos", "", text, sizeof(text));
	for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (!strstr(text, expected[i]))
			fail_msg("capinfos does not say \"%s\" but\n%s", expected[i], text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_read_back),
		cmocka_unit_test(whole_blocks_are_found),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(tshark_agrees),
		cmocka_unit_test(capinfos_agrees),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
