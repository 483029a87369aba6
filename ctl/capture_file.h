// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Frames out of capture files, pcap and pcapng.
#ifndef CTL_CAPTURE_FILE_H
#define CTL_CAPTURE_FILE_H

#include "packet.h"

// So much of a frame that was cut when it was captured suffices; the rest is filled with zeros.
enum { CAPTURE_FILE_LEAST = 128 };

// Reads frame `number` of the file, counted from 1, with the caller's access rights. Returns 0, or
// CTL_REFUSED with a sentence.
int capture_file_read(
	const char *path, uint64_t number, struct packet *packet, struct ctl_error *error);

#endif
