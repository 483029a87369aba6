// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Disk faults: write(), pwrite(), fsync(), fdatasync() and ftruncate() of this process fail as
// planned. Linked into a test, which plans; or preloaded into any program:
//
//	LD_PRELOAD=libfaults.so WEIR_FAULT=CALL:PATTERN:FIRST:COUNT:ERRNO program
//
// ERRNO is a number. One plan at a time, for all threads.
#ifndef FAULTS_H
#define FAULTS_H

// The calls of that kind ("write", "sync" or "truncate") on files whose path matches the
// pattern of fnmatch(3) fail with `error`: the first-th from now on, counted from 1, and so many in
// all (0: all that follow).
__attribute__((visibility("default"))) void fault_plan(
	const char *call, const char *pattern, unsigned first, unsigned count, int error);
// How many calls have failed so far.
__attribute__((visibility("default"))) unsigned fault_count(void);
// Nothing fails any more. Returns how many calls have failed.
__attribute__((visibility("default"))) unsigned fault_end(void);

#endif
