// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Rules, changes and packets out of bytes, against the model that looks at every rule. An input is
// a sequence of records: a byte that says what it is, and what it consists of.
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "classify_model.h"
#include "fuzz.h"

enum { MOST = 256 };

struct input {
	const uint8_t *at, *end;
};

// The set, what is in it, and rules that wait for being added at once.
struct bench {
	struct classify *c;
	struct model *model;
	struct classify_rule rules[MOST], waiting[MOST];
	uint32_t n, n_waiting, next_id;
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static uint8_t byte(struct input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

// Small numbers are told in a byte, so that rules and packets meet.
static uint16_t number(struct input *input)
{
	uint8_t first = byte(input);

	return first < 0xf0 ? first : first == 0xff ? 0xffff : (uint16_t)(first << 8 | byte(input));
}

static void address(struct input *input, uint8_t bytes[16])
{
	uint8_t n = byte(input) % 17;

	memset(bytes, 0, 16);
	for (uint8_t i = 0; i < 16 && i < n; i++)
		bytes[i] = byte(input);
}

static void read_rule(struct input *input, struct classify_rule *rule)
{
	uint8_t given = byte(input);

	rule->l3 = byte(input) % 8;
	if (rule->l3 > 5)
		rule->l3 = CLASSIFY_L3_ANY;
	rule->weight = number(input);
	if (given & 1) {
		address(input, rule->local);
		rule->local_length = byte(input);
	}
	if (given & 2) {
		address(input, rule->remote);
		rule->remote_length = byte(input);
	}
	if (given & 4)
		rule->protocol = number(input);
	if (given & 8) {
		rule->local_port_min = number(input);
		rule->local_port_max = number(input);
	}
	if (given & 16) {
		rule->remote_port_min = number(input);
		rule->remote_port_max = number(input);
	}
	if (given & 32)
		rule->icmp_type = number(input);
	if (given & 64)
		rule->icmp_code = number(input);
	if (given & 128)
		rule->vlan = number(input);
}

static void read_packet(struct input *input, struct classify_packet *packet)
{
	memset(packet, 0, sizeof(*packet));
	packet->l3 = byte(input) % 4;
	packet->known = byte(input) % 6;
	packet->vlan = number(input) & 0xfff;
	packet->protocol = byte(input);
	packet->local_port = number(input);
	packet->remote_port = number(input);
	packet->icmp_type = byte(input);
	packet->icmp_code = byte(input);
	address(input, packet->local);
	address(input, packet->remote);
}

// A refusal is a sentence with the code that is returned, and changes nothing.
static bool replace(struct bench *b, struct classify *made, int ret, const struct weir_error *error)
{
	if (ret) {
		require(!made && error->code == ret && *error->message);
		return false;
	}
	classify_destroy(b->c);
	b->c = made;
	return true;
}

static void add(struct bench *b)
{
	struct weir_error error = { .code = 0 };
	struct classify *made = NULL;
	int ret = classify_change(&made, b->c, NULL, 0, b->waiting, b->n_waiting, &error);

	if (replace(b, made, ret, &error))
		for (uint32_t i = 0; i < b->n_waiting; i++) {
			b->rules[b->n++] = b->waiting[i];
			model_add_rule(b->model, &b->waiting[i]);
		}
	b->n_waiting = 0;
}

static void take_away(struct bench *b, uint32_t i)
{
	struct weir_error error = { .code = 0 };
	struct classify *made = NULL;
	int ret = classify_change(&made, b->c, &b->rules[i], 1, NULL, 0, &error);

	require(replace(b, made, ret, &error));
	require(model_remove(b->model, b->rules[i].id));
	b->rules[i] = b->rules[--b->n];
}

static void look_up(struct bench *b, const struct classify_packet *packet)
{
	require(classify_match(b->c, packet) == model_match(b->model, packet));
}

static void read_record(struct bench *b, struct input *input)
{
	struct classify_packet packet;
	uint8_t kind = byte(input) % 4;

	if (kind == 0 && b->n + b->n_waiting < MOST) {
		b->waiting[b->n_waiting] = classify_rule_any(b->next_id++, 0);
		read_rule(input, &b->waiting[b->n_waiting++]);
	} else if (kind == 1) {
		add(b);
	} else if (kind == 2 && b->n) {
		take_away(b, byte(input) % b->n);
	} else {
		read_packet(input, &packet);
		look_up(b, &packet);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, data + size };
	struct bench *b = calloc(1, sizeof(*b));

	require(b && !classify_build(&b->c, NULL, 0, NULL));
	b->model = model_create();
	while (input.at < input.end)
		read_record(b, &input);
	require(classify_count(b->c) == b->n);
	require(classify_worst(b->c) <= CLASSIFY_WORST_MAX);
	classify_destroy(b->c);
	model_destroy(b->model);
	free(b);
	return 0;
}
