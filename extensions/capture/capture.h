// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Captures of one switch: copies of the frames of some ports, written to files.
//
// A call starts a capture and names its ports; there is no policy. A capture is put in place by
// having its ports prepared again: the state of a port (struct port_state) lists, stage by stage,
// who is fed there. A stage without anybody is inactive, so that a port that nobody captures has no
// hook and its flows no visit.
//
//     OPENING   the writer empties the file and writes its header
//     PLACING   the ports are being prepared
//     RUNNING   every port feeds it; the call that started it is answered
//     ENDING    its hooks are being taken away; then the writer finishes
//     ENDED     the file is complete; it is still listed, unless somebody waits for its end
//
// A capture is fed as long as committed states name it; when the last of them has been released, no
// worker knows it any more, and the writer may finish. That is the only way to the end: to stop a
// capture is to prepare its ports without it, and a port that is removed takes its state along.
//
// Everything here is the control thread's but capture_decide() and capture_visit() (visit.c), which
// workers call, and the writers' threads (writer.h).
#ifndef CAPTURE_H
#define CAPTURE_H

#include <weir/extension.h>

#include "capture.pb-c.h"
#include "writer.h"

enum {
	CAPTURES_MAX = 64, // of one switch at a time, without those that have ended
	ENDED_MAX = 64,    // that are remembered after they ended by themselves
	REASON_MAX = 256,
};

enum capture_phase {
	CAPTURE_OPENING,
	CAPTURE_PLACING,
	CAPTURE_RUNNING,
	CAPTURE_ENDING,
	CAPTURE_ENDED,
};

// A port of the switch, as long as there are states of it.
struct known_port {
	struct known_port *next;
	weir_port_id id;
	bool live; // there is such a port; else it has been removed
	unsigned n_states;
	char name[WEIR_NAME_MAX];
};

// One port of a capture.
struct capture_port {
	weir_port_id id;
	bool gone, placed;
	char name[WEIR_NAME_MAX];
};

struct captures;

struct capture {
	struct capture *next; // in the order of their starts
	struct captures *owner;
	uint64_t id; // never given out twice
	enum capture_phase phase;
	unsigned fed; // committed states that name it
	bool failed;
	char name[WEIR_NAME_MAX];
	char reason[REASON_MAX]; // why it ends or ended; "" when it was told to
	char *file;              // as the client named it
	uint64_t device, inode;  // of the file
	unsigned stages;         // set of enum weir_stage
	uint32_t snap;
	uint64_t since;                 // Unix seconds
	struct weir_call *start, *stop; // that wait for an answer; NULL: none
	bool forget;                    // when it has ended
	struct writer *writer;          // NULL: ENDED
	struct writer_counts counts;    // of ENDED
	unsigned n_ports;
	struct capture_port ports[];
};

// The instance: what attach() makes.
struct captures {
	struct weir_attachment *attachment;
	struct capture *first;
	struct known_port *ports;
	uint64_t ids;
	unsigned names_made;
};

// Who is fed with the frames of a port at a stage.
struct feed {
	struct writer *writer;
	struct capture *capture;
	uint16_t interface;
};

// The state of a port. Workers: r.
struct port_state {
	uint8_t first[WEIR_N_STAGES + 1]; // feeds of stage s: first[s] .. first[s + 1] - 1
	struct known_port *port;
	struct feed feeds[];
};

_Static_assert(CAPTURES_MAX * 3 <= UINT8_MAX, "a port's feeds are counted in a byte");

// ---- life.c: what becomes of a capture

// The port of this name, NULL when the switch has none.
struct known_port *port_named(struct captures *captures, const char *name);
struct capture *capture_named(struct captures *captures, const char *name);
bool capture_has_ended(const struct capture *capture);
// Frees a capture that is on no list, whose writer was not started or is WRITER_GONE. Accepts NULL.
void capture_free(struct capture *capture);
// Puts a capture whose writer has been started on the list.
void capture_add(struct captures *captures, struct capture *capture);
// Ends it, unless it ends already. reason: NULL or "": it was told to.
void capture_end(struct capture *capture, bool failed, const char *reason);
// A state that names it has been put in force, or released.
void capture_fed(struct capture *capture, weir_port_id port);
void capture_unfed(struct capture *capture);
void capture_port_gone(struct captures *captures, weir_port_id port);
// Its writer has something to say, or the time of its timer has come.
void capture_due(struct captures *captures, uint64_t cookie);
void capture_end_all(struct captures *captures);
// Answers who waits for the end of one that has ended, and takes it off the list.
void capture_forget(struct capture *capture);
// The cookie of the writer's posts.
uint64_t capture_cookie(const struct capture *capture);

// ---- calls.c

int captures_call(void *instance, struct weir_call *call, struct weir_error *error);
void captures_call_gone(void *instance, struct weir_call *call);

// ---- answers.c

// Replies with the capture's row to the call list.
int answer_row(struct weir_call *call, struct capture *capture, struct weir_error *error);
// Answers the call that started it, or waits for its end, and forgets the call.
void answer_started(struct capture *capture);
void answer_stopped(struct capture *capture);
void answer_refused(struct capture *capture);

// ---- visit.c: workers

void capture_decide(const void *state, const struct weir_flow *flow, struct weir_decision *d);
void capture_visit(const void *state, struct weir_visit *visit);

#endif
