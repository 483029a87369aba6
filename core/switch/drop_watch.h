// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Those who watch frames being dropped.
#ifndef SWITCH_DROP_WATCH_H
#define SWITCH_DROP_WATCH_H

struct weir;

// Hands over the samples that have come.
void drop_watches_run(struct weir *w);
// Ends all that are left.
void drop_watches_free(struct weir *w);

#endif
