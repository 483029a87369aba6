// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What sessions make of TCP and of ICMP, in a whole switch.
#include <netinet/in.h>

#include "lab_session.h"

static const struct lab_options four_ports = { .n_ports = 4, .strict = true };

// ---- TCP

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

// From station 0 to 22 of station 1, or back.
static struct lab_frame segment(bool back, uint8_t flags)
{
	struct lab_frame f = lab_tcp(back ? 1 : 0, back ? 0 : 1, 22, flags);

	if (back) {
		f.bytes[34] = f.bytes[36];
		f.bytes[35] = f.bytes[37];
		f.bytes[36] = 40000 >> 8;
		f.bytes[37] = 40000 & 0xff;
	}
	return f;
}

static void says(struct lab *lab, bool back, uint8_t flags)
{
	struct lab_frame f = segment(back, flags);

	lab_assert_pass(lab, back ? 1 : 0, &f, back ? 1 << 0 : 1 << 1);
}

// What both say, "s" by the opener and "S" by the other: SYN; a: ACK; b: SYN and ACK; f: FIN; r:
// RST.
static void say_all(struct lab *lab, const char *text)
{
	for (; *text; text++) {
		char what = *text | 0x20;

		says(lab, what != *text,
			what == 's'   ? SYN
			: what == 'b' ? SYN | ACK
			: what == 'f' ? FIN | ACK
			: what == 'r' ? RST
				      : ACK);
	}
}

// What was said, the state, and how long it stays without a frame; the extension's idle_s is 20 s.
static const struct {
	const char *said, *state;
	unsigned stays_s;
	const char *cause;
} connections[] = {
	{ "s", "syn-sent", 20, "idle" },
	{ "ss", "syn-sent", 20, "idle" },
	{ "sB", "syn-received", 20, "idle" },
	{ "sBa", "established", 20, "idle" },
	{ "a", "open", 20, "idle" },
	{ "aA", "open", 20, "idle" },
	{ "sBaf", "closing", 20, "idle" },
	{ "sBaF", "closing", 20, "idle" },
	{ "sBafA", "closing", 20, "idle" },
	{ "sBaff", "closing", 20, "idle" },
	{ "sBafAFa", "closed", 10, "closed" },
	{ "sBaFf", "closed", 10, "closed" },
	{ "sBaR", "closed", 10, "closed" },
	{ "sR", "closed", 10, "closed" },
	{ "r", "closed", 10, "closed" },
	{ "af", "closing", 20, "idle" },
	// The same ports again.
	{ "sBafFs", "syn-sent", 20, "idle" },
	{ "sBafFsBa", "established", 20, "idle" },
};

static void connections_are_followed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(connections) / sizeof(connections[0]); i++) {
		struct session_rows rows;
		struct lab lab;

		print_message("%s\n", connections[i].said);
		session_start(&lab, &four_ports);
		say_all(&lab, connections[i].said);
		session_wait_s(&lab, 2);
		rows = session_list(&lab);
		assert_int_equal(rows.n, 1);
		assert_string_equal(strstr(rows.text, " 10.0.0.1:22 ") + 13,
			strstr(rows.text, connections[i].state));
		session_wait_s(&lab, connections[i].stays_s - 3);
		assert_int_equal(session_list(&lab).n, 1);
		session_wait_s(&lab, 4);
		assert_int_equal(session_list(&lab).n, 0);
		assert_int_equal(lab_logged(&lab, connections[i].cause), 1);
		lab_end(&lab);
	}
}

// ---- ICMP errors

static void put_icmp(struct lab_frame *f, uint8_t type)
{
	f->bytes[23] = IPPROTO_ICMP;
	f->bytes[34] = type;
	f->bytes[35] = 1;
}

// About a packet, as a router behind port 1 sends it: its first 28 bytes are quoted.
static struct lab_frame error_about(const struct lab_frame *quoted, uint8_t type, uint8_t to)
{
	struct lab_frame f = lab_udp(1, 0, 0, 0);

	memset(f.bytes + 34, 0, 8);
	put_icmp(&f, type);
	memcpy(f.bytes + 42, quoted->bytes + 14, 28);
	f.size = 42 + 28;
	f.bytes[17] = 20 + 8 + 28;
	f.bytes[29] = 99; // somebody on the way
	f.bytes[33] = to;
	return f;
}

static void errors_about_it_pass(void **state)
{
	struct lab_frame udp = lab_udp(0, 1, 1000, 2000), tcp = segment(false, SYN);
	struct lab_frame other = lab_udp(0, 1, 1000, 2001), ping = lab_udp(0, 1, 0, 0);
	struct lab_frame reply = lab_udp(1, 0, 2000, 1000), error;
	struct lab lab;

	(void)state;
	put_icmp(&ping, 8);
	session_start(&lab, &four_ports);
	lab_assert_pass(&lab, 0, &udp, 1 << 1);
	lab_assert_pass(&lab, 0, &tcp, 1 << 1);
	lab_assert_pass(&lab, 0, &ping, 1 << 1);
	for (unsigned i = 0; i < 3; i++) {
		static const uint8_t types[] = { 3, 11, 12 };

		error = error_about(&udp, types[i], 0);
		lab_assert_pass(&lab, 1, &error, 1 << 0);
		error = error_about(&tcp, types[i], 0);
		lab_assert_pass(&lab, 1, &error, 1 << 0);
		error = error_about(&ping, types[i], 0);
		lab_assert_pass(&lab, 1, &error, 1 << 0);
	}
	// About a packet that was never sent; about one that somebody else sent; about a reply.
	error = error_about(&other, 3, 0);
	lab_assert_pass(&lab, 1, &error, 0);
	lab_assert_pass(&lab, 1, &reply, 1 << 0);
	error = error_about(&reply, 3, 0);
	lab_assert_pass(&lab, 1, &error, 0);
	assert_int_equal(lab_drops(&lab, "stateful", "unrelated"), 2);
	// Cut short within the quoted ports.
	error = error_about(&udp, 3, 0);
	error.size -= 5;
	error.bytes[17] -= 5;
	lab_assert_pass(&lab, 1, &error, 0);
	assert_int_equal(lab_drops(&lab, "stateful", "unrelated"), 3);
	lab_end(&lab);
}

static void pings_are_answered(void **state)
{
	struct lab_frame ping = lab_udp(0, 1, 0, 0), pong = lab_udp(1, 0, 0, 0), back;
	struct lab lab;

	(void)state;
	put_icmp(&ping, 8);
	put_icmp(&pong, 0);
	back = pong;
	put_icmp(&back, 8);
	session_start(&lab, &four_ports);
	lab_assert_pass(&lab, 1, &pong, 0);
	lab_assert_pass(&lab, 0, &ping, 1 << 1);
	lab_assert_pass(&lab, 1, &pong, 1 << 0);
	lab_assert_pass(&lab, 1, &back, 0); // their ping is no answer to ours
	assert_listed(&lab, "p0 icmp 10.0.0.0 > 10.0.0.1 type 8 open 0/0;");
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_are_followed),
		cmocka_unit_test(errors_about_it_pass),
		cmocka_unit_test(pings_are_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
