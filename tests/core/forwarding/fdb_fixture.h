// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A small forwarding database on one thread, with addresses that are numbers.
#ifndef FDB_FIXTURE_H
#define FDB_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/rcu.h"
#include "forwarding/fdb.h"

enum { MAX_ENTRIES = 6, AGEING = 300, N_PORTS = 5, LIMITED_PORT = 4, PORT_LIMIT = 2, NO_PORT = -1 };

static struct generation *generation;
static struct fdb *fdb;

static inline void mac_of(unsigned n, uint8_t mac[6])
{
	const uint8_t bytes[6] = { 0x02, 0, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	memcpy(mac, bytes, 6);
}

static inline int setup(void **state)
{
	(void)state;
	rcu_register();
	generation = generation_create();
	fdb = fdb_create(generation, MAX_ENTRIES, AGEING);
	if (!generation || !fdb)
		return -1;
	for (uint32_t port = 0; port < N_PORTS; port++)
		if (fdb_port_add(fdb, port, port == LIMITED_PORT ? PORT_LIMIT : 0))
			return -1;
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	fdb_destroy(fdb);
	rcu_leave();
	rcu_drain();
	rcu_enter();
	rcu_unregister();
	generation_destroy(generation);
	return 0;
}

static inline enum fdb_outcome learn(uint16_t vlan, unsigned n, uint32_t port, uint32_t now_s)
{
	uint8_t mac[6];

	mac_of(n, mac);
	return fdb_learn(fdb, vlan, mac, port, now_s, NULL);
}

static inline bool refresh(uint16_t vlan, unsigned n, uint32_t port, uint32_t now_s)
{
	uint8_t mac[6];

	mac_of(n, mac);
	return fdb_refresh(fdb, vlan, mac, port, now_s);
}

static inline int add_static(uint16_t vlan, unsigned n, uint32_t port)
{
	uint8_t mac[6];

	mac_of(n, mac);
	return fdb_add_static(fdb, vlan, mac, port, NULL);
}

static inline int remove_address(uint16_t vlan, unsigned n)
{
	uint8_t mac[6];

	mac_of(n, mac);
	return fdb_remove(fdb, vlan, mac, NULL);
}

static inline int lookup(uint16_t vlan, unsigned n)
{
	uint8_t mac[6];
	uint32_t port = 99;

	mac_of(n, mac);
	if (fdb_lookup(fdb, vlan, mac, &port))
		return (int)port;
	assert_int_equal(port, 99); // untouched
	return NO_PORT;
}

static inline uint64_t slot_time(uint16_t vlan, unsigned n)
{
	uint8_t mac[6];

	mac_of(n, mac);
	return generation_slot_time(
		generation, generation_slot(GENERATION_ADDRESS, generation_address(vlan, mac)));
}

static inline void age_all(uint32_t now_s)
{
	fdb_age(fdb, now_s, fdb_n_places(fdb));
}

#endif
