// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Words for completion that the host knows, and how all of them are printed.
#include "completion.h"

#include <ctype.h>
#include <dirent.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"

bool completion_is_plain(const char *text)
{
	for (; *text; text++) {
		if (!isalnum((unsigned char)*text) && !strchr("._:=,[]-", *text))
			return false;
	}
	return true;
}

void completion_put(const char *first, const char *second, const char *third)
{
	if (completion_is_plain(first) && completion_is_plain(second) && completion_is_plain(third))
		printf("%s%s%s\n", first, second, third);
}

static bool is_among(const json_t *rows, const char *name)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const char *other = json_string_value(
			json_object_get(json_array_get(rows, i), "name"));

		if (other && strcmp(other, name) == 0)
			return true;
	}
	return false;
}

// Each name once, as the first directory that has a file for it is meant.
static void put_name(const char *name, json_t *rows)
{
	if (is_among(rows, name))
		return;
	completion_put(name, "", "");
	json_array_append_new(rows, json_pack("{ss}", "name", name));
}

static void put_directory(const char *path, json_t *rows)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		size_t size = strlen(entry->d_name);

		if (size < 4 || strcmp(entry->d_name + size - 3, ".so") != 0)
			continue;
		entry->d_name[size - 3] = '\0';
		put_name(entry->d_name, rows);
	}
	if (directory)
		closedir(directory);
}

// The daemon tells in which directories it looks.
static int put_loadable(void *context, const Weir__Control__Reply *reply, struct ctl_error *error)
{
	json_t *rows = context;
	char *rest = NULL;

	if (reply->payload_case != WEIR__CONTROL__REPLY__PAYLOAD_HELLO)
		return ask_unexpected(error);
	if (!reply->hello->extensions)
		return 0;
	for (char *path = strtok_r(reply->hello->extensions, ":", &rest); path;
		path = strtok_r(NULL, ":", &rest))
		put_directory(path, rows);
	return 0;
}

int completion_put_loadable(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	Weir__Control__Hello message = WEIR__CONTROL__HELLO__INIT;
	Weir__Control__Request request = REQUEST(HELLO, hello, &message);

	return ask(in, &request, put_loadable, rows, error);
}

void completion_put_interfaces(void)
{
	struct if_nameindex *interfaces = if_nameindex();

	for (size_t i = 0; interfaces && interfaces[i].if_index; i++) {
		if (strcmp(interfaces[i].if_name, "lo") != 0)
			completion_put("packet:", interfaces[i].if_name, "");
	}
	if (interfaces)
		if_freenameindex(interfaces);
}
