// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// From which files an extension is taken: nobody else could have changed them, and what is loaded
// is what the file holds now.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"
#include "switch/loader.h"

enum { NOBODY = 65534 };

static void write_variant(const char *directory, const char *name, const char *variant, char *path)
{
	struct module module = module_read(variant);

	directory_write(directory, name, &module, path);
	module_free(&module);
}

// What the way to D/a/b/test.so looks like in each row: D is private and b holds the file.
static const struct row {
	const char *name;
	mode_t mode; // of D/a
	uid_t owner; // of D/a
	mode_t file_mode;
	uid_t file_owner;
	const char *path; // below D
	int expected;
	const char *sentence;
} rows[] = {
	{ "private", 0755, 0, 0644, 0, "a/b/test.so", 0, NULL },
	{ "relative parts", 0755, 0, 0644, 0, "a/./b/../b//test.so", 0, NULL },
	{ "sticky", 01777, 0, 0644, 0, "a/b/test.so", 0, NULL },
	{ "through a link", 0755, 0, 0644, 0, "link/test.so", 0, NULL },
	{ "a link to it", 0755, 0, 0644, 0, "a/link.so", 0, NULL },
	{ "file for others", 0755, 0, 0646, 0, "a/b/test.so", -EPERM, "(mode 0646)" },
	{ "file for the group", 0755, 0, 0664, 0, "a/b/test.so", -EPERM, "(mode 0664)" },
	{ "file of another", 0755, 0, 0644, NOBODY, "a/b/test.so", -EPERM, "by user 65534" },
	{ "directory for others", 0757, 0, 0644, 0, "a/b/test.so", -EPERM, "/a\", which" },
	{ "directory for the group", 0775, 0, 0644, 0, "a/b/test.so", -EPERM, "(mode 0775)" },
	{ "directory of another", 0755, NOBODY, 0644, 0, "a/b/test.so", -EPERM, "/a\", owned" },
	{ "seen through a link", 0757, 0, 0644, 0, "link/test.so", -EPERM, "/a\", which" },
	{ "left again", 0757, 0, 0644, 0, "a/../copy.so", -EPERM, "/a\", which" },
	{ "file in a sticky one", 01777, 0, 0644, 0, "a/test.so", -EPERM, "others can write" },
	{ "link in a sticky one", 01777, 0, 0644, 0, "a/link.so", -EPERM, "others can write" },
	{ "link of another", 0755, 0, 0644, 0, "a/foreign.so", -EPERM, "symbolic link owned" },
	{ "endless link", 0755, 0, 0644, 0, "loop/test.so", -ELOOP, "too many" },
	{ "missing", 0755, 0, 0644, 0, "a/b/missing.so", -ENOENT, "No such file" },
	{ "missing directory", 0755, 0, 0644, 0, "c/test.so", -ENOENT, "No such file" },
	{ "broken link", 0755, 0, 0644, 0, "broken.so", -ENOENT, "No such file" },
	{ "directory", 0755, 0, 0644, 0, "a/b", -EISDIR, "is a directory" },
	{ "below a file", 0755, 0, 0644, 0, "a/b/test.so/x", -ENOTDIR, "not a directory" },
	{ "pipe", 0755, 0, 0644, 0, "pipe", -EINVAL, "must be a regular file" },
};

static void in(const char *directory, const char *name, char *path)
{
	assert_true(snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX);
}

static void set_up(const char *directory, const struct row *row)
{
	char a[PATH_MAX], b[PATH_MAX], path[PATH_MAX], target[PATH_MAX];

	in(directory, "a", a);
	in(a, "b", b);
	assert_int_equal(mkdir(a, 0755), 0);
	assert_int_equal(mkdir(b, 0755), 0);
	write_variant(directory, "copy.so", "good", path);
	write_variant(a, "test.so", "good", path);
	write_variant(b, "test.so", "good", path);
	assert_int_equal(chmod(path, row->file_mode), 0);
	assert_int_equal(chown(path, row->file_owner, 0), 0);
	in(directory, "link", path);
	assert_int_equal(symlink("a/b", path), 0);
	in(a, "link.so", path);
	in(directory, "copy.so", target);
	assert_int_equal(symlink(target, path), 0);
	in(a, "foreign.so", path);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(lchown(path, NOBODY, NOBODY), 0);
	in(directory, "loop", path);
	assert_int_equal(symlink("loop", path), 0);
	in(directory, "broken.so", path);
	assert_int_equal(symlink("nothing", path), 0);
	in(directory, "pipe", path);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(chmod(a, row->mode), 0);
	assert_int_equal(chown(a, row->owner, 0), 0);
}

static void run_row(const struct row *row)
{
	struct loader *loader = NULL;
	struct extension *extension = NULL;
	struct weir_error error = { .code = 0 };
	void *directory;
	char path[PATH_MAX];
	int ret;

	assert_int_equal(directory_create(&directory), 0);
	set_up(directory, row);
	in(directory, row->path, path);
	assert_int_equal(loader_create(NULL, 0, &loader), 0);
	has_run();
	ret = loader_load(loader, "test", path, &extension, &error);
	if (ret != row->expected || (ret && !strstr(error.message, row->sentence)))
		fail_msg("%s: %d %s", row->name, ret, error.message);
	assert_int_equal(has_run(), !row->expected);
	loader_destroy(loader);
	assert_int_equal(directory_remove(&directory), 0);
}

static void test_trust(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("skipped: giving files to other users needs root\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run_row(&rows[i]);
}

static const char *version_of(struct loader *loader, const char *path)
{
	struct extension *extension = NULL;
	struct weir_error error = { .code = 0 };

	if (loader_load(loader, "test", path, &extension, &error))
		fail_msg("%s", error.message);
	return extension_descriptor(extension)->version;
}

// Two builds at the same path, overwritten in place: the inode stays, and the one that is loaded
// goes on as it was.
static void test_replaced(void **state)
{
	struct loader *old = NULL, *new = NULL;
	const char *version;
	char path[PATH_MAX];

	assert_int_equal(loader_create(NULL, 0, &old), 0);
	assert_int_equal(loader_create(NULL, 0, &new), 0);
	write_variant(*state, "test.so", "good", path);
	version = version_of(old, path);
	assert_string_equal(version, "1.0");
	write_variant(*state, "test.so", "newer", path);
	assert_string_equal(version_of(new, path), "2.0");
	assert_string_equal(version, "1.0");
	loader_destroy(old);
	loader_destroy(new);
}

// The seals of the memory that the extension "test" is in; -1 when there is none.
static int find_seals(void)
{
	for (int fd = 0; fd < 256; fd++) {
		char link[64], name[64] = "";

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		if (readlink(link, name, sizeof(name) - 1) > 0 && strstr(name, "memfd:weir-test"))
			return fcntl(fd, F_GET_SEALS);
	}
	return -1;
}

static void test_sealed(void **state)
{
	int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	struct loader *loader = NULL;
	char path[PATH_MAX];

	assert_int_equal(loader_create(NULL, 0, &loader), 0);
	write_variant(*state, "test.so", "good", path);
	assert_int_equal(find_seals(), -1);
	version_of(loader, path);
	assert_int_equal(find_seals() & seals, seals);
	loader_destroy(loader);
	assert_int_equal(find_seals(), -1);
}

// As people do it: unload, replace, load. The dynamic linker keeps what has unique symbols.
static void reload(const char *directory, const char *first)
{
	struct loader *loader = NULL;
	char path[PATH_MAX];

	assert_int_equal(loader_create(NULL, 0, &loader), 0);
	write_variant(directory, "test.so", first, path);
	assert_string_equal(version_of(loader, path), "1.0");
	assert_int_equal(loader_unload(loader, loader_find(loader, "test"), NULL), 0);
	write_variant(directory, "test.so", "newer", path);
	has_run();
	assert_string_equal(version_of(loader, path), "2.0");
	assert_true(has_run());
	loader_destroy(loader);
}

static void test_reloaded(void **state)
{
	reload(*state, "good");
	reload(*state, "unique");
}

static int count_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_leaves_nothing(void **state)
{
	static const char *const variants[] = { "good", "undefined", "no_version", "two_notes",
		"other", "garbage_schema" };
	struct loader *loader = NULL;
	int n_before = count_descriptors();
	char path[PATH_MAX];

	assert_int_equal(loader_create(NULL, 0, &loader), 0);
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
		struct extension *extension = NULL;

		write_variant(*state, "test.so", variants[i], path);
		if (!loader_load(loader, "test", path, &extension, NULL))
			assert_int_equal(loader_unload(loader, extension, NULL), 0);
		assert_int_equal(count_descriptors(), n_before);
	}
	loader_destroy(loader);
}

static void test_directories(void **state)
{
	char first[PATH_MAX], second[PATH_MAX], path[PATH_MAX];
	const char *const directories[] = { "/nonexistent/weir", first, second };
	struct extension *extension = NULL;
	struct loader *loader = NULL;
	struct weir_error error;

	in(*state, "first", first);
	in(*state, "second", second);
	assert_int_equal(mkdir(second, 0755), 0);
	assert_int_equal(mkdir(first, 0755), 0);
	assert_int_equal(loader_create(directories, 3, &loader), 0);
	assert_int_equal(loader_load(loader, "test", NULL, &extension, &error), -ENOENT);
	assert_non_null(strstr(error.message, "no test.so in"));
	assert_non_null(strstr(error.message, second));
	write_variant(second, "test.so", "newer", path);
	assert_string_equal(version_of(loader, NULL), "2.0");
	assert_string_equal(extension_path(loader_find(loader, "test")), path);
	assert_int_equal(loader_unload(loader, loader_find(loader, "test"), NULL), 0);
	write_variant(first, "test.so", "good", path);
	assert_string_equal(version_of(loader, NULL), "1.0");
	assert_int_equal(loader_unload(loader, loader_find(loader, "test"), NULL), 0);
	// A file that is there and refused is not passed over for another one.
	write_variant(first, "test.so", "no_note", path);
	assert_int_equal(loader_load(loader, "test", NULL, &extension, &error), -ENODATA);
	loader_destroy(loader);
}

static void test_too_large(void **state)
{
	struct extension *extension = NULL;
	struct loader *loader = NULL;
	struct weir_error error;
	char path[PATH_MAX];

	assert_int_equal(loader_create(NULL, 0, &loader), 0);
	write_variant(*state, "test.so", "good", path);
	assert_int_equal(truncate(path, LOADER_MAX_SIZE + 1L), 0);
	assert_int_equal(loader_load(loader, "test", path, &extension, &error), -EFBIG);
	assert_non_null(strstr(error.message, "67108865 bytes"));
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(loader_load(loader, "test", path, &extension, &error), -ENOEXEC);
	assert_non_null(strstr(error.message, "is empty"));
	loader_destroy(loader);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, directory_create, directory_remove)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trust),
		TEST(test_replaced),
		TEST(test_sealed),
		TEST(test_reloaded),
		TEST(test_leaves_nothing),
		TEST(test_directories),
		TEST(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
