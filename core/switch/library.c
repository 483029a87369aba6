// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// libweir's own: everything else of it comes from the core.
#include <weir/embed.h>

const char *weir_version(void)
{
	return WEIR_VERSION;
}
