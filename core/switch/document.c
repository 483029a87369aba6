// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/sized.h"
#include "switch/document.h"

// ---- What an item is about

enum { PARTS_MAX = 3 };

// The names that no two items of a document have in common.
struct identity {
	unsigned n;
	const char *parts[PARTS_MAX];
	char mac[32], vlan[8]; // room for canonical texts
};

// Two spellings of one address are one address. What is too long to be one is refused later.
static const char *lower(const char *text, char room[/* size */], size_t size)
{
	size_t n = 0;

	for (; n < size - 1 && text[n]; n++)
		room[n] = (char)tolower((unsigned char)text[n]);
	room[n] = '\0';
	return room;
}

static void identify(const struct weir_item *item, struct identity *id)
{
	const char *owner = item->kind <= WEIR_ITEM_PORT || item->kind == WEIR_ITEM_FDB
				    ? item->switch_name
				    : item->target;

	*id = (struct identity){ .n = 2, .parts = { owner, item->name } };
	switch (item->kind) {
	case WEIR_ITEM_SWITCH:
		id->n = 1;
		break;
	case WEIR_ITEM_PORT: // their names are unique whatever the switch
		id->n = 1;
		id->parts[0] = item->name;
		break;
	case WEIR_ITEM_POLICY:
		id->parts[id->n++] = item->policy.id;
		break;
	case WEIR_ITEM_FDB:
		id->parts[1] = item->fdb.mac ? lower(item->fdb.mac, id->mac, sizeof(id->mac))
					     : NULL;
		snprintf(id->vlan, sizeof(id->vlan), "%u", item->fdb.vlan);
		id->parts[id->n++] = id->vlan;
		break;
	case WEIR_ITEM_METER:
		id->parts[id->n++] = item->meter.id;
		break;
	default:
		break;
	}
}

static uint32_t hash_of(enum weir_item_kind kind, const struct identity *id)
{
	char first[2] = { (char)kind, '\0' };
	uint32_t hash = index_hash(0, first);

	for (unsigned i = 0; i < id->n; i++)
		hash = index_hash(hash, id->parts[i]);
	return hash;
}

static bool is_about(const struct weir_item *item, const struct identity *id)
{
	struct identity other;

	identify(item, &other);
	for (unsigned i = 0; i < id->n; i++)
		if (strcmp(id->parts[i], other.parts[i]) != 0)
			return false;
	return true;
}

static const struct document_entry *find(const struct weir_document *d, enum weir_item_kind kind,
	const struct identity *id, uint32_t hash)
{
	struct index_entry *at = index_find(&d->names, hash);

	for (; at; at = index_next(at)) {
		const struct document_entry *entry = index_thing(
			at, struct document_entry, by_name);

		if (entry->item.kind == kind && is_about(&entry->item, id))
			return entry;
	}
	return NULL;
}

const struct document_entry *document_find(
	const struct weir_document *d, const struct weir_item *key)
{
	struct identity id;

	identify(key, &id);
	return find(d, key->kind, &id, hash_of(key->kind, &id));
}

// ---- Copying

// Texts that stay what they were are copied once. False: no memory.
static bool copy_repeated(struct weir_document *d, const char **text, const char **last)
{
	if (!*text)
		return true;
	if (!*last || strcmp(*text, *last) != 0)
		*last = arena_text(&d->arena, *text);
	*text = *last;
	return *text != NULL;
}

static bool copy_text(struct weir_document *d, const char **text)
{
	if (*text)
		*text = arena_text(&d->arena, *text);
	else
		return true;
	return *text != NULL;
}

static bool copy_bytes(struct weir_document *d, const void **bytes, size_t size)
{
	*bytes = arena_copy(&d->arena, *bytes, size);
	return *bytes != NULL;
}

static bool copy_rest(struct weir_document *d, struct weir_item *item)
{
	switch (item->kind) {
	case WEIR_ITEM_EXTENSION:
		return copy_text(d, &item->extension.path);
	case WEIR_ITEM_PORT:
		return copy_text(d, &item->port.nic) && copy_text(d, &item->port.vlan) &&
		       copy_text(d, &item->port.mac);
	case WEIR_ITEM_POLICY:
		return copy_repeated(d, &item->policy.type, &d->last_type) &&
		       copy_text(d, &item->policy.id) &&
		       copy_bytes(d, &item->policy.bytes, item->policy.size);
	case WEIR_ITEM_FDB:
		return copy_text(d, &item->fdb.mac) && copy_text(d, &item->fdb.port);
	case WEIR_ITEM_METER:
		return copy_text(d, &item->meter.id);
	case WEIR_ITEM_SAVED:
		return copy_bytes(d, &item->saved.bytes, item->saved.size);
	default:
		return true;
	}
}

static struct document_entry *copy(struct weir_document *d, const struct weir_item *item)
{
	struct document_entry *entry = arena_alloc(&d->arena, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->item = *item;
	if (!copy_repeated(d, &entry->item.switch_name, &d->last_switch) ||
		!copy_repeated(d, &entry->item.target, &d->last_target) ||
		!copy_repeated(d, &entry->item.name, &d->last_name) || !copy_rest(d, &entry->item))
		return NULL;
	return entry;
}

// ---- Adding

__attribute__((format(printf, 5, 6))) static int refuse(const struct weir_document *d,
	struct weir_error *error, int code, const char *field, const char *format, ...)
{
	char path[64], message[300];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	snprintf(path, sizeof(path), "items[%zu]%s%s", d->n_items, field ? "." : "",
		field ? field : "");
	return weir_refuse(error, code, path, "%s", message);
}

static int check_names(
	const struct weir_document *d, const struct weir_item *item, struct weir_error *error)
{
	static const char *const fields[N_ITEM_KINDS][PARTS_MAX] = {
		[WEIR_ITEM_SWITCH] = { "switch_name" },
		[WEIR_ITEM_EXTENSION] = { "switch_name", "name" },
		[WEIR_ITEM_PORT] = { "name" },
		[WEIR_ITEM_POLICY] = { "target", "name", "id" },
		[WEIR_ITEM_FDB] = { "switch_name", "mac", "vlan" },
		[WEIR_ITEM_METER] = { "target", "name", "id" },
		[WEIR_ITEM_SAVED] = { "target", "name" },
	};
	struct identity id;

	if (item->kind < WEIR_ITEM_SWITCH || item->kind > WEIR_ITEM_SAVED)
		return refuse(d, error, -EINVAL, "kind", "kind %d: must be %d to %d", item->kind,
			WEIR_ITEM_SWITCH, WEIR_ITEM_SAVED);
	identify(item, &id);
	for (unsigned i = 0; i < id.n; i++)
		if (!id.parts[i] || !*id.parts[i])
			return refuse(d, error, -EINVAL, fields[item->kind][i], "%s: must be given",
				fields[item->kind][i]);
	if (item->kind == WEIR_ITEM_PORT && (!item->switch_name || !*item->switch_name))
		return refuse(d, error, -EINVAL, "switch_name", "switch_name: must be given");
	if (item->kind == WEIR_ITEM_FDB && (!item->fdb.port || !*item->fdb.port))
		return refuse(d, error, -EINVAL, "port", "port: must be given");
	return 0;
}

static int refuse_second(const struct weir_document *d, const struct document_entry *first,
	const struct identity *id, struct weir_error *error)
{
	static const char *const kinds[N_ITEM_KINDS] = { [WEIR_ITEM_SWITCH] = "switch",
		[WEIR_ITEM_EXTENSION] = "extension",
		[WEIR_ITEM_PORT] = "port",
		[WEIR_ITEM_POLICY] = "policy",
		[WEIR_ITEM_FDB] = "static entry",
		[WEIR_ITEM_METER] = "meter",
		[WEIR_ITEM_SAVED] = "saved state" };

	return refuse(d, error, -EEXIST, NULL,
		"%s \"%.64s%s%.64s%s%.64s\": is in the document already, as items[%zu]",
		kinds[first->item.kind], id->parts[0], id->n > 1 ? " " : "",
		id->n > 1 ? id->parts[1] : "", id->n > 2 ? " " : "", id->n > 2 ? id->parts[2] : "",
		first->number);
}

// What all kinds have, and the longest of what one kind has.
_Static_assert(sizeof(((struct weir_item *)NULL)->port) ==
		       sizeof(struct weir_item) - offsetof(struct weir_item, port),
	"the end of a port's is the end of the first version of struct weir_item");

static int take(const struct weir_document *d, const struct weir_item *given,
	struct weir_item *item, struct weir_error *error)
{
	struct weir_error why;
	int failed = SIZED_TAKE(weir_item, port, item, given, &why);

	return failed ? refuse(d, error, failed, why.field, "%s", why.message) : 0;
}

int weir_document_add(
	struct weir_document *d, const struct weir_item *given, struct weir_error *error)
{
	struct weir_item taken, *item = &taken;
	int failed = take(d, given, item, error);
	const struct document_entry *first;
	struct document_entry *entry;
	struct identity id;
	uint32_t hash;

	if (!failed)
		failed = check_names(d, item, error);
	if (failed)
		return failed;
	identify(item, &id);
	hash = hash_of(item->kind, &id);
	first = find(d, item->kind, &id, hash);
	if (first)
		return refuse_second(d, first, &id, error);
	entry = copy(d, item);
	if (!entry)
		return refuse(d, error, -ENOMEM, NULL, "no memory");
	entry->number = d->n_items++;
	index_add(&d->names, &entry->by_name, hash);
	*d->end[item->kind] = entry;
	d->end[item->kind] = &entry->next;
	return 0;
}

// ---- Life

struct weir_document *weir_document_create(void)
{
	struct weir_document *d = calloc(1, sizeof(*d));

	for (unsigned kind = 0; d && kind < N_ITEM_KINDS; kind++)
		d->end[kind] = &d->first[kind];
	return d;
}

void weir_document_destroy(struct weir_document *d)
{
	if (!d)
		return;
	index_fini(&d->names);
	arena_fini(&d->arena);
	free(d);
}

size_t weir_document_n_items(const struct weir_document *d)
{
	return d->n_items;
}

size_t weir_document_size(const struct weir_document *d)
{
	return sizeof(*d) + d->arena.size + d->names.n_buckets * sizeof(*d->names.buckets);
}
