// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// EAL that does not start, and modules that are missing or wrong. In this order, because EAL is
// tried once in a process.
#include "dpdk_fixture.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

static void forms(void **state)
{
	static const char *const rows[][2] = {
		{ "dpdk:,x", "must begin with a device's name" },
		{ "dpdk:a b", "must begin with a device's name" },
		{ "dpdk:net_null0 ,x=1", "must begin with a device's name" },
		{ "dpdk:net_null0,", "an option is missing behind a comma" },
		{ "dpdk:net_null0,,size=1", "an option is missing behind a comma" },
		{ "dpdk:"
		  "net_null0123456789012345678901234567890123456789012345678901234567",
			"at most 63" },
	};
	struct nic_options options = { .host = &host };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct weir_error error = { 0 };

		refuse(rows[i][0], -EINVAL, rows[i][1]);
		assert_int_equal(nic_try(rows[i][0], &options, &error), -EINVAL);
		assert_non_null(strstr(error.message, rows[i][1]));
	}
	assert_int_equal(nic_try("dpdk:net_null0,size=1", &options, NULL), 0);
	assert_int_equal(nic_try("dpdk:0000:01:00.0", &options, NULL), 0);
}

// "lo" is an interface everywhere. A device of DPDK's may be called as an interface is.
static void interfaces_are_no_devices(void **state)
{
	struct nic_options options = { .host = &host };
	struct weir_error error = { 0 };

	(void)state;
	refuse("dpdk:lo", -EINVAL,
		"lo is an interface of the kernel's: name a device of DPDK's on it, as "
		"dpdk:net_af_packet0,iface=lo or dpdk:net_af_xdp0,iface=lo, or the PCI address of "
		"what is behind it, as dpdk:0000:3b:00.0; without DPDK it is packet:lo");
	refuse("dpdk:lo,mac=1", -EINVAL, "dpdk:net_af_packet0,iface=lo");
	assert_int_equal(nic_try("dpdk:lo", &options, &error), -EINVAL);
}

static void refuse_module(const char *file, const char *text)
{
	const struct nic_host here = { .directory = WEIR_TEST_MODULES };
	const struct nic_class *class;
	struct weir_error error = { 0 };

	assert_int_equal(nic_module_class(file, "dpdk", &here, &class, &error), -EOPNOTSUPP);
	print_message("%s: %s\n", file, error.message);
	assert_non_null(strstr(error.message, file));
	assert_non_null(strstr(error.message, text));
}

static void modules(void **state)
{
	(void)state;
	refuse_module("no-such-module.so", "is not installed; it belongs into /");
	refuse_module("module_of_text.so", "cannot be loaded: ");
	refuse_module("module_without_library.so", "cannot be loaded: ");
	refuse_module("module_of_old_version.so", "is of another version of Weir");
	refuse_module("module_without_symbol.so", "is of another version of Weir");
	refuse_module("module_without_kind.so", "lacks this kind");
}

static void arguments_that_would_end_the_process(void **state)
{
	static const char *const rows[] = { "--help", "--no-pci --help", "-h", "--hel", "-vh",
		" --no-huge\t-h ", "--log-level=help", "--log-lev help" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		host.dpdk_arguments = rows[i];
		refuse("dpdk:net_null0", -EINVAL, "would end the process");
	}
}

// The thread that starts EAL gets a stack which no address space has room for.
static void no_thread(void **state)
{
	pthread_attr_t before, huge;

	(void)state;
	assert_int_equal(pthread_getattr_default_np(&before), 0);
	assert_int_equal(pthread_getattr_default_np(&huge), 0);
	assert_int_equal(pthread_attr_setstacksize(&huge, (size_t)1 << 60), 0);
	assert_int_equal(pthread_setattr_default_np(&huge), 0);
	host.dpdk_arguments = "--no-pci --nonsense=1";
	for (unsigned i = 0; i < 3; i++)
		refuse("dpdk:net_null0", -EAGAIN, "no thread to start EAL");
	assert_int_equal(pthread_setattr_default_np(&before), 0);
	pthread_attr_destroy(&huge);
	pthread_attr_destroy(&before);
}

// ---- What EAL prints

static unsigned n_usage_lines;

static void look_for_usage(void *context, int level, const char *line)
{
	(void)context, (void)level;
	n_usage_lines += strstr(line, "EAL common options") != NULL;
}

// Runs with the standard output going into a file; returns how much of it there was.
static off_t printed_by(void (*function)(void))
{
	FILE *file = tmpfile();
	int output = dup(STDOUT_FILENO);
	off_t size;

	assert_non_null(file);
	fflush(stdout);
	assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
	function();
	fflush(stdout);
	size = lseek(STDOUT_FILENO, 0, SEEK_END);
	assert_true(dup2(output, STDOUT_FILENO) >= 0);
	close(output);
	fclose(file);
	return size;
}

static struct weir_error start_error;

static void start_wrongly(void)
{
	const struct nic_options options = { .n_workers = 1, .host = &host };
	struct nic *nic;

	assert_int_equal(nic_open("dpdk:net_null0", &options, &nic, &start_error), -EIO);
}

// The arguments are those of the first try, which had no thread. The caller's affinity, signal mask
// and name are what they were, whatever EAL does to its thread.
static void failed_start_is_the_last(void **state)
{
	cpu_set_t cpus, cpus_after;
	sigset_t mask, mask_after;

	(void)state;
	sched_getaffinity(0, sizeof(cpus), &cpus);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	host.dpdk_arguments = "--no-pci";
	host.log = look_for_usage;
	assert_int_equal(printed_by(start_wrongly), 0);
	assert_int_equal(n_usage_lines, 1);
	print_message("%s\n", start_error.message);
	assert_non_null(strstr(start_error.message,
		"EAL does not start with \"--no-pci --nonsense=1 --lcores=0@("));
	host.dpdk_arguments = "--no-pci --no-huge --no-shconf -m 64";
	refuse("dpdk:net_null0", -EIO,
		"EAL: Invalid 'command line' arguments; it is not tried again in this process");
	sched_getaffinity(0, sizeof(cpus_after), &cpus_after);
	sigprocmask(SIG_SETMASK, NULL, &mask_after);
	assert_true(CPU_EQUAL(&cpus, &cpus_after));
	for (int i = 1; i < NSIG; i++)
		assert_int_equal(sigismember(&mask, i), sigismember(&mask_after, i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(interfaces_are_no_devices),
		cmocka_unit_test(modules),
		cmocka_unit_test(arguments_that_would_end_the_process),
		cmocka_unit_test(no_thread),
		cmocka_unit_test(failed_start_is_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
