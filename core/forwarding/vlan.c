// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "forwarding/vlan.h"

#define TRUNK  "trunk:"
#define NATIVE "native:"

enum { QUOTED_SIZE = 48 };

// A part of the user's text for a sentence: short, and ASCII whatever was typed.
static const char *quote(const char *part, size_t length, char quoted[QUOTED_SIZE])
{
	size_t n = length < QUOTED_SIZE - 4 ? length : QUOTED_SIZE - 4;

	for (size_t i = 0; i < n; i++)
		quoted[i] = isascii(part[i]) && isprint(part[i]) ? part[i] : '?';
	strcpy(quoted + n, n < length ? "..." : "");
	return quoted;
}

// Decimal digits and nothing else. Returns 0, which is no VLAN, unless it is 1 to 4094.
static uint16_t number(const char *text, size_t length)
{
	unsigned n = 0;

	if (length == 0 || length > 4)
		return 0;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		n = n * 10 + (unsigned)(text[i] - '0');
	}
	return n <= VLAN_MAX ? (uint16_t)n : 0;
}

static void allow(struct vlan_config *config, uint16_t first, uint16_t last)
{
	for (unsigned vlan = first; vlan <= last; vlan++)
		config->allowed[vlan / 64] |= UINT64_C(1) << vlan % 64;
}

// Returns false when the native VLAN is given twice or is none.
static bool parse_native(const char *text, size_t length, struct vlan_config *config)
{
	uint16_t vid = number(text, length);

	if (vid == 0 || config->vid)
		return false;
	config->vid = vid;
	allow(config, vid, vid);
	return true;
}

static bool parse_range(const char *text, size_t length, struct vlan_config *config)
{
	const char *dash = memchr(text, '-', length);
	size_t n = dash ? (size_t)(dash - text) : length;
	uint16_t first = number(text, n);
	uint16_t last = dash ? number(dash + 1, length - n - 1) : first;

	if (first == 0 || last < first)
		return false;
	allow(config, first, last);
	return true;
}

static int parse_item(
	const char *item, size_t length, struct vlan_config *config, struct weir_error *error)
{
	size_t prefix = strlen(NATIVE);
	char quoted[QUOTED_SIZE];

	if (length >= prefix && memcmp(item, NATIVE, prefix) == 0) {
		if (parse_native(item + prefix, length - prefix, config))
			return 0;
		return weir_refuse(error, -EINVAL, "vlan",
			"vlan \"%s\": must be native:ID, ID 1 to 4094, once in a trunk",
			quote(item, length, quoted));
	}
	if (parse_range(item, length, config))
		return 0;
	return weir_refuse(error, -EINVAL, "vlan",
		"vlan \"%s\": must be an id, 1 to 4094, a range such as 1-100, or native:ID",
		quote(item, length, quoted));
}

static int parse_trunk(const char *items, struct vlan_config *config, struct weir_error *error)
{
	for (;;) {
		size_t length = strcspn(items, ",");
		int result = parse_item(items, length, config, error);

		if (result || items[length] == '\0')
			return result;
		items += length + 1;
	}
}

static int parse_access(const char *text, struct vlan_config *config, struct weir_error *error)
{
	size_t length = strlen(text);
	char quoted[QUOTED_SIZE];

	config->vid = number(text, length);
	if (config->vid)
		return 0;
	if (strspn(text, "0123456789") == length)
		return weir_refuse(error, -EINVAL, "vlan", "vlan \"%s\": must be 1 to 4094",
			quote(text, length, quoted));
	return weir_refuse(error, -EINVAL, "vlan",
		"vlan \"%s\": must be none, an id, 1 to 4094, or a trunk such as "
		"trunk:1-100,200,native:1",
		quote(text, length, quoted));
}

int vlan_parse(const char *text, struct vlan_config *config, struct weir_error *error)
{
	struct vlan_config parsed = { .mode = VLAN_NONE };
	int result = 0;

	if (strncmp(text, TRUNK, strlen(TRUNK)) == 0) {
		parsed.mode = VLAN_TRUNK;
		result = parse_trunk(text + strlen(TRUNK), &parsed, error);
	} else if (text[0] != '\0' && strcmp(text, "none") != 0) {
		parsed.mode = VLAN_ACCESS;
		result = parse_access(text, &parsed, error);
	}
	if (result == 0)
		*config = parsed;
	return result;
}

static char *format_range(char *at, unsigned first, unsigned last)
{
	if (first == last)
		return at + sprintf(at, "%u,", first);
	return at + sprintf(at, "%u-%u,", first, last);
}

void vlan_format(const struct vlan_config *config, char text[VLAN_TEXT_SIZE])
{
	char *at = text;
	uint16_t first = 0;

	*at = '\0';
	if (config->mode == VLAN_ACCESS)
		sprintf(at, "%u", config->vid);
	if (config->mode != VLAN_TRUNK)
		return;
	at = stpcpy(at, TRUNK);
	for (uint16_t vlan = VLAN_MIN; vlan <= VLAN_MAX; vlan++) {
		if (!vlan_allowed(config, vlan))
			continue;
		if (!vlan_allowed(config, vlan - 1))
			first = vlan;
		if (!vlan_allowed(config, vlan + 1))
			at = format_range(at, first, vlan);
	}
	if (config->vid)
		sprintf(at, NATIVE "%u", config->vid);
	else
		at[-1] = '\0'; // the last comma; a trunk allows at least one
}

static bool classify(
	uint16_t to, enum vlan_ingress_tag how, uint16_t *vlan, enum vlan_ingress_tag *tag)
{
	*vlan = to;
	*tag = how;
	return true;
}

static bool refuse(enum vlan_refusal reason, enum vlan_refusal *why)
{
	*why = reason;
	return false;
}

bool vlan_ingress(const struct vlan_config *config, unsigned n_tags, uint16_t vid, uint16_t *vlan,
	enum vlan_ingress_tag *tag, enum vlan_refusal *why)
{
	bool tagged = n_tags > 0 && vid != 0;

	if (config->mode == VLAN_NONE)
		return classify(tagged ? vid : 0, VLAN_INGRESS_KEEP, vlan, tag);
	if (tagged) {
		if (config->mode == VLAN_ACCESS)
			return refuse(VLAN_REFUSED_TAGGED, why);
		if (!vlan_allowed(config, vid))
			return refuse(VLAN_REFUSED_NOT_ALLOWED, why);
		return classify(vid, VLAN_INGRESS_KEEP, vlan, tag);
	}
	if (config->vid == 0)
		return refuse(VLAN_REFUSED_UNTAGGED, why);
	return classify(
		config->vid, n_tags > 0 ? VLAN_INGRESS_SET_VID : VLAN_INGRESS_PUSH, vlan, tag);
}

bool vlan_egress(const struct vlan_config *config, uint16_t vlan, enum vlan_egress_tag *tag)
{
	bool is_untagged = vlan != 0 && vlan == config->vid;

	if (config->mode == VLAN_NONE) {
		*tag = VLAN_EGRESS_KEEP;
		return true;
	}
	if (config->mode == VLAN_ACCESS ? !is_untagged : !vlan_allowed(config, vlan))
		return false;
	*tag = is_untagged ? VLAN_EGRESS_UNTAG : VLAN_EGRESS_TAG;
	return true;
}
