// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <stdlib.h>

#include "datapath/pages.h"
#include "forwarding/fdb_table.h"

// ---- Ports

static unsigned long port_hash(uint32_t id)
{
	return (unsigned long)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static int port_matches(struct cds_lfht_node *node, const void *key)
{
	const struct fdb_port *port = caa_container_of(node, struct fdb_port, node);

	// Pairs with the release in fdb_port_add(): liburcu's own ordering is not seen by
	// ThreadSanitizer.
	__atomic_load_n(&port->refs, __ATOMIC_ACQUIRE);
	return port->id == *(const uint32_t *)key;
}

struct fdb_port *fdb_port_find(struct fdb *fdb, uint32_t id)
{
	struct cds_lfht_iter iter;

	cds_lfht_lookup(fdb->ports, port_hash(id), port_matches, &id, &iter);
	return iter.node ? caa_container_of(iter.node, struct fdb_port, node) : NULL;
}

int fdb_port_add(struct fdb *fdb, uint32_t id, uint32_t limit)
{
	struct fdb_port *port = calloc(1, sizeof(*port));
	struct cds_lfht_node *node;

	if (!port)
		return -ENOMEM;
	port->id = id;
	port->limit = limit;
	cds_lfht_node_init(&port->node);
	__atomic_store_n(&port->refs, 1, __ATOMIC_RELEASE);
	node = cds_lfht_add_unique(fdb->ports, port_hash(id), port_matches, &id, &port->node);
	if (node == &port->node)
		return 0;
	free(port);
	return -EEXIST;
}

bool fdb_port_get(struct fdb_port *port, uint32_t max)
{
	uint32_t refs = __atomic_load_n(&port->refs, __ATOMIC_RELAXED);

	do {
		if (refs == 0 || refs - 1 >= max)
			return false;
	} while (!__atomic_compare_exchange_n(
		&port->refs, &refs, refs + 1, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return true;
}

static void free_port(struct rcu_head *head)
{
	RCU_ACQUIRE_EDGE();
	free(caa_container_of(head, struct fdb_port, rcu));
}

void fdb_port_put(struct fdb_port *port)
{
	if (__atomic_sub_fetch(&port->refs, 1, __ATOMIC_ACQ_REL) == 0)
		rcu_free_later(&port->rcu, free_port);
}

// ---- Places: a stack of those that were freed (Treiber's; the number of changes beside the index
// keeps a pop from mistaking a place that came back for one that never left), then those never
// used.

static struct fdb_entry *take_fresh(struct fdb *fdb)
{
	uint32_t n = __atomic_load_n(&fdb->n_used, __ATOMIC_RELAXED);

	do {
		if (n == fdb->n_places_max)
			return NULL;
	} while (!__atomic_compare_exchange_n(
		&fdb->n_used, &n, n + 1, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	return &fdb->places[n];
}

static uint64_t free_link(uint64_t old, uint32_t index)
{
	return ((old >> 32) + 1) << 32 | index;
}

static struct fdb_entry *take_place(struct fdb *fdb)
{
	uint64_t first = __atomic_load_n(&fdb->free, __ATOMIC_ACQUIRE);

	while ((uint32_t)first != 0) {
		struct fdb_entry *entry = &fdb->places[(uint32_t)first - 1];
		uint32_t next = __atomic_load_n(&entry->next_free, __ATOMIC_RELAXED);

		if (__atomic_compare_exchange_n(&fdb->free, &first, free_link(first, next), true,
			    __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE))
			return entry;
	}
	return take_fresh(fdb);
}

static void give_place(struct fdb *fdb, struct fdb_entry *entry)
{
	uint64_t first = __atomic_load_n(&fdb->free, __ATOMIC_RELAXED);
	uint32_t index = (uint32_t)(entry - fdb->places) + 1;

	do {
		__atomic_store_n(&entry->next_free, (uint32_t)first, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&fdb->free, &first, free_link(first, index), true,
		__ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static void free_place(struct rcu_head *head)
{
	struct fdb_entry *entry = caa_container_of(head, struct fdb_entry, rcu);
	struct fdb *fdb;

	RCU_ACQUIRE_EDGE();
	fdb = entry->fdb;
	give_place(fdb, entry);
	fdb_put(fdb);
}

void fdb_put(struct fdb *fdb)
{
	if (__atomic_sub_fetch(&fdb->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	pages_release(fdb->places, fdb->n_places_max * sizeof(*fdb->places));
	free(fdb);
}

// ---- Entries

// Two rounds of multiply and fold with secret seeds, so that a sender cannot aim at one chain.
static unsigned long entry_hash(const struct fdb *fdb, uint64_t key)
{
	uint64_t h = (key ^ fdb->seeds[0]) * (fdb->seeds[1] | 1);

	h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return (unsigned long)(h ^ h >> 32);
}

static int entry_matches(struct cds_lfht_node *node, const void *key)
{
	const struct fdb_entry *entry = caa_container_of(node, struct fdb_entry, node);

	// Pairs with the release in fdb_entry_insert(), as in port_matches().
	__atomic_load_n(&entry->where, __ATOMIC_ACQUIRE);
	return entry->key == *(const uint64_t *)key;
}

struct fdb_entry *fdb_entry_find(struct fdb *fdb, uint64_t key)
{
	struct cds_lfht_iter iter;

	cds_lfht_lookup(fdb->entries, entry_hash(fdb, key), entry_matches, &key, &iter);
	return iter.node ? caa_container_of(iter.node, struct fdb_entry, node) : NULL;
}

struct fdb_entry *fdb_entry_insert(struct fdb *fdb, uint64_t key, uint32_t now_s, bool *inserted)
{
	struct fdb_entry *entry = take_place(fdb);
	struct cds_lfht_node *node;

	if (!entry)
		return NULL;
	cds_lfht_node_init(&entry->node);
	entry->fdb = fdb;
	entry->key = key;
	__atomic_store_n(&entry->seen_s, now_s, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->where, FDB_NEW, __ATOMIC_RELEASE);
	node = cds_lfht_add_unique(
		fdb->entries, entry_hash(fdb, key), entry_matches, &key, &entry->node);
	*inserted = node == &entry->node;
	if (!*inserted) {
		// Was never in the table; who scans the places leaves a NEW one alone.
		__atomic_store_n(&entry->where, FDB_FREE, __ATOMIC_RELAXED);
		give_place(fdb, entry);
	}
	return caa_container_of(node, struct fdb_entry, node);
}

void fdb_entry_unlink(struct fdb *fdb, struct fdb_entry *entry)
{
	// One caller wins: only it knows that the node is out of reach and may be given back. The
	// address is unknown since `where` became FREE, so moving the generation twice, or before
	// a slower caller's unlinking is done, is harmless; moving it too late is not.
	bool unlinked = cds_lfht_del(fdb->entries, &entry->node) == 0;

	generation_move(fdb->generation, fdb_entry_slot(entry));
	if (unlinked) {
		__atomic_fetch_add(&fdb->refs, 1, __ATOMIC_RELAXED);
		rcu_free_later(&entry->rcu, free_place);
	}
}

bool fdb_entry_remove(struct fdb *fdb, struct fdb_entry *entry, uintptr_t where)
{
	if (!__atomic_compare_exchange_n(
		    &entry->where, &where, FDB_FREE, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return false;
	fdb_entry_unlink(fdb, entry);
	fdb_release(where & FDB_STATIC ? &fdb->n_static : &fdb->n_learned);
	fdb_port_put(fdb_where_port(where));
	return true;
}
