#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""Writes the seeds of the fuzz target fuzz_store: make_store_corpus.py DIRECTORY

file-* are databases, rows-* are rows; fuzz_store.c says in which form. The schemas are those of
core/control/store_schema.c.
"""
import os
import sqlite3
import struct
import sys
import tempfile

APPLICATION = 0x57656972
VERSION_1 = """
CREATE TABLE switches(name TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE extensions(switch TEXT NOT NULL, name TEXT NOT NULL, stack_order INTEGER NOT NULL,
 path TEXT, PRIMARY KEY(switch, name)) STRICT, WITHOUT ROWID;
CREATE TABLE ports(name TEXT NOT NULL PRIMARY KEY, switch TEXT NOT NULL, nic TEXT, vlan TEXT,
 mac TEXT, mtu INTEGER NOT NULL, uplink INTEGER NOT NULL, disconnected INTEGER NOT NULL,
 forced INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX ports_of_switch ON ports(switch);
CREATE TABLE policies(place INTEGER PRIMARY KEY, target TEXT NOT NULL, extension TEXT NOT NULL,
 id TEXT NOT NULL, type TEXT, bytes BLOB NOT NULL, UNIQUE(target, extension, id)) STRICT;
CREATE TABLE fdb(switch TEXT NOT NULL, vlan INTEGER NOT NULL, mac TEXT NOT NULL,
 port TEXT NOT NULL, PRIMARY KEY(switch, vlan, mac)) STRICT, WITHOUT ROWID;
CREATE INDEX fdb_of_port ON fdb(port);
CREATE TABLE meters(target TEXT NOT NULL, extension TEXT NOT NULL, id TEXT NOT NULL,
 frames INTEGER NOT NULL, bytes INTEGER NOT NULL, since INTEGER NOT NULL,
 PRIMARY KEY(target, extension, id)) STRICT, WITHOUT ROWID;
CREATE TABLE saved(target TEXT NOT NULL, extension TEXT NOT NULL, version INTEGER NOT NULL,
 bytes BLOB NOT NULL, UNIQUE(target, extension)) STRICT;
INSERT INTO switches VALUES('br0');
INSERT INTO extensions VALUES('br0', 'acl', 10, '/opt/acl.so');
INSERT INTO ports VALUES('vm1', 'br0', 'tap:vm1', '10', '02:00:00:00:00:01', 1500, 0, 0, 0);
INSERT INTO policies VALUES(1, 'vm1', 'acl', '7', 'rule', x'0801');
INSERT INTO policies VALUES(2, 'switch:br0', 'acl', 'web', NULL, x'');
INSERT INTO fdb VALUES('br0', 10, '02:00:00:00:00:01', 'vm1');
INSERT INTO meters VALUES('vm1', 'acl', 'in', 1, 64, 1700000000);
INSERT INTO saved VALUES('vm1', 'acl', 1, x'00ff');
"""
VERSION_2 = VERSION_1 + """
ALTER TABLE extensions ADD COLUMN fail_open INTEGER NOT NULL DEFAULT 0;
ALTER TABLE switches ADD COLUMN made_ids INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ports ADD COLUMN made_ids INTEGER NOT NULL DEFAULT 0;
"""
VERSION_3 = VERSION_2 + """
ALTER TABLE switches ADD COLUMN flows INTEGER NOT NULL DEFAULT 0;
"""
VERSION_4 = VERSION_3 + """
ALTER TABLE switches ADD COLUMN sessions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE switches ADD COLUMN port_sessions INTEGER NOT NULL DEFAULT 0;
"""


def database(sql=VERSION_4, version=4, application=APPLICATION, more=""):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "db")
        db = sqlite3.connect(path, isolation_level=None)
        db.executescript(f"PRAGMA page_size = 512; {sql} {more}; PRAGMA user_version = {version};"
                         f" PRAGMA application_id = {application}; VACUUM;")
        db.close()
        with open(path, "rb") as file:
            return file.read()


def changed(content, at, new):
    return content[:at] + new + content[at + len(new):]


def number(value):
    return b"\1" + struct.pack("<q", value)


def real(value):
    return b"\2" + struct.pack("<d", value)


def text(value, type_byte=b"\3"):
    value = value if isinstance(value, bytes) else value.encode()
    return type_byte + struct.pack("<H", len(value)) + value


def blob(value):
    return text(value, b"\4")


NULL = b"\0"
NONE = number(0) + number(0)
SWITCH, EXTENSION, PORT, POLICY, FDB, METER, SAVED = (bytes([k]) for k in range(7))
ROWS = (SWITCH + text("br0") + number(3) + number(4096) + number(1000) + number(10)
        + EXTENSION + text("br0") + text("acl") + number(-1) + number(1) + NULL
        + PORT + text("vm1") + text("br0") + text("tap:vm1") + NULL + NULL + number(9000)
        + number(1) + number(0) + number(0) + number(7)
        + POLICY + text("vm1") + text("acl") + text("7") + text("rule") + blob(b"\x08\x01")
        + FDB + text("br0") + number(4094) + text("02:00:00:00:00:01") + text("vm1")
        + METER + text("vm1") + text("acl") + text("in") + number(-1) + number(2) + number(3)
        + SAVED + text("vm1") + text("acl") + number(1) + blob(b"\0\xff"))
GOOD = database()
FILES = {
    "good": GOOD,
    "version-1": database(VERSION_1, 1),
    "version-2": database(VERSION_2, 2),
    "version-3": database(VERSION_3, 3),
    "newer": database("CREATE TABLE t(a);", 5),
    "version-0": database("CREATE TABLE t(a);", 0),
    "foreign": database("CREATE TABLE t(a);", 4, 1),
    "empty": b"",
    "no-database": b"once upon a time",
    "header-alone": GOOD[:100],
    "cut-off": GOOD[:len(GOOD) // 1024 * 512],
    "without-a-table": database("CREATE TABLE switches(name PRIMARY KEY, made_ids, flows,"
                                " sessions, port_sessions);"),
    "schema-damaged": GOOD.replace(b"TABLE ports(", b"TABLE ports{", 1),
    "page-damaged": changed(GOOD, len(GOOD) - 512, b"\xff" * 32),
    # One letter of an index's only entry.
    "index-damaged": GOOD.replace(b"vm1acl7", b"vm1acl8", 1),
    "page-size": changed(GOOD, 16, b"\x10\x00"),
    "freelist": changed(GOOD, 32, struct.pack(">II", 3, 9)),
    "encoding": changed(GOOD, 56, struct.pack(">I", 3)),
    "generated": database(more="DROP TABLE meters; CREATE TABLE meters(target, extension, id,"
                               " frames AS (bytes || 'x'), bytes, since,"
                               " PRIMARY KEY(target, extension, id))"),
    "view": database(more="DROP TABLE fdb; CREATE VIEW fdb AS SELECT name AS switch, 1 AS vlan,"
                          " 'm' AS mac, 'p' AS port FROM switches"),
}
ROW_SEEDS = {
    "good": ROWS,
    "empty-name": SWITCH + text("") + number(0) + number(0) + NONE,
    "null-name": SWITCH + NULL + number(0) + number(0) + NONE,
    "no-utf-8": SWITCH + text(b"\xff\xfe") + number(0) + number(0) + NONE,
    "nul": SWITCH + text(b"br\0" + b"0") + number(0) + number(0) + NONE,
    "negative": SWITCH + text("br0") + number(-1) + number(0) + NONE,
    "large": SWITCH + text("br0") + number(0) + number(1 << 32) + NONE,
    "real": SWITCH + text("br0") + real(1.5) + number(0) + NONE,
    "text-number": SWITCH + text("br0") + text("1") + number(0) + NONE,
    "bytes-name": SWITCH + blob(b"br0") + number(0) + number(0) + NONE,
    "order": EXTENSION + text("br0") + text("acl") + number(65536) + number(0) + NULL,
    "bool": EXTENSION + text("br0") + text("acl") + number(1) + number(2) + NULL,
    "vlan": FDB + text("br0") + number(4096) + text("m") + text("p"),
    "text-bytes": SAVED + text("vm1") + text("acl") + number(1) + text("text"),
    "null-bytes": POLICY + text("vm1") + text("acl") + text("1") + NULL + NULL,
    "replaced": POLICY + text("vm1") + text("acl") + text("1") + NULL + blob(b"")
                + POLICY + text("vm1") + text("acl") + text("1") + NULL + blob(b"\1"),
    "ends": ROWS[:60],
}


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, content in FILES.items():
        with open(os.path.join(sys.argv[1], f"file-{name}"), "wb") as file:
            file.write(b"\0" + content)
    for name, content in ROW_SEEDS.items():
        with open(os.path.join(sys.argv[1], f"rows-{name}"), "wb") as file:
            file.write(b"\x80" + content)


if __name__ == "__main__":
    main()
