// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A transaction of prepares from its commit to its end, for those who publish one change at a time.
#include <errno.h>

#include <weir/embed.h>

#include "switch/change.h"
#include "switch/port.h"
#include "switch/publish.h"
#include "switch/target.h"
#include "switch/vswitch.h"

int change_publish_target(void *context)
{
	struct target *target = context;

	return target->port ? port_republish(target->port) : publish_all(target->vswitch);
}

int change_carry_out(
	struct change *change, unsigned flags, change_publisher *publish, void *context)
{
	if (flags & WEIR_DRY_RUN) {
		change_abort(change);
		return 0;
	}
	change_commit(change);
	if (publish(context) < 0) {
		change_revert(change);
		return -ENOMEM;
	}
	change_finish(change);
	return 0;
}
