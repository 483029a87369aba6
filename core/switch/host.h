// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What extensions ask of the switch, and the switch of them beside decisions: struct weir_host,
// events and vetoes, timers, what is saved, calls.
#ifndef SWITCH_HOST_H
#define SWITCH_HOST_H

#include <stddef.h>
#include <stdint.h>

#include <weir/embed.h>
#include <weir/extension.h>

struct attachment;
struct port;
struct schema_message;
struct target;
struct vswitch;
struct weir;

// ---- host.c
// The table that the extensions of w are handed.
struct weir_host host_table(const struct weir *w);
void host_refresh_due(struct weir *w);
void host_refresh_forget(struct weir *w);
// Asks every extension of the switch whether something may change, and tells them that it has.
int review(struct vswitch *vswitch, enum weir_event_kind kind, const struct port *port,
	const char *extension, struct weir_error *error);
void tell(struct vswitch *vswitch, enum weir_event_kind kind, const struct port *port,
	const char *extension);

// ---- host_timer.c
int host_timer(struct weir_attachment *attachment, uint64_t cookie, uint64_t delay_ms);
int host_post(struct weir_attachment *attachment, uint64_t cookie); // any thread
// Delivers what is due.
void host_timers_run(struct weir *w);
// Frees what is left, once detach() has returned.
void host_timers_free(struct attachment *attachment);

// ---- host_save.c
// What an attachment has to say of a target beyond its policies; *size 0: nothing. Caller frees
// *bytes with free().
int attachment_save(const struct attachment *a, const struct target *target, void **bytes,
	size_t *size, struct weir_error *error);
// Hands an attachment what it saved for a target: of the switch before any prepare(), of a port
// before its first. A refusal, which is a sentence, leaves the extension without.
int attachment_restore(struct attachment *a, const struct target *target, uint32_t version,
	const void *bytes, size_t size, struct weir_error *error);

// ---- host_call_find.c
// The attachment that a request of a client means, and the type of its message, which has passed
// the checks. NULL: refused.
struct attachment *call_find(struct weir *w, const struct weir_call_request *request,
	const struct schema_message **message, struct weir_error *error);

// ---- host_call.c
// Tells extensions which calls were cancelled.
void host_calls_run(struct weir *w);
// Ends every call of an attachment that is being detached.
void host_calls_end(struct attachment *attachment);
// How many clients would see that.
unsigned host_calls_count(const struct attachment *attachment);

// ---- refusal.c
// What a hook of an extension returned, and its *error: 0 when it did not refuse, or the code, that
// of a system's error whatever it was, with terminated strings of UTF-8 without control characters.
// The message may be "".
int refusal_tame(struct weir_error *error, int code);

#endif
