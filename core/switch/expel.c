// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Strict mode detaches an extension that broke a promise. What an operator asked for stays: a
// missing one (missing.c) stands in its place with its policies, so that ports are blocked unless
// it was attached to fail open, and attaching it again, or a restart, tries it again.
#include <errno.h>
#include <stdlib.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "switch/attachment.h"
#include "switch/missing.h"
#include "switch/notice.h"
#include "switch/policy.h"
#include "switch/port.h"
#include "switch/publish.h"
#include "switch/stack.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/workers.h"

struct exchange {
	struct attachment *old, *new;
	struct policy *copies,
		**end; // of the old one's policies, in the order of the targets' lists
	struct wait *wait;
	struct publication *publication;
};

// ---- Every target of the switch

static int each_target(struct exchange *x, int (*visit)(struct exchange *, struct target *))
{
	struct vswitch *s = x->old->vswitch;
	int failed = visit(x, &s->target);

	for (unsigned i = 0; !failed && i < s->n_indices; i++)
		if (s->ports[i])
			failed = visit(x, &s->ports[i]->target);
	return failed;
}

// The type of a policy that has been checked is the extension's, which may be unloaded.
static int copy_policies(struct exchange *x, struct target *t)
{
	for (const struct policy *p = t->policies; p; p = p->next) {
		struct policy *copy;

		if (p->attachment != x->old)
			continue;
		copy = policy_make_unchecked(x->new, p->type, p->id, p->bytes, p->size);
		if (!copy)
			return -ENOMEM;
		*x->end = copy;
		x->end = &copy->next;
	}
	return 0;
}

static int put_copies(struct exchange *x, struct target *t)
{
	policy_views_drop(t, x->old);
	for (struct policy *p = t->policies, *next; p; p = next) {
		struct policy *copy = x->copies;

		next = p->next;
		if (p->attachment != x->old)
			continue;
		x->copies = copy->next;
		policy_replace(t, p, copy);
		free(p);
	}
	return 0;
}

// ---- The exchange

static void exchange_free(struct exchange *x)
{
	while (x->copies) {
		struct policy *copy = x->copies;

		x->copies = copy->next;
		free(copy);
	}
	free(x->wait);
	if (x->new)
		attachment_give_up(x->new);
}

// Everything that needs memory. On failure nothing has changed.
static int exchange_make(struct exchange *x, const char *reason)
{
	struct attachment *a = x->old;
	struct vswitch *s = a->vswitch;

	x->end = &x->copies;
	x->wait = attachment_end_make(a);
	x->new = attachment_make(s, NULL, a->order, a->fail_open ? WEIR_FAIL_OPEN : 0);
	if (!x->wait || !x->new ||
		missing_make(x->new, a->descriptor->name, attachment_path(a), reason) < 0 ||
		each_target(x, copy_policies) < 0)
		return -ENOMEM;
	stack_exchange(s, a, x->new);
	x->publication = publication_make(s, true);
	if (x->publication)
		return 0;
	stack_exchange(s, x->new, a);
	return -ENOMEM;
}

int attachment_expel(struct attachment *a, const char *why)
{
	struct exchange x = { .old = a };
	struct vswitch *s = a->vswitch;
	char reason[BLOCKED_REASON_SIZE];

	snprintf(reason, sizeof(reason), "was expelled by strict mode: %s", why);
	if (exchange_make(&x, reason) < 0) {
		exchange_free(&x);
		return -ENOMEM;
	}
	// What it did stays listed; and what the version did that it has not quite replaced yet.
	counters_hand_over(a, x.new);
	if (a->predecessor)
		counters_hand_over(a->predecessor, x.new);
	x.new->expelled = true;
	weir_notify(s->weir, "extension-expelled", s->name, "", a->descriptor->name,
		"extension %s expelled from switch %s, whose ports %s: %s", a->descriptor->name,
		s->name, a->fail_open ? "pass frames without it" : "are blocked", why);
	publication_force(x.publication);
	each_target(&x, put_copies);
	attachment_end(a, x.wait);
	return 0;
}
