// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Documents as text, a line an item, for tests that apply them to a laboratory:
//
//     switch br0
//     extension br0 probe-filter order=20 fail_open path=/x.so
//     port br0 p0 nic=memory vlan=10 mac=02:00:00:00:00:01 mtu=1500 uplink disconnected
//     policy p0 probe-filter ID act DROP_FRAME 0    (what the probe does at ingress, its value)
//     policy p0 probe-filter ID act EXCLUDE 0 EGRESS
//     policy p0 probe-filter ID refuse WHY          (one word)
//     policy switch:br0 probe-filter ID veto KIND
//     fdb br0 02:00:00:00:00:09 7 p0
//     meter p0 probe-filter ID FRAMES BYTES
//
// What is left out is not given. Everything that fails in here fails the test.
#ifndef LAB_DOCUMENT_H
#define LAB_DOCUMENT_H

#include "lab_probe.h"

// Caller frees with weir_document_destroy().
struct weir_document *lab_document(const char *text);
// Adds the text's items; returns what weir_document_add() said of the last.
int lab_document_add(struct weir_document *document, const char *text, struct weir_error *error);
// Applies the text. The differences, a line each ("add port p0: nic memory"), are in *differences,
// which may be NULL; caller frees.
int lab_try_apply(struct lab *lab, const char *text, unsigned flags, char **differences);
// Asserts that it is not refused.
void lab_apply(struct lab *lab, const char *text, unsigned flags);
// What weir_export() says, in the same form. Caller frees.
char *lab_state(struct lab *lab);
// Asserts that lab_state() is this text.
#define lab_assert_state(lab, text) lab_assert_state_at(lab, text, __FILE__, __LINE__)
void lab_assert_state_at(struct lab *lab, const char *text, const char *file, int line);
#define lab_assert_text(got, expected) lab_assert_text_at(got, expected, __FILE__, __LINE__)
void lab_assert_text_at(const char *got, const char *expected, const char *file, int line);

#endif
