// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A service that has something running for clients as long as it is attached.
#include <string.h>

#include <weir/extension.h>

static int attach(struct weir_attachment *a, void **instance, struct weir_error *error)
{
	char longer[WEIR_RUNNING_MAX + 2];
	int failed;

	(void)instance;
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	failed = weir_running(a, 3, "errands");
	if (failed)
		return weir_refuse(error, failed, NULL, "nobody wants to know what runs");
	weir_log(
		a, 7, "longer: %d, none: %d", weir_running(a, 4, longer), weir_running(a, 5, NULL));
	return 0;
}

WEIR_EXTENSION("runner", WEIR_CLASS_SERVICE, .version = "1.0", .summary = "Runs errands",
	.attach = attach);
