// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The bench, for the files of core/testing alone. They use libweir as any program does.
#ifndef TESTING_INTERNAL_H
#define TESTING_INTERNAL_H

#include <weir/extension.h>
#include <weir/memory.h>
#include <weir/testing.h>

// A row of weir_drop_list(), as it was when it was looked at last.
struct testing_drop {
	char reason[64], extension[WEIR_NAME_MAX], port[WEIR_NAME_MAX], stage[16];
	uint64_t frames;
};

struct weir_testing {
	struct weir *weir;
	struct weir_memory *ends[WEIR_TESTING_PORTS_MAX]; // of p0, p1, ...
	unsigned n_ports;
	uint64_t clock_ns;
	bool lax;
	unsigned n_asked, n_settled;        // changes waited for; those in force
	void (*fail)(const char *sentence); // never NULL
	char *log;
	char text[1024]; // the sentence or name that was returned last
	char *trace;     // what weir_testing_trace() returned last
	size_t trace_size;
	struct weir_testing_verdict verdict;
	struct testing_drop *drops;
	unsigned n_drops;
	char reason[64], reason_of[WEIR_NAME_MAX]; // what the verdict points to
	struct weir_error error;
};

// Ends the test with a sentence. Does not return as long as t->fail keeps its promise.
__attribute__((format(printf, 2, 3), noreturn)) void testing_fail(
	struct weir_testing *t, const char *format, ...);
// The same for a call of libweir that filled t->error.
__attribute__((noreturn)) void testing_refused(struct weir_testing *t, const char *what);

// Does all that is due at this moment of the clock.
void testing_run(struct weir_testing *t);

#endif
