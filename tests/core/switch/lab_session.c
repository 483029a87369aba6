// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "lab_session.h"

void session_start(struct lab *lab, const struct lab_options *options)
{
	lab_start(lab, options);
	lab_learn(lab);
	lab_attach(lab, "stateful", 0);
	lab_forget_log(lab);
}

void session_wait_s(struct lab *lab, unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		lab_advance_s(lab, 1);
		for (unsigned k = 0; k < 4; k++)
			lab_run(lab);
	}
}

static void see(void *context, const struct weir_session_info *info)
{
	struct session_rows *rows = context;
	size_t used = strlen(rows->text);

	assert_string_equal(info->switch_name, "br0");
	assert_string_equal(info->extension, "stateful");
	rows->n++;
	snprintf(rows->text + used, sizeof(rows->text) - used, "%s %s %s %llu/%llu;", info->port,
		info->key, info->state, (unsigned long long)info->frames,
		(unsigned long long)info->reverse_frames);
}

struct session_rows session_list(struct lab *lab)
{
	struct session_rows rows = { 0 };

	assert_int_equal(weir_session_list(lab->weir, "br0", see, &rows, &lab->error), 0);
	return rows;
}
