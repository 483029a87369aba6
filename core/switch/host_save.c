// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Saved state: what extensions write to be kept, and are given back.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "switch/attachment.h"
#include "switch/host.h"
#include "switch/port.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

enum { SAVED_MAX = 256 << 20, SAVED_FIRST = 4096 };

struct saving {
	struct weir_save public; // first
	unsigned char *bytes;
	size_t size, room;
	int failed; // once: what is saved would have a hole
};

static int make_room(struct saving *s, size_t size)
{
	size_t room = s->room ? s->room : SAVED_FIRST;
	unsigned char *bytes;

	if (size > SAVED_MAX - s->size)
		return -EFBIG;
	while (room - s->size < size)
		room *= 2;
	if (room == s->room)
		return 0;
	bytes = realloc(s->bytes, room);
	if (!bytes)
		return -ENOMEM;
	s->bytes = bytes;
	s->room = room;
	return 0;
}

static int save_write(struct weir_save *public, const void *bytes, size_t size)
{
	struct saving *s = (struct saving *)public;

	if (!s->failed && size)
		s->failed = make_room(s, size);
	if (s->failed)
		return s->failed;
	if (size)
		memcpy(s->bytes + s->size, bytes, size);
	s->size += size;
	return 0;
}

static const struct weir_save_ops save_ops = {
	.size = sizeof(struct weir_save_ops),
	.write = save_write,
};

static weir_port_id id_of(const struct target *t)
{
	return t->port ? t->port->id : WEIR_PORT_NONE;
}

static int refuse(const struct attachment *a, const struct target *t, const char *what,
	const struct weir_error *own, int code, struct weir_error *error)
{
	char name[WEIR_NAME_MAX + 8];

	target_name(t, name);
	return weir_refuse(error, code, own->field, "extension %s %s of %s: %.250s",
		a->descriptor->name, what, name, own->message[0] ? own->message : strerror(-code));
}

int attachment_save(const struct attachment *a, const struct target *t, void **bytes, size_t *size,
	struct weir_error *error)
{
	struct saving s = { .public = { &save_ops } };
	struct weir_error own = { 0 };
	int failed = 0;

	if (a->descriptor->save)
		failed = refusal_tame(
			&own, a->descriptor->save(a->instance, id_of(t), &s.public, &own));
	if (!failed)
		failed = s.failed;
	if (failed) {
		free(s.bytes);
		return refuse(a, t, "does not save its state", &own, failed, error);
	}
	*bytes = s.bytes;
	*size = s.size;
	return 0;
}

static int save(const struct attachment *a, const struct target *t, weir_item_row *row,
	void *context, struct weir_error *error)
{
	char name[WEIR_NAME_MAX + 8];
	void *bytes = NULL;
	size_t size = 0;
	int failed = attachment_save(a, t, &bytes, &size, error);

	if (failed)
		return failed;
	target_name(t, name);
	if (size)
		row(context, &(struct weir_item){
				     .size = sizeof(struct weir_item),
				     .kind = WEIR_ITEM_SAVED,
				     .target = name,
				     .name = a->descriptor->name,
				     .saved = { a->descriptor->save_version, bytes, size },
			     });
	free(bytes);
	return 0;
}

// Returns the first refusal, of which *error tells.
static int save_everywhere(
	const struct attachment *a, weir_item_row *row, void *context, struct weir_error *error)
{
	struct vswitch *s = a->vswitch;
	int first = save(a, &s->target, row, context, error);

	for (unsigned i = 0; i < s->n_indices; i++) {
		struct weir_error own;
		int failed = s->ports[i] ? save(a, &s->ports[i]->target, row, context, &own) : 0;

		if (!failed || first)
			continue;
		first = failed;
		*error = own;
	}
	return first;
}

int weir_export_saved(struct weir *w, weir_item_row *row, void *context, struct weir_error *error)
{
	int first = 0;

	for (struct vswitch *s = w->switches; s; s = s->next) {
		for (const struct attachment *a = s->attachments; a; a = a->next) {
			struct weir_error own;
			int failed = a->descriptor->save ? save_everywhere(a, row, context, &own)
							 : 0;

			if (!failed)
				continue;
			weir_log_line(w, LOG_WARNING, "%s", own.message);
			if (!first && error)
				*error = own;
			first = first ? first : failed;
		}
	}
	return first;
}

int attachment_restore(struct attachment *a, const struct target *t, uint32_t version,
	const void *bytes, size_t size, struct weir_error *error)
{
	struct weir_error own = { 0 };
	int failed = -ENOTSUP;

	if (a->descriptor->restore)
		failed = a->descriptor->restore(a->instance, id_of(t), version, bytes, size, &own);
	else
		weir_refuse(&own, failed, NULL, "it restores none");
	failed = refusal_tame(&own, failed);
	return !failed ? 0 : refuse(a, t, "does not take the saved state", &own, failed, error);
}
