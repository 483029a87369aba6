// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Says why a stop takes long. The steps of a stop block the main thread, so that a thread of its
// own watches them and logs a warning, again and again, with the step that is under way.
#ifndef SWITCHD_OVERDUE_H
#define SWITCHD_OVERDUE_H

#include <pthread.h>
#include <stdbool.h>

#include "switchd/log.h"

struct overdue {
	struct log *log;
	unsigned limit_ms; // until the first warning, and between all
	bool started;
	pthread_t thread;
	pthread_mutex_t lock; // of all below
	pthread_cond_t wake;
	const char *step;
	bool over;
};

// Begins to watch. step: what is being done, "answering requests"; stays the caller's, as the log
// does, until overdue_end(). Without a thread to be had nothing is watched, which is logged.
void overdue_begin(struct overdue *overdue, struct log *log, unsigned limit_ms, const char *step);
// The next step. The thread that began.
void overdue_step(struct overdue *overdue, const char *step);
// Everything is done. Also when it never began, if the struct is zero.
void overdue_end(struct overdue *overdue);

#endif
