// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/offload_checksum.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)sum;
}

static uint64_t load64(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

// Both halves of a 64-bit word, so that carries collect in the upper half of the sum.
static uint64_t halves(uint64_t word)
{
	return (word & 0xffffffff) + (word >> 32);
}

// The sum in the machine's own order: swapping the bytes of a one's complement sum is the same as
// summing swapped words (RFC 1071 section 2 B). Two sums, because one addition waits for the last.
static uint64_t native_sum(const uint8_t *bytes, size_t size)
{
	uint64_t even = 0, odd = 0;
	uint8_t tail[8] = { 0 };

	for (; size >= 32; bytes += 32, size -= 32) {
		even += halves(load64(bytes)) + halves(load64(bytes + 8));
		odd += halves(load64(bytes + 16)) + halves(load64(bytes + 24));
	}
	for (; size >= 8; bytes += 8, size -= 8)
		even += halves(load64(bytes));
	memcpy(tail, bytes, size);
	return even + odd + halves(load64(tail));
}

uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t size)
{
	return sum + ntohs(checksum_fold(native_sum(bytes, size)));
}

static uint16_t swap(uint16_t word)
{
	return (uint16_t)(word << 8 | word >> 8);
}

uint64_t checksum_add_frame(uint64_t sum, const struct weir_frame *frame, uint32_t start)
{
	struct weir_frame_iterator it = weir_frame_iterate(frame);
	const uint8_t *piece;
	uint32_t size;
	bool odd = false; // the bytes so far ended in the middle of a word

	while ((piece = weir_frame_next(&it, &size))) {
		uint32_t skip = start < size ? start : size;
		uint16_t part = checksum_fold(checksum_add(0, piece + skip, size - skip));

		start -= skip;
		sum += odd ? swap(part) : part;
		odd ^= (size - skip) & 1;
	}
	return sum;
}

// Four bits at a time: SCTP with unfinished checksums is too rare for larger tables.
static uint32_t crc32c_byte(uint32_t crc, uint8_t byte)
{
	static const uint32_t table[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, //
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d, //
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, //
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75, //
	};

	crc ^= byte;
	crc = crc >> 4 ^ table[crc & 0xf];
	return crc >> 4 ^ table[crc & 0xf];
}

uint32_t crc32c_frame(const struct weir_frame *frame, uint32_t start, uint32_t hole)
{
	struct weir_frame_iterator it = weir_frame_iterate(frame);
	const uint8_t *piece;
	uint32_t size, at = 0, crc = 0xffffffff;

	while ((piece = weir_frame_next(&it, &size)))
		for (uint32_t i = 0; i < size; i++, at++)
			if (at >= start)
				crc = crc32c_byte(crc, at - hole < 4 ? 0 : piece[i]);
	return ~crc;
}
