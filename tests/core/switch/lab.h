// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A laboratory for tests of a whole switch: "br0" with memory ports p0, p1, ..., whose other ends
// the test holds, driven by the test itself (n_workers 0) with a virtual clock, or by real workers.
//
// Whatever fails in here fails the test. lab_end() checks that no frame was lost or made without
// being counted:
//     received + originated + copies == transmitted + dropped + consumed
#ifndef LAB_H
#define LAB_H

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include <protobuf-c/protobuf-c.h>

#include <weir/embed.h>
#include <weir/extension.h>
#include <weir/memory.h>

enum { LAB_PORTS_MAX = 16, LAB_FRAME_MAX = 2048, LAB_BROADCAST = 255 };

struct lab_options {
	unsigned n_ports;
	unsigned n_workers; // 0: lab_run() does the work
	bool virtual_clock; // also of workers
	bool strict;
	const char *nic; // of the ports; NULL: "memory"
	unsigned n_flows, fdb_ageing_s;
	unsigned n_sessions, n_port_sessions; // of br0
};

struct lab {
	struct weir *weir;
	struct weir_error error; // of the last call that was to be refused
	unsigned n_ports;
	bool threaded;
	const char *nic;   // as in the options
	uint64_t clock_ns; // virtual; lab_run() moves it by a millisecond
	struct weir_memory *ends[LAB_PORTS_MAX];
	int log_level; // LOG_DEBUG at the start
	char *log;     // every line logged at that level, with "\n": LOG_DEBUG is extensions' alone
};

struct lab_frame {
	uint8_t bytes[LAB_FRAME_MAX];
	uint32_t size;
};

void lab_start(struct lab *lab, const struct lab_options *options);
// Waits until everything is settled, checks the counts of all switches, and frees everything.
void lab_end(struct lab *lab);
// Frees everything as it is.
void lab_abandon(struct lab *lab);

// Another port of br0 (or of another switch) with a memory NIC, as number n of the lab.
void lab_add_port(struct lab *lab, const char *vswitch, unsigned n, const char *vlan);
void lab_remove_port(struct lab *lab, unsigned n);

// Does all that is to be done now.
void lab_run(struct lab *lab);
// Until every change made so far is in force, and what it replaced has been released.
void lab_settle(struct lab *lab);
void lab_advance_s(struct lab *lab, unsigned seconds);
void lab_check_conservation(struct lab *lab);

// ---- Frames. Station n has the address 02:00:00:00:00:n and 10.0.0.n.

struct lab_frame lab_udp(unsigned from, unsigned to, uint16_t src_port, uint16_t dst_port);
struct lab_frame lab_tcp(unsigned from, unsigned to, uint16_t dst_port, uint8_t flags);
// The same in a VLAN.
struct lab_frame lab_tagged(struct lab_frame frame, uint16_t tci);

void lab_send(struct lab *lab, unsigned port, const struct lab_frame *frame);
// False: nothing has come.
bool lab_receive(struct lab *lab, unsigned port, struct lab_frame *frame);
// Sends, runs, and says how many frames come out of each port (got may be NULL); the last one that
// comes out of port `of` goes to *last (which may be NULL).
void lab_pass(struct lab *lab, unsigned port, const struct lab_frame *frame,
	unsigned got[LAB_PORTS_MAX], unsigned of, struct lab_frame *last);
// Asserts that the frame from `from` comes out of exactly the ports in the set `to`, once each.
#define lab_assert_pass(lab, from, frame, to)                                                      \
	lab_assert_pass_at(lab, from, frame, to, __FILE__, __LINE__)
void lab_assert_pass_at(struct lab *lab, unsigned from, const struct lab_frame *frame, unsigned to,
	const char *file, int line);
// The station n speaks at port n, for each port, so that the switch knows them.
void lab_learn(struct lab *lab);

// ---- What is counted

struct weir_switch_info lab_switch(struct lab *lab, const char *name);

// On br0.
struct lab_extension {
	bool attached, missing, expelled, fail_open;
	int order;
	unsigned position; // in the stack
	uint64_t decisions, visits, violations, invalid, impure, modified;
	uint64_t offences; // all of the last four
	char last_offence[256], reason[256], path[256], version[32];
};
struct lab_extension lab_extension(struct lab *lab, const char *name);
// Frames dropped for this reason; extension "core" or its name.
uint64_t lab_drops(struct lab *lab, const char *extension, const char *reason);
// UINT64_MAX: there is no such meter.
uint64_t lab_meter(struct lab *lab, const char *target, const char *extension, const char *id);
// The text of the program of the flow whose key holds `key`, "" when there is none. Of several the
// last.
void lab_program(struct lab *lab, const char *key, char *text, size_t size);
unsigned lab_count_flows(struct lab *lab, const char *key);

// ---- Changes

void lab_attach(struct lab *lab, const char *extension, int order);
void lab_detach(struct lab *lab, const char *extension);
// Packs and adds a policy; returns what weir_policy_add() does, with lab->error.
int lab_try_policy(struct lab *lab, const char *target, const char *extension, const char *type,
	const char *id, const ProtobufCMessage *message, unsigned flags);
void lab_policy(struct lab *lab, const char *target, const char *extension, const char *type,
	const char *id, const ProtobufCMessage *message);
void lab_remove_policy(struct lab *lab, const char *target, const char *extension, const char *id);
// Asserts that the call was refused, with this code and a sentence that has this text.
#define lab_assert_refused(lab, returned, errno_value, text)                                       \
	lab_assert_refused_at(lab, returned, errno_value, text, __FILE__, __LINE__)
void lab_assert_refused_at(struct lab *lab, int returned, int errno_value, const char *text,
	const char *file, int line);
// How often a line with this text was logged; lab_forget_log() starts anew.
unsigned lab_logged(const struct lab *lab, const char *text);
void lab_forget_log(struct lab *lab);

#endif
