// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The options in the argument of a NIC's specification: "key=value" or "key", between commas.
#ifndef NIC_ARGUMENT_H
#define NIC_ARGUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

// One option. Points into the argument; nothing in it ends with '\0'.
struct nic_item {
	const char *key;
	const char *value; // behind the '=', NULL without one
	int key_size, value_size;
};

// Takes the next item off *rest, which becomes NULL behind the last; false when it is NULL already.
// An empty item ("a,,b") has key_size 0.
bool nic_next_item(const char **rest, struct nic_item *item);
// Looks at one item of `size` bytes.
struct nic_item nic_item(const char *text, size_t size);
bool nic_item_is(const struct nic_item *item, const char *key);
bool nic_item_value_is(const struct nic_item *item, const char *value);
// Reads the value as a decimal number in a range, or refuses with -EINVAL and a sentence.
int nic_item_number(const struct nic_item *item, uint64_t min, uint64_t max, uint64_t *number,
	struct weir_error *error);

#endif
