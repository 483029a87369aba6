// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Programs as people read them.
#include <arpa/inet.h>

#include "datapath/program.h"
#include "datapath/text.h"

struct writer {
	struct text text;
	const struct program_names *names;
};

static void put_named(struct writer *w, const char *verb, const char *name, uint32_t number)
{
	if (name)
		text_put(&w->text, "%s %s", verb, name);
	else
		text_put(&w->text, "%s #%u", verb, number);
}

static void put_port(struct writer *w, const char *verb, uint16_t port)
{
	const struct program_names *names = w->names;

	put_named(w, verb, names->port ? names->port(names->context, port) : NULL, port);
}

static void put_meter(struct writer *w, uint32_t meter)
{
	const struct program_names *names = w->names;

	put_named(w, "meter", names->meter ? names->meter(names->context, meter) : NULL, meter);
}

static void put_police(struct writer *w, uint32_t policer)
{
	const struct program_names *names = w->names;

	put_named(w, "police", names->policer ? names->policer(names->context, policer) : NULL,
		policer);
}

static void put_address(struct writer *w, const char *what, int family, const void *address)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family, address, text, sizeof(text));
	text_put(&w->text, "%s %s", what, text);
}

static void put_mac(struct writer *w, const char *what, const uint8_t *m)
{
	text_put(&w->text, "%s %02x:%02x:%02x:%02x:%02x:%02x", what, m[0], m[1], m[2], m[3], m[4],
		m[5]);
}

static void put_drop(struct writer *w, uint16_t reason)
{
	const struct program_names *names = w->names;

	put_named(w, "drop", names->reason ? names->reason(names->context, reason) : NULL, reason);
}

static void put_related(struct writer *w, const struct op *op)
{
	text_put(&w->text, "related or ");
	put_drop(w, op_related_reason(op));
}

static void put_verdict(struct writer *w, const struct op *op)
{
	if (op->flags & FRAGMENT_DROPS)
		put_drop(w, (uint16_t)op->reason);
	else if (op->policer)
		put_police(w, op->policer - 1);
	else
		text_put(&w->text, "pass");
}

static void put_fragment(struct writer *w, const struct op *op)
{
	text_put(&w->text, op->code == OP_REMEMBER ? "remember " : "follow-first or ");
	put_verdict(w, op);
}

static void put_tos(struct writer *w, uint32_t arg)
{
	uint32_t value = arg & 0xff, keep = arg >> 8 & 0xff;

	if (keep == 0)
		text_put(&w->text, "set-dscp %u ecn %u", value >> 2, value & 3);
	else if (keep == 3)
		text_put(&w->text, "set-dscp %u", value >> 2);
	else
		text_put(&w->text, "set-tos 0x%02x keep 0x%02x", value, keep);
}

static void put_tci(struct writer *w, uint32_t arg)
{
	if (arg >> 16 & 0x0fff)
		text_put(&w->text, "set-vlan %u%s", arg & 0xfff, arg >> 16 & 0xe000 ? " " : "");
	if (arg >> 16 & 0xe000)
		text_put(&w->text, "set-pcp %u", arg >> 13 & 7);
}

// What changes the frame.
static void put_rewrite(struct writer *w, const struct op *op)
{
	switch (op->code) {
	case OP_PUSH_VLAN:
		text_put(&w->text, "push-vlan %u", op->arg & 0xfff);
		break;
	case OP_POP_VLAN:
		text_put(&w->text, "pop-vlan");
		break;
	case OP_SET_TCI:
		put_tci(w, op->arg);
		break;
	case OP_SET_ETH_DST:
		put_mac(w, "set-eth-dst", op->bytes);
		break;
	case OP_SET_ETH_SRC:
		put_mac(w, "set-eth-src", op->bytes);
		break;
	case OP_SET_TOS:
		put_tos(w, op->arg);
		break;
	case OP_SET_IPV4_SRC:
		put_address(w, "set-ip-src", AF_INET, &op->arg);
		break;
	case OP_SET_IPV4_DST:
		put_address(w, "set-ip-dst", AF_INET, &op->arg);
		break;
	case OP_SET_IPV6_SRC:
		put_address(w, "set-ip-src", AF_INET6, op->address);
		break;
	case OP_SET_IPV6_DST:
		put_address(w, "set-ip-dst", AF_INET6, op->address);
		break;
	case OP_SET_L4_SRC:
		text_put(&w->text, "set-l4-src %u", ntohs((uint16_t)op->arg));
		break;
	case OP_SET_L4_DST:
		text_put(&w->text, "set-l4-dst %u", ntohs((uint16_t)op->arg));
		break;
	}
}

static void put_op(struct writer *w, const struct op *op)
{
	switch ((enum op_code)op->code) {
	case OP_OUTPUT:
		put_port(w, "output", op->port);
		break;
	case OP_DELIVER:
		put_port(w, "deliver", op->port);
		break;
	case OP_FLOOD:
		text_put(&w->text, op->arg ? "flood vlan %u" : "flood", op->arg);
		break;
	case OP_DROP:
		put_drop(w, (uint16_t)op->arg);
		break;
	case OP_END:
		text_put(&w->text, "end");
		break;
	case OP_METER:
		put_meter(w, op->arg);
		break;
	case OP_LOST:
		put_meter(w, op->arg);
		text_put(&w->text, " if lost");
		break;
	case OP_POLICE:
		put_police(w, op->arg);
		break;
	case OP_VISIT:
		text_put(&w->text, op->flags ? "visit #%u if tcp-flags 0x%02x" : "visit #%u",
			op->arg, op->flags);
		break;
	case OP_COPY:
		put_port(w, "copy", op->port);
		break;
	case OP_TRACK:
		text_put(&w->text, "track");
		break;
	case OP_RELATED:
		put_related(w, op);
		break;
	case OP_REMEMBER:
	case OP_FOLLOW:
		put_fragment(w, op);
		break;
	case OP_PUSH_VLAN:
	case OP_POP_VLAN:
	case OP_SET_TCI:
	case OP_SET_ETH_DST:
	case OP_SET_ETH_SRC:
	case OP_SET_TOS:
	case OP_SET_IPV4_SRC:
	case OP_SET_IPV4_DST:
	case OP_SET_IPV6_SRC:
	case OP_SET_IPV6_DST:
	case OP_SET_L4_SRC:
	case OP_SET_L4_DST:
		put_rewrite(w, op);
		break;
	case N_OP_CODES:
		break;
	}
}

void program_format(const struct op ops[], unsigned n, const struct program_names *names,
	char *text, size_t size)
{
	static const struct program_names none;
	struct writer w = { { text, size, 0 }, names ? names : &none };

	text[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		if (i)
			text_put(&w.text, ", ");
		put_op(&w, &ops[i]);
	}
}
