// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <string.h>

#include "control/store_internal.h"
#include "switch/wire.h"

#define AT(member) offsetof(struct weir_item, member)
#define NAME(column, member)                                                                       \
	{                                                                                          \
		.name = column, .type = STORE_NAME, .offset = AT(member)                           \
	}
#define TEXT(column, member)                                                                       \
	{                                                                                          \
		.name = column, .type = STORE_TEXT, .offset = AT(member)                           \
	}
#define BOOL(column, member)                                                                       \
	{                                                                                          \
		.name = column, .type = STORE_BOOL, .offset = AT(member), .max = 1                 \
	}
#define U32(column, member)                                                                        \
	{                                                                                          \
		.name = column, .type = STORE_U32, .offset = AT(member), .max = UINT32_MAX         \
	}
#define U64(column, member)                                                                        \
	{                                                                                          \
		.name = column, .type = STORE_U64, .offset = AT(member)                            \
	}
#define BYTES(column, member, size)                                                                \
	{                                                                                          \
		.name = column, .type = STORE_BYTES, .offset = AT(member), .size_offset = AT(size) \
	}

// The targets on the switch ?1.
#define ITS_TARGETS "(SELECT name FROM ports WHERE switch = ?1 UNION ALL SELECT 'switch:' || ?1)"

static const struct store_kind kinds[STORE_N_KINDS] = {
	[WEIR_ITEM_SWITCH] = { "switches", "name", 1, 5,
		{ NAME("name", switch_name), U32("made_ids", vswitch.made_ids),
			{ "flows", STORE_U32, AT(vswitch.n_flows), 0, 0, WEIR_FLOWS_MAX },
			{ "sessions", STORE_U32, AT(vswitch.n_sessions), 0, 0, WEIR_SESSIONS_MAX },
			{ "port_sessions", STORE_U32, AT(vswitch.n_port_sessions), 0, 0,
				WEIR_SESSIONS_MAX } },
		{ "DELETE FROM policies WHERE target IN " ITS_TARGETS,
			"DELETE FROM meters WHERE target IN " ITS_TARGETS,
			"DELETE FROM saved WHERE target IN " ITS_TARGETS,
			"DELETE FROM fdb WHERE switch = ?1",
			"DELETE FROM extensions WHERE switch = ?1",
			"DELETE FROM ports WHERE switch = ?1",
			"DELETE FROM switches WHERE name = ?1" } },
	[WEIR_ITEM_EXTENSION] = { "extensions", "switch, stack_order, name", 2, 5,
		{ NAME("switch", switch_name), NAME("name", name),
			{ "stack_order", STORE_INT, AT(extension.order), 0, WEIR_ORDER_DEFAULT,
				UINT16_MAX },
			BOOL("fail_open", extension.fail_open), TEXT("path", extension.path) },
		// Its meters stay: it counts on when it comes again.
		{ "DELETE FROM policies WHERE extension = ?2 AND target IN " ITS_TARGETS,
			"DELETE FROM saved WHERE extension = ?2 AND target IN " ITS_TARGETS,
			"DELETE FROM extensions WHERE switch = ?1 AND name = ?2" } },
	[WEIR_ITEM_PORT] = { "ports", "switch, name", 1, 10,
		{ NAME("name", name), NAME("switch", switch_name), TEXT("nic", port.nic),
			TEXT("vlan", port.vlan), TEXT("mac", port.mac), U32("mtu", port.mtu),
			BOOL("uplink", port.uplink), BOOL("disconnected", port.disconnected),
			BOOL("forced", port.forced), U32("made_ids", port.made_ids) },
		{ "DELETE FROM policies WHERE target = ?1", "DELETE FROM meters WHERE target = ?1",
			"DELETE FROM saved WHERE target = ?1", "DELETE FROM fdb WHERE port = ?1",
			"DELETE FROM ports WHERE name = ?1" } },
	// In the order in which they were first added: a replacement keeps its place.
	[WEIR_ITEM_POLICY] = { "policies", "place", 3, 5,
		{ NAME("target", target), NAME("extension", name), NAME("id", policy.id),
			TEXT("type", policy.type), BYTES("bytes", policy.bytes, policy.size) },
		{ "DELETE FROM policies WHERE target = ?1 AND extension = ?2 AND id = ?3" } },
	[WEIR_ITEM_FDB] = { "fdb", "switch, vlan, mac", 3, 4,
		{ NAME("switch", switch_name), { "vlan", STORE_U16, AT(fdb.vlan), 0, 0, 4095 },
			NAME("mac", fdb.mac), NAME("port", fdb.port) },
		{ "DELETE FROM fdb WHERE switch = ?1 AND vlan = ?2 AND mac = ?3" } },
	[WEIR_ITEM_METER] = { "meters", "target, extension, id", 3, 6,
		{ NAME("target", target), NAME("extension", name), NAME("id", meter.id),
			U64("frames", meter.frames), U64("bytes", meter.bytes),
			U64("since", meter.since) },
		{ "DELETE FROM meters WHERE target = ?1 AND extension = ?2 AND id = ?3" } },
	[WEIR_ITEM_SAVED] = { "saved", "target, extension", 2, 4,
		{ NAME("target", target), NAME("extension", name), U32("version", saved.version),
			BYTES("bytes", saved.bytes, saved.size) },
		{ "DELETE FROM saved WHERE target = ?1 AND extension = ?2" } },
};

const struct store_kind *store_kind(enum weir_item_kind kind)
{
	return (unsigned)kind < STORE_N_KINDS && kinds[kind].table ? &kinds[kind] : NULL;
}

static int check_text(const struct store_column *c, const char *text, struct weir_error *error)
{
	size_t n = text ? strlen(text) : 0;

	if (n == 0 && c->type == STORE_NAME)
		return weir_refuse(error, -EBADMSG, NULL, "%s is empty", c->name);
	if (n > STORE_TEXT_MAX)
		return weir_refuse(error, -EBADMSG, NULL, "%s has %zu bytes: must have at most %d",
			c->name, n, STORE_TEXT_MAX);
	if (n > 0 && !wire_is_text((const uint8_t *)text, n))
		return weir_refuse(error, -EBADMSG, NULL, "%s is not UTF-8", c->name);
	return 0;
}

static int check_number(const struct store_column *c, int64_t value, struct weir_error *error)
{
	if (value >= c->min && value <= c->max)
		return 0;
	return weir_refuse(error, -EBADMSG, NULL, "%s is %lld: must be %lld to %lld", c->name,
		(long long)value, (long long)c->min, (long long)c->max);
}

static int check_bytes(
	const struct store_column *c, const void *bytes, size_t size, struct weir_error *error)
{
	if (size > STORE_BYTES_MAX)
		return weir_refuse(error, -EBADMSG, NULL, "%s has %zu bytes: must have at most %d",
			c->name, size, STORE_BYTES_MAX);
	if (size > 0 && !bytes)
		return weir_refuse(error, -EBADMSG, NULL, "%s is missing", c->name);
	return 0;
}

static int check_column(
	const struct weir_item *item, const struct store_column *c, struct weir_error *error)
{
	const char *field = (const char *)item + c->offset;

	switch (c->type) {
	case STORE_NAME:
	case STORE_TEXT:
		return check_text(c, *(const char *const *)field, error);
	case STORE_INT:
		return check_number(c, *(const int *)field, error);
	case STORE_U16:
		return check_number(c, *(const uint16_t *)field, error);
	case STORE_BYTES:
		return check_bytes(c, *(const void *const *)field,
			*(const size_t *)((const char *)item + c->size_offset), error);
	case STORE_BOOL:
	case STORE_U32:
	case STORE_U64:
		break; // every value is good
	}
	return 0;
}

int store_item_check(const struct weir_item *item, bool keys_only, struct weir_error *error)
{
	const struct store_kind *kind = store_kind(item->kind);

	if (!kind)
		return weir_refuse(
			error, -EBADMSG, NULL, "items of kind %d: there are none", item->kind);
	for (unsigned i = 0; i < (keys_only ? kind->n_keys : kind->n_columns); i++) {
		int failed = check_column(item, &kind->columns[i], error);

		if (failed)
			return failed;
	}
	return 0;
}

// "a, b, c" of the columns from `first` on, each by the format.
static void add_columns(
	sqlite3_str *sql, const struct store_kind *kind, unsigned first, unsigned end, bool assign)
{
	for (unsigned i = first; i < end; i++) {
		const char *name = kind->columns[i].name;

		sqlite3_str_appendf(sql, i > first ? ", %s" : "%s", name);
		if (assign)
			sqlite3_str_appendf(sql, " = excluded.%s", name);
	}
}

char *store_sql_put(const struct store_kind *kind)
{
	sqlite3_str *sql = sqlite3_str_new(NULL);

	sqlite3_str_appendf(sql, "INSERT INTO %s(", kind->table);
	add_columns(sql, kind, 0, kind->n_columns, false);
	sqlite3_str_appendall(sql, ") VALUES(?1");
	for (unsigned i = 2; i <= kind->n_columns; i++)
		sqlite3_str_appendf(sql, ", ?%u", i);
	sqlite3_str_appendall(sql, ") ON CONFLICT(");
	add_columns(sql, kind, 0, kind->n_keys, false);
	sqlite3_str_appendall(sql, ") DO UPDATE SET ");
	add_columns(sql, kind, kind->n_keys, kind->n_columns, true);
	return sqlite3_str_finish(sql);
}

char *store_sql_read(const struct store_kind *kind)
{
	sqlite3_str *sql = sqlite3_str_new(NULL);

	sqlite3_str_appendall(sql, "SELECT ");
	add_columns(sql, kind, 0, kind->n_columns, false);
	sqlite3_str_appendf(sql, " FROM %s ORDER BY %s", kind->table, kind->order);
	return sqlite3_str_finish(sql);
}
