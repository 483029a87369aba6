// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Read by cppcheck before every file: what it must know of system headers, which it does not open.
#define ElfW(type)                               Elf64_##type
#define cds_lfht_for_each(table, iterator, node) for (node = (void *)(iterator); node;)
#define cds_lfht_for_each_entry(table, iterator, entry, member)                                    \
	for (entry = (void *)(iterator); entry;)
#define LIST_FOREACH(variable, head, field) for (variable = (head)->lh_first; variable;)
