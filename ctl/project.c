// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "project.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/extension.h>

enum { NAME_MAX_SIZE = 32, PATH_SIZE = 128 }; // with the terminating zero

static const char common[] = "common";

static const struct template
{
	const char *class, *file;
	const char *text;
	size_t size;
}
templates[] = {
#include "templates.h"
};

enum { N_TEMPLATES = sizeof(templates) / sizeof(*templates) };

const char *project_class(size_t i)
{
	const char *last = "";

	for (size_t t = 0; t < N_TEMPLATES; t++) {
		const char *class = templates[t].class;

		if (strcmp(class, last) != 0 && strcmp(class, common) != 0 && i-- == 0)
			return class;
		last = class;
	}
	return NULL;
}

static int check_class(const char *class, struct ctl_error *error)
{
	char classes[256];
	FILE *out;

	for (size_t i = 0; project_class(i); i++) {
		if (strcmp(project_class(i), class) == 0)
			return CTL_OK;
	}
	out = fmemopen(classes, sizeof(classes), "w");
	if (!out)
		return ctl_fail_memory(error);
	for (size_t i = 0; project_class(i); i++)
		fprintf(out, "%s%s", i ? ", " : "", project_class(i));
	fclose(out);
	return ctl_fail(error, CTL_REFUSED, "--class \"%s\": must be one of %s", class, classes);
}

// The project is a CMake one, with a target of the extension's name.
static bool is_target_of_cmake(const char *name)
{
	static const char *const targets[] = { "all", "clean", "edit-cache", "help", "install",
		"package", "test" };

	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		if (strcmp(name, targets[i]) == 0)
			return true;
	}
	return false;
}

// No switch would load it.
static bool is_reserved(const char *name)
{
	static const char *const reserved[] = { WEIR_RESERVED_NAMES };

	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
		if (strcmp(name, reserved[i]) == 0)
			return true;
	}
	return false;
}

static int check_name(const char *name, struct ctl_error *error)
{
	size_t size = strlen(name);

	if (strchr(name, '/'))
		return ctl_fail(error, CTL_REFUSED,
			"name \"%s\": must be a name and not a path: the project is made in the "
			"current directory",
			name);
	if (!islower((unsigned char)*name) || size >= NAME_MAX_SIZE || name[size - 1] == '-' ||
		name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		return ctl_fail(error, CTL_REFUSED,
			"name \"%s\": must be 1 to %d of a-z, 0-9 and \"-\", beginning with a "
			"letter and not ending with \"-\"",
			name, NAME_MAX_SIZE - 1);
	if (is_reserved(name))
		return ctl_fail(error, CTL_REFUSED,
			"name \"%s\": is taken by the switch itself or by a command of weirctl's; "
			"choose another",
			name);
	if (is_target_of_cmake(name))
		return ctl_fail(error, CTL_REFUSED,
			"name \"%s\": is taken by a target of CMake's; choose another", name);
	return project_check_taken(name, error);
}

struct project {
	const char *name;
	char ident[NAME_MAX_SIZE], camel[NAME_MAX_SIZE], upper[NAME_MAX_SIZE];
};

static void name_project(struct project *p, const char *name)
{
	size_t n = 0;

	p->name = name;
	for (size_t i = 0; i <= strlen(name); i++) {
		char c = name[i] == '-' ? '_' : name[i];

		p->ident[i] = c;
		p->upper[i] = (char)toupper((unsigned char)c);
		if (c != '_')
			p->camel[n++] = i == 0 || name[i - 1] == '-' ? p->upper[i] : c;
	}
}

// What stands for the `size` bytes at `at`, if they begin with a placeholder, and how many they
// are.
static const char *replacement(
	const struct project *p, const char *at, size_t size, size_t *n_replaced)
{
	const char *const words[][2] = { { "@NAME@", p->name }, { "@IDENT@", p->ident },
		{ "@CAMEL@", p->camel }, { "@UPPER@", p->upper } };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		*n_replaced = strlen(words[i][0]);
		if (*n_replaced <= size && memcmp(at, words[i][0], *n_replaced) == 0)
			return words[i][1];
	}
	return NULL;
}

static void put_text(FILE *out, const struct project *p, const struct template *t)
{
	size_t n_replaced;

	for (size_t i = 0; i < t->size; i++) {
		const char *word = replacement(p, t->text + i, t->size - i, &n_replaced);

		if (word) {
			fputs(word, out);
			i += n_replaced - 1;
		} else {
			fputc(t->text[i], out);
		}
	}
}

static void path_of(char path[PATH_SIZE], const struct project *p, const struct template *t)
{
	static const char ident[] = "IDENT";
	size_t size = sizeof(ident) - 1;
	bool named = strncmp(t->file, ident, size) == 0;

	snprintf(path, PATH_SIZE, "%s/%s%s", p->name, named ? p->ident : "",
		t->file + (named ? size : 0));
}

static int write_file(const struct project *p, const struct template *t, struct ctl_error *error)
{
	char path[PATH_SIZE];
	bool failed;
	FILE *out;

	path_of(path, p, t);
	out = fopen(path, "wx");
	if (!out)
		return ctl_fail(
			error, CTL_REFUSED, "%s: cannot be written: %s", path, strerror(errno));
	put_text(out, p, t);
	failed = ferror(out) != 0;
	if (fclose(out) || failed)
		return ctl_fail(
			error, CTL_REFUSED, "%s: cannot be written: %s", path, strerror(errno));
	return CTL_OK;
}

static bool belongs(const struct template *t, const char *class)
{
	return strcmp(t->class, class) == 0 || strcmp(t->class, common) == 0;
}

// The directory was made here and has nothing of others'.
static void remove_all(const struct project *p, const char *class)
{
	char path[PATH_SIZE];

	for (size_t i = 0; i < N_TEMPLATES; i++) {
		path_of(path, p, &templates[i]);
		if (belongs(&templates[i], class))
			unlink(path);
	}
	rmdir(p->name);
}

int project_create(const char *name, const char *class, struct ctl_error *error)
{
	struct project p;
	int result = check_name(name, error);

	if (!result)
		result = check_class(class, error);
	if (result)
		return result;
	if (mkdir(name, 0777) < 0)
		return ctl_fail(error, CTL_REFUSED, "%s: %s", name,
			errno == EEXIST ? "is there already; a project is made in a new directory"
					: strerror(errno));
	name_project(&p, name);
	for (size_t i = 0; !result && i < N_TEMPLATES; i++) {
		if (belongs(&templates[i], class))
			result = write_file(&p, &templates[i], error);
	}
	if (result)
		remove_all(&p, class);
	return result;
}
