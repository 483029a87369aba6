// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What is in force on a port, for `weirctl policy status`.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acl.h"

#include "acl.pb-c.h"

static size_t memory(const struct classify *c)
{
	return c ? classify_memory(c) : 0;
}

static unsigned worst(const struct side *side)
{
	const struct classify *const all[] = { side->ip, side->others, side->fragments };
	unsigned most = 0;

	for (unsigned i = 0; i < 3; i++)
		if (all[i] && classify_worst(all[i]) > most)
			most = classify_worst(all[i]);
	return most;
}

static size_t prefix_memory(const struct side *side)
{
	size_t size = 0;

	for (unsigned i = 0; i < N_FAMILIES; i++)
		size += trie_memory(side->local[i]) + trie_memory(side->remote[i]);
	return size;
}

static int add(struct weir_status *status, const char *id, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = malloc(size + 1);
	int failed = -ENOMEM;

	if (bytes) {
		protobuf_c_message_pack(message, bytes);
		failed = weir_status_add(status, id, bytes, size);
	}
	free(bytes);
	return failed;
}

static int add_summary(const struct acl_state *state, struct weir_status *status)
{
	const struct side *in = &state->sides[SIDE_IN], *out = &state->sides[SIDE_OUT];
	Acl__Summary row = ACL__SUMMARY__INIT;

	row.entries = state->n_entries;
	row.rules = state->n_rules;
	row.meters = state->n_meters;
	row.normalised = state->n_normalised;
	row.classifier_bytes = memory(in->ip) + memory(in->others) + memory(in->fragments) +
			       memory(out->ip) + memory(out->others) + memory(out->fragments);
	row.prefix_bytes = prefix_memory(in) + prefix_memory(out);
	row.worst_in = worst(in);
	row.worst_out = worst(out);
	row.meters_in = side_meters(in);
	row.meters_out = side_meters(out);
	return add(status, NULL, &row.base);
}

static int add_policies(const struct acl_state *state, struct weir_status *status)
{
	int failed = 0;

	for (size_t i = 0; !failed && i < state->n; i++) {
		Acl__Understood row = ACL__UNDERSTOOD__INIT;
		char text[512];

		item_format(state->items[i], text, sizeof(text));
		row.text = text;
		row.normalised = state->items[i]->normalised;
		failed = add(status, state->items[i]->id, &row.base);
	}
	return failed;
}

int acl_status(void *context, weir_port_id id, struct weir_status *status, struct weir_error *error)
{
	const struct acl_port *port = port_find(context, id);
	const struct acl_state *state = port ? port->current : NULL;
	int failed = 0;

	if (state)
		failed = strcmp(status->type, "policy") == 0 ? add_policies(state, status)
							     : add_summary(state, status);
	return failed ? weir_refuse(error, failed, NULL, "%s", strerror(-failed)) : 0;
}
