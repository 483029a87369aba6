// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Whether there are hugepages, on machines that this one is not: sizes stand in a directory of the
// test's, and the kernel's answer is the test's.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/mman.h>
#include <cmocka.h>

#include "nic/dpdk/hugepages.h"

static size_t available; // the size of hugepages that there are, in kB
static int n_mapped;
static uint8_t page; // stands for one

void *__real_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *address, size_t size);
int __wrap_munmap(void *address, size_t size);

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	unsigned log2_size = (unsigned)flags >> MAP_HUGE_SHIFT;

	if (!(flags & MAP_HUGETLB))
		return __real_mmap(address, size, protection, flags, fd, offset);
	// Which size is asked for is in the flags; without, it is the default.
	if (size != (size_t)1 << log2_size || size >> 10 != available) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	n_mapped++;
	return &page;
}

int __wrap_munmap(void *address, size_t size)
{
	if (address != &page)
		return __real_munmap(address, size);
	assert_int_equal(size >> 10, available);
	n_mapped--;
	return 0;
}

static void sizes(void **state)
{
	static const struct {
		const char *name;
		const char *listed[3];
		size_t available;
		bool expected;
	} rows[] = {
		{ "none listed", { NULL }, 2048, false },
		{ "none free", { "hugepages-2048kB", "hugepages-1048576kB" }, 0, false },
		{ "2 MB", { "hugepages-2048kB", "hugepages-1048576kB" }, 2048, true },
		{ "1 GB beside an empty default", { "hugepages-2048kB", "hugepages-1048576kB" },
			1048576, true },
		{ "64 KB, as arm64 has it", { "hugepages-64kB", "hugepages-2048kB" }, 64, true },
		{ "something else there", { "other", "hugepages-kB" }, 2048, false },
	};
	char directory[] = "/tmp/weir-hugepages.XXXXXX", path[100];

	(void)state;
	assert_non_null(mkdtemp(directory));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		for (size_t k = 0; rows[i].listed[k]; k++) {
			snprintf(path, sizeof(path), "%s/%s", directory, rows[i].listed[k]);
			assert_int_equal(mkdir(path, 0700), 0);
		}
		available = rows[i].available;
		assert_int_equal(dpdk_has_hugepages(directory), rows[i].expected);
		assert_int_equal(n_mapped, 0);
		for (size_t k = 0; rows[i].listed[k]; k++) {
			snprintf(path, sizeof(path), "%s/%s", directory, rows[i].listed[k]);
			assert_int_equal(rmdir(path), 0);
		}
	}
	assert_int_equal(rmdir(directory), 0);
	assert_false(dpdk_has_hugepages(directory)); // a kernel without any
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(sizes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
