// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "capture_lab.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

static char directory[64];

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *where)
{
	(void)s, (void)type, (void)where;
	return remove(path);
}

void capture_begin(struct lab *lab, const struct lab_options *options)
{
	struct lab_options own = options ? *options : (struct lab_options){ 0 };

	strcpy(directory, "/tmp/weir-capture-XXXXXX");
	assert_non_null(mkdtemp(directory));
	if (own.n_ports == 0)
		own.n_ports = CAPTURE_PORTS;
	lab_start(lab, &own);
	lab_learn(lab);
	lab_attach(lab, "capture", 10);
	lab_settle(lab);
}

void capture_end(struct lab *lab)
{
	lab_end(lab);
	nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *capture_path(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void pause_ms(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

// ---- Calls

static void take_reply(void *context, const void *bytes, size_t size)
{
	struct answer *a = context;

	assert_true(a->n < CAPTURE_ROWS_MAX && size <= sizeof(a->replies[0].bytes));
	a->replies[a->n].size = size;
	memcpy(a->replies[a->n++].bytes, bytes, size);
}

static void take_end(void *context, const struct weir_error *refusal)
{
	struct answer *a = context;

	assert_false(a->ended);
	a->ended = true;
	a->running = NULL;
	if (!refusal)
		return;
	a->refused = refusal->code;
	a->lab->error = *refusal;
}

void call_begin(struct lab *lab, struct answer *answer, const char *type,
	const ProtobufCMessage *message, int fd, unsigned flags)
{
	uint8_t bytes[2048];
	struct weir_call_request request = {
		.size = sizeof(request),
		.extension = "capture",
		.type = type,
		.bytes = bytes,
		.n_bytes = protobuf_c_message_get_packed_size(message),
		.files = &fd,
		.n_files = fd >= 0,
		.reply = take_reply,
		.ended = take_end,
		.context = answer,
	};

	assert_true(request.n_bytes <= sizeof(bytes));
	protobuf_c_message_pack(message, bytes);
	memset(answer, 0, offsetof(struct answer, replies));
	answer->lab = lab;
	memset(&lab->error, 0, sizeof(lab->error));
	answer->refused = weir_call_begin(
		lab->weir, &request, flags, &answer->running, &lab->error);
	answer->ended |= answer->refused != 0;
}

void call_wait(struct lab *lab, struct answer *answer)
{
	for (unsigned waited = 0; !answer->ended; waited++) {
		if (waited == PATIENCE_MS)
			fail_msg("the call is not answered");
		lab_run(lab);
		pause_ms();
	}
}

// ---- start

static int open_file(const struct capture_wish *wish)
{
	const char *path = capture_path(wish->write ? wish->write : "capture.pcapng");
	int fd = wish->fd ? wish->fd : open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0 || wish->fd == -1);
	return fd;
}

void capture_start_begin(struct lab *lab, struct capture_wish wish, struct answer *answer)
{
	Capture__Start start = CAPTURE__START__INIT;
	char *ports[2] = { (char *)(uintptr_t)wish.port, (char *)(uintptr_t)wish.port2 };
	Capture__Stage at[3];

	start.port = ports;
	start.n_port = (wish.port != NULL) + (wish.port2 != NULL);
	start.at = at;
	for (unsigned stage = CAPTURE__STAGE__INGRESS; stage <= CAPTURE__STAGE__DROP; stage++)
		if (wish.at & 1u << stage)
			at[start.n_at++] = (Capture__Stage)stage;
	start.write = (char *)(uintptr_t)(wish.write ? wish.write : "capture.pcapng");
	start.has_snap = wish.snap != 0;
	start.snap = wish.snap;
	start.has_count = wish.count != 0;
	start.count = wish.count;
	start.has_size = wish.size != 0;
	start.size = wish.size;
	start.name = (char *)(uintptr_t)wish.name;
	call_begin(lab, answer, "start", &start.base, open_file(&wish), wish.flags);
}

int capture_try(struct lab *lab, struct capture_wish wish, char name[])
{
	static struct answer answer;
	Capture__Started *started;

	capture_start_begin(lab, wish, &answer);
	call_wait(lab, &answer);
	if (answer.refused)
		return answer.refused;
	if (wish.flags & WEIR_DRY_RUN)
		return 0;
	assert_int_equal(answer.n, 1);
	started = capture__started__unpack(NULL, answer.replies[0].size, answer.replies[0].bytes);
	assert_non_null(started);
	if (name)
		snprintf(name, 32, "%s", started->name);
	capture__started__free_unpacked(started, NULL);
	lab_settle(lab);
	return 0;
}

void capture_start(struct lab *lab, struct capture_wish wish)
{
	if (capture_try(lab, wish, NULL) < 0)
		fail_msg("capture: %s", lab->error.message);
}

// ---- stop

int capture_try_stop(struct lab *lab, const char *name, struct capture_row *row)
{
	static struct answer answer;
	Capture__Stop stop = CAPTURE__STOP__INIT;
	Capture__Stopped *s;

	stop.name = (char *)(uintptr_t)name;
	call_begin(lab, &answer, "stop", &stop.base, -1, 0);
	call_wait(lab, &answer);
	if (answer.refused)
		return answer.refused;
	assert_int_equal(answer.n, 1);
	s = capture__stopped__unpack(NULL, answer.replies[0].size, answer.replies[0].bytes);
	assert_non_null(s);
	assert_string_equal(s->name, name);
	*row = (struct capture_row){ .state = s->state,
		.seen = s->seen_frames,
		.captured = s->captured_frames,
		.lost = s->lost_frames,
		.bytes = s->bytes };
	snprintf(row->name, sizeof(row->name), "%s", s->name);
	snprintf(row->reason, sizeof(row->reason), "%s", s->reason ? s->reason : "");
	capture__stopped__free_unpacked(s, NULL);
	assert_int_equal(row->captured + row->lost, row->seen);
	return 0;
}

struct capture_row capture_stop(struct lab *lab, const char *name)
{
	struct capture_row row;

	if (capture_try_stop(lab, name, &row) < 0)
		fail_msg("stop: %s", lab->error.message);
	return row;
}

// ---- list

static void read_row(const struct answer *answer, unsigned i, struct capture_row *row)
{
	Capture__Listed *listed = capture__listed__unpack(
		NULL, answer->replies[i].size, answer->replies[i].bytes);
	const Capture__Row *r;

	assert_non_null(listed);
	assert_int_equal(listed->n_row, 1);
	r = listed->row[0];
	*row = (struct capture_row){ .n_ports = (unsigned)r->n_port,
		.n_at = (unsigned)r->n_at,
		.state = r->state,
		.seen = r->seen_frames,
		.captured = r->captured_frames,
		.lost = r->lost_frames,
		.bytes = r->bytes };
	snprintf(row->name, sizeof(row->name), "%s", r->name);
	snprintf(row->reason, sizeof(row->reason), "%s", r->reason ? r->reason : "");
	assert_int_equal(row->captured + row->lost, row->seen);
	capture__listed__free_unpacked(listed, NULL);
}

unsigned capture_list(struct lab *lab, struct capture_row rows[])
{
	static struct answer answer;
	Capture__List list = CAPTURE__LIST__INIT;

	call_begin(lab, &answer, "list", &list.base, -1, 0);
	call_wait(lab, &answer);
	if (answer.refused)
		fail_msg("list: %s", lab->error.message);
	for (unsigned i = 0; i < answer.n; i++)
		read_row(&answer, i, &rows[i]);
	return answer.n;
}

struct capture_row capture_row(struct lab *lab, const char *name)
{
	struct capture_row rows[CAPTURE_ROWS_MAX];
	unsigned n = capture_list(lab, rows);

	for (unsigned i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i];
	fail_msg("the capture %s is not listed", name);
	return rows[0];
}

struct capture_row capture_wait(struct lab *lab, const char *name, Capture__State state)
{
	struct capture_row row;

	for (unsigned waited = 0; waited < PATIENCE_MS; waited++) {
		row = capture_row(lab, name);
		if (row.state == state)
			return row;
		lab_run(lab);
		pause_ms();
	}
	fail_msg("the capture %s is in state %d", name, (int)row.state);
	return row;
}

void capture_assert_file(const char *name, const struct capture_row *row)
{
	struct pcapng_file file;

	pcapng_read(&file, capture_path(name));
	assert_int_equal(file.n_frames, row->captured);
	assert_int_equal(file.size, row->bytes);
	pcapng_free(&file);
}

// ---- Frames

void capture_traffic(struct lab *lab, unsigned n)
{
	struct lab_frame frame = lab_udp(0, 1, 1000, 2000), got;

	memset(frame.bytes + frame.size, 0xa5, 100 - frame.size);
	frame.size = 100;
	for (unsigned i = 0; i < n; i++) {
		lab_send(lab, 0, &frame);
		if (i % 64 == 63 || i == n - 1) {
			lab_run(lab);
			while (lab_receive(lab, 1, &got))
				;
		}
	}
}
