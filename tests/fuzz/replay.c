// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Replays a fuzz corpus in the ordinary test run: replay_NAME DIRECTORY...
//
// Calls LLVMFuzzerTestOneInput once per regular file of the directories (not of their
// subdirectories), in the order of the names. Every input ends where an inaccessible page begins,
// so that a read past its end kills the program also in builds without AddressSanitizer. The name
// is printed before a signal ends the program. Fails when a directory cannot be read or holds no
// file.
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// What the signal handler reports; a replay is single-threaded.
static const char *current_name = "";

static const int deadly_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
#define N_DEADLY_SIGNALS (sizeof(deadly_signals) / sizeof(deadly_signals[0]))
static struct sigaction earlier_actions[N_DEADLY_SIGNALS];

static void report_death(int signal_number)
{
	static const char text[] = "replay: died in ";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0 ||
		write(STDERR_FILENO, current_name, strlen(current_name)) < 0 ||
		write(STDERR_FILENO, "\n", 1) < 0)
		_exit(EXIT_FAILURE);
	// Returning repeats the faulting instruction, now for a sanitizer's handler or the default.
	for (size_t i = 0; i < N_DEADLY_SIGNALS; i++)
		if (deadly_signals[i] == signal_number)
			sigaction(signal_number, &earlier_actions[i], NULL);
}

static void watch_signals(void)
{
	const struct sigaction action = { .sa_handler = report_death };

	for (size_t i = 0; i < N_DEADLY_SIGNALS; i++)
		sigaction(deadly_signals[i], &action, &earlier_actions[i]);
}

static int read_all(int fd, uint8_t *data, size_t size)
{
	while (size) {
		ssize_t n = read(fd, data, size);

		if (n <= 0)
			return n ? -errno : -EIO;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

// Maps whole pages for the content and makes the page behind them inaccessible.
static int replay_content(int fd, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t n_bytes = (size + page - 1) / page * page;
	uint8_t *map = mmap(
		NULL, n_bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *data;
	int ret;

	if (map == MAP_FAILED)
		return -errno;
	data = map + n_bytes - size;
	ret = read_all(fd, data, size);
	if (!ret && mprotect(map + n_bytes, page, PROT_NONE))
		ret = -errno;
	if (!ret)
		LLVMFuzzerTestOneInput(data, size);
	munmap(map, n_bytes + page);
	return ret;
}

// Returns 1 for a file that was replayed, 0 for what is not a regular file, else negative errno.
static int replay_file(int directory, const char *name)
{
	struct stat status;
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status)) {
		ret = -errno;
	} else if (!S_ISREG(status.st_mode)) {
		ret = 0;
	} else {
		current_name = name;
		ret = replay_content(fd, (size_t)status.st_size);
		if (!ret)
			ret = 1;
	}
	close(fd);
	return ret;
}

static int replay_entries(const char *path, int directory, struct dirent **entries, int n_entries)
{
	int n_files = 0;

	for (int i = 0; i < n_entries; i++) {
		int ret = replay_file(directory, entries[i]->d_name);

		if (ret < 0) {
			fprintf(stderr, "%s/%s: %s\n", path, entries[i]->d_name, strerror(-ret));
			return ret;
		}
		n_files += ret;
	}
	return n_files;
}

// Returns the number of files replayed, or negative errno.
static int replay_directory(const char *path)
{
	struct dirent **entries = NULL;
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int n_entries = directory < 0 ? -1 : scandir(path, &entries, NULL, alphasort);
	int ret;

	if (n_entries < 0) {
		ret = -errno;
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	} else {
		ret = replay_entries(path, directory, entries, n_entries);
	}
	for (int i = 0; i < n_entries; i++)
		free(entries[i]);
	free(entries);
	if (directory >= 0)
		close(directory);
	return ret;
}

int main(int argc, char **argv)
{
	int n_files = 0;

	watch_signals();
	for (int i = 1; i < argc; i++) {
		int ret = replay_directory(argv[i]);

		if (ret == 0)
			fprintf(stderr, "%s: holds no input\n", argv[i]);
		if (ret <= 0)
			return EXIT_FAILURE;
		n_files += ret;
	}
	if (!n_files) {
		fprintf(stderr, "usage: %s DIRECTORY...\n", argv[0]);
		return EXIT_FAILURE;
	}
	printf("%d inputs replayed\n", n_files);
	return EXIT_SUCCESS;
}
