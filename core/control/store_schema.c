// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/store_internal.h"

// steps[N] brings version N to version N + 1. What has been released stays as it is: a new version
// is a new step, and a new database goes through all of them. STRICT has SQLite itself refuse what
// is of the wrong type, also when the database is checked.
static const char *const steps[STORE_VERSION] = {
	// What hangs from a switch, a port or an extension is removed by store_item.c, not by
	// foreign keys: a target is a port or a switch, and meters outlive their extension.
	"CREATE TABLE switches(name TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;"
	"CREATE TABLE extensions(switch TEXT NOT NULL, name TEXT NOT NULL,"
	" stack_order INTEGER NOT NULL, path TEXT, PRIMARY KEY(switch, name)) STRICT, WITHOUT "
	"ROWID;"
	"CREATE TABLE ports(name TEXT NOT NULL PRIMARY KEY, switch TEXT NOT NULL, nic TEXT,"
	" vlan TEXT, mac TEXT, mtu INTEGER NOT NULL, uplink INTEGER NOT NULL,"
	" disconnected INTEGER NOT NULL, forced INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX ports_of_switch ON ports(switch);"
	"CREATE TABLE policies(place INTEGER PRIMARY KEY, target TEXT NOT NULL,"
	" extension TEXT NOT NULL, id TEXT NOT NULL, type TEXT, bytes BLOB NOT NULL,"
	" UNIQUE(target, extension, id)) STRICT;"
	"CREATE TABLE fdb(switch TEXT NOT NULL, vlan INTEGER NOT NULL, mac TEXT NOT NULL,"
	" port TEXT NOT NULL, PRIMARY KEY(switch, vlan, mac)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX fdb_of_port ON fdb(port);"
	"CREATE TABLE meters(target TEXT NOT NULL, extension TEXT NOT NULL, id TEXT NOT NULL,"
	" frames INTEGER NOT NULL, bytes INTEGER NOT NULL, since INTEGER NOT NULL,"
	" PRIMARY KEY(target, extension, id)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE saved(target TEXT NOT NULL, extension TEXT NOT NULL,"
	" version INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE(target, extension)) STRICT;",

	// Ids that were made are not made again: those that are there say how far it had come.
	"ALTER TABLE extensions ADD COLUMN fail_open INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE switches ADD COLUMN made_ids INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE ports ADD COLUMN made_ids INTEGER NOT NULL DEFAULT 0;"
	"CREATE TEMP TABLE made AS SELECT target, max(CAST(id AS INTEGER)) AS last FROM policies"
	" WHERE id NOT GLOB '*[^0-9]*' AND length(id) < 10 GROUP BY target;"
	"UPDATE switches SET made_ids = last FROM made WHERE target = 'switch:' || name;"
	"UPDATE ports SET made_ids = last FROM made WHERE target = name;"
	"DROP TABLE made;",

	// 0: as the daemon is told when it starts.
	"ALTER TABLE switches ADD COLUMN flows INTEGER NOT NULL DEFAULT 0;",

	// 0: the core's choice.
	("ALTER TABLE switches ADD COLUMN sessions INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE switches ADD COLUMN port_sessions INTEGER NOT NULL DEFAULT 0;"),
};

static int read_number(sqlite3 *db, const char *sql, int *number)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	if (result == SQLITE_ROW) {
		*number = sqlite3_column_int(statement, 0);
		result = SQLITE_OK;
	}
	sqlite3_finalize(statement);
	return result;
}

int store_schema_read(sqlite3 *db, int *application_id, int *version)
{
	int failed = read_number(db, "PRAGMA application_id", application_id);

	return failed ? failed : read_number(db, "PRAGMA user_version", version);
}

static int set_number(sqlite3 *db, const char *name, int number)
{
	char *sql = sqlite3_mprintf("PRAGMA %s = %d", name, number);
	int failed = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;

	sqlite3_free(sql);
	return failed;
}

int store_schema_migrate(sqlite3 *db, int version, int to)
{
	int failed = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	for (int v = version; v < to && !failed; v++)
		failed = sqlite3_exec(db, steps[v], NULL, NULL, NULL);
	failed = failed ? failed : set_number(db, "application_id", STORE_APPLICATION_ID);
	failed = failed ? failed : set_number(db, "user_version", to);
	return failed ? failed : sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
}
