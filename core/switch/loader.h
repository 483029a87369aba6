// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The extension loader: from the name of an extension to its descriptor and schema.
//
// What was checked is what runs. The file is read once into sealed memory that has no name; it is
// checked and loaded from there, so that a file can be replaced on disk at any time, and what is
// then loaded from the same path is the new one. The checks that need no code of the file come
// first (the file's owner, the ELF structure, the note, the exported descriptor); only then is it
// handed to the dynamic linker, which runs its constructors, and its descriptor is compared with
// what the note promised. A refusal is a sentence and leaves nothing loaded.
//
// Whoever owns the file is trusted, so the file and every directory and symbolic link on the way to
// it must be owned by root or the user of the process, and writable by nobody else. One exception:
// a directory that others may write (/tmp) is passed when it is sticky and what is taken from it is
// again a directory of a trusted owner, which others can neither replace nor rename there.
// Symbolic links and files themselves are not taken from such a directory. A group that may write
// is others, whoever is in it; so is an entry of an access control list.
//
// An extension finds the libraries it needs where the system has them: $ORIGIN in its RUNPATH is
// meaningless, as its memory is in no directory. The process keeps one file descriptor per loaded
// extension: under /proc/PID/fd/N, which is its name for the dynamic linker, debuggers find its
// code; /proc/PID/maps shows it as /memfd:weir-NAME. A library that the dynamic linker refuses to
// unmap (one with unique C++ symbols, for example) keeps its descriptor until the process ends,
// because a later one of the same number would be taken for it.
//
// Control thread only, all of this; the objects that accessors return are immutable and may be read
// by any thread.
#ifndef WEIR_SWITCH_LOADER_H
#define WEIR_SWITCH_LOADER_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>
#include <weir/extension.h>

enum {
	LOADER_MAX_SIZE = 64 << 20, // bytes of a file
	LOADER_MAX_TEXT = 255,      // bytes of version, summary, a drop reason's text
	LOADER_MAX_TOKEN = 63,      // bytes of a drop reason's token
};

struct loader;
struct extension; // a loaded one
struct weir_schema;

// Makes a loader that looks for NAME.so in these directories, in this order; the strings are
// copied, a directory need not exist. Returns 0 or -ENOMEM. Caller frees with loader_destroy.
int loader_create(const char *const *directories /* n_directories */, size_t n_directories,
	struct loader **out);

// Unloads everything; nothing may be attached. loader may be NULL.
void loader_destroy(struct loader *loader);

// Loads the extension of this name from path (relative to the working directory, or absolute), or
// when that is NULL from the first of the directories that has NAME.so. name: as the extension
// calls itself. *out is borrowed until loader_unload. On failure *out is untouched and *error,
// which may be NULL, holds a sentence with the name or the path:
//     -EINVAL        name, or something that the descriptor says, is not allowed
//     -EEXIST        an extension of this name is loaded
//     -ENOENT        there is no such file
//     -EPERM         somebody else could change the file
//     -EFBIG         it is larger than LOADER_MAX_SIZE
//     -EAGAIN        it changed while it was read
//     -ENOEXEC       it is not a shared object for this machine
//     -ELIBBAD       it is truncated or corrupt
//     -ENOTSUP       it is linked in a way that an extension must not be
//     -ENODATA       it has no Weir note; -ENOTUNIQ: it has several; -EBADMSG: one without sense
//     -EPROTONOSUPPORT  it is for another version of the interface
//     -EMSGSIZE      its descriptor is smaller than its version says
//     -ELIBACC       the dynamic linker refuses it, for example for an undefined symbol
//     -ENOSYS        it exports no descriptor
//     -EBADE         its descriptor contradicts its note
//     -ENOMEM, -EIO and what else reading a file can return
int loader_load(struct loader *loader, const char *name, const char *path, struct extension **out,
	struct weir_error *error);

// Unloads it: its destructors run and its code is unmapped, so the caller has seen to it that no
// thread can be in it and no call_rcu callback of it is pending (grace period, rcu_barrier).
// Returns 0, or -EBUSY with a sentence while it is attached; extension is then still valid.
int loader_unload(struct loader *loader, struct extension *extension, struct weir_error *error);

// For a replacement, or a look at its schema: the same, for a name that may be loaded already. It
// is not among the loaded ones until loader_exchange(), which gives it the number and the place of
// the old one, which then is not among them any more. *out is the caller's, to be closed with
// loader_close().
int loader_load_beside(const struct loader *loader, const char *name, const char *path,
	struct extension **out, struct weir_error *error);
void loader_exchange(struct loader *loader, struct extension *old, struct extension *extension);
// Unloads one that is not among the loaded ones, as loader_unload(): nothing refers to it.
void loader_close(struct extension *extension);

// Whether text is a name of an extension: 1 to WEIR_NAME_MAX - 1 of a-z, 0-9 and "-".
bool loader_is_name(const char *text);
// Whether an extension may be called that: 0, or -EINVAL with a sentence, also for a name that is
// one of WEIR_RESERVED_NAMES.
int loader_check_name(const char *name, struct weir_error *error);

// The extension of this name, NULL when none is loaded. Borrowed until loader_unload.
struct extension *loader_find(const struct loader *loader, const char *name);

// The loaded extension with the next greater number than previous (NULL: the first); NULL at the
// end.
struct extension *extension_next(const struct loader *loader, const struct extension *previous);

// Whether the directories have a file that name would be loaded from, without looking into it;
// path: it. Of a name that no extension can have there is none.
bool loader_locate(const struct loader *loader, const char *name, char *path, size_t size);
// The directories, for sentences, as far as there is room.
void loader_directories(const struct loader *loader, char list[/* size */], size_t size);

// Each attachment to a switch holds one reference, so that the extension stays loaded.
void extension_get(struct extension *extension);
void extension_put(struct extension *extension);
bool extension_is_held(const struct extension *extension);

// Its descriptor as this host knows it: members that were appended after the version that the
// extension was built against are zero. Borrowed until loader_unload, with all it points to.
const struct weir_extension *extension_descriptor(const struct extension *extension);

// Its messages; NULL when it has none. Borrowed until loader_unload.
const struct weir_schema *extension_schema(const struct extension *extension);

// The file it was loaded from, as it was named. Borrowed until loader_unload.
const char *extension_path(const struct extension *extension);

// The path that loader_load() was given, NULL when the file was looked for by name. Borrowed until
// loader_unload.
const char *extension_named_path(const struct extension *extension);

// A small number, from 1 on, that no other loaded extension has.
unsigned extension_number(const struct extension *extension);

// The least minor version of the host that it runs on.
unsigned extension_needs_minor(const struct extension *extension);

// "capture", "filter", "forwarding" or "service"; NULL for what is no class.
const char *extension_class_name(unsigned class);

#endif
