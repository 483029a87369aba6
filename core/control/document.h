// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The document that a client is sending (apply_add), until it is applied (apply_commit), forgotten
// (apply_abort), or gone with the connection.
//
// A document is whole or not at all: when a message of it is refused, for whatever reason, it is
// dropped, and the rest of it is refused too, up to the apply_commit or apply_abort that ends it. A
// client that sends everything without waiting for answers thus never applies a part.
//
// Bounds: DOCUMENT_CLIENT_BYTES for each client and DOCUMENT_SERVER_BYTES for all, and the server's
// document_ms between two messages: after that the document is dropped as when one is refused, so
// that nobody keeps the memory from others by staying connected. Control thread only.
#ifndef CONTROL_DOCUMENT_H
#define CONTROL_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/embed.h>

enum {
	DOCUMENT_CLIENT_BYTES = 256 << 20,
	DOCUMENT_SERVER_BYTES = 512 << 20,
};

struct client;

struct staged {
	struct weir_document *document; // NULL: none was begun
	size_t size;                    // bytes, as counted in the server's `staged`
	size_t n_items;                 // sent so far
	uint64_t moved_ms;              // when the last of them came, in the loop's time
	bool spoiled;                   // a message was refused: nothing is applied
	bool expired;                   // spoiled because no message came
};

// Forgets the client's document, spoiled or not.
void document_drop(struct client *client);

// Drops it when nothing of it has come for the server's document_ms.
void document_check_age(struct client *client);

// A request was refused before its handler ran. number: of its field, 0 when it cannot be told. One
// that may have added to the document, or was to forget it, spoils it; an apply_commit ends it.
// error: its field is made to count the items of all messages.
void document_refused(struct client *client, uint32_t number, struct weir_error *error);

#endif
