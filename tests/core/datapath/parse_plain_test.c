// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The inline parser beside the full one: the same key, or it gives up; and it does not give up on
// what traffic mostly consists of.
#include "parse_rows.h"

#include "datapath/parse_plain.h"

enum { ROUNDS = 400000 };

// True when the frame was plain.
static bool compare(const struct weir_frame *frame)
{
	struct flow_key full, all, l2;

	memset(&full, 0x5a, sizeof(full));
	memset(&all, 0, sizeof(all));
	memset(&l2, 0x5a, sizeof(l2));
	key_parse(frame, &full);
	if (!key_parse_plain(frame, &all, false)) {
		assert_false(key_parse_plain(frame, &l2, true));
		return false;
	}
	assert_true(key_parse_plain(frame, &l2, true));
	assert_memory_equal(&all, &full, sizeof(full));
	assert_memory_equal(&l2, &full, KEY_WORDS_L2 * sizeof(full.w[0]));
	return true;
}

static void the_rows_of_the_table_agree(void **state)
{
	uint8_t bytes[HEX_MAX];
	unsigned n_plain = 0;

	(void)state;
	for (size_t i = 0; i < N_PARSE_ROWS; i++) {
		uint32_t size = hex_bytes(parse_rows[i].frame, bytes);
		struct weir_frame frame = plain_frame(guarded_put(&memory, bytes, size), size);

		if (parse_rows[i].gso_size == 0)
			n_plain += compare(&frame);
	}
	assert_true(n_plain >= 4);
}

// A few bits of a row changed, most of them in the headers, and cut to any length; the byte behind
// the end cannot be read.
static bool compare_changed(const struct parse_row *row)
{
	uint8_t bytes[HEX_MAX];
	uint32_t size = hex_bytes(row->frame, bytes);
	struct weir_frame frame;

	for (unsigned n = size ? draw(4) : 0; n; n--)
		bytes[draw(size)] ^= (uint8_t)(1 << draw(8));
	if (draw(4) == 0)
		size = draw(size + 1);
	frame = plain_frame(guarded_put(&memory, bytes, size), size);
	if (draw(4) == 0)
		frame.size += draw(64); // the rest stands in segments
	if (draw(16) == 0)
		frame.flags = WEIR_FRAME_TRUSTED;
	return compare(&frame);
}

static void changed_frames_agree(void **state)
{
	unsigned n_plain = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++)
		n_plain += compare_changed(&parse_rows[draw(N_PARSE_ROWS)]);
	assert_in_range(n_plain, ROUNDS / 100, ROUNDS - ROUNDS / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rows_of_the_table_agree),
		cmocka_unit_test(changed_frames_agree),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
