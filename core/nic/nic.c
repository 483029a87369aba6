// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/nic.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

enum {
	MAX_SPECIFICATION = PATH_MAX + 64, // bytes; the longest is a path and its options
};

struct kind {
	const struct nic_class *class;
	bool has_interface; // its argument begins with the name of a kernel interface
};

static const struct kind kinds[] = {
	{ &nic_tap_class, true },
	{ &nic_packet_class, true },
	{ &nic_memory_class, false },
	{ &nic_replay_class, false },
	{ &nic_null_class, false },
	{ &nic_dpdk_class, false },
};

enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static const struct kind *find_kind(const char *name, size_t size)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		const char *kind = kinds[i].class->kind;

		if (strlen(kind) == size && memcmp(kind, name, size) == 0)
			return &kinds[i];
	}
	return NULL;
}

static int refuse_kind(const char *specification, size_t size, struct weir_error *error)
{
	char known[128] = "";
	size_t n = 0;

	for (size_t i = 0; i < N_KINDS && n < sizeof(known); i++)
		n += (size_t)snprintf(
			known + n, sizeof(known) - n, "%s%s", i ? ", " : "", kinds[i].class->kind);
	return weir_refuse(error, -EINVAL, "nic",
		"nic \"%.100s\": unknown kind \"%.*s\"; there are %s", specification,
		(int)(size < 32 ? size : 32), specification, known);
}

// The kind's usage tells whether it takes an argument: "null" none, "memory[:...]" if wanted,
// "tap:NAME" always.
static int check_argument(const struct nic_class *class, const char *specification,
	const char *argument, struct weir_error *error)
{
	char form = class->usage[strlen(class->kind)];
	bool colon = argument != NULL, given = colon && *argument;

	if ((form == '\0' && colon) || (form == '[' && colon && !given) || (form == ':' && !given))
		return weir_refuse(error, -EINVAL, "nic", "nic \"%.100s\": %s; the usage is %s",
			specification, form ? "an argument is missing" : "takes no argument",
			class->usage);
	return 0;
}

// The text as a whole: it is shown to people and stored, and may have come from anywhere.
static int check_text(const char *specification, struct weir_error *error)
{
	size_t size = strnlen(specification, MAX_SPECIFICATION + 1);

	if (size > MAX_SPECIFICATION)
		return weir_refuse(error, -EINVAL, "nic",
			"nic \"%.32s...\": must not be longer than %d bytes", specification,
			MAX_SPECIFICATION);
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)specification[i];

		if (c < 0x20 || c == 0x7f)
			return weir_refuse(error, -EINVAL, "nic",
				"nic: control character 0x%02x at byte %zu: must be printable", c,
				i + 1);
	}
	return 0;
}

// Finds the kind and the argument (NULL without a colon) of a specification.
static int parse(const char *specification, const struct kind **kind, const char **argument,
	struct weir_error *error)
{
	size_t size = strcspn(specification, ":");
	const char *rest = specification[size] ? specification + size + 1 : NULL;
	const struct kind *found;
	int ret = check_text(specification, error);

	if (ret)
		return ret;
	found = find_kind(specification, size);
	if (!found)
		return refuse_kind(specification, size, error);
	ret = check_argument(found->class, specification, rest, error);
	if (ret)
		return ret;
	*kind = found;
	*argument = rest;
	return 0;
}

int nic_open(const char *specification, const struct nic_options *options, struct nic **nic,
	struct weir_error *error)
{
	struct nic_options with_argument = *options;
	const struct kind *kind;
	const char *argument;
	int ret = parse(specification, &kind, &argument, error);

	if (ret)
		return ret;
	with_argument.argument = argument ? argument : "";
	ret = kind->class->open(&with_argument, nic, error);
	if (ret)
		return ret;
	// A module's class is not the one that is listed here: they have the kind in common.
	assert(strcmp((*nic)->class->kind, kind->class->kind) == 0);
	assert((*nic)->n_tx_queues >= 1 && (*nic)->n_tx_queues <= NIC_MAX_QUEUES);
	assert((*nic)->n_rx_queues <= NIC_MAX_QUEUES);
	return 0;
}

int nic_try(const char *specification, const struct nic_options *options, struct weir_error *error)
{
	struct nic_options with_argument = *options;
	const struct kind *kind;
	const char *argument;
	int ret = parse(specification, &kind, &argument, error);

	if (ret || !kind->class->check)
		return ret;
	with_argument.argument = argument ? argument : "";
	return kind->class->check(&with_argument, error);
}

bool nic_shares(const char *specification, const struct nic_options *options)
{
	struct nic_options with_argument = *options;
	const struct kind *kind;
	const char *argument;

	if (parse(specification, &kind, &argument, NULL) || !kind->class->shares)
		return false;
	with_argument.argument = argument ? argument : "";
	return kind->class->shares(&with_argument);
}

void nic_close(struct nic *nic)
{
	if (nic)
		nic->class->close(nic);
}

int nic_check(const char *specification, struct weir_error *error)
{
	const struct kind *kind;
	const char *argument;

	return parse(specification, &kind, &argument, error);
}

bool nic_interface(const char *specification, char name[/* 16 */])
{
	const struct kind *kind;
	const char *argument;
	size_t size;

	name[0] = '\0';
	if (parse(specification, &kind, &argument, NULL) || !kind->has_interface)
		return true;
	size = strcspn(argument, ",");
	if (size >= 16)
		return false;
	memcpy(name, argument, size);
	name[size] = '\0';
	return true;
}

void nic_claim(const char *specification, char claim[/* NIC_CLAIM_SIZE */])
{
	const struct kind *kind;
	const char *argument;
	char name[64];

	claim[0] = '\0';
	if (parse(specification, &kind, &argument, NULL))
		return;
	if (kind->class == &nic_dpdk_class) {
		nic_dpdk_device(argument, name, sizeof(name));
		snprintf(claim, NIC_CLAIM_SIZE, "device %s", name);
	} else if (nic_interface(specification, name) && name[0]) {
		snprintf(claim, NIC_CLAIM_SIZE, "interface %s", name);
	}
}
