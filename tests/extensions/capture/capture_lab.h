// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The extension capture in a laboratory: its calls, made as an embedder makes them, and what it
// answers. Whatever fails in here fails the test.
#ifndef CAPTURE_LAB_H
#define CAPTURE_LAB_H

#include "capture.pb-c.h"
#include "lab.h"
#include "pcapng_file.h"

enum { CAPTURE_ROWS_MAX = 160, CAPTURE_PORTS = 4 };

// What a call is answered with.
struct answer {
	bool ended;
	int refused; // what the refusal says, or 0; lab->error has it
	unsigned n;
	struct {
		size_t size;
		uint8_t bytes[512];
	} replies[CAPTURE_ROWS_MAX];
	struct lab *lab;
	struct weir_running_call *running;
};

struct capture_row {
	char name[32], reason[256];
	unsigned n_ports, n_at;
	Capture__State state;
	uint64_t seen, captured, lost, bytes;
};

// A laboratory with CAPTURE_PORTS ports whose stations are known, and the extension attached.
void capture_begin(struct lab *lab, const struct lab_options *options);
void capture_end(struct lab *lab);
// "NAME" in a directory of the test's own, which capture_end() removes.
const char *capture_path(const char *name);

// Begins a call; fd is taken over, -1: none.
void call_begin(struct lab *lab, struct answer *answer, const char *type,
	const ProtobufCMessage *message, int fd, unsigned flags);
// Waits for its end.
void call_wait(struct lab *lab, struct answer *answer);

// What is to be started: CAPTURE(.port = "p0", .at = { INGRESS }, ...).
struct capture_wish {
	const char *port, *port2, *name, *write; // write: NULL: "capture.pcapng"
	unsigned at;                             // set of 1 << Capture__Stage
	uint32_t snap;
	uint64_t count, size;
	int fd; // 0: the file, made anew
	unsigned flags;
};

enum {
	AT_INGRESS = 1 << CAPTURE__STAGE__INGRESS,
	AT_EGRESS = 1 << CAPTURE__STAGE__EGRESS,
	AT_DROP = 1 << CAPTURE__STAGE__DROP,
	AT_ALL = AT_INGRESS | AT_EGRESS | AT_DROP,
};

// Returns 0 or the refusal in lab->error; the name goes to name (which may be NULL).
int capture_try(struct lab *lab, struct capture_wish wish, char name[/* 32 */]);
void capture_start(struct lab *lab, struct capture_wish wish);
// Without waiting for the answer.
void capture_start_begin(struct lab *lab, struct capture_wish wish, struct answer *answer);
int capture_try_stop(struct lab *lab, const char *name, struct capture_row *row);
struct capture_row capture_stop(struct lab *lab, const char *name);
// Returns how many there are.
unsigned capture_list(struct lab *lab, struct capture_row rows[/* CAPTURE_ROWS_MAX */]);
// The row of one that is listed.
struct capture_row capture_row(struct lab *lab, const char *name);
// Waits until the capture has this state.
struct capture_row capture_wait(struct lab *lab, const char *name, Capture__State state);
// The file consists of whole blocks, and of what the row says.
void capture_assert_file(const char *name, const struct capture_row *row);
// Sends n frames of 100 bytes from station 0 to station 1, and receives them (unless they are
// dropped).
void capture_traffic(struct lab *lab, unsigned n);

#endif
