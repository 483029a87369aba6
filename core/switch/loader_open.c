// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// From a file to an extension: opened, copied, checked, linked, its descriptor and schema read.
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "switch/loader_internal.h"
#include "switch/schema.h"
#include "switch/wire.h"

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

// Who takes policies is told of them by prepare() alone: without it decide would have no state.
static int check_policies(const struct extension *extension, struct weir_error *error)
{
	for (size_t i = 0; i < schema_n_types(extension->schema); i++) {
		const struct schema_type *type = schema_type_at(extension->schema, i);

		if (type->role == SCHEMA_POLICY && !extension->descriptor.prepare)
			return weir_refuse(error, -EINVAL, "path",
				"has policies (%s), but no prepare() that is told of them",
				type->name);
	}
	return 0;
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
	if (ret)
		return weir_refuse(
			error, ret, "path", "has a schema that is refused: %.300s", reason.message);
	return check_policies(extension, error);
}

void extension_free(struct extension *extension)
{
	schema_free(extension->schema);
	close_library(extension);
	free(extension->path);
	free(extension);
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
	extension_free(extension);
	return ret;
}

// As load(), with sentences that begin with the file's name.
int extension_open(
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
