// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "arguments.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hugepages.h"

enum { CPUS_SIZE = 1024 };

bool dpdk_is_pci(const char *devargs)
{
	unsigned a, b, c, d;
	int end = 0;

	if (strncmp(devargs, "pci:", 4) == 0)
		devargs += 4;
	if ((sscanf(devargs, "%4x:%2x:%2x.%1x%n", &a, &b, &c, &d, &end) == 4 && end) ||
		(sscanf(devargs, "%2x:%2x.%1x%n", &a, &b, &c, &end) == 3 && end))
		return devargs[end] == '\0' || devargs[end] == ',';
	return false;
}

// One lcore for EAL's own, on all CPUs that the process may use: its threads are not wanted.
static void lcores(char text[/* CPUS_SIZE */])
{
	cpu_set_t cpus;
	size_t n = (size_t)snprintf(text, CPUS_SIZE, "--lcores=0@(");
	const char *comma = "";

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0) {
		CPU_ZERO(&cpus);
		CPU_SET(0, &cpus);
	}
	for (int first = 0; first < CPU_SETSIZE && n < CPUS_SIZE - 16; first++) {
		int last = first;

		if (!CPU_ISSET(first, &cpus))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, &cpus))
			last++;
		n += (size_t)snprintf(text + n, CPUS_SIZE - n, "%s%d-%d", comma, first, last);
		first = last;
		comma = ",";
	}
	snprintf(text + n, CPUS_SIZE - n, ")");
}

static int add(
	struct dpdk_arguments *arguments, const char *word, size_t size, struct weir_error *error)
{
	char *copy;

	if (arguments->n == DPDK_WORDS_MAX)
		return weir_refuse(error, -E2BIG, "dpdk", "dpdk: at most %d arguments for EAL",
			DPDK_WORDS_MAX - 1);
	copy = strndup(word, size);
	if (!copy)
		return weir_refuse(error, -ENOMEM, "dpdk", "dpdk: out of memory");
	arguments->words[arguments->n++] = copy;
	return 0;
}

// EAL would print its usage and end the process. getopt takes abbreviations, and flags together.
static bool asks_for_help(const char *word, size_t size)
{
	if (size >= 4 && strncmp(word, "--help", size) == 0)
		return true;
	// --log-level=help, in one word or in two.
	if (size >= 4 && strncmp(word + size - 4, "help", 4) == 0 &&
		(size == 4 || word[size - 5] == '='))
		return true;
	return size >= 2 && word[0] == '-' && (word[1] == 'h' || (word[1] == 'v' && size > 2));
}

static bool chooses_lcores(const char *word)
{
	return strncmp(word, "-l", 2) == 0 || strncmp(word, "-c", 2) == 0 ||
	       strncmp(word, "-s", 2) == 0 || strncmp(word, "-S", 2) == 0 ||
	       strncmp(word, "--lcores", 8) == 0 || strncmp(word, "--main-lcore", 12) == 0;
}

static int add_given(struct dpdk_arguments *arguments, const char *given, bool *has_lcores,
	struct weir_error *error)
{
	size_t size;
	int failed;

	for (const char *at = given + strspn(given, " \t"); *at;
		at += size, at += strspn(at, " \t")) {
		size = strcspn(at, " \t");
		if (asks_for_help(at, size))
			return weir_refuse(error, -EINVAL, "dpdk",
				"dpdk: EAL's argument \"%.*s\" would end the process",
				(int)(size < 64 ? size : 64), at);
		*has_lcores |= chooses_lcores(at);
		failed = add(arguments, at, size, error);
		if (failed)
			return failed;
	}
	return 0;
}

// With PCI EAL would take every device that it can drive, and without the arguments that its port
// has for it. Where one is allowed, others are probed when they are asked for only: that one is the
// host bridge, which no driver wants.
#define PCI_ON_DEMAND "-a 0000:00:00.0 "

static const char *fitting(const char *devargs)
{
	bool pci = dpdk_is_pci(devargs);

	if (dpdk_has_hugepages(DPDK_HUGEPAGE_SIZES))
		return pci ? PCI_ON_DEMAND "--in-memory --no-telemetry"
			   : "--no-pci --in-memory --no-telemetry";
	return pci ? PCI_ON_DEMAND "--no-huge --no-shconf -m 1024 --no-telemetry"
		   : "--no-pci --no-huge --no-shconf -m 1024 --no-telemetry";
}

int dpdk_arguments_make(struct dpdk_arguments *arguments, const char *given, const char *devargs,
	struct weir_error *error)
{
	const char *name = program_invocation_short_name;
	struct dpdk_arguments made = { .n = 0 };
	char text[CPUS_SIZE];
	bool has_lcores = false;
	int failed = add(&made, name, strlen(name), error);

	if (!failed)
		failed = add_given(&made, given ? given : fitting(devargs), &has_lcores, error);
	if (!failed && !has_lcores) {
		lcores(text);
		failed = add(&made, text, strlen(text), error);
	}
	if (failed) {
		while (made.n)
			free(made.words[--made.n]);
		return failed;
	}
	*arguments = made;
	return 0;
}

void dpdk_arguments_text(const struct dpdk_arguments *arguments, char text[], size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (int i = 1; i < arguments->n && n < size; i++)
		n += (size_t)snprintf(
			text + n, size - n, "%s%s", i > 1 ? " " : "", arguments->words[i]);
}
