// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The text of a frame, as a user gives it to weirctl trace. What is taken is a frame of some bytes;
// its bytes in hexadecimal are the same frame; and no station's address changes more than the
// addresses.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "packet.h"

static void check_hex(const struct packet *packet)
{
	static struct packet again;
	static char text[2 * PACKET_MAX + 8];
	struct ctl_error error;
	char *at = text + sprintf(text, "hex ");

	for (size_t i = 0; i < packet->size; i++)
		at += sprintf(at, "%02x", packet->bytes[i]);
	if (packet_parse(text, &again, &error) || again.size != packet->size ||
		memcmp(again.bytes, packet->bytes, packet->size) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };
	static struct packet packet;
	struct ctl_error error = { .message = "" };
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	if (packet_parse(text, &packet, &error)) {
		if (!error.message[0])
			abort();
	} else {
		if (packet.size == 0 || packet.size > PACKET_MAX)
			abort();
		if (packet.size < 2000)
			check_hex(&packet);
		if (packet.size >= 14 && packet.src.address != PACKET_GIVEN)
			packet_set_source(&packet, mac);
		if (packet.size >= 14 && packet.dst.address != PACKET_GIVEN)
			packet_set_destination(&packet, mac);
	}
	free(text);
	return 0;
}
