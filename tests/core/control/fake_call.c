// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Calls of the fake switch. Their type says what becomes of them: "echo" replies with its body and
// ends at once; "refuse" ends at once in a refusal; "read" replies with what is in its files;
// others run on until they are ended or cancelled.
#include "fake_weir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// What is in the file, or what kind it is.
static void reply_file(const struct weir_call_request *request, int fd)
{
	char text[64] = "no file";
	struct stat status;
	ssize_t size = (ssize_t)strlen(text);

	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (fcntl(fd, F_GETFD) & FD_CLOEXEC))
		size = pread(fd, text, sizeof(text), 0);
	if (size >= 0)
		request->reply(request->context, text, (size_t)size);
}

static struct weir_running_call *start(
	struct weir *weir, const struct weir_call_request *request, struct weir_error *error)
{
	for (unsigned i = 0; i < FAKE_MAX_CALLS; i++)
		if (!weir->calls[i].live) {
			weir->calls[i] = (struct weir_running_call){
				.weir = weir, .request = *request, .live = true
			};
			return &weir->calls[i];
		}
	weir_refuse(error, -ENOBUFS, NULL, "too many calls for a fake");
	return NULL;
}

int weir_call_begin(struct weir *weir, const struct weir_call_request *request, unsigned flags,
	struct weir_running_call **running, struct weir_error *error)
{
	const struct weir_error refusal = { -EBUSY, "port", "port \"vm1\" is captured already" };
	const char *type = request->type ? request->type : "";
	int result = fake_record(weir, error, "call %s %s %s %.*s files=%u %u", request->extension,
		fake_text(request->type), fake_text(request->switch_name), (int)request->n_bytes,
		request->n_bytes ? (const char *)request->bytes : "", request->n_files, flags);

	for (unsigned i = 0; i < request->n_files; i++) {
		if (result == 0 && strcmp(type, "read") == 0)
			reply_file(request, request->files[i]);
		close(request->files[i]);
	}
	if (result < 0)
		return result;
	if (strcmp(type, "echo") == 0)
		request->reply(request->context, request->bytes, request->n_bytes);
	if (strcmp(type, "echo") == 0 || strcmp(type, "read") == 0)
		request->ended(request->context, NULL);
	else if (strcmp(type, "refuse") == 0)
		request->ended(request->context, &refusal);
	else
		return (*running = start(weir, request, error)) ? 0 : -ENOBUFS;
	*running = NULL;
	return 0;
}

void weir_call_cancel(struct weir_running_call *running)
{
	// Twice, or after the end: what nobody may do.
	if (!running->live)
		abort();
	running->live = false;
	running->weir->n_cancelled++;
}

void fake_reply(struct weir *weir)
{
	for (unsigned i = 0; i < FAKE_MAX_CALLS; i++)
		if (weir->calls[i].live)
			weir->calls[i].request.reply(weir->calls[i].request.context, "part", 4);
}

void fake_stream(struct weir *weir)
{
	static const char piece[48 << 10] = "frames";

	for (unsigned i = 0; i < FAKE_MAX_CALLS; i++) {
		const struct weir_call_request *request = &weir->calls[i].request;

		while (weir->calls[i].live &&
			request->stream(request->context, piece, sizeof(piece)))
			weir->n_streamed += sizeof(piece);
	}
}

void fake_end(struct weir *weir)
{
	for (unsigned i = 0; i < FAKE_MAX_CALLS; i++)
		if (weir->calls[i].live) {
			weir->calls[i].live = false;
			weir->calls[i].request.ended(weir->calls[i].request.context, NULL);
		}
}
