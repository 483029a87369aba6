// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "lab_replace.h"

#include "versioned.pb-c.h"

int try_replace(struct lab *lab, const char *name, const char *path, unsigned flags)
{
	return weir_extension_replace(lab->weir, name, path, flags, &lab->error);
}

void replace(struct lab *lab, const char *name, const char *path)
{
	if (try_replace(lab, name, path, 0) < 0)
		fail_msg(
			"replacing %s by %s: %s", name, path ? path : "itself", lab->error.message);
}

void replace_want(struct lab *lab, const char *target, const char *id, unsigned l4_dst)
{
	Versioned__Versioned message = VERSIONED__VERSIONED__INIT;

	message.l4_dst = l4_dst;
	lab_policy(lab, target, "versioned", "versioned", id, &message.base);
}

void replace_start(struct lab *lab)
{
	lab_start(lab, &(struct lab_options){ .n_ports = 4, .strict = true });
	lab_learn(lab);
	lab_attach(lab, "versioned", 30);
	replace_want(lab, "p0", "discard", 9);
	replace_want(lab, "p0", "old", 1);
	replace_want(lab, "p0", "new", 2);
	lab_settle(lab);
	lab_forget_log(lab);
}

static void find(void *context, const struct weir_extension_info *info)
{
	struct found *f = context;

	if (strcmp(info->name, f->name) != 0)
		return;
	f->n++;
	snprintf(f->version, sizeof(f->version), "%s", info->version);
	snprintf(f->path, sizeof(f->path), "%s", info->path);
	f->order = info->switch_name ? info->order : -1;
	f->fail_open = info->fail_open;
	f->decisions = info->decisions;
	f->visits = info->visits;
}

struct found replace_found(struct lab *lab, const char *name)
{
	struct found f = { .name = name };

	assert_int_equal(weir_extension_list(lab->weir, NULL, find, &f, &lab->error), 0);
	return f;
}

unsigned replace_seen_by(struct lab *lab)
{
	struct lab_frame frame = lab_udp(0, 1, 1000, 2000), last;
	unsigned got[LAB_PORTS_MAX];

	lab_pass(lab, 0, &frame, got, 1, &last);
	assert_int_equal(got[1], 1);
	return last.bytes[last.size - 1];
}

void replace_drop_one(struct lab *lab, uint16_t l4_dst)
{
	struct lab_frame frame = lab_udp(0, 1, 1000, l4_dst);

	lab_assert_pass(lab, 0, &frame, 0);
}
