// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The durable desired state: an SQLite database in the state directory.
//
// What is kept are the items of <weir/embed.h>. The control thread notes changes as they are made
// and ends a batch of them by store_commit(); a thread of the store's own writes all batches that
// have ended by then in one transaction (group commit), and reports each as done once it is on
// disk. The control thread never waits for a disk.
//
// A batch that could not be written is reported with the reason, and so are all that were ended
// after it: what is on disk is then older than what the switch has, and the owner brings the switch
// back to it, with a document of store_load(). Nothing is ever half on disk.
//
// The directory belongs to one daemon at a time (a lock on the file `lock`, which holds its process
// id), to root or the daemon's user, and nobody else may write it. The database is `state.db`, in
// WAL mode with synchronous=FULL; its application_id says that it is Weir's, its user_version is
// the version of the schema, and older ones are migrated when it is opened. A file that is damaged,
// foreign or newer is refused with a sentence that says which file, why, and how to go on; it is
// not touched. So is one that is gone: the file `made` says that there was one, and a switch that
// has lost its state does not start empty. To begin with nothing, the whole directory is moved
// away.
//
// A daemon that was killed has the lock until it is quite gone. Another is waited for a second, and
// a minute when it is seen to be exiting.
//
// Control thread only, unless a function says otherwise.
#ifndef CONTROL_STORE_H
#define CONTROL_STORE_H

#include <stdbool.h>

#include <weir/embed.h>

struct store;

// Opens the state in `directory` (made, one level, mode 0700, when it is missing), and starts the
// writing thread. Blocks while it reads. 0 or a negative errno with a sentence: -EBUSY another
// daemon has it; -EACCES, -EROFS, -EPERM it cannot be written or others can; -EBADMSG damaged;
// -EMEDIUMTYPE foreign; -EPROTONOSUPPORT newer; -ENOSPC, -ENOMEM, -EIO.
int store_open(const char *directory, struct store **store, struct weir_error *error);

// Adds everything that is kept to the document. Blocks while it reads; nothing may be under way (no
// batch that has ended and was not reported: -EBUSY). It may be called from a done that reports a
// failure: all that failed is over by then. What was noted for the open batch is forgotten: it
// belongs to a state that is given up for this one. Every row is checked: one that is damaged ends
// this with -EBADMSG and a sentence.
int store_load(struct store *store, struct weir_document *document, struct weir_error *error);

// Notes a change for the batch that is open: a weir_change_handler whose context is the store. The
// item is copied. Without memory for that, or when it is none that store_load() would take (a name
// is missing, a number out of its range, a text not UTF-8), the batch will fail.
void store_note(void *store, bool removed, const struct weir_item *item);

// Whether a change that is made now could be kept, as far as can be told: false, with a sentence,
// while the last write failed and a new try fails too (asking begins one, at most once a second),
// or when the directory's file system is all but full (4 MB and twice the open batch must be free).
// Does not block.
bool store_ready(struct store *store, struct weir_error *error);

// error: NULL: it is on disk. Called from store_process(), in the order of the commits. It may note
// and commit, but neither process nor close.
typedef void store_done(void *context, const struct weir_error *error);

// Ends the open batch, also an empty one, whose done comes after all that were ended before it.
// done: may be NULL. 0; -ENOMEM, or -ESHUTDOWN while store_close() reports: then the open batch
// stays open.
int store_commit(struct store *store, store_done *done, void *context);

// True when the open batch has nothing noted.
bool store_is_clean(const struct store *store);

// Readable when store_process() has something to report. Level-triggered.
int store_fd(const struct store *store);
void store_process(struct store *store);

// Writes what has been ended, reports it (done is called), ends the thread and closes the files.
// What has not been ended is forgotten. Blocks. Accepts NULL.
void store_close(struct store *store);

#endif
