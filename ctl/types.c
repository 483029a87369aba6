// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "types.h"

#include <stdlib.h>
#include <string.h>

static int add_type(
	struct types *types, const Weir__Control__MessageType *given, struct ctl_error *error)
{
	struct message_type *type = &types->types[types->n_types++];

	type->role = strdup(given->role ? given->role : "");
	type->name = strdup(given->type ? given->type : "");
	type->on_port = given->on_port;
	type->on_switch = given->on_switch;
	type->message = catalog_find(types->catalog, given->message ? given->message : "");
	if (!type->role || !type->name)
		return ctl_fail_memory(error);
	if (!type->message)
		return ctl_fail(error, CTL_REFUSED,
			"the schema of %s does not hold the message \"%s\" of type %s",
			types->extension, given->message ? given->message : "", type->name);
	return 0;
}

static int take_schema(void *context, const Weir__Control__Reply *reply, struct ctl_error *error)
{
	struct types *types = context;
	const Weir__Control__PolicySchemaReply *schema = reply->schema;
	int result;

	if (reply->payload_case != WEIR__CONTROL__REPLY__PAYLOAD_SCHEMA || types->catalog)
		return ask_unexpected(error);
	types->types = calloc(schema->n_types + 1, sizeof(*types->types));
	if (!types->types)
		return ctl_fail_memory(error);
	result = catalog_parse(schema->file_descriptor_set.data, schema->file_descriptor_set.len,
		&types->catalog, error);
	for (size_t i = 0; result == 0 && i < schema->n_types; i++)
		result = add_type(types, schema->types[i], error);
	return result;
}

int types_fetch(struct invocation *in, const char *target, const char *extension,
	struct types *types, struct ctl_error *error)
{
	Weir__Control__PolicySchema message = WEIR__CONTROL__POLICY_SCHEMA__INIT;
	Weir__Control__Request request = REQUEST(POLICY_SCHEMA, policy_schema, &message);

	*types = (struct types){ .extension = strdup(extension) };
	if (!types->extension)
		return ctl_fail_memory(error);
	message.extension = types->extension;
	message.target = ask_text(target);
	return ask(in, &request, take_schema, types, error);
}

void types_fini(struct types *types)
{
	for (size_t i = 0; i < types->n_types; i++) {
		free(types->types[i].role);
		free(types->types[i].name);
	}
	free(types->types);
	catalog_free(types->catalog);
	free(types->extension);
	*types = (struct types){ 0 };
}

struct types_entry {
	struct types_entry *next;
	struct types types; // with its name also when there are none
	int result;
	struct ctl_error error; // unless result is 0
};

static struct types_entry *find_entry(const struct types_cache *cache, const char *extension)
{
	struct types_entry *entry = cache->first;

	while (entry && strcmp(entry->types.extension, extension) != 0)
		entry = entry->next;
	return entry;
}

// Takes over types, also on failure.
static int keep_entry(struct types_cache *cache, struct types *types, int result,
	struct types_entry **entry, struct ctl_error *error)
{
	struct types_entry *made = types->extension ? calloc(1, sizeof(*made)) : NULL;

	if (!made) {
		types_fini(types);
		return ctl_fail_memory(error);
	}
	made->types = *types;
	made->result = result;
	if (result)
		made->error = *error;
	made->next = cache->first;
	cache->first = made;
	*entry = made;
	return 0;
}

bool types_cache_has(const struct types_cache *cache, const char *extension)
{
	return find_entry(cache, extension) != NULL;
}

int types_cached(struct invocation *in, struct types_cache *cache, const char *extension,
	const struct types **types, struct ctl_error *error)
{
	struct types_entry *entry = find_entry(cache, extension);
	struct types fetched;

	if (!entry) {
		int result = types_fetch(in, NULL, extension, &fetched, error);

		if (keep_entry(cache, &fetched, result, &entry, error))
			return CTL_REFUSED;
	}
	if (entry->result)
		*error = entry->error;
	else
		*types = &entry->types;
	return entry->result;
}

int types_cache_add(struct types_cache *cache, const char *extension,
	const Weir__Control__Reply *reply, struct ctl_error *error)
{
	struct types types = { .extension = strdup(extension) };
	struct types_entry *entry;
	int result = types.extension ? take_schema(&types, reply, error) : ctl_fail_memory(error);

	if (keep_entry(cache, &types, result, &entry, error))
		return CTL_REFUSED;
	return result;
}

void types_cache_fini(struct types_cache *cache)
{
	while (cache->first) {
		struct types_entry *entry = cache->first;

		cache->first = entry->next;
		types_fini(&entry->types);
		free(entry);
	}
}

static const struct message_type *refuse(
	const struct types *types, const char *role, const char *name, struct ctl_error *error)
{
	char names[512] = "";
	FILE *out = fmemopen(names, sizeof(names), "w");
	size_t n_names = 0;

	for (size_t i = 0; out && i < types->n_types; i++) {
		if (strcmp(types->types[i].role, role) == 0)
			fprintf(out, "%s%s.%s", n_names++ > 0 ? ", " : "", types->extension,
				types->types[i].name);
	}
	if (out)
		fclose(out);
	names[sizeof(names) - 1] = '\0';
	if (n_names == 0)
		ctl_fail(
			error, CTL_REFUSED, "extension %s has no %s types", types->extension, role);
	else if (name)
		ctl_fail(error, CTL_REFUSED, "extension %s has no %s type \"%s\": there are %s",
			types->extension, role, name, names);
	else
		ctl_fail(error, CTL_REFUSED, "extension %s has several %s types: name one of %s",
			types->extension, role, names);
	return NULL;
}

const struct message_type *types_find(
	const struct types *types, const char *role, const char *name, struct ctl_error *error)
{
	const struct message_type *found = NULL;

	for (size_t i = 0; i < types->n_types; i++) {
		const struct message_type *type = &types->types[i];

		// Without a name the extension's own is meant, of however many.
		if (!name && strcmp(type->role, role) == 0 &&
			strcmp(type->name, types->extension) == 0)
			return type;
	}
	for (size_t i = 0; i < types->n_types; i++) {
		const struct message_type *type = &types->types[i];

		if (strcmp(type->role, role) != 0 || (name && strcmp(type->name, name) != 0))
			continue;
		if (found)
			return refuse(types, role, name, error);
		found = type;
	}
	return found ? found : refuse(types, role, name, error);
}

int type_name_split(const char *text, struct type_name *name, struct ctl_error *error)
{
	const char *dot = strchr(text, '.');
	size_t size = dot ? (size_t)(dot - text) : strlen(text);

	if (size == 0 || (dot && !dot[1]) || size >= sizeof(name->extension) ||
		(dot && strlen(dot + 1) >= sizeof(name->type)))
		return ctl_fail(error, CTL_REFUSED,
			"\"%s\": must be EXTENSION or EXTENSION.TYPE, each at most %zu bytes long",
			text, sizeof(name->type) - 1);
	memcpy(name->extension, text, size);
	name->extension[size] = '\0';
	strcpy(name->type, dot ? dot + 1 : "");
	return 0;
}

int types_look_up(struct invocation *in, const char *target, const char *role,
	const struct type_name *name, struct types *types, const struct message_type **type,
	struct ctl_error *error)
{
	int result = types_fetch(in, target, name->extension, types, error);

	if (result)
		return result;
	*type = types_find(types, role, *name->type ? name->type : NULL, error);
	return *type ? 0 : CTL_REFUSED;
}
