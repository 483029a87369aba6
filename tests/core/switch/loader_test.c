// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the loader loads and refuses: each refusal with its errno and sentence, without running code
// of the file where that is possible, and with nothing left behind.
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "switch/loader.h"
#include "switch/schema.h"

// A damage is a value written over the file.
enum place { NOWHERE, FROM_START, IN_NOTE, IN_DESCRIPTOR };

struct damage {
	enum place place;
	size_t offset;
	uint64_t value;
	size_t size;
};

#define HEADER(member, value)                                                                      \
	{                                                                                          \
		FROM_START, offsetof(ElfW(Ehdr), member), value, sizeof(((ElfW(Ehdr) *)0)->member) \
	}
#define IDENT(index, value)                                                                        \
	{                                                                                          \
		FROM_START, index, value, 1                                                        \
	}
#define NOTE(member, value)                                                                        \
	{                                                                                          \
		IN_NOTE, offsetof(struct weir_note, member) - offsetof(struct weir_note, magic),   \
			value, sizeof(((struct weir_note *)0)->member)                             \
	}
#define NOTE_NAME(index, value)                                                                    \
	{                                                                                          \
		IN_NOTE,                                                                           \
			offsetof(struct weir_note, name) - offsetof(struct weir_note, magic) +     \
				(index),                                                           \
			value, 1                                                                   \
	}
#define DESCRIPTOR(member, value)                                                                  \
	{                                                                                          \
		IN_DESCRIPTOR, offsetof(struct weir_extension, member), value,                     \
			sizeof(((struct weir_extension *)0)->member)                               \
	}
#define INTACT                                                                                     \
	{                                                                                          \
		NOWHERE, 0, 0, 0                                                                   \
	}

static const struct row {
	const char *name;
	const char *variant;
	struct damage damage;
	int expected;
	const char *sentence; // a part of it
	bool runs;            // before it can be refused
} rows[] = {
	// System V gABI, "ELF Header".
	{ "no magic", "good", IDENT(EI_MAG0, 'M'), -ENOEXEC, "not an ELF shared object", false },
	{ "32 bits", "good", IDENT(EI_CLASS, ELFCLASS32), -ENOEXEC, "of class 1", false },
	{ "no class", "good", IDENT(EI_CLASS, 77), -ENOEXEC, "of class 77", false },
	{ "byte order", "good", IDENT(EI_DATA, 3), -ENOEXEC, "byte order 3", false },
	{ "version", "good", HEADER(e_version, 2), -ENOEXEC, "version 2", false },
	{ "other machine", "good", HEADER(e_machine, EM_SPARC), -ENOEXEC, "machine 2", false },
	{ "object file", "good", HEADER(e_type, ET_REL), -ENOEXEC, "of type 1", false },
	{ "program", "good", HEADER(e_type, ET_EXEC), -ENOEXEC, "of type 2", false },
	{ "header size", "good", HEADER(e_phentsize, 32), -ELIBBAD, "32 bytes each", false },
	{ "no segments", "good", HEADER(e_phnum, 0), -ELIBBAD, "0 program headers", false },
	{ "segments", "good", HEADER(e_phnum, 0xffff), -ELIBBAD, "65535 program headers", false },
	{ "segments far", "good", HEADER(e_phoff, UINT64_MAX - 8), -ELIBBAD, "end behind", false },
	{ "sections far", "good", HEADER(e_shoff, UINT64_MAX - 8), -ELIBBAD, "truncated", false },
	{ "sections", "good", HEADER(e_shnum, 0xffff), -ELIBBAD, "truncated", false },

	{ "no note", "no_note", INTACT, -ENODATA, "no Weir note", false },
	{ "two notes", "two_notes", INTACT, -ENOTUNIQ, "more than one", false },
	{ "note's owner", "good", { IN_NOTE, -8, 'w', 1 }, -ENODATA, "no Weir note", false },
	{ "note's type", "good", { IN_NOTE, -12, 2, 4 }, -ENODATA, "no Weir note", false },
	{ "short note", "good", { IN_NOTE, -16, 44, 4 }, -EBADMSG, "of 44 bytes", false },
	{ "endless note", "good", { IN_NOTE, -16, UINT32_MAX, 4 }, -ELIBBAD, "a note", false },
	{ "endless owner", "good", { IN_NOTE, -20, UINT32_MAX, 4 }, -ELIBBAD, "a note", false },
	{ "magic", "good", NOTE(magic, 0x12345678), -EBADMSG, "magic 0x12345678", false },
	{ "major", "good", NOTE(abi_major, 2), -EPROTONOSUPPORT, "major version 2", false },
	{ "major 0", "good", NOTE(abi_major, 0), -EPROTONOSUPPORT, "major version 0", false },
	{ "minor", "good", NOTE(needs_minor, WEIR_ABI_MINOR + 1), -EPROTONOSUPPORT,
		"needs at least version", false },
	{ "class 0", "good", NOTE(class, 0), -EINVAL, "of class 0", false },
	{ "class 5", "good", NOTE(class, 5), -EINVAL, "of class 5", false },
	{ "size", "good", NOTE(descriptor_size, 64), -EMSGSIZE, "of 64 bytes", false },
	{ "large", "good", NOTE(descriptor_size, 100000), -ENOSYS, "100000 bytes", false },
	{ "name", "good", NOTE_NAME(0, 'T'), -EINVAL, "names itself \"Test\"", false },
	{ "unprintable", "good", NOTE_NAME(1, '\x9b'), -EINVAL, "itself \"t?st\"", false },
	{ "no name", "good", NOTE_NAME(0, 0), -EINVAL, "names itself \"\"", false },
	{ "other name", "other", INTACT, -EINVAL, "\"other\"; \"test\" was asked for", false },

	{ "no descriptor", "no_descriptor", INTACT, -ENOSYS, "exports nothing", false },
	{ "nodelete", "nodelete", INTACT, -ENOTSUP, "-z nodelete", false },
	{ "executable stack", "execstack", INTACT, -ELIBBAD, "executable stack", false },
	{ "old hash table", "sysv_hash", INTACT, -ENOTSUP, "--hash-style=gnu", false },
	{ "relocated code", "textrel", INTACT, -ENOTSUP, "-fPIC", false },
	{ "undefined symbol", "undefined", INTACT, -ELIBACC,
		"loaded: undefined symbol: weir_loader_test_undefined", false },

	// From here on the dynamic linker is done with it, and constructors have run.
	{ "other size", "good", DESCRIPTOR(size, 4096), -EBADE, "4096 bytes, but", true },
	{ "other major", "good", DESCRIPTOR(abi_major, 9), -EBADE, "version 9.2, but", true },
	{ "older than its note", "good", DESCRIPTOR(abi_minor, 0), -EBADE, "version 1.0, but",
		true },
	{ "small for its version", "minor_0", DESCRIPTOR(abi_minor, 1), -EMSGSIZE,
		"version 1.1 has at least", true },
	{ "other class", "good", DESCRIPTOR(class, 4), -EBADE, "of class 4, but", true },
	{ "note's class", "good", NOTE(class, 1), -EBADE, "but its note says 1", true },
	{ "NULL name", "no_name", INTACT, -EINVAL, "without a name", true },
	{ "no version", "no_version", INTACT, -EINVAL, "no version", true },
	{ "no summary", "no_summary", INTACT, -EINVAL, "no summary", true },
	{ "two lines", "two_lines", INTACT, -EINVAL, "malformed summary", true },
	{ "not text", "not_text", INTACT, -EINVAL, "malformed version", true },
	{ "fields", "good", DESCRIPTOR(reads, UINT64_C(1) << 63), -EINVAL, "0x8000000", true },
	{ "all fields", "good", DESCRIPTOR(reads, WEIR_FIELDS_ALL), 0, NULL, true },
	{ "reasons", "good", DESCRIPTOR(n_drop_reasons, 65), -EINVAL, "65 drop reasons", true },
	{ "NULL reasons", "capture", INTACT, 0, NULL, true },
	{ "token", "bad_token", INTACT, -EINVAL, "\"No_Telnet\"", true },
	{ "NULL token", "no_token", INTACT, -EINVAL, "reason 1 \"\"", true },
	{ "same token", "same_token", INTACT, -EINVAL, "two drop reasons \"one\"", true },
	{ "NULL text", "no_text", INTACT, -EINVAL, "no text of drop reason 0", true },
	{ "schema", "garbage_schema", INTACT, -EINVAL, "a schema that is refused: ", true },
	{ "no prepare()", "no_prepare", INTACT, -EINVAL, "policies (rule), but no prepare()",
		true },
	{ "NULL schema", "good", DESCRIPTOR(schema_size, 9), -EINVAL, "that is NULL", true },
	{ "empty schema", "garbage_schema", DESCRIPTOR(schema_size, 0), -EINVAL, "of 0", true },

	// extension.h, the stages and the comments on the hooks.
	{ "capture", "capture_forward", INTACT, -EINVAL, "forward(), which", true },
	{ "capture", "capture_forwarded", INTACT, -EINVAL, "forwarded(), which", true },
	{ "capture", "capture_review", INTACT, -EINVAL, "review(), which", true },
	{ "filter", "filter_forward", INTACT, -EINVAL, "forward(), which", true },
	{ "filter", "filter_dropped", INTACT, -EINVAL, "dropped(), which", true },
	{ "forwarding", "forwarding_ingress", INTACT, -EINVAL, "ingress(), which", true },
	{ "forwarding", "forwarding_forwarded", INTACT, -EINVAL, "forwarded(), which", true },
	{ "forwarding", "forwarding_egress", INTACT, -EINVAL, "egress(), which", true },
	{ "forwarding", "forwarding_dropped", INTACT, -EINVAL, "dropped(), which", true },
	{ "service", "service_ingress", INTACT, -EINVAL, "ingress(), which", true },
	{ "service", "service_forward", INTACT, -EINVAL, "forward(), which", true },
	{ "service", "service_forwarded", INTACT, -EINVAL, "forwarded(), which", true },
	{ "service", "service_egress", INTACT, -EINVAL, "egress(), which", true },
	{ "service", "service_dropped", INTACT, -EINVAL, "dropped(), which", true },
	{ "service", "service_visit", INTACT, -EINVAL, "visit(), which", true },

	{ "filter", "good", INTACT, 0, NULL, true },
	{ "capture", "capture", INTACT, 0, NULL, true },
	{ "forwarding", "forwarding", INTACT, 0, NULL, true },
	{ "service", "service", INTACT, 0, NULL, true },
	{ "stripped", "stripped", INTACT, 0, NULL, true },
	{ "no sections", "good", HEADER(e_shoff, 0), 0, NULL, true },
	{ "older version", "minor_0", INTACT, 0, NULL, true },
	{ "newer version", "good", DESCRIPTOR(abi_minor, WEIR_ABI_MINOR + 1), 0, NULL, true },
	{ "newer and longer", "longer", INTACT, 0, NULL, true },
	{ "longer than its version", "longer", DESCRIPTOR(abi_minor, WEIR_ABI_MINOR), -E2BIG,
		"is not zero", true },
};

static void damage(struct module *module, const struct damage *d)
{
	size_t base = d->place == IN_NOTE         ? module_note(module)
		      : d->place == IN_DESCRIPTOR ? module_descriptor(module)
						  : 0;

	if (d->place != NOWHERE)
		module_put(module, base + d->offset, d->value, d->size);
}

static struct loader *create(void)
{
	struct loader *loader = NULL;

	assert_int_equal(loader_create(NULL, 0, &loader), 0);
	return loader;
}

static void check_refusal(const struct row *row, int ret, const struct weir_error *error)
{
	if (ret != row->expected || (ret && !strstr(error->message, row->sentence)))
		fail_msg("%s (%s): %d %s", row->name, row->variant, ret, error->message);
	if (ret) {
		assert_int_equal(error->code, ret);
		assert_non_null(strstr(error->message, "/test.so\" "));
		assert_true(*error->field);
	}
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct module module = module_read(row->variant);
		struct loader *loader = create();
		struct extension *extension = NULL;
		struct weir_error error = { .code = 0 };
		char path[PATH_MAX];

		damage(&module, &row->damage);
		directory_write(*state, "test.so", &module, path);
		module_free(&module);
		has_run();
		check_refusal(row, loader_load(loader, "test", path, &extension, &error), &error);
		if (has_run() != row->runs)
			fail_msg("%s (%s): code of the file %s", row->name, row->variant,
				row->runs ? "did not run" : "ran");
		assert_ptr_equal(loader_find(loader, "test"), extension);
		assert_true(!extension == !!row->expected);
		loader_destroy(loader);
	}
}

static struct extension *load(struct loader *loader, const char *name, const char *path)
{
	struct extension *extension = NULL;
	struct weir_error error = { .code = 0 };

	if (loader_load(loader, name, path, &extension, &error))
		fail_msg("%s: %s", path ? path : name, error.message);
	return extension;
}

static void test_accessors(void **state)
{
	struct module module = module_read("good");
	struct loader *loader = create();
	const struct weir_extension *d;
	struct extension *extension;
	char path[PATH_MAX];

	directory_write(*state, "test.so", &module, path);
	module_free(&module);
	extension = load(loader, "test", path);
	d = extension_descriptor(extension);
	assert_string_equal(d->name, "test");
	assert_string_equal(d->version, "1.0");
	assert_int_equal(d->class, WEIR_CLASS_FILTER);
	assert_int_equal(d->n_drop_reasons, 2);
	assert_string_equal(d->drop_reasons[1].token, "two");
	assert_int_equal(d->reads, WEIR_FIELD_IP_PROTO | WEIR_FIELD_L4_DST);
	assert_non_null(d->ingress);
	assert_null(d->dropped);
	assert_null(extension_schema(extension));
	assert_string_equal(extension_path(extension), path);
	assert_int_equal(extension_number(extension), 1);
	assert_int_equal(extension_needs_minor(extension), WEIR_ABI_MINOR);
	loader_destroy(loader);
}

static void test_schema(void **state)
{
	struct module module = module_read("messages");
	struct loader *loader = create();
	struct extension *extension;
	char path[PATH_MAX];

	directory_write(*state, "test.so", &module, path);
	module_free(&module);
	extension = load(loader, "test", path);
	assert_non_null(extension_schema(extension));
	assert_non_null(schema_find(extension_schema(extension), SCHEMA_POLICY, "rule", NULL));
	loader_destroy(loader);
}

// An extension of an older version: what it does not have is zero.
static void test_older_and_smaller(void **state)
{
	struct module module = module_read("minor_0");
	struct loader *loader = create();
	const struct weir_extension *d;
	struct extension *extension;
	char path[PATH_MAX];

	directory_write(*state, "test.so", &module, path);
	module_free(&module);
	extension = load(loader, "test", path);
	d = extension_descriptor(extension);
	assert_int_equal(extension_needs_minor(extension), 0);
	assert_int_equal(d->abi_minor, 0);
	assert_non_null(d->ingress);
	assert_null(d->timer);
	assert_null(d->call);
	assert_null(d->restore);
	assert_int_equal(d->save_version, 0);
	loader_destroy(loader);
}

// An extension of a host that knows less: what lies behind its descriptor is not part of it.
static void test_newer_and_larger(void **state)
{
	struct module module = module_read("good");
	struct loader *loader = create();
	struct extension *extension;
	char path[PATH_MAX];

	module_put(&module, module_descriptor(&module) + offsetof(struct weir_extension, abi_minor),
		WEIR_ABI_MINOR + 3, 2);
	directory_write(*state, "test.so", &module, path);
	module_free(&module);
	extension = load(loader, "test", path);
	assert_int_equal(extension_descriptor(extension)->abi_minor, WEIR_ABI_MINOR + 3);
	loader_destroy(loader);
}

static void test_names(void **state)
{
	static const char *const names[] = { "", "Test", "te_st", "../test", "a/b", "t\xc3\xa9st",
		"a-name-of-thirty-two-characters-" };
	struct loader *loader = create();

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct extension *extension = NULL;
		struct weir_error error;

		assert_int_equal(loader_load(loader, names[i], NULL, &extension, &error), -EINVAL);
		assert_non_null(strstr(error.message, "a name has 1 to 31 characters"));
		assert_string_equal(error.field, "name");
		assert_null(extension);
	}
	loader_destroy(loader);
}

static void test_list(void **state)
{
	struct module module = module_read("good"), other_module = module_read("other");
	struct loader *loader = create();
	struct extension *test, *other, *again = NULL;
	struct weir_error error;
	char path[PATH_MAX], other_path[PATH_MAX];

	directory_write(*state, "test.so", &module, path);
	directory_write(*state, "other.so", &other_module, other_path);
	module_free(&module);
	module_free(&other_module);
	assert_null(extension_next(loader, NULL));
	test = load(loader, "test", path);
	other = load(loader, "other", other_path);
	assert_int_equal(extension_number(other), 2);
	assert_ptr_equal(extension_next(loader, NULL), test);
	assert_ptr_equal(extension_next(loader, test), other);
	assert_null(extension_next(loader, other));

	assert_int_equal(loader_load(loader, "test", path, &again, &error), -EEXIST);
	assert_non_null(strstr(error.message, "\"test\" is already loaded"));
	assert_null(again);

	extension_get(test);
	extension_get(test);
	assert_int_equal(loader_unload(loader, test, &error), -EBUSY);
	assert_non_null(strstr(error.message, "attached to 2 switches"));
	extension_put(test);
	extension_put(test);
	assert_int_equal(loader_unload(loader, test, &error), 0);
	assert_null(loader_find(loader, "test"));
	assert_ptr_equal(loader_find(loader, "other"), other);
	// The number that became free is given again, and the order is that of the numbers.
	test = load(loader, "test", path);
	assert_int_equal(extension_number(test), 1);
	assert_ptr_equal(extension_next(loader, test), other);
	loader_destroy(loader);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, directory_create, directory_remove)
	const struct CMUnitTest tests[] = {
		TEST(test_rows),
		TEST(test_accessors),
		TEST(test_schema),
		TEST(test_older_and_smaller),
		TEST(test_newer_and_larger),
		TEST(test_names),
		TEST(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
