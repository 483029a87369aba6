// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Inside item.c, entry.c and rule.c: the making of items.
#ifndef ACL_ITEM_H
#define ACL_ITEM_H

#include "text.h"

// With one reference, and everything but the id as zero. NULL: no memory.
struct item *item_alloc(const struct weir_policy *policy, enum acl_kind kind);
// direction, action: Acl__Direction, Acl__Action. rate, burst: NULL: not given.
int item_set_action(struct item *item, int direction, int action, const uint64_t *rate,
	const uint64_t *burst, struct weir_error *error);

// Also on failure *made is what there is of the item, NULL or the caller's to put.
int item_make_entry(const struct weir_policy *policy, struct item **made, struct weir_error *error);
int item_make_rule(const struct weir_policy *policy, struct vector_numbers *numbers,
	struct item **made, struct weir_error *error);

// Append what is only in theirs.
void item_format_entry(const struct item *item, struct text *text);
void item_format_rule(const struct item *item, struct text *text);

#endif
