// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "exact_ledger.h"

static const uint8_t magic[4] = { 0xf5, 'W', 'E', 'R' };

// ---- Versions

static struct model_policy read_meter(const char *text)
{
	static struct model model;

	model.n = 0;
	model_add(&model, "meter", text);
	return model.policies[0];
}

static struct version *version_at(struct ledger *l, uint32_t number)
{
	return &l->versions[number % EXACT_VERSIONS];
}

void ledger_begin(struct ledger *l, bool attached, int order,
	const char *const texts[EXACT_PORTS][EXACT_METERS])
{
	const struct version *before = version_at(l, l->latest);
	struct version *v = version_at(l, l->latest + 1);

	v->attached = attached;
	v->order = order;
	for (unsigned port = 0; port < EXACT_PORTS; port++) {
		for (unsigned i = 0; i < EXACT_METERS; i++) {
			bool meters = strstr(texts[port][i], "action=meter") != NULL;

			v->lives[port][i] = !meters                  ? 0
					    : before->lives[port][i] ? before->lives[port][i]
								     : ++l->n_lives;
			if (meters)
				v->meters[port][i] = read_meter(texts[port][i]);
		}
	}
	assert_true(l->n_lives < EXACT_LIVES);
	l->latest++;
}

void ledger_take_back(struct ledger *l)
{
	l->latest--;
}

// ---- Marks

void ledger_mark(uint8_t mark[LEDGER_MARK], uint32_t number)
{
	memcpy(mark, magic, sizeof(magic));
	memcpy(mark + sizeof(magic), &number, sizeof(number));
}

bool ledger_find_mark(const uint8_t *bytes, uint32_t n_bytes, uint32_t *number)
{
	for (uint32_t i = 0; i + LEDGER_MARK <= n_bytes; i++) {
		if (memcmp(bytes + i, magic, sizeof(magic)) != 0)
			continue;
		memcpy(number, bytes + i + sizeof(magic), sizeof(*number));
		return true;
	}
	return false;
}

// ---- Frames as they come out

struct seen {
	struct packet packet; // its addresses
	struct wire wire;
	uint8_t tos;
	uint32_t stamp; // in the source address
};

// Their headers are whole: what is cut short is not sent.
static bool read_headers(struct seen *s, const uint8_t *bytes)
{
	const uint8_t *ip = bytes + 14;
	uint16_t type = (uint16_t)(bytes[12] << 8 | bytes[13]);

	if (type == 0x8100) {
		type = (uint16_t)(bytes[16] << 8 | bytes[17]);
		ip += 4;
	}
	s->packet.type = type;
	memcpy(&s->stamp, bytes + 8, sizeof(s->stamp));
	if (type == 0x0800) {
		s->tos = ip[1];
		memcpy(s->packet.src, ip + 12, 4);
		memcpy(s->packet.dst, ip + 16, 4);
	} else if (type == 0x86dd) {
		s->tos = (uint8_t)(ip[0] << 4 | ip[1] >> 4);
		memcpy(s->packet.src, ip + 8, 16);
		memcpy(s->packet.dst, ip + 24, 16);
	}
	return type == 0x0800 || type == 0x86dd;
}

// A segmentation frame is what it will be on the wire (VIRTIO 1.1, 5.1.6.2), one of its segments
// what it is. Tags have come or gone before its payload.
static struct wire wire_of_size(const struct sent_frame *f, uint32_t size)
{
	uint32_t header = f->header + size - f->size, payload = size - header;
	bool is_super = f->gso_size && size > f->header + 4u + f->gso_size;
	uint32_t n = is_super ? (payload + f->gso_size - 1) / f->gso_size : 1;

	return (struct wire){ n, size + (uint64_t)(n - 1) * header };
}

// The version whose low byte it is.
static uint32_t version_of_tos(const struct ledger *l, uint8_t tos)
{
	return l->latest - (uint8_t)(l->latest - tos);
}

static void count(struct ledger *l, uint32_t number, unsigned port, const struct packet *packet,
	bool out, const struct wire *wire)
{
	const struct version *v = version_at(l, number);

	for (unsigned i = 0; v->attached && i < EXACT_METERS; i++) {
		if (!v->lives[port][i] || !model_counts(&v->meters[port][i], packet, out))
			continue;
		l->counted[v->lives[port][i]].frames += wire->frames;
		l->counted[v->lives[port][i]].bytes += wire->bytes;
	}
}

// Its port's entries have counted it, once, however often it is seen.
static void note_passed(struct ledger *l, struct sent_frame *f, uint32_t version)
{
	if (f->passed) {
		assert_int_equal(f->version, version);
		return;
	}
	f->passed = true;
	f->version = version;
	count(l, version, f->port, &f->packet, true, &f->wire);
}

static void note_kind(struct ledger *l, const struct sent_frame *f, const struct seen *seen)
{
	l->n_rewritten += memcmp(seen->packet.dst, f->packet.dst, 16) != 0;
	l->n_super += f->gso_size != 0;
	l->n_flooded += f->passed;
}

void ledger_note(struct ledger *l, unsigned port, enum fate fate, const uint8_t *bytes,
	uint32_t n_bytes, uint32_t size)
{
	struct seen seen = { .tos = 0 };
	struct sent_frame *f;
	uint32_t number = 0, version;

	assert_true(ledger_find_mark(bytes, n_bytes, &number) && number < l->n_frames);
	f = &l->frames[number];
	if (!read_headers(&seen, bytes))
		return;
	version = version_of_tos(l, seen.tos);
	if (fate == FATE_VISITED && version_at(l, version)->order > VISITOR_ORDER)
		return;
	if (fate == FATE_CAME_OUT) {
		seen.wire = wire_of_size(f, size);
		assert_in_range(seen.stamp, 1, l->latest);
		count(l, seen.stamp, port, &seen.packet, false, &seen.wire);
		note_kind(l, f, &seen);
	}
	note_passed(l, f, version);
}
