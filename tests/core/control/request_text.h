// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Requests as one line of text, for tables: "port_add switch=br0 name=vm1 mtu=1500". Fields of
// Request itself stand behind a '/': "switch_add name=br0 /dry_run=1". A message is written as
// "items={port={switch=br0,name=vm1}}". Nothing is checked but names, so that requests that break
// the protocol's limits can be written too.
#ifndef REQUEST_TEXT_H
#define REQUEST_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { REQUEST_TEXT_MAX = 4096 }; // bytes of an encoded request

// Encodes the line with an id; returns the number of bytes.
size_t request_text_encode(const char *line, uint64_t id, uint8_t bytes[REQUEST_TEXT_MAX]);

#endif
