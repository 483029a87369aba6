// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What is said of a change although it is accepted: to the log once it is made, and to whoever
// asked for it, of a dry run too.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "nic/nic.h"
#include "switch/attachment.h"
#include "switch/host.h"
#include "switch/port.h"
#include "switch/remark.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"
#include "switch/wire.h"

struct remark {
	struct remark *next;
	char text[];
};

int remark_add(struct target_state *state, const char *format, va_list arguments)
{
	struct remark **link = &state->remarks, *remark;
	char text[384];
	size_t size;
	unsigned n = 0;

	for (; *link; link = &(*link)->next)
		n++;
	if (n == WEIR_REMARKS_MAX)
		return -ENOSPC;
	vsnprintf(text, sizeof(text), format, arguments);
	size = strlen(text) + 1;
	remark = malloc(sizeof(*remark) + size);
	if (!remark)
		return -ENOMEM;
	remark->next = NULL;
	memcpy(remark->text, text, size);
	*link = remark;
	return 0;
}

void remarks_free(struct target_state *state)
{
	while (state->remarks) {
		struct remark *remark = state->remarks;

		state->remarks = remark->next;
		free(remark);
	}
}

void remarks_tell(const struct target *target, struct target_state *state, bool made)
{
	const struct attachment *a = state->attachment;
	char name[WEIR_NAME_MAX + 8];

	target_name(target, name);
	for (const struct remark *remark = state->remarks; remark; remark = remark->next)
		weir_remark(a->weir, made, "extension %s on %s: %s", a->descriptor->name, name,
			remark->text);
	remarks_free(state);
}

void weir_remark(const struct weir *w, bool made, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	wire_make_text(text); // extensions may say anything, and it may have been cut
	if (made)
		weir_log_line(w, LOG_NOTICE, "%s", text);
	if (w->on_remark)
		w->on_remark(w->remark_context, text);
}

void remark_ended(const struct attachment *a, bool made)
{
	const char *name = a->descriptor->name, *s = a->vswitch->name;
	unsigned n = host_calls_count(a);

	if (n)
		weir_remark(a->weir, made,
			"extension %s on switch:%s: its %u running call%s there %s ended", name, s,
			n, n == 1 ? "" : "s", made ? (n == 1 ? "was" : "were") : "would be");
	if (a->n_running)
		weir_remark(a->weir, made,
			"extension %s on switch:%s: its running %s there (%u) %s ended", name, s,
			a->running, a->n_running, made ? "were" : "would be");
}

// sysctl(8) takes the slashes for names with dots, too: eth0.100.
void port_remark_shared(const struct port *port, const char *spec, bool made)
{
	char name[16];

	if (nic_interface(spec, name))
		weir_remark(port->target.vswitch->weir, made,
			"port %s: the host's own kernel takes what comes from interface %s as "
			"well, whatever policies say: give it no address, and set "
			"net/ipv6/conf/%s/disable_ipv6=1 and net/ipv4/conf/%s/rp_filter=1",
			port->name, name, name, name);
}

void port_remark_nic(const struct port *port)
{
	if (port->nic && port->nic->shared)
		port_remark_shared(port, port->nic_spec, true);
}

void weir_on_remark(struct weir *w, weir_remark_handler *handler, void *context)
{
	w->on_remark = handler;
	w->remark_context = context;
}
