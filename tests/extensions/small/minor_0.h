// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The descriptor as minor version 0 of the interface had it, frozen: what was built against those
// headers must go on to load and run. MINOR_0_EXTENSION() does what WEIR_EXTENSION() did.
#ifndef MINOR_0_H
#define MINOR_0_H

#include <weir/extension.h>

struct minor_0_extension {
	uint32_t size;
	uint16_t abi_major, abi_minor;
	enum weir_class class;
	const char *name, *version, *summary;
	uint64_t reads;
	const struct weir_drop_reason *drop_reasons;
	uint32_t n_drop_reasons;
	const void *schema;
	size_t schema_size;
	weir_decide *ingress, *forward, *forwarded, *egress, *dropped;
	void (*visit)(const void *state, struct weir_visit *v);
	int (*attach)(struct weir_attachment *a, void **instance, struct weir_error *error);
	void (*detach)(void *instance);
	int (*prepare)(void *instance, const struct weir_target *target, struct weir_plan *plan,
		void **prepared, struct weir_error *error);
	const void *(*commit)(void *instance, void *prepared);
	void (*abort)(void *instance, void *prepared);
	void (*release)(void *instance, const void *state);
	int (*review)(void *instance, const struct weir_event *event, struct weir_error *error);
	void (*event)(void *instance, const struct weir_event *event);
};

// The symbol has its old name, which in C is that of a larger type.
#define MINOR_0_EXTENSION(extension_name, extension_class, ...)                                    \
	__attribute__((section(".note.weir"), used,                                                \
		aligned(4))) static const struct weir_note minor_0_note = {                        \
		.name_size = 5,                                                                    \
		.desc_size = sizeof(struct weir_note) - offsetof(struct weir_note, magic),         \
		.type = WEIR_NOTE_TYPE,                                                            \
		.owner = "Weir",                                                                   \
		.magic = WEIR_NOTE_MAGIC,                                                          \
		.abi_major = 1,                                                                    \
		.needs_minor = 0,                                                                  \
		.class = (extension_class),                                                        \
		.descriptor_size = sizeof(struct minor_0_extension),                               \
		.name = extension_name,                                                            \
	};                                                                                         \
	extern const struct minor_0_extension minor_0_descriptor __asm__("weir_extension");        \
	__attribute__((visibility("default")))                                                     \
	const struct minor_0_extension minor_0_descriptor = { .size = sizeof(                      \
								      struct minor_0_extension),   \
		.abi_major = 1,                                                                    \
		.abi_minor = 0,                                                                    \
		.class = (extension_class),                                                        \
		.name = (extension_name),                                                          \
		__VA_ARGS__ }

#endif
