// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "guard_lab.h"

#include <stdio.h>

void guard_start(struct lab *lab, bool strict)
{
	struct weir_port_config config = { .size = sizeof(config), .mac = "02:00:00:00:00:01" };

	lab_start(lab, &(struct lab_options){ .n_ports = 2, .strict = strict });
	assert_int_equal(
		weir_port_set(lab->weir, "p0", &config, WEIR_PORT_SET_MAC, 0, &lab->error), 0);
	lab_attach(lab, "guard", 0);
}

static int digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

// The length of the packet goes where the text has a gap: of all that follows, for IPv6 its header
// not included.
struct lab_frame guard_frame(const char *text)
{
	struct lab_frame frame = { .size = 0 };
	uint32_t gap = 0;

	for (; *text; text++) {
		if (*text == ' ')
			continue;
		if (*text == '_') {
			if (!gap)
				gap = frame.size;
			frame.size += text[1] == '_' && text[2] == '_' && text[3] == '_' ? 2 : 0;
			continue;
		}
		frame.bytes[frame.size++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
		text++;
	}
	if (gap) {
		bool v6 = frame.bytes[gap - 4] >> 4 == 6;
		uint32_t size = frame.size - gap + (v6 ? 4 : 2) - (v6 ? 40 : 0);

		frame.bytes[gap] = (uint8_t)(size >> 8);
		frame.bytes[gap + 1] = (uint8_t)size;
	}
	if (frame.size < 60)
		frame.size = 60; // padding
	return frame;
}

void guard_check(struct lab *lab, const struct guard_row rows[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *reason = rows[i].reason;
		struct lab_frame frame = guard_frame(rows[i].frame);
		uint64_t all = lab_switch(lab, "br0").dropped;
		uint64_t before = reason ? lab_drops(lab, "guard", reason) : 0;
		unsigned got[LAB_PORTS_MAX] = { 0 };

		// Twice: decided, and cached.
		lab_pass(lab, 0, &frame, got, 0, NULL);
		assert_int_equal(got[1], !reason);
		lab_pass(lab, 0, &frame, got, 0, NULL);
		if (got[1] != !reason)
			fail_msg("%s: %u come out", rows[i].name, got[1]);
		if (reason && lab_drops(lab, "guard", reason) != before + 2)
			fail_msg("%s: is not dropped as %s", rows[i].name, reason);
		if (!reason && lab_switch(lab, "br0").dropped != all)
			fail_msg("%s: is dropped", rows[i].name);
	}
}

void guard_mac(struct lab *lab, const char *id, const char *address)
{
	ProtobufCBinaryData data = { .len = 6 };
	Guard__Mac message = GUARD__MAC__INIT;
	struct lab_frame bytes = guard_frame(address ? address : "");

	data.data = bytes.bytes;
	message.n_address = address != NULL;
	message.address = &data;
	lab_policy(lab, "p0", "guard", "mac", id, &message.base);
}

void guard_ip(struct lab *lab, const char *id, const char *const addresses[], size_t n,
	Guard__LinkLocal link_local)
{
	Guard__Ip message = GUARD__IP__INIT;

	message.n_address = n;
	message.address = (char **)(uintptr_t)addresses;
	message.has_link_local = 1;
	message.link_local = link_local;
	lab_policy(lab, "p0", "guard", "ip", id, &message.base);
}

void guard_plain(struct lab *lab, const char *type)
{
	Guard__Dhcp message = GUARD__DHCP__INIT; // as empty as the others

	lab_policy(lab, "p0", "guard", type, type, &message.base);
}
