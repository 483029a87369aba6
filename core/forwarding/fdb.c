// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "datapath/pages.h"
#include "forwarding/fdb_table.h"

enum {
	PORT_BUCKETS = 1024, // 16 KB
	// Places for entries in a grace period, beside those for a full table.
	SPARE_PLACES = 4096,
	AGAIN = -1, // of claim(): the entry is on its way out
};

// The number of buckets is fixed: a table that grows does so on a thread of liburcu's and by
// allocating inside the worker that noticed. A full table has chains of two to four.
static struct cds_lfht *create_table(unsigned long n_buckets)
{
	return cds_lfht_new_flavor(n_buckets, n_buckets, n_buckets, 0, &urcu_qsbr_flavor, NULL);
}

static unsigned long buckets_for(uint32_t max_entries)
{
	unsigned long n = 64;

	while (n < max_entries / 2)
		n *= 2;
	return n;
}

static struct fdb *refuse_create(int error)
{
	errno = error;
	return NULL;
}

struct fdb *fdb_create(struct generation *generation, uint32_t max_entries, uint32_t ageing_s)
{
	struct fdb init = { .generation = generation, .refs = 1 };
	struct fdb *fdb;

	init.max_entries = max_entries ? max_entries : FDB_ENTRIES_DEFAULT;
	init.n_places_max = 2 * init.max_entries + SPARE_PLACES;
	if (init.max_entries > FDB_ENTRIES_MAX || fdb_set_ageing(&init, ageing_s))
		return refuse_create(EINVAL);
	if (getrandom(init.seeds, sizeof(init.seeds), 0) != sizeof(init.seeds))
		return NULL;
	fdb = aligned_alloc(_Alignof(struct fdb), sizeof(*fdb));
	if (!fdb)
		return NULL;
	init.places = pages_reserve(init.n_places_max * sizeof(*init.places));
	if (!init.places)
		goto free_fdb;
	init.entries = create_table(buckets_for(init.max_entries));
	if (!init.entries)
		goto release_places;
	init.ports = create_table(PORT_BUCKETS);
	if (!init.ports)
		goto destroy_entries;
	*fdb = init;
	return fdb;

destroy_entries:
	cds_lfht_destroy(init.entries, NULL);
release_places:
	pages_release(init.places, init.n_places_max * sizeof(*init.places));
free_fdb:
	free(fdb);
	return refuse_create(ENOMEM);
}

static void destroy_table(struct cds_lfht *table)
{
	int result = cds_lfht_destroy(table, NULL);

	assert(result == 0);
	(void)result;
}

// Nobody else reads any more, so that nodes can be freed as they are taken out. What waits for a
// grace period is in no table; its callbacks hold references to the places.
void fdb_destroy(struct fdb *fdb)
{
	struct cds_lfht_iter iter;
	struct cds_lfht_node *node;

	if (!fdb)
		return;
	cds_lfht_for_each (fdb->entries, &iter, node)
		cds_lfht_del(fdb->entries, node);
	destroy_table(fdb->entries);
	cds_lfht_for_each (fdb->ports, &iter, node) {
		cds_lfht_del(fdb->ports, node);
		free(caa_container_of(node, struct fdb_port, node));
	}
	destroy_table(fdb->ports);
	fdb_put(fdb);
}

// Group addresses and 00:00:00:00:00:00 are no station's.
static bool learnable(uint16_t vlan, const uint8_t mac[6])
{
	return vlan < FDB_VLANS && !(mac[0] & 1) &&
	       (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]) != 0;
}

bool fdb_lookup(struct fdb *fdb, uint16_t vlan, const uint8_t mac[6], uint32_t *port)
{
	struct fdb_entry *entry = fdb_entry_find(fdb, generation_address(vlan, mac));
	const struct fdb_port *at;

	if (!entry)
		return false;
	at = fdb_where_port(__atomic_load_n(&entry->where, __ATOMIC_ACQUIRE));
	if (!at)
		return false;
	*port = at->id;
	return true;
}

// Never backwards: another worker may have read the clock later.
static void touch(struct fdb_entry *entry, uint32_t now_s)
{
	uint32_t seen_s = __atomic_load_n(&entry->seen_s, __ATOMIC_RELAXED);

	if ((int32_t)(now_s - seen_s) > 0)
		__atomic_store_n(&entry->seen_s, now_s, __ATOMIC_RELAXED);
}

bool fdb_refresh(
	struct fdb *fdb, uint16_t vlan, const uint8_t mac[6], uint32_t port, uint32_t now_s)
{
	struct fdb_entry *entry = fdb_entry_find(fdb, generation_address(vlan, mac));
	const struct fdb_port *at;

	if (!entry)
		return false;
	at = fdb_where_port(__atomic_load_n(&entry->where, __ATOMIC_ACQUIRE));
	if (!at || at->id != port)
		return false;
	touch(entry, now_s);
	return true;
}

static uint32_t limit_of(const struct fdb_port *port)
{
	uint32_t limit = __atomic_load_n(&port->limit, __ATOMIC_RELAXED);

	return limit ? limit : UINT32_MAX;
}

// Why fdb_port_get() refuses: a dead port is closed as well.
static int refusal(const struct fdb_port *port)
{
	return __atomic_load_n(&port->closed, __ATOMIC_SEQ_CST) ? FDB_NO_PORT : FDB_PORT_LIMIT;
}

// The caller has made the entry lead to the port, which was `before`.
static int settle(struct fdb *fdb, struct fdb_entry *entry, uintptr_t before, struct fdb_port *port,
	uint32_t *from)
{
	generation_move(fdb->generation, fdb_entry_slot(entry));
	if (before != FDB_NEW) {
		*from = fdb_where_port(before)->id;
		fdb_port_put(fdb_where_port(before));
	}
	// Either fdb_port_remove() has seen the entry, or its mark is seen here: each writes
	// before it reads.
	if (__atomic_load_n(&port->closed, __ATOMIC_SEQ_CST)) {
		fdb_entry_remove(fdb, entry, (uintptr_t)port);
		return FDB_NO_PORT;
	}
	return before == FDB_NEW ? FDB_LEARNED : FDB_MOVED;
}

// Makes an entry of the table lead to the port.
static int claim(struct fdb *fdb, struct fdb_entry *entry, struct fdb_port *port, uint32_t now_s,
	uint32_t *from)
{
	uintptr_t where = __atomic_load_n(&entry->where, __ATOMIC_ACQUIRE);

	while (fdb_where_port(where) != port) {
		if (where == FDB_FREE) {
			fdb_entry_unlink(fdb, entry);
			return AGAIN;
		}
		if (where & FDB_STATIC)
			return FDB_STATIC_CONFLICT;
		if (!fdb_port_get(port, limit_of(port)))
			return refusal(port);
		// Before the entry moves, or ageing could take it for an old one at the new port.
		touch(entry, now_s);
		if (__atomic_compare_exchange_n(&entry->where, &where, (uintptr_t)port, false,
			    __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE))
			return settle(fdb, entry, where, port, from);
		fdb_port_put(port);
	}
	touch(entry, now_s);
	return FDB_KNOWN;
}

// The port's reference is taken before there is an entry, so that none is made for nothing.
static int learn_new(
	struct fdb *fdb, uint64_t key, struct fdb_port *port, uint32_t now_s, uint32_t *from)
{
	uintptr_t where = FDB_NEW;
	struct fdb_entry *entry;
	bool inserted = false;

	if (!fdb_port_get(port, limit_of(port)))
		return refusal(port);
	if (!fdb_reserve(&fdb->n_learned, fdb->max_entries)) {
		fdb_port_put(port);
		return FDB_FULL;
	}
	entry = fdb_entry_insert(fdb, key, now_s, &inserted);
	if (inserted && __atomic_compare_exchange_n(&entry->where, &where, (uintptr_t)port, false,
				__ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return settle(fdb, entry, FDB_NEW, port, from);
	// Somebody else was faster, to insert or to claim.
	fdb_port_put(port);
	if (!inserted)
		fdb_release(&fdb->n_learned);
	return entry ? claim(fdb, entry, port, now_s, from) : FDB_FULL;
}

static int learn(
	struct fdb *fdb, uint64_t key, struct fdb_port *port, uint32_t now_s, uint32_t *from)
{
	int outcome;

	do {
		struct fdb_entry *entry = fdb_entry_find(fdb, key);

		outcome = entry ? claim(fdb, entry, port, now_s, from)
				: learn_new(fdb, key, port, now_s, from);
	} while (outcome == AGAIN);
	return outcome;
}

enum fdb_outcome fdb_learn(struct fdb *fdb, uint16_t vlan, const uint8_t mac[6], uint32_t port_id,
	uint32_t now_s, uint32_t *from)
{
	struct fdb_port *port;
	uint32_t unused;
	int outcome = FDB_INVALID;

	// What most new flows find: nothing to learn, and no need to look for the port.
	if (fdb_refresh(fdb, vlan, mac, port_id, now_s))
		return FDB_KNOWN;
	port = fdb_port_find(fdb, port_id);
	if (!port)
		outcome = FDB_NO_PORT;
	else if (learnable(vlan, mac))
		outcome = learn(
			fdb, generation_address(vlan, mac), port, now_s, from ? from : &unused);
	if (outcome != FDB_KNOWN)
		__atomic_fetch_add(&fdb->outcomes[outcome], 1, __ATOMIC_RELAXED);
	return outcome;
}

enum fdb_outcome fdb_would_learn(
	struct fdb *fdb, uint16_t vlan, const uint8_t mac[6], uint32_t port_id, uint32_t *from)
{
	const struct fdb_entry *entry = fdb_entry_find(fdb, generation_address(vlan, mac));
	uintptr_t where = entry ? __atomic_load_n(&entry->where, __ATOMIC_ACQUIRE) : 0;
	const struct fdb_port *at = fdb_where_port(where);
	const struct fdb_port *port = fdb_port_find(fdb, port_id);

	if (at && at->id == port_id)
		return FDB_KNOWN;
	if (!port)
		return FDB_NO_PORT;
	if (!learnable(vlan, mac))
		return FDB_INVALID;
	if (where & FDB_STATIC)
		return FDB_STATIC_CONFLICT;
	// One of the references is the table's own.
	if (__atomic_load_n(&port->refs, __ATOMIC_RELAXED) - 1 >= limit_of(port))
		return FDB_PORT_LIMIT;
	if (at) {
		if (from)
			*from = at->id;
		return FDB_MOVED;
	}
	return __atomic_load_n(&fdb->n_learned, __ATOMIC_RELAXED) < fdb->max_entries ? FDB_LEARNED
										     : FDB_FULL;
}
