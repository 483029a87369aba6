// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Kinds of NICs that live in a loadable module, because what they need is not on every machine:
// weir-dpdk.so has the kinds that need DPDK. The core opens a module when one of its kinds is
// first asked for, and never closes it.
//
// The two sides share nic.h and weir/frame.h and are built together, which `version` and the sizes
// prove. A module has no undefined symbol of the core's: what it needs is in struct nic_host. It
// exports one struct, named WEIR_NIC_MODULE_SYMBOL.
#ifndef NIC_MODULE_H
#define NIC_MODULE_H

#include "nic/nic.h"

#define NIC_MODULE_SYMBOL "weir_nic_module"

enum {
	NIC_MODULE_VERSION = 1,
};

// What the core lends to the kinds of a module, in nic_options. Lives until the last NIC that was
// opened with it is closed.
struct nic_host {
	// Where modules are looked for first, NULL: only where they are installed.
	const char *directory;
	// What DPDK's EAL is started with, words between blanks; NULL: what fits the machine.
	const char *dpdk_arguments;
	unsigned n_dpdk_mbufs; // buffers of all dpdk NICs together; 0: what fits the memory
	// Takes what the module has to say. level as syslog(3). Any thread, also during open(). May
	// be NULL.
	void (*log)(void *context, int level, const char *line);
	void *log_context;
};

struct nic_module {
	uint32_t version; // NIC_MODULE_VERSION
	uint32_t nic_size, options_size, class_size, host_size;
	const struct nic_class *const *classes; // ends with NULL; their `kind` tells them apart
};

// For a module's definition: the sizes as it was compiled.
#define NIC_MODULE_SIZES                                                                           \
	.version = NIC_MODULE_VERSION, .nic_size = sizeof(struct nic),                             \
	.options_size = sizeof(struct nic_options), .class_size = sizeof(struct nic_class),        \
	.host_size = sizeof(struct nic_host)

// Finds the class of a kind in a module (file: "weir-dpdk.so"), which is loaded if it is not yet.
// host may be NULL. 0, or a refusal that says what is missing. Control thread; may block.
int nic_module_class(const char *file, const char *kind, const struct nic_host *host,
	const struct nic_class **class, struct weir_error *error);

#endif
