// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// From the words that people write to wire bytes and back, by sample.proto. What is packed here
// must pass the check of the switch, and unpack with the code that protobuf-c generates.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "catalog.h"
#include "message.h"
#include "sample.pb-c.h"
#include "sample.schema.h"
#include "switch/schema.h"

enum { MAX_WORDS = 8 };

struct fixture {
	struct catalog *catalog;
	struct weir_schema *schema; // the switch's own view
};

struct row {
	const char *words; // separated by spaces
	const char *text;  // what message_put makes of them; NULL: the same
	const char *json;
	const char *error; // the sentence, or NULL when the words are right
};

static const struct row everything_rows[] = {
	// Plain types.
	{ "real=2.5", NULL, "{\"real\": 2.5}", NULL },
	{ "real=1e22", "real=1e+22", "{\"real\": 1e22}", NULL },
	{ "real=-0.1", NULL, "{\"real\": -0.10000000000000001}", NULL },
	{ "real=nan", NULL, NULL,
		"real \"nan\": must be a finite number that the field's type can hold" },
	{ "real=1x", NULL, NULL, "real \"1x\": must be a number" },
	{ "real=", NULL, NULL, "real \"\": must be a number" },
	{ "narrow=0.5", NULL, "{\"narrow\": 0.5}", NULL },
	{ "narrow=1e39", NULL, NULL,
		"narrow \"1e39\": must be a finite number that the field's type can hold" },
	{ "big=-9223372036854775808", NULL, "{\"big\": -9223372036854775808}", NULL },
	{ "big=9223372036854775808", NULL, NULL,
		"big \"9223372036854775808\": must be "
		"-9223372036854775808 to 9223372036854775807" },
	{ "huge=9223372036854775807", NULL, "{\"huge\": 9223372036854775807}", NULL },
	{ "huge=18446744073709551615", NULL, "{\"huge\": 1.8446744073709552e19}", NULL },
	{ "huge=18446744073709551616", NULL, NULL,
		"huge \"18446744073709551616\": must be 0 to 18446744073709551615" },
	{ "huge=999999999999999999999", NULL, NULL,
		"huge \"999999999999999999999\": must be a number" },
	{ "huge=-1", NULL, NULL, "huge \"-1\": must be 0 to 18446744073709551615" },
	{ "huge=0x10", "huge=16", "{\"huge\": 16}", NULL },
	{ "huge=0x", NULL, NULL, "huge \"0x\": must be a number" },
	{ "huge=1.5", NULL, NULL, "huge \"1.5\": must be a whole number" },
	{ "huge=1.0", "huge=1", "{\"huge\": 1}", NULL },
	{ "huge=1.", NULL, NULL, "huge \"1.\": must be a number" },
	{ "huge=10k", NULL, NULL, "huge \"10k\": must be a number" },
	{ "small=-5", NULL, "{\"small\": -5}", NULL },
	{ "small=6", NULL, NULL, "small \"6\": must be -5 to 5" },
	{ "small=5 small=4", NULL, NULL, "small=4: the field already has a value in small=5" },
	{ "fixed_big=18446744073709551615", NULL, "{\"fixed_big\": 1.8446744073709552e19}", NULL },
	{ "fixed_small=4294967295", NULL, "{\"fixed_small\": 4294967295}", NULL },
	{ "fixed_small=4294967296", NULL, NULL,
		"fixed_small \"4294967296\": must be 0 to 4294967295" },
	{ "flag=yes", "flag=true", "{\"flag\": true}", NULL },
	{ "flag=OFF", "flag=false", "{\"flag\": false}", NULL },
	{ "flag=2", NULL, NULL, "flag \"2\": must be true or false" },
	{ "name=caf\xc3\xa9", "name='caf\xc3\xa9'", "{\"name\": \"caf\xc3\xa9\"}", NULL },
	{ "name=a", NULL, NULL, "name \"a\": must be 2 to 8 bytes long" },
	{ "name=123456789", NULL, NULL, "name \"123456789\": must be 2 to 8 bytes long" },
	{ "name=ab\xff", NULL, NULL, "name \"ab\xff\": must be UTF-8 text" },
	{ "name=it's", "name='it'\\''s'", "{\"name\": \"it's\"}", NULL },
	{ "name=a=b,c", "name=a=b,c", "{\"name\": \"a=b,c\"}", NULL },
	{ "blob=00fF", "blob=00ff", "{\"blob\": \"00ff\"}", NULL },
	{ "blob=", NULL, "{\"blob\": \"\"}", NULL },
	{ "blob=0", NULL, NULL,
		"blob \"0\": must be bytes as pairs of hexadecimal digits such as 00ff" },
	{ "blob=0g", NULL, NULL,
		"blob \"0g\": must be bytes as pairs of hexadecimal digits such as 00ff" },
	{ "blob=0011223344", NULL, NULL, "blob \"0011223344\": must be 0 to 4 bytes long" },
	{ "level=LOW", "level=low", "{\"level\": \"low\"}", NULL },
	{ "level=middle", NULL, NULL, "level \"middle\": must be one of low, high" },
	{ "level=1", NULL, NULL, "level \"1\": must be one of low, high" },
	{ "signed_small=-2147483648", NULL, "{\"signed_small\": -2147483648}", NULL },
	{ "signed_big=-1", NULL, "{\"signed_big\": -1}", NULL },
	{ "zigzag_small=-2147483648", NULL, "{\"zigzag_small\": -2147483648}", NULL },
	{ "zigzag_big=-9223372036854775808", NULL, "{\"zigzag_big\": -9223372036854775808}", NULL },
	// Lists.
	{ "numbers=1,2,3", NULL, "{\"numbers\": [1, 2, 3]}", NULL },
	{ "numbers=1 numbers=2", "numbers=1,2", "{\"numbers\": [1, 2]}", NULL },
	{ "numbers=1,,2", NULL, NULL, "numbers \"\": must be a number" },
	{ "numbers=1,x", NULL, NULL, "numbers \"x\": must be a number" },
	{ "packed_numbers=-1,0,1", NULL, "{\"packed_numbers\": [-1, 0, 1]}", NULL },
	{ "names=a,b\\,c,d\\\\", "names='a,b\\,c,d\\\\'",
		"{\"names\": [\"a\", \"b,c\", \"d\\\\\"]}", NULL },
	{ "names=", NULL, "{\"names\": [\"\"]}", NULL },
	{ "flags=true,no", "flags=true,false", "{\"flags\": [true, false]}", NULL },
	{ "blobs=00,,ff", NULL, "{\"blobs\": [\"00\", \"\", \"ff\"]}", NULL },
	// Units of rates, and decimal suffixes.
	{ "rate=10mbit", NULL, "{\"rate\": 10000000}", NULL },
	{ "rate=1gbit", NULL, "{\"rate\": 1000000000}", NULL },
	{ "rate=500Kbps", NULL, NULL,
		"rate \"500Kbps\": must be in bits per second, as 10mbit: by bps some mean bits, "
		"and "
		"tc means bytes, of which 1 is 8bit" },
	{ "rate=1000bps", NULL, NULL,
		"rate \"1000bps\": must be in bits per second, as 10mbit: by bps some mean bits, "
		"and "
		"tc means bytes, of which 1 is 8bit" },
	{ "rate=1kibit", "rate=1024bit", "{\"rate\": 1024}", NULL },
	{ "rate=2.5G", "rate=2500mbit", "{\"rate\": 2500000000}", NULL },
	{ "rate=10Mbit", "rate=10mbit", "{\"rate\": 10000000}", NULL },
	{ "rate=1001", "rate=1001bit", "{\"rate\": 1001}", NULL },
	{ "rate=0.0015mbit", "rate=1500bit", "{\"rate\": 1500}", NULL },
	{ "rate=1000.5", NULL, NULL, "rate \"1000.5\": must be a whole number of bits per second" },
	{ "rate=10xbit", NULL, NULL,
		"rate \"10xbit\": must be a rate such as 10mbit, 2.5gbit or 500kbit" },
	{ "rate=mbit", NULL, NULL,
		"rate \"mbit\": must be a rate such as 10mbit, 2.5gbit or 500kbit" },
	{ "rate=1bit", NULL, NULL, "rate \"1bit\": must be 1kbit to 100gbit" },
	{ "rate=99999999999999999999tbit", NULL, NULL,
		"rate \"99999999999999999999tbit\": must be 1kbit to 100gbit" },
	{ "frames=10kpps", NULL, "{\"frames\": 10000}", NULL },
	{ "frames=1500", "frames=1500pps", "{\"frames\": 1500}", NULL },
	{ "frames=10kbit", NULL, NULL,
		"frames \"10kbit\": must be a rate such as 1500, 10kpps or 2M" },
	// Frames without a format, as people write them.
	{ "count=10k", "count=10000", "{\"count\": 10000}", NULL },
	{ "count=1.5M", "count=1500000", "{\"count\": 1500000}", NULL },
	{ "count=10kpps", NULL, NULL,
		"count \"10kpps\": must be a number such as 1500, 10k or 2M" },
	{ "count=0.5", NULL, NULL, "count \"0.5\": must be a whole number of frames" },
	{ "storm=10k", "storm=10000", "{\"storm\": 10000}", NULL },
	{ "storm=2Mpps", "storm=2000000", "{\"storm\": 2000000}", NULL },
	{ "storm=10q", NULL, NULL, "storm \"10q\": must be a number such as 1500, 10k or 2M" },
	{ "storm=5G", NULL, NULL, "storm \"5G\": must be 0 to 4294967295 frames per second" },
	// More than one where one is taken.
	{ "storm=1,2", NULL, NULL,
		"storm \"1,2\": must be a number such as 1500, 10k or 2M; storm takes one value" },
	{ "level=low,high", NULL, NULL,
		"level \"low,high\": must be one of low, high; level takes one value" },
	{ "l4_port=1-1024", NULL, NULL,
		"l4_port \"1-1024\": must be a port: 0 to 65535, or the name of a service; a range "
		"is not taken" },
	{ "numbers=1,2-3", NULL, NULL, "numbers \"2-3\": must be a number; a range is not taken" },
	{ "huge=1-", NULL, NULL, "huge \"1-\": must be a number" },
	// Durations in the field's own unit.
	{ "idle=30s", NULL, "{\"idle\": 30000}", NULL },
	{ "idle=5m", NULL, "{\"idle\": 300000}", NULL },
	{ "idle=1.5s", "idle=1500ms", "{\"idle\": 1500}", NULL },
	{ "idle=100ms", NULL, "{\"idle\": 100}", NULL },
	{ "idle=100", "idle=100ms", "{\"idle\": 100}", NULL },
	{ "idle=0", "idle=0s", "{\"idle\": 0}", NULL },
	{ "idle=2d", "idle=48h", "{\"idle\": 172800000}", NULL },
	{ "idle=100us", NULL, NULL, "idle \"100us\": must be a whole number of milliseconds" },
	{ "idle=1x", NULL, NULL, "idle \"1x\": must be a duration such as 30s, 5m or 100ms" },
	{ "age=90", "age=90s", "{\"age\": 90}", NULL },
	{ "age=25h", NULL, NULL, "age \"25h\": must be 0s to 24h" },
	{ "pause=100ms", "pause=0.1", "{\"pause\": 0.10000000000000001}", NULL },
	{ "burst=64K", NULL, "{\"burst\": 65536}", NULL },
	{ "burst=1MiB", "burst=1M", "{\"burst\": 1048576}", NULL },
	{ "burst=1500", NULL, "{\"burst\": 1500}", NULL },
	{ "burst=4G", NULL, NULL, "burst \"4G\": must be 0 to 4294967295 bytes" },
	{ "mask=0xff00", NULL, "{\"mask\": 65280}", NULL },
	{ "mask=255", "mask=0xff", "{\"mask\": 255}", NULL },
	// IEEE and IANA names.
	{ "ether_type=ipv6", NULL, "{\"ether_type\": 34525}", NULL },
	{ "ether_type=0x0806", "ether_type=arp", "{\"ether_type\": 2054}", NULL },
	{ "ether_type=0x1234", NULL, "{\"ether_type\": 4660}", NULL },
	{ "ether_type=65536", NULL, NULL, "ether_type \"65536\": must be 0x0000 to 0xffff" },
	{ "ether_type=ipx", NULL, NULL,
		"ether_type \"ipx\": must be an EtherType such as 0x0800, or a name such as ipv4, "
		"arp or ipv6" },
	// Addresses: numbers in host order whose most significant byte is the first, or bytes.
	{ "address_number=192.0.2.1", NULL, "{\"address_number\": \"192.0.2.1\"}", NULL },
	{ "address_number=3221225985", NULL, NULL,
		"address_number \"3221225985\": must be an IPv4 address such as 192.0.2.1" },
	{ "ipv4=192.0.2.255", NULL, "{\"ipv4\": \"192.0.2.255\"}", NULL },
	{ "ipv4=192.0.2.256", NULL, NULL,
		"ipv4 \"192.0.2.256\": must be an IPv4 address such as 192.0.2.1" },
	{ "ipv6=2001:DB8:0::1", "ipv6=2001:db8::1", "{\"ipv6\": \"2001:db8::1\"}", NULL },
	{ "ipv6=192.0.2.1", NULL, NULL,
		"ipv6 \"192.0.2.1\": must be an IPv6 address such as 2001:db8::1" },
	{ "address=::", NULL, "{\"address\": \"::\"}", NULL },
	{ "address=0.0.0.0", NULL, "{\"address\": \"0.0.0.0\"}", NULL },
	{ "address=x", NULL, NULL,
		"address \"x\": must be an IPv4 or IPv6 address such as 192.0.2.1 or 2001:db8::1" },
	{ "mac=02:00:5E:10:00:01", "mac=02:00:5e:10:00:01", "{\"mac\": \"02:00:5e:10:00:01\"}",
		NULL },
	{ "mac=02:00:5e:10:00", NULL, NULL,
		"mac \"02:00:5e:10:00\": must be a MAC address such as 02:00:5e:10:00:01" },
	{ "mac=02:00:5e:10:00:01:", NULL, NULL,
		"mac \"02:00:5e:10:00:01:\": must be a MAC address such as 02:00:5e:10:00:01" },
	{ "prefixes=10.0.0.0/8,2001:db8::/32,192.0.2.1", NULL,
		"{\"prefixes\": [\"10.0.0.0/8\", \"2001:db8::/32\", \"192.0.2.1\"]}", NULL },
	{ "prefixes=10.0.0.0/33", NULL, NULL,
		"prefixes \"10.0.0.0/33\": must be an IPv4 prefix with a length of 0 to 32" },
	{ "prefixes=::/129", NULL, NULL,
		"prefixes \"::/129\": must be an IPv6 prefix with a length of 0 to 128" },
	// The switch takes no leading zeros either.
	{ "prefixes=10.0.0.0/08", NULL, NULL,
		"prefixes \"10.0.0.0/08\": must be an IPv4 prefix with a length of 0 to 32" },
	{ "prefixes=0.0.0.0/0,::/0", NULL, "{\"prefixes\": [\"0.0.0.0/0\", \"::/0\"]}", NULL },
	{ "prefixes=10.0.0.0/", NULL, NULL,
		"prefixes \"10.0.0.0/\": must be an IPv4 prefix with a length of 0 to 32" },
	{ "prefixes=ten", NULL, NULL,
		"prefixes \"ten\": must be an address or prefix such as 192.0.2.0/24 or "
		"2001:db8::/32" },
	{ "port=vm1", NULL, "{\"port\": \"vm1\"}", NULL },
	// Words that are none.
	{ "flag", NULL, NULL, "\"flag\": must be FIELD=VALUE" },
	{ "=1", NULL, NULL, "\"=1\": must be FIELD=VALUE" },
	{ "flag.x=1", NULL, NULL, "flag.x=1: flag has no fields, it is a bool" },
	{ "flags[0]=true", NULL, NULL,
		"flags[0]=true: only repeated messages are numbered, as in flags[0].FIELD=VALUE" },
	{ NULL, NULL, NULL, NULL },
};

static const struct row rule_rows[] = {
	{ "remote=10.0.0.0/8", NULL, "{\"remote\": \"10.0.0.0/8\"}", NULL },
	{ "direction=in remote=::/0", "remote=::/0 direction=in",
		"{\"remote\": \"::/0\", \"direction\": \"in\"}", NULL },
	{ "remote=::/0 direction=Both-Ways", "remote=::/0 direction=both_ways",
		"{\"remote\": \"::/0\", \"direction\": \"both_ways\"}", NULL },
	{ "direction=in", NULL, NULL,
		"remote is missing: it must have a value, as in remote=VALUE" },
	{ "remote=::/0 match.protocol=tcp match.ports=80,https match.fragment=no",
		"remote=::/0 match.protocol=tcp match.ports=80,443 match.fragment=false",
		"{\"remote\": \"::/0\", \"match\": {\"protocol\": 6, \"ports\": [80, 443], "
		"\"fragment\": false}}",
		NULL },
	{ "remote=::/0 match.except.except.protocol=89",
		"remote=::/0 match.except.except.protocol=ospf",
		"{\"remote\": \"::/0\", \"match\": {\"except\": {\"except\": {\"protocol\": 89}}}}",
		NULL },
	{ "remote=::/0 match=", NULL, "{\"remote\": \"::/0\", \"match\": {}}", NULL },
	{ "remote=::/0 deny=", NULL, "{\"remote\": \"::/0\", \"deny\": {}}", NULL },
	{ "remote=::/0 match=tcp", NULL, NULL,
		"match=tcp: match is a message: set its fields, as in match.protocol=VALUE" },
	{ "remote=::/0 match.color=red", NULL, NULL,
		"unknown field \"match.color\": the fields of sample.Match are protocol, ports, "
		"fragment, except" },
	{ "remote=::/0 colour=red", NULL, NULL,
		"unknown field \"colour\": the fields of sample.Rule are remote, direction, match, "
		"also, allow, deny" },
	{ "remote=::/0 deny.x=1", NULL, NULL,
		"unknown field \"deny.x\": sample.Nothing has no fields" },
	{ "remote=::/0 match.protocol=256", NULL, NULL,
		"match.protocol \"256\": must be 0 to 255" },
	{ "remote=::/0 match.ports=1,2,3,4", NULL, NULL,
		"match.ports: must have at most 3 values" },
	{ "remote=::/0 match.ports=no-such-service", NULL, NULL,
		"match.ports \"no-such-service\": must be a port: 0 to 65535, or the name of a "
		"service" },
	{ "remote=::/0 also[1].fragment=yes also[0].protocol=udp also[0].ports=53",
		"remote=::/0 also[0].protocol=udp also[0].ports=53 also[1].fragment=true",
		"{\"remote\": \"::/0\", \"also\": [{\"protocol\": 17, \"ports\": [53]}, "
		"{\"fragment\": true}]}",
		NULL },
	{ "remote=::/0 also.protocol=udp", "remote=::/0 also[0].protocol=udp",
		"{\"remote\": \"::/0\", \"also\": [{\"protocol\": 17}]}", NULL },
	{ "remote=::/0 also[0]= also[1].except=", NULL,
		"{\"remote\": \"::/0\", \"also\": [{}, {\"except\": {}}]}", NULL },
	{ "remote=::/0 also[1].protocol=udp", NULL, NULL,
		"also[1].protocol=udp: numbers start at 0 and leave none out, also[0] is missing" },
	{ "remote=::/0 also[0]= also[1]= also[2]=", NULL, NULL,
		"also: must have at most 2 values" },
	{ "remote=::/0 also[x].protocol=udp", NULL, NULL,
		"also[x].protocol=udp: only repeated messages are numbered, as in "
		"also[0].FIELD=VALUE" },
	{ "remote=::/0 match[0].protocol=udp", NULL, NULL,
		"match[0].protocol=udp: only repeated messages are numbered, as in "
		"match[0].FIELD=VALUE" },
	{ "remote=::/0 "
	  "match.except.except.except.except.except.except.except.except.except.except.except."
	  "except.except.except.except.fragment=1",
		NULL, NULL,
		"match.except.except.except.except.except.except.except.except.except.except."
		"except."
		"except.except.except.except.: messages are nested more than 16 deep" },
	{ NULL, NULL, NULL, NULL },
};

static size_t split(char *text, const char **words)
{
	size_t n_words = 0;

	for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
		assert_true(n_words < MAX_WORDS);
		words[n_words++] = word;
	}
	return n_words;
}

static const struct catalog_message *message_of(const struct fixture *f, const char *name)
{
	const struct catalog_message *message = catalog_find(f->catalog, name);

	assert_non_null(message);
	return message;
}

static void check_text(const struct catalog_message *message, const struct row *row,
	const uint8_t *bytes, size_t size)
{
	struct ctl_error error = { .message = "" };
	const char *expected = row->text ? row->text : row->words;
	char *text = NULL;
	size_t text_size;
	FILE *out = open_memstream(&text, &text_size);

	assert_non_null(out);
	assert_int_equal(message_put(message, bytes, size, out, &error), 0);
	assert_int_equal(fclose(out), 0);
	if (strcmp(text, expected) != 0)
		fail_msg("%s became %s instead of %s", row->words, text, expected);
	free(text);
}

static void check_json(const struct catalog_message *message, const struct row *row,
	const uint8_t *bytes, size_t size)
{
	struct ctl_error error = { .message = "" };
	json_t *json = NULL;
	char *text;

	assert_int_equal(message_to_json(message, bytes, size, MESSAGE_PLAIN, &json, &error), 0);
	text = json_dumps(json, 0);
	if (strcmp(text, row->json) != 0)
		fail_msg("%s became %s instead of %s", row->words, text, row->json);
	free(text);
	json_decref(json);
}

// The switch must accept what weirctl packs.
static void check_accepted(const struct fixture *f, const char *type, const struct row *row,
	const uint8_t *bytes, size_t size)
{
	struct weir_error error = { 0 };
	const struct schema_message *message = schema_find(f->schema, SCHEMA_POLICY, type, &error);

	assert_non_null(message);
	if (schema_check(message, bytes, size, &error) != 0)
		fail_msg("%s is refused by the switch: %s", row->words, error.message);
}

static void check_rows(
	const struct fixture *f, const char *name, const char *type, const struct row *rows)
{
	const struct catalog_message *message = message_of(f, name);

	for (const struct row *row = rows; row->words; row++) {
		struct ctl_error error = { .message = "" };
		char *copy = strdup(row->words);
		const char *words[MAX_WORDS];
		uint8_t *bytes = NULL;
		size_t size = 0;
		size_t n_words = split(copy, words);
		int result = message_encode(message, words, n_words, &bytes, &size, &error);

		if (strcmp(error.message, row->error ? row->error : "") != 0)
			fail_msg("%s: \"%s\" instead of \"%s\"", row->words, error.message,
				row->error ? row->error : "");
		assert_int_equal(result, row->error ? CTL_REFUSED : 0);
		if (!row->error) {
			check_text(message, row, bytes, size);
			check_json(message, row, bytes, size);
			check_accepted(f, type, row, bytes, size);
		}
		free(bytes);
		free(copy);
	}
}

static void values_of_every_format(void **state)
{
	check_rows(*state, "sample.Everything", "everything", everything_rows);
}

static void messages_in_messages(void **state)
{
	check_rows(*state, "sample.Rule", "rule", rule_rows);
}

// All that is missing at once; of inner messages by their paths.
static const struct row needy_rows[] = {
	{ "second=1", NULL, NULL,
		"first, third are missing: each must have a value, as in first=VALUE" },
	{ "third=1", NULL, NULL, "first is missing: it must have a value, as in first=VALUE" },
	{ "first=1 third=2 inner.second=1", NULL, NULL,
		"inner.first, inner.third are missing: each must have a value, as in "
		"inner.first=VALUE" },
	{ NULL, NULL, NULL, NULL },
};

static void what_is_missing_is_named(void **state)
{
	check_rows(*state, "sample.Needy", "", needy_rows);
}

static void packed_numbers_are_read(void **state)
{
	Sample__Everything m = SAMPLE__EVERYTHING__INIT;
	const struct row row = { "packed", "packed_numbers=-1,2", "{\"packed_numbers\": [-1, 2]}",
		NULL };
	int32_t numbers[] = { -1, 2 };
	uint8_t bytes[64];
	size_t size;

	m.n_packed_numbers = 2;
	m.packed_numbers = numbers;
	size = sample__everything__pack(&m, bytes);
	check_text(message_of(*state, "sample.Everything"), &row, bytes, size);
	check_json(message_of(*state, "sample.Everything"), &row, bytes, size);
}

static int setup(void **state)
{
	static struct fixture fixture;
	struct ctl_error error = { .message = "" };
	struct weir_error refusal = { 0 };

	*state = &fixture;
	if (catalog_parse(weir_schema, sizeof(weir_schema), &fixture.catalog, &error))
		fail_msg("%s", error.message);
	if (schema_parse(weir_schema, sizeof(weir_schema), &fixture.schema, &refusal))
		fail_msg("%s", refusal.message);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	catalog_free(fixture->catalog);
	schema_free(fixture->schema);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_every_format),
		cmocka_unit_test(messages_in_messages),
		cmocka_unit_test(what_is_missing_is_named),
		cmocka_unit_test(packed_numbers_are_read),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
