// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Sums over bytes: the Internet checksum (RFC 1071) and the CRC32c of SCTP (RFC 9260 appendix A).
// Any thread.
#ifndef OFFLOAD_CHECKSUM_H
#define OFFLOAD_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include <weir/frame.h>

// Adds 16-bit words in network order to a sum that starts at 0 and takes any number of calls over
// less than 4 GB in all. An odd size counts a zero byte behind it, so only the last call may have
// one.
uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t size);
// Adds the frame's bytes from `start` on. start <= frame->size.
uint64_t checksum_add_frame(uint64_t sum, const struct weir_frame *frame, uint32_t start);
// The sum as one word, not complemented.
uint16_t checksum_fold(uint64_t sum);

// The CRC32c of the frame's bytes from `start` on, with the four at `hole` taken as zero, as SCTP
// stores it: least significant byte first.
uint32_t crc32c_frame(const struct weir_frame *frame, uint32_t start, uint32_t hole);

#endif
