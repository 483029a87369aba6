// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// apply
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "ask.h"
#include "input.h"
#include "json_arena.h"
#include "row.h"
#include "site.h"
#include "text_json.h"

static const struct column columns[] = {
	{ "action", COLUMN_PLAIN },
	{ "object", COLUMN_PLAIN },
	{ "name", COLUMN_PLAIN },
	{ "text", COLUMN_RARE },
	{ NULL, COLUMN_PLAIN },
};

enum {
	CHUNK_BYTES = 200 << 10, // of the items in one message; the daemon takes 256 KB
	CHUNK_ITEMS = 2048,
	MAX_IN_FLIGHT = 4, // messages whose reply was not yet awaited
	// Several times what the daemon takes. A file without an end is to be refused before memory
	// is out.
	MAX_DOCUMENT_GIB = 1,
};

// Stops a walk; never an exit code of weirctl's.
enum { ENOUGH = -1 };

struct sender {
	struct invocation *in;
	json_t *document; // NULL: no item of it can be to blame any more
	struct types_cache cache;
	struct site_item *items[CHUNK_ITEMS]; // of the chunk being made
	size_t n_items, size;
	unsigned n_in_flight; // chunks without a reply
	uint64_t n_left_out;  // differences that the daemon did not send
	json_t *differences;
};

static const char item_token[] = "items["; // and a number: what the daemon calls an item

struct search {
	size_t left; // items before the one that is looked for
	char path[SITE_PATH_SIZE];
	const char *object; // what it is
};

static int find_item(void *context, const struct site_place *place, struct ctl_error *error)
{
	struct search *search = context;

	(void)error;
	if (search->left-- > 0)
		return 0;
	site_path(place, search->path);
	search->object = place->object->name;
	return ENOUGH;
}

// Finds the item that the daemon calls by its number, "items[N]" at text. Items were sent in the
// order of the walk, so that walking again finds one without a table of them. Returns what is
// behind the bracket, or NULL.
static const char *find_named(const struct sender *s, const char *text, struct search *search)
{
	struct ctl_error ignored;
	char *end;

	*search = (struct search){ .left = strtoul(text + strlen(item_token), &end, 10) };
	if (*end != ']' || site_walk(s->document, find_item, search, &ignored) != ENOUGH)
		return NULL;
	return end + 1;
}

// In the sentence too, when it says which item a second one is like. In others the token may be a
// field of an extension's.
static void rename_items(const struct sender *s, struct ctl_error *error)
{
	char *at = error->status == WEIR__CONTROL__STATUS__CODE__EXISTS
			   ? strstr(error->message, item_token)
			   : NULL;
	const char *rest;
	struct search search;
	char tail[sizeof(error->message)];

	rest = at ? find_named(s, at, &search) : NULL;
	if (!rest)
		return;
	snprintf(tail, sizeof(tail), "%s", rest);
	snprintf(at, sizeof(error->message) - (size_t)(at - error->message), "%s%s", search.path,
		tail);
}

// Puts the path in the document of the item that is refused before the sentence.
static int blame_item(const struct sender *s, struct ctl_error *error)
{
	const char *at = strstr(error->field, item_token), *rest = NULL;
	struct search search;
	size_t size;

	rename_items(s, error);
	// What may stand before it is the name of the request.
	if (at && strcspn(error->field, "[") >= (size_t)(at - error->field))
		rest = find_named(s, at, &search);
	if (!rest)
		return CTL_REFUSED;
	ctl_take_field(error);
	size = strlen(search.object);
	if (*rest == '.' && strncmp(rest + 1, search.object, size) == 0 && rest[size + 1] == '.')
		rest += size + 1;
	ctl_blame(error, "%s%s: ", search.path, rest);
	return CTL_REFUSED;
}

// Waits for the reply to one of the chunks.
static int await_one(struct sender *s, struct ctl_error *error)
{
	uint64_t id;
	bool more;
	int result = client_receive(s->in->client, &id, &more, NULL, NULL, error);

	s->n_in_flight--;
	return result == CTL_REFUSED ? blame_item(s, error) : result;
}

static void free_items(struct sender *s)
{
	for (size_t i = 0; i < s->n_items; i++)
		site_item_free(s->items[i]);
	s->n_items = s->size = 0;
}

// A dry run adds to the document too: it ends with the connection.
static int send_chunk(struct sender *s, struct ctl_error *error)
{
	Weir__Control__ApplyAdd message = WEIR__CONTROL__APPLY_ADD__INIT;
	Weir__Control__Request request = REQUEST(APPLY_ADD, apply_add, &message);
	Weir__Control__Item *items[CHUNK_ITEMS];
	int result = 0;

	if (s->n_items == 0)
		return 0;
	if (s->n_in_flight == MAX_IN_FLIGHT)
		result = await_one(s, error);
	for (size_t i = 0; i < s->n_items; i++)
		items[i] = &s->items[i]->item;
	message.items = items;
	message.n_items = s->n_items;
	if (result == 0)
		result = client_send(s->in->client, &request, NULL, error);
	if (result)
		return result;
	s->n_in_flight++;
	free_items(s);
	return 0;
}

static int await_all(struct sender *s, struct ctl_error *error)
{
	int result = 0;

	while (result == 0 && s->n_in_flight > 0)
		result = await_one(s, error);
	return result;
}

// A schema is asked for when the first body needs it, once no replies to chunks are on their way. A
// refusal comes back where the body is packed.
static int fetch_schema(struct sender *s, const struct site_place *place, struct ctl_error *error)
{
	const char *extension = json_string_value(json_object_get(place->json, "extension"));
	const struct types *types;
	int result = 0;

	if (!extension || types_cache_has(&s->cache, extension) ||
		!json_object_get(place->json, "body"))
		return 0;
	result = await_all(s, error);
	if (result)
		return result;
	result = types_cached(s->in, &s->cache, extension, &types, error);
	return result == CTL_REFUSED ? 0 : result;
}

static int add_item(void *context, const struct site_place *place, struct ctl_error *error)
{
	enum { TAG_BYTES = 8 }; // at most, with the length
	struct sender *s = context;
	struct site_item *item;
	size_t size;
	int result = fetch_schema(s, place, error);

	if (result == 0)
		result = site_item_make(place, s->in, &s->cache, &item, error);
	if (result)
		return result;
	size = weir__control__item__get_packed_size(&item->item) + TAG_BYTES;
	if (s->size + size > CHUNK_BYTES || s->n_items == CHUNK_ITEMS)
		result = send_chunk(s, error);
	if (result) {
		site_item_free(item);
		return result;
	}
	s->items[s->n_items++] = item;
	s->size += size;
	return 0;
}

static int send_items(struct sender *s, struct ctl_error *error)
{
	int result = ask_connect(s->in, error);

	if (result == 0)
		result = site_walk(s->document, add_item, s, error);
	if (result == 0)
		result = send_chunk(s, error);
	if (result == 0)
		result = await_all(s, error);
	free_items(s);
	types_cache_fini(&s->cache);
	return result;
}

static int take_differences(
	void *context, const Weir__Control__Reply *reply, struct ctl_error *error)
{
	struct sender *s = context;

	if (reply->payload_case == WEIR__CONTROL__REPLY__PAYLOAD__NOT_SET)
		return 0; // nothing to do
	if (reply->payload_case != WEIR__CONTROL__REPLY__PAYLOAD_DIFFERENCES)
		return ask_unexpected(error);
	// Nothing is refused for an item once it is a difference.
	s->document = NULL;
	s->n_left_out += reply->differences->left_out;
	for (size_t i = 0; i < reply->differences->n_rows; i++) {
		if (json_array_append_new(
			    s->differences, row_json(&reply->differences->rows[i]->base)))
			return ctl_fail_memory(error);
	}
	return 0;
}

static int commit(struct sender *s, struct ctl_error *error)
{
	Weir__Control__ApplyCommit message = WEIR__CONTROL__APPLY_COMMIT__INIT;
	Weir__Control__Request request = REQUEST(APPLY_COMMIT, apply_commit, &message);
	int result;

	message.has_prune = message.prune = invocation_option(s->in, "--prune") != NULL;
	message.has_lost_nics = message.lost_nics = invocation_option(s->in, "--lost-nics") != NULL;
	s->differences = json_array();
	if (!s->differences)
		return ctl_fail_memory(error);
	result = ask(s->in, &request, take_differences, s, error);
	if (result == CTL_REFUSED)
		result = blame_item(s, error);
	else if (result == 0 && (s->in->json || json_array_size(s->differences) > 0))
		result = output_rows(stdout, s->differences, columns, s->in->json, error);
	if (result == 0 && s->n_left_out > 0)
		fprintf(stderr, "weirctl: %" PRIu64 " more differences are not shown\n",
			s->n_left_out);
	return result;
}

static bool is_empty(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!strchr(" \t\r\n", text[i]) || !text[i])
			return false;
	return true;
}

// name: for sentences.
static int parse(FILE *file, const char *name, json_t **document, struct ctl_error *error)
{
	json_error_t fault;
	char *text = NULL;
	size_t size = 0;

	errno = 0;
	if (read_text(file, (size_t)MAX_DOCUMENT_GIB << 30, &text, &size) < 0) {
		free(text);
		if (errno == EFBIG)
			return ctl_fail(error, CTL_REFUSED,
				"%s: must not be longer than %d GiB, as no document is", name,
				MAX_DOCUMENT_GIB);
		return ctl_fail(error, CTL_REFUSED, "%s: %s", name, strerror(errno));
	}
	if (is_empty(text, size)) {
		free(text);
		return ctl_fail(error, CTL_REFUSED,
			"%s: is empty: a document is an object such as {\"weir\": 1, "
			"\"switches\": []}",
			name);
	}
	*document = text_json(text, size, &fault);
	free(text);
	if (!*document)
		return ctl_fail(error, CTL_REFUSED, "%s:%d:%d: %s", name, fault.line, fault.column,
			fault.text);
	return 0;
}

static int load(const char *name, json_t **document, struct ctl_error *error)
{
	FILE *file;
	int result;

	if (strcmp(name, "-") == 0)
		return parse(stdin, "standard input", document, error);
	result = input_stream(name, &file, error);
	if (result)
		return result;
	result = parse(file, name, document, error);
	fclose(file);
	return result;
}

// A document that says nothing of switches, such as a template that came out empty, is no order to
// remove them all.
static int check_prune(const struct invocation *in, const json_t *document, struct ctl_error *error)
{
	if (!invocation_option(in, "--prune") || json_object_get(document, "switches"))
		return 0;
	return ctl_fail(error, CTL_REFUSED,
		"switches: is missing: --prune would remove every switch; if that is meant, say "
		"\"switches\": []");
}

static int apply_document(struct invocation *in, json_t *document, struct ctl_error *error)
{
	struct sender *s = calloc(1, sizeof(*s));
	int result = s ? site_check(document, error) : ctl_fail_memory(error);

	if (s) {
		s->in = in;
		s->document = document;
	}
	if (result == 0)
		result = check_prune(in, document, error);
	if (result == 0)
		result = send_items(s, error);
	if (result == 0)
		result = commit(s, error);
	free(s);
	return result;
}

static int apply(struct invocation *in, struct ctl_error *error)
{
	const char *name = invocation_argument(in, 0);
	json_t *document = NULL;
	int result;

	if (invocation_option(in, "--schema")) {
		if (name)
			return ctl_fail(error, CTL_USAGE, "--schema takes no FILE");
		return apply_schema(in, error);
	}
	if (!name)
		return ctl_fail(error, CTL_USAGE, "FILE is missing");
	json_arena_begin();
	result = load(name, &document, error);
	if (result == 0)
		result = apply_document(in, document, error);
	json_arena_end();
	return result;
}

const struct command apply_commands[] = {
	{
		.object = "apply",
		.summary = "Makes the switches what a document says (- reads it from standard "
			   "input), all or nothing; shows the differences. Objects that it does "
			   "not name stay as they are. A port that it names loses what it does not "
			   "say of it: nic, vlan, mac and mtu that are absent mean none",
		.run = apply,
		.changes = true,
		.arguments = { { "FILE", WORD_FILE, OPTIONAL } },
		.options = { { .name = "--prune",
				     .help = "remove what the document does not name, other "
					     "switches too" },
			{ .name = "--lost-nics",
				.help = "take ports whose NICs are not there now; they are "
					"connected when these come" },
			{ .name = "--schema",
				.help = "instead, print the JSON Schema of documents" } },
	},
	{ 0 },
};
