// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Many policies of one target: their order, what extensions are shown, and finding one of them.
#include <stdlib.h>

#include "lab_probe.h"

#include "switch/attachment.h"
#include "switch/policy.h"
#include "switch/target.h"

enum { MANY = 100000, FEW = 40 };
static const char filter[] = "probe-filter", after[] = "probe-after";

static struct policy *make(struct attachment *a, const char *id)
{
	static const char bytes[] = "\x08\x00\x10\x00"; // ingress, nothing
	struct policy *p = calloc(1, sizeof(*p) + 4);

	assert_non_null(p);
	p->attachment = a;
	p->type = "act";
	p->size = 4;
	memcpy(p->bytes, bytes, 4);
	snprintf(p->id, sizeof(p->id), "%s", id);
	return p;
}

static struct policy *make_number(struct attachment *a, unsigned number)
{
	char id[16];

	snprintf(id, sizeof(id), "%u", number);
	return make(a, id);
}

static struct policy *find_number(struct target *t, struct attachment *a, unsigned number)
{
	char id[16];

	snprintf(id, sizeof(id), "%u", number);
	return policy_find(t, a, id);
}

static struct target *start(struct lab *lab)
{
	lab_start(lab, &(struct lab_options){ .n_ports = 1 });
	lab_attach(lab, filter, 10);
	lab_attach(lab, after, 20);
	return target_find(lab->weir, "p0", NULL);
}

// With a list of this length, anything that walks it per policy would not come to an end here.
static void many_are_made_and_found(void **state)
{
	static const char bytes[] = "\x08\x00\x10\x00";
	struct attachment *a;
	struct target *t;
	char id[POLICY_ID_SIZE];
	struct lab lab;
	unsigned n = 0;

	(void)state;
	t = start(&lab);
	a = attachment_find(t->vswitch, filter);
	for (unsigned i = 1; i <= MANY; i++)
		policy_append(t, make_number(a, i));
	for (const struct policy *p = t->policies; p; p = p->next)
		assert_int_equal(atoi(p->id), ++n);
	assert_int_equal(n, MANY);
	for (unsigned i = 1; i <= MANY; i++)
		assert_int_equal(atoi(find_number(t, a, i)->id), i);
	assert_null(find_number(t, a, MANY + 1));
	assert_null(find_number(t, attachment_find(t->vswitch, after), 1));
	// All numbers up to here are taken.
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(weir_policy_add(lab.weir, "p0", filter, "act", NULL, bytes, 4, id,
					 0, &lab.error),
			0);
		assert_int_equal(atoi(id), MANY + i);
	}
	for (unsigned i = MANY; i > 0; i--) {
		struct policy *p = find_number(t, a, i);

		policy_unlink(t, p);
		free(p);
	}
	assert_string_equal(t->policies->id, "100001");
	lab_end(&lab);
}

// Against an array of ids, "f3" for the filter's and "a3" for the other's.
struct model {
	char ids[2 * FEW][8];
	unsigned n;
};

static unsigned position(const struct model *m, const char *id)
{
	unsigned i = 0;

	while (i < m->n && strcmp(m->ids[i], id) != 0)
		i++;
	return i;
}

static void compare(const struct model *m, const struct target *t)
{
	unsigned i = 0;

	for (const struct policy *p = t->policies; p; p = p->next, i++) {
		assert_true(i < m->n);
		assert_string_equal(p->id, m->ids[i] + 1);
		assert_int_equal(*m->ids[i], strcmp(policy_extension(p), filter) == 0 ? 'f' : 'a');
	}
	assert_int_equal(i, m->n);
}

// What an extension is shown: the list without the other's, each under the number that its bytes
// were given first.
static void compare_view(struct target *t, const struct attachment *a)
{
	const struct policy_view *view = policy_view(t, a);
	size_t n = 0;

	assert_non_null(view);
	for (const struct policy *p = t->policies; p; p = p->next) {
		if (p->attachment != a)
			continue;
		assert_true(n < view->n);
		assert_ptr_equal(view->policies[n].id, p->id);
		assert_ptr_equal(view->policies[n].bytes, p->bytes);
		assert_int_equal(view->serials[n], p->serial);
		n++;
	}
	assert_int_equal(view->n, n);
}

static void step(struct model *m, struct target *t, struct attachment *a, char letter)
{
	struct policy *p, *other;
	char id[8];
	unsigned at;

	snprintf(id, sizeof(id), "%c%d", letter, rand() % FEW);
	at = position(m, id);
	p = policy_find(t, a, id + 1);
	assert_int_equal(p != NULL, at < m->n);
	if (!p) {
		policy_append(t, make(a, id + 1));
		memcpy(m->ids[m->n++], id, sizeof(id));
		return;
	}
	switch (rand() % 3) {
	case 0:
		assert_true(p->serial > 0);
		policy_unlink(t, p);
		free(p);
		memmove(m->ids[at], m->ids[at + 1], (--m->n - at) * sizeof(m->ids[0]));
		return;
	case 1: // thought better of
		policy_unlink(t, p);
		assert_null(policy_find(t, a, id + 1));
		policy_link(t, p);
		return;
	default:
		other = make(a, id + 1);
		policy_replace(t, p, other);
		assert_ptr_equal(policy_find(t, a, id + 1), other);
		assert_true(other->serial > p->serial);
		free(p);
	}
}

static void random_operations(void **state)
{
	struct model m = { .n = 0 };
	struct attachment *a[2];
	struct target *t;
	struct lab lab;
	unsigned n_filters = 0;

	(void)state;
	srand(2);
	t = start(&lab);
	a[0] = attachment_find(t->vswitch, filter);
	a[1] = attachment_find(t->vswitch, after);
	for (unsigned i = 0; i < 20000; i++) {
		unsigned which = (unsigned)rand() % 2;

		step(&m, t, a[which], which ? 'a' : 'f');
		compare(&m, t);
		// After one change, or after more than are followed.
		if (rand() % (i % 4000 < 2000 ? 2 : 200) == 0)
			compare_view(t, a[rand() % 2]);
	}
	for (unsigned i = 0; i < m.n; i++)
		n_filters += *m.ids[i] == 'f';
	assert_int_equal(policies_free(t, a[0]), n_filters);
	assert_int_equal(policies_free(t, NULL), m.n - n_filters);
	assert_null(t->policies);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_are_made_and_found),
		cmocka_unit_test(random_operations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
