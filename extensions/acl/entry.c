// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Entries of the port ACL.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "item.h"

#include "acl.pb-c.h"

static int set_whom(struct item *item, const Acl__Entry *message, struct weir_error *error)
{
	const char *const texts[] = { message->remote, message->local, message->remote_mac,
		message->local_mac };
	static const char *const fields[] = { "remote", "local", "remote_mac", "local_mac" };
	unsigned n = 0, which = 0;

	for (unsigned i = 0; i < 4; i++) {
		if (!texts[i])
			continue;
		if (n++)
			return weir_refuse(error, -EINVAL, fields[i],
				"%s \"%.64s\": the entry has %s \"%.64s\" already, and must have "
				"exactly one of remote, local, remote_mac and local_mac",
				fields[i], texts[i], fields[which], texts[which]);
		which = i;
	}
	if (n == 0)
		return weir_refuse(error, -EINVAL, "remote",
			"entry: must have one of remote, local, remote_mac and local_mac");
	item->entry.remote = which == 0 || which == 2;
	item->entry.mac = which >= 2;
	if (!item->entry.mac)
		return text_read_prefix(fields[which], texts[which], &item->entry.prefix, error);
	if (item->action == ACTION_METER)
		return weir_refuse(error, -EINVAL, fields[which],
			"%s \"%.64s\": a meter must be for remote or local IP addresses",
			fields[which], texts[which]);
	return text_read_mac(fields[which], texts[which], &item->entry.prefix, error);
}

int item_make_entry(const struct weir_policy *policy, struct item **made, struct weir_error *error)
{
	Acl__Entry *m = acl__entry__unpack(NULL, policy->size, policy->bytes);
	struct item *item = m ? item_alloc(policy, ITEM_ENTRY) : NULL;
	int failed;

	*made = item;
	if (!item)
		failed = weir_refuse(error, -ENOMEM, NULL, "no memory");
	else
		failed = item_set_action(item, (int)m->direction, (int)m->action,
			m->has_rate ? &m->rate : NULL, m->has_burst ? &m->burst : NULL, error);
	if (!failed)
		failed = set_whom(item, m, error);
	if (!failed)
		item->normalised = item->entry.prefix.normalised;
	if (m)
		acl__entry__free_unpacked(m, NULL);
	return failed;
}

void item_format_entry(const struct item *item, struct text *text)
{
	const struct entry *e = &item->entry;

	if (e->mac)
		text_put_mac(text, e->remote ? "remote_mac" : "local_mac", e->prefix.bytes,
			e->prefix.length);
	else
		text_put_prefix(text, e->remote ? "remote" : "local", e->prefix.family,
			e->prefix.bytes, e->prefix.length);
}
