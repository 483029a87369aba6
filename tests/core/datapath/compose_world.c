// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "compose_world.h"

#include <stdio.h>

#include "datapath/rcu.h"
#include "forwarding/native.h"

struct world world;
char world_said[1024];

static const struct weir_drop_reason reasons[] = { { "first", "the first" },
	{ "second", "the second" } };

static void port_init(struct snapshot_port *port, uint16_t index, weir_port_id id)
{
	*port = (struct snapshot_port){
		.id = id,
		.index = index,
		.slot = generation_slot(GENERATION_PORT, index),
		.frame_max = UINT32_MAX,
	};
}

int world_setup(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	rcu_register();
	world.generation = generation_create();
	world.fdb = fdb_create(world.generation, 0, 0);
	world.sessions = session_table_create(world.generation, 64, 8);
	world.snapshot = calloc(
		1, sizeof(*world.snapshot) + WORLD_PORTS * sizeof(world.snapshot->ports[0]));
	if (!world.generation || !world.fdb || !world.sessions || !world.snapshot)
		return -1;
	world.meters.chunks[0] = world.owners;
	world.learn = true;
	world.snapshot->n_ports = WORLD_PORTS;
	world.snapshot->policers = &world.policers;
	world.snapshot->nowhere = &world.nowhere;
	port_init(&world.nowhere, KEY_NO_PORT, WEIR_PORT_NONE);
	for (uint16_t i = 0; i < WORLD_PORTS; i++) {
		port_init(&world.ports[i], i, 0x10000u + i);
		world.snapshot->ports[i] = &world.ports[i];
		if (fdb_port_add(world.fdb, world.ports[i].id, 0))
			return -1;
	}
	world_stack(NULL, 0);
	return 0;
}

int world_teardown(void **state)
{
	(void)state;
	fdb_destroy(world.fdb);
	session_table_destroy(world.sessions);
	rcu_leave();
	rcu_drain();
	rcu_enter();
	rcu_unregister();
	generation_destroy(world.generation);
	free(world.snapshot);
	return 0;
}

static void no_visit(const void *state, struct weir_visit *visit)
{
	(void)state;
	(void)visit;
}

static void add_extension(const struct actor *actor, unsigned n)
{
	struct weir_extension *e = &world.extensions[n];

	*e = (struct weir_extension){ .class = actor->class, .name = actor->name };
	e->drop_reasons = reasons;
	e->n_drop_reasons = 2;
	e->visit = actor->visits ? no_visit : NULL;
	world.counters[n] = (struct extension_counters){ 0 };
	world.entries[n] = (struct stack_entry){
		.extension = e,
		.counters = &world.counters[n],
		.attachment = (uint16_t)(n + 1),
		.visitor = (uint16_t)(n + 1),
		.number = (uint16_t)(n + 1),
		.order = (uint8_t)n,
	};
	world.owners[WORLD_METER + n] = (uint16_t)(n + 1);
	world.snapshot->has_forwarding |= actor->class == WEIR_CLASS_FORWARDING;
}

static uint64_t add_hooks(
	struct snapshot_port *port, const struct actor *actors[], unsigned n, enum weir_stage stage)
{
	unsigned at = port->first[stage];
	uint64_t fields = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned order = stage == WEIR_STAGE_EGRESS ? n - 1 - i : i;
		struct hook *hook = &port->hooks[at];

		if (!actors[order]->hooks[stage])
			continue;
		*hook = (struct hook){ .decide = actors[order]->hooks[stage],
			.entry = &world.entries[order],
			.state = actors[order],
			.position = hook_position(stage, order, n),
			.stage = (uint8_t)stage };
		key_mask_make(&hook->mask, actors[order]->reads);
		fields |= actors[order]->reads;
		at++;
	}
	port->first[stage + 1] = (uint8_t)at;
	return fields;
}

static void make_port(
	struct snapshot_port *port, struct hook *hooks, const struct actor *actors[], unsigned n)
{
	uint64_t fields[WEIR_N_STAGES], ingress, egress;

	port->hooks = hooks;
	for (unsigned stage = 0; stage < WEIR_N_STAGES; stage++)
		fields[stage] = add_hooks(port, actors, n, stage);
	egress = fields[WEIR_STAGE_EGRESS] | fields[WEIR_STAGE_DROP] | WEIR_FIELD_VLAN_ID;
	ingress = fields[WEIR_STAGE_INGRESS] | fields[WEIR_STAGE_FORWARD] |
		  fields[WEIR_STAGE_FORWARDED] | fields[WEIR_STAGE_DROP] | NATIVE_FIELDS;
	key_mask_make(&port->ingress, ingress & ~WEIR_FIELD_INGRESS_PORT);
	key_mask_make(&port->egress, egress);
}

void world_stack(const struct actor *actors[], unsigned n)
{
	world.snapshot->has_forwarding = false;
	world.n = n;
	for (unsigned i = 0; i < n; i++)
		add_extension(actors[i], i);
	for (unsigned i = 0; i < WORLD_PORTS; i++)
		make_port(&world.ports[i], world.hooks[i], actors, n);
	make_port(&world.nowhere, world.hooks[0], NULL, 0);
	world_said[0] = '\0';
}

void world_vlan(uint16_t port, const char *text)
{
	assert_int_equal(vlan_parse(text, &world.ports[port].vlan, NULL), 0);
}

void world_learn(uint16_t vlan, const char *mac, uint16_t port)
{
	uint8_t bytes[HEX_MAX];

	assert_int_equal(hex_bytes(mac, bytes), 6);
	fdb_learn(world.fdb, vlan, bytes, world.ports[port].id, 0, NULL);
}

static const char *reason_text(void *context, uint16_t reason)
{
	static const char *const core[N_CORE_REASONS] = {
		[REASON_MALFORMED] = "malformed",
		[REASON_RESERVED_ADDRESS] = "reserved",
		[REASON_VLAN_NOT_ALLOWED] = "vlan",
		[REASON_TAG_ON_ACCESS_PORT] = "tag-on-access",
		[REASON_UNTAGGED_ON_TRUNK] = "untagged-on-trunk",
		[REASON_SAME_PORT] = "same-port",
		[REASON_NO_DESTINATION] = "no-destination",
		[REASON_NO_PORT] = "no-port",
		[REASON_PORT_DOWN] = "port-down",
		[REASON_STACK_TOO_COMPLEX] = "too-complex",
		[REASON_SESSION_FULL] = "session-full",
	};
	static char text[64];

	(void)context;
	if (reason < N_CORE_REASONS)
		return core[reason];
	snprintf(text, sizeof(text), "%s/%u",
		world.extensions[(reason >> REASONS_PER_OWNER_SHIFT) - 1].name,
		reason & ((1u << REASONS_PER_OWNER_SHIFT) - 1));
	return text;
}

static const char *program_text(void)
{
	static const struct program_names names = { .reason = reason_text };
	static char text[1024];

	program_format(world.out.ops, world.out.n_ops, &names, text, sizeof(text));
	return text;
}

static struct flow_key masked_key(const char *frame_text, const struct key_mask *mask)
{
	uint8_t bytes[HEX_MAX];
	uint32_t size = hex_bytes(frame_text, bytes);
	struct weir_frame frame = plain_frame(bytes, size);
	struct flow_key key;

	key_parse(&frame, &key);
	for (unsigned i = 1; i < KEY_WORDS; i++)
		key.w[i] &= mask->bits.w[i];
	return key;
}

static struct compose_context context(void)
{
	return (struct compose_context){ .snapshot = world.snapshot,
		.fdb = world.fdb,
		.learn = world.learn,
		.meters = &world.meters,
		.sessions = world.sessions,
		.sessions_refused = world.sessions_refused };
}

const char *world_ingress(uint16_t port, const char *frame_text, uint8_t start)
{
	const struct snapshot_port *p = snapshot_port(world.snapshot, port);
	struct flow_key key = masked_key(frame_text, &p->ingress);
	struct compose_context c = context();

	key.w[0] |= port | (uint64_t)start << KEY_START_SHIFT;
	world_said[0] = '\0';
	compose_ingress(&c, &key, &world.out);
	return program_text();
}

const char *world_egress(
	uint16_t port, const char *frame_text, uint16_t from_port, enum weir_forwarded forwarded)
{
	const struct key_mask *mask = &world.ports[port].egress;
	struct flow_key key = masked_key(frame_text, mask);
	struct compose_context c = context();

	key.w[0] |= port | KEY_EGRESS_HALF | (uint64_t)forwarded << KEY_FORWARDED_SHIFT;
	key_set_ingress(&key, from_port & mask->bits.w[8] & KEY_INGRESS_MASK);
	world_said[0] = '\0';
	compose_egress(&c, &key, &world.out);
	return program_text();
}

void world_log(const char *format, ...)
{
	size_t used = strlen(world_said);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(world_said + used, sizeof(world_said) - used, format, arguments);
	va_end(arguments);
}

bool world_depends_on(uint16_t slot)
{
	for (unsigned i = 0; i < world.out.n_depends; i++)
		if (world.out.depends[i] == slot)
			return true;
	return false;
}
