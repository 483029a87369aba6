// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Items as lines of text, which tests compare:
//     switch br0 made=1
//     extension br0 probe-filter order=10
//     port br0 p0 nic=memory vlan=10 mac=02:00:00:00:00:01 mtu=1400 uplink disconnected made=1
//     policy p0 probe-filter act a 08001000
//     fdb br0 10 02:00:00:00:00:01 p0
//     meter p0 probe-filter in
// What is not set is left out.
#ifndef LAB_ITEMS_H
#define LAB_ITEMS_H

#include "lab.h"

enum { LAB_ITEM_SIZE = 512 };

struct lab_items {
	char text[16384]; // a line each, with "\n"
	unsigned n;
};

void lab_item_text(const struct weir_item *item, char text[/* LAB_ITEM_SIZE */]);
// A weir_item_row and a weir_change_handler whose context is a struct lab_items. The latter puts
// "+ " or "- " before the line.
void lab_items_add(void *items, const struct weir_item *item);
void lab_items_note(void *items, bool removed, const struct weir_item *item);
// Asserts that exactly these lines have come, and forgets them.
#define lab_assert_items(items, lines) lab_assert_items_at(items, lines, __FILE__, __LINE__)
void lab_assert_items_at(struct lab_items *items, const char *lines, const char *file, int line);
// What weir_export() says.
void lab_export(struct lab *lab, const char *vswitch, struct lab_items *items);

#endif
