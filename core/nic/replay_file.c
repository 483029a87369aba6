// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/replay_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include <weir/frame.h>

// Anonymous pages that grow: aligned, zero, and resident only as far as they were written.
static int grow_bytes(struct replay_file *file, size_t size)
{
	size_t room = file->bytes_room ? file->bytes_room * 2 : 1 << 20;
	void *map;

	if (size <= file->bytes_room)
		return 0;
	if (file->bytes)
		map = mremap(file->bytes, file->bytes_room, room, MREMAP_MAYMOVE);
	else
		map = mmap(NULL, room, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	file->bytes = map;
	file->bytes_room = room;
	return 0;
}

static int grow_entries(struct replay_file *file)
{
	size_t room = file->entries_room ? file->entries_room * 2 : 1024;
	struct replay_entry *entries;

	if (file->n_frames < file->entries_room)
		return 0;
	entries = reallocarray(file->entries, room, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	file->entries = entries;
	file->entries_room = room;
	return 0;
}

static size_t lines_of(uint32_t size)
{
	return (size + REPLAY_LINE - 1) / REPLAY_LINE;
}

// The line behind the last frame.
static size_t end_line(const struct replay_file *file)
{
	const struct replay_entry *last;

	if (file->n_frames == 0)
		return 0;
	last = &file->entries[file->n_frames - 1];
	return last->line + lines_of(last->size);
}

static int add_frame(struct replay_file *file, const char *name, const struct pcap_pkthdr *header,
	const u_char *bytes, struct weir_error *error)
{
	uint32_t size = header->caplen;
	size_t line = end_line(file), end = (line + lines_of(size)) * REPLAY_LINE;

	if (size == 0 || size > WEIR_FRAME_MAX)
		return weir_refuse(error, -EINVAL, "nic",
			"replay file \"%.200s\": frame %u has %u bytes: must be 1 to %d", name,
			file->n_frames + 1, size, WEIR_FRAME_MAX);
	if (file->n_frames == REPLAY_MAX_FRAMES || end > REPLAY_MAX_BYTES)
		return weir_refuse(error, -EFBIG, "nic",
			"replay file \"%.200s\": must hold at most %d frames and %d MB", name,
			REPLAY_MAX_FRAMES, REPLAY_MAX_BYTES >> 20);
	if (grow_bytes(file, end) || grow_entries(file))
		return weir_refuse(error, -ENOMEM, "nic",
			"replay file \"%.200s\": out of memory at frame %u", name,
			file->n_frames + 1);
	memcpy(file->bytes + line * REPLAY_LINE, bytes, size);
	file->entries[file->n_frames++] = (struct replay_entry){ (uint32_t)line, size };
	file->n_truncated += header->len > size;
	file->n_bytes += size;
	return 0;
}

static int read_frames(
	pcap_t *capture, const char *name, struct replay_file *file, struct weir_error *error)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int ret, next;

	while ((next = pcap_next_ex(capture, &header, &bytes)) == 1) {
		ret = add_frame(file, name, header, bytes, error);
		if (ret)
			return ret;
	}
	if (next != PCAP_ERROR_BREAK)
		return weir_refuse(error, -EINVAL, "nic",
			"replay file \"%.200s\": damaged after frame %u: %.120s", name,
			file->n_frames, pcap_geterr(capture));
	if (file->n_frames == 0)
		return weir_refuse(error, -EINVAL, "nic",
			"replay file \"%.200s\": holds no frames, must hold at least one", name);
	return 0;
}

static int check_link_type(pcap_t *capture, const char *name, struct weir_error *error)
{
	int type = pcap_datalink(capture);
	const char *type_name = pcap_datalink_val_to_name(type);

	if (type == DLT_EN10MB)
		return 0;
	return weir_refuse(error, -EINVAL, "nic",
		"replay file \"%.200s\": link type %d (%s): must be Ethernet", name, type,
		type_name ? type_name : "unknown");
}

int replay_file_read(
	FILE *stream, const char *name, struct replay_file *file, struct weir_error *error)
{
	char reason[PCAP_ERRBUF_SIZE] = "";
	struct replay_file loaded = { .n_frames = 0 };
	pcap_t *capture = pcap_fopen_offline(stream, reason);
	int ret;

	if (!capture) {
		fclose(stream);
		return weir_refuse(error, -EINVAL, "nic",
			"replay file \"%.200s\": not a pcap or pcapng capture: %.120s", name,
			reason);
	}
	ret = check_link_type(capture, name, error);
	if (!ret)
		ret = read_frames(capture, name, &loaded, error);
	pcap_close(capture);
	if (ret)
		replay_file_unload(&loaded);
	else
		*file = loaded;
	return ret;
}

static int check_regular(int fd, const char *path, struct weir_error *error)
{
	struct stat status;

	if (fstat(fd, &status))
		return weir_refuse(
			error, -errno, "nic", "replay file \"%.200s\": %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return weir_refuse(error, -EINVAL, "nic",
			"replay file \"%.200s\": %s: must be a regular file", path,
			S_ISDIR(status.st_mode)    ? "is a directory"
			: S_ISFIFO(status.st_mode) ? "is a FIFO"
						   : "is a device or socket");
	if (status.st_size > REPLAY_MAX_BYTES)
		return weir_refuse(error, -EFBIG, "nic",
			"replay file \"%.200s\": %lld bytes: must be at most %d MB", path,
			(long long)status.st_size, REPLAY_MAX_BYTES >> 20);
	return 0;
}

int replay_file_load(const char *path, struct replay_file *file, struct weir_error *error)
{
	// What is at the path may be anything: a FIFO must not make us wait, nor a terminal ours.
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	FILE *stream;
	int ret;

	if (fd < 0)
		// -ENODEV would promise that the file may come; it is for interfaces.
		return weir_refuse(error, errno == ENODEV ? -ENXIO : -errno, "nic",
			"replay file \"%.200s\": %s: must be a readable file (with ,loop, "
			",vary or ,pps=N behind it)",
			path, strerror(errno));
	ret = check_regular(fd, path, error);
	stream = ret ? NULL : fdopen(fd, "rb");
	if (!stream) {
		close(fd);
		return ret ? ret
			   : weir_refuse(error, -ENOMEM, "nic",
				     "replay file \"%.200s\": out of memory", path);
	}
	return replay_file_read(stream, path, file, error);
}

void replay_file_unload(struct replay_file *file)
{
	if (file->bytes)
		munmap(file->bytes, file->bytes_room);
	free(file->entries);
}
