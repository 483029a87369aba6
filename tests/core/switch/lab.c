// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "lab.h"

#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "switch/weir.h"

enum { PATIENCE_MS = 5000 };

static uint64_t virtual_ns(void *context)
{
	const struct lab *lab = context;

	return __atomic_load_n(&lab->clock_ns, __ATOMIC_RELAXED);
}

// Only what extensions say to follow their life is kept.
static void keep_line(void *context, int level, const char *line)
{
	struct lab *lab = context;
	char *log;

	if (level != lab->log_level)
		return;
	// By the C library itself: a test may have the core's allocations fail.
	assert_true(asprintf(&log, "%s%s\n", lab->log, line) >= 0);
	free(lab->log);
	lab->log = log;
}

void lab_start(struct lab *lab, const struct lab_options *o)
{
	const char *extensions = getenv("LAB_EXTENSIONS"); // others than usual
	struct weir_options options = {
		.size = sizeof(options),
		.n_workers = o->n_workers,
		.strict = o->strict,
		.n_flows = o->n_flows,
		.fdb_ageing_s = o->fdb_ageing_s,
		.extensions = extensions ? extensions : LAB_EXTENSIONS,
		.clock_ns = o->n_workers && !o->virtual_clock ? NULL : virtual_ns,
		.clock_context = lab,
		.log = keep_line,
		.log_context = lab,
	};
	struct weir_switch_config config = {
		.size = sizeof(config),
		.n_sessions = o->n_sessions,
		.n_port_sessions = o->n_port_sessions,
	};

	memset(lab, 0, sizeof(*lab));
	lab->clock_ns = UINT64_C(1000000000000);
	lab->threaded = o->n_workers != 0;
	lab->log_level = LOG_DEBUG;
	lab->log = strdup("");
	if (weir_create(&options, &lab->weir, &lab->error) < 0)
		fail_msg("weir_create: %s", lab->error.message);
	assert_int_equal(weir_switch_add_with(lab->weir, "br0", &config, 0, &lab->error), 0);
	lab->nic = o->nic;
	for (unsigned i = 0; i < o->n_ports; i++)
		lab_add_port(lab, "br0", i, NULL);
}

void lab_end(struct lab *lab)
{
	lab_settle(lab);
	lab_check_conservation(lab);
	lab_abandon(lab);
}

void lab_abandon(struct lab *lab)
{
	weir_destroy(lab->weir);
	for (unsigned i = 0; i < LAB_PORTS_MAX; i++)
		weir_memory_release(lab->ends[i]);
	free(lab->log);
}

static const char *port_name(unsigned n, char name[16])
{
	snprintf(name, 16, "p%u", n);
	return name;
}

void lab_add_port(struct lab *lab, const char *vswitch, unsigned n, const char *vlan)
{
	struct weir_port_config config = {
		.size = sizeof(config), .nic = lab->nic ? lab->nic : "memory", .vlan = vlan
	};
	char name[16];

	assert_true(n < LAB_PORTS_MAX && !lab->ends[n]);
	if (weir_port_add(lab->weir, vswitch, port_name(n, name), &config, 0, &lab->error) < 0)
		fail_msg("port %s: %s", name, lab->error.message);
	lab->ends[n] = weir_port_memory(lab->weir, name);
	assert_non_null(lab->ends[n]);
	if (n >= lab->n_ports)
		lab->n_ports = n + 1;
}

void lab_remove_port(struct lab *lab, unsigned n)
{
	char name[16];

	if (weir_port_remove(lab->weir, port_name(n, name), 0, &lab->error) < 0)
		fail_msg("port %s: %s", name, lab->error.message);
	weir_memory_release(lab->ends[n]);
	lab->ends[n] = NULL;
}

// ---- Time

static void pause_ms(unsigned ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

static unsigned round_once(struct lab *lab)
{
	unsigned n;

	__atomic_store_n(&lab->clock_ns, lab->clock_ns + 1000000, __ATOMIC_RELAXED);
	n = weir_run(lab->weir);
	weir_process(lab->weir);
	return n;
}

void lab_run(struct lab *lab)
{
	unsigned quiet = 0;

	// Twice nothing: what an extension originated comes with the round after.
	while (quiet < 2)
		quiet = round_once(lab) ? 0 : quiet + 1;
	if (lab->threaded)
		pause_ms(1);
}

void lab_advance_s(struct lab *lab, unsigned seconds)
{
	__atomic_store_n(
		&lab->clock_ns, lab->clock_ns + seconds * UINT64_C(1000000000), __ATOMIC_RELAXED);
}

static void set_flag(void *context)
{
	*(bool *)context = true;
}

void lab_settle(struct lab *lab)
{
	bool done = false;

	assert_int_equal(weir_when_done(lab->weir, set_flag, &done), 0);
	// Grace periods end on a thread of liburcu's.
	for (unsigned waited = 0; waited < PATIENCE_MS; waited++) {
		round_once(lab);
		if (done && lab->weir->n_deferred == 0)
			return;
		pause_ms(1);
	}
	fail_msg("%s", done ? "what was replaced is not released" : "the change is not in force");
}

// ---- Conservation

struct balance {
	char text[256];
	bool even;
};

static void add_switch(void *context, const struct weir_switch_info *s)
{
	struct balance *balance = context;

	if (s->received + s->originated + s->copies ==
		s->transmitted + s->dropped + s->consumed + s->queued)
		return;
	balance->even = false;
	snprintf(balance->text, sizeof(balance->text),
		"switch %s: received %llu + originated %llu + copies %llu != transmitted %llu + "
		"dropped %llu + consumed %llu + queued %llu",
		s->name, (unsigned long long)s->received, (unsigned long long)s->originated,
		(unsigned long long)s->copies, (unsigned long long)s->transmitted,
		(unsigned long long)s->dropped, (unsigned long long)s->consumed,
		(unsigned long long)s->queued);
}

void lab_check_conservation(struct lab *lab)
{
	struct balance balance;

	// Counts of a removed port join the switch's after a grace period.
	for (unsigned waited = 0; waited < PATIENCE_MS; waited++) {
		balance.even = true;
		assert_int_equal(
			weir_switch_list(lab->weir, NULL, add_switch, &balance, &lab->error), 0);
		if (balance.even)
			return;
		round_once(lab);
		pause_ms(1);
	}
	fail_msg("%s", balance.text);
}

// ---- Changes

void lab_attach(struct lab *lab, const char *extension, int order)
{
	if (weir_extension_attach(lab->weir, "br0", extension, order, 0, &lab->error) < 0)
		fail_msg("attach %s: %s", extension, lab->error.message);
}

void lab_detach(struct lab *lab, const char *extension)
{
	if (weir_extension_detach(lab->weir, "br0", extension, 0, &lab->error) < 0)
		fail_msg("detach %s: %s", extension, lab->error.message);
}

int lab_try_policy(struct lab *lab, const char *target, const char *extension, const char *type,
	const char *id, const ProtobufCMessage *message, unsigned flags)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t bytes[4096];

	assert_true(size <= sizeof(bytes));
	protobuf_c_message_pack(message, bytes);
	memset(&lab->error, 0, sizeof(lab->error));
	return weir_policy_add(
		lab->weir, target, extension, type, id, bytes, size, NULL, flags, &lab->error);
}

void lab_policy(struct lab *lab, const char *target, const char *extension, const char *type,
	const char *id, const ProtobufCMessage *message)
{
	if (lab_try_policy(lab, target, extension, type, id, message, 0) < 0)
		fail_msg("policy %s.%s on %s: %s", extension, type, target, lab->error.message);
}

void lab_remove_policy(struct lab *lab, const char *target, const char *extension, const char *id)
{
	if (weir_policy_remove(lab->weir, target, extension, id, 0, &lab->error) < 0)
		fail_msg("policy %s of %s on %s: %s", id, extension, target, lab->error.message);
}

void lab_assert_refused_at(struct lab *lab, int returned, int errno_value, const char *text,
	const char *file, int line)
{
	if (returned == -errno_value && lab->error.code == returned &&
		strstr(lab->error.message, text))
		return;
	print_error("returned %d, expected %d; \"%s\" (code %d), expected \"%s\"\n", returned,
		-errno_value, lab->error.message, lab->error.code, text);
	_fail(file, line);
}

unsigned lab_logged(const struct lab *lab, const char *text)
{
	unsigned n = 0;

	for (const char *at = lab->log; (at = strstr(at, text)); at++)
		n++;
	return n;
}

void lab_forget_log(struct lab *lab)
{
	*lab->log = '\0';
}
