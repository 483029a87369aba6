// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What EAL is started with.
#ifndef DPDK_ARGUMENTS_H
#define DPDK_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>

enum { DPDK_WORDS_MAX = 64 };

struct dpdk_arguments {
	int n;
	char *words[DPDK_WORDS_MAX + 1]; // the program's name first; NULL behind the last
};

// Makes them of what the operator gave (words between blanks), or, of NULL, of what the machine
// has and the first device needs. Refuses what would end the process, and too many. *arguments is
// written on success only; its words are never freed, EAL keeps them.
int dpdk_arguments_make(struct dpdk_arguments *arguments, const char *given, const char *devargs,
	struct weir_error *error);
// The words behind the program's name, between blanks; cut off when they do not fit.
void dpdk_arguments_text(
	const struct dpdk_arguments *arguments, char text[/* size */], size_t size);
// Whether devargs begin with a PCI address, perhaps behind "pci:".
bool dpdk_is_pci(const char *devargs);

#endif
