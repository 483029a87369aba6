// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The policies of a target. Extensions see them in the order of the list (policy_view.c); the index
// finds one of many by its id. It leaves the attachment out: few extensions share a target.
#include <stdlib.h>
#include <string.h>

#include <weir/extension.h>

#include "switch/attachment.h"
#include "switch/index.h"
#include "switch/policy.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

void target_init(struct target *t, struct vswitch *s, struct port *port)
{
	*t = (struct target){ .vswitch = s, .port = port };
	t->policies_end = &t->policies;
}

const char *policy_extension(const struct policy *p)
{
	return p->attachment->descriptor->name;
}

static struct policy *policy_of(struct index_entry *entry)
{
	return entry ? index_thing(entry, struct policy, by_id) : NULL;
}

struct policy *policy_find(const struct target *t, const struct attachment *a, const char *id)
{
	struct policy *p = policy_of(index_find(&t->policy_ids, index_hash(0, id)));

	while (p && (p->attachment != a || strcmp(p->id, id) != 0))
		p = policy_of(index_next(&p->by_id));
	return p;
}

// What points back at a policy that has been put between p->link and p->next.
static void join(struct target *t, struct policy *p)
{
	*p->link = p;
	if (p->next)
		p->next->link = &p->next;
	else
		t->policies_end = &p->next;
}

static void link_policy(struct target *t, struct policy *p)
{
	join(t, p);
	index_add(&t->policy_ids, &p->by_id, index_hash(0, p->id));
}

// The bytes of a policy never change, so that one number stands for them.
static void number(const struct target *t, struct policy *p)
{
	if (!p->serial)
		p->serial = ++t->vswitch->weir->policy_serials;
}

void policy_link(struct target *t, struct policy *p)
{
	link_policy(t, p);
	policy_views_add(t, p);
}

void policy_append(struct target *t, struct policy *p)
{
	p->next = NULL;
	p->link = t->policies_end;
	p->place = ++t->places;
	number(t, p);
	policy_link(t, p);
}

static void unlink_policy(struct target *t, struct policy *p)
{
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	else
		t->policies_end = p->link;
	index_remove(&t->policy_ids, &p->by_id);
}

void policy_unlink(struct target *t, struct policy *p)
{
	unlink_policy(t, p);
	policy_views_remove(t, p);
}

void policy_replace(struct target *t, struct policy *old, struct policy *p)
{
	p->next = old->next;
	p->link = old->link;
	p->place = old->place;
	number(t, p);
	index_remove(&t->policy_ids, &old->by_id);
	link_policy(t, p);
	policy_views_replace(t, old, p);
}

unsigned policies_free(struct target *t, const struct attachment *a)
{
	unsigned n = 0;

	policy_views_drop(t, a);
	for (struct policy *p = t->policies, *next; p; p = next) {
		next = p->next;
		if (a && p->attachment != a)
			continue;
		unlink_policy(t, p);
		free(p);
		n++;
	}
	return n;
}
