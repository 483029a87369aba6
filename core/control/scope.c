// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/scope.h"

#include <errno.h>
#include <string.h>

struct scope {
	const char *switch_name;
	int (*act)(void *context, const char *switch_name, struct weir_error *error);
	void *context;
	struct weir_error *error;
	int result;
};

static void take(struct scope *scope, const char *switch_name)
{
	if (scope->result == 0)
		scope->result = scope->act(scope->context, switch_name, scope->error);
}

static void take_switch(void *context, const struct weir_switch_info *info)
{
	take(context, info->name);
}

static void take_port(void *context, const struct weir_port_info *info)
{
	struct scope *scope = context;

	if (scope->switch_name && strcmp(scope->switch_name, info->switch_name) != 0)
		scope->result = weir_refuse(scope->error, -ENOENT, "port",
			"port \"%s\" is on switch %s, not on %s", info->name, info->switch_name,
			scope->switch_name);
	take(scope, info->switch_name);
}

int scope_each(struct weir *weir, const char *switch_name, const char *port,
	int (*act)(void *context, const char *switch_name, struct weir_error *error), void *context,
	struct weir_error *error)
{
	struct scope scope = {
		.switch_name = switch_name, .act = act, .context = context, .error = error
	};
	int result = port ? weir_port_list(weir, NULL, port, take_port, &scope, error)
			  : weir_switch_list(weir, switch_name, take_switch, &scope, error);

	return result < 0 ? result : scope.result;
}
