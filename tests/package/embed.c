// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A program with a switch inside: one frame goes in by a port and comes out by another.
#include <string.h>

#include <weir/embed.h>
#include <weir/memory.h>

static struct weir_memory *add(struct weir *weir, const char *name, struct weir_error *error)
{
	struct weir_port_config config = { .size = sizeof(config), .nic = "memory" };

	weir_port_add(weir, "br0", name, &config, 0, error);
	return weir_port_memory(weir, name);
}

int main(void)
{
	struct weir_options options = { .size = sizeof(options) };
	unsigned char sent[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1 }, got[60];
	struct weir_memory *in, *out;
	struct weir_error error = { .message = "" };
	struct weir *weir;
	int size;

	if (weir_create(&options, &weir, &error) < 0 ||
		weir_switch_add(weir, "br0", 0, &error) < 0) {
		fprintf(stderr, "%s\n", error.message);
		return 1;
	}
	in = add(weir, "in", &error);
	out = add(weir, "out", &error);
	if (!in || !out || weir_memory_send(in, 0, sent, sizeof(sent), NULL) < 0) {
		fprintf(stderr, "%s\n", error.message);
		return 1;
	}
	weir_run(weir);
	size = weir_memory_receive(out, 0, got, sizeof(got), NULL);
	weir_destroy(weir);
	weir_memory_release(in);
	weir_memory_release(out);
	return size == sizeof(sent) && memcmp(sent, got, sizeof(sent)) == 0 ? 0 : 1;
}
