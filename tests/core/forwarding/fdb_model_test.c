// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The forwarding database against a model: an array of what every address leads to.
#include "fdb_fixture.h"

enum { N_VLANS = 3, N_MACS = 8, N_KEYS = N_VLANS * N_MACS, OPERATIONS = 60000 };

static struct {
	int port; // NO_PORT: unknown
	bool is_static;
	uint32_t seen_s;
} model[N_KEYS];
static bool model_port[N_PORTS];
static uint32_t now_s;

static unsigned count(int port, int is_static)
{
	unsigned n = 0;

	for (int key = 0; key < N_KEYS; key++)
		n += model[key].port != NO_PORT && (port == FDB_ANY || model[key].port == port) &&
		     (is_static == FDB_ANY || model[key].is_static == is_static);
	return n;
}

static enum fdb_outcome model_learn(int key, int port)
{
	enum fdb_outcome outcome;

	if (!model_port[port])
		return FDB_NO_PORT;
	if (model[key].port == port) {
		model[key].seen_s = now_s;
		return FDB_KNOWN;
	}
	if (model[key].port != NO_PORT && model[key].is_static)
		return FDB_STATIC_CONFLICT;
	if (port == LIMITED_PORT && count(port, FDB_ANY) >= PORT_LIMIT)
		return FDB_PORT_LIMIT;
	if (model[key].port == NO_PORT && count(FDB_ANY, false) >= MAX_ENTRIES)
		return FDB_FULL;
	outcome = model[key].port == NO_PORT ? FDB_LEARNED : FDB_MOVED;
	model[key].port = port;
	model[key].is_static = false;
	model[key].seen_s = now_s;
	return outcome;
}

static int model_add_static(int key, int port)
{
	bool replaces = model[key].port != NO_PORT && model[key].is_static;

	if (!model_port[port])
		return -ENOENT;
	if (!replaces && count(FDB_ANY, true) >= MAX_ENTRIES)
		return -ENOSPC;
	model[key].port = port;
	model[key].is_static = true;
	return 0;
}

// Removes what is not static, unless statics is true, in the VLAN, at the port, at least this old.
static uint32_t model_remove(int port, int vlan, uint32_t age_s, bool statics)
{
	uint32_t n = 0;

	for (int key = 0; key < N_KEYS; key++) {
		if (model[key].port == NO_PORT || (model[key].is_static && !statics))
			continue;
		if ((port != FDB_ANY && model[key].port != port) ||
			(vlan != FDB_ANY && key / N_MACS != vlan) ||
			now_s - model[key].seen_s < age_s)
			continue;
		model[key].port = NO_PORT;
		n++;
	}
	return n;
}

static void compare_row(void *context, const struct fdb_row *row)
{
	unsigned *n = context;
	int key = row->vlan * N_MACS + row->mac[5];

	(*n)++;
	assert_int_equal(row->port, model[key].port);
	assert_int_equal(row->is_static, model[key].is_static);
	assert_int_equal(row->age_s, row->is_static ? 0 : now_s - model[key].seen_s);
}

static void compare(void)
{
	struct fdb_counts counts;
	unsigned n_rows = 0;

	for (int key = 0; key < N_KEYS; key++)
		assert_int_equal(
			lookup((uint16_t)(key / N_MACS), (unsigned)key % N_MACS), model[key].port);
	fdb_counts(fdb, &counts);
	assert_int_equal(counts.n_learned, count(FDB_ANY, false));
	assert_int_equal(counts.n_static, count(FDB_ANY, true));
	fdb_list(fdb, now_s, compare_row, &n_rows);
	assert_int_equal(n_rows, count(FDB_ANY, FDB_ANY));
}

static void toggle_port(int port)
{
	if (model_port[port]) {
		fdb_port_remove(fdb, (uint32_t)port);
		model_remove(port, FDB_ANY, 0, true);
	} else {
		assert_int_equal(
			fdb_port_add(fdb, (uint32_t)port, port == LIMITED_PORT ? PORT_LIMIT : 0),
			0);
	}
	model_port[port] = !model_port[port];
}

static void operate(int operation, int key, int port)
{
	uint16_t vlan = (uint16_t)(key / N_MACS);
	unsigned n = (unsigned)key % N_MACS;
	bool there = model[key].port == port;

	if (operation < 50) {
		enum fdb_outcome told, outcome = model_learn(key, port);
		uint8_t mac[6];

		mac_of(n, mac);
		told = fdb_would_learn(fdb, vlan, mac, (uint32_t)port, NULL);
		assert_int_equal(told, outcome);
		assert_int_equal(learn(vlan, n, (uint32_t)port, now_s), outcome);
	} else if (operation < 70) {
		assert_int_equal(refresh(vlan, n, (uint32_t)port, now_s), there);
		if (there)
			model[key].seen_s = now_s;
	} else if (operation < 80) {
		now_s += (uint32_t)rand() % 120;
		assert_int_equal(fdb_age(fdb, now_s, UINT32_MAX),
			model_remove(FDB_ANY, FDB_ANY, AGEING, false));
	} else if (operation < 88) {
		assert_int_equal(add_static(vlan, n, (uint32_t)port), model_add_static(key, port));
	} else if (operation < 95) {
		assert_int_equal(remove_address(vlan, n), model[key].port == NO_PORT ? -ENOENT : 0);
		model[key].port = NO_PORT;
	} else if (operation < 98) {
		int any = rand() % 3;

		assert_int_equal(
			fdb_flush(fdb, any == 0 ? FDB_ANY : port, any == 1 ? FDB_ANY : vlan),
			model_remove(
				any == 0 ? FDB_ANY : port, any == 1 ? FDB_ANY : vlan, 0, false));
	} else {
		toggle_port(port);
	}
}

static void behaves_as_the_model(void **state)
{
	(void)state;
	srand(20240229);
	now_s = UINT32_MAX - 100000; // wraps on the way
	for (int key = 0; key < N_KEYS; key++)
		model[key].port = NO_PORT;
	for (int port = 0; port < N_PORTS; port++)
		model_port[port] = true;
	for (int i = 0; i < OPERATIONS; i++) {
		operate(rand() % 100, rand() % N_KEYS, rand() % N_PORTS);
		compare();
		if (i % 1000 == 0) { // what was removed has to become free: places are few
			rcu_leave();
			rcu_drain();
			rcu_enter();
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(behaves_as_the_model, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
