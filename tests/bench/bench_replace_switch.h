// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The switch of bench_replace: one worker, open_line.h's source at the port "in" and its sink at
// "out", an ACL of 1,000 rules that most frames pass only by opening a session, and two meters.
#ifndef BENCH_REPLACE_SWITCH_H
#define BENCH_REPLACE_SWITCH_H

#include <stdbool.h>

#include <weir/embed.h>

// Ends the program unless failed is 0 or more.
void must(int failed, const char *what, const struct weir_error *error);

// The worker has CPU 1 for itself; everything else is on CPU 0. directory: of the extensions.
struct weir *bench_switch_make(const char *directory);
// One rule more than there are, which no frame meets; and its end.
void bench_switch_add_rule(struct weir *w);
void bench_switch_remove_rule(struct weir *w);
// Has the extension stand at this place in the stack.
void bench_switch_reorder(struct weir *w, const char *extension, int order);

#endif
