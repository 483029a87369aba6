// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "switch/loader.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "switch/loader_internal.h"

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

void loader_directories(const struct loader *loader, char list[], size_t size)
{
	size_t n = 0;

	*list = '\0';
	for (size_t i = 0; i < loader->n_directories && n < size; i++)
		n += (size_t)snprintf(
			list + n, size - n, "%s%s", i ? ", " : "", loader->directories[i]);
}

static int refuse_missing(const struct loader *loader, const char *name, struct weir_error *error)
{
	char list[256];

	loader_directories(loader, list, sizeof(list));
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
		ret = extension_open(name, path, out, error);
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

	ret = loader_check_name(name, error);
	if (ret)
		return ret;
	ret = path ? extension_open(name, path, &extension, error)
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
	extension_free(extension);
}

static void unload(struct loader *loader, struct extension *extension)
{
	struct extension **at = &loader->extensions;

	assert(!extension->n_references);
	while (*at != extension)
		at = &(*at)->next;
	*at = extension->next;
	extension_free(extension);
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

bool loader_locate(const struct loader *loader, const char *name, char *path, size_t size)
{
	for (size_t i = 0; loader_is_name(name) && i < loader->n_directories; i++) {
		int n = snprintf(path, size, "%s/%s.so", loader->directories[i], name);

		if (n > 0 && (size_t)n < size && access(path, F_OK) == 0)
			return true;
	}
	return false;
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
