// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Loaded extensions, and the names of what they drop.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "datapath/text.h"
#include "switch/model.h"

static char *copy_text(const char *text)
{
	return strdup(text ? text : "");
}

static bool same_reasons(const struct reason_names *names, const struct weir_extension *e)
{
	if (names->n != e->n_drop_reasons)
		return false;
	for (unsigned r = 0; r < names->n; r++)
		if (strcmp(names->reasons[r].token, e->drop_reasons[r].token) != 0 ||
			strcmp(names->reasons[r].text, e->drop_reasons[r].text) != 0)
			return false;
	return true;
}

// The number of an extension's name: of its reasons, meters and ids, for as long as the process
// lives. 0: there are too many.
unsigned extension_owner_number(const struct weir *w, const char *name)
{
	for (unsigned n = 1; n < REASON_OWNERS; n++)
		if (!w->reasons[n] || strcmp(w->reasons[n]->owner, name) == 0)
			return n;
	return 0;
}

// Keeps the names of an extension's drop reasons, so that an unloaded extension's drops stay
// listed. Any thread may be reading those that were published before: they stay too, which costs
// memory only when an extension comes back with other reasons.
static int reasons_register(struct weir *w, const struct extension *extension)
{
	const struct weir_extension *e = extension_descriptor(extension);
	unsigned number = extension_owner_number(w, e->name);
	struct reason_names *names;

	if (number == 0)
		return -ENOSPC;
	if (w->reasons[number] && same_reasons(w->reasons[number], e))
		return 0;
	names = calloc(1, sizeof(*names));
	if (names)
		names->reasons = calloc(e->n_drop_reasons + 1, sizeof(*names->reasons));
	if (!names || !names->reasons) {
		free(names);
		return -ENOMEM;
	}
	snprintf(names->owner, sizeof(names->owner), "%s", e->name);
	for (; names->n < e->n_drop_reasons; names->n++) {
		struct weir_drop_reason *r = &names->reasons[names->n];

		r->token = copy_text(e->drop_reasons[names->n].token);
		r->text = copy_text(e->drop_reasons[names->n].text);
		if (!r->token || !r->text) {
			names->n++;
			reasons_free(names);
			return -ENOMEM;
		}
	}
	names->older = w->reasons[number];
	__atomic_store_n(&w->reasons[number], names, __ATOMIC_RELEASE);
	return 0;
}

void reasons_free(struct reason_names *names)
{
	while (names) {
		struct reason_names *older = names->older;

		for (unsigned r = 0; r < names->n; r++) {
			free((char *)names->reasons[r].token);
			free((char *)names->reasons[r].text);
		}
		free(names->reasons);
		free(names);
		names = older;
	}
}

int weir_extension_load(struct weir *w, const char *name, const char *path, unsigned flags,
	struct weir_error *error)
{
	struct extension *extension;
	int failed = loader_load(w->loader, name, path, &extension, error);

	if (failed)
		return failed;
	if (flags & WEIR_DRY_RUN)
		return loader_unload(w->loader, extension, error);
	failed = reasons_register(w, extension);
	if (failed) {
		loader_unload(w->loader, extension, NULL);
		return weir_refuse(error, failed, "name", "extension %s: %s", name,
			failed == -ENOSPC ? "too many extensions are loaded" : "no memory");
	}
	weir_notify(w, "extension-loaded", "", "", name, "extension %s %s loaded from %s", name,
		extension_descriptor(extension)->version, extension_path(extension));
	return 0;
}

int weir_extension_unload(
	struct weir *w, const char *name, unsigned flags, struct weir_error *error)
{
	struct extension *extension = name ? loader_find(w->loader, name) : NULL;
	int failed;

	if (!extension)
		return weir_refuse(error, -ENOENT, "name", "extension \"%.64s\": is not loaded",
			name ? name : "");
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

int extension_check_known(struct weir *w, const char *name, struct weir_error *error)
{
	char buffer[256] = "";
	struct text names = { buffer, sizeof(buffer), 0 };

	if (loader_find(w->loader, name) || attached_anywhere(w, name, true))
		return 0;
	for (struct extension *e = extension_next(w->loader, NULL); e;
		e = extension_next(w->loader, e))
		put_name(&names, extension_descriptor(e)->name);
	for (struct vswitch *s = w->switches; s; s = s->next)
		for (const struct attachment *a = s->attachments; a; a = a->next)
			if (a->missing && !is_named(w, a))
				put_name(&names, a->descriptor->name);
	return weir_refuse(error, -ENOENT, "extension", "extension \"%.64s\": is not loaded; %s%s",
		name, names.used ? "there are " : "none is", buffer);
}

int weir_extension_schema(struct weir *w, const char *name, const void **bytes, size_t *size,
	struct weir_error *error)
{
	bool loaded;
	struct extension *extension = extension_need(w, name, &loaded, error);

	if (!extension)
		return error && error->code ? error->code : -ENOENT;
	*bytes = NULL;
	*size = 0;
	if (extension_schema(extension))
		*bytes = schema_bytes(extension_schema(extension), size);
	return 0;
}
