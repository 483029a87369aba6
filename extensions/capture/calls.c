// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The calls start, list and stop. Messages have been checked against the schema: lengths, limits
// and types need not be looked at again.
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"

// ---- start

static unsigned stages_of(const Capture__Start *start)
{
	unsigned stages = 0;

	for (size_t i = 0; i < start->n_at; i++)
		stages |= start->at[i] == CAPTURE__STAGE__INGRESS  ? 1u << WEIR_STAGE_INGRESS
			  : start->at[i] == CAPTURE__STAGE__EGRESS ? 1u << WEIR_STAGE_EGRESS
								   : 1u << WEIR_STAGE_DROP;
	return stages;
}

static int check_name(struct captures *x, const char *name, struct weir_error *error)
{
	const struct capture *same;

	for (const char *at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("_-.:", *at))
			return weir_refuse(error, -EINVAL, "name",
				"name \"%s\": letters, digits, \"_\", \"-\", \".\" and \":\" are "
				"allowed",
				name);
	same = capture_named(x, name);
	if (!same)
		return 0;
	return weir_refuse(error, -EEXIST, "name", "name \"%s\": is a capture that %s", name,
		capture_has_ended(same) ? "has ended; stop forgets it" : "runs");
}

static int check_limits(const struct captures *x, struct weir_error *error)
{
	unsigned n = 0;

	for (const struct capture *c = x->first; c; c = c->next)
		n += !capture_has_ended(c);
	if (n < CAPTURES_MAX)
		return 0;
	return weir_refuse(error, -ENOSPC, NULL, "switch %s: has %u captures, the most allowed",
		x->attachment->switch_name, n);
}

static const char *kind_of(mode_t mode)
{
	return S_ISFIFO(mode)   ? "a pipe"
	       : S_ISSOCK(mode) ? "a socket"
	       : S_ISDIR(mode)  ? "a directory"
	       : S_ISCHR(mode)  ? "a character device"
	       : S_ISBLK(mode)  ? "a block device"
				: "no file";
}

// What the client passed is what will be written to: it is looked at, not believed.
static int check_file(
	const struct captures *x, struct capture *new, int fd, struct weir_error *error)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat file;

	if (flags < 0 || fstat(fd, &file) < 0)
		return weir_refuse(
			error, -errno, "write", "write \"%.200s\": %s", new->file, strerror(errno));
	if (!S_ISREG(file.st_mode))
		return weir_refuse(error, -EINVAL, "write",
			"write \"%.200s\": is %s; must be a regular file", new->file,
			kind_of(file.st_mode));
	if ((flags & O_PATH) || (flags & O_ACCMODE) == O_RDONLY)
		return weir_refuse(error, -EINVAL, "write",
			"write \"%.200s\": is not open for writing", new->file);
	for (const struct capture *c = x->first; c; c = c->next)
		if (!capture_has_ended(c) && c->device == file.st_dev && c->inode == file.st_ino)
			return weir_refuse(error, -EBUSY, "write",
				"write \"%.200s\": is written by the capture %s", new->file,
				c->name);
	new->device = file.st_dev;
	new->inode = file.st_ino;
	return 0;
}

static int add_port(
	struct captures *x, struct capture *c, const char *name, struct weir_error *error)
{
	const struct known_port *port = port_named(x, name);

	if (!port)
		return weir_refuse(error, -ENOENT, "port",
			"port \"%s\": switch %s has none of that "
			"name",
			name, x->attachment->switch_name);
	for (unsigned i = 0; i < c->n_ports; i++)
		if (c->ports[i].id == port->id)
			return weir_refuse(
				error, -EINVAL, "port", "port \"%s\": is named twice", name);
	c->ports[c->n_ports].id = port->id;
	memcpy(c->ports[c->n_ports++].name, port->name, sizeof(port->name));
	return 0;
}

static void make_name(struct captures *x, char name[/* WEIR_NAME_MAX */])
{
	do
		snprintf(name, WEIR_NAME_MAX, "c%u", ++x->names_made);
	while (capture_named(x, name));
}

static int make_capture(struct captures *x, const Capture__Start *start, struct capture **made,
	struct weir_error *error)
{
	struct capture *c = calloc(1, sizeof(*c) + start->n_port * sizeof(c->ports[0]));
	int failed = 0;

	if (c)
		c->file = strdup(start->write);
	if (!c || !c->file) {
		free(c);
		return weir_refuse(error, -ENOMEM, NULL, "no memory for the capture");
	}
	c->owner = x;
	c->id = x->ids + 1;
	c->stages = stages_of(start);
	c->snap = start->snap;
	c->since = (uint64_t)time(NULL);
	for (size_t i = 0; !failed && i < start->n_port; i++)
		failed = add_port(x, c, start->port[i], error);
	if (failed)
		capture_free(c);
	else
		*made = c;
	return failed;
}

static int make_writer(struct capture *c, const Capture__Start *start, struct weir_error *error)
{
	const char **names = calloc(c->n_ports, sizeof(*names));
	struct writer_options options = {
		.attachment = c->owner->attachment,
		.cookie = capture_cookie(c),
		.interfaces = names,
		.n_interfaces = c->n_ports,
		.snap = start->snap,
		.count_max = start->has_count ? start->count : UINT64_MAX,
		.size_max = start->has_size ? start->size : UINT64_MAX,
	};
	int failed;

	if (!names)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for the capture");
	for (unsigned i = 0; i < c->n_ports; i++)
		names[i] = c->ports[i].name;
	failed = writer_create(&options, &c->writer, error);
	free(names);
	return failed;
}

static int check_start(struct captures *x, const Capture__Start *start, struct weir_call *call,
	struct weir_error *error)
{
	int failed;

	if (start->n_port == 0)
		return weir_refuse(error, -EINVAL, "port", "port: must name at least one port");
	if (start->n_at == 0)
		return weir_refuse(error, -EINVAL, "at",
			"at: must name at least one of ingress, egress, drop");
	if (!start->write || call->n_files != 1)
		return weir_refuse(
			error, -EINVAL, "write", "write: must name the file to be written");
	failed = start->name ? check_name(x, start->name, error) : 0;
	return failed ? failed : check_limits(x, error);
}

// The capture is accepted: only now the file is touched, by the writer.
static int begin(struct captures *x, struct capture *c, const char *name, int fd,
	struct weir_call *call, struct weir_error *error)
{
	int failed = writer_start(c->writer, fd, error);

	if (failed)
		return failed;
	x->ids++;
	if (name)
		snprintf(c->name, sizeof(c->name), "%s", name);
	else
		make_name(x, c->name);
	c->start = call;
	call->user = c;
	capture_add(x, c);
	return 0;
}

// Takes the capture over, also on failure.
static int start(struct captures *x, struct capture *c, const Capture__Start *message,
	struct weir_call *call, struct weir_error *error)
{
	int fd = weir_call_take_file(call, 0);
	int failed = fd < 0 ? weir_refuse(error, fd, "write",
				      "write \"%.200s\": its descriptor did not come",
				      message->write)
			    : check_file(x, c, fd, error);

	if (!failed)
		failed = make_writer(c, message, error);
	if (!failed && !call->dry_run)
		failed = begin(x, c, message->name, fd, call, error);
	if (!failed && !call->dry_run)
		return 0;
	if (fd >= 0)
		close(fd);
	capture_free(c);
	if (!failed)
		weir_call_end(call, NULL);
	return failed;
}

static int start_call(struct captures *x, struct weir_call *call, struct weir_error *error)
{
	Capture__Start *message = capture__start__unpack(NULL, call->size, call->bytes);
	struct capture *c = NULL;
	int failed;

	if (!message)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for the call");
	failed = check_start(x, message, call, error);
	if (!failed)
		failed = make_capture(x, message, &c, error);
	if (!failed)
		failed = start(x, c, message, call, error);
	capture__start__free_unpacked(message, NULL);
	return failed;
}

// ---- list

static int list_call(struct captures *x, struct weir_call *call, struct weir_error *error)
{
	int failed = 0;

	for (struct capture *c = x->first; c && !failed; c = c->next)
		if (!c->start)
			failed = answer_row(call, c, error);
	if (!failed)
		weir_call_end(call, NULL);
	return failed;
}

// ---- stop

static int stop(
	struct captures *x, struct weir_call *call, const char *name, struct weir_error *error)
{
	struct capture *c = capture_named(x, name);

	if (!c)
		return weir_refuse(error, -ENOENT, "name", "name \"%s\": is no capture", name);
	if (c->stop)
		return weir_refuse(
			error, -EBUSY, "name", "name \"%s\": is being stopped already", name);
	if (call->dry_run) {
		weir_call_end(call, NULL);
		return 0;
	}
	c->stop = call;
	call->user = c;
	c->forget = true;
	if (capture_has_ended(c))
		capture_forget(c);
	else
		capture_end(c, false, NULL);
	return 0;
}

static int stop_call(struct captures *x, struct weir_call *call, struct weir_error *error)
{
	Capture__Stop *message = capture__stop__unpack(NULL, call->size, call->bytes);
	int failed;

	if (!message)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for the call");
	failed = stop(x, call, message->name, error);
	capture__stop__free_unpacked(message, NULL);
	return failed;
}

// ---- All calls

int captures_call(void *instance, struct weir_call *call, struct weir_error *error)
{
	if (strcmp(call->type, "start") == 0)
		return start_call(instance, call, error);
	if (strcmp(call->type, "list") == 0)
		return list_call(instance, call, error);
	return stop_call(instance, call, error);
}

// What was begun goes on without the client: nobody can tell whether he knows.
void captures_call_gone(void *instance, struct weir_call *call)
{
	struct capture *c = call->user;

	(void)instance;
	if (c->start == call)
		c->start = NULL;
	if (c->stop == call)
		c->stop = NULL;
}
