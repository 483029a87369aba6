// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <unistd.h>

#include "control/handlers.h"
#include "control/internal.h"

enum { NS_PER_S = 1000000000 };

void on_hello(struct call *call)
{
	const struct control_server *server = call->server;
	Weir__Control__HelloReply hello = WEIR__CONTROL__HELLO_REPLY__INIT;
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;

	hello.version = (char *)WEIR_VERSION;
	ROW_SET(hello, pid, getpid());
	hello.socket = row_text(server->listener.path);
	hello.state = row_text(server->state);
	hello.extensions = row_text(server->extensions);
	ROW_SET(hello, strict, server->strict);
	ROW_SET(hello, since, server->since);
	ROW_SET(hello, uptime_s, (uv_hrtime() - server->started_ns) / NS_PER_S);
	ROW_SET(hello, clients, server->n_clients);
	ROW_SET(hello, clients_max, server->max_clients);
	reply.payload_case = WEIR__CONTROL__REPLY__PAYLOAD_HELLO;
	reply.hello = &hello;
	call_finish(call, &reply);
}
