// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Allocations that fail. The linker puts the functions of lab_faults.c in the place of the core's
// own calls (--wrap; CMakeLists.txt names the tests that are linked so): what a library allocates,
// or an extension, is not reached. Only the thread that arms is concerned.
#ifndef LAB_FAULTS_H
#define LAB_FAULTS_H

#include <stdbool.h>

// The nth allocation from now on fails, 1 being the next one; with `all` every later one too.
void lab_faults_arm(unsigned long n, bool all);
// No more. Whether any failed since they were armed.
bool lab_faults_disarm(void);
// What the test itself allocates in between is not meant, nor counted.
void lab_faults_pause(void);
void lab_faults_resume(void);

#endif
