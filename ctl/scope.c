// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "scope.h"

#include <string.h>

#include "ask.h"

static int is_port(struct invocation *in, const char *name, bool *is, struct ctl_error *error)
{
	Weir__Control__PortShow message = WEIR__CONTROL__PORT_SHOW__INIT;
	Weir__Control__Request request = REQUEST(PORT_SHOW, port_show, &message);
	int result;

	message.name = ask_text(name);
	result = ask(in, &request, NULL, NULL, error);
	*is = result == 0;
	return result == CTL_REFUSED && error->status == WEIR__CONTROL__STATUS__CODE__NOT_FOUND
		       ? 0
		       : result;
}

int scope_take(struct invocation *in, struct scope *scope, struct ctl_error *error)
{
	const char *first = invocation_argument(in, 0);
	bool is_target = true;
	int result = 0;

	*scope = (struct scope){ .extension = invocation_argument(in, 1) };
	if (first && !scope->extension && strncmp(first, "switch:", 7) != 0)
		result = is_port(in, first, &is_target, error);
	if (is_target)
		scope->target = first;
	else
		scope->extension = first;
	scope->is_guess = !is_target;
	return result;
}

int scope_explain(const struct scope *scope, int result, struct ctl_error *error)
{
	if (result != CTL_REFUSED || !scope->is_guess ||
		error->status != WEIR__CONTROL__STATUS__CODE__NOT_FOUND)
		return result;
	// Then it is an extension, of which there is no such type.
	if (strstr(error->field, ".type"))
		return result;
	return ctl_fail(error, CTL_REFUSED,
		"\"%s\": must be the name of a port, \"switch:\" and that of a switch, or an "
		"extension that is loaded or has something to list",
		scope->extension);
}
