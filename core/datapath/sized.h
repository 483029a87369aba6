// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Structs that cross the library's boundary and say their size: the first member is `uint32_t
// size`, and they grow at their ends. Whoever made one may have been built against an older or a
// newer header than the library.
//
// One that comes in may be shorter than it is known here, down to what the first version has, and
// is filled up with zeros; or longer, if all that is behind what is known here is zero: what is not
// known cannot be done, and is not to be passed over in silence. (As copy_struct_from_user() of
// Linux takes the arguments of system calls.) One that goes out is written as far as it reaches.
//
// Any thread.
#ifndef SIZED_H
#define SIZED_H

#include <stddef.h>

#include <weir/error.h>

enum { SIZED_MAX = 4096 }; // no struct is so large: who says that did not fill in its size

// Takes *theirs, a struct TYPE, into *known. LAST: the last member that the first version has.
// 0; -EINVAL: it is too short, or its size makes no sense; -E2BIG: it asks for what is not known
// here. Both with a sentence that names the size and what is allowed; *known stays as it is. (What
// is passed has to be of these types: the compiler compares both sides of a colon.)
#define SIZED_TAKE(TYPE, LAST, known, theirs, error)                                               \
	sized_take(1 ? (known) : (struct TYPE *)NULL, sizeof(struct TYPE),                         \
		offsetof(struct TYPE, LAST) + sizeof(((struct TYPE *)NULL)->LAST),                 \
		1 ? (theirs) : (const struct TYPE *)NULL, "struct " #TYPE, (error))
int sized_take(void *known, size_t known_size, size_t least_size, const void *theirs,
	const char *name, struct weir_error *error);

// Gives *known to whoever made *theirs, as far as that says it reaches; theirs->size says then how
// much of it there is, and what is behind that is zero.
void sized_give(void *theirs, const void *known, size_t known_size);

#endif
