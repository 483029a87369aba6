// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Telling the probe extensions (tests/extensions/probe) what to do:
//     lab_act(&lab, "p0", "probe-filter", "id", (Probe__Act){ AT(INGRESS, DROP_FRAME), VALUE(1) });
#ifndef LAB_PROBE_H
#define LAB_PROBE_H

#include "lab.h"
#include "probe.pb-c.h"

#define AT(s, w)    .stage = PROBE__ACT__STAGE__##s, .what = PROBE__ACT__WHAT__##w
#define VISIT       .has_visit = 1, .visit = 1
#define VALUE(v)    .has_value = 1, .value = (v)
#define PORT(p)     .port = (char *)(uintptr_t)(p)
#define BYTES(b, n) .has_bytes = 1, .bytes = { (n), (uint8_t *)(uintptr_t)(b) }
#define BYTE(b)     BYTES((uint8_t[]){ (b) }, 1)
#define FRAME(f)    BYTES((f).bytes, (f).size)
#define LIMIT(r, b) .has_rate = 1, .rate = (r), .has_burst = 1, .burst = (b)
#define IF(c, v)    .has_if_##c = 1, .if_##c = (v)

// A string of a generated message, whose fields are not const.
static inline char *lab_text(const char *constant)
{
	return (char *)(uintptr_t)constant;
}

static inline int lab_try_act(struct lab *lab, const char *target, const char *extension,
	const char *id, Probe__Act act, unsigned flags)
{
	act.base = (ProtobufCMessage)PROTOBUF_C_MESSAGE_INIT(&probe__act__descriptor);
	return lab_try_policy(lab, target, extension, "act", id, &act.base, flags);
}

static inline void lab_act(
	struct lab *lab, const char *target, const char *extension, const char *id, Probe__Act act)
{
	if (lab_try_act(lab, target, extension, id, act, 0) < 0)
		fail_msg("act on %s: %s", target, lab->error.message);
}

static inline void lab_veto(
	struct lab *lab, const char *extension, enum weir_event_kind kind, const char *why)
{
	Probe__Veto veto = PROBE__VETO__INIT;

	veto.kind = kind;
	veto.why = (char *)(uintptr_t)why;
	lab_policy(lab, "switch:br0", extension, "veto", "veto", &veto.base);
}

static inline void lab_reads(
	struct lab *lab, const char *target, const char *extension, uint64_t fields)
{
	Probe__Reads reads = PROBE__READS__INIT;

	reads.fields = fields;
	lab_policy(lab, target, extension, "reads", "reads", &reads.base);
}

#endif
