// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "switch/elf_dynamic.h"
#include "switch/elf_note.h"
#include "switch/loader_internal.h"

// Without execute permission, as some hosts demand of unnamed memory; mapping its code needs none.
// Linux 6.3; older kernels know no such demand.
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static int refuse_errno(struct weir_error *error, const char *what)
{
	int code = errno ? -errno : -EIO;

	return weir_refuse(error, code, "path", "cannot be %s: %s", what, strerror(-code));
}

static int create_memory(const char *name)
{
	char title[WEIR_NAME_MAX + 8];
	int fd;

	snprintf(title, sizeof(title), "weir-%s", name);
	fd = memfd_create(title, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(title, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

static int write_all(int fd, const char *data, size_t size, struct weir_error *error)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return refuse_errno(error, "copied");
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

// Copies until the end of the file, at most size bytes. Returns their number or negative errno.
static ssize_t copy(int from, int to, size_t size, struct weir_error *error)
{
	char buffer[16384];
	size_t n_copied = 0;

	while (n_copied < size) {
		size_t left = size - n_copied;
		ssize_t n = read(from, buffer, left < sizeof(buffer) ? left : sizeof(buffer));
		int ret;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return refuse_errno(error, "read");
		if (!n)
			break;
		ret = write_all(to, buffer, (size_t)n, error);
		if (ret)
			return ret;
		n_copied += (size_t)n;
	}
	return (ssize_t)n_copied;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static int copy_unchanged(int file, int memory, struct weir_error *error)
{
	struct stat before, after;
	ssize_t n;

	if (fstat(file, &before))
		return refuse_errno(error, "read");
	n = copy(file, memory, (size_t)before.st_size, error);
	if (n < 0)
		return (int)n;
	if (fstat(file, &after))
		return refuse_errno(error, "read");
	if (n != before.st_size || after.st_size != before.st_size ||
		!is_same_time(&before.st_mtim, &after.st_mtim) ||
		!is_same_time(&before.st_ctim, &after.st_ctim))
		return weir_refuse(error, -EAGAIN, "path",
			"changed while it was read; it should be replaced by renaming");
	return 0;
}

int loader_copy_sealed(int file, const char *name, struct weir_error *error)
{
	int memory = create_memory(name);
	int ret;

	if (memory < 0)
		return refuse_errno(error, "copied");
	ret = copy_unchanged(file, memory, error);
	if (!ret && fcntl(memory, F_ADD_SEALS,
			    F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		ret = refuse_errno(error, "sealed");
	if (ret) {
		close(memory);
		return ret;
	}
	return memory;
}

static int check_bytes(
	const void *bytes, size_t size, struct weir_note *note, struct weir_error *error)
{
	struct elf_image image;
	struct elf_dynamic dynamic;
	struct weir_note found;
	int ret = elf_image_init(&image, bytes, size, error);

	if (!ret)
		ret = elf_note_find(&image, &found, error);
	if (!ret)
		ret = elf_dynamic_check(&dynamic, &image, error);
	if (ret)
		return ret;
	if (!elf_dynamic_exports(&dynamic, "weir_extension", found.descriptor_size))
		return weir_refuse(error, -ENOSYS, "path",
			"exports no variable weir_extension of the %u bytes that its note says",
			found.descriptor_size);
	*note = found;
	return 0;
}

int loader_check_file(int sealed, struct weir_note *note, struct weir_error *error)
{
	struct stat status;
	void *bytes;
	int ret;

	if (fstat(sealed, &status))
		return refuse_errno(error, "read");
	if (!status.st_size)
		return weir_refuse(error, -ENOEXEC, "path", "is empty");
	bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, sealed, 0);
	if (bytes == MAP_FAILED)
		return refuse_errno(error, "mapped");
	ret = check_bytes(bytes, (size_t)status.st_size, note, error);
	munmap(bytes, (size_t)status.st_size);
	return ret;
}
