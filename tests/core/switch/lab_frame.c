// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The laboratory's frames.
#include <arpa/inet.h>
#include <netinet/in.h>

#include "lab.h"

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint16_t ip_checksum(const uint8_t header[20])
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)(header[i] << 8 | header[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

// Ethernet and IPv4 headers (RFC 791, 3.1).
static struct lab_frame make(unsigned from, unsigned to, uint8_t proto, uint16_t l4_size)
{
	struct lab_frame f = { .size = 34u + l4_size };
	uint8_t *ip = f.bytes + 14;

	if (to == LAB_BROADCAST)
		memset(f.bytes, 0xff, 6);
	else
		memcpy(f.bytes, (uint8_t[]){ 2, 0, 0, 0, (uint8_t)(to >> 8), (uint8_t)to }, 6);
	memcpy(f.bytes + 6, (uint8_t[]){ 2, 0, 0, 0, (uint8_t)(from >> 8), (uint8_t)from }, 6);
	put16(f.bytes + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, (uint16_t)(20 + l4_size));
	ip[8] = 64;
	ip[9] = proto;
	memcpy(ip + 12, (uint8_t[]){ 10, 0, (uint8_t)(from >> 8), (uint8_t)from }, 4);
	memcpy(ip + 16, (uint8_t[]){ 10, 0, (uint8_t)(to >> 8), (uint8_t)to }, 4);
	put16(ip + 10, ip_checksum(ip));
	return f;
}

struct lab_frame lab_udp(unsigned from, unsigned to, uint16_t src_port, uint16_t dst_port)
{
	struct lab_frame f = make(from, to, IPPROTO_UDP, 26);

	put16(f.bytes + 34, src_port);
	put16(f.bytes + 36, dst_port);
	put16(f.bytes + 38, 26); // without a checksum (RFC 768)
	return f;
}

struct lab_frame lab_tcp(unsigned from, unsigned to, uint16_t dst_port, uint8_t flags)
{
	struct lab_frame f = make(from, to, IPPROTO_TCP, 26);

	put16(f.bytes + 34, 40000);
	put16(f.bytes + 36, dst_port);
	f.bytes[46] = 0x50;
	f.bytes[47] = flags;
	return f;
}

struct lab_frame lab_tagged(struct lab_frame f, uint16_t tci)
{
	memmove(f.bytes + 16, f.bytes + 12, f.size - 12);
	put16(f.bytes + 12, 0x8100);
	put16(f.bytes + 14, tci);
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
