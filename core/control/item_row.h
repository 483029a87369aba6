// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Items of the desired state (embed.h) and the messages that stand for them (document.proto).
#ifndef CONTROL_ITEM_ROW_H
#define CONTROL_ITEM_ROW_H

#include <weir/embed.h>

#include "weir/control.pb-c.h"

struct call;

// Fills *item, which borrows the message's strings. Returns 0, or -EINVAL when the message has no
// item.
int item_of_message(const Weir__Control__Item *message, struct weir_item *item);

// Adds the item to the list that the call sends (rows.h); meters and saved state have no message
// and are left out.
void item_send(const struct weir_item *item, struct call *call);

// The protocol says "none", embed.h nothing.
const char *item_setting(const char *text);

#endif
