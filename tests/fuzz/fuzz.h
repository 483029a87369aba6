// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The one function of a fuzz target, under the name that libFuzzer calls.
#ifndef WEIR_TESTS_FUZZ_H
#define WEIR_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

// Feeds one input to the code under test. data: size bytes, any content; what lies behind them is
// inaccessible. Must leave nothing behind (memory, files) and returns 0; a defect shows as a crash,
// so properties of the results are checked with abort().
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
