// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input.h"

enum { MAX_FILES = sizeof(((struct call_files *)NULL)->files) / sizeof(struct call_file) };

static const char *path_of(const struct call_file *file)
{
	return strchr(file->word, '=') + 1;
}

static bool is_file(const struct catalog_field *field)
{
	return field->type == CATALOG_TYPE(STRING) &&
	       (field->format == WEIR__SCHEMA__FORMAT__FILE_WRITE ||
		       field->format == WEIR__SCHEMA__FORMAT__FILE_READ);
}

// The daemon has a working directory of its own.
static char *absolute_word(const char *word)
{
	const char *path = strchr(word, '=') + 1;
	char *directory, *result;

	if (*path == '/' || !*path)
		return strdup(word);
	directory = getcwd(NULL, 0);
	if (!directory ||
		asprintf(&result, "%.*s%s/%s", (int)(path - word), word, directory, path) < 0)
		result = NULL;
	free(directory);
	return result;
}

int call_files_take(struct call_files *files, const struct catalog_message *message,
	const char **words, size_t n_words, struct ctl_error *error)
{
	for (size_t i = 0; i < n_words; i++) {
		const struct catalog_field *field = catalog_field(
			message, words[i], strcspn(words[i], "="));
		struct call_file *file = &files->files[files->n_files];

		if (!field || !strchr(words[i], '=') || !is_file(field))
			continue;
		if (field->repeated)
			return ctl_fail(error, CTL_REFUSED, "%s: a list of files cannot be passed",
				words[i]);
		if (files->n_files == MAX_FILES)
			return ctl_fail(error, CTL_REFUSED, "%s: at most %d files can be passed",
				words[i], MAX_FILES);
		*file = (struct call_file){ .field = field, .word = absolute_word(words[i]) };
		if (!file->word)
			return ctl_fail(error, CTL_REFUSED, "%s: %m", words[i]);
		words[i] = file->word;
		files->n_files++;
	}
	return 0;
}

static bool is_pipe(const char *path)
{
	const int before = errno;
	struct stat status;
	bool is = stat(path, &status) == 0 && S_ISFIFO(status.st_mode);

	errno = before;
	return is;
}

// To write: without O_NONBLOCK a FIFO that nobody reads would keep us waiting.
static int open_output(struct call_file *file, int *fd, struct ctl_error *error)
{
	const int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

	*fd = open(path_of(file), flags | O_CREAT | O_EXCL, 0666);
	file->made = *fd >= 0;
	if (*fd < 0 && errno == EEXIST)
		*fd = open(path_of(file), flags);
	if (*fd >= 0 && fcntl(*fd, F_SETFL, 0) == 0)
		return 0;
	if (errno == ENXIO && is_pipe(path_of(file)))
		return ctl_fail(error, CTL_REFUSED, "%s \"%s\": is a pipe that nobody reads",
			file->field->name, path_of(file));
	return ctl_fail(error, CTL_REFUSED, "%s \"%s\": %m", file->field->name, path_of(file));
}

static int open_input(struct call_file *file, int *fd, struct ctl_error *error)
{
	int result = input_open(path_of(file), fd, error);

	if (result)
		ctl_blame(error, "%s \"%s\": ", file->field->name, path_of(file));
	return result;
}

static int by_number(const void *a, const void *b)
{
	const struct call_file *left = a, *right = b;

	return left->field->number < right->field->number ? -1 : 1;
}

int call_files_open(struct call_files *files, struct ctl_error *error)
{
	qsort(files->files, files->n_files, sizeof(*files->files), by_number);
	for (unsigned i = 0; i < files->n_files; i++) {
		struct call_file *file = &files->files[i];
		bool is_input = file->field->format == WEIR__SCHEMA__FORMAT__FILE_READ;
		int fd = -1;
		int result = is_input ? open_input(file, &fd, error)
				      : open_output(file, &fd, error);

		if (fd >= 0)
			files->passed.fds[files->passed.n_fds++] = fd;
		if (result)
			return result;
	}
	return 0;
}

// Not what somebody has put in its place meanwhile.
static void remove_file(const struct call_file *file, int fd)
{
	struct stat opened, named;

	if (fstat(fd, &opened) == 0 && lstat(path_of(file), &named) == 0 &&
		opened.st_dev == named.st_dev && opened.st_ino == named.st_ino)
		unlink(path_of(file));
}

void call_files_fini(struct call_files *files)
{
	for (unsigned i = 0; i < files->passed.n_fds; i++) {
		if (files->files[i].made && !files->given)
			remove_file(&files->files[i], files->passed.fds[i]);
		close(files->passed.fds[i]);
	}
	for (unsigned i = 0; i < files->n_files; i++)
		free(files->files[i].word);
}
