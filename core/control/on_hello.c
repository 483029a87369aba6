// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <unistd.h>

#include "control/handlers.h"
#include "control/internal.h"

void on_hello(struct call *call)
{
	Weir__Control__HelloReply hello = WEIR__CONTROL__HELLO_REPLY__INIT;
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;

	hello.version = (char *)WEIR_VERSION;
	ROW_SET(hello, pid, getpid());
	reply.payload_case = WEIR__CONTROL__REPLY__PAYLOAD_HELLO;
	reply.hello = &hello;
	call_finish(call, &reply);
}
