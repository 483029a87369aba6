// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Reads back a pcapng file, with code of its own that shares nothing with what wrote it, and fails
// the test when anything in it is not as the format wants it.
#ifndef PCAPNG_FILE_H
#define PCAPNG_FILE_H

#include <stddef.h>
#include <stdint.h>

struct pcapng_frame {
	uint32_t interface, captured, size, flags; // flags: 1 inbound, 2 outbound
	uint64_t time_ns;
	char comment[256]; // "" when there is none
	const uint8_t *bytes;
};

struct pcapng_port {
	char name[64];
	uint32_t snap;
};

struct pcapng_file {
	uint8_t *bytes;
	size_t size;
	unsigned n_ports, n_frames;
	struct pcapng_port ports[256];
	struct pcapng_frame *frames;
};

void pcapng_read(struct pcapng_file *file, const char *path);
void pcapng_free(struct pcapng_file *file);
// How many frames have this comment and port (NULL: any).
unsigned pcapng_count(const struct pcapng_file *file, const char *port, const char *comment);

#endif
