// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "switch/elf_image.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

// The ELF header of the program or library that this code is part of: what it says of the machine
// is what a shared object must say to be loaded. Defined by the linker.
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

// Whether size bytes at offset lie within a whole of this size.
static bool within(uint64_t offset, uint64_t size, uint64_t whole)
{
	return offset <= whole && size <= whole - offset;
}

static int check_kind(const ElfW(Ehdr) * header, struct weir_error *error)
{
	const ElfW(Ehdr) *own = &__ehdr_start;

	if (header->e_ident[EI_CLASS] != own->e_ident[EI_CLASS])
		return weir_refuse(error, -ENOEXEC, "path",
			"is an ELF file of class %u; this machine loads class %u (%u bits)",
			header->e_ident[EI_CLASS], own->e_ident[EI_CLASS], __ELF_NATIVE_CLASS);
	if (header->e_ident[EI_DATA] != own->e_ident[EI_DATA])
		return weir_refuse(error, -ENOEXEC, "path",
			"is an ELF file of byte order %u; this machine loads byte order %u",
			header->e_ident[EI_DATA], own->e_ident[EI_DATA]);
	if (header->e_ident[EI_VERSION] != EV_CURRENT || header->e_version != EV_CURRENT)
		return weir_refuse(error, -ENOEXEC, "path",
			"is an ELF file of version %u; must be version %d",
			(unsigned)header->e_version, EV_CURRENT);
	if (header->e_machine != own->e_machine)
		return weir_refuse(error, -ENOEXEC, "path",
			"is for ELF machine %u; this host loads machine %u", header->e_machine,
			own->e_machine);
	if (header->e_type != ET_DYN)
		return weir_refuse(error, -ENOEXEC, "path",
			"is an ELF file of type %u; must be a shared object (type %d)",
			header->e_type, ET_DYN);
	return 0;
}

// Nothing reads the section headers, but they are the end of the file that a linker writes: a file
// that lacks them lost its end on the way.
static int check_complete(const ElfW(Ehdr) * header, size_t size, struct weir_error *error)
{
	uint64_t table = (uint64_t)header->e_shnum * header->e_shentsize;

	if (header->e_shoff && !within(header->e_shoff, table, size))
		return weir_refuse(error, -ELIBBAD, "path",
			"is truncated: its section headers end behind its %zu bytes", size);
	return 0;
}

static int read_segments(
	struct elf_image *image, const ElfW(Ehdr) * header, struct weir_error *error)
{
	uint64_t table = (uint64_t)header->e_phnum * sizeof(ElfW(Phdr));

	if (header->e_phentsize != sizeof(ElfW(Phdr)))
		return weir_refuse(error, -ELIBBAD, "path",
			"is corrupt: its program headers have %u bytes each; must have %zu",
			header->e_phentsize, sizeof(ElfW(Phdr)));
	if (header->e_phnum < 1 || header->e_phnum > ELF_MAX_SEGMENTS)
		return weir_refuse(error, -ELIBBAD, "path",
			"has %u program headers; must have 1 to %d", header->e_phnum,
			ELF_MAX_SEGMENTS);
	if (!within(header->e_phoff, table, image->size))
		return weir_refuse(error, -ELIBBAD, "path",
			"is corrupt: its program headers end behind its %zu bytes", image->size);
	image->n_segments = header->e_phnum;
	memcpy(image->segments, image->bytes + header->e_phoff, (size_t)table);
	return 0;
}

// Loadable segments come in the order of their addresses, and none shares a page with another:
// the dynamic linker maps one over the other without a word.
static int check_load(const struct elf_image *image, unsigned i, ElfW(Addr) * first_free,
	struct weir_error *error)
{
	const ElfW(Phdr) *s = &image->segments[i];
	ElfW(Addr) page = (ElfW(Addr))sysconf(_SC_PAGESIZE);

	if (!(s->p_flags & PF_R) || s->p_filesz > s->p_memsz || !s->p_memsz)
		return weir_refuse(error, -ELIBBAD, "path",
			"is corrupt: segment %u is not readable, empty or larger than its memory",
			i);
	if (!within(s->p_vaddr, s->p_memsz, ELF_MAX_MEMORY))
		return weir_refuse(error, -ELIBBAD, "path",
			"is corrupt or too large: segment %u ends behind address %d", i,
			ELF_MAX_MEMORY);
	if (s->p_vaddr / page * page < *first_free)
		return weir_refuse(error, -ELIBBAD, "path",
			"is corrupt: segment %u overlaps the one before it", i);
	if (s->p_vaddr % page != s->p_offset % page)
		return weir_refuse(error, -ELIBBAD, "path",
			"is corrupt: segment %u cannot be mapped at address 0x%llx", i,
			(unsigned long long)s->p_vaddr);
	*first_free = (s->p_vaddr + s->p_memsz + page - 1) / page * page;
	return 0;
}

// An executable stack in one object makes the stacks of the whole process executable.
static int check_stack(const ElfW(Phdr) * stack, struct weir_error *error)
{
	if (!stack || stack->p_flags & PF_X)
		return weir_refuse(error, -ELIBBAD, "path",
			"asks for an executable stack; it must be linked with -z noexecstack");
	return 0;
}

// Thread-local variables that are zero take no memory of their segment, and every thread gets a
// copy.
static int check_tls(const struct elf_image *image, const ElfW(Phdr) * s, struct weir_error *error)
{
	if (s->p_memsz > ELF_MAX_TLS || s->p_filesz > s->p_memsz ||
		!elf_image_at(image, s->p_vaddr, s->p_filesz))
		return weir_refuse(error, -ELIBBAD, "path",
			"is corrupt or has too many thread-local variables; at most %d bytes",
			ELF_MAX_TLS);
	return 0;
}

// What is not loadable itself describes a part of what is.
static int check_part(const struct elf_image *image, unsigned i, struct weir_error *error)
{
	const ElfW(Phdr) *s = &image->segments[i];
	ElfW(Word) flags = s->p_type == PT_GNU_RELRO ? PF_R | PF_W : PF_R;
	const uint8_t *bytes = elf_image_at(image, s->p_vaddr, s->p_filesz);

	if (!bytes || bytes != image->bytes + s->p_offset ||
		!elf_image_segment(image, s->p_vaddr, s->p_memsz, flags))
		return weir_refuse(error, -ELIBBAD, "path",
			"is corrupt: program header %u is not about a part of a loadable segment",
			i);
	return 0;
}

static int check_segment(const struct elf_image *image, unsigned i, struct weir_error *error)
{
	const ElfW(Phdr) *s = &image->segments[i];

	if (s->p_align > ELF_MAX_ALIGNMENT || s->p_align & (s->p_align - 1))
		return weir_refuse(error, -ELIBBAD, "path",
			"is corrupt: segment %u is aligned to %llu; must be a power of two up to "
			"%d",
			i, (unsigned long long)s->p_align, ELF_MAX_ALIGNMENT);
	switch (s->p_type) {
	case PT_NULL:
	case PT_LOAD:
	case PT_GNU_STACK:
		return 0;
	case PT_TLS:
		return check_tls(image, s, error);
	default:
		return s->p_memsz || s->p_filesz ? check_part(image, i, error) : 0;
	}
}

static int check_segments(const struct elf_image *image, struct weir_error *error)
{
	const ElfW(Phdr) *stack = NULL;
	ElfW(Addr) first_free = 0;
	int ret = 0;

	for (unsigned i = 0; i < image->n_segments && !ret; i++) {
		const ElfW(Phdr) *s = &image->segments[i];

		if (s->p_type == PT_GNU_STACK)
			stack = s;
		if (s->p_type != PT_NULL && !within(s->p_offset, s->p_filesz, image->size))
			ret = weir_refuse(error, -ELIBBAD, "path",
				"is truncated or corrupt: segment %u ends behind its %zu bytes", i,
				image->size);
		else if (s->p_type == PT_LOAD)
			ret = check_load(image, i, &first_free, error);
	}
	for (unsigned i = 0; i < image->n_segments && !ret; i++)
		ret = check_segment(image, i, error);
	return ret ? ret : check_stack(stack, error);
}

int elf_image_init(
	struct elf_image *image, const void *bytes, size_t size, struct weir_error *error)
{
	ElfW(Ehdr) header;
	int ret;

	if (size < SELFMAG || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return weir_refuse(error, -ENOEXEC, "path", "is not an ELF shared object");
	if (size < sizeof(header))
		return weir_refuse(error, -ELIBBAD, "path",
			"is truncated: %zu bytes are less than an ELF header", size);
	memcpy(&header, bytes, sizeof(header));
	image->bytes = bytes;
	image->size = size;
	ret = check_kind(&header, error);
	if (!ret)
		ret = check_complete(&header, size, error);
	if (!ret)
		ret = read_segments(image, &header, error);
	if (!ret)
		ret = check_segments(image, error);
	return ret;
}

const ElfW(Phdr) * elf_image_segment(const struct elf_image *image, ElfW(Addr) address, size_t size,
			   ElfW(Word) flags)
{
	for (unsigned i = 0; i < image->n_segments; i++) {
		const ElfW(Phdr) *s = &image->segments[i];

		if (s->p_type == PT_LOAD && address >= s->p_vaddr &&
			within(address - s->p_vaddr, size, s->p_memsz))
			return (s->p_flags & flags) == flags ? s : NULL;
	}
	return NULL;
}

const uint8_t *elf_image_at(const struct elf_image *image, ElfW(Addr) address, size_t size)
{
	const ElfW(Phdr) *s = elf_image_segment(image, address, size, PF_R);

	if (!s || !within(address - s->p_vaddr, size, s->p_filesz))
		return NULL;
	return image->bytes + s->p_offset + (address - s->p_vaddr);
}
