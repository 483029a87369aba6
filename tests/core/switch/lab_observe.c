// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the laboratory's switch says about itself.
#include "lab.h"

struct looking {
	const char *name, *other, *target;
	unsigned seen;
	uint64_t sum;
	bool found;
	struct lab_extension extension;
	struct weir_switch_info info;
	char *text;
	size_t size;
};

static void see_switch(void *context, const struct weir_switch_info *info)
{
	struct looking *l = context;

	l->found = true;
	l->info = *info;
	l->info.name = l->name;
}

struct weir_switch_info lab_switch(struct lab *lab, const char *name)
{
	struct looking l = { .name = name };

	weir_switch_list(lab->weir, name, see_switch, &l, NULL);
	assert_true(l.found);
	return l.info;
}

static void see_extension(void *context, const struct weir_extension_info *info)
{
	struct looking *l = context;
	struct lab_extension *e = &l->extension;

	if (strcmp(info->name, l->name) == 0) {
		*e = (struct lab_extension){
			.attached = true,
			.missing = info->missing,
			.expelled = info->expelled,
			.fail_open = info->fail_open,
			.order = info->order,
			.position = l->seen,
			.decisions = info->decisions,
			.visits = info->visits,
			.violations = info->violations,
			.invalid = info->invalid,
			.impure = info->impure,
			.modified = info->modified,
		};
		e->offences = e->violations + e->invalid + e->impure + e->modified;
		snprintf(e->last_offence, sizeof(e->last_offence), "%s", info->last_offence);
		snprintf(e->reason, sizeof(e->reason), "%s", info->reason);
		snprintf(e->path, sizeof(e->path), "%s", info->path);
		snprintf(e->version, sizeof(e->version), "%s", info->version);
	}
	l->seen++;
}

struct lab_extension lab_extension(struct lab *lab, const char *name)
{
	struct looking l = { .name = name };

	assert_int_equal(weir_extension_list(lab->weir, "br0", see_extension, &l, NULL), 0);
	return l.extension;
}

static void see_drop(void *context, const struct weir_drop_info *info)
{
	struct looking *l = context;

	if (strcmp(info->extension, l->name) == 0 && strcmp(info->reason, l->other) == 0)
		l->sum += info->frames;
}

uint64_t lab_drops(struct lab *lab, const char *extension, const char *reason)
{
	struct looking l = { .name = extension, .other = reason };

	assert_int_equal(weir_drop_list(lab->weir, NULL, see_drop, &l, NULL), 0);
	return l.sum;
}

static void see_meter(void *context, const struct weir_meter_info *info)
{
	struct looking *l = context;

	if (strcmp(info->target, l->target) == 0 && strcmp(info->extension, l->name) == 0 &&
		strcmp(info->id, l->other) == 0)
		l->sum = info->frames;
}

uint64_t lab_meter(struct lab *lab, const char *target, const char *extension, const char *id)
{
	struct looking l = { .name = extension, .other = id, .target = target };

	l.sum = UINT64_MAX;
	assert_int_equal(weir_meter_list(lab->weir, NULL, false, see_meter, &l, NULL), 0);
	return l.sum;
}

static void see_flow(void *context, const struct weir_flow_info *info)
{
	struct looking *l = context;

	if (!strstr(info->key, l->name))
		return;
	l->seen++;
	if (l->text)
		snprintf(l->text, l->size, "%s", info->program);
}

static void seen_all(void *context)
{
	((struct looking *)context)->found = true;
}

static void look_at_flows(struct lab *lab, struct looking *l)
{
	assert_int_equal(weir_flow_list(lab->weir, "br0", see_flow, seen_all, l, &lab->error), 0);
	for (unsigned i = 0; !l->found && i < 1000; i++)
		lab_run(lab);
	assert_true(l->found);
}

void lab_program(struct lab *lab, const char *key, char *text, size_t size)
{
	struct looking l = { .name = key, .text = text, .size = size };

	*text = '\0';
	look_at_flows(lab, &l);
}

unsigned lab_count_flows(struct lab *lab, const char *key)
{
	struct looking l = { .name = key };

	look_at_flows(lab, &l);
	return l.seen;
}
