// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Which message a client's call is, which attachment is meant, and whether its files are those that
// it names.
#include <errno.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "switch/attachment.h"
#include "switch/extensions.h"
#include "switch/host.h"
#include "switch/loader.h"
#include "switch/port.h"
#include "switch/schema.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

static struct attachment *on_switch(
	struct vswitch *s, const struct weir_call_request *r, struct weir_error *error)
{
	return s ? attachment_need(s, r->extension, "extension", error) : NULL;
}

static struct attachment *of_port(struct weir *w, const struct weir_call_request *r,
	const struct schema_port_name *named, struct weir_error *error)
{
	char name[WEIR_NAME_MAX * 2]; // a longer one than WEIR_NAME_MAX is found nowhere
	struct port *port;

	snprintf(name, sizeof(name), "%.*s", (int)named->size, named->text);
	port = port_find(w, name, error);
	if (port)
		return on_switch(port->target.vswitch, r, error);
	if (error)
		snprintf(error->field, sizeof(error->field), "%s", named->field);
	return NULL;
}

static struct attachment *only_one(
	struct weir *w, const struct weir_call_request *r, struct weir_error *error)
{
	struct attachment *found = NULL;
	char names[256] = "";
	size_t used = 0;
	unsigned n = 0;

	for (struct vswitch *s = w->switches; s; s = s->next) {
		struct attachment *a = attachment_find(s, r->extension);

		if (!a)
			continue;
		found = a;
		if (used < sizeof(names))
			used += (size_t)snprintf(
				names + used, sizeof(names) - used, "%s%s", n ? ", " : "", s->name);
		n++;
	}
	if (n == 1)
		return found;
	if (n == 0)
		weir_refuse(error, -ENOENT, "extension",
			"extension \"%s\": is not attached to any switch", r->extension);
	else
		weir_refuse(error, -EINVAL, "switch",
			"switch: extension %s is attached to %u; it must be one of %s%s",
			r->extension, n, names, used < sizeof(names) ? "" : "...");
	return NULL;
}

static struct attachment *find_attachment(struct weir *w, const struct weir_call_request *r,
	const struct schema_message *message, struct weir_error *error)
{
	struct schema_port_name named;

	if (r->switch_name)
		return on_switch(vswitch_find(w, r->switch_name, error), r, error);
	if (schema_port_name(message, r->bytes, r->n_bytes, &named))
		return of_port(w, r, &named, error);
	return only_one(w, r, error);
}

static const struct schema_message *find_message(
	struct weir *w, const struct weir_call_request *r, struct weir_error *error)
{
	struct extension *extension = extension_loaded(w, r->extension, "extension", error);
	const struct weir_schema *schema = extension ? extension_schema(extension) : NULL;

	if (!extension)
		return NULL;
	if (!schema || !extension_descriptor(extension)->call) {
		weir_refuse(error, -ENOENT, "extension", "extension \"%s\": takes no calls",
			r->extension);
		return NULL;
	}
	return schema_find(schema, SCHEMA_CALL, r->type, error);
}

static int check_files(const struct weir_call_request *r, const struct schema_message *message,
	struct weir_error *error)
{
	size_t n = schema_n_files(message, r->bytes, r->n_bytes);

	if (r->n_files == n)
		return 0;
	return weir_refuse(error, -EINVAL, "files",
		"files: %u were passed with the call; it names %zu", r->n_files, n);
}

struct attachment *call_find(struct weir *w, const struct weir_call_request *r,
	const struct schema_message **message, struct weir_error *error)
{
	const struct schema_message *found = find_message(w, r, error);
	struct attachment *a = NULL;

	if (found && schema_check(found, r->bytes, r->n_bytes, error) == 0)
		a = find_attachment(w, r, found, error);
	if (!a || check_files(r, found, error) < 0)
		return NULL;
	*message = found;
	return a;
}
