// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "hugepages.h"

#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <linux/mman.h>

// Asks the kernel, which knows of overcommitting and of reservations. The page is not touched.
static bool can_have(size_t size_kb)
{
	size_t size = size_kb << 10; // of another size it could not be unmapped
	int log2_size = __builtin_ctzl(size);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | log2_size << MAP_HUGE_SHIFT, -1, 0);

	if (page == MAP_FAILED)
		return false;
	munmap(page, size);
	return true;
}

bool dpdk_has_hugepages(const char *directory)
{
	DIR *list = opendir(directory);
	const struct dirent *entry;
	bool found = false;
	size_t size_kb;

	while (!found && list && (entry = readdir(list)))
		found = sscanf(entry->d_name, "hugepages-%zukB", &size_kb) == 1 && size_kb &&
			can_have(size_kb);
	if (list)
		closedir(list);
	return found;
}
