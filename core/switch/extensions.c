// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Loaded extensions.
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/text.h"
#include "switch/attachment.h"
#include "switch/extensions.h"
#include "switch/loader.h"
#include "switch/missing.h"
#include "switch/notice.h"
#include "switch/reasons.h"
#include "switch/schema.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

int weir_extension_load(struct weir *w, const char *name, const char *path, unsigned flags,
	struct weir_error *error)
{
	struct extension *extension;
	struct reason_names *names;
	int failed = loader_load(w->loader, name, path, &extension, error);

	if (failed)
		return failed;
	if (flags & WEIR_DRY_RUN)
		return loader_unload(w->loader, extension, error);
	failed = reasons_make(w, extension_descriptor(extension), &names, error);
	if (failed) {
		loader_unload(w->loader, extension, NULL);
		return failed;
	}
	reasons_publish(w, names);
	weir_notify(w, "extension-loaded", "", "", name, "extension %s %s loaded from %s", name,
		extension_descriptor(extension)->version, extension_path(extension));
	return 0;
}

// One that is missing on several switches is named once.
static bool is_named(const struct weir *w, const struct attachment *a)
{
	struct vswitch *s = w->switches;

	while (s != a->vswitch && !attachment_find(s, a->descriptor->name))
		s = s->next;
	return s != a->vswitch || loader_find(w->loader, a->descriptor->name);
}

static void put_name(struct text *names, const char *name)
{
	text_put(names, "%s%s", names->used ? ", " : "", name);
}

// It is nothing that there is.
static int refuse_unknown(
	struct weir *w, const char *name, const char *field, struct weir_error *error)
{
	char buffer[256] = "";
	struct text names = { buffer, sizeof(buffer), 0 };

	for (struct extension *e = extension_next(w->loader, NULL); e;
		e = extension_next(w->loader, e))
		put_name(&names, extension_descriptor(e)->name);
	for (struct vswitch *s = w->switches; s; s = s->next)
		for (const struct attachment *a = s->attachments; a; a = a->next)
			if (a->missing && !is_named(w, a))
				put_name(&names, a->descriptor->name);
	return weir_refuse(error, -ENOENT, field, "extension \"%.64s\": is not loaded; %s%s", name,
		names.used ? "there are " : "none is", buffer);
}

int extension_check_known(struct weir *w, const char *name, struct weir_error *error)
{
	if (loader_find(w->loader, name) || attached_anywhere(w, name, true))
		return 0;
	return refuse_unknown(w, name, "extension", error);
}

// Why it is not loaded, as far as a user can do something about it.
static int refuse_unloaded(
	struct weir *w, const char *name, const char *field, struct weir_error *error)
{
	char path[PATH_MAX];

	for (struct vswitch *s = w->switches; s; s = s->next)
		if (attachment_find(s, name))
			return weir_refuse(error, -ENOENT, field,
				"extension \"%s\": is not loaded: it is missing on "
				"switch %s, where extension attach tries it again, and from "
				"another file after extension load %s --path FILE",
				name, s->name, name);
	if (loader_locate(w->loader, name, path, sizeof(path)))
		return weir_refuse(error, -ENOENT, field,
			"extension \"%s\": is not loaded; it would be loaded from %.200s", name,
			path);
	return refuse_unknown(w, name, field, error);
}

struct extension *extension_loaded(
	struct weir *w, const char *name, const char *field, struct weir_error *error)
{
	struct extension *extension = loader_find(w->loader, name ? name : "");

	if (!extension)
		refuse_unloaded(w, name ? name : "", field, error);
	return extension;
}

int weir_extension_unload(
	struct weir *w, const char *name, unsigned flags, struct weir_error *error)
{
	struct extension *extension = extension_loaded(w, name, "name", error);
	int failed;

	if (!extension)
		return -ENOENT;
	for (struct vswitch *s = w->switches; s; s = s->next)
		if (attachment_find(s, name) && !attachment_find(s, name)->missing)
			return weir_refuse(error, -EBUSY, "name",
				"extension \"%s\": is attached to switch %s; detach it first", name,
				s->name);
	if (flags & WEIR_DRY_RUN)
		return 0;
	failed = loader_unload(w->loader, extension, error);
	if (!failed)
		weir_notify(w, "extension-unloaded", "", "", name, "extension %s unloaded", name);
	return failed;
}

// Where a missing one of the name is to come from: not from wherever another file of that name is.
// NULL: by name.
static const char *wanted_path(const struct weir *w, const char *name)
{
	for (struct vswitch *s = w->switches; s; s = s->next) {
		const struct attachment *a = attachment_find(s, name);

		if (a && a->missing)
			return attachment_path(a);
	}
	return NULL;
}

// The loaded extension, loaded now if need be; *loaded says so.
struct extension *extension_need(
	struct weir *w, const char *name, bool *loaded, struct weir_error *error)
{
	struct extension *extension = name ? loader_find(w->loader, name) : NULL;

	*loaded = false;
	if (extension)
		return extension;
	if (weir_extension_load(w, name, wanted_path(w, name), 0, error) < 0)
		return NULL;
	*loaded = true;
	return loader_find(w->loader, name);
}

void extension_unneed(struct weir *w, struct extension *extension)
{
	char name[WEIR_NAME_MAX];

	snprintf(name, sizeof(name), "%s", extension_descriptor(extension)->name);
	if (loader_unload(w->loader, extension, NULL) == 0)
		weir_notify(w, "extension-unloaded", "", "", name, "extension %s unloaded", name);
}

// ---- Schemas

void extension_give_schema(const struct extension *extension, const void **bytes, size_t *size)
{
	*bytes = NULL;
	*size = 0;
	if (extension_schema(extension))
		*bytes = schema_bytes(extension_schema(extension), size);
}

static int refuse_schema(const struct weir *w, const char *name, struct weir_error *error)
{
	char list[256];

	loader_directories(w->loader, list, sizeof(list));
	return weir_refuse(error, -ENOENT, "extension",
		"extension \"%.64s\": is not loaded, and there is no %.64s.so in the directories "
		"of extensions (%s)",
		name, name, list);
}

// Who asks what an extension can be told is not to change which are loaded: of one that is not, the
// schema is copied, and the file let go again.
static int copy_schema(struct weir *w, const char *name, const void **bytes, size_t *size,
	struct weir_error *error)
{
	const char *path = wanted_path(w, name);
	struct extension *extension;
	char found[PATH_MAX];
	int failed;

	if (!path && loader_is_name(name) && !loader_locate(w->loader, name, found, sizeof(found)))
		return refuse_schema(w, name, error);
	failed = loader_load_beside(w->loader, name, path, &extension, error);
	if (failed)
		return failed;
	extension_give_schema(extension, bytes, size);
	free(w->read_schema);
	w->read_schema = *size ? malloc(*size) : NULL;
	if (w->read_schema)
		*bytes = memcpy(w->read_schema, *bytes, *size);
	else if (*size)
		failed = weir_refuse(error, -ENOMEM, NULL, "extension %s: no memory", name);
	loader_close(extension);
	return failed;
}

int weir_extension_schema(struct weir *w, const char *name, const void **bytes, size_t *size,
	struct weir_error *error)
{
	struct extension *extension = name ? loader_find(w->loader, name) : NULL;

	if (!extension)
		return copy_schema(w, name ? name : "", bytes, size, error);
	extension_give_schema(extension, bytes, size);
	return 0;
}
