// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// cmocka's setup and teardown of a catalog of sample.proto, which is the state.
#ifndef SAMPLE_CATALOG_H
#define SAMPLE_CATALOG_H

#include "catalog.h"
#include "sample.schema.h"

static inline int catalog_setup(void **state)
{
	struct ctl_error error = { .message = "" };
	struct catalog *catalog;

	if (catalog_parse(weir_schema, sizeof(weir_schema), &catalog, &error))
		fail_msg("%s", error.message);
	*state = catalog;
	return 0;
}

static inline int catalog_teardown(void **state)
{
	catalog_free(*state);
	return 0;
}

#endif
