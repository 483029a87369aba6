// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A bench for tests of an extension: a switch of its own, with the extension on its stack, driven
// frame by frame under a clock that stands still.
//
//     struct weir_testing *t = weir_testing_start(&(struct weir_testing_options){
//             .size = sizeof(struct weir_testing_options), .n_ports = 2,
//             .extension = "no-telnet", .path = "build/no-telnet.so" });
//     struct weir_testing_frame telnet = weir_testing_tcp(0, 1, 23);
//
//     assert_string_equal(weir_testing_pass(t, "p0", &telnet)->reason, "telnet");
//     weir_testing_end(t);
//
// The switch is "br0" with ports p0, p1, ..., each with a `memory` NIC whose other end the bench
// holds. There are no workers: the bench receives, decides and sends in the caller's thread, so a
// test is exact and repeatable. It is strict: every decision is made again with other values in the
// fields that the extension did not declare, and with those that the frame has there; for each
// later frame of a known flow, too.
// weir_testing_end() fails when the extension broke a promise of weir/extension.h, or when a frame
// was lost without being counted.
//
// Whatever cannot be as it should, in the bench or in the switch, is told in a sentence to `fail`,
// which does not return: tests need not check what they do not expect. It depends on no framework.
//
// One thread per bench; there may be several. What is returned is the bench's, and valid until the
// next call with the same bench. For all that is not here, weir_testing_switch() gives the struct
// weir of weir/embed.h.
//
// This is libweir-testing, a static library over the public interface of libweir: what only tests
// need is neither in the daemon nor in the library that programs load, and is not part of their
// ABI. A test is built anew with it; structs grow at their ends all the same.
#ifndef WEIR_TESTING_H
#define WEIR_TESTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/embed.h>

struct ProtobufCMessage; // protobuf-c/protobuf-c.h: the base of every generated message

enum {
	WEIR_TESTING_PORTS_MAX = 32,
	WEIR_TESTING_FRAME_MAX = 2048, // bytes
	WEIR_TESTING_ALL = 255,        // the station that everybody is: broadcast
};

struct weir_testing;

struct weir_testing_options {
	// sizeof(struct weir_testing_options). A longer one must be zero behind what is known; one
	// that ends before `fail` is told to stderr.
	uint32_t size;
	unsigned n_ports;       // 1 to WEIR_TESTING_PORTS_MAX
	const char *extension;  // loaded and attached; NULL: the test does so
	const char *path;       // of the shared object; NULL: found in `extensions`
	const char *extensions; // directories, as in struct weir_options
	bool lax; // not strict, and weir_testing_end() lets broken promises pass: for tests of
		  // those
	// Gets a sentence and does not return. NULL: writes it to stderr and calls abort(). With
	// cmocka: `static void fail(const char *sentence) { fail_msg("%s", sentence); }`
	void (*fail)(const char *sentence);
};

// options: borrowed during the call.
struct weir_testing *weir_testing_start(const struct weir_testing_options *options);
// Checks what the extension did and that every frame is accounted for, and frees everything.
void weir_testing_end(struct weir_testing *t);
// Frees everything unchecked: for a teardown after a failure. Accepts NULL.
void weir_testing_abandon(struct weir_testing *t);
struct weir *weir_testing_switch(struct weir_testing *t);

// Lets time pass for the switch, in steps of a second at most, with all that becomes due.
void weir_testing_advance_ms(struct weir_testing *t, uint64_t ms);
// Until every change made so far is in force. Policies and attaching do so themselves.
void weir_testing_settle(struct weir_testing *t);

// ---- Policies
//
// target: "p0", or "switch:br0". policy: "EXTENSION.TYPE", or "EXTENSION" when it has one type.
// id: NULL: made.

void weir_testing_policy(struct weir_testing *t, const char *target, const char *policy,
	const char *id, const struct ProtobufCMessage *message);
void weir_testing_policy_remove(
	struct weir_testing *t, const char *target, const char *policy, const char *id);
// The sentence by which the policy is refused, which it has to be; nothing has changed.
const char *weir_testing_refused(struct weir_testing *t, const char *target, const char *policy,
	const struct ProtobufCMessage *message);

// ---- Frames

struct weir_testing_frame {
	uint32_t size; // of what is in bytes, from the destination address on, without FCS
	uint8_t bytes[WEIR_TESTING_FRAME_MAX];
};

// Station n has the addresses 02:00:00:00:00:n and 10.0.0.n, and stands at port p<n> once it has
// spoken there. Frames of 60 bytes: IPv4 with its checksum, UDP without one (RFC 768), a TCP SYN.
struct weir_testing_frame weir_testing_udp(
	unsigned from, unsigned to, uint16_t from_port, uint16_t to_port);
struct weir_testing_frame weir_testing_tcp(unsigned from, unsigned to, uint16_t to_port);
// A frame out of hexadecimal digits; blanks do not count. What is less than 60 bytes is padded.
struct weir_testing_frame weir_testing_hex(struct weir_testing *t, const char *digits);
// Has station n speak at port p<n>, for each port: the switch knows where they are.
void weir_testing_learn(struct weir_testing *t);

// What became of a frame.
struct weir_testing_verdict {
	unsigned n_out;        // how many frames came out, of all ports
	uint32_t out;          // where, as a set: bit n is port p<n>
	const char *reason;    // why it, or one of its copies, was dropped: the token, or ""
	const char *extension; // whose reason that is: the extension's name, "core" or ""
	struct weir_testing_frame last; // the one that came out last, of the highest port
};

// Sends a frame into the switch by this port, does all that comes of it, and takes what comes out.
const struct weir_testing_verdict *weir_testing_pass(
	struct weir_testing *t, const char *port, const struct weir_testing_frame *frame);
// The same n times, one after the other, in one millisecond of the clock; the verdict is about all.
const struct weir_testing_verdict *weir_testing_burst(struct weir_testing *t, const char *port,
	const struct weir_testing_frame *frame, unsigned n);

// ---- What the switch says

// Frames dropped for this reason of an extension (or "core"), on all ports.
uint64_t weir_testing_drops(struct weir_testing *t, const char *extension, const char *reason);
// Frames that a meter has counted; bytes may be NULL. There has to be that meter.
uint64_t weir_testing_meter(struct weir_testing *t, const char *target, const char *extension,
	const char *id, uint64_t *bytes);
// What weir_trace() says about a frame, without sending it: a line "PORT STAGE EXTENSION ACTION
// TEXT" per step, with "-" for what does not apply.
const char *weir_testing_trace(
	struct weir_testing *t, const char *port, const struct weir_testing_frame *frame);
// Everything that extensions and the switch have logged, line by line.
const char *weir_testing_log(const struct weir_testing *t);

#endif
