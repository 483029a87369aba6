// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The bench's frames, and what becomes of them.
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "ipv4.h"

enum { FRAME_MIN = 60 };

_Static_assert(WEIR_TESTING_ALL == (int)TESTING_EVERYBODY, "the same station");

// With ports behind the headers.
static struct weir_testing_frame make(
	unsigned from, unsigned to, uint8_t proto, uint16_t from_port, uint16_t to_port)
{
	struct weir_testing_frame f = { .size = 0 };

	f.size = testing_ipv4(f.bytes, from, to, proto, FRAME_MIN - TESTING_L4_AT);
	testing_put16(f.bytes + TESTING_L4_AT, from_port);
	testing_put16(f.bytes + TESTING_L4_AT + 2, to_port);
	return f;
}

struct weir_testing_frame weir_testing_udp(
	unsigned from, unsigned to, uint16_t from_port, uint16_t to_port)
{
	struct weir_testing_frame f = make(from, to, IPPROTO_UDP, from_port, to_port);

	testing_put16(f.bytes + 38, FRAME_MIN - TESTING_L4_AT); // without a checksum (RFC 768)
	return f;
}

struct weir_testing_frame weir_testing_tcp(unsigned from, unsigned to, uint16_t to_port)
{
	struct weir_testing_frame f = make(from, to, IPPROTO_TCP, 40000, to_port);

	f.bytes[46] = 0x50;
	f.bytes[47] = 2; // SYN
	return f;
}

static unsigned digit(struct weir_testing *t, char c)
{
	const char *const digits = "0123456789abcdef";
	const char *found = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	if (!found)
		testing_fail(t, "a frame in digits has '%c': must be 0 to 9 and a to f, in pairs",
			c ? c : ' ');
	return (unsigned)(found - digits);
}

struct weir_testing_frame weir_testing_hex(struct weir_testing *t, const char *digits)
{
	struct weir_testing_frame f = { .size = 0 };

	while (*digits) {
		if (isspace((unsigned char)*digits)) {
			digits++;
			continue;
		}
		if (f.size == sizeof(f.bytes))
			testing_fail(t, "a frame in digits is longer than %d bytes",
				WEIR_TESTING_FRAME_MAX);
		f.bytes[f.size++] = (uint8_t)(digit(t, digits[0]) << 4 | digit(t, digits[1]));
		digits += 2;
	}
	if (f.size < FRAME_MIN)
		f.size = FRAME_MIN;
	return f;
}

// ---- To and from the switch

static unsigned port_number(struct weir_testing *t, const char *port)
{
	char *end = NULL;
	unsigned long n = port[0] == 'p' ? strtoul(port + 1, &end, 10) : t->n_ports;

	if (n >= t->n_ports || end == port + 1 || *end)
		testing_fail(t, "port \"%s\": must be p0 to p%u", port, t->n_ports - 1);
	return (unsigned)n;
}

static void receive(struct weir_testing *t, unsigned port)
{
	struct weir_testing_frame *f = &t->verdict.last;
	int size;

	while ((size = weir_memory_receive(t->ends[port], 0, f->bytes, sizeof(f->bytes), NULL)) >
		0) {
		f->size = (uint32_t)size;
		t->verdict.n_out++;
		t->verdict.out |= UINT32_C(1) << port;
	}
	if (size < 0)
		testing_fail(t, "p%u: what comes out cannot be taken: %s", port, strerror(-size));
}

static void run_and_receive(struct weir_testing *t)
{
	testing_run(t);
	for (unsigned i = 0; i < t->n_ports; i++)
		receive(t, i);
}

static void send_frame(
	struct weir_testing *t, unsigned port, const struct weir_testing_frame *frame)
{
	int failed = weir_memory_send(t->ends[port], 0, frame->bytes, frame->size, NULL);

	if (failed == -EAGAIN) {
		run_and_receive(t);
		failed = weir_memory_send(t->ends[port], 0, frame->bytes, frame->size, NULL);
	}
	if (failed)
		testing_fail(t, "p%u: a frame of %u bytes cannot be sent: %s", port, frame->size,
			strerror(-failed));
}

// The row's count from the last time, 0 at first.
static struct testing_drop *find_drop(struct weir_testing *t, const struct weir_drop_info *info)
{
	struct testing_drop *drop;

	for (unsigned i = 0; i < t->n_drops; i++) {
		drop = &t->drops[i];
		if (strcmp(drop->reason, info->reason) == 0 &&
			strcmp(drop->extension, info->extension) == 0 &&
			strcmp(drop->port, info->port) == 0 &&
			strcmp(drop->stage, info->stage) == 0)
			return drop;
	}
	drop = realloc(t->drops, (t->n_drops + 1) * sizeof(*drop));
	if (!drop)
		testing_fail(t, "no memory for the reasons of drops");
	t->drops = drop;
	drop = &t->drops[t->n_drops++];
	memset(drop, 0, sizeof(*drop));
	snprintf(drop->reason, sizeof(drop->reason), "%s", info->reason);
	snprintf(drop->extension, sizeof(drop->extension), "%s", info->extension);
	snprintf(drop->port, sizeof(drop->port), "%s", info->port);
	snprintf(drop->stage, sizeof(drop->stage), "%s", info->stage);
	return drop;
}

// Which rows have grown since the last time.
static void see_drop(void *context, const struct weir_drop_info *info)
{
	struct weir_testing *t = context;
	struct testing_drop *drop = find_drop(t, info);

	if (info->frames > drop->frames) {
		snprintf(t->reason, sizeof(t->reason), "%s", drop->reason);
		snprintf(t->reason_of, sizeof(t->reason_of), "%s", drop->extension);
	}
	drop->frames = info->frames;
}

static void look_at_drops(struct weir_testing *t)
{
	t->reason[0] = t->reason_of[0] = '\0';
	if (weir_drop_list(t->weir, "br0", see_drop, t, &t->error) < 0)
		testing_refused(t, "drops");
}

const struct weir_testing_verdict *weir_testing_burst(struct weir_testing *t, const char *port,
	const struct weir_testing_frame *frame, unsigned n)
{
	unsigned number = port_number(t, port);

	run_and_receive(t); // of earlier
	look_at_drops(t);
	t->verdict = (struct weir_testing_verdict){ .reason = t->reason,
		.extension = t->reason_of };
	for (unsigned i = 0; i < n; i++)
		send_frame(t, number, frame);
	run_and_receive(t);
	look_at_drops(t);
	t->clock_ns += 1000000;
	return &t->verdict;
}

const struct weir_testing_verdict *weir_testing_pass(
	struct weir_testing *t, const char *port, const struct weir_testing_frame *frame)
{
	return weir_testing_burst(t, port, frame, 1);
}

void weir_testing_learn(struct weir_testing *t)
{
	char name[16];

	for (unsigned i = 0; i < t->n_ports; i++) {
		struct weir_testing_frame f = weir_testing_udp(i, WEIR_TESTING_ALL, 1, 1);

		snprintf(name, sizeof(name), "p%u", i);
		weir_testing_pass(t, name, &f);
	}
}
