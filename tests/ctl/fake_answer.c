// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "fake_answer.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static bool write_all(int fd, const void *bytes, size_t size)
{
	return send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

void fake_reply(const struct fake_connection *c, Weir__Control__Reply *reply, bool more)
{
	size_t size;
	uint8_t *bytes;
	uint32_t header;

	reply->has_id = 1;
	reply->id = c->id;
	reply->has_more = reply->more = more;
	size = weir__control__reply__get_packed_size(reply);
	bytes = malloc(sizeof(header) + size);
	header = htonl((uint32_t)size);
	memcpy(bytes, &header, sizeof(header));
	weir__control__reply__pack(reply, bytes + sizeof(header));
	write_all(c->fd, bytes, sizeof(header) + size);
	free(bytes);
}

void fake_done(const struct fake_connection *c, bool more)
{
	Weir__Control__Reply message = WEIR__CONTROL__REPLY__INIT;

	fake_reply(c, &message, more);
}

void fake_refuse(const struct fake_connection *c, Weir__Control__Status__Code code,
	const char *field, const char *sentence)
{
	Weir__Control__Status status = WEIR__CONTROL__STATUS__INIT;
	Weir__Control__Reply message = WEIR__CONTROL__REPLY__INIT;

	status.has_code = 1;
	status.code = code;
	status.message = sentence ? strdup(sentence) : NULL;
	status.field = field ? strdup(field) : NULL;
	message.status = &status;
	fake_reply(c, &message, false);
	free(status.message);
	free(status.field);
}

static char text_br0[] = "br0", text_br1[] = "br1", text_vm1[] = "vm1", text_up0[] = "up0";
static char text_sample[] = "sample";

static void list_switches(const struct fake_connection *c)
{
	Weir__Control__Switch br0 = {
		BASE(switch),
		.name = text_br0,
		HAS(ports, 2),
		HAS(rx_frames, 1000),
		HAS(dropped_frames, UINT64_MAX)
	};
	Weir__Control__Switch br1 = { BASE(switch), .name = text_br1 };
	Weir__Control__Switch *array[] = { &br0, &br1 };
	Weir__Control__SwitchRows rows = { BASE(switch_rows), ROWS(array) };

	REPLY(c, SWITCHES, switches, &rows, false);
}

static void list_ports(const struct fake_connection *c, bool one)
{
	static char created[] = "created", lost[] = "nic-lost", nic[] = "tap:vm1";
	static char reason[] = "the interface \x1b[31mvm1 is gone";
	Weir__Control__Port vm1 = { BASE(port), .name = text_vm1, .switch_ = text_br0,
		.state = lost, .nic = nic, HAS(rx_frames, 12), HAS(rx_bytes, 3456),
		HAS(tx_frames, 7), HAS(tx_bytes, 890), HAS(dropped_frames, 1), .reason = reason,
		HAS(blocked, 1) };
	Weir__Control__Port up0 = { BASE(port), .name = text_up0, .switch_ = text_br0,
		.state = created, HAS(rx_frames, 0), HAS(uplink, 1) };
	Weir__Control__Port *first[] = { &vm1 }, *second[] = { &up0 };
	Weir__Control__PortRows first_rows = { BASE(port_rows), ROWS(first) };
	Weir__Control__PortRows second_rows = { BASE(port_rows), ROWS(second) };

	// A list comes in as many replies as the daemon likes.
	REPLY(c, PORTS, ports, &first_rows, !one);
	if (!one)
		REPLY(c, PORTS, ports, &second_rows, false);
}

static void show_port(const struct fake_connection *c, const char *name)
{
	if (strcmp(name, "sample") == 0 || strcmp(name, "nothing") == 0)
		fake_refuse(c, WEIR__CONTROL__STATUS__CODE__NOT_FOUND, "port_show.name",
			"port: there is none of that name");
	else
		list_ports(c, true);
}

static void say_hello(const struct fake_connection *c)
{
	static char version[] = "0.9.1", path[] = "/run/weir/weir.sock";
	// What is there, and where: the test that is running made it.
	static char extensions[] = "/nowhere:./extensions:./extensions";
	Weir__Control__HelloReply hello = { BASE(hello_reply), .version = version, HAS(pid, 4711),
		.socket = path, .extensions = extensions, HAS(strict, 0), HAS(since, 1700000000),
		HAS(uptime_s, 60), HAS(clients, 1), HAS(clients_max, 1024) };

	REPLY(c, HELLO, hello, &hello, false);
}

static void list_extensions(const struct fake_connection *c, const char *switch_name)
{
	static char version[] = "1.0", class[] = "filter", summary[] = "A sample";
	static char attached[] = "attached", missing[] = "missing", gone[] = "gone";
	static char reason[] = "there is no gone.so";
	Weir__Control__Extension sample = { BASE(extension), .name = text_sample,
		.version = version, .summary = summary, .class_ = class, .switch_ = text_br0,
		HAS(order, 10), HAS(decisions, 3), .state = attached };
	Weir__Control__Extension lost = { BASE(extension), .name = gone, .switch_ = text_br0,
		HAS(order, 20), .state = missing, .reason = reason, HAS(fail_open, 1) };
	Weir__Control__Extension *array[] = { &sample, &lost };
	Weir__Control__ExtensionRows rows = { BASE(extension_rows), ROWS(array) };

	if (switch_name && strcmp(switch_name, text_br0) != 0)
		rows.n_rows = 0;
	REPLY(c, EXTENSIONS, extensions, &rows, false);
}

static void give_schema(const struct fake_connection *c, const char *extension)
{
	static const char *const known[][4] = {
		{ "policy", "rule", "sample.Rule", "port switch" },
		{ "policy", "everything", "sample.Everything", "port" },
		{ "status", "totals", "sample.Totals", "port" },
		{ "call", "start", "sample.Start", "port" },
		{ "reply", "start", "sample.Started", "" },
		{ "call", "list", "sample.List", "" },
		{ "reply", "list", "sample.Listed", "" },
		{ "call", "watch", "sample.Watch", "" },
	};
	enum { N_TYPES = sizeof(known) / sizeof(*known), N_NO_CALLS = 3 };
	Weir__Control__MessageType types[N_TYPES], *array[N_TYPES];
	Weir__Control__PolicySchemaReply schema = { BASE(policy_schema_reply),
		.extension = text_sample, .has_file_descriptor_set = 1, .n_types = N_TYPES,
		.types = array };
	uint8_t *copy;

	// One by the name of a type, and without the calls.
	if (strcmp(extension, "sample") != 0 && strcmp(extension, "rule") != 0) {
		fake_refuse(c, WEIR__CONTROL__STATUS__CODE__NOT_FOUND, "",
			"extension: there is none of that name");
		return;
	}
	if (strcmp(extension, "rule") == 0)
		schema.n_types = N_NO_CALLS;
	for (size_t i = 0; i < N_TYPES; i++) {
		types[i] = (Weir__Control__MessageType){ BASE(message_type),
			.role = strdup(known[i][0]), .type = strdup(known[i][1]),
			.message = strdup(known[i][2]),
			HAS(on_port, strstr(known[i][3], "port") != NULL),
			HAS(on_switch, strstr(known[i][3], "switch") != NULL) };
		array[i] = &types[i];
	}
	copy = malloc(c->schema_size);
	memcpy(copy, c->schema, c->schema_size);
	schema.file_descriptor_set.data = copy;
	schema.file_descriptor_set.len = c->schema_size;
	REPLY(c, SCHEMA, schema, &schema, false);
	free(copy);
	for (size_t i = 0; i < N_TYPES; i++) {
		free(types[i].role);
		free(types[i].type);
		free(types[i].message);
	}
}

static void add_policy(const struct fake_connection *c, const Weir__Control__PolicyAdd *policy)
{
	static char made[] = "p1", one[] = "taken as it is", two[] = "\x1b[31mred";
	char *remarks[] = { one, two };
	Weir__Control__PolicyAdded added = { BASE(policy_added),
		.id = policy->id ? policy->id : made };
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;

	reply.payload_case = WEIR__CONTROL__REPLY__PAYLOAD_POLICY_ADDED;
	reply.policy_added = &added;
	// In the words of the protocol.
	if (policy->id && !*policy->id) {
		fake_refuse(c, WEIR__CONTROL__STATUS__CODE__INVALID, "policy_add.id",
			"policy_add.id: has 0 bytes, must have 1 to 63");
		return;
	}
	if (policy->id && strcmp(policy->id, "odd") == 0) {
		reply.remarks = remarks;
		reply.n_remarks = 2;
	}
	fake_reply(c, &reply, false);
}

// That of a missing extension is on switch:br0 alone.
static void list_policies(const struct fake_connection *c, const char *target)
{
	// remote = "10.0.0.0/8", direction = IN, match = { protocol = 6 }
	static uint8_t body[] = "\x0a\x0a"
				"10.0.0.0/8"
				"\x10\x00\x1a\x02\x08\x06";
	static char type[] = "rule", id[] = "web";
	Weir__Control__Policy rule = { BASE(policy), .target = text_vm1, .extension = text_sample,
		.type = type, .id = id, .has_body = 1, .body = { sizeof(body) - 1, body } };
	static char gone[] = "gone";
	Weir__Control__Policy lost = { BASE(policy), .target = text_vm1, .extension = gone,
		.id = id, .has_body = 1, .body = { sizeof(body) - 1, body } };
	Weir__Control__Policy *array[] = { &rule, &lost };
	Weir__Control__PolicyRows rows = { BASE(policy_rows),
		.n_rows = strcmp(target, "switch:br0") == 0 ? 2 : 1, .rows = array };

	REPLY(c, POLICIES, policies, &rows, false);
}

static void list_statuses(const struct fake_connection *c)
{
	static uint8_t body[] = "\x08\x07"; // frames = 7
	static char type[] = "totals";
	Weir__Control__Policy totals = { BASE(policy), .target = text_vm1, .extension = text_sample,
		.type = type, .has_body = 1, .body = { sizeof(body) - 1, body } };
	Weir__Control__Policy *array[] = { &totals };
	Weir__Control__PolicyRows rows = { BASE(policy_rows), ROWS(array) };

	REPLY(c, POLICIES, policies, &rows, false);
}

static void list_meters(const struct fake_connection *c, const char *extension)
{
	static char id[] = "in";
	Weir__Control__Meter meter = { BASE(meter), .port = text_vm1, .extension = text_sample,
		.id = id, HAS(frames, 5), HAS(bytes, 500), HAS(since, 1700000000) };
	Weir__Control__Meter *array[] = { &meter };
	Weir__Control__MeterRows rows = { BASE(meter_rows), ROWS(array) };

	if (extension && strcmp(extension, "nothing") == 0) {
		fake_refuse(c, WEIR__CONTROL__STATUS__CODE__NOT_FOUND, "meter_list.extension",
			"extension \"nothing\": is not loaded");
		return;
	}
	REPLY(c, METERS, meters, &rows, false);
}

static void list_policers(const struct fake_connection *c)
{
	static char id[] = "web";
	Weir__Control__Policer policer = { BASE(policer), .port = text_vm1,
		.extension = text_sample, .id = id, HAS(rate_bps, 1000000), HAS(burst_bytes, 16384),
		HAS(passed_frames, 5), HAS(passed_bytes, 500), HAS(dropped_frames, 1),
		HAS(dropped_bytes, 64), HAS(since, 1700000000) };
	Weir__Control__Policer *array[] = { &policer };
	Weir__Control__PolicerRows rows = { BASE(policer_rows), ROWS(array) };

	REPLY(c, POLICERS, policers, &rows, false);
}

static void list_workers(const struct fake_connection *c)
{
	Weir__Control__Worker worker = { BASE(worker), HAS(id, 0), HAS(cpu, 1),
		HAS(cycles_per_frame, 93.5), HAS(idle_share, 0.25), HAS(linger_us, 50) };
	Weir__Control__Worker *array[] = { &worker };
	Weir__Control__WorkerRows rows = { BASE(worker_rows), ROWS(array) };

	REPLY(c, WORKERS, workers, &rows, false);
}

static void watch_events(const struct fake_connection *c)
{
	static char kind[] = "port-added", text[] = "port vm1 was added";
	Weir__Control__Event event = { BASE(event), HAS(time, 1700000000), .kind = kind,
		.switch_ = text_br0, .port = text_vm1, .text = text, HAS(number, 16) };

	fake_done(c, true);
	REPLY(c, EVENT, event, &event, true);
	event.has_lost = 1;
	event.lost = 7;
	event.number = 24;
	REPLY(c, EVENT, event, &event, true);
	event.lost = 1;
	event.number = 26;
	REPLY(c, EVENT, event, &event, true);
}

static void misbehave(struct fake_connection *c, const char *how)
{
	static const char sentence[] = "switch \"refuse\": \x1b[1mno\x1b[0m";
	uint32_t size = htonl(0xffffffff);

	if (strcmp(how, "close") == 0) {
		shutdown(c->fd, SHUT_RDWR);
	} else if (strcmp(how, "garbage") == 0) {
		write_all(c->fd, "\0\0\0\4\xff\xff\xff\xff", 8);
	} else if (strcmp(how, "huge") == 0) {
		write_all(c->fd, &size, sizeof(size));
	} else if (strcmp(how, "half") == 0) {
		write_all(c->fd, "\0\0\0\4\x08", 5);
		shutdown(c->fd, SHUT_RDWR);
	} else if (strcmp(how, "wrong-id") == 0) {
		c->id++;
		fake_done(c, false);
	} else if (strcmp(how, "connection-error") == 0) {
		c->id = 0;
		fake_refuse(c, WEIR__CONTROL__STATUS__CODE__PERMISSION, "", sentence);
	} else if (strcmp(how, "refuse") == 0) {
		fake_refuse(c, WEIR__CONTROL__STATUS__CODE__INVALID, "", sentence);
	} else if (strcmp(how, "refuse-late") == 0) {
		fake_done(c, true);
		fake_refuse(c, WEIR__CONTROL__STATUS__CODE__FAILED, NULL, NULL);
	} else if (strcmp(how, "silent") != 0) {
		fake_done(c, false);
	}
}

void fake_answer(struct fake_connection *c, const Weir__Control__Request *request)
{
	switch (request->request_case) {
	case WEIR__CONTROL__REQUEST__REQUEST_SWITCH_ADD:
		misbehave(c, request->switch_add->name);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_SWITCH_LIST:
		list_switches(c);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_SWITCH_SHOW:
		list_switches(c); // two rows, where one is allowed
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_PORT_LIST:
		list_ports(c, false);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_PORT_SHOW:
		show_port(c, request->port_show->name);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_HELLO:
		say_hello(c);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_EXTENSION_LIST:
		list_extensions(c, request->extension_list->switch_);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_EXTENSION_SHOW:
		list_extensions(c, NULL);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_POLICY_SCHEMA:
		give_schema(c, request->policy_schema->extension);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_POLICY_ADD:
		add_policy(c, request->policy_add);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_POLICY_LIST:
		list_policies(c, request->policy_list->target ? request->policy_list->target : "");
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_METER_LIST:
		list_meters(c, request->meter_list->extension);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_POLICER_LIST:
		list_policers(c);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_WORKER_LIST:
		list_workers(c);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_EVENT_SUBSCRIBE:
		watch_events(c);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_POLICY_STATUS:
		list_statuses(c);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_EXTENSION_CALL:
		fake_call(c, request->extension_call);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_EXPORT:
		fake_export(c, request->export);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_APPLY_ADD:
		fake_apply_add(c, request->apply_add);
		break;
	case WEIR__CONTROL__REQUEST__REQUEST_APPLY_COMMIT:
		fake_apply_commit(c, request->apply_commit);
		break;
	default:
		if (!fake_look(c, request))
			fake_done(c, false); // changes, and empty lists
	}
}
