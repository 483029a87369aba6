// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "switch/elf_note.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const char owner[] = "Weir";

enum { LEAST_DESCRIPTION = sizeof(struct weir_note) - offsetof(struct weir_note, magic) };

// A place within the notes of one segment.
struct cursor {
	const uint8_t *next;
	size_t left;
	size_t alignment; // of owners and descriptions, 4 or 8 bytes
};

struct entry {
	ElfW(Nhdr) header;
	const uint8_t *owner;
	const uint8_t *description;
};

// Moves behind size bytes and their padding, which may be missing at the end; NULL when they do not
// fit.
static const uint8_t *take(struct cursor *c, size_t size)
{
	const uint8_t *taken = c->next;
	size_t padded = (size + c->alignment - 1) / c->alignment * c->alignment;

	if (size > c->left)
		return NULL;
	if (padded > c->left)
		padded = c->left;
	c->next += padded;
	c->left -= padded;
	return taken;
}

// Sanitizers append zeros to the variable that the note is.
static bool only_zeros(const struct cursor *c)
{
	for (size_t i = 0; i < c->left; i++)
		if (c->next[i])
			return false;
	return true;
}

// Returns 1, 0 at the end or -ELIBBAD.
static int next_entry(struct cursor *c, struct entry *entry, struct weir_error *error)
{
	size_t header_size = sizeof(entry->header);

	if (only_zeros(c))
		return 0;
	if (c->left < header_size)
		goto corrupt;
	memcpy(&entry->header, c->next, header_size);
	// The owner follows at once; it is header and owner together that are padded.
	entry->owner = c->next + header_size;
	if (entry->header.n_namesz > c->left || !take(c, header_size + entry->header.n_namesz))
		goto corrupt;
	entry->description = take(c, entry->header.n_descsz);
	if (!entry->description)
		goto corrupt;
	return 1;
corrupt:
	return weir_refuse(error, -ELIBBAD, "path", "is corrupt: a note ends behind its segment");
}

static bool is_ours(const struct entry *entry)
{
	return entry->header.n_type == WEIR_NOTE_TYPE && entry->header.n_namesz == sizeof(owner) &&
	       memcmp(entry->owner, owner, sizeof(owner)) == 0;
}

static int read_note(const struct entry *entry, struct weir_note *note, struct weir_error *error)
{
	struct weir_note found = {
		.name_size = entry->header.n_namesz,
		.desc_size = entry->header.n_descsz,
		.type = entry->header.n_type,
	};

	if (entry->header.n_descsz < LEAST_DESCRIPTION)
		return weir_refuse(error, -EBADMSG, "path",
			"has a Weir note of %u bytes; must have at least %d",
			(unsigned)entry->header.n_descsz, LEAST_DESCRIPTION);
	memcpy(found.owner, owner, sizeof(owner));
	memcpy(&found.magic, entry->description, LEAST_DESCRIPTION);
	if (found.magic != WEIR_NOTE_MAGIC)
		return weir_refuse(error, -EBADMSG, "path",
			"has a Weir note with magic 0x%08x; must be 0x%08x", found.magic,
			WEIR_NOTE_MAGIC);
	if (!memchr(found.name, '\0', sizeof(found.name)))
		return weir_refuse(error, -EBADMSG, "path",
			"has a Weir note whose name has no end within %d bytes", WEIR_NAME_MAX);
	*note = found;
	return 0;
}

static int search_segment(const struct elf_image *image, const ElfW(Phdr) * segment,
	struct entry *found, bool *has_found, struct weir_error *error)
{
	struct cursor c = {
		.next = image->bytes + segment->p_offset,
		.left = segment->p_filesz,
		.alignment = segment->p_align == 8 ? 8 : 4,
	};
	struct entry entry;
	int ret;

	while ((ret = next_entry(&c, &entry, error)) > 0) {
		if (!is_ours(&entry))
			continue;
		if (*has_found)
			return weir_refuse(error, -ENOTUNIQ, "path",
				"has more than one Weir note; an extension has one descriptor");
		*found = entry;
		*has_found = true;
	}
	return ret;
}

int elf_note_find(const struct elf_image *image, struct weir_note *note, struct weir_error *error)
{
	struct entry found;
	bool has_found = false;

	for (unsigned i = 0; i < image->n_segments; i++) {
		const ElfW(Phdr) *segment = &image->segments[i];
		int ret = segment->p_type == PT_NOTE
				  ? search_segment(image, segment, &found, &has_found, error)
				  : 0;

		if (ret)
			return ret;
	}
	if (!has_found)
		return weir_refuse(error, -ENODATA, "path",
			"has no Weir note; an extension is made with WEIR_EXTENSION()");
	return read_note(&found, note, error);
}
