// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The note that says of a file, before anything of it runs, that it is an extension, for which
// version of the interface, and of which name and class.
//
// It is found through the program headers, so that a stripped file has it too. Bytes and threads as
// for elf_image.h.
#ifndef WEIR_SWITCH_ELF_NOTE_H
#define WEIR_SWITCH_ELF_NOTE_H

#include <weir/error.h>
#include <weir/extension.h>

#include "switch/elf_image.h"

// Finds the one note of type WEIR_NOTE_TYPE and owner "Weir", checks its magic and copies it to
// *note. A note that is longer than the one of this host's version is cut. name is terminated; what
// the other members say is the caller's question. Returns 0, -ENODATA (there is none), -ENOTUNIQ
// (there are several), -EBADMSG (too short, without the magic or with a name without end) or
// -ELIBBAD (the notes are corrupt), with the end of a sentence that begins with the file's name;
// *note is then untouched. error may be NULL.
int elf_note_find(const struct elf_image *image, struct weir_note *note, struct weir_error *error);

#endif
