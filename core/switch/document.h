// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What is inside a struct weir_document, for those who apply it. Control thread only.
#ifndef SWITCH_DOCUMENT_H
#define SWITCH_DOCUMENT_H

#include <weir/embed.h>

#include "switch/arena.h"
#include "switch/index.h"

enum { N_ITEM_KINDS = WEIR_ITEM_SAVED + 1 };

struct document_entry {
	struct document_entry *next; // of the same kind, in the order of their numbers
	struct index_entry by_name;  // in document->names
	size_t number;               // in the order in which they were added, from 0
	struct weir_item item;       // what it points to is in the document's arena
};

struct weir_document {
	struct arena arena;
	struct index names;
	size_t n_items;
	struct document_entry *first[N_ITEM_KINDS], **end[N_ITEM_KINDS];
	// The texts of the last item: neighbours have many of theirs in common.
	const char *last_switch, *last_target, *last_name, *last_type;
};

// The item that names the same object as `key`, of which only the names are looked at; NULL: there
// is none.
const struct document_entry *document_find(
	const struct weir_document *document, const struct weir_item *key);

#endif
