// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Specifications of NICs: which are refused, with which sentence, and the kind `null`.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "nic/argument.h"
#include "nic/nic.h"

static const struct row {
	const char *specification;
	const char *message; // part of the refusal, NULL = fine
} rows[] = {
	{ "null", NULL },
	{ "memory", NULL },
	{ "memory:queues=2", NULL },
	{ "replay:/no/such/file", NULL }, // the form is right
	{ "tap:vm1", NULL },
	{ "packet:eth1,force", NULL },
	{ "tap", "an argument is missing; the usage is tap:NAME" },
	{ "packet:", "an argument is missing; the usage is packet:IF" },
	{ "", "unknown kind \"\"; there are " },
	{ ":", "unknown kind \"\"" },
	{ "nul", "unknown kind \"nul\"" },
	{ "nulll", "unknown kind \"nulll\"" },
	{ "NULL", "unknown kind \"NULL\"" },
	{ "null ", "unknown kind \"null \"" },
	{ "foo:bar", "nic \"foo:bar\": unknown kind \"foo\"; there are " },
	{ "xdp:eth0", "unknown kind \"xdp\"" },
	{ "stream:/run/x", "unknown kind \"stream\"" },
	{ "dpdk:0000:01:00.0", NULL },
	{ "dpdk:net_pcap0,rx_pcap=/no/such/file", NULL },
	{ "dpdk", "an argument is missing; the usage is dpdk:DEVARGS" },
	{ "dpdk:", "an argument is missing; the usage is dpdk:DEVARGS" },
	{ "vhost:/run/x", "unknown kind \"vhost\"" },
	{ "null:", "takes no argument; the usage is null" },
	{ "null:x", "takes no argument" },
	{ "memory:", "an argument is missing; the usage is memory[:queues=N" },
	{ "replay", "an argument is missing; the usage is replay:FILE" },
	{ "replay:", "an argument is missing" },
	{ "replay:a\nb", "control character 0x0a at byte 9" },
	{ "replay:\x7f", "control character 0x7f at byte 8" },
};

static void forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct weir_error error = { 0 };
		int ret = nic_check(rows[i].specification, &error);

		print_message("\"%s\": %s\n", rows[i].specification, error.message);
		assert_int_equal(ret, rows[i].message ? -EINVAL : 0);
		assert_int_equal(error.code, ret);
		assert_int_equal(nic_check(rows[i].specification, NULL), ret);
		if (!rows[i].message)
			continue;
		assert_non_null(strstr(error.message, rows[i].message));
		assert_string_equal(error.field, "nic");
	}
}

static void unknown_kind_names_the_kinds(void **state)
{
	static const char *const kinds[] = { "tap", "packet", "memory", "replay", "null", "dpdk" };
	struct weir_error error;

	(void)state;
	assert_int_equal(nic_check("nic", &error), -EINVAL);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		assert_non_null(strstr(error.message, kinds[i]));
}

static void long_specification(void **state)
{
	struct weir_error error;
	char *text = malloc(100001);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 100000);
	text[100000] = '\0';
	memcpy(text, "replay:", 7);
	assert_int_equal(nic_check(text, &error), -EINVAL);
	assert_non_null(strstr(error.message, "must not be longer than"));
	free(text);
}

static void refused_open_leaves_nic_alone(void **state)
{
	struct nic_options options = { .n_workers = 1 };
	struct nic *nic = (struct nic *)state;
	struct weir_error error;

	assert_int_equal(nic_open("bogus", &options, &nic, &error), -EINVAL);
	assert_int_equal(nic_open("memory:size=3", &options, &nic, &error), -EINVAL);
	assert_int_equal(nic_open("replay:/no/such/file", &options, &nic, &error), -ENOENT);
	assert_ptr_equal(nic, state);
	nic_close(NULL);
}

// A dry run refuses what open() would refuse for the specification alone, by the same sentence.
static void tries_refuse_what_is_malformed(void **state)
{
	static const char *const malformed[] = {
		"tap:aaaaaaaaaaaaaaaaaaaa",
		"tap:a/b",
		"tap:vm1,queues=0",
		"tap:vm1,queues=65",
		"tap:vm1,ring=1",
		"packet:aaaaaaaaaaaaaaaaaaaa",
		"packet:eth1,queues=0",
		"packet:eth1,loop",
		"memory:queues=0",
		"memory:size=3",
		"memory:offload=maybe",
		"memory:colour=red",
		"replay:/dev/null,pps=0",
	};
	static const char *const good[] = { "null", "memory", "memory:queues=2,size=64,offload=off",
		"tap:vm1", "tap:vm1,queues=64" };
	struct nic_options options = { .n_workers = 1 };
	struct weir_error tried, opened;
	struct nic *nic;

	(void)state;
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		print_message("\"%s\"\n", malformed[i]);
		assert_int_equal(nic_try(malformed[i], &options, &tried), -EINVAL);
		assert_int_equal(nic_open(malformed[i], &options, &nic, &opened), -EINVAL);
		assert_string_equal(tried.message, opened.message);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(nic_try(good[i], &options, &tried), 0);
}

static void claims(void **state)
{
	static const struct {
		const char *specification, *claim;
	} table[] = {
		{ "packet:eth1,force", "interface eth1" },
		{ "tap:eth1", "interface eth1" },
		{ "packet:sixteen_bytes_16", "" },
		{ "dpdk:net_pcap0,rx_pcap=/a", "device net_pcap0" },
		{ "dpdk:vdev:net_pcap0", "device net_pcap0" },
		{ "dpdk:0000:3b:00.1,queues=2", "device 0000:3b:00.1" },
		{ "dpdk:pci:3b:0.1", "device 0000:3b:00.1" },
		{ "dpdk:3b:00.1", "device 0000:3b:00.1" },
		{ "dpdk:3B:00.1", "device 0000:3b:00.1" },
		{ "dpdk:pci:0000:3B:00.1", "device 0000:3b:00.1" },
		{ "dpdk:0001:AF:1f.7", "device 0001:af:1f.7" },
		{ "dpdk:10000:AF:1f.7", "device 10000:af:1f.7" },
		{ "dpdk:0123456789012345678901234567890123456789012345678901234567890123456789",
			"device 012345678901234567890123456789012345678901234567890123456789012" },
		{ "null", "" },
		{ "memory:queues=2", "" },
		{ "replay:eth0", "" },
		{ "bogus:eth0", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char claim[NIC_CLAIM_SIZE];

		print_message("\"%s\"\n", table[i].specification);
		nic_claim(table[i].specification, claim);
		assert_string_equal(claim, table[i].claim);
	}
}

static void interfaces(void **state)
{
	static const struct {
		const char *specification, *name; // NULL: too long
	} table[] = {
		{ "packet:eth1", "eth1" },
		{ "packet:eth1,force", "eth1" },
		{ "tap:vm1,queues=2", "vm1" },
		{ "tap:exactly15bytes_", "exactly15bytes_" },
		{ "tap:exactly15bytes_,queues=2", "exactly15bytes_" },
		{ "tap:sixteen_bytes_16", NULL },
		{ "packet:,force", "" },
		{ "null", "" },
		{ "memory:queues=2", "" },
		{ "replay:eth0", "" },
		{ "bogus:eth0", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char name[17];

		memset(name, '#', sizeof(name));
		print_message("\"%s\"\n", table[i].specification);
		assert_int_equal(
			nic_interface(table[i].specification, name), table[i].name != NULL);
		if (table[i].name)
			assert_string_equal(name, table[i].name);
		assert_int_equal(name[16], '#');
	}
}

static void null_swallows(void **state)
{
	struct nic_options options = { .n_workers = 3, .mtu = 9000 };
	struct frame_pool *pool = frame_pool_create(NIC_BATCH, 1);
	struct weir_frame *frames[NIC_BATCH];
	unsigned lost = 0;
	struct nic *nic;

	(void)state;
	assert_int_equal(nic_open("null", &options, &nic, NULL), 0);
	assert_int_equal(nic->n_rx_queues, 0);
	assert_int_equal(nic->mtu, 9000);
	assert_int_equal(nic->class->receive_fd(nic, 0), -1);
	for (int i = 0; i < NIC_BATCH; i++)
		frames[i] = frame_alloc(pool, 60);
	frames[0]->refs = 2;
	assert_int_equal(nic->class->transmit(nic, 0, frames, NIC_BATCH, &lost), NIC_BATCH);
	assert_int_equal(lost, 0);
	assert_int_equal(frame_pool_in_use(pool), 1);
	weir_frame_release(frames[0]);
	nic_close(nic);
	frame_pool_destroy(pool);
}

static void items(void **state)
{
	const char *rest = "a=1,,b,c=,d=x=y,";
	struct nic_item item;
	char text[64] = "";

	(void)state;
	while (nic_next_item(&rest, &item))
		sprintf(text + strlen(text), "%.*s|%.*s;", item.key_size, item.key, item.value_size,
			item.value ? item.value : "");
	assert_string_equal(text, "a|1;|;b|;c|;d|x=y;|;");
	assert_null(rest);
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		int ret;
		uint64_t number;
	} table[] = {
		{ "n=1", 0, 1 },
		{ "n=0100", 0, 100 },
		{ "n=100", 0, 100 },
		{ "n=101", -EINVAL, 0 },
		{ "n=0", -EINVAL, 0 },
		{ "n", -EINVAL, 0 },
		{ "n=", -EINVAL, 0 },
		{ "n=-1", -EINVAL, 0 },
		{ "n=+1", -EINVAL, 0 },
		{ "n= 1", -EINVAL, 0 },
		{ "n=1k", -EINVAL, 0 },
		{ "n=0x1", -EINVAL, 0 },
		{ "n=18446744073709551617", -EINVAL, 0 },
		{ "n=0000000000000000000000000001", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct nic_item item = nic_item(table[i].text, strlen(table[i].text));
		struct weir_error error = { 0 };
		uint64_t number = 0;

		print_message("%s\n", table[i].text);
		assert_int_equal(nic_item_number(&item, 1, 100, &number, &error), table[i].ret);
		assert_int_equal(number, table[i].number);
		if (table[i].ret)
			assert_non_null(strstr(error.message, "must be a number from 1 to 100"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(unknown_kind_names_the_kinds),
		cmocka_unit_test(long_specification),
		cmocka_unit_test(refused_open_leaves_nic_alone),
		cmocka_unit_test(tries_refuse_what_is_malformed),
		cmocka_unit_test(interfaces),
		cmocka_unit_test(claims),
		cmocka_unit_test(null_swallows),
		cmocka_unit_test(items),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
