// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A view on the bytes of a shared object that nobody has checked.
//
// The loader looks at a file through this before the dynamic linker does, because the dynamic
// linker believes what it reads: a damaged program header makes it crash, and some values of the
// dynamic section make it abort. What passes here has segments that lie within the file and do not
// overlap, tables that lie within the segments, and references that stay within the tables.
//
// It is protection against damage and against files of another kind, not against an author: the
// constructors of a file that passes run with the rights of the process.
//
// Everything is read through the program headers, as the dynamic linker does it; a file without
// section headers is as good as any. The bytes may lie at any address; nothing is allocated. Any
// thread.
//
// Source: System V gABI, chapters 4 and 5; elf(5); the symbol lookup of glibc's ld.so.
#ifndef WEIR_SWITCH_ELF_IMAGE_H
#define WEIR_SWITCH_ELF_IMAGE_H

#include <link.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

enum {
	ELF_MAX_SEGMENTS = 32,       // program headers; a usual shared object has about ten
	ELF_MAX_DYNAMIC = 256,       // entries of the dynamic section
	ELF_MAX_MEMORY = 256 << 20,  // bytes of address space, from the first segment to the last
	ELF_MAX_TLS = 64 << 10,      // bytes of thread-local variables
	ELF_MAX_ALIGNMENT = 2 << 20, // bytes
};

struct elf_image {
	const uint8_t *bytes; // borrowed as long as the image is used
	size_t size;
	unsigned n_segments;
	ElfW(Phdr) segments[ELF_MAX_SEGMENTS];
};

// Checks the ELF header and the program headers of size bytes at bytes, and fills *image.
// Returns 0, -ENOEXEC (not a shared object for this machine) or -ELIBBAD (truncated, corrupt,
// beyond a limit above, or asking for an executable stack) with the end of a sentence that begins
// with the file's name. error may be NULL.
int elf_image_init(
	struct elf_image *image, const void *bytes, size_t size, struct weir_error *error);

// The bytes of the file that stand at an address of the loaded object, NULL unless all of them lie
// in one segment and in the file. Borrowed from the image's bytes; not aligned.
const uint8_t *elf_image_at(const struct elf_image *image, ElfW(Addr) address, size_t size);

// The loadable segment that size bytes of memory at this address lie in, zeroed ones included, and
// that has all of these flags (PF_R, PF_W, PF_X); NULL when there is none.
const ElfW(Phdr) * elf_image_segment(const struct elf_image *image, ElfW(Addr) address, size_t size,
			   ElfW(Word) flags);

#endif
