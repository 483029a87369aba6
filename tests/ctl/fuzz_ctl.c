// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Feeds weirctl what the daemon or a user could give it. The first byte chooses: 'S' a schema,
// 'E' or 'R' a message of type Everything or Rule, 'e' or 'r' assignments for one, a line each.
// What is packed from assignments must be written in a form that packs to the same bytes, as words
// and as JSON, and the switch must take it. What the switch takes must go through JSON, too.
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "fuzz.h"
#include "message.h"
#include "sample.schema.h"
#include "switch/schema.h"

enum { MAX_WORDS = 256 };

// The switch's own view of it.
static bool is_accepted(char kind, const uint8_t *bytes, size_t size)
{
	static struct weir_schema *schema;

	if (!schema && schema_parse(weir_schema, sizeof(weir_schema), &schema, NULL))
		abort();
	return !schema_check(schema_find(schema, SCHEMA_POLICY,
				     kind == 'E' || kind == 'e' ? "everything" : "rule", NULL),
		bytes, size, NULL);
}

static const struct catalog_message *message_of(char kind)
{
	static struct catalog *catalog;
	struct ctl_error error;

	if (!catalog && catalog_parse(weir_schema, sizeof(weir_schema), &catalog, &error))
		abort();
	return catalog_find(
		catalog, kind == 'E' || kind == 'e' ? "sample.Everything" : "sample.Rule");
}

// Through exact JSON into *again.
static void pass_json(const struct catalog_message *message, const uint8_t *bytes, size_t size,
	uint8_t **again, size_t *again_size)
{
	struct ctl_error error;
	json_t *json = NULL;

	if (message_to_json(message, bytes, size, MESSAGE_EXACT, &json, &error) ||
		message_from_json(message, json, "", again, again_size, &error))
		abort();
	json_decref(json);
}

static void decode(char kind, const uint8_t *bytes, size_t size)
{
	const struct catalog_message *message = message_of(kind);
	struct ctl_error error;
	json_t *json = NULL;
	char *text = NULL;
	size_t text_size, again_size;
	uint8_t *again = NULL;
	FILE *out = open_memstream(&text, &text_size);
	int as_json = message_to_json(message, bytes, size, MESSAGE_PLAIN, &json, &error);
	int as_text = message_put(message, bytes, size, out, &error);

	if ((as_json == 0) != (as_text == 0))
		abort();
	json_decref(json);
	fclose(out);
	free(text);
	if (!is_accepted(kind, bytes, size))
		return;
	pass_json(message, bytes, size, &again, &again_size);
	if (!is_accepted(kind, again, again_size))
		abort();
	free(again);
}

// Undoes the quoting for a shell: words end at spaces outside of quotes.
static size_t unquote(char *text, const char **words)
{
	size_t n_words = 0;
	char *to = text;
	int quoted = 0;

	words[n_words++] = to;
	for (const char *c = text; *c; c++) {
		if (*c == '\'') {
			quoted = !quoted;
		} else if (!quoted && *c == '\\') {
			*to++ = *++c;
		} else if (!quoted && *c == ' ') {
			*to++ = '\0';
			if (n_words == MAX_WORDS)
				return n_words;
			words[n_words++] = to;
		} else {
			*to++ = *c;
		}
	}
	*to = '\0';
	return n_words;
}

static void check_again(const struct catalog_message *message, const uint8_t *bytes, size_t size)
{
	struct ctl_error error;
	const char *words[MAX_WORDS];
	char *text = NULL;
	size_t text_size, again_size, n_words;
	uint8_t *again = NULL;
	FILE *out = open_memstream(&text, &text_size);

	if (message_put(message, bytes, size, out, &error))
		abort();
	fclose(out);
	n_words = text_size ? unquote(text, words) : 0;
	if (message_encode(message, words, n_words, &again, &again_size, &error) ||
		again_size != size || (size && memcmp(again, bytes, size) != 0))
		abort();
	free(again);
	free(text);
	pass_json(message, bytes, size, &again, &again_size);
	if (again_size != size || (size && memcmp(again, bytes, size) != 0))
		abort();
	free(again);
}

// Both members of the oneof: that is the switch's to refuse.
static bool has_two(const char *const *words, size_t n_words)
{
	bool allows = false, denies = false;

	for (size_t i = 0; i < n_words; i++) {
		allows |= strncmp(words[i], "allow", 5) == 0;
		denies |= strncmp(words[i], "deny", 4) == 0;
	}
	return allows && denies;
}

static void encode(char kind, const uint8_t *data, size_t size)
{
	const struct catalog_message *message = message_of(kind);
	char *text = malloc(size + 1);
	const char *words[MAX_WORDS];
	struct ctl_error error;
	size_t n_words = 0, packed_size;
	uint8_t *packed = NULL;

	memcpy(text, data, size);
	text[size] = '\0';
	for (char *word = strtok(text, "\n"); word && n_words < MAX_WORDS;
		word = strtok(NULL, "\n"))
		words[n_words++] = word;
	if (message_encode(message, words, n_words, &packed, &packed_size, &error) == 0) {
		check_again(message, packed, packed_size);
		if (!is_accepted(kind, packed, packed_size) && !has_two(words, n_words) &&
			packed_size <= SCHEMA_MAX_MESSAGE_SIZE)
			abort();
		free(packed);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct catalog *catalog = NULL;
	struct ctl_error error;

	if (size == 0)
		return 0;
	switch (data[0]) {
	case 'S':
		catalog_parse(data + 1, size - 1, &catalog, &error);
		catalog_free(catalog);
		break;
	case 'E':
	case 'R':
		decode((char)data[0], data + 1, size - 1);
		break;
	case 'e':
	case 'r':
		encode((char)data[0], data + 1, size - 1);
		break;
	default:
		break;
	}
	return 0;
}
