// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Random policies and random packets: what the extension does with them in a switch is what the
// linear model says, whatever was added, replaced and removed before.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "acl_lab.h"
#include "model.h"

enum {
	ROUNDS = WEIR_SANITIZED ? 6 : 60,
	STEPS = 8,
	PACKETS = 60,
	IDS = 80,
	PAIRS_MIN = ROUNDS * 20000, // of a policy and a packet: more than a million
};

static unsigned any(unsigned n)
{
	return (unsigned)rand() % n;
}

// Few addresses, so that prefixes hit and nest.
static void random_address(uint8_t address[16], bool six)
{
	memset(address, 0, 16);
	if (six) {
		memcpy(address, (uint8_t[]){ 0xfd, 0 }, 2);
		address[2] = (uint8_t)any(3);
		address[15] = (uint8_t)any(6);
	} else {
		address[0] = 10;
		address[1] = (uint8_t)any(3);
		address[3] = (uint8_t)any(6);
	}
}

static void random_prefix(char text[64], bool six)
{
	static const unsigned fours[] = { 0, 7, 8, 15, 16, 24, 29, 31, 32, 32 };
	static const unsigned sixes[] = { 0, 7, 16, 23, 24, 64, 125, 127, 128, 128 };
	char address[INET6_ADDRSTRLEN];
	uint8_t bytes[16];

	random_address(bytes, six);
	inet_ntop(six ? AF_INET6 : AF_INET, bytes, address, sizeof(address));
	snprintf(text, 64, "%s/%u", address, six ? sixes[any(10)] : fours[any(10)]);
}

static const char *random_direction(void)
{
	static const char *const names[] = { "in", "out", "both" };

	return names[any(3)];
}

// What is policed here passes: nobody reaches the rate.
static const char *random_action(void)
{
	static const char *const names[] = { "allow", "allow", "deny", "deny", "deny",
		"police rate=1000000000000 burst=1000000000" };

	return names[any(6)];
}

static void random_entry(char text[256])
{
	static const char *const fields[] = { "remote", "local" };
	char prefix[64];

	if (any(8) == 0) {
		char mac[18];

		snprintf(mac, sizeof(mac), "02:00:00:00:00:%02x", any(8));
		snprintf(text, 256, "acl direction=%s action=%s %s_mac=%s", random_direction(),
			any(3) ? "allow" : random_action(), fields[any(2)], any(4) ? mac : "any");
		return;
	}
	random_prefix(prefix, any(3) == 0);
	snprintf(text, 256, "acl direction=%s action=%s %s=%s", random_direction(), random_action(),
		fields[any(2)], any(12) ? prefix : "any");
}

static void random_ports(char *text, const char *field)
{
	unsigned min = any(6), max = min + any(4);

	if (any(2))
		sprintf(text + strlen(text), " %s=%u-%u", field, min, max);
	else
		sprintf(text + strlen(text), " %s=%u", field, min);
}

static void random_rule(char text[256])
{
	static const char *const protocols[] = { "tcp", "udp", "sctp", "47", "icmp", "icmpv6" };
	static const char *const networks[] = { "ip", "arp", "other", "any" };
	unsigned network = any(8) ? 0 : any(4), protocol = any(8), family = any(3);
	char prefix[64];

	snprintf(text, 256, "rule direction=%s action=%s weight=%u network=%s", random_direction(),
		random_action(), any(1000), networks[network]);
	if (network == 0 && protocol < 6)
		sprintf(text + strlen(text), " protocol=%s", protocols[protocol]);
	family = network == 1 || protocol == 4 ? 4 : protocol == 5 ? 6 : family ? 4 : 6;
	for (unsigned i = 0; i < 2 && network < 2; i++) {
		if (any(2))
			continue;
		random_prefix(prefix, family == 6);
		sprintf(text + strlen(text), " %s=%s", i ? "local" : "remote", prefix);
	}
	if (network == 0 && (protocol < 3 || protocol > 5)) {
		if (any(2))
			random_ports(text, "remote_port");
		if (any(4) == 0)
			random_ports(text, "local_port");
	}
	if (network == 0 && (protocol == 4 || protocol == 5) && any(2))
		sprintf(text + strlen(text),
			any(2) ? " icmp_type=%u" : " icmp_type=%u icmp_code=%u", any(4), any(3));
	if (any(6) == 0)
		sprintf(text + strlen(text), " vlan=%u", any(3) * 10);
}

static struct packet random_packet(void)
{
	static const uint8_t protocols[] = { 6, 17, 132, 47, 1, 58 };
	bool six = any(3) == 0;
	struct packet p = { .type = six ? 0x86dd : 0x0800, .vlan = any(3) ? -1 : (int)any(3) * 10 };

	if (any(10) == 0)
		p.type = any(2) ? 0x0806 : 0x88b5;
	p.from = (uint8_t)(any(3) ? any(2) * 2 : 3);
	p.to = (uint8_t)(4 + any(4));
	if (p.type == 0x88b5)
		return p;
	random_address(p.src, p.type == 0x86dd);
	random_address(p.dst, p.type == 0x86dd);
	p.protocol = p.type == 0x0806 ? 1 : protocols[any(6)];
	if (p.type == 0x0806)
		return p;
	p.src_port = (uint16_t)any(8);
	p.dst_port = (uint16_t)any(8);
	// Of the other family's ICMP nothing is known.
	if (p.protocol == (six ? 1 : 58))
		p.src_port = p.dst_port = 0;
	p.fragment = (uint8_t)(any(5) ? WHOLE : any(2) ? FIRST : LATER);
	// Of a datagram whose first one was never seen: fragment_test.c has the others.
	p.id = p.fragment == LATER ? 2 : 1;
	p.offset = (uint16_t)(3 + any(100));
	p.n_options = (uint8_t)(six ? any(5) : 0);
	return p;
}

// Adds, replaces or removes one policy of a port, in the switch and in the model.
static void change(struct lab *lab, struct model *model, const char *port)
{
	char text[256], id[8];

	snprintf(id, sizeof(id), "i%u", any(IDS));
	if (any(4) == 0) {
		bool there = weir_policy_remove(lab->weir, port, "acl", id, 0, &lab->error) == 0;
		unsigned before = model->n;

		model_remove(model, id);
		assert_int_equal(model->n, before - there);
		return;
	}
	if (any(3) == 0)
		random_entry(text);
	else
		random_rule(text);
	// Some contradict others: those leave everything as it was.
	if (acl_try(lab, port, id, text) == 0)
		model_add(model, id, text);
	else if (lab->error.code != -EEXIST)
		fail_msg("%s: %s", text, lab->error.message);
}

static void set_fragments(struct lab *lab, struct model models[2], unsigned step)
{
	static const char *const settings[] = { "settings fragments=drop",
		"settings fragments=pass", "settings fragments=skip" };
	const char *text = settings[step % 3];

	if (step == 0)
		return;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(acl_try(lab, i ? "p1" : "p0", "set", text), 0);
		model_add(&models[i], "set", text);
	}
}

static const char *expect(const struct model models[2], const struct packet *p)
{
	static char text[32];
	const char *at_p0 = model_decide(&models[0], p, true);
	const char *at_p1 = model_decide(&models[1], p, false);

	snprintf(text, sizeof(text), "%s%s", *at_p0 ? at_p0 : at_p1,
		*at_p0   ? "@ingress"
		: *at_p1 ? "@egress"
			 : "");
	return text;
}

static unsigned run_round(unsigned seed, unsigned counts[3])
{
	static struct model models[2];
	unsigned n_pairs = 0;
	struct lab lab;

	srand(seed);
	memset(models, 0, sizeof(models));
	acl_begin(&lab, &(struct lab_options){ .strict = true });
	for (unsigned s = 0; s < STEPS; s++) {
		for (unsigned i = 0; i < (s == 0 ? 300 : 3); i++) {
			unsigned port = any(2);

			change(&lab, &models[port], port ? "p1" : "p0");
		}
		set_fragments(&lab, models, s);
		lab_settle(&lab);
		for (unsigned i = 0; i < PACKETS; i++) {
			struct packet p = random_packet();
			const char *got = acl_pass(&lab, &p), *expected = expect(models, &p);

			n_pairs += models[0].n + models[1].n;
			counts[*got == '\0' ? 0 : strstr(got, "@ingress") ? 1 : 2]++;
			if (strcmp(got, expected) != 0) {
				char text[256];

				packet_format(&p, text, sizeof(text));
				fail_msg("seed %u step %u: %s: \"%s\" instead of \"%s\"", seed, s,
					text, got, expected);
			}
		}
	}
	acl_end(&lab);
	return n_pairs;
}

static void packets_are_decided_as_by_the_model(void **state)
{
	unsigned counts[3] = { 0 }, n_pairs = 0;

	(void)state;
	for (unsigned seed = 1; seed <= ROUNDS; seed++)
		n_pairs += run_round(seed, counts);
	assert_true(n_pairs > PAIRS_MIN);
	for (unsigned i = 0; i < 3; i++)
		assert_true(counts[i] > ROUNDS * STEPS * PACKETS / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_decided_as_by_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
