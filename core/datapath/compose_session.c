// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What decisions say about sessions. Nothing is opened here, nor while a decision is traced or made
// twice: session_flow.c does that with the composition, when it is known that the frame passes.
#include "datapath/composer.h"

#define MAY (1u << WEIR_CLASS_FILTER | 1u << WEIR_CLASS_FORWARDING)

static bool may_ask(struct composer *c, const char *what)
{
	if (!composer_may(c, MAY, what))
		return false;
	if ((c->hook->mask.fields & WEIR_SESSION_FIELDS) == WEIR_SESSION_FIELDS)
		return true;
	composer_offence(c, OFFENCE_INVALID,
		"%s: the extension must read WEIR_SESSION_FIELDS at this stage", what);
	return false;
}

static struct session_use *find_use(struct composition *out, const struct session_key *key)
{
	for (unsigned i = 0; i < out->n_sessions; i++)
		if (memcmp(&out->sessions[i].key, key, sizeof(*key)) == 0)
			return &out->sessions[i];
	return NULL;
}

// What was found of it is the same as often as it is asked for: in strict mode's second call, too.
static void look(const struct composer *c, struct session_use *use)
{
	const struct session_use *before = NULL;
	struct weir_session_found found = { 0 };

	if (c->first)
		before = find_use((struct composition *)c->first, &use->key);
	if (before) {
		use->present = before->present;
		use->direction = before->direction;
		use->cookie = before->cookie;
		return;
	}
	use->present = session_look(
		c->context->sessions, &use->key, use->hash, use->reverse, &found);
	use->direction = (uint8_t)found.direction;
	use->cookie = found.cookie;
}

// The session of the flow at this hook as the composition has it. NULL: such a flow has none, or
// there are too many.
static struct session_use *use_of(struct composer *c)
{
	struct composition *out = c->out;
	struct session_use *use;
	struct session_key key;
	bool reverse;

	if (!session_key_make(&c->key, c->hook->entry->number, c->port->index, &key, &reverse))
		return NULL;
	use = find_use(out, &key);
	if (use)
		return use;
	if (out->n_sessions == SESSION_USES_MAX) {
		c->too_complex = true;
		return NULL;
	}
	use = &out->sessions[out->n_sessions++];
	memset(use, 0, sizeof(*use));
	use->key = key;
	use->hash = session_hash(c->context->sessions, &key);
	use->reverse = reverse;
	look(c, use);
	return use;
}

const struct session_use *composer_session_of(const struct composer *c)
{
	struct session_key key;
	bool reverse;

	if (!session_key_make(&c->key, c->hook->entry->number, c->port->index, &key, &reverse))
		return NULL;
	return find_use(c->out, &key);
}

static void op(struct composer *c, enum op_code code, unsigned reason)
{
	composer_op(c, (struct op){ .code = (uint8_t)code,
			       .stage = c->hook->stage,
			       .port = c->port->index,
			       .flags = (uint8_t)reason,
			       .arg = (uint32_t)c->hook->entry->number << 16 | key_vlan(&c->key) });
}

// The flow counts on it from here on, or opens it.
static void take(struct composer *c, struct session_use *use, enum session_use_kind kind)
{
	use->kind = (uint8_t)kind;
	if (key_l4(&c->key) == WEIR_L4_TCP)
		op(c, OP_TRACK, 0);
}

int composer_session_find(struct weir_decision *d, struct weir_session_found *found)
{
	struct composer *c = (struct composer *)d;
	struct weir_session_found known = { 0 };
	struct session_use *use;

	if (!c->context->sessions)
		return -ENOSYS;
	if (!may_ask(c, "session_find"))
		return -EINVAL;
	use = use_of(c);
	if (!use || (!use->present && use->kind != SESSION_USE_OPEN))
		return 0;
	if (use->kind == SESSION_USE_WATCH && !composer_has_passed(c))
		take(c, use, SESSION_USE_HOLD);
	known.direction = use->present ? use->direction : WEIR_SESSION_FORWARD;
	known.cookie = use->present ? use->cookie : use->spec.cookie;
	sized_give(found, &known, sizeof(known));
	return 1;
}

static bool is_valid(struct composer *c, const struct weir_session *s)
{
	if (s->reserved) {
		composer_offence(
			c, OFFENCE_INVALID, "session: reserved %u: must be 0", s->reserved);
		return false;
	}
	if (s->idle_s == 0 || s->idle_s > WEIR_SESSION_IDLE_MAX_S) {
		composer_offence(c, OFFENCE_INVALID, "session: idle_s %u: must be 1 to %d",
			s->idle_s, WEIR_SESSION_IDLE_MAX_S);
		return false;
	}
	if (s->absolute_s > WEIR_SESSION_ABSOLUTE_MAX_S) {
		composer_offence(c, OFFENCE_INVALID, "session: absolute_s %u: must be 0 to %d",
			s->absolute_s, WEIR_SESSION_ABSOLUTE_MAX_S);
		return false;
	}
	if (s->full > WEIR_SESSION_FULL_PASS) {
		composer_offence(c, OFFENCE_INVALID, "session: full %u: must be 0 to %d", s->full,
			WEIR_SESSION_FULL_PASS);
		return false;
	}
	return s->full != WEIR_SESSION_FULL_REASON || composer_reason_valid(c, s->full_reason);
}

// ICMP's answers have a session, but open none.
static bool opens(const struct flow_key *key)
{
	struct weir_flow flow = {
		.l3 = key_l3(key),
		.l4 = key_l4(key),
		.malformed = (uint8_t)key_malformed(key),
		.l4_src = key_l4_src(key),
	};

	return weir_session_fits(&flow);
}

// Whether it is composed for lack of room.
static bool is_refused(const struct composer *c, const struct session_use *use)
{
	return c->context->sessions_refused & 1u << (use - c->out->sessions);
}

static void refuse(struct composer *c, struct session_use *use, const struct weir_session *s)
{
	uint16_t reason = s->full == WEIR_SESSION_FULL_DROP
				  ? reason_of(0, REASON_SESSION_FULL)
				  : entry_reason(c->hook->entry, s->full_reason);

	use->kind = SESSION_USE_ROOM;
	if (s->full == WEIR_SESSION_FULL_PASS)
		return;
	composer_fragment_refused(c, reason);
	composer_drop(c, reason);
}

void composer_session(struct weir_decision *d, const struct weir_session *session)
{
	struct composer *c = (struct composer *)d;
	struct weir_session s;
	struct weir_error why;
	struct session_use *use;

	if (!may_ask(c, "session") || composer_has_passed(c) || !c->context->sessions)
		return;
	if (SIZED_TAKE(weir_session, cookie, &s, session, &why) < 0) {
		composer_offence(c, OFFENCE_INVALID, "session: %s", why.message);
		return;
	}
	if (!is_valid(c, &s) || !opens(&c->key))
		return;
	use = use_of(c);
	if (!use || use->kind != SESSION_USE_WATCH)
		return;
	if (use->present) {
		take(c, use, SESSION_USE_HOLD);
		return;
	}
	use->spec = (struct session_spec){
		.cookie = s.cookie,
		.idle_s = s.idle_s,
		.absolute_s = s.absolute_s,
		.port_max = s.port_max,
		.port = c->port->id,
		.attachment = c->hook->entry->attachment,
		.at_egress = c->hook->stage == WEIR_STAGE_EGRESS,
	};
	if (is_refused(c, use))
		refuse(c, use, &s);
	else
		take(c, use, SESSION_USE_OPEN);
}

void composer_session_related(struct weir_decision *d, unsigned reason)
{
	struct composer *c = (struct composer *)d;

	if (!may_ask(c, "session_related") || composer_has_passed(c))
		return;
	if (composer_reason_valid(c, reason))
		op(c, OP_RELATED, entry_reason(c->hook->entry, reason) & (WEIR_REASONS_MAX - 1));
}

void composer_sessions_dropped(struct composer *c)
{
	for (unsigned i = 0; i < c->out->n_sessions; i++)
		if (c->out->sessions[i].kind != SESSION_USE_ROOM)
			c->out->sessions[i].kind = SESSION_USE_WATCH;
}
