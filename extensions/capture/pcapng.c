// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <string.h>

#include "pcapng.h"

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	LINKTYPE_ETHERNET = 1,
};

enum {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	SECTION_HARDWARE = 2,
	SECTION_OS = 3,
	SECTION_APPLICATION = 4,
	INTERFACE_NAME = 2,
	INTERFACE_RESOLUTION = 9,
	PACKET_FLAGS = 2,
};

enum { NANOSECONDS = 9, BLOCK_EXTRA = 12, OPTION_HEADER = 4, PACKET_HEADER = 20 };

static size_t padded(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t size)
{
	memcpy(at, bytes, size);
	return at + size;
}

static uint8_t *put16(uint8_t *at, uint16_t value)
{
	return put(at, &value, sizeof(value));
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
	return put(at, &value, sizeof(value));
}

static uint8_t *put_padded(uint8_t *at, const void *bytes, size_t size)
{
	at = put(at, bytes, size);
	memset(at, 0, padded(size) - size);
	return at + (padded(size) - size);
}

static uint8_t *put_option(uint8_t *at, uint16_t code, const void *bytes, size_t size)
{
	at = put16(at, code);
	at = put16(at, (uint16_t)size);
	return put_padded(at, bytes, size);
}

static size_t text_size(const char *text)
{
	return strnlen(text, PCAPNG_TEXT_MAX);
}

static uint8_t *put_text(uint8_t *at, uint16_t code, const char *text)
{
	return text ? put_option(at, code, text, text_size(text)) : at;
}

static uint8_t *begin(uint8_t *at, uint32_t type)
{
	at = put32(at, type);
	return put32(at, 0); // the size, by end()
}

static size_t end(uint8_t *block, uint8_t *at)
{
	uint32_t size = (uint32_t)(at - block) + 4;

	put32(at, size);
	put32(block + 4, size);
	return size;
}

size_t pcapng_section(uint8_t at[], const char *hardware, const char *os, const char *application)
{
	const int64_t unknown_size = -1;
	uint8_t *p = begin(at, BLOCK_SECTION);

	p = put32(p, BYTE_ORDER_MAGIC);
	p = put16(p, 1); // version 1.0
	p = put16(p, 0);
	p = put(p, &unknown_size, sizeof(unknown_size));
	p = put_text(p, SECTION_HARDWARE, hardware);
	p = put_text(p, SECTION_OS, os);
	p = put_text(p, SECTION_APPLICATION, application);
	return end(at, put32(p, OPTION_END));
}

size_t pcapng_interface(uint8_t at[], const char *name, uint32_t snap)
{
	const uint8_t resolution = NANOSECONDS;
	uint8_t *p = begin(at, BLOCK_INTERFACE);

	p = put16(p, LINKTYPE_ETHERNET);
	p = put16(p, 0);
	p = put32(p, snap);
	p = put_text(p, INTERFACE_NAME, name);
	p = put_option(p, INTERFACE_RESOLUTION, &resolution, sizeof(resolution));
	return end(at, put32(p, OPTION_END));
}

size_t pcapng_packet_size(const struct pcapng_packet *packet)
{
	size_t size = BLOCK_EXTRA + PACKET_HEADER + padded(packet->captured);

	size += OPTION_HEADER + sizeof(uint32_t); // flags
	if (packet->comment)
		size += OPTION_HEADER + padded(text_size(packet->comment));
	return size + OPTION_HEADER;
}

size_t pcapng_packet(uint8_t *at, const struct pcapng_packet *packet)
{
	uint32_t flags = packet->direction;
	uint8_t *p = begin(at, BLOCK_PACKET);

	p = put32(p, packet->interface);
	p = put32(p, (uint32_t)(packet->time_ns >> 32));
	p = put32(p, (uint32_t)packet->time_ns);
	p = put32(p, packet->captured);
	p = put32(p, packet->size);
	p = put_padded(p, packet->bytes, packet->captured);
	p = put_text(p, OPTION_COMMENT, packet->comment);
	p = put_option(p, PACKET_FLAGS, &flags, sizeof(flags));
	return end(at, put32(p, OPTION_END));
}

size_t pcapng_whole_blocks(const uint8_t *at, size_t size, uint64_t *packets)
{
	size_t whole = 0;

	*packets = 0;
	while (size - whole >= BLOCK_EXTRA) {
		uint32_t head[2]; // type and size

		memcpy(head, at + whole, sizeof(head));
		if (head[1] > size - whole)
			break;
		whole += head[1];
		*packets += head[0] == BLOCK_PACKET;
	}
	return whole;
}
