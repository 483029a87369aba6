// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a state database holds, brought back: items that the store accepts, but that nobody had to
// get past the checks of a request. A line is one, the number of its kind and its columns as
// store_item.c has them; bytes are in hexadecimal:
//
//	3|p0|br0|null|10|02:00:00:00:00:01|1500|0|0|0|0
//	7|p0|keeper|1|626164
//
// Nothing may refuse it all; what is left is the same when it is asked for once more, and goes when
// nothing is wanted.
//
// To be run with -detect_leaks=0: what is released after a grace period hangs meanwhile from mapped
// memory, where LeakSanitizer does not look. It looks once more when all has ended.
#include "fuzz.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/store_internal.h"

static void ignore_line(void *context, int level, const char *line)
{
	(void)context;
	(void)level;
	(void)line;
}

static struct weir *weir; // one for many inputs: loading extensions takes long

static void stop(void)
{
	weir_destroy(weir);
	weir = NULL;
}

static void start(void)
{
	static bool registered;
	struct weir_options options = { .size = sizeof(options),
		.n_flows = 64,
		.fdb_entries = 64,
		.extensions = FUZZ_EXTENSIONS,
		.log = ignore_line };
	struct weir_error error = { .code = 0 };

	if (weir_create(&options, &weir, &error) < 0 || (!registered && atexit(stop)))
		abort();
	registered = true;
}

// ---- Lines to items

static size_t unhex(char *text)
{
	size_t n = 0;
	unsigned byte;

	for (; isxdigit((unsigned char)text[2 * n]) && isxdigit((unsigned char)text[2 * n + 1]);
		n++) {
		const char digits[] = { text[2 * n], text[2 * n + 1], '\0' };

		byte = (unsigned)strtoul(digits, NULL, 16);
		text[n] = (char)byte;
	}
	return n;
}

static void set(struct weir_item *item, const struct store_column *column, char *text)
{
	char *field = (char *)item + column->offset;
	unsigned long long number = strtoull(text, NULL, 0);

	switch (column->type) {
	case STORE_NAME:
	case STORE_TEXT:
		*(const char **)field = text;
		break;
	case STORE_BOOL:
		*(bool *)field = number & 1;
		break;
	case STORE_INT:
		*(int *)field = (int)number;
		break;
	case STORE_U16:
		*(uint16_t *)field = (uint16_t)number;
		break;
	case STORE_U32:
		*(uint32_t *)field = (uint32_t)number;
		break;
	case STORE_U64:
		*(uint64_t *)field = number;
		break;
	case STORE_BYTES:
		*(size_t *)((char *)item + column->size_offset) = unhex(text);
		*(const void **)field = text;
		break;
	}
}

// Nothing outside this process is opened.
static void tame(struct weir_item *item)
{
	if (item->kind == WEIR_ITEM_EXTENSION)
		item->extension.path = NULL;
	if (item->kind != WEIR_ITEM_PORT || !item->port.nic)
		return;
	if (strchr(item->port.nic, ':') && strncmp(item->port.nic, "memory:", 7) != 0)
		item->port.nic = "packet:weir-no-such";
}

// False: the store would not have taken it.
static bool read_item(char *line, struct weir_item *item)
{
	char *rest = line, *word = strsep(&rest, "|");
	const struct store_kind *kind;
	struct weir_error error = { .code = 0 };
	static char nothing[1];

	memset(item, 0, sizeof(*item));
	item->size = sizeof(*item);
	item->kind = (enum weir_item_kind)(*word - '0');
	kind = store_kind(item->kind);
	if (!kind)
		return false;
	for (unsigned i = 0; i < kind->n_columns; i++) {
		word = rest ? strsep(&rest, "|") : NULL;
		set(item, &kind->columns[i], word ? word : nothing);
	}
	tame(item);
	return store_item_check(item, false, &error) == 0;
}

static struct weir_document *read_document(char *text)
{
	struct weir_document *document = weir_document_create();
	struct weir_error error = { .code = 0 };
	struct weir_item item;
	char *line;

	if (!document)
		abort();
	while ((line = strsep(&text, "\n")))
		// What is there twice is refused.
		if (read_item(line, &item))
			weir_document_add(document, &item, &error);
	return document;
}

// ---- What becomes of them

static void count(void *context, const struct weir_difference *difference)
{
	(void)difference;
	++*(unsigned *)context;
}

// False: refused.
static bool apply(const struct weir_document *document, unsigned flags, unsigned *n_differences)
{
	struct weir_error error = { .code = 0 };
	bool done;

	*n_differences = 0;
	done = weir_apply(weir, document, flags, count, n_differences, &error) == 0;
	if (!done && !(error.code < 0 && error.message[0]))
		abort();
	weir_run(weir);
	weir_process(weir);
	return done;
}

static void add(void *context, const struct weir_item *item)
{
	struct weir_error error = { .code = 0 };

	if (weir_document_add(context, item, &error) < 0)
		abort();
}

static struct weir_document *export(void)
{
	struct weir_document *document = weir_document_create();
	struct weir_error error = { .code = 0 };

	if (!document || weir_export(weir, NULL, add, document, &error) < 0)
		abort();
	return document;
}

static void ignore_item(void *context, const struct weir_item *item)
{
	(void)context;
	(void)item;
}

// What was brought back is the same when it is asked for once more.
static void check_again(void)
{
	struct weir_document *document = export();
	struct weir_error error = { .code = 0 };
	unsigned n;

	if (!apply(document, WEIR_PRUNE, &n) || n > 0)
		abort();
	weir_document_destroy(document);
	// Refusals are the extensions'.
	weir_export_saved(weir, ignore_item, NULL, &error);
	weir_export_meters(weir, true, ignore_item, NULL);
}

// False: an extension vetoes it.
static bool clear(void)
{
	struct weir_document *nothing = weir_document_create(), *left;
	unsigned n;
	bool done = nothing && apply(nothing, WEIR_PRUNE, &n);

	left = export();
	if (done && weir_document_n_items(left) > 0)
		abort();
	weir_document_destroy(left);
	weir_document_destroy(nothing);
	return done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weir_document *document;
	char *text = malloc(size + 1);
	unsigned n;

	if (!weir)
		start();
	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	document = read_document(text);
	if (!apply(document, WEIR_RESTORE, &n))
		abort();
	check_again();
	if (!clear())
		stop();
	weir_document_destroy(document);
	free(text);
	return 0;
}
