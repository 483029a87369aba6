// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "lab_restore.h"

#include <stdlib.h>

static void keep_notice(void *context, const struct weir_notice *n)
{
	struct restore_notices *notices = context;
	size_t used = strlen(notices->text);

	snprintf(notices->text + used, sizeof(notices->text) - used, "%s %s%s%s%s%s\n", n->kind,
		n->switch_name, *n->port ? " " : "", n->port, *n->extension ? " " : "",
		n->extension);
}

void restore_start(struct lab *lab, struct restore_notices *notices)
{
	lab_start(lab, &(struct lab_options){ 0 });
	*notices = (struct restore_notices){ 0 };
	weir_on_notice(lab->weir, keep_notice, notices);
}

void restore_document(struct lab *lab, const char *document, const char *differences)
{
	char *got;

	if (lab_try_apply(lab, document, WEIR_RESTORE, &got) < 0)
		fail_msg("%s: %s", lab->error.field, lab->error.message);
	if (differences)
		lab_assert_text(got, differences);
	free(got);
	lab->n_ports = 2;
	weir_memory_release(lab->ends[0]);
	weir_memory_release(lab->ends[1]);
	lab->ends[0] = weir_port_memory(lab->weir, "p0");
	lab->ends[1] = weir_port_memory(lab->weir, "p1");
}

static void see_extension(void *context, const struct weir_extension_info *info)
{
	struct restore_seen *seen = context;

	if (strcmp(info->name, seen->name) != 0)
		return;
	seen->n++;
	seen->missing = info->missing;
	seen->fail_open = info->fail_open;
	seen->order = info->order;
	snprintf(seen->reason, sizeof(seen->reason), "%s", info->reason);
	snprintf(seen->path, sizeof(seen->path), "%s", info->path);
}

struct restore_seen restore_extension(struct lab *lab, const char *name)
{
	struct restore_seen seen = { .name = name };

	assert_int_equal(
		weir_extension_list(lab->weir, "br0", see_extension, &seen, &lab->error), 0);
	return seen;
}

static void see_port(void *context, const struct weir_port_info *info)
{
	struct restore_seen *seen = context;

	seen->n = info->state;
	seen->blocked = info->blocked;
	snprintf(seen->reason, sizeof(seen->reason), "%s", info->reason);
}

struct restore_seen restore_port(struct lab *lab, const char *name)
{
	struct restore_seen seen = { .name = name };

	assert_int_equal(weir_port_list(lab->weir, NULL, name, see_port, &seen, &lab->error), 0);
	return seen;
}
