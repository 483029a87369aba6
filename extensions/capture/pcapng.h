// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Blocks of a pcapng file (draft-ietf-opsawg-pcapng), in the machine's byte order.
//
// Each function writes one block at `at` and returns its size, always a multiple of 4. The caller
// has the room: the sizes are known before. Nothing here reads or writes a file.
#ifndef CAPTURE_PCAPNG_H
#define CAPTURE_PCAPNG_H

#include <stddef.h>
#include <stdint.h>

enum {
	PCAPNG_TEXT_MAX = 255,    // bytes of an option's text that are written; the rest is cut off
	PCAPNG_HEADER_MAX = 1024, // of a section or interface block
	PCAPNG_PACKET_EXTRA = 320, // of a packet block besides the frame's bytes
};

enum pcapng_direction {
	PCAPNG_UNKNOWN = 0,
	PCAPNG_INBOUND = 1,
	PCAPNG_OUTBOUND = 2,
};

struct pcapng_packet {
	uint32_t interface; // its number: interface blocks count from 0
	uint64_t time_ns;   // since 1970-01-01 00:00 UTC
	const void *bytes;
	uint32_t captured; // bytes of them
	uint32_t size;     // of the frame
	enum pcapng_direction direction;
	const char *comment; // or NULL
};

// Section header block. The texts may be NULL.
size_t pcapng_section(uint8_t at[/* PCAPNG_HEADER_MAX */], const char *hardware, const char *os,
	const char *application);
// Interface description block: Ethernet, times in nanoseconds. snap: 0: frames are whole.
size_t pcapng_interface(uint8_t at[/* PCAPNG_HEADER_MAX */], const char *name, uint32_t snap);
// What pcapng_packet() will write.
size_t pcapng_packet_size(const struct pcapng_packet *packet);
// Enhanced packet block.
size_t pcapng_packet(uint8_t *at, const struct pcapng_packet *packet);
// The size of the whole blocks among the first `size` bytes at `at`, which begin with a block, and
// in *packets how many packet blocks are among them.
size_t pcapng_whole_blocks(const uint8_t *at, size_t size, uint64_t *packets);

#endif
