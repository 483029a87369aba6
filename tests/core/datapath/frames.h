// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Frames for the tests of the datapath: written as hexadecimal text, put where a read past their
// end is fatal, or built with right checksums by code that shares nothing with the code under test.
#ifndef TESTS_DATAPATH_FRAMES_H
#define TESTS_DATAPATH_FRAMES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "datapath/key.h"

// ---- Hexadecimal text; blanks do not count

#define MACS       "020000000002 020000000001"
#define TAG(tci)   "8100" tci
#define STAG(tci)  "88a8" tci
#define IP4_ADDR   "0a000001 0a000002"
#define IP6_ADDR   "fd000000000000000000000000000001 fd000000000000000000000000000002"
#define TCP_HEADER "1388 0050 00000001 00000002 5018 ffff 0000 0000"
#define UDP_HEADER "1388 0035 0008 0000"

// total: length field; fragment: flags and offset.
#define IP4(total, fragment, proto) "45b8" total "0001" fragment "40" proto "0000" IP4_ADDR
#define IP6(payload, next)          "6b812345" payload next "40" IP6_ADDR

enum { HEX_MAX = 10240 };

static inline uint32_t hex_bytes(const char *text, uint8_t bytes[HEX_MAX])
{
	uint32_t n = 0;

	for (; *text; text++) {
		char digits[3] = { text[0] };

		if (*text == ' ')
			continue;
		digits[1] = *++text;
		assert_true(isxdigit((unsigned char)digits[0]));
		assert_true(isxdigit((unsigned char)digits[1]));
		assert_true(n < HEX_MAX);
		bytes[n++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return n;
}

// ---- A place for frames whose end is the end of accessible memory

struct guarded {
	uint8_t *map;
	size_t room, page;
};

static inline void guarded_init(struct guarded *g, size_t room)
{
	g->page = (size_t)sysconf(_SC_PAGESIZE);
	g->room = (room + g->page - 1) / g->page * g->page;
	g->map = mmap(NULL, g->room + g->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);
	assert_ptr_not_equal(g->map, MAP_FAILED);
	assert_int_equal(mprotect(g->map + g->room, g->page, PROT_NONE), 0);
}

static inline void guarded_fini(struct guarded *g)
{
	munmap(g->map, g->room + g->page);
}

// Copies the bytes to the end of the accessible memory.
static inline uint8_t *guarded_put(struct guarded *g, const uint8_t *bytes, uint32_t size)
{
	uint8_t *at = g->map + g->room - size;

	assert_true(size <= g->room);
	memcpy(at, bytes, size);
	return at;
}

// A frame of these bytes with nobody to release it.
static inline struct weir_frame plain_frame(uint8_t *data, uint32_t size)
{
	return (struct weir_frame){ .data = data, .size = size, .linear = size, .refs = 1 };
}

// ---- Keys

// Marsaglia's xorshift: the same numbers in every run.
static inline uint32_t draw(uint32_t below)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

static inline void all_fields(struct key_mask *mask)
{
	key_mask_make(mask, WEIR_FIELDS_ALL);
}

static inline void flow_of(const struct flow_key *key, struct weir_flow *flow)
{
	struct key_mask mask;

	all_fields(&mask);
	key_to_flow(key, &mask, WEIR_PORT_NONE, WEIR_PORT_NONE, flow);
}

#endif
