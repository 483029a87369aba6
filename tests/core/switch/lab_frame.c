// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The laboratory's frames.
#include <netinet/in.h>

#include "lab.h"

#include "testing/ipv4.h"

_Static_assert(LAB_BROADCAST == (int)TESTING_EVERYBODY, "the same station");

enum { L4_SIZE = 26 };

struct lab_frame lab_udp(unsigned from, unsigned to, uint16_t src_port, uint16_t dst_port)
{
	struct lab_frame f = { .size = 0 };

	f.size = testing_ipv4(f.bytes, from, to, IPPROTO_UDP, L4_SIZE);
	testing_put16(f.bytes + 34, src_port);
	testing_put16(f.bytes + 36, dst_port);
	testing_put16(f.bytes + 38, L4_SIZE); // without a checksum (RFC 768)
	return f;
}

struct lab_frame lab_tcp(unsigned from, unsigned to, uint16_t dst_port, uint8_t flags)
{
	struct lab_frame f = { .size = 0 };

	f.size = testing_ipv4(f.bytes, from, to, IPPROTO_TCP, L4_SIZE);
	testing_put16(f.bytes + 34, 40000);
	testing_put16(f.bytes + 36, dst_port);
	f.bytes[46] = 0x50;
	f.bytes[47] = flags;
	return f;
}

struct lab_frame lab_tagged(struct lab_frame f, uint16_t tci)
{
	memmove(f.bytes + 16, f.bytes + 12, f.size - 12);
	testing_put16(f.bytes + 12, 0x8100);
	testing_put16(f.bytes + 14, tci);
	f.size += 4;
	return f;
}

// ---- To and from the switch

void lab_send(struct lab *lab, unsigned port, const struct lab_frame *frame)
{
	assert_int_equal(weir_memory_send(lab->ends[port], 0, frame->bytes, frame->size, NULL), 0);
}

bool lab_receive(struct lab *lab, unsigned port, struct lab_frame *frame)
{
	int n = lab->ends[port] ? weir_memory_receive(lab->ends[port], 0, frame->bytes,
					  sizeof(frame->bytes), NULL)
				: 0;

	assert_true(n >= 0);
	frame->size = (uint32_t)n;
	return n > 0;
}

void lab_pass(struct lab *lab, unsigned port, const struct lab_frame *frame,
	unsigned got[LAB_PORTS_MAX], unsigned of, struct lab_frame *last)
{
	struct lab_frame received;

	lab_send(lab, port, frame);
	lab_run(lab);
	for (unsigned i = 0; i < lab->n_ports; i++) {
		unsigned n = 0;

		for (; lab_receive(lab, i, &received); n++)
			if (last && i == of)
				*last = received;
		if (got)
			got[i] = n;
	}
}

void lab_assert_pass_at(struct lab *lab, unsigned from, const struct lab_frame *frame, unsigned to,
	const char *file, int line)
{
	unsigned got[LAB_PORTS_MAX] = { 0 };

	lab_pass(lab, from, frame, got, 0, NULL);
	for (unsigned i = 0; i < lab->n_ports; i++) {
		if (got[i] == (to >> i & 1))
			continue;
		print_error("a frame from p%u came out of p%u %u times, expected %u\n", from, i,
			got[i], to >> i & 1);
		_fail(file, line);
	}
}

void lab_learn(struct lab *lab)
{
	for (unsigned i = 0; i < lab->n_ports; i++) {
		struct lab_frame f = lab_udp(i, LAB_BROADCAST, 1, 1);

		if (lab->ends[i])
			lab_pass(lab, i, &f, NULL, 0, NULL);
	}
}
