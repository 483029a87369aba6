// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <string.h>

#include "switch/loader.h"
#include "switch/loader_internal.h"
#include "switch/wire.h"

#define END_OF(member) (offsetof(struct weir_extension, member) + sizeof(void *))

// Least bytes of a descriptor by the minor version that it was built against.
static const uint32_t least_sizes[] = {
	[0] = END_OF(event),
	[1] = END_OF(save_version),
	[2] = END_OF(session_ended),
};

_Static_assert(sizeof(least_sizes) / sizeof(least_sizes[0]) == WEIR_ABI_MINOR + 1,
	"each minor version has its size");

static const char *const class_names[] = {
	[WEIR_CLASS_CAPTURE] = "capture",
	[WEIR_CLASS_FILTER] = "filter",
	[WEIR_CLASS_FORWARDING] = "forwarding",
	[WEIR_CLASS_SERVICE] = "service",
};

enum {
	CAPTURE = 1 << WEIR_CLASS_CAPTURE,
	FILTER = 1 << WEIR_CLASS_FILTER,
	FORWARDING = 1 << WEIR_CLASS_FORWARDING,
	SERVICE = 1 << WEIR_CLASS_SERVICE,
};

// Hooks that not every class may have. One that would never be called is refused as well: its
// author believes otherwise.
static const struct hook {
	const char *name;
	size_t offset;
	unsigned classes;
} hooks[] = {
	{ "ingress", offsetof(struct weir_extension, ingress), CAPTURE | FILTER },
	{ "forward", offsetof(struct weir_extension, forward), FORWARDING },
	{ "forwarded", offsetof(struct weir_extension, forwarded), FILTER },
	{ "egress", offsetof(struct weir_extension, egress), CAPTURE | FILTER },
	{ "dropped", offsetof(struct weir_extension, dropped), CAPTURE },
	{ "visit", offsetof(struct weir_extension, visit), CAPTURE | FILTER | FORWARDING },
	{ "review", offsetof(struct weir_extension, review), FILTER | FORWARDING | SERVICE },
	{ "session_ended", offsetof(struct weir_extension, session_ended), FILTER | FORWARDING },
};

const char *extension_class_name(unsigned class)
{
	return class < sizeof(class_names) / sizeof(class_names[0]) ? class_names[class] : NULL;
}

static bool is_token(const char *text, size_t max)
{
	size_t size = strnlen(text, max + 1);

	return size >= 1 && size <= max &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == size;
}

bool loader_is_name(const char *text)
{
	return is_token(text, WEIR_NAME_MAX - 1);
}

static bool is_reserved(const char *name)
{
	static const char *const reserved[] = { WEIR_RESERVED_NAMES };

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(name, reserved[i]) == 0)
			return true;
	return false;
}

int loader_check_name(const char *name, struct weir_error *error)
{
	if (!loader_is_name(name))
		return weir_refuse(error, -EINVAL, "name",
			"extension \"%.64s\": a name has 1 to %d characters a-z, 0-9 and \"-\"",
			name, WEIR_NAME_MAX - 1);
	if (is_reserved(name))
		return weir_refuse(error, -EINVAL, "name",
			"extension \"%s\": the name is taken by the switch itself or by a command "
			"of "
			"weirctl's; an extension must have another",
			name);
	return 0;
}

// What is shown in one line of a table.
static bool is_line(const char *text)
{
	size_t size = strnlen(text, LOADER_MAX_TEXT + 1);

	if (!size || size > LOADER_MAX_TEXT || !wire_is_text((const uint8_t *)text, size))
		return false;
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == '\x7f')
			return false;
	return true;
}

static uint32_t least_size(uint16_t minor)
{
	// A later version than this host's has at least what this host knows.
	return least_sizes[minor > WEIR_ABI_MINOR ? WEIR_ABI_MINOR : minor];
}

int loader_check_note(const struct weir_note *note, const char *name, struct weir_error *error)
{
	if (note->abi_major != WEIR_ABI_MAJOR)
		return weir_refuse(error, -EPROTONOSUPPORT, "path",
			"is made for major version %u of the interface; this host has %d",
			note->abi_major, WEIR_ABI_MAJOR);
	if (note->needs_minor > WEIR_ABI_MINOR)
		return weir_refuse(error, -EPROTONOSUPPORT, "path",
			"needs at least version %u.%u of the interface; this host has %d.%d",
			note->abi_major, note->needs_minor, WEIR_ABI_MAJOR, WEIR_ABI_MINOR);
	if (!loader_is_name(note->name))
		return weir_refuse(error, -EINVAL, "path",
			"names itself \"%s\"; a name has 1 to %d characters a-z, 0-9 and \"-\"",
			note->name, WEIR_NAME_MAX - 1);
	if (strcmp(note->name, name) != 0)
		return weir_refuse(error, -EINVAL, "name",
			"is the extension \"%s\"; \"%s\" was asked for", note->name, name);
	if (!extension_class_name(note->class))
		return weir_refuse(error, -EINVAL, "path",
			"is of class %u; must be 1 (capture), 2 (filter), 3 (forwarding) or 4 "
			"(service)",
			note->class);
	if (note->descriptor_size < least_size(note->needs_minor))
		return weir_refuse(error, -EMSGSIZE, "path",
			"has a descriptor of %u bytes; version %u.%u has at least %u",
			note->descriptor_size, note->abi_major, note->needs_minor,
			least_size(note->needs_minor));
	return 0;
}

// What the note says decided whether the file was loaded: the descriptor must not say otherwise.
static int compare(
	const struct weir_extension *d, const struct weir_note *note, struct weir_error *error)
{
	if (d->size != note->descriptor_size)
		return weir_refuse(error, -EBADE, "path",
			"has a descriptor of %u bytes, but its note says %u", d->size,
			note->descriptor_size);
	if (d->abi_major != note->abi_major || d->abi_minor < note->needs_minor)
		return weir_refuse(error, -EBADE, "path",
			"is built for version %u.%u, but its note says %u.%u or later",
			d->abi_major, d->abi_minor, note->abi_major, note->needs_minor);
	if (d->size < least_size(d->abi_minor))
		return weir_refuse(error, -EMSGSIZE, "path",
			"has a descriptor of %u bytes; version %u.%u has at least %u", d->size,
			d->abi_major, d->abi_minor, least_size(d->abi_minor));
	if ((unsigned)d->class != note->class)
		return weir_refuse(error, -EBADE, "path",
			"has a descriptor of class %u, but its note says %u", (unsigned)d->class,
			note->class);
	if (!d->name)
		return weir_refuse(error, -EINVAL, "path", "has a descriptor without a name");
	if (strncmp(d->name, note->name, WEIR_NAME_MAX) != 0)
		return weir_refuse(error, -EBADE, "path",
			"has a descriptor named \"%.32s\", but its note says \"%s\"", d->name,
			note->name);
	return 0;
}

// What lies behind what this version knows is a newer one's, and else nothing.
static int check_rest(const struct weir_extension *d, const struct weir_extension *known,
	struct weir_error *error)
{
	for (size_t i = sizeof(*known); i < known->size; i++)
		if (known->abi_minor <= WEIR_ABI_MINOR && ((const uint8_t *)d)[i])
			return weir_refuse(error, -E2BIG, "path",
				"has a descriptor of %u bytes; version %u.%u has %zu, and byte %zu "
				"is not zero",
				known->size, known->abi_major, known->abi_minor, sizeof(*known), i);
	return 0;
}

static int check_line(const char *text, const char *what, struct weir_error *error)
{
	if (!text)
		return weir_refuse(error, -EINVAL, "path", "has no %s; it must have one", what);
	if (!is_line(text))
		return weir_refuse(error, -EINVAL, "path",
			"has a malformed %s; it must be one line of 1 to %d bytes UTF-8", what,
			LOADER_MAX_TEXT);
	return 0;
}

static int check_reason(
	const struct weir_drop_reason *reasons, unsigned i, struct weir_error *error)
{
	const char *token = reasons[i].token;
	char what[64];

	if (!token || !is_token(token, LOADER_MAX_TOKEN))
		return weir_refuse(error, -EINVAL, "path",
			"calls its drop reason %u \"%.64s\"; a token has 1 to %d characters a-z, "
			"0-9 and \"-\"",
			i, token ? token : "", LOADER_MAX_TOKEN);
	for (unsigned j = 0; j < i; j++)
		if (strcmp(reasons[j].token, token) == 0)
			return weir_refuse(error, -EINVAL, "path",
				"has two drop reasons \"%s\"; tokens must be unique", token);
	snprintf(what, sizeof(what), "text of drop reason %u", i);
	return check_line(reasons[i].text, what, error);
}

static int check_reasons(const struct weir_extension *d, struct weir_error *error)
{
	if (d->n_drop_reasons > WEIR_REASONS_MAX)
		return weir_refuse(error, -EINVAL, "path", "has %u drop reasons; at most %d",
			d->n_drop_reasons, WEIR_REASONS_MAX);
	if (d->n_drop_reasons && !d->drop_reasons)
		return weir_refuse(error, -EINVAL, "path",
			"says that it has %u drop reasons, but lists none", d->n_drop_reasons);
	for (unsigned i = 0; i < d->n_drop_reasons; i++) {
		int ret = check_reason(d->drop_reasons, i, error);

		if (ret)
			return ret;
	}
	return 0;
}

static int check_hooks(const struct weir_extension *d, struct weir_error *error)
{
	static const void *const nothing;

	for (unsigned i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		const struct hook *hook = &hooks[i];

		if (hook->classes & 1U << d->class ||
			memcmp((const char *)d + hook->offset, &nothing, sizeof(nothing)) == 0)
			continue;
		return weir_refuse(error, -EINVAL, "path",
			"has a hook %s(), which the class %s does not have", hook->name,
			extension_class_name(d->class));
	}
	return 0;
}

static int check_contents(const struct weir_extension *d, struct weir_error *error)
{
	uint64_t unknown = d->reads & ~WEIR_FIELDS_ALL;
	int ret = check_line(d->version, "version", error);

	if (!ret)
		ret = check_line(d->summary, "summary", error);
	if (!ret && unknown)
		ret = weir_refuse(error, -EINVAL, "path",
			"reads fields 0x%llx, which version %d.%d does not know",
			(unsigned long long)unknown, WEIR_ABI_MAJOR, WEIR_ABI_MINOR);
	if (!ret)
		ret = check_reasons(d, error);
	if (!ret)
		ret = check_hooks(d, error);
	if (!ret && !d->schema != !d->schema_size)
		ret = weir_refuse(error, -EINVAL, "path", "has a schema %s",
			d->schema ? "of 0 bytes" : "that is NULL");
	return ret;
}

int loader_check_descriptor(const struct weir_extension *descriptor, const struct weir_note *note,
	struct weir_extension *copy, struct weir_error *error)
{
	struct weir_extension known = { .size = 0 };
	size_t size = note->descriptor_size;
	int ret;

	// The file exports at least the note's number of bytes; more than that is not looked at.
	memcpy(&known, descriptor, size < sizeof(known) ? size : sizeof(known));
	ret = compare(&known, note, error);
	if (!ret)
		ret = check_rest(descriptor, &known, error);
	if (!ret)
		ret = check_contents(&known, error);
	if (!ret)
		*copy = known;
	return ret;
}
