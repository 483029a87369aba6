// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <arpa/inet.h>
#include <string.h>
#include <syslog.h>

#include "probe.h"

#define ACT(what) PROBE__ACT__WHAT__##what

static bool applies(const Probe__Act *act, const struct weir_flow *flow, enum weir_stage stage)
{
	return (enum weir_stage)act->stage == stage &&
	       (!act->has_if_l4_dst || flow->l4_dst == htons((uint16_t)act->if_l4_dst)) &&
	       (!act->has_if_tos || flow->ip_tos == act->if_tos) &&
	       (!act->has_if_vlan || flow->vlan_id == act->if_vlan) &&
	       (!act->has_if_forwarded || flow->forwarded == act->if_forwarded);
}

uint64_t probe_needs(const struct probe_state *state, enum weir_stage stage)
{
	uint64_t fields = 0;

	for (size_t i = 0; i < state->n_acts; i++) {
		const Probe__Act *act = state->acts[i].message;

		if ((enum weir_stage)act->stage != stage || act->undeclared)
			continue;
		fields |= act->has_if_l4_dst ? WEIR_FIELD_L4_DST : 0;
		fields |= act->has_if_tos ? WEIR_FIELD_IP_TOS : 0;
		fields |= act->has_if_vlan ? WEIR_FIELD_VLAN_ID : 0;
	}
	return fields;
}

static weir_port_id port_of(const struct probe_act *act)
{
	return act->message->has_value ? (weir_port_id)act->message->value : act->port;
}

static void decide_act(const struct probe_act *act, struct weir_decision *d)
{
	const Probe__Act *m = act->message;

	switch (m->what) {
	case ACT(DROP_FRAME):
		weir_drop(d, (unsigned)m->value);
		break;
	case ACT(EXCLUDE):
		weir_exclude(d, (unsigned)m->value);
		break;
	case ACT(SET):
		weir_set(d, m->value, m->bytes.data, m->bytes.len);
		break;
	case ACT(METER):
		weir_meter(d, m->has_value ? (uint32_t)m->value : act->meter);
		break;
	case ACT(POLICE):
	case ACT(POLICE_FRAMES):
		weir_police(d, m->has_value ? (uint32_t)m->value : act->policer);
		break;
	case ACT(POLICE_AS):
		weir_police_as(d, act->policer, m->one_in);
		break;
	case ACT(COPY):
		weir_copy(d, m->has_value ? (uint32_t)m->value : act->sink, m->one_in);
		break;
	case ACT(SEND_TO):
		weir_forward(d, port_of(act));
		break;
	case ACT(FLOOD):
		weir_flood(d);
		break;
	case ACT(NATIVE):
		weir_forward_native(d);
		break;
	case ACT(DEPEND):
		weir_depend(d, m->value);
		break;
	case ACT(EXPLAIN):
		weir_explain(d, "%.*s", (int)m->bytes.len, (const char *)m->bytes.data);
		break;
	default:
		break;
	}
}

static bool chooses(const Probe__Act *m)
{
	return !m->visit && (m->what == ACT(SEND_TO) || m->what == ACT(FLOOD) ||
				    m->what == ACT(NATIVE) || m->what == ACT(DROP_FRAME));
}

static bool decide(const void *state, const struct weir_flow *flow, struct weir_decision *d,
	enum weir_stage stage)
{
	const struct probe_state *s = state;
	bool chosen = false;

	for (size_t i = 0; s && i < s->n_acts; i++) {
		const struct probe_act *act = &s->acts[i];

		if (!applies(act->message, flow, stage))
			continue;
		chosen |= chooses(act->message);
		if (act->message->visit)
			weir_visit(d, (uint8_t)act->message->tcp_flags);
		else
			decide_act(act, d);
	}
	return chosen;
}

void probe_ingress(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	decide(state, flow, d, WEIR_STAGE_INGRESS);
}

void probe_forward(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	if (!decide(state, flow, d, WEIR_STAGE_FORWARD))
		weir_forward_native(d);
}

void probe_forwarded(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	decide(state, flow, d, WEIR_STAGE_FORWARDED);
}

void probe_egress(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	decide(state, flow, d, WEIR_STAGE_EGRESS);
}

void probe_dropped(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	decide(state, flow, d, WEIR_STAGE_DROP);
}

static void write_bytes(uint8_t *at, const Probe__Act *m)
{
	memcpy(at + m->value, m->bytes.data, m->bytes.len);
}

static void describe(struct weir_visit *v, unsigned i)
{
	struct probe *probe = v->instance;
	struct weir_drop_cause cause = { .reason = "nothing", .extension = "nobody" };

	if (v->drops)
		weir_drop_describe(probe->attachment, v->drops[i], &cause);
	weir_log(probe->attachment, LOG_DEBUG,
		"visit %u on worker %u of %u at %llu: %s of %s at stage %u", v->stage, v->worker,
		weir_n_workers(probe->attachment), (unsigned long long)v->now_ns, cause.reason,
		cause.extension, cause.stage);
}

static void record(struct weir_visit *v, unsigned i)
{
	struct probe *probe = v->instance;
	const struct weir_frame *frame = v->frames[i];
	void *bytes = weir_ring_reserve(probe->attachment, probe->ring, v, frame->size);

	if (bytes)
		memcpy(bytes, frame->data, frame->linear);
	else
		__atomic_fetch_add(&probe->n_lost, 1, __ATOMIC_RELAXED);
	if (i + 1 == v->n)
		weir_ring_flush(probe->attachment, probe->ring, v);
}

static void visit_act(const struct probe_act *act, struct weir_visit *v, unsigned i)
{
	const Probe__Act *m = act->message;
	struct weir_frame *frame;

	switch (m->what) {
	case ACT(DROP_FRAME):
		weir_visit_drop(v, i, (unsigned)m->value);
		break;
	case ACT(EDIT):
		frame = weir_visit_edit(v, i);
		if (frame)
			write_bytes(frame->data, m);
		break;
	case ACT(CAST):
		write_bytes(v->frames[i]->data, m);
		break;
	case ACT(REKEY):
		weir_visit_rekey(v, i);
		break;
	case ACT(CONSUME):
		weir_visit_consume(v, i);
		break;
	case ACT(REDIRECT):
		weir_visit_redirect(v, i, port_of(act));
		break;
	case ACT(ORIGINATE):
		weir_visit_originate(v, act->port, m->bytes.data, m->bytes.len);
		break;
	case ACT(DESCRIBE):
		describe(v, i);
		break;
	case ACT(RECORD):
		record(v, i);
		break;
	default:
		break;
	}
}

void probe_visit(const void *state, struct weir_visit *v)
{
	const struct probe_state *s = state;

	for (unsigned i = 0; i < v->n; i++)
		for (size_t a = 0; s && a < s->n_acts; a++)
			if (s->acts[a].message->visit &&
				(enum weir_stage)s->acts[a].message->stage ==
					(enum weir_stage)v->stage)
				visit_act(&s->acts[a], v, i);
}
