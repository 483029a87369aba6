// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// trace PORT FRAME
#include "ask.h"

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "capture_file.h"
#include "packet.h"

static const struct column columns[] = {
	{ "port", COLUMN_PLAIN },
	{ "stage", COLUMN_PLAIN },
	{ "extension", COLUMN_PLAIN },
	{ "action", COLUMN_PLAIN },
	{ "text", COLUMN_PLAIN },
	{ NULL, COLUMN_PLAIN },
};

// ---- Whose address stands in the Ethernet header

static bool take_mac(const json_t *row, uint8_t mac[6])
{
	const char *text = json_string_value(json_object_get(row, "mac"));

	return text && address_parse_mac(text, mac);
}

// The address that was seen last behind the port, whatever its VLAN.
static bool take_youngest(const json_t *rows, const char *port, uint8_t mac[6])
{
	json_int_t least = -1;
	size_t i;
	json_t *row;
	bool found = false;

	json_array_foreach(rows, i, row)
	{
		const char *at = json_string_value(json_object_get(row, "port"));
		json_int_t age = json_integer_value(json_object_get(row, "age_s"));

		if (!at || strcmp(at, port) != 0 || (found && age >= least))
			continue;
		found |= take_mac(row, mac);
		least = age;
	}
	return found;
}

// The station at a port: the address that the port is configured with, else one that the switch has
// learned there. *found says whether there is one.
static int station_of(struct invocation *in, const char *port, uint8_t mac[6], bool *found,
	struct ctl_error *error)
{
	Weir__Control__PortShow show = WEIR__CONTROL__PORT_SHOW__INIT;
	Weir__Control__Request show_request = REQUEST(PORT_SHOW, port_show, &show);
	Weir__Control__FdbList list = WEIR__CONTROL__FDB_LIST__INIT;
	Weir__Control__Request list_request = REQUEST(FDB_LIST, fdb_list, &list);
	json_t *ports = json_array(), *entries = json_array();
	int result;

	show.name = ask_text(port);
	result = ask_rows(in, &show_request, WEIR__CONTROL__REPLY__PAYLOAD_PORTS, ports, error);
	*found = result == 0 && take_mac(json_array_get(ports, 0), mac);
	if (result == 0 && !*found) {
		list.switch_ = ask_text(
			json_string_value(json_object_get(json_array_get(ports, 0), "switch")));
		result = ask_rows(
			in, &list_request, WEIR__CONTROL__REPLY__PAYLOAD_FDB, entries, error);
		*found = result == 0 && take_youngest(entries, port, mac);
	}
	json_decref(entries);
	json_decref(ports);
	return result;
}

static int require_station(
	struct invocation *in, const char *port, uint8_t mac[6], struct ctl_error *error)
{
	bool found;
	int result = station_of(in, port, mac, &found, error);

	if (result == 0 && !found)
		result = ctl_fail(error, CTL_REFUSED,
			"port \"%s\": no address is known there: give one, as in "
			"dst=02:00:00:00:00:02",
			port);
	return result;
}

// A frame that does not say who sends it comes from the station at the port.
static int fill_source(
	struct invocation *in, const char *port, struct packet *packet, struct ctl_error *error)
{
	uint8_t mac[6];
	bool found = true;
	int result = 0;

	if (packet->src.address == PACKET_GIVEN)
		return 0;
	if (packet->src.address == PACKET_OF_PORT)
		result = require_station(in, packet->src.port, mac, error);
	else
		result = station_of(in, port, mac, &found, error);
	if (result == 0 && found)
		packet_set_source(packet, mac);
	return result;
}

static int fill_destination(struct invocation *in, struct packet *packet, struct ctl_error *error)
{
	uint8_t mac[6];
	int result;

	if (packet->dst.address == PACKET_UNKNOWN)
		fputs("weirctl: the Ethernet destination is made up, and known nowhere: dst= gives "
		      "an address, or the port where it is\n",
			stderr);
	if (packet->dst.address != PACKET_OF_PORT)
		return 0;
	result = require_station(in, packet->dst.port, mac, error);
	if (result == 0)
		packet_set_destination(packet, mac);
	return result;
}

// ---- The frame

// The words behind the port, as one text; NULL: out of memory. Caller frees.
static char *join(const struct invocation *in)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 1; i < in->n_arguments; i++)
		fprintf(out, "%s%s", i > 1 ? " " : "", in->arguments[i]);
	return fclose(out) ? NULL : text;
}

// FILE#N
static int read_capture(char *text, struct packet *packet, struct ctl_error *error)
{
	char *hash = strrchr(text, '#'), *behind = hash ? strchr(hash, ' ') : NULL;
	uint64_t number = 1;
	int result = 0;

	if (behind)
		return ctl_fail(error, CTL_REFUSED,
			"\"%s\": a frame out of a file is taken as it is, nothing of it can be set",
			behind + 1);
	if (hash)
		result = command_number("frame", hash + 1,
			(struct command_range){ 1, UINT32_MAX, NULL }, &number, error);
	if (hash)
		*hash = '\0';
	return result ? result : capture_file_read(text, number, packet, error);
}

static int read_text(const struct invocation *in, struct packet *packet, struct ctl_error *error)
{
	char *text = join(in);
	int result;

	if (!text)
		return ctl_fail_memory(error);
	if (strncmp(text, "pcap ", 5) == 0)
		result = read_capture(text + 5, packet, error);
	else
		result = packet_parse(text, packet, error);
	free(text);
	return result;
}

static int read_frame(const struct invocation *in, struct packet *packet, struct ctl_error *error)
{
	const char *path = invocation_option(in, "--file");
	const char *frame = invocation_option(in, "--frame");
	uint64_t number = 1;
	int result = 0;

	if (path && in->n_arguments > 1)
		return ctl_fail(error, CTL_USAGE, "FRAME and --file exclude each other");
	if (frame && !path)
		return ctl_fail(error, CTL_USAGE, "--frame needs --file");
	if (!path && in->n_arguments < 2)
		return ctl_fail(error, CTL_USAGE, "FRAME is missing, or --file");
	if (!path)
		return read_text(in, packet, error);
	if (frame)
		result = command_number("--frame", frame,
			(struct command_range){ 1, UINT32_MAX, NULL }, &number, error);
	return result ? result : capture_file_read(path, number, packet, error);
}

static int trace(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__Trace message = WEIR__CONTROL__TRACE__INIT;
	Weir__Control__Request request = REQUEST(TRACE, trace, &message);
	struct packet packet;
	int result = read_frame(in, &packet, error);

	if (result == 0)
		result = fill_source(in, invocation_argument(in, 0), &packet, error);
	if (result == 0)
		result = fill_destination(in, &packet, error);
	if (result)
		return result;
	message.port = ask_text(invocation_argument(in, 0));
	message.frame.data = packet.bytes;
	message.frame.len = packet.size;
	return ask_list(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_TRACE, columns, error);
}

const struct command trace_commands[] = {
	{
		.object = "trace",
		.summary = "Tells what the switch would do with a frame from the port, and who "
			   "decides it: 'udp 10.0.0.1:5000 > 10.0.0.2:53 dst=vm2'",
		.run = trace,
		.arguments = { { "PORT", WORD_PORT, ONE }, { "FRAME", WORD_ANY, MANY } },
		.options = { { .name = "--file",
				     .value = "FILE",
				     .kind = WORD_FILE,
				     .help = "the frame is one of this pcap or pcapng file" },
			{ .name = "--frame",
				.value = "N",
				.help = "which one, counted from 1, the default" } },
	},
	{ 0 },
};
