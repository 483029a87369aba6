// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// export
#include "ask.h"
#include "site.h"

static int take(void *context, const Weir__Control__Reply *reply, struct ctl_error *error)
{
	if (reply->payload_case == WEIR__CONTROL__REPLY__PAYLOAD__NOT_SET)
		return 0; // nothing is wanted
	if (reply->payload_case != WEIR__CONTROL__REPLY__PAYLOAD_ITEMS)
		return ask_unexpected(error);
	return site_builder_add(context, reply->items, error);
}

static int export(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__Export message = WEIR__CONTROL__EXPORT__INIT;
	Weir__Control__Request request = REQUEST(EXPORT, export, &message);
	struct site_builder builder = { 0 };
	int result;

	message.switch_ = ask_text(invocation_argument(in, 0));
	result = ask(in, &request, take, &builder, error);
	if (result == 0)
		result = site_builder_finish(&builder, in, error);
	if (result == 0)
		result = output_object(stdout, builder.document, NULL, true, error);
	site_builder_fini(&builder);
	return result;
}

const struct command export_commands[] = {
	{
		.object = "export",
		.summary = "Writes what is wanted of all switches, or of one, as one JSON document",
		.run = export,
		.arguments = { { "SWITCH", WORD_SWITCH, OPTIONAL } },
	},
	{ 0 },
};
