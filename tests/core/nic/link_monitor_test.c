// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "network.h"
#include "nic/link_monitor.h"

static bool have_network;

static int setup(void **state)
{
	(void)state;
	have_network = network_enter();
	return 0;
}

#define NEEDS_NETWORK()                                                                            \
	do {                                                                                       \
		if (!have_network)                                                                 \
			skip();                                                                    \
	} while (0)

// The last that was heard of one interface.
struct heard {
	char name[IFNAMSIZ]; // whose
	unsigned n;          // how often
	bool present, up;
	uint32_t mtu;
	int ifindex;
};

static void hear(void *context, const struct link_change *change)
{
	struct heard *heard = context;

	if (strcmp(change->name, heard->name) != 0)
		return;
	heard->n++;
	heard->present = change->present;
	heard->up = change->up;
	heard->mtu = change->mtu;
	heard->ifindex = change->ifindex;
}

// The kernel notices a carrier some time after the command that gave or took it has ended.
static void process_until(struct link_monitor *monitor, const struct heard *heard, bool up)
{
	for (int i = 0; i < 20000; i++) {
		assert_int_equal(link_monitor_process(monitor), 0);
		if (heard->up == up)
			return;
		usleep(1000);
	}
	fail_msg("interface \"%s\" not heard to be %s", heard->name, up ? "up" : "down");
}

// Gives the interface to the namespace of a process that then ends.
static void move_away(const char *name)
{
	int ready[2];
	pid_t child;
	char byte;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		byte = unshare(CLONE_NEWNET) == 0;
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 1);
	run("ip link set %s netns %d", name, (int)child);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(ready[0]);
	close(ready[1]);
}

static void changes(void **state)
{
	struct heard heard = { .name = "wa" };
	struct link_monitor *monitor;
	struct weir_error error;
	int index;

	(void)state;
	NEEDS_NETWORK();
	assert_int_equal(link_monitor_create(hear, &heard, &monitor, &error), 0);
	assert_false(readable(link_monitor_fd(monitor), 0));
	assert_int_equal(link_monitor_process(monitor), 0);
	run("ip link add wa type veth peer name wb");
	index = (int)if_nametoindex("wa");
	assert_true(readable(link_monitor_fd(monitor), 1000));
	assert_int_equal(link_monitor_process(monitor), 0);
	assert_false(readable(link_monitor_fd(monitor), 0));
	assert_true(heard.present);
	assert_false(heard.up);
	assert_int_equal(heard.ifindex, index);
	assert_int_equal(heard.mtu, 1500);
	run("ip link set wa up && ip link set wb up && ip link set wa mtu 1400");
	process_until(monitor, &heard, true);
	assert_int_equal(heard.mtu, 1400);
	run("ip link set wb down"); // no carrier
	process_until(monitor, &heard, false);
	assert_true(heard.present);
	run("ip link add wbr type bridge && ip link set wa master wbr && ip link set wa nomaster");
	assert_int_equal(link_monitor_process(monitor), 0);
	assert_true(heard.present);
	run("ip link del wbr && ip link del wa");
	assert_int_equal(link_monitor_process(monitor), 0);
	assert_false(heard.present);
	assert_false(heard.up);
	assert_int_equal(heard.ifindex, index);
	run("ip link add wa type veth peer name wb");
	assert_int_equal(link_monitor_process(monitor), 0);
	assert_true(heard.present);
	assert_int_not_equal(heard.ifindex, index);
	run("ip link set wa name wc");
	strcpy(heard.name, "wc");
	heard.n = 0;
	assert_int_equal(link_monitor_process(monitor), 0);
	assert_true(heard.n > 0);
	// To another namespace is away as well.
	move_away("wc");
	assert_int_equal(link_monitor_process(monitor), 0);
	assert_false(heard.present);
	link_monitor_destroy(monitor);
	link_monitor_destroy(NULL);
}

// More than the socket holds: everything is heard again.
static void overrun(void **state)
{
	struct heard heard = { .name = "we" };
	struct link_monitor *monitor;
	int size = 4096;

	(void)state;
	NEEDS_NETWORK();
	run("ip link add we type veth peer name wf");
	assert_int_equal(link_monitor_create(hear, &heard, &monitor, NULL), 0);
	assert_int_equal(
		setsockopt(link_monitor_fd(monitor), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)),
		0);
	for (int i = 0; i < 50; i++)
		run("ip link set wf mtu %d", 1400 + i);
	run("ip link set we mtu 1333");
	assert_int_equal(link_monitor_process(monitor), -ESTALE);
	assert_true(heard.n > 0);
	assert_true(heard.present);
	assert_int_equal(heard.mtu, 1333);
	assert_false(readable(link_monitor_fd(monitor), 0));
	assert_int_equal(link_monitor_process(monitor), 0);
	run("ip link del we");
	assert_int_equal(link_monitor_process(monitor), 0);
	assert_false(heard.present);
	link_monitor_destroy(monitor);
}

static void default_routes(void **state)
{
	static const struct {
		const char *add; // run with wa as device
		bool carries;
	} rows[] = {
		{ "ip route add 10.8.0.0/16 via 10.9.0.2", false },
		{ "ip route add unreachable default", false },
		{ "ip route add default via 10.9.0.2", true },
		{ "ip route add default via 10.9.0.2 table 99", true },
		{ "ip route add default nexthop via 10.9.0.2 nexthop via 10.7.0.2 dev wb", true },
		{ "ip route add default nexthop via 10.7.0.2 dev wb nexthop via 10.9.0.2", true },
		{ "ip route add default via 10.7.0.2 dev wb", false },
		{ "ip -6 route add default via fd09::2 dev wa", true },
		{ "ip -6 route add default via fd07::2 dev wb", false },
	};

	(void)state;
	NEEDS_NETWORK();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		run("ip link add wa type veth peer name wb");
		run("ip link set wa up && ip link set wb up");
		run("ip addr add 10.9.0.1/24 dev wa && ip addr add 10.7.0.1/24 dev wb");
		if (strstr(rows[i].add, "-6")) {
			run("ip addr add fd09::1/64 dev wa nodad");
			run("ip addr add fd07::1/64 dev wb nodad");
		}
		print_message("%s\n", rows[i].add);
		assert_int_equal(link_has_default_route((int)if_nametoindex("wa")), 0);
		run("%s", rows[i].add);
		assert_int_equal(
			link_has_default_route((int)if_nametoindex("wa")), rows[i].carries);
		run("ip link del wa; ip route flush table 99 2>/dev/null;"
		    "ip route del unreachable default 2>/dev/null; true");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes),
		cmocka_unit_test(overrun),
		cmocka_unit_test(default_routes),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
