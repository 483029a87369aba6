// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "message.h"

#include <ctype.h>
#include <stdbool.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "value.h"

enum { NO_INDEX = -1, MAX_INDEX = 99999 };

// One word of the command line, as far as it has been followed: what is left of its path.
struct assignment {
	const char *word; // the whole of it
	const char *rest; // of the path: up to the '=', at the beginning of a field's name
	const char *value;
	// Of the field that rest begins with, once found:
	const struct catalog_field *field;
	const char *behind; // the name and index: '.' or '='
	long index;         // NO_INDEX, or the number in brackets
};

struct encoder {
	struct packer out;
	struct ctl_error *error;
};

static int encode_fields(struct encoder *e, const struct catalog_message *message,
	struct assignment *items, size_t n_items, const char *above, unsigned depth);

// The path in front of the field that the assignment is at, for sentences.
static int path_size(const struct assignment *item)
{
	return (int)(item->behind - item->word);
}

static int refuse_unknown(
	struct encoder *e, const struct catalog_message *message, const struct assignment *item)
{
	char names[640] = "";
	FILE *out = fmemopen(names, sizeof(names), "w");
	int size = (int)(item->rest - item->word + (ptrdiff_t)strcspn(item->rest, ".[="));

	if (!out)
		return ctl_fail_memory(e->error);
	for (size_t i = 0; i < message->n_fields; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "", message->fields[i].name);
	fclose(out);
	names[sizeof(names) - 1] = '\0';
	if (message->n_fields == 0)
		return ctl_fail(e->error, CTL_REFUSED, "unknown field \"%.*s\": %s has no fields",
			size, item->word, message->name);
	return ctl_fail(e->error, CTL_REFUSED, "unknown field \"%.*s\": the fields of %s are %s",
		size, item->word, message->name, names);
}

static int read_index(struct encoder *e, struct assignment *item)
{
	char *end;

	item->index = NO_INDEX;
	if (*item->behind != '[')
		return 0;
	if (isdigit((unsigned char)item->behind[1])) {
		item->index = strtol(item->behind + 1, &end, 10);
		if (*end == ']' && (end[1] == '.' || end[1] == '=') && item->index <= MAX_INDEX &&
			item->field->message && item->field->repeated) {
			item->behind = end + 1;
			return 0;
		}
	}
	return ctl_fail(e->error, CTL_REFUSED,
		"%s: only repeated messages are numbered, as in %s[0].FIELD=VALUE", item->word,
		item->field->name);
}

// Finds the field that the rest of each path begins with.
static int find_fields(struct encoder *e, const struct catalog_message *message,
	struct assignment *items, size_t n_items)
{
	for (size_t i = 0; i < n_items; i++) {
		struct assignment *item = &items[i];
		size_t size = strcspn(item->rest, ".[=");
		int result;

		item->behind = item->rest + size;
		item->field = catalog_field(message, item->rest, size);
		if (!item->field)
			return refuse_unknown(e, message, item);
		result = read_index(e, item);
		if (result)
			return result;
		if (*item->behind == '.' && !item->field->message)
			return ctl_fail(e->error, CTL_REFUSED, "%s: %.*s has no fields, it is a %s",
				item->word, path_size(item), item->word,
				catalog_type_name(item->field));
	}
	return 0;
}

static int encode_value(struct encoder *e, const struct assignment *item, const char *text)
{
	struct value value;
	char path[256];
	int result;

	snprintf(path, sizeof(path), "%.*s", path_size(item), item->word);
	result = value_parse(item->field, path, text, &value, e->error);
	if (result == 0) {
		pack_tag(&e->out, item->field->number, value_wire_type(item->field));
		value_pack(item->field, &value, &e->out);
	}
	value_fini(&value);
	return result;
}

// Takes the next item from *list into text, without the backslashes. Returns false when there was
// none left; a list of nothing has one empty item.
static bool next_in_list(const char **list, char *text)
{
	const char *c = *list;

	if (!c)
		return false;
	for (; *c && *c != ','; c++) {
		if (c[0] == '\\' && (c[1] == ',' || c[1] == '\\'))
			c++;
		*text++ = *c;
	}
	*text = '\0';
	*list = *c ? c + 1 : NULL;
	return true;
}

static int encode_list(struct encoder *e, const struct assignment *item, uint32_t *n_values)
{
	const char *list = item->value;
	char *text = malloc(strlen(list) + 1);
	int result = 0;

	if (!text)
		return ctl_fail_memory(e->error);
	while (result == 0 && next_in_list(&list, text)) {
		if (++*n_values > item->field->max_items)
			result = ctl_fail(e->error, CTL_REFUSED,
				"%.*s: must have at most %" PRIu32 " values", path_size(item),
				item->word, item->field->max_items);
		else
			result = encode_value(e, item, text);
	}
	free(text);
	return result;
}

// What a list may have meant.
static int refuse_list(const struct assignment *item, int result, struct ctl_error *error)
{
	size_t size = strlen(error->message);

	if (result == CTL_REFUSED && strchr(item->value, ','))
		snprintf(error->message + size, sizeof(error->message) - size,
			"; %.*s takes one value", path_size(item), item->word);
	return result;
}

static int encode_scalar(struct encoder *e, const struct catalog_field *field,
	const struct assignment *items, size_t n_items)
{
	uint32_t n_values = 0;
	int result = 0;

	if (!field->repeated && n_items > 1)
		return ctl_fail(e->error, CTL_REFUSED, "%s: the field already has a value in %s",
			items[1].word, items[0].word);
	for (size_t i = 0; result == 0 && i < n_items; i++)
		result = field->repeated
				 ? encode_list(e, &items[i], &n_values)
				 : refuse_list(&items[i],
					   encode_value(e, &items[i], items[i].value), e->error);
	return result;
}

// One message of a field, from those assignments that lead into it.
static int encode_message(struct encoder *e, const struct catalog_field *field,
	struct assignment *items, size_t n_items, unsigned depth)
{
	struct encoder inner = { .error = e->error };
	char above[256];
	size_t n_inside = 0;
	int result;

	snprintf(above, sizeof(above), "%.*s.", path_size(items), items->word);
	for (size_t i = 0; i < n_items; i++) {
		if (*items[i].behind == '.') {
			items[n_inside] = items[i];
			items[n_inside++].rest = items[i].behind + 1;
		} else if (*items[i].value) {
			return ctl_fail(e->error, CTL_REFUSED,
				"%s: %.*s is a message: set its fields, as in %s%s=VALUE",
				items[i].word, path_size(&items[i]), items[i].word, above,
				field->message->n_fields ? field->message->fields[0].name : "");
		}
	}
	result = encode_fields(&inner, field->message, items, n_inside, above, depth + 1);
	pack_tag(&e->out, field->number, PACK_BYTES);
	pack_inner(&e->out, &inner.out);
	return result;
}

static int encode_messages(struct encoder *e, const struct catalog_field *field,
	struct assignment *items, size_t n_items, unsigned depth)
{
	struct assignment *chosen = calloc(n_items, sizeof(*chosen));
	size_t n_done = 0;
	int result = 0;

	if (!chosen)
		return ctl_fail_memory(e->error);
	for (long index = 0; result == 0 && n_done < n_items; index++) {
		size_t n_chosen = 0;

		for (size_t i = 0; i < n_items; i++) {
			// Without a number the field's first message is meant.
			if ((items[i].index == NO_INDEX ? 0 : items[i].index) == index)
				chosen[n_chosen++] = items[i];
		}
		n_done += n_chosen;
		if (n_chosen == 0)
			result = ctl_fail(e->error, CTL_REFUSED,
				"%s: numbers start at 0 and leave none out, %s[%ld] is missing",
				items[0].word, field->name, index);
		else if ((uint64_t)index >= field->max_items)
			result = ctl_fail(e->error, CTL_REFUSED,
				"%s: must have at most %" PRIu32 " values", field->name,
				field->max_items);
		else
			result = encode_message(e, field, chosen, n_chosen, depth);
	}
	free(chosen);
	return result;
}

static int encode_field(struct encoder *e, const struct catalog_field *field,
	struct assignment *items, size_t n_items, const char *above, unsigned depth)
{
	if (n_items == 0)
		return 0;
	if (field->type == CATALOG_TYPE(GROUP))
		return ctl_fail(e->error, CTL_REFUSED,
			"%s%s is a group, which messages of extensions cannot have", above,
			field->name);
	if (field->message)
		return encode_messages(e, field, items, n_items, depth);
	return encode_scalar(e, field, items, n_items);
}

static bool is_missing(
	const struct catalog_field *field, const struct assignment *items, size_t n_items)
{
	for (size_t i = 0; i < n_items; i++)
		if (items[i].field == field)
			return false;
	return field->required;
}

// All of them at once: who learns of one after the other types the command as often.
static int check_required(struct encoder *e, const struct catalog_message *message,
	const struct assignment *items, size_t n_items, const char *above)
{
	const char *first = NULL;
	char names[256] = "";
	size_t used = 0, n = 0;

	for (size_t i = 0; i < message->n_fields; i++) {
		const struct catalog_field *field = &message->fields[i];

		if (!is_missing(field, items, n_items))
			continue;
		first = n++ ? first : field->name;
		if (used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s%s",
				n > 1 ? ", " : "", above, field->name);
	}
	if (n == 0)
		return 0;
	return ctl_fail(e->error, CTL_REFUSED,
		"%s %s missing: %s must have a value, as in %s%s=VALUE", names,
		n > 1 ? "are" : "is", n > 1 ? "each" : "it", above, first);
}

static int encode_fields(struct encoder *e, const struct catalog_message *message,
	struct assignment *items, size_t n_items, const char *above, unsigned depth)
{
	struct assignment *chosen;
	int result;

	if (depth >= CATALOG_MAX_DEPTH)
		return ctl_fail(e->error, CTL_REFUSED, "%s: messages are nested more than %d deep",
			above, CATALOG_MAX_DEPTH);
	result = find_fields(e, message, items, n_items);
	if (result == 0)
		result = check_required(e, message, items, n_items, above);
	if (result)
		return result;
	chosen = calloc(n_items + 1, sizeof(*chosen));
	if (!chosen)
		return ctl_fail_memory(e->error);
	for (size_t i = 0; result == 0 && i < message->n_fields; i++) {
		size_t n_chosen = 0;

		for (size_t j = 0; j < n_items; j++) {
			if (items[j].field == &message->fields[i])
				chosen[n_chosen++] = items[j];
		}
		result = encode_field(e, &message->fields[i], chosen, n_chosen, above, depth);
	}
	free(chosen);
	return result;
}

static int split(
	struct assignment *items, const char *const *words, size_t n_words, struct ctl_error *error)
{
	for (size_t i = 0; i < n_words; i++) {
		const char *equals = strchr(words[i], '=');

		if (!equals || equals == words[i])
			return ctl_fail(
				error, CTL_REFUSED, "\"%s\": must be FIELD=VALUE", words[i]);
		items[i] = (struct assignment){
			.word = words[i], .rest = words[i], .value = equals + 1
		};
	}
	return 0;
}

int message_encode(const struct catalog_message *message, const char *const *assignments,
	size_t n_assignments, uint8_t **bytes, size_t *size, struct ctl_error *error)
{
	struct assignment *items = calloc(n_assignments + 1, sizeof(*items));
	struct encoder e = { .error = error };
	int result;

	if (!items)
		return ctl_fail_memory(error);
	result = split(items, assignments, n_assignments, error);
	if (result == 0)
		result = encode_fields(&e, message, items, n_assignments, "", 0);
	free(items);
	return pack_finish(&e.out, result, bytes, size, error);
}
