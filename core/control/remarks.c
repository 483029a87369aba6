// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <stdlib.h>
#include <string.h>

#include "control/handlers.h"
#include "control/internal.h"

enum { REMARKS_MAX = 32 }; // of a call; the rest is counted

struct remarks {
	unsigned n;
	unsigned n_left_out;
	char *texts[REMARKS_MAX + 1]; // the last says how many were left out
};

void remark_take(void *context, const char *text)
{
	struct control_server *server = context;
	struct call *call = server->current;

	if (!call)
		return; // of a change that no client asked for
	if (!call->remarks)
		call->remarks = calloc(1, sizeof(*call->remarks));
	if (!call->remarks)
		return; // the log has it
	if (call->remarks->n < REMARKS_MAX)
		call->remarks->texts[call->remarks->n] = strdup(text);
	if (call->remarks->n < REMARKS_MAX && call->remarks->texts[call->remarks->n])
		call->remarks->n++;
	else
		call->remarks->n_left_out++;
}

void call_remarks_put(struct call *call, Weir__Control__Reply *reply)
{
	struct remarks *remarks = call->remarks;
	char text[64];

	if (!remarks)
		return;
	snprintf(text, sizeof(text), "%u more remarks are left out", remarks->n_left_out);
	if (remarks->n_left_out && !remarks->texts[remarks->n])
		remarks->texts[remarks->n] = strdup(text);
	reply->remarks = remarks->texts;
	reply->n_remarks = remarks->n + (remarks->texts[remarks->n] != NULL);
}

void call_remarks_free(struct remarks *remarks)
{
	for (unsigned i = 0; remarks && i <= REMARKS_MAX; i++)
		free(remarks->texts[i]);
	free(remarks);
}
