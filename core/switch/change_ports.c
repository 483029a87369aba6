// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What depends on which ports there are.
#include <syslog.h>

#include <weir/extension.h>

#include "switch/attachment.h"
#include "switch/change.h"
#include "switch/port.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

static bool prepare_again(struct change *change, struct target *target)
{
	bool any = false;

	for (struct target_state *state = target->states; state; state = state->next) {
		struct weir_error error;

		if (!state->uses_ports)
			continue;
		if (change_prepare(change, state->attachment, target, &error) == 0)
			any = true;
		else if (!state->refusal)
			weir_log_line(target->vswitch->weir, LOG_WARNING,
				"extension %s keeps its old state for %s: %s",
				state->attachment->descriptor->name,
				target->port ? target->port->name : target->vswitch->name,
				error.message);
	}
	return any;
}

void change_ports_changed(struct vswitch *s)
{
	struct change change = { 0 };
	bool any = prepare_again(&change, &s->target);

	for (unsigned i = 0; i < s->n_indices; i++)
		if (s->ports[i])
			any |= prepare_again(&change, &s->ports[i]->target);
	if (any && change_carry_out(&change, 0, change_publish_target, &s->target) < 0)
		weir_log_line(
			s->weir, LOG_ERR, "switch %s: no memory to follow its ports", s->name);
}
