// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A frame in one line, for people: as the parser sees it, "10.0.0.1:5000 > 10.0.0.2:53 udp 64
// bytes", "vlan 10 arp 10.0.0.1 > 10.0.0.2 request 60 bytes", "02:00:00:00:00:01 >
// 02:00:00:00:00:02 type 0x88cc 60 bytes".
#ifndef SUMMARY_H
#define SUMMARY_H

#include <weir/frame.h>

enum { SUMMARY_SIZE = 256 }; // bytes that hold every summary, with the terminating zero

// frame: whose linear part may be all that there is of it; frame->size says how long it is. macs:
// Ethernet addresses are shown of every frame, not only of those without others. Any thread.
void frame_summary(const struct weir_frame *frame, bool macs, char text[SUMMARY_SIZE]);

#endif
