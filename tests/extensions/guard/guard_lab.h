// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A guarded port, p0, and one where its frames come out, p1. Frames are text: hexadecimal digits,
// spaces do not count.
#ifndef GUARD_LAB_H
#define GUARD_LAB_H

#include "lab.h"

#include "guard.pb-c.h"

// Addresses of the guarded port, and of others.
#define MINE    "020000000001 "
#define SECOND  "020000000011 "
#define OTHER   "020000000002 "
#define ALL     "ffffffffffff "
#define GROUP   "333300000001 "
#define MY_4    "0a000001 "
#define OTHER_4 "0a000002 "
#define NO_4    "00000000 "
#define MY_6    "20010db8000000000000000000000001 "
#define OTHER_6 "20010db8000000000000000000000002 "
#define MY_LL   "fe800000000000000000000000000001 " // listed
#define EUI_LL  "fe80000000000000000000fffe000001 " // of MINE
#define EUI_LL2 "fe80000000000000000000fffe000002 " // of OTHER
#define NO_6    "00000000000000000000000000000000 "
#define ALL_6   "ff020000000000000000000000000001 "

#define ETH(to, from, type)               to from type " "
#define ARP(op, mac, ip, for_mac, for_ip) "0001 0800 06 04 " op " " mac ip for_mac for_ip
// fragment: flags and offset; the length is filled in where it is "____".
#define IP4(fragment, proto, from, to) "4500 ____ 0000 " fragment " 40 " proto " 0000 " from to
#define IP6(next, from, to)            "60000000 ____ " next " ff " from to
#define UDP(from, to)                  from to "0010 0000 0102030405060708 "
#define TCP(from, to)                  from to "00000001 00000000 5002 ffff 0000 0000 "
#define ND(type, target, options)      type "00 0000 00000000 " target options
#define OPTION(type, mac)              type "01 " mac

struct guard_row {
	const char *name;
	const char *frame;
	const char *reason; // NULL: it passes
};

// br0 with the guard on it; the assigned address of p0 is MINE.
void guard_start(struct lab *lab, bool strict);
struct lab_frame guard_frame(const char *text);
// Sends every row's frame from p0 and says which of them had another fate.
void guard_check(struct lab *lab, const struct guard_row rows[/* n */], size_t n);

void guard_mac(struct lab *lab, const char *id, const char *address);
// n addresses.
void guard_ip(struct lab *lab, const char *id, const char *const addresses[/* n */], size_t n,
	Guard__LinkLocal link_local);
void guard_plain(struct lab *lab, const char *type); // dhcp or router

#endif
