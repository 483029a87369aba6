// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "fake_store.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "control/store.h"

struct fake_disk fake_disk;

struct note {
	bool removed;
	enum weir_item_kind kind;
	char name[32];
};

struct batch {
	struct note notes[FAKE_STORE_MAX];
	unsigned n;
	store_done *done;
	void *context;
};

struct store {
	struct batch batches[1024];
	unsigned first, last; // batches[last] is open
	int fd;
};

static struct store *opened;

bool fake_disk_has(const char *name)
{
	for (unsigned i = 0; i < FAKE_STORE_MAX; i++)
		if (strcmp(fake_disk.switches[i], name) == 0)
			return true;
	return false;
}

int store_open(const char *directory, struct store **store, struct weir_error *error)
{
	if (strcmp(directory, "/refused") == 0)
		return weir_refuse(error, -EBUSY, "state", "another daemon has /refused");
	if (opened)
		abort();
	*store = opened = calloc(1, sizeof(**store));
	if (!opened)
		abort();
	opened->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return 0;
}

int store_load(struct store *store, struct weir_document *document, struct weir_error *error)
{
	int result = 0;

	// Batches under way: what nobody may do.
	if (store->first != store->last)
		abort();
	if (fake_disk.unreadable)
		return weir_refuse(error, -EIO, NULL, "state.db cannot be read");
	for (unsigned i = 0; result == 0 && i < FAKE_STORE_MAX; i++)
		if (*fake_disk.switches[i])
			result = weir_document_add(document,
				&(struct weir_item){ .size = sizeof(struct weir_item),
					.kind = WEIR_ITEM_SWITCH,
					.switch_name = fake_disk.switches[i] },
				error);
	store->batches[store->last].n = 0;
	return result;
}

void store_note(void *context, bool removed, const struct weir_item *item)
{
	struct store *store = context;
	struct batch *batch = &store->batches[store->last];
	struct note *note = &batch->notes[batch->n];

	if (batch->n == FAKE_STORE_MAX)
		abort();
	note->removed = removed;
	note->kind = item->kind;
	snprintf(note->name, sizeof(note->name), "%s", item->switch_name ? item->switch_name : "");
	batch->n++;
}

bool store_ready(struct store *store, struct weir_error *error)
{
	(void)store;
	if (fake_disk.full)
		weir_refuse(error, -ENOSPC, NULL, "the disk of /state is full");
	return !fake_disk.full;
}

static void signal_store(struct store *store)
{
	const uint64_t one = 1;

	if (write(store->fd, &one, sizeof(one)) != sizeof(one))
		abort();
}

int store_commit(struct store *store, store_done *done, void *context)
{
	if (fake_disk.no_memory)
		return -ENOMEM;
	store->batches[store->last].done = done;
	store->batches[store->last].context = context;
	if (++store->last == sizeof(store->batches) / sizeof(store->batches[0]))
		abort();
	store->batches[store->last].n = 0;
	if (!fake_disk.hold)
		signal_store(store);
	return 0;
}

bool store_is_clean(const struct store *store)
{
	return store->batches[store->last].n == 0;
}

int store_fd(const struct store *store)
{
	return store->fd;
}

static void put_switch(const struct note *note)
{
	unsigned free_at = FAKE_STORE_MAX;

	for (unsigned i = 0; i < FAKE_STORE_MAX; i++) {
		if (strcmp(fake_disk.switches[i], note->name) == 0)
			*fake_disk.switches[i] = '\0';
		if (!*fake_disk.switches[i])
			free_at = i;
	}
	if (!note->removed)
		strcpy(fake_disk.switches[free_at], note->name);
}

static void write_batch(const struct batch *batch)
{
	fake_disk.n_batches++;
	for (unsigned i = 0; i < batch->n; i++) {
		const struct note *note = &batch->notes[i];

		fake_disk.n_meters += note->kind == WEIR_ITEM_METER;
		fake_disk.n_saved += note->kind == WEIR_ITEM_SAVED;
		if (note->kind == WEIR_ITEM_SWITCH)
			put_switch(note);
	}
}

// One that fails takes those with it that have ended by now. Done may note and commit.
void store_process(struct store *store)
{
	const unsigned last = store->last;
	struct weir_error error = { .code = fake_disk.error };
	uint64_t n;

	if (read(store->fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		abort();
	while (store->first < last) {
		struct batch *batch = &store->batches[store->first++];

		if (error.code < 0)
			weir_refuse(
				&error, error.code, NULL, "state.db: %s", strerror(-error.code));
		else
			write_batch(batch);
		batch->done(batch->context, error.code < 0 ? &error : NULL);
	}
	if (store->first != store->last)
		return;
	store->batches[0] = store->batches[store->last];
	store->first = store->last = 0;
}

void fake_disk_hold(struct weir *weir)
{
	(void)weir;
	fake_disk.hold = true;
}

void fake_disk_write(struct weir *weir)
{
	(void)weir;
	signal_store(opened);
}

void fake_disk_fail(struct weir *weir)
{
	(void)weir;
	fake_disk.error = -ENOSPC;
}

void fake_disk_mend(struct weir *weir)
{
	(void)weir;
	fake_disk.error = 0;
	fake_disk.full = fake_disk.hold = fake_disk.no_memory = fake_disk.unreadable = false;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store_process(store);
	close(store->fd);
	opened = NULL;
	free(store);
}
