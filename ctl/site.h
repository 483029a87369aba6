// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The site document: all that is wanted of the switches, as one JSON file that people keep and
// edit. `weirctl export` writes it, `weirctl apply` reads it.
//
// What may stand in it is one table, site_document, which the check of a document, the translation
// from and to the items of proto/weir/document.proto, and the JSON Schema for editors all read, so
// that they cannot disagree. What a key is called here, it is called there.
#ifndef CTL_SITE_H
#define CTL_SITE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "types.h"
#include "weir/control.pb-c.h"

enum site_kind {
	SITE_NOTE,   // a text that means nothing here
	SITE_TEXT,   // least and most are bytes
	SITE_NUMBER, // a whole one
	SITE_FLAG,
	SITE_BODY,   // an object: a message of an extension, by its schema
	SITE_BASE64, // the same as bytes: where there is no schema
	SITE_LIST,   // of items
};

struct site_key {
	const char *name;
	enum site_kind kind;
	bool required;
	bool zero_is_absent; // a number: 0 says what leaving it out says
	uint32_t least, most;
	const struct site_object *items;
	const char *comment; // a sentence for people
};

struct site_object {
	const char *name;                          // what one is called
	const ProtobufCMessageDescriptor *message; // the item; NULL: the document, which is none
	Weir__Control__Item__ItemCase item;        // likewise
	const struct site_key *keys;               // in the order of writing; end with NULL
};

extern const struct site_object site_document;

// The key of that name, or NULL.
const struct site_key *site_key(const struct site_object *object, const char *name);

// Where an object stands in a document that is gone through from the outside inwards.
struct site_place {
	const struct site_place *outer;   // NULL: the document
	const struct site_object *object; // what it is
	const struct site_key *list;      // of the outer one, in which it is
	size_t index;                     // in the list
	const json_t *json;
};

enum { SITE_PATH_SIZE = 160 };

// Writes "switches[0].ports[3]"; of the document "".
void site_path(const struct site_place *place, char path[SITE_PATH_SIZE]);

// Checks a document against the table. Refuses with a sentence that begins with the path.
int site_check(const json_t *document, struct ctl_error *error);

// Called for each object that is an item, in the order of the document: one before those inside
// it. Returns 0 to go on.
typedef int site_visitor(void *context, const struct site_place *place, struct ctl_error *error);

// Visits the items of a document that site_check found right.
int site_walk(const json_t *document, site_visitor *visit, void *context, struct ctl_error *error);

// One item with what it points to, other than texts of the document: a single allocation but for
// the body. Free with site_item_free.
struct site_item {
	Weir__Control__Item item;
	uint8_t *body; // NULL, or what the policy's body points to
};

// The item at a place. cache has the schemas of all extensions that have a body in the document.
int site_item_make(const struct site_place *place, struct invocation *in, struct types_cache *cache,
	struct site_item **item, struct ctl_error *error);
void site_item_free(struct site_item *item); // accepts NULL

// A document while it is put together from the items that the daemon exports. Starts as zeros;
// finish with site_builder_fini.
struct site_builder {
	json_t *document;
	json_t *targets; // what policies are put on, by the target's name: borrowed objects
	struct site_body *bodies;
	size_t n_bodies, capacity;
};

// Adds the items of one reply: what is inside another after that.
int site_builder_add(
	struct site_builder *builder, const Weir__Control__ItemRows *rows, struct ctl_error *error);

// Decodes the bodies, which needs the daemon. The document is then whole, and still the builder's.
int site_builder_finish(
	struct site_builder *builder, struct invocation *in, struct ctl_error *error);
void site_builder_fini(struct site_builder *builder);

// The JSON Schema (draft 2020-12) of documents, a new reference, with the bodies of the policies
// that types (n_types of them) have. NULL: out of memory.
json_t *site_schema(const struct types *const *types, size_t n_types);

#endif
