// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <assert.h>
#include <string.h>
#include <syslog.h>

#include <weir/embed.h>

#include "switch/notice.h"

// Every kind there is, by name, and how much its line in the log matters.
static const struct kind {
	const char *name;
	int level;
} kinds[] = {
	{ "decide-slow", LOG_WARNING },
	{ "extension-attached", LOG_INFO },
	{ "extension-changed", LOG_INFO },
	{ "extension-detached", LOG_INFO },
	{ "extension-expelled", LOG_WARNING },
	{ "extension-loaded", LOG_INFO },
	{ "extension-missing", LOG_WARNING },
	{ "extension-not-replaced", LOG_WARNING },
	{ "extension-replaced", LOG_INFO },
	{ "extension-unloaded", LOG_INFO },
	{ "fdb-added", LOG_INFO },
	{ "fdb-moved", LOG_INFO },
	{ "fdb-removed", LOG_INFO },
	{ "item-left-out", LOG_WARNING },
	{ "nic-connected", LOG_INFO },
	{ "nic-disconnected", LOG_INFO },
	{ "nic-lost", LOG_WARNING },
	{ "policies-refused", LOG_WARNING },
	{ "policy-changed", LOG_INFO },
	{ "port-added", LOG_INFO },
	{ "port-blocked", LOG_WARNING },
	{ "port-changed", LOG_INFO },
	{ "port-removed", LOG_INFO },
	{ "port-unblocked", LOG_INFO },
	{ "request-refused", LOG_INFO }, // the control socket's
	{ "rights-violated", LOG_WARNING },
	{ "state-not-restored", LOG_WARNING },
	{ "switch-added", LOG_INFO },
	{ "switch-removed", LOG_INFO },
};

enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

const char *weir_notice_kind(unsigned i)
{
	return i < N_KINDS ? kinds[i].name : NULL;
}

int notice_level(const char *kind)
{
	unsigned i = 0;

	while (i < N_KINDS && strcmp(kinds[i].name, kind) != 0)
		i++;
	assert(i < N_KINDS); // who adds a kind adds it to the table
	return i < N_KINDS ? kinds[i].level : LOG_INFO;
}
