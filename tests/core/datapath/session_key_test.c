// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What sessions are known by: a flow and its reverse by the same, and nothing else by that.
#include "frames.h"

#include "datapath/session.h"
#include "datapath/session_text.h"

enum { OWNER = 7, PORT = 3 };

#define SCAM       "020000000001 020000000002" // the other way
#define IP4_BACK   "0a000002 0a000001"
#define IP6_BACK   "fd000000000000000000000000000002 fd000000000000000000000000000001"
#define V4(proto)  "0800 4500 0030 0001 0000 40" proto "0000 " IP4_ADDR
#define V4R(proto) "0800 4500 0030 0001 0000 40" proto "0000 " IP4_BACK
#define V6(next)   "86dd 60000000 001c" next "40" IP6_ADDR
#define V6R(next)  "86dd 60000000 001c" next "40" IP6_BACK
#define UDP        "1388 0035 001c 0000"
#define UDP_BACK   "0035 1388 001c 0000"
#define TCP        TCP_HEADER
#define TCP_BACK   "0050 1388 00000002 00000001 5018 ffff 0000 0000"
#define REST       "00000000 00000000 00000000 00000000 00000000"

static const struct {
	const char *name, *frame, *back, *text;
} pairs[] = {
	{ "UDP", MACS V4("11") UDP REST, SCAM V4R("11") UDP_BACK REST,
		"udp 10.0.0.1:5000 > 10.0.0.2:53" },
	{ "TCP", MACS V4("06") TCP REST, SCAM V4R("06") TCP_BACK REST,
		"tcp 10.0.0.1:5000 > 10.0.0.2:80" },
	{ "SCTP, RFC 9260 3.1", MACS V4("84") UDP REST, SCAM V4R("84") UDP_BACK REST,
		"sctp 10.0.0.1:5000 > 10.0.0.2:53" },
	{ "IPv6", MACS V6("11") UDP REST, SCAM V6R("11") UDP_BACK REST,
		"udp [fd00::1]:5000 > [fd00::2]:53" },
	{ "in a VLAN", MACS TAG("000a") V4("11") UDP REST, SCAM TAG("e00a") V4R("11") UDP_BACK REST,
		"udp 10.0.0.1:5000 > 10.0.0.2:53 vlan 10" },
	{ "GRE", MACS V4("2f") REST REST, SCAM V4R("2f") UDP REST, "proto 47 10.0.0.1 > 10.0.0.2" },
	{ "echo, RFC 792", MACS V4("01") "0800 0000 0001 0001" REST,
		SCAM V4R("01") "0000 0000 0001 0001" REST, "icmp 10.0.0.1 > 10.0.0.2 type 8" },
	{ "timestamp, RFC 792", MACS V4("01") "0d00 0000" REST, SCAM V4R("01") "0e00 0000" REST,
		"icmp 10.0.0.1 > 10.0.0.2 type 13" },
	{ "address mask, RFC 950", MACS V4("01") "1100 0000" REST, SCAM V4R("01") "1200 0000" REST,
		"icmp 10.0.0.1 > 10.0.0.2 type 17" },
	{ "echo, RFC 4443 4.1", MACS V6("3a") "8000 0000" REST, SCAM V6R("3a") "8100 0000" REST,
		"icmpv6 fd00::1 > fd00::2 type 128" },
	{ "a first fragment", MACS "0800 4500 0030 0001 2000 40110000" IP4_ADDR UDP REST,
		SCAM V4R("11") UDP_BACK REST, "udp 10.0.0.1:5000 > 10.0.0.2:53" },
};

static const struct {
	const char *name, *frame;
} none[] = {
	{ "ARP", MACS "0806 0001 0800 0604 0001 020000000001 0a000001 000000000000 0a000002" },
	{ "LLC", MACS "0026 424203" REST REST },
	{ "a later fragment", MACS "0800 4500 0030 0001 2001 40110000" IP4_ADDR UDP REST },
	{ "a header cut short", MACS V4("06") "1388 0050" },
	{ "an ICMP error", MACS V4("01") "0301 0000 00000000" REST },
	{ "a router advertisement, RFC 4861 4.2", MACS V6("3a") "8600 0000" REST REST },
	{ "a neighbour solicitation, RFC 4861 4.3", MACS V6("3a") "8700 0000" REST REST },
};

// The lengths that the headers above say are not the rows'; the frame's is.
static uint32_t settle(uint8_t bytes[], uint32_t size)
{
	if (bytes[12] == 0x08 && bytes[13] == 0) {
		bytes[16] = (uint8_t)((size - 14) >> 8);
		bytes[17] = (uint8_t)(size - 14);
	} else if (bytes[12] == 0x86) {
		bytes[18] = (uint8_t)((size - 54) >> 8);
		bytes[19] = (uint8_t)(size - 54);
	}
	return size;
}

static struct flow_key parsed(const char *text)
{
	uint8_t bytes[HEX_MAX];
	uint32_t size = settle(bytes, hex_bytes(text, bytes));
	struct weir_frame frame = plain_frame(bytes, size);
	struct flow_key key;

	key_parse(&frame, &key);
	return key;
}

static void both_ways_are_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct flow_key there = parsed(pairs[i].frame), back = parsed(pairs[i].back);
		struct session session = { 0 }, other = { 0 };
		struct weir_session_end end;
		char text[SESSION_TEXT_SIZE];
		bool reverse = false, other_reverse = false;

		if (!session_key_make(&there, OWNER, PORT, &session.key, &reverse) ||
			!session_key_make(&back, OWNER, PORT, &other.key, &other_reverse))
			fail_msg("%s: has no session", pairs[i].name);
		if (memcmp(&session.key, &other.key, sizeof(session.key)) != 0 ||
			reverse == other_reverse)
			fail_msg("%s: is not the reverse", pairs[i].name);
		session.from_high = reverse;
		session_describe_end(&session, 0, &end);
		session_format(&end, text, sizeof(text));
		if (strcmp(text, pairs[i].text) != 0)
			fail_msg("%s: \"%s\"", pairs[i].name, text);
		assert_int_equal(session_direction(&session, reverse), WEIR_SESSION_FORWARD);
		assert_int_equal(session_direction(&session, other_reverse), WEIR_SESSION_REVERSE);
	}
}

static void others_are_others(void **state)
{
	enum { N = sizeof(pairs) / sizeof(pairs[0]) - 1 }; // the last is one of the first's
	struct session_key keys[N + 2];
	struct flow_key key;
	bool reverse;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		key = parsed(pairs[i].frame);
		assert_true(session_key_make(&key, OWNER, PORT, &keys[i], &reverse));
	}
	key = parsed(pairs[0].frame);
	assert_true(session_key_make(&key, OWNER + 1, PORT, &keys[N], &reverse));
	assert_true(session_key_make(&key, OWNER, PORT + 1, &keys[N + 1], &reverse));
	for (size_t i = 0; i < N + 2; i++)
		for (size_t k = 0; k < i; k++)
			if (memcmp(&keys[i], &keys[k], sizeof(keys[i])) == 0)
				fail_msg("%zu and %zu are the same", i, k);
}

// A ping from the other side is no answer to ours.
static void queries_have_a_direction(void **state)
{
	struct flow_key ours = parsed(MACS V4("01") "0800 0000" REST);
	struct flow_key theirs = parsed(SCAM V4R("01") "0800 0000" REST);
	struct session_key a, b;
	bool reverse;

	(void)state;
	assert_true(session_key_make(&ours, OWNER, PORT, &a, &reverse));
	assert_true(session_key_make(&theirs, OWNER, PORT, &b, &reverse));
	assert_memory_not_equal(&a, &b, sizeof(a));
}

static void some_have_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct flow_key key = parsed(none[i].frame);
		struct session_key session;
		bool reverse;

		if (session_key_make(&key, OWNER, PORT, &session, &reverse))
			fail_msg("%s: has a session", none[i].name);
	}
}

// ---- Quotes. Errors come to 10.0.0.1 or fd00::1 from a third.

#define ERR4      "020000000001 020000000003 0800 4500 0060 0001 0000 4001 0000 0a000003 0a000001"
#define ERR4_ELSE "020000000001 020000000003 0800 4500 0060 0001 0000 4001 0000 0a000003 0a000009"
#define ERR6                                                                                       \
	"020000000001 020000000003 86dd 60000000 0060 3a40 "                                       \
	"fd000000000000000000000000000003 fd000000000000000000000000000001"
#define UNREACHABLE4   "0304 0000 0000 05dc"
#define TOO_BIG6       "0200 0000 0000 0500"
#define Q4(proto)      "4500 05dc 0001 4000 40" proto "0000 " IP4_ADDR
#define Q4_OPT(proto)  "4700 05dc 0001 4000 40" proto "0000 " IP4_ADDR "01010101 01010101"
#define Q4_LATER       "4500 05dc 0001 2010 40110000 " IP4_ADDR
#define Q6(next)       "60000000 0500" next "40" IP6_ADDR
#define Q6_FRAG(where) "11 00" where "00000001"

static const struct {
	const char *name, *frame;
	const char *flow; // whose session it is about; NULL: none's
} quotes[] = {
	{ "fragmentation needed, RFC 1191 4", ERR4 UNREACHABLE4 Q4("06") "1388 0050 00000001",
		MACS V4("06") TCP REST },
	{ "port unreachable", ERR4 "0303 0000 00000000" Q4("11") UDP, MACS V4("11") UDP REST },
	{ "time exceeded", ERR4 "0b00 0000 00000000" Q4("11") UDP, MACS V4("11") UDP REST },
	{ "about a ping", ERR4 "0301 0000 00000000" Q4("01") "0800 1234 0001 0001",
		MACS V4("01") "0800 0000" REST },
	{ "about a protocol without ports", ERR4 "0302 0000 00000000" Q4("2f"),
		MACS V4("2f") REST REST },
	{ "with options quoted", ERR4 "0303 0000 00000000" Q4_OPT("11") UDP,
		MACS V4("11") UDP REST },
	{ "packet too big, RFC 4443 3.2", ERR6 TOO_BIG6 Q6("06") TCP, MACS V6("06") TCP REST },
	{ "with an extension header quoted", ERR6 TOO_BIG6 Q6("00") "1100 0104 00000000" UDP,
		MACS V6("11") UDP REST },
	{ "with a first fragment quoted", ERR6 TOO_BIG6 Q6("2c") Q6_FRAG("0001") UDP,
		MACS V6("11") UDP REST },
	{ "with a later fragment quoted", ERR6 TOO_BIG6 Q6("2c") Q6_FRAG("0009") UDP, NULL },
	{ "with a later fragment quoted, IPv4", ERR4 UNREACHABLE4 Q4_LATER UDP, NULL },
	{ "for somebody who did not send it", ERR4_ELSE UNREACHABLE4 Q4("11") UDP, NULL },
	{ "about an ICMP error", ERR4 UNREACHABLE4 Q4("01") "0301 0000 00000000", NULL },
	{ "cut within the ports", ERR4 UNREACHABLE4 Q4("11") "1388 00", NULL },
	{ "cut within the header", ERR4 UNREACHABLE4 "4500 05dc 0001 4000", NULL },
	{ "that quotes nothing", ERR4 UNREACHABLE4, NULL },
	{ "that is cut itself", ERR4 "0304", NULL },
	{ "IPv6 that quotes IPv4", ERR6 TOO_BIG6 Q4("11") UDP, NULL },
	{ "IPv4 that quotes IPv6", ERR4 UNREACHABLE4 Q6("11") UDP, NULL },
	{ "with a chain without end", ERR6 TOO_BIG6 Q6("00") "0000 0104 00000000", NULL },
	{ "with a header length of 4",
		ERR4 UNREACHABLE4 "4400 05dc 0001 4000 40110000" IP4_ADDR UDP, NULL },
	{ "no error at all: UDP", MACS V4("11") UDP REST, NULL },
	{ "no error at all: ARP", MACS "0806 0001 0800 0604 0001" REST REST, NULL },
};

static void errors_tell_whom_they_are_about(void **state)
{
	struct guarded place;

	(void)state;
	guarded_init(&place, HEX_MAX);
	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
		struct session_key session, expected;
		uint8_t bytes[HEX_MAX];
		uint32_t size = settle(bytes, hex_bytes(quotes[i].frame, bytes));
		struct weir_frame frame = plain_frame(guarded_put(&place, bytes, size), size);
		struct flow_key key;
		bool reverse, found;

		found = session_key_quoted(&frame, 0, OWNER, PORT, &session, &reverse);
		if (found != (quotes[i].flow != NULL))
			fail_msg("%s: %s", quotes[i].name, found ? "found" : "not found");
		if (!found)
			continue;
		key = parsed(quotes[i].flow);
		assert_true(session_key_make(&key, OWNER, PORT, &expected, &reverse));
		if (memcmp(&session, &expected, sizeof(session)) != 0)
			fail_msg("%s: is another's", quotes[i].name);
	}
	guarded_fini(&place);
}

// Every byte changed and every length cut: nothing is read that is not there.
static void damaged_errors_are_read_within(void **state)
{
	struct guarded place;

	(void)state;
	guarded_init(&place, HEX_MAX);
	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
		uint8_t bytes[HEX_MAX];
		uint32_t size = settle(bytes, hex_bytes(quotes[i].frame, bytes));

		for (unsigned k = 0; k < 3000; k++) {
			uint32_t cut = size - draw(k % 2 ? size : 1);
			uint8_t *at = guarded_put(&place, bytes, cut);
			struct weir_frame frame = plain_frame(at, cut);
			struct session_key session;
			bool reverse;

			if (cut && k % 3)
				at[draw(cut)] = (uint8_t)draw(256);
			session_key_quoted(&frame, 0, OWNER, PORT, &session, &reverse);
		}
	}
	guarded_fini(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways_are_one),
		cmocka_unit_test(others_are_others),
		cmocka_unit_test(queries_have_a_direction),
		cmocka_unit_test(some_have_none),
		cmocka_unit_test(errors_tell_whom_they_are_about),
		cmocka_unit_test(damaged_errors_are_read_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
