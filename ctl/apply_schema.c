// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "apply.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "site.h"

static int list_extensions(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	Weir__Control__ExtensionList message = WEIR__CONTROL__EXTENSION_LIST__INIT;
	Weir__Control__Request request = REQUEST(EXTENSION_LIST, extension_list, &message);

	return ask_rows(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_EXTENSIONS, rows, error);
}

// Those of the rows' extensions that have a schema, each once.
static int fetch_types(struct invocation *in, const json_t *rows, struct types_cache *cache,
	const struct types **types, size_t *n_types, struct ctl_error *error)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const char *name = json_string_value(
			json_object_get(json_array_get(rows, i), "name"));
		int result = types_cached(in, cache, name ? name : "", &types[*n_types], error);
		bool known = result != 0; // one that is missing has none to give

		if (result && result != CTL_REFUSED)
			return result;
		for (size_t j = 0; !known && j < *n_types; j++)
			known = types[j] == types[*n_types];
		*n_types += !known;
	}
	return 0;
}

static int print(const struct types *const *types, size_t n_types, struct ctl_error *error)
{
	json_t *schema = site_schema(types, n_types);
	int result = schema ? output_object(stdout, schema, NULL, true, error)
			    : ctl_fail_memory(error);

	json_decref(schema);
	return result;
}

int apply_schema(struct invocation *in, struct ctl_error *error)
{
	struct types_cache cache = { NULL };
	json_t *rows = json_array();
	const struct types **types = NULL;
	size_t n_types = 0;
	int result = ask_connect(in, error);

	if (result == CTL_NO_DAEMON) {
		json_decref(rows);
		return print(NULL, 0, error);
	}
	if (result == 0)
		result = list_extensions(in, rows, error);
	if (result == 0) {
		types = calloc(json_array_size(rows) + 1, sizeof(*types));
		result = types ? fetch_types(in, rows, &cache, types, &n_types, error)
			       : ctl_fail_memory(error);
	}
	if (result == 0)
		result = print(types, n_types, error);
	free(types);
	types_cache_fini(&cache);
	json_decref(rows);
	return result;
}
