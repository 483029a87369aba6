// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Which flows somebody wants to see: what key_format() shows of them, or a part of it, as in
//     ip_dst=10.0.0.0/8,proto=17
//     ipv4/tcp,eth_src=02:00:00:00:00:01,l4_dst=22
//     egress:icmp
// The half (egress:, drop:) and the kinds of headers (ipv4, ipv6, arp, tcp, udp, sctp, icmp,
// icmpv6, or two with a / between) stand alone, everything else is NAME=VALUE.
#ifndef KEY_MATCH_H
#define KEY_MATCH_H

#include <weir/error.h>

#include "datapath/key.h"

struct key_match {
	struct flow_key bits, value;
	uint64_t fields; // that a flow has to be distinguished by: others read as zero
};

// Reads the whole text; "" matches everything. Returns 0 or -EINVAL with a sentence, whose field is
// "match". *match is untouched on failure. Any thread.
int key_match_parse(const char *text, struct key_match *match, struct weir_error *error);

// Whether the masked key of a flow has these values. Whether the values are there to be had, the
// mask of its port says: match->fields. Any thread.
static inline bool key_matches(const struct key_match *match, const struct flow_key *key)
{
	uint64_t differ = 0;

	for (unsigned i = 0; i < KEY_WORDS; i++)
		differ |= (key->w[i] & match->bits.w[i]) ^ match->value.w[i];
	return differ == 0;
}

#endif
