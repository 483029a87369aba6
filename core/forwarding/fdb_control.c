// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the control thread does to the forwarding database while workers use it.
#include <errno.h>

#include "forwarding/fdb_table.h"

static uint16_t vlan_of(uint64_t key)
{
	return (uint16_t)(key >> 48);
}

static uint32_t age_of(const struct fdb_entry *entry, uint32_t now_s)
{
	int32_t age_s = (int32_t)(now_s - __atomic_load_n(&entry->seen_s, __ATOMIC_RELAXED));

	return age_s > 0 ? (uint32_t)age_s : 0;
}

// The state of a place, 0 when there is no entry that leads to a port. Otherwise its key can be
// read until the next quiescent state.
static uintptr_t look(const struct fdb_entry *entry)
{
	uintptr_t where = __atomic_load_n(&entry->where, __ATOMIC_SEQ_CST);

	return where == FDB_NEW ? 0 : where;
}

uint32_t fdb_n_places(const struct fdb *fdb)
{
	return __atomic_load_n(&fdb->n_used, __ATOMIC_SEQ_CST);
}

// ---- Ports

int fdb_port_limit(struct fdb *fdb, uint32_t id, uint32_t limit)
{
	struct fdb_port *port = fdb_port_find(fdb, id);

	if (!port)
		return -ENOENT;
	__atomic_store_n(&port->limit, limit, __ATOMIC_RELAXED);
	return 0;
}

// Removes the entry whatever it becomes meanwhile, as long as it leads to the port.
static void remove_from(struct fdb *fdb, struct fdb_entry *entry, const struct fdb_port *port)
{
	uintptr_t where = look(entry);

	while (fdb_where_port(where) == port && !fdb_entry_remove(fdb, entry, where))
		where = look(entry);
}

void fdb_port_remove(struct fdb *fdb, uint32_t id)
{
	struct fdb_port *port = fdb_port_find(fdb, id);

	if (!port)
		return;
	// No worker finds it any more; one that has already found it sees the mark when it has
	// learned, and takes its entry back.
	cds_lfht_del(fdb->ports, &port->node);
	__atomic_store_n(&port->closed, true, __ATOMIC_SEQ_CST);
	// The last reference beside the table's went with the last entry: a port that learned
	// nothing costs no scan.
	for (uint32_t i = 0;
		__atomic_load_n(&port->refs, __ATOMIC_SEQ_CST) > 1 && i < fdb_n_places(fdb); i++)
		remove_from(fdb, &fdb->places[i], port);
	fdb_port_put(port);
}

// ---- Ageing and flushing

int fdb_set_ageing(struct fdb *fdb, uint32_t ageing_s)
{
	if (ageing_s > FDB_AGEING_MAX)
		return -EINVAL;
	fdb->ageing_s = ageing_s ? ageing_s : FDB_AGEING_DEFAULT;
	return 0;
}

static bool age(struct fdb *fdb, struct fdb_entry *entry, uint32_t now_s)
{
	uintptr_t where = look(entry);

	return where && !(where & FDB_STATIC) && age_of(entry, now_s) >= fdb->ageing_s &&
	       fdb_entry_remove(fdb, entry, where);
}

uint32_t fdb_age(struct fdb *fdb, uint32_t now_s, uint32_t n_places)
{
	uint32_t n_used = fdb_n_places(fdb);
	uint32_t n = n_places < n_used ? n_places : n_used;
	uint32_t aged = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (fdb->cursor >= n_used)
			fdb->cursor = 0;
		aged += age(fdb, &fdb->places[fdb->cursor++], now_s);
	}
	__atomic_fetch_add(&fdb->aged, aged, __ATOMIC_RELAXED);
	return aged;
}

static bool flush(struct fdb *fdb, struct fdb_entry *entry, int64_t port, int vlan)
{
	uintptr_t where = look(entry);

	while (where && !(where & FDB_STATIC)) {
		if (port != FDB_ANY && fdb_where_port(where)->id != port)
			return false;
		if (vlan != FDB_ANY && vlan_of(entry->key) != vlan)
			return false;
		if (fdb_entry_remove(fdb, entry, where))
			return true;
		where = look(entry); // it moved
	}
	return false;
}

uint32_t fdb_flush(struct fdb *fdb, int64_t port, int vlan)
{
	uint32_t flushed = 0;

	for (uint32_t i = 0; i < fdb_n_places(fdb); i++)
		flushed += flush(fdb, &fdb->places[i], port, vlan);
	return flushed;
}

// ---- Static entries

// The entry of the key in the table, made when there is none; NULL when there is no place.
static struct fdb_entry *find_or_insert(struct fdb *fdb, uint64_t key)
{
	struct fdb_entry *entry = fdb_entry_find(fdb, key);
	bool inserted = false;

	if (entry)
		return entry;
	// Counts as a learned one, if need be beyond their greatest number, for the moment until
	// it turns static.
	__atomic_fetch_add(&fdb->n_learned, 1, __ATOMIC_RELAXED);
	entry = fdb_entry_insert(fdb, key, 0, &inserted);
	if (!inserted)
		fdb_release(&fdb->n_learned);
	return entry;
}

// The references that the entry holds in its new state are the caller's to give.
static bool turn_static(struct fdb *fdb, struct fdb_entry *entry, struct fdb_port *port)
{
	uintptr_t where = __atomic_load_n(&entry->where, __ATOMIC_ACQUIRE);

	do {
		if (where == FDB_FREE) {
			fdb_entry_unlink(fdb, entry);
			return false;
		}
	} while (!__atomic_compare_exchange_n(&entry->where, &where, (uintptr_t)port | FDB_STATIC,
		false, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE));
	generation_move(fdb->generation, fdb_entry_slot(entry));
	fdb_release(where & FDB_STATIC ? &fdb->n_static : &fdb->n_learned);
	if (where != FDB_NEW)
		fdb_port_put(fdb_where_port(where));
	return true;
}

static int add_static(struct fdb *fdb, uint64_t key, struct fdb_port *port)
{
	struct fdb_entry *entry;

	// One more than allowed where a static entry replaces another; it is given back below.
	__atomic_fetch_add(&fdb->n_static, 1, __ATOMIC_RELAXED);
	fdb_port_get(port, UINT32_MAX); // removed by this thread only: alive
	do {
		entry = find_or_insert(fdb, key);
	} while (entry && !turn_static(fdb, entry, port));
	if (entry)
		return 0;
	fdb_port_put(port);
	fdb_release(&fdb->n_static);
	return -ENOSPC;
}

static bool is_static(struct fdb *fdb, uint64_t key)
{
	struct fdb_entry *entry = fdb_entry_find(fdb, key);

	return entry && (look(entry) & FDB_STATIC);
}

bool fdb_is_static(struct fdb *fdb, uint16_t vlan, const uint8_t mac[6])
{
	return is_static(fdb, generation_address(vlan, mac));
}

static int refuse_address(
	struct weir_error *error, int code, const uint8_t mac[6], const char *sentence)
{
	return weir_refuse(error, code, "mac", "address \"%02x:%02x:%02x:%02x:%02x:%02x\": %s",
		mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], sentence);
}

int fdb_add_static(struct fdb *fdb, uint16_t vlan, const uint8_t mac[6], uint32_t port_id,
	struct weir_error *error)
{
	struct fdb_port *port = fdb_port_find(fdb, port_id);
	uint64_t key = generation_address(vlan, mac);

	if (vlan > 4094)
		return weir_refuse(error, -EINVAL, "vlan", "vlan \"%u\": must be 0 to 4094", vlan);
	if (mac[0] & 1 || generation_address(0, mac) == 0)
		return refuse_address(
			error, -EINVAL, mac, "must be a unicast address and not 00:00:00:00:00:00");
	if (!port)
		return weir_refuse(
			error, -ENOENT, "port", "port %u: no such port on the switch", port_id);
	if ((__atomic_load_n(&fdb->n_static, __ATOMIC_RELAXED) < fdb->max_entries ||
		    is_static(fdb, key)) &&
		add_static(fdb, key, port) == 0)
		return 0;
	return weir_refuse(error, -ENOSPC, "mac",
		"static entries: the switch has as many as it can hold, %u", fdb->max_entries);
}

int fdb_remove(struct fdb *fdb, uint16_t vlan, const uint8_t mac[6], struct weir_error *error)
{
	struct fdb_entry *entry = fdb_entry_find(fdb, generation_address(vlan, mac));
	uintptr_t where = entry ? look(entry) : 0;

	while (where) {
		if (fdb_entry_remove(fdb, entry, where))
			return 0;
		where = look(entry);
	}
	return weir_refuse(error, -ENOENT, "mac",
		"address \"%02x:%02x:%02x:%02x:%02x:%02x\": not known in VLAN %u", mac[0], mac[1],
		mac[2], mac[3], mac[4], mac[5], vlan);
}

// ---- Reading

static void fill(
	struct fdb_row *row, const struct fdb_entry *entry, uintptr_t where, uint32_t now_s)
{
	row->vlan = vlan_of(entry->key);
	for (int i = 0; i < 6; i++)
		row->mac[i] = (uint8_t)(entry->key >> (40 - 8 * i));
	row->port = fdb_where_port(where)->id;
	row->is_static = where & FDB_STATIC;
	row->age_s = row->is_static ? 0 : age_of(entry, now_s);
}

void fdb_list(struct fdb *fdb, uint32_t now_s,
	void (*each)(void *context, const struct fdb_row *row), void *context)
{
	for (uint32_t i = 0; i < fdb_n_places(fdb); i++) {
		uintptr_t where = look(&fdb->places[i]);
		struct fdb_row row;

		if (!where)
			continue;
		fill(&row, &fdb->places[i], where, now_s);
		each(context, &row);
	}
}

static uint64_t outcomes(const struct fdb *fdb, enum fdb_outcome outcome)
{
	return __atomic_load_n(&fdb->outcomes[outcome], __ATOMIC_RELAXED);
}

void fdb_counts(const struct fdb *fdb, struct fdb_counts *counts)
{
	*counts = (struct fdb_counts){
		.n_learned = __atomic_load_n(&fdb->n_learned, __ATOMIC_RELAXED),
		.n_static = __atomic_load_n(&fdb->n_static, __ATOMIC_RELAXED),
		.max_entries = fdb->max_entries,
		.learned = outcomes(fdb, FDB_LEARNED),
		.moved = outcomes(fdb, FDB_MOVED),
		.aged = __atomic_load_n(&fdb->aged, __ATOMIC_RELAXED),
		.refused_full = outcomes(fdb, FDB_FULL),
		.refused_port_limit = outcomes(fdb, FDB_PORT_LIMIT),
		.refused_static = outcomes(fdb, FDB_STATIC_CONFLICT),
	};
}
