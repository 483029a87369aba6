// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Random and damaged input of the schema check: what protobuf-c packs passes; what passes,
// protobuf-c unpacks, also when it began as a damaged message; no damage to a descriptor set does
// harm.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema_copy.h"

#include "google/protobuf/descriptor.pb-c.h"
#include "schema_test.pb-c.h"
#include "schema_test.schema.h"

static int load(void **state)
{
	return schema_load(weir_schema, sizeof(weir_schema), state);
}

// A generator of its own: the same sequence on every machine.
static uint64_t random_state = 1;

static uint64_t draw(void)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return random_state >> (random_state >> 59);
}

static bool maybe(void)
{
	return draw() & 1;
}

struct storage {
	Weir__Test__Inner inners[4];
	Weir__Test__Inner *pointers[4];
	int32_t deltas[4];
	uint32_t vlans[5], fixed[3];
	Weir__Test__Color colors[3];
	char *names[2];
	protobuf_c_boolean flags[3];
	double reals[2];
	uint8_t bytes[16];
};

static void fill_inners(Weir__Test__Everything *message, struct storage *storage)
{
	for (size_t i = 0; i < 4; i++) {
		weir__test__inner__init(&storage->inners[i]);
		storage->pointers[i] = &storage->inners[i];
		storage->deltas[i] = (int32_t)draw();
		storage->inners[i].id = (uint32_t)draw();
		storage->inners[i].n_deltas = draw() % 5;
		storage->inners[i].deltas = storage->deltas;
	}
	if (maybe())
		storage->inners[0].inner = &storage->inners[3];
	message->inner = maybe() ? &storage->inners[0] : NULL;
	message->n_inners = draw() % 4;
	message->inners = storage->pointers;
}

static void fill_lists(Weir__Test__Everything *message, struct storage *storage)
{
	static char names[2][6] = { "gr\xc3\xbc\xc3", "" };

	names[0][4] = '\0';
	for (size_t i = 0; i < 5; i++)
		storage->vlans[i] = (uint32_t)(1 + draw() % 4094);
	for (size_t i = 0; i < 3; i++) {
		storage->fixed[i] = (uint32_t)draw();
		storage->colors[i] = (Weir__Test__Color)((int)(draw() % 3) - 1);
		storage->flags[i] = maybe();
	}
	for (size_t i = 0; i < 2; i++) {
		storage->names[i] = names[i];
		storage->reals[i] = (double)draw();
	}
	message->n_vlans = draw() % 6;
	message->vlans = storage->vlans;
	message->n_packed_fixed = draw() % 4;
	message->packed_fixed = storage->fixed;
	message->n_colors = draw() % 4;
	message->colors = storage->colors;
	message->n_names = draw() % 3;
	message->names = storage->names;
	message->n_flags = draw() % 4;
	message->flags = storage->flags;
	message->n_reals = draw() % 3;
	message->reals = storage->reals;
}

static void fill_numbers(Weir__Test__Everything *message)
{
	message->rate_bps = 1000 + draw() % 99999999001;
	message->has_real = message->has_narrow = maybe();
	message->real = (double)draw();
	message->narrow = -0.5f;
	message->has_big = message->has_huge = maybe();
	message->big = (int64_t)draw();
	message->huge = draw();
	message->has_small = message->has_fixed_big = maybe();
	message->small = (int32_t)(draw() % 11) - 5;
	message->fixed_big = draw();
	message->has_fixed_small = message->has_flag = maybe();
	message->fixed_small = (uint32_t)draw();
	message->flag = maybe();
	message->has_number = message->has_color = maybe();
	message->number = (uint32_t)draw();
	message->color = (Weir__Test__Color)((int)(draw() % 3) - 1);
	message->has_signed_small = message->has_signed_big = maybe();
	message->signed_small = (int32_t)(draw() % INT32_MAX) - 10;
	message->signed_big = (int64_t)draw();
	message->has_zigzag_small = message->has_zigzag_big = maybe();
	message->zigzag_small = (int32_t)draw();
	message->zigzag_big = (int64_t)draw();
	message->has_ethertype = message->has_protocol = maybe();
	message->ethertype = (uint32_t)draw() & 0xffff;
	message->protocol = (uint32_t)draw() & 0xff;
}

static void fill_texts(Weir__Test__Everything *message, struct storage *storage)
{
	static char name[] = "abc", prefix[] = "10.0.0.0/8", right[] = "";

	message->name = maybe() ? name : NULL;
	message->remote = maybe() ? prefix : NULL;
	message->has_blob = maybe();
	message->blob = (ProtobufCBinaryData){ draw() % 5, storage->bytes };
	message->has_ipv6 = message->has_mac = maybe();
	message->ipv6 = (ProtobufCBinaryData){ 16, storage->bytes };
	message->mac = (ProtobufCBinaryData){ 6, storage->bytes };
	message->has_address = maybe();
	message->address = (ProtobufCBinaryData){ maybe() ? 4 : 16, storage->bytes };
	if (maybe()) {
		message->choice_case = WEIR__TEST__EVERYTHING__CHOICE_RIGHT;
		message->right = right;
	} else if (maybe()) {
		message->choice_case = WEIR__TEST__EVERYTHING__CHOICE_LEFT;
		message->left = (uint32_t)draw();
	}
}

static size_t pack_random(uint8_t *packed, size_t size)
{
	Weir__Test__Everything message = WEIR__TEST__EVERYTHING__INIT;
	struct storage storage;

	for (size_t i = 0; i < sizeof(storage.bytes); i++)
		storage.bytes[i] = (uint8_t)draw();
	fill_inners(&message, &storage);
	fill_lists(&message, &storage);
	fill_numbers(&message);
	fill_texts(&message, &storage);
	assert_true(weir__test__everything__get_packed_size(&message) <= size);
	return weir__test__everything__pack(&message, packed);
}

static void test_random_messages(void **state)
{
	const struct schema_message *message = schema_find(
		*state, SCHEMA_POLICY, "everything", NULL);
	uint8_t packed[2048];

	for (int i = 0; i < 20000; i++) {
		struct weir_error error = { .code = 0 };
		size_t size = pack_random(packed, sizeof(packed));

		if (schema_check(message, packed, size, &error))
			fail_msg("message %d: %s", i, error.message);
	}
}

// Checks damaged bytes; what passes must be something that protobuf-c unpacks.
static void check_damaged(
	const struct schema_message *message, const uint8_t *bytes, size_t size, size_t *n_passed)
{
	Weir__Test__Everything *unpacked;

	if (schema_check_copy(message, bytes, size, NULL))
		return;
	unpacked = weir__test__everything__unpack(NULL, size, bytes);
	assert_non_null(unpacked);
	weir__test__everything__free_unpacked(unpacked, NULL);
	++*n_passed;
}

static void test_damaged_messages(void **state)
{
	const struct schema_message *message = schema_find(
		*state, SCHEMA_POLICY, "everything", NULL);
	uint8_t packed[2048];
	size_t n_passed = 0, n_damaged = 0;

	for (int i = 0; i < (WEIR_SANITIZED ? 2 : 8); i++) {
		size_t size = pack_random(packed, sizeof(packed));

		for (size_t k = 0; k < size; k++) {
			check_damaged(message, packed, k, &n_passed);
			for (int change = 1; change < 256; change++, n_damaged++) {
				packed[k] ^= (uint8_t)change;
				check_damaged(message, packed, size, &n_passed);
				packed[k] ^= (uint8_t)change;
			}
		}
	}
	// Some damage leaves a valid message (other numbers), most does not.
	assert_in_range(n_passed, n_damaged / 100, n_damaged * 3 / 4);
}

// The test schema alone: without what it imports, which no field refers to, and without comments.
static uint8_t *small_set(size_t *size)
{
	Google__Protobuf__FileDescriptorSet *set = google__protobuf__file_descriptor_set__unpack(
		NULL, sizeof(weir_schema), weir_schema);
	Google__Protobuf__FileDescriptorSet alone = GOOGLE__PROTOBUF__FILE_DESCRIPTOR_SET__INIT;
	Google__Protobuf__FileDescriptorProto *file;
	Google__Protobuf__SourceCodeInfo *comments;
	uint8_t *packed;

	assert_non_null(set);
	file = set->file[set->n_file - 1];
	comments = file->source_code_info;
	file->source_code_info = NULL;
	alone.n_file = 1;
	alone.file = &file;
	packed = malloc(google__protobuf__file_descriptor_set__get_packed_size(&alone));
	assert_non_null(packed);
	*size = google__protobuf__file_descriptor_set__pack(&alone, packed);
	file->source_code_info = comments;
	google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
	return packed;
}

// Parses damaged bytes; what passes must be usable.
static void parse_damaged(const uint8_t *set, size_t size, size_t *n_passed)
{
	struct weir_schema *schema = NULL;

	if (schema_parse_copy(set, size, &schema, NULL)) {
		assert_null(schema);
		return;
	}
	for (size_t i = 0; i < schema_n_types(schema); i++) {
		const struct schema_type *type = schema_type_at(schema, i);
		struct weir_error error = { .code = 0 };
		int ret = schema_check(
			type->message, "\x08\xe8\x07\x92\x01\x02\x08\x01", 8, &error);

		assert_int_equal(ret, error.code);
		assert_true(strlen(type->name) > 0);
	}
	schema_free(schema);
	++*n_passed;
}

static void test_damaged_set(void **state)
{
	enum { STEP = WEIR_SANITIZED ? 7 : 1 }; // with 7 each bit changes still, in 17 of 37
	size_t size, n_passed = 0, n_damaged = 0;
	uint8_t *set = small_set(&size);

	(void)state;
	parse_damaged(set, size, &n_passed);
	assert_int_equal(n_passed, 1);
	for (size_t i = 0; i < size; i++) {
		parse_damaged(set, i, &n_passed);
		for (int change = 1; change < 256; change += STEP, n_damaged++) {
			set[i] ^= (uint8_t)change;
			parse_damaged(set, size, &n_passed);
			set[i] ^= (uint8_t)change;
		}
	}
	// Names may change without harm, structure may not.
	assert_in_range(n_passed, n_damaged / 100, n_damaged * 3 / 4);
	free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_messages),
		cmocka_unit_test(test_damaged_messages),
		cmocka_unit_test(test_damaged_set),
	};

	return cmocka_run_group_tests(tests, load, schema_unload);
}
