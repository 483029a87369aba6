// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Modules as they should not be: compiled several times, with what is wrong as a macro.
#include "nic/module.h"

#ifndef WITHOUT_SYMBOL
static const struct nic_class *const classes[] = { NULL };

__attribute__((visibility("default"))) extern const struct nic_module weir_nic_module;
const struct nic_module weir_nic_module = {
	NIC_MODULE_SIZES,
#ifdef OLD_VERSION
	.nic_size = sizeof(struct nic) - 8,
#endif
	.classes = classes,
};
#endif

#ifdef WITHOUT_LIBRARY
void weir_function_that_nothing_defines(void);
__attribute__((constructor)) static void call(void)
{
	weir_function_that_nothing_defines();
}
#endif
