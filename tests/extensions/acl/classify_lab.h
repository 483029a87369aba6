// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What tests of the classifier share.
#ifndef TESTS_CLASSIFY_LAB_H
#define TESTS_CLASSIFY_LAB_H

#include "classify_families.h"
#include "classify_model.h"

// A rule with few values in every field, so that many overlap: of any kind of packet, with ICMP,
// VLANs and prefixes of every length.
void lab_rule(struct classify_rule *rule, uint32_t id, uint64_t *random);
// A packet of the same values, complete or not.
void lab_packet(struct classify_packet *packet, uint64_t *random);

// Fails the test, with the packet and both answers, when they differ.
void lab_compare(
	const struct classify *c, const struct model *model, const struct classify_packet *packet);

// Builds, or fails the test with the sentence.
struct classify *lab_build(const struct classify_rule rules[/* n */], size_t n);

#endif
