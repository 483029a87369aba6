// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Sessions in a whole switch, by the extension "stateful" (tests/extensions/small): p0 and p2 are
// protected, p1 and p3 are not.
#include <arpa/inet.h>
#include <netinet/in.h>

#include "lab.h"

#define SECOND UINT64_C(1000000000)

static void start(struct lab *lab, const struct lab_options *options)
{
	lab_start(lab, options);
	lab_learn(lab);
	lab_attach(lab, "stateful", 0);
	lab_forget_log(lab);
}

static const struct lab_options four_ports = { .n_ports = 4, .strict = true };

// A second passes at a time, with a worker's rounds and the control thread's in each.
static void wait_s(struct lab *lab, unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		lab_advance_s(lab, 1);
		for (unsigned k = 0; k < 4; k++)
			lab_run(lab);
	}
}

struct rows {
	unsigned n;
	struct weir_session_info last;
	char text[1024]; // "port key state frames/reverse;" of each
};

static void see(void *context, const struct weir_session_info *info)
{
	struct rows *rows = context;
	size_t used = strlen(rows->text);

	assert_string_equal(info->switch_name, "br0");
	assert_string_equal(info->extension, "stateful");
	rows->n++;
	rows->last = *info;
	snprintf(rows->text + used, sizeof(rows->text) - used, "%s %s %s %llu/%llu;", info->port,
		info->key, info->state, (unsigned long long)info->frames,
		(unsigned long long)info->reverse_frames);
}

static struct rows list(struct lab *lab)
{
	struct rows rows = { 0 };

	assert_int_equal(weir_session_list(lab->weir, "br0", see, &rows, &lab->error), 0);
	return rows;
}

#define assert_listed(lab, expected)                                                               \
	do {                                                                                       \
		struct rows rows_ = list(lab);                                                     \
		assert_string_equal(rows_.text, expected);                                         \
	} while (0)

static void replies_pass(void **state)
{
	struct lab_frame request = lab_udp(0, 1, 1000, 2000), reply = lab_udp(1, 0, 2000, 1000);
	struct lab_frame other = lab_udp(1, 0, 2001, 1000);
	struct lab lab;

	(void)state;
	start(&lab, &four_ports);
	// What was dropped before there was a session is not after.
	lab_assert_pass(&lab, 1, &reply, 0);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	lab_assert_pass(&lab, 1, &reply, 1 << 0);
	lab_assert_pass(&lab, 1, &reply, 1 << 0);
	lab_assert_pass(&lab, 1, &other, 0);
	assert_int_equal(lab_drops(&lab, "stateful", "unsolicited"), 2);
	wait_s(&lab, 2);
	assert_listed(&lab, "p0 udp 10.0.0.0:1000 > 10.0.0.1:2000 open 1/2;");
	assert_int_equal(lab_switch(&lab, "br0").sessions, 1);
	assert_int_equal(lab_extension(&lab, "stateful").impure, 0);
	assert_int_equal(lab_extension(&lab, "stateful").invalid, 0);
	lab_end(&lab);
}

static void it_ends_when_it_is_idle(void **state)
{
	struct lab_frame request = lab_udp(0, 1, 1000, 2000), reply = lab_udp(1, 0, 2000, 1000);
	struct lab lab;

	(void)state;
	start(&lab, &four_ports);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	for (unsigned i = 0; i < 10; i++) { // replies alone keep it
		wait_s(&lab, 15);
		lab_assert_pass(&lab, 1, &reply, 1 << 0);
	}
	wait_s(&lab, 19);
	assert_int_equal(list(&lab).n, 1);
	wait_s(&lab, 4);
	assert_int_equal(list(&lab).n, 0);
	assert_int_equal(lab_logged(&lab, "idle 2000: 1000 > 2000, 1 frames 60 bytes, "
					  "10 frames 600 bytes back;"),
		1);
	lab_assert_pass(&lab, 1, &reply, 0);
	assert_int_equal(lab_switch(&lab, "br0").sessions, 0);
	lab_end(&lab);
}

// Frames pass all the time, and it ends on time all the same. Then another begins.
static void it_ends_in_any_case(void **state)
{
	struct lab_frame request = lab_udp(0, 1, 1000, 7), reply = lab_udp(1, 0, 7, 1000);
	unsigned sent = 0;
	struct lab lab;

	(void)state;
	start(&lab, &four_ports);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	for (; sent < 55; sent++) {
		wait_s(&lab, 1);
		lab_assert_pass(&lab, 1, &reply, 1 << 0);
	}
	for (; sent < 65; sent++) {
		wait_s(&lab, 1);
		lab_pass(&lab, 1, &reply, NULL, 0, NULL);
	}
	assert_int_equal(lab_logged(&lab, "expired 7: 1000 > 7, 1 frames 60 bytes, "), 1);
	lab_assert_pass(&lab, 1, &reply, 0);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	lab_assert_pass(&lab, 1, &reply, 1 << 0);
	lab_end(&lab);
}

static void both_ports_of_a_flow_have_their_own(void **state)
{
	struct lab_frame request = lab_udp(0, 2, 1000, 53), reply = lab_udp(2, 0, 53, 1000);
	struct lab_frame refused = lab_udp(0, 2, 1000, 54);
	struct lab lab;

	(void)state;
	start(&lab, &four_ports);
	lab_assert_pass(&lab, 0, &request, 1 << 2);
	lab_assert_pass(&lab, 2, &reply, 1 << 0);
	// It is not dropped before it comes to the port that does not want it, and opens none at
	// its own then.
	lab_assert_pass(&lab, 0, &refused, 0);
	wait_s(&lab, 2);
	assert_listed(&lab, "p0 udp 10.0.0.0:1000 > 10.0.0.2:53 open 1/1;"
			    "p2 udp 10.0.0.0:1000 > 10.0.0.2:53 open 1/1;");
	lab_end(&lab);
}

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

// What both say, "s" by the opener and "S" by the other: SYN; a: ACK; b: SYN and ACK; f: FIN; r: RST.
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
		struct rows rows;
		struct lab lab;

		print_message("%s\n", connections[i].said);
		start(&lab, &four_ports);
		say_all(&lab, connections[i].said);
		wait_s(&lab, 2);
		rows = list(&lab);
		assert_int_equal(rows.n, 1);
		assert_string_equal(strstr(rows.text, " 10.0.0.1:22 ") + 13,
			strstr(rows.text, connections[i].state));
		wait_s(&lab, connections[i].stays_s - 3);
		assert_int_equal(list(&lab).n, 1);
		wait_s(&lab, 4);
		assert_int_equal(list(&lab).n, 0);
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
	start(&lab, &four_ports);
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
	start(&lab, &four_ports);
	lab_assert_pass(&lab, 1, &pong, 0);
	lab_assert_pass(&lab, 0, &ping, 1 << 1);
	lab_assert_pass(&lab, 1, &pong, 1 << 0);
	lab_assert_pass(&lab, 1, &back, 0); // their ping is no answer to ours
	assert_listed(&lab, "p0 icmp 10.0.0.0 > 10.0.0.1 type 8 open 0/0;");
	lab_end(&lab);
}

// ---- Room

static void room_is_bounded_by_port(void **state)
{
	struct lab_frame f;
	struct lab lab;

	(void)state;
	start(&lab, &(struct lab_options){ .n_ports = 4, .n_sessions = 64, .n_port_sessions = 5 });
	for (uint16_t i = 0; i < 5; i++) {
		f = lab_udp(0, 1, 1000 + i, 2000);
		lab_assert_pass(&lab, 0, &f, 1 << 1);
	}
	f = lab_udp(0, 1, 1005, 2000);
	lab_assert_pass(&lab, 0, &f, 0);
	lab_assert_pass(&lab, 0, &f, 0);
	assert_int_equal(lab_drops(&lab, "core", "session-full"), 2);
	f = lab_udp(0, 1, 1005, 10);
	lab_assert_pass(&lab, 0, &f, 0);
	assert_int_equal(lab_drops(&lab, "stateful", "no-room"), 1);
	f = lab_udp(0, 1, 1005, 8);
	lab_assert_pass(&lab, 0, &f, 1 << 1);
	f = lab_udp(1, 0, 8, 1005); // it has no session, so nothing comes back
	lab_assert_pass(&lab, 1, &f, 0);
	// The other port has its own.
	f = lab_udp(2, 1, 1005, 2000);
	lab_assert_pass(&lab, 2, &f, 1 << 1);
	assert_int_equal(lab_switch(&lab, "br0").sessions, 6);
	assert_int_equal(lab_switch(&lab, "br0").sessions_max, 64);
	assert_int_equal(lab_switch(&lab, "br0").port_sessions_max, 5);
	// When there is room again, what waits for it gets it.
	wait_s(&lab, 25);
	assert_int_equal(list(&lab).n, 0);
	f = lab_udp(0, 1, 1005, 2000);
	lab_assert_pass(&lab, 0, &f, 1 << 1);
	lab_end(&lab);
}

// A flow that would open one at each of its ports opens none when one of them has no room.
static void all_of_a_flow_or_none(void **state)
{
	struct lab_frame f;
	struct lab lab;

	(void)state;
	start(&lab, &(struct lab_options){ .n_ports = 4, .n_sessions = 64, .n_port_sessions = 3 });
	for (uint16_t i = 0; i < 3; i++) {
		f = lab_udp(1, 2, 1000 + i, 53);
		lab_assert_pass(&lab, 1, &f, 1 << 2);
	}
	f = lab_udp(0, 2, 1000, 53);
	lab_assert_pass(&lab, 0, &f, 0);
	assert_int_equal(lab_switch(&lab, "br0").sessions, 3);
	// The same while the decision is cached; and when there is room.
	lab_assert_pass(&lab, 0, &f, 0);
	assert_int_equal(lab_drops(&lab, "core", "session-full"), 2);
	wait_s(&lab, 25);
	lab_assert_pass(&lab, 0, &f, 1 << 2);
	assert_int_equal(lab_switch(&lab, "br0").sessions, 2);
	lab_end(&lab);
}

static void the_table_is_bounded(void **state)
{
	struct lab_frame f;
	struct lab lab;

	(void)state;
	start(&lab, &(struct lab_options){ .n_ports = 4, .n_sessions = 64, .n_port_sessions = 64 });
	for (uint16_t i = 0; i < 100; i++) {
		f = lab_udp(0, 1, 1000 + i, 2000);
		lab_assert_pass(&lab, 0, &f, i < 64 ? 1 << 1 : 0);
	}
	f = lab_udp(2, 1, 1000, 2000);
	lab_assert_pass(&lab, 2, &f, 0);
	assert_int_equal(list(&lab).n, 64);
	lab_end(&lab);
}

// ---- Ends that somebody makes

static void open_three(struct lab *lab)
{
	struct lab_frame f;

	for (uint16_t i = 0; i < 3; i++) {
		f = lab_udp(i == 2 ? 2 : 0, 1, 1000, 2000 + i);
		for (unsigned k = 0; k <= i; k++)
			lab_assert_pass(lab, i == 2 ? 2 : 0, &f, 1 << 1);
	}
}

// With all that was counted up to then, though no second has passed.
static void they_end_with_the_extension(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, &four_ports);
	open_three(&lab);
	lab_detach(&lab, "stateful");
	lab_settle(&lab);
	assert_int_equal(lab_logged(&lab, "detached 2000: 1000 > 2000, 1 frames 60 bytes, 0"), 1);
	assert_int_equal(lab_logged(&lab, "detached 2001: 1000 > 2001, 2 frames 120 bytes, 0"), 1);
	assert_int_equal(lab_logged(&lab, "detached 2002: 1000 > 2002, 3 frames 180 bytes, 0"), 1);
	wait_s(&lab, 3);
	assert_int_equal(list(&lab).n, 0);
	assert_int_equal(lab_switch(&lab, "br0").sessions, 0);
	assert_int_equal(lab_logged(&lab, "detached "), 3);
	lab_end(&lab);
}

static void they_end_with_the_switch(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, &four_ports);
	open_three(&lab);
	lab_check_conservation(&lab);
	assert_int_equal(weir_switch_remove(lab.weir, "br0", 0, &lab.error), 0);
	lab_settle(&lab);
	assert_int_equal(lab_logged(&lab, "2000: 1000 > 2000, 1 frames 60 bytes, 0"), 1);
	assert_int_equal(lab_logged(&lab, "2001: 1000 > 2001, 2 frames 120 bytes, 0"), 1);
	assert_int_equal(lab_logged(&lab, "2002: 1000 > 2002, 3 frames 180 bytes, 0"), 1);
	lab_abandon(&lab);
}

static void they_end_with_the_port(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, &four_ports);
	open_three(&lab);
	lab_remove_port(&lab, 0);
	lab_settle(&lab);
	wait_s(&lab, 3);
	assert_listed(&lab, "p2 udp 10.0.0.2:1000 > 10.0.0.1:2002 open 3/0;");
	assert_int_equal(
		lab_logged(&lab, "port-removed 2000: 1000 > 2000, 1 frames 60 bytes, 0"), 1);
	assert_int_equal(
		lab_logged(&lab, "port-removed 2001: 1000 > 2001, 2 frames 120 bytes, 0"), 1);
	lab_end(&lab);
}

static void the_extension_ends_them(void **state)
{
	struct weir_port_config config = { .size = sizeof(config), .mtu = 1400 };
	struct lab_frame reply = lab_udp(1, 0, 2001, 1000);
	struct lab lab;

	(void)state;
	start(&lab, &four_ports);
	open_three(&lab);
	lab_assert_pass(&lab, 1, &reply, 1 << 0);
	assert_int_equal(
		weir_port_set(lab.weir, "p0", &config, WEIR_PORT_SET_MTU, 0, &lab.error), 0);
	assert_int_equal(lab_logged(&lab, "2 to end;"), 1);
	assert_int_equal(list(&lab).n, 1);
	lab_assert_pass(&lab, 1, &reply, 0); // at once
	wait_s(&lab, 3);
	assert_int_equal(lab_logged(&lab, "ended 2000: 1000 > 2000, 1 frames 60 bytes, 0"), 1);
	assert_int_equal(lab_logged(&lab, "ended 2001: 1000 > 2001, 2 frames 120 bytes, "
					  "1 frames 60 bytes back;"),
		1);
	assert_int_equal(lab_switch(&lab, "br0").sessions, 1);
	lab_end(&lab);
}

// ---- Flows come and go, sessions stay

// A table of flows that holds a few of them: most frames run uncached, or after their flow was
// forgotten. Nothing is counted twice, and nothing is lost.
static void counts_are_exact(void **state)
{
	enum { SESSIONS = 300, ROUNDS = 12 };
	char text[128];
	struct lab lab;

	(void)state;
	start(&lab, &(struct lab_options){ .n_ports = 4, .n_flows = 64, .n_sessions = 1024 });
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (uint16_t i = 0; i < SESSIONS; i++) {
			struct lab_frame f = lab_udp(0, 1, 1000 + i, 2000);
			struct lab_frame back = lab_udp(1, 0, 2000, 1000 + i);

			lab_assert_pass(&lab, 0, &f, 1 << 1);
			if ((i + round) % 3 == 0)
				lab_assert_pass(&lab, 1, &back, 1 << 0);
		}
		wait_s(&lab, round % 4 == 0 ? 12 : 1);
	}
	wait_s(&lab, 30);
	assert_int_equal(lab_logged(&lab, "idle 2000: "), SESSIONS);
	snprintf(text, sizeof(text), ", %u frames %u bytes, %u frames %u bytes back;", ROUNDS,
		ROUNDS * 60, ROUNDS / 3, ROUNDS / 3 * 60);
	assert_int_equal(lab_logged(&lab, text), SESSIONS);
	lab_end(&lab);
}

static void vlans_have_their_own(void **state)
{
	struct lab_frame untagged = lab_udp(0, 1, 1000, 2000);
	struct lab_frame tagged = lab_tagged(untagged, 10);
	struct lab_frame reply = lab_tagged(lab_udp(1, 0, 2000, 1000), 10);
	struct lab lab;

	(void)state;
	start(&lab, &four_ports);
	lab_pass(&lab, 0, &untagged, NULL, 0, NULL);
	lab_pass(&lab, 1, &reply, NULL, 0, NULL);
	// Nobody is known in this VLAN yet: p2 does not want it either.
	assert_int_equal(lab_drops(&lab, "stateful", "unsolicited"), 2);
	lab_pass(&lab, 0, &tagged, NULL, 0, NULL);
	lab_pass(&lab, 1, &reply, NULL, 0, NULL);
	wait_s(&lab, 2);
	assert_listed(&lab, "p0 udp 10.0.0.0:1000 > 10.0.0.1:2000 open 1/0;"
			    "p0 udp 10.0.0.0:1000 > 10.0.0.1:2000 vlan 10 open 1/1;");
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_pass),
		cmocka_unit_test(it_ends_when_it_is_idle),
		cmocka_unit_test(it_ends_in_any_case),
		cmocka_unit_test(both_ports_of_a_flow_have_their_own),
		cmocka_unit_test(connections_are_followed),
		cmocka_unit_test(errors_about_it_pass),
		cmocka_unit_test(pings_are_answered),
		cmocka_unit_test(room_is_bounded_by_port),
		cmocka_unit_test(all_of_a_flow_or_none),
		cmocka_unit_test(the_table_is_bounded),
		cmocka_unit_test(they_end_with_the_extension),
		cmocka_unit_test(they_end_with_the_switch),
		cmocka_unit_test(they_end_with_the_port),
		cmocka_unit_test(the_extension_ends_them),
		cmocka_unit_test(counts_are_exact),
		cmocka_unit_test(vlans_have_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
