// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "switch/loader.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "switch/loader_internal.h"
#include "switch/schema.h"
#include "switch/wire.h"

struct extension {
	struct extension *next;
	struct weir_extension descriptor;
	struct weir_schema *schema;
	char *path;
	bool by_name; // found in the directories
	void *library;
	int memory; // that the library is mapped from
	unsigned number;
	unsigned needs_minor;
	unsigned n_references;
};

struct loader {
	struct extension *extensions; // in the order of their numbers
	size_t n_directories;
	char *directories[/* n_directories */];
};

int loader_create(const char *const *directories, size_t n_directories, struct loader **out)
{
	struct loader *loader = calloc(
		1, sizeof(*loader) + n_directories * sizeof(loader->directories[0]));

	if (!loader)
		return -ENOMEM;
	for (size_t i = 0; i < n_directories; i++) {
		loader->directories[i] = strdup(directories[i]);
		if (!loader->directories[i]) {
			loader_destroy(loader);
			return -ENOMEM;
		}
		loader->n_directories++;
	}
	*out = loader;
	return 0;
}

// The name of the memory for the dynamic linker. /proc/self is resolved here, so that the name
// means the same to a debugger.
static int name_memory(int memory, char *name, size_t size, struct weir_error *error)
{
	char self[32];
	ssize_t n = readlink("/proc/self", self, sizeof(self) - 1);

	if (n < 0)
		return weir_refuse(error, -ELIBACC, "path",
			"cannot be loaded: /proc is needed for it and cannot be read");
	self[n] = '\0';
	snprintf(name, size, "/proc/%s/fd/%d", self, memory);
	return 0;
}

static int refuse_library(const char *name, struct weir_error *error)
{
	const char *text = dlerror();
	size_t prefix = strlen(name);

	if (!text)
		text = "no reason given";
	else if (strncmp(text, name, prefix) == 0 && strncmp(text + prefix, ": ", 2) == 0)
		text += prefix + 2;
	return weir_refuse(error, -ELIBACC, "path", "cannot be loaded: %s", text);
}

static int open_library(struct extension *extension, struct weir_error *error)
{
	char name[64];
	int ret = name_memory(extension->memory, name, sizeof(name), error);

	if (ret)
		return ret;
	extension->library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	return extension->library ? 0 : refuse_library(name, error);
}

// The dynamic linker recognises what is loaded by its name. While it keeps the library, nothing
// else may get that name, which holds the number of the descriptor.
static void close_library(struct extension *extension)
{
	char name[64];
	void *kept = NULL;

	if (extension->library) {
		dlclose(extension->library);
		if (!name_memory(extension->memory, name, sizeof(name), NULL))
			kept = dlopen(name, RTLD_NOW | RTLD_NOLOAD);
	}
	if (kept)
		dlclose(kept);
	else if (extension->memory >= 0)
		close(extension->memory);
}

static int read_descriptor(
	struct extension *extension, const struct weir_note *note, struct weir_error *error)
{
	const struct weir_extension *found = dlsym(extension->library, "weir_extension");
	struct weir_error reason = { .message = "out of memory" };
	int ret;

	if (!found)
		return weir_refuse(error, -ENOSYS, "path", "exports no variable weir_extension");
	ret = loader_check_descriptor(found, note, &extension->descriptor, error);
	if (ret || !extension->descriptor.schema)
		return ret;
	ret = schema_parse(extension->descriptor.schema, extension->descriptor.schema_size,
		&extension->schema, &reason);
	return ret ? weir_refuse(error, ret, "path", "has a schema that is refused: %.300s",
			     reason.message)
		   : 0;
}

static void free_extension(struct extension *extension)
{
	schema_free(extension->schema);
	close_library(extension);
	free(extension->path);
	free(extension);
}

// Takes the least free number and the place in the list that goes with it.
static void insert(struct loader *loader, struct extension *extension)
{
	struct extension **at = &loader->extensions;

	extension->number = 1;
	while (*at && (*at)->number == extension->number) {
		extension->number++;
		at = &(*at)->next;
	}
	extension->next = *at;
	*at = extension;
}

// From the open file to an extension whose library is not loaded yet.
static int copy_and_check(struct extension *extension, const char *name, int file,
	struct weir_note *note, struct weir_error *error)
{
	int ret = loader_copy_sealed(file, name, error);

	if (ret < 0)
		return ret;
	extension->memory = ret;
	ret = loader_check_file(extension->memory, note, error);
	if (!ret)
		ret = loader_check_note(note, name, error);
	extension->needs_minor = ret ? 0 : note->needs_minor;
	return ret;
}

static int load(
	const char *name, const char *path, struct extension **out, struct weir_error *error)
{
	struct extension *extension = calloc(1, sizeof(*extension));
	struct weir_note note;
	int file, ret;

	if (!extension)
		return -ENOMEM;
	extension->memory = -1;
	ret = -ENOMEM;
	extension->path = strdup(path);
	if (!extension->path)
		goto free_extension;
	file = loader_open_trusted(path, error);
	if (file < 0) {
		ret = file;
		goto free_extension;
	}
	ret = copy_and_check(extension, name, file, &note, error);
	close(file);
	if (!ret)
		ret = open_library(extension, error);
	if (!ret)
		ret = read_descriptor(extension, &note, error);
	if (ret)
		goto free_extension;
	*out = extension;
	return 0;
free_extension:
	free_extension(extension);
	return ret;
}

// As load(), with sentences that begin with the file's name.
static int load_file(
	const char *name, const char *path, struct extension **out, struct weir_error *error)
{
	struct weir_error reason = { .message = "cannot be loaded: out of memory",
		.field = "path" };
	int ret = load(name, path, out, &reason);

	if (!ret)
		return 0;
	wire_make_text(reason.message); // it may quote the file
	return weir_refuse(error, ret, reason.field, "extension file \"%.200s%s\" %s", path,
		strlen(path) > 200 ? "..." : "", reason.message);
}

static int refuse_missing(const struct loader *loader, const char *name, struct weir_error *error)
{
	char list[256] = "";
	size_t n = 0;

	for (size_t i = 0; i < loader->n_directories && n < sizeof(list); i++)
		n += (size_t)snprintf(
			list + n, sizeof(list) - n, "%s%s", i ? ", " : "", loader->directories[i]);
	return weir_refuse(error, -ENOENT, "name",
		"extension \"%s\": there is no %s.so in the directories of extensions (%s)", name,
		name, list);
}

static int load_from_directories(const struct loader *loader, const char *name,
	struct extension **out, struct weir_error *error)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < loader->n_directories; i++) {
		const char *directory = loader->directories[i];
		int ret;

		if ((size_t)snprintf(path, sizeof(path), "%s/%s.so", directory, name) >=
			sizeof(path))
			return weir_refuse(error, -ENAMETOOLONG, "name",
				"extension \"%s\": the path of directory \"%.128s...\" is too long",
				name, directory);
		ret = load_file(name, path, out, error);
		if (ret != -ENOENT)
			return ret;
	}
	return refuse_missing(loader, name, error);
}

int loader_load_beside(const struct loader *loader, const char *name, const char *path,
	struct extension **out, struct weir_error *error)
{
	struct extension *extension;
	int ret;

	if (!loader_is_name(name))
		return weir_refuse(error, -EINVAL, "name",
			"extension \"%.64s\": a name has 1 to %d characters a-z, 0-9 and \"-\"",
			name, WEIR_NAME_MAX - 1);
	ret = path ? load_file(name, path, &extension, error)
		   : load_from_directories(loader, name, &extension, error);
	if (ret)
		return ret;
	extension->by_name = !path;
	*out = extension;
	return 0;
}

int loader_load(struct loader *loader, const char *name, const char *path, struct extension **out,
	struct weir_error *error)
{
	struct extension *extension = loader_is_name(name) ? loader_find(loader, name) : NULL;
	int ret;

	if (extension)
		return weir_refuse(error, -EEXIST, "name",
			"extension \"%s\" is already loaded, from %.200s", name, extension->path);
	ret = loader_load_beside(loader, name, path, &extension, error);
	if (ret)
		return ret;
	insert(loader, extension);
	*out = extension;
	return 0;
}

void loader_exchange(struct loader *loader, struct extension *old, struct extension *extension)
{
	struct extension **at = &loader->extensions;

	while (*at != old)
		at = &(*at)->next;
	extension->number = old->number;
	extension->next = old->next;
	*at = extension;
}

void loader_close(struct extension *extension)
{
	assert(!extension->n_references);
	free_extension(extension);
}

static void unload(struct loader *loader, struct extension *extension)
{
	struct extension **at = &loader->extensions;

	assert(!extension->n_references);
	while (*at != extension)
		at = &(*at)->next;
	*at = extension->next;
	free_extension(extension);
}

int loader_unload(struct loader *loader, struct extension *extension, struct weir_error *error)
{
	if (extension->n_references)
		return weir_refuse(error, -EBUSY, "name",
			"extension \"%s\" is attached to %u switch%s; it must be detached first",
			extension->descriptor.name, extension->n_references,
			extension->n_references > 1 ? "es" : "");
	unload(loader, extension);
	return 0;
}

void loader_destroy(struct loader *loader)
{
	if (!loader)
		return;
	while (loader->extensions)
		unload(loader, loader->extensions);
	for (size_t i = 0; i < loader->n_directories; i++)
		free(loader->directories[i]);
	free(loader);
}

struct extension *loader_find(const struct loader *loader, const char *name)
{
	struct extension *extension = loader->extensions;

	while (extension && strcmp(extension->descriptor.name, name) != 0)
		extension = extension->next;
	return extension;
}

struct extension *extension_next(const struct loader *loader, const struct extension *previous)
{
	return previous ? previous->next : loader->extensions;
}

void extension_get(struct extension *extension)
{
	extension->n_references++;
}

void extension_put(struct extension *extension)
{
	assert(extension->n_references);
	extension->n_references--;
}

bool extension_is_held(const struct extension *extension)
{
	return extension->n_references > 0;
}

const struct weir_extension *extension_descriptor(const struct extension *extension)
{
	return &extension->descriptor;
}

const struct weir_schema *extension_schema(const struct extension *extension)
{
	return extension->schema;
}

const char *extension_path(const struct extension *extension)
{
	return extension->path;
}

const char *extension_named_path(const struct extension *extension)
{
	return extension->by_name ? NULL : extension->path;
}

unsigned extension_number(const struct extension *extension)
{
	return extension->number;
}

unsigned extension_needs_minor(const struct extension *extension)
{
	return extension->needs_minor;
}
