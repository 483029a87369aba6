// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Projects of new extensions, made out of templates that are compiled in: the folder template/ has
// one per class of extensions, and what is common to all. What classes there are is known from
// there alone.
//
// In a template's text and in the names of its files stand, for an extension "my-filter":
//
//     @NAME@   my-filter
//     @IDENT@  my_filter   the package of its messages, its files; in a file's name without the @
//     @CAMEL@  MyFilter    what protobuf-c makes of that for types
//     @UPPER@  MY_FILTER   and for macros
#ifndef CTL_PROJECT_H
#define CTL_PROJECT_H

#include <stddef.h>

#include "error.h"

// Makes the directory `name` in the current one, and in it everything. A refusal (a name that
// cannot be one of an extension or is that of another, a class that there is not, a directory that
// is there already, a disk that is full) leaves nothing behind. Returns CTL_OK or CTL_REFUSED.
int project_create(const char *name, const char *class, struct ctl_error *error);

// 0, or a refusal: an extension of this name is installed, or was built with this weirctl.
int project_check_taken(const char *name, struct ctl_error *error);

// Class number i from 0, or NULL behind the last.
const char *project_class(size_t i);

#endif
