// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The classifier's reference: rules as a text, parsed here, each looked at in turn, bit by bit. It
// shares nothing with what it judges but the packet.
#ifndef TESTS_CLASSIFY_MODEL_H
#define TESTS_CLASSIFY_MODEL_H

#include <stdbool.h>

#include "classify.h"

// A rule as a line without its end: "ID WEIGHT KIND CONDITION...", where KIND is any, other, ipv4,
// ipv6 or arp, and a CONDITION local=PREFIX/LENGTH, remote=PREFIX/LENGTH, proto=N, lport=MIN-MAX,
// rport=MIN-MAX, icmp=TYPE, icmp=TYPE/CODE or vlan=N.
enum { MODEL_TEXT = 256 };
void model_print(char text[/* MODEL_TEXT */], const struct classify_rule *rule);

struct model;

struct model *model_create(void);
void model_destroy(struct model *model);

// Aborts on a text that is none.
void model_add(struct model *model, const char *text);
void model_add_rule(struct model *model, const struct classify_rule *rule);
// Returns false when there is no rule of this id.
bool model_remove(struct model *model, uint32_t id);

uint32_t model_match(const struct model *model, const struct classify_packet *packet);

#endif
