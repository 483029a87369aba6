// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A control server over a real socket in a directory of its own, with a fake switch behind it. The
// server runs on a thread of its own; tests talk to it over blocking sockets that give up after
// FIXTURE_PATIENCE_S.
#ifndef FIXTURE_H
#define FIXTURE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "control/framing.h"
#include "control/server.h"
#include "fake_weir.h"
#include "weir/control.pb-c.h"

enum { FIXTURE_PATIENCE_S = 20 };

struct fixture {
	char directory[64];
	char path[96];
	struct weir weir;
	struct control_options options;
	uv_loop_t loop;
	uv_async_t wakeup;
	struct durable *durable;
	struct control_server *server;
	pthread_t thread;
	sem_t ran;
	void (*command)(struct weir *weir);
	bool stop;
};

// Starts a server. max_clients and stall_ms: as in server.h, 0 for its defaults.
struct fixture *fixture_start(unsigned max_clients, unsigned stall_ms);

// The same, with the fake store behind it (fake_store.h), whose disk is restored.
struct fixture *fixture_start_durable(void);

// The same as fixture_start, whose documents wait so long for more.
struct fixture *fixture_start_documents(unsigned document_ms);

// Stops it, and checks that it took its socket file away.
void fixture_stop(struct fixture *fixture);

// Runs command on the server's thread and waits for it.
void fixture_run(struct fixture *fixture, void (*command)(struct weir *weir));

// A connection to the server.
int fixture_connect(const struct fixture *fixture);

// Sends bytes as they are; false when the server closed the connection.
bool send_bytes(int fd, const void *bytes, size_t size);

// Sends a message with its size before it.
void send_message(int fd, const void *bytes, size_t size);
void send_request(int fd, const Weir__Control__Request *request);

// Sends a line of request_text.h with n descriptors, which stay the caller's; false when the server
// closed the connection.
bool send_text_files(int fd, const char *line, uint64_t id, const int *files, unsigned n);

// The next reply, free with weir__control__reply__free_unpacked; NULL at the end of the stream.
Weir__Control__Reply *receive_reply(int fd);

// Sends a hello with this id, and checks that the next reply is its answer.
void check_alive(int fd, uint64_t id);
void send_hello(int fd, uint64_t id);
// Sends a hello with this id, and says how many other replies come before its answer.
uint64_t count_until_alive(int fd, uint64_t id);

// Sends a line of request_text.h.
void send_text(int fd, const char *line, uint64_t id);

// Takes the next reply and returns its id; checks that it is no refusal. *more may be NULL.
uint64_t take_id(int fd, bool *more);
// The request was done: by one reply; or with others before the last.
void check_done(int fd, uint64_t id);
void check_all_done(int fd, uint64_t id);

// Takes the next reply and checks that it is a refusal of this code with part in its sentence.
void check_refused(int fd, uint64_t id, Weir__Control__Status__Code code, const char *part);

// Checks that the server closed the connection, and closes it here too.
void check_end(int fd);

// A request with the id, and with its case set by hand.
#define REQUEST(ID)                                                                                \
	(Weir__Control__Request)                                                                   \
	{                                                                                          \
		PROTOBUF_C_MESSAGE_INIT(&weir__control__request__descriptor), .has_id = true,      \
									      .id = (ID)           \
	}

#endif
