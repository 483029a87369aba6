// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/store_internal.h"

#define HOW_TO_GO_ON                                                                               \
	"restore a copy, or what sqlite3's command .recover finds; to begin with nothing, move "   \
	"the whole directory away"

enum { HEADER_SIZE = 100, HEADER_VERSION = 60, HEADER_APPLICATION = 68 };

// What a system call said. SQLite does not keep it when the commit itself fails; errno is still
// what it was then, or of some other call.
static int disk_error(sqlite3 *db)
{
	static const int known[] = { ENOSPC, EDQUOT, EFBIG, EROFS, EACCES, EPERM, EMFILE, ENFILE };
	int last = errno, number = db ? sqlite3_system_errno(db) : 0;

	number = number ? number : last;
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (number == known[i])
			return -number;
	return -EIO;
}

static int error_of(sqlite3 *db, int result)
{
	switch (result & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return disk_error(db);
	default: // the schema is not what its version promises
		return -EBADMSG;
	}
}

int store_refuse(
	sqlite3 *db, const char *path, int result, const char *what, struct weir_error *error)
{
	int code = error_of(db, result);
	const char *said = db && sqlite3_errcode(db) != SQLITE_OK ? sqlite3_errmsg(db)
								  : sqlite3_errstr(result);

	if (code == -EBADMSG)
		return store_refuse_damaged(path, error, "%s", said);
	return weir_refuse(error, code, NULL, "state \"%.200s\": cannot be %s: %s (%.100s)", path,
		what, strerror(-code), said);
}

int store_refuse_damaged(const char *path, struct weir_error *error, const char *format, ...)
{
	char why[128];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	// SQLite quotes what it has found, and a sentence is one line.
	for (char *c = why; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = ' ';
	return weir_refuse(error, -EBADMSG, NULL, "state \"%.160s\" is damaged: %s; %s", path, why,
		HOW_TO_GO_ON);
}

// ---- Before SQLite is let at it

static uint32_t number_at(const unsigned char *header, unsigned at)
{
	return (uint32_t)header[at] << 24 | (uint32_t)header[at + 1] << 16 |
	       (uint32_t)header[at + 2] << 8 | header[at + 3];
}

static int check_version(const char *path, int version, struct weir_error *error)
{
	if (version > STORE_VERSION)
		return weir_refuse(error, -EPROTONOSUPPORT, NULL,
			"state \"%.200s\": has version %d of a newer Weir: this one knows versions "
			"1 to %d; start the newer one, or one with a directory of its own",
			path, version, STORE_VERSION);
	if (version < 1)
		return store_refuse_damaged(path, error, "it has version %d", version);
	return 0;
}

static int check_application(const char *path, uint32_t application, struct weir_error *error)
{
	if (application == STORE_APPLICATION_ID)
		return 0;
	return weir_refuse(error, -EMEDIUMTYPE, NULL,
		"state \"%.200s\": is a database of another program (application id 0x%08x, not "
		"0x%08x): Weir needs a directory of its own",
		path, application, STORE_APPLICATION_ID);
}

static int check_header(const char *path, int fd, struct weir_error *error)
{
	static const char magic[16] = "SQLite format 3";
	unsigned char header[HEADER_SIZE];
	ssize_t n = pread(fd, header, sizeof(header), 0);
	int failed;

	if (n < 0)
		return weir_refuse(error, -errno, NULL, "state \"%.200s\": cannot be read: %s",
			path, strerror(errno));
	if (n == 0)
		return store_refuse_damaged(path, error, "it is empty");
	if (n < HEADER_SIZE || memcmp(header, magic, sizeof(magic)) != 0)
		return store_refuse_damaged(path, error, "it does not begin as a database");
	failed = check_application(path, number_at(header, HEADER_APPLICATION), error);
	return failed ? failed : check_version(path, (int)number_at(header, HEADER_VERSION), error);
}

static int check_file(int directory_fd, const char *path, struct weir_error *error)
{
	// What is there may be anything: a FIFO must not make us wait. And SQLite would be content
	// with reading.
	int fd = openat(directory_fd, "state.db", O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat status;
	int failed;

	if (fd < 0 && errno != ELOOP && errno != EISDIR)
		return weir_refuse(error, -errno, NULL,
			"state \"%.200s\": cannot be opened for writing: %s", path,
			strerror(errno));
	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode))
		failed = store_refuse_damaged(path, error, "it is no regular file");
	else
		failed = check_header(path, fd, error);
	if (fd >= 0)
		close(fd);
	return failed;
}

// ---- Open

static int configure(sqlite3 *db)
{
	// Nobody else has business with the file while it is open, so that its index of the journal
	// can be in this process's memory. The journal is written back by the writing thread, when
	// nobody waits for it.
	static const char sql[] =
		"PRAGMA busy_timeout = 1000;" // of a daemon that is dying
		"PRAGMA locking_mode = EXCLUSIVE;"
		"PRAGMA temp_store = MEMORY;"
		"PRAGMA mmap_size = 0;"
		"PRAGMA cell_size_check = ON;"
		"PRAGMA synchronous = FULL;"
		"PRAGMA cache_size = -65536;" // a great batch need not be read back
		"PRAGMA wal_autocheckpoint = 0;"
		"PRAGMA journal_size_limit = 16777216;";
	static const struct {
		int option, value;
	} options[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		// What is refused is closed as it was.
		{ SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1 },
	};
	int failed = SQLITE_OK;

	for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]) && !failed; i++)
		failed = sqlite3_db_config(db, options[i].option, options[i].value, (int *)NULL);
	return failed ? failed : sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int store_connect(const char *path, sqlite3 **db, struct weir_error *error)
{
	sqlite3 *opened = NULL;
	int failed = sqlite3_open_v2(path, &opened,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

	if (!failed)
		failed = configure(opened);
	if (!failed && sqlite3_db_readonly(opened, "main"))
		failed = SQLITE_PERM;
	if (failed) {
		failed = store_refuse(opened, path, failed, "opened for writing", error);
		sqlite3_close(opened);
		return failed;
	}
	*db = opened;
	return 0;
}

// The first row's text must be `expected`.
static int check_answer(sqlite3 *db, const char *path, const char *sql, const char *expected,
	struct weir_error *error)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	const char *text;
	int failed = 0;

	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	if (result == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(statement, 0);
		if (!text || strcmp(text, expected) != 0)
			failed = store_refuse_damaged(
				path, error, "%s says: %s", sql, text ? text : "nothing");
	} else {
		failed = store_refuse(db, path, result, "checked", error);
	}
	sqlite3_finalize(statement);
	return failed;
}

static int check_database(sqlite3 *db, const char *path, struct weir_error *error)
{
	int application = 0, version = 0;
	int failed = store_schema_read(db, &application, &version);

	if (failed)
		return store_refuse(db, path, failed, "read", error);
	// The header has been checked; the journal may have a later one.
	failed = check_application(path, (uint32_t)application, error);
	failed = failed ? failed : check_version(path, version, error);
	// Indices too, which quick_check leaves out: a policy that its index does not have would be
	// there twice once it is replaced.
	failed = failed ? failed : check_answer(db, path, "PRAGMA integrity_check(1)", "ok", error);
	if (failed || version == STORE_VERSION)
		return failed;
	failed = store_schema_migrate(db, version, STORE_VERSION);
	return failed ? store_refuse(db, path, failed, "brought to the newest version", error) : 0;
}

int store_database_open(int directory_fd, const char *path, sqlite3 **db, struct weir_error *error)
{
	sqlite3 *opened;
	int failed = check_file(directory_fd, path, error);

	failed = failed ? failed : store_connect(path, &opened, error);
	if (failed)
		return failed;
	failed = check_database(opened, path, error);
	failed = failed ? failed
			: check_answer(opened, path, "PRAGMA journal_mode = WAL", "wal", error);
	if (failed) {
		sqlite3_close(opened);
		return failed;
	}
	sqlite3_db_config(opened, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, (int *)NULL);
	*db = opened;
	return 0;
}
