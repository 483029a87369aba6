// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the traffic consists of.
#include <stdlib.h>

#include "exact_frames.h"

enum { GSO_SIZE = 400, SEGMENTS_MAX = 7, VLAN = 10 };

static unsigned any(unsigned n)
{
	return (unsigned)rand() % n;
}

static void random_address(uint8_t address[16], bool six)
{
	address[0] = six ? 0xfd : 10;
	address[1] = (uint8_t)any(2);
	address[six ? 15 : 3] = (uint8_t)any(4);
}

static struct packet random_packet(unsigned port)
{
	static const uint8_t protocols[] = { 6, 6, 17, 17, 1, 47 };
	bool six = any(4) == 0;
	struct packet p = { .from = (uint8_t)(port + 4 * any(2)),
		.type = six ? 0x86dd : 0x0800,
		.protocol = protocols[any(6)] };

	random_address(p.src, six);
	random_address(p.dst, six);
	do
		p.to = (uint8_t)any(8);
	while (p.to % 4 == port);
	if (any(20) == 0)
		p.type = 0x0806;
	p.fragment = (uint8_t)(any(8) || p.type == 0x0806 ? WHOLE : FIRST);
	p.id = (uint16_t)(1 + any(1000));
	p.n_options = (uint8_t)(six ? any(3) : 0);
	p.src_port = (uint16_t)any(40000);
	p.dst_port = (uint16_t)(10 + any(40000));
	if (p.protocol == 1)
		p.src_port = p.dst_port = 0; // no type that quotes a packet
	else if (any(16) == 0)
		p.dst_port = PORT_REWRITTEN;
	return p;
}

// More of a datagram whose first fragment came from the port. False: of none.
static bool draw_later(struct packet *p, const struct ledger *l, unsigned port)
{
	for (unsigned i = 0; i < 100 && l->n_frames; i++) {
		const struct sent_frame *f = &l->frames[l->n_frames - 1 - any(l->n_frames) % 300];

		if (f->port != port || f->packet.fragment != FIRST)
			continue;
		*p = f->packet;
		p->fragment = LATER;
		p->offset = (uint16_t)(3 + any(100));
		return true;
	}
	return false;
}

// An answer to something sent before, or something new.
static struct packet next_packet(const struct ledger *l, unsigned port)
{
	for (unsigned i = 0; i < 20 && l->n_frames; i++) {
		struct packet p = l->frames[l->n_frames - 1 - any(l->n_frames) % 500].packet, r = p;

		if (p.to % 4 != port || p.protocol == 1 || p.src_port < 10 || p.fragment != WHOLE)
			continue;
		r.from = p.to;
		r.to = p.from;
		memcpy(r.src, p.dst, 16);
		memcpy(r.dst, p.src, 16);
		r.src_port = p.dst_port;
		r.dst_port = p.src_port;
		return r;
	}
	return random_packet(port);
}

// A segmentation frame: a TCP header, and marks for a payload, so that each segment has some.
static void make_super(struct frame_draft *d, uint32_t number)
{
	uint32_t size = (2 + any(SEGMENTS_MAX - 1)) * GSO_SIZE - any(2) * 80;
	uint32_t l3 = d->packet.vlan < 0 ? 14 : 18, ip_size = d->packet.type == 0x86dd ? 40 : 20;
	uint32_t length = 20 + size + (d->packet.type == 0x86dd ? 0 : ip_size);
	uint8_t *at = d->bytes + l3 + (d->packet.type == 0x86dd ? 4 : 2);

	at[0] = (uint8_t)(length >> 8);
	at[1] = (uint8_t)length;
	for (uint32_t i = 0; i < size; i += LEDGER_MARK)
		ledger_mark(d->bytes + d->size + i, number);
	d->offload = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = d->packet.type == 0x86dd ? VIRTIO_NET_HDR_GSO_TCPV6
						     : VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = (uint16_t)d->size,
		.gso_size = GSO_SIZE,
		.csum_start = (uint16_t)(l3 + ip_size),
		.csum_offset = 16,
	};
	d->wire.frames = (size + GSO_SIZE - 1) / GSO_SIZE;
	d->wire.bytes = size + d->wire.frames * d->size;
	d->size += size;
}

static void address_to_many(struct frame_draft *d)
{
	static const uint8_t groups[3][6] = { { 255, 255, 255, 255, 255, 255 },
		{ 1, 0, 0x5e, 1, 2, 3 }, { 2, 0, 0, 0, 0, 99 } };

	memcpy(d->bytes, groups[any(3)], 6);
}

void draw_frame(struct frame_draft *d, const struct ledger *l, unsigned port)
{
	bool flood = any(8) == 0;
	struct lab_frame frame;

	memset(&d->offload, 0, sizeof(d->offload));
	if (any(5) || !draw_later(&d->packet, l, port))
		d->packet = any(3) ? next_packet(l, port) : random_packet(port);
	d->packet.vlan = port == 0 ? VLAN : -1;
	if (d->packet.protocol != 1 && d->packet.fragment != LATER && any(6) == 0)
		d->packet.dst_port = any(2) ? PORT_DROPPED_BY_VISITOR : PORT_VISITED;
	frame = packet_frame(&d->packet);
	memcpy(d->bytes, frame.bytes, frame.size);
	d->size = frame.size;
	if (d->packet.type != 0x0806 && d->packet.protocol == 6 && d->packet.fragment == WHOLE &&
		d->packet.n_options == 0 && any(4) == 0) {
		make_super(d, l->n_frames);
	} else {
		ledger_mark(d->bytes + d->size, l->n_frames);
		d->size += LEDGER_MARK + any(400);
		d->wire = (struct wire){ 1, d->size };
	}
	if (flood)
		address_to_many(d);
}

void draw_marker(struct frame_draft *d, uint32_t number, unsigned port)
{
	struct packet p = { .from = (uint8_t)port,
		.to = 255,
		.type = 0x0806,
		.vlan = port == 0 ? VLAN : -1,
		.protocol = 1 };
	struct lab_frame frame = packet_frame(&p);

	memset(&d->offload, 0, sizeof(d->offload));
	memcpy(d->bytes, frame.bytes, frame.size);
	memset(d->bytes, 255, 6);
	ledger_mark(d->bytes + frame.size, number);
	d->size = frame.size + LEDGER_MARK;
}
