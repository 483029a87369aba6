// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Memory for the JSON values of one command that has very many: it is taken in large blocks, one
// value behind the other, and given back all at once. glibc's malloc() puts headers between them,
// which every walk through the document then goes over, and takes a tenth of the time of a long
// `weirctl apply` to free a million values one by one.
//
// Jansson's allocation functions belong to the process, and so does the arena. weirctl has one
// thread and runs one command.
#ifndef CTL_JSON_ARENA_H
#define CTL_JSON_ARENA_H

// From here on Jansson's memory is the arena's, and json_decref() frees none of it. There must be
// no JSON values, as they could not be freed any more, and no other arena.
void json_arena_begin(void);

// Frees all of it. No value that was made since json_arena_begin() may be used any more.
void json_arena_end(void);

#endif
