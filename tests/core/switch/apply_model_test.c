// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Random documents, some of which are refused, against a trivial model of the wanted state: after
// each the export says what the model does, and now and then a restart from the export does too.
#include "lab_document.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	SWITCHES = 2,
	EXTENSIONS = 3,
	PORTS = 5,
	IDS = 3,
	MACS = 2,
	ROUNDS = WEIR_SANITIZED ? 300 : 1500,
	TEXT_MAX = 16384,
	REFUSED = 9, // the value of a policy that its extension refuses
};

// In stack order when their numbers are equal.
static const char *const extensions[EXTENSIONS] = { "nothing-1", "probe-after", "probe-filter" };

struct model_extension {
	bool attached, fail_open;
	int order;
};

struct model_policy {
	int value;    // 0: there is none
	unsigned age; // the order in which extensions see them
};

struct model_port {
	bool exists;
	int on, nic, vlan;
	struct model_policy policies[EXTENSIONS][IDS];
};

struct model {
	bool switches[SWITCHES];
	struct model_extension extensions[SWITCHES][EXTENSIONS];
	struct model_port ports[PORTS];
	int fdb[SWITCHES][MACS]; // port + 1; 0: there is none
	unsigned age;
};

// A document is what it names, in the form of a model; order -1 is the default.
struct wish {
	bool prune;
	struct model named;
};

static unsigned below(unsigned n)
{
	return (unsigned)rand() % n;
}

static bool often(unsigned percent)
{
	return below(100) < percent;
}

// ---- Random documents

static struct wish random_wish(void)
{
	struct wish wish = { .prune = often(40) };
	struct model *d = &wish.named;

	for (int s = 0; s < SWITCHES; s++) {
		d->switches[s] = often(85);
		for (int e = 0; e < EXTENSIONS; e++)
			d->extensions[s][e] = (struct model_extension){ often(60), often(30),
				often(50) ? -1 : (int)below(3) * 10 };
		for (int m = 0; m < MACS; m++)
			d->fdb[s][m] = often(25) ? 1 + (int)below(PORTS) : 0;
	}
	for (int p = 0; p < PORTS; p++) {
		struct model_port *port = &d->ports[p];

		*port = (struct model_port){ .exists = often(60),
			.on = (int)below(SWITCHES),
			.nic = (int)below(4),
			.vlan = (int)below(3) };
		for (int e = 1; e < EXTENSIONS; e++)
			for (int i = 0; i < IDS; i++)
				if (often(12))
					port->policies[e][i].value = often(4) ? REFUSED
									      : 1 + (int)below(3);
	}
	return wish;
}

static const char *const nics[] = { "", " nic=null", " nic=memory", " nic=null disconnected" };
static const char *const vlans[] = { "", " vlan=5", " vlan=trunk:6-7" };

__attribute__((format(printf, 2, 3))) static void line(char *text, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, TEXT_MAX - used, format, arguments);
	va_end(arguments);
	assert_true(strlen(text) < TEXT_MAX - 1);
}

static void policy_line(char *text, int p, int e, int i, int value)
{
	if (value == REFUSED)
		line(text, "policy p%d %s i%d refuse odd\n", p, extensions[e], i);
	else
		line(text, "policy p%d %s i%d act NOTHING %d\n", p, extensions[e], i, value);
}

static void extension_line(char *text, int s, int e, const struct model_extension *x)
{
	line(text, "extension br%d %s", s, extensions[e]);
	if (x->order >= 0)
		line(text, " order=%d", x->order);
	line(text, "%s\n", x->fail_open ? " fail_open" : "");
}

static void port_line(char *text, int p, const struct model_port *port)
{
	line(text, "port br%d p%d", port->on, p);
	// The texts in the order of the export.
	if (port->nic == 3)
		line(text, " nic=null%s disconnected\n", vlans[port->vlan]);
	else
		line(text, "%s%s\n", nics[port->nic], vlans[port->vlan]);
}

static void fdb_line(char *text, int s, int m, int port)
{
	line(text, "fdb br%d 02:00:00:00:00:0%d 0 p%d\n", s, m, port - 1);
}

static void write_wish(const struct wish *wish, char *text)
{
	const struct model *d = &wish->named;

	*text = '\0';
	for (int p = 0; p < PORTS; p++) {
		for (int e = 0; e < EXTENSIONS; e++)
			for (int i = 0; i < IDS; i++)
				if (d->ports[p].policies[e][i].value)
					policy_line(
						text, p, e, i, d->ports[p].policies[e][i].value);
		if (d->ports[p].exists)
			port_line(text, p, &d->ports[p]);
	}
	for (int s = 0; s < SWITCHES; s++) {
		for (int m = 0; m < MACS; m++)
			if (d->fdb[s][m])
				fdb_line(text, s, m, d->fdb[s][m]);
		for (int e = 0; e < EXTENSIONS; e++)
			if (d->extensions[s][e].attached)
				extension_line(text, s, e, &d->extensions[s][e]);
		if (d->switches[s])
			line(text, "switch br%d\n", s);
	}
}

// ---- The model

static void drop_port(struct model *m, int p)
{
	m->ports[p] = (struct model_port){ 0 };
	for (int s = 0; s < SWITCHES; s++)
		for (int k = 0; k < MACS; k++)
			if (m->fdb[s][k] == p + 1)
				m->fdb[s][k] = 0;
}

static void drop_extension(struct model *m, int s, int e)
{
	m->extensions[s][e] = (struct model_extension){ 0 };
	for (int p = 0; p < PORTS; p++)
		if (m->ports[p].exists && m->ports[p].on == s)
			memset(m->ports[p].policies[e], 0, sizeof(m->ports[p].policies[e]));
}

static void drop_switch(struct model *m, int s)
{
	m->switches[s] = false;
	for (int e = 0; e < EXTENSIONS; e++)
		drop_extension(m, s, e);
	for (int p = 0; p < PORTS; p++)
		if (m->ports[p].exists && m->ports[p].on == s)
			drop_port(m, p);
}

static void prune(struct model *m, const struct model *d)
{
	for (int s = 0; s < SWITCHES; s++) {
		if (!d->switches[s])
			drop_switch(m, s);
		for (int e = 0; e < EXTENSIONS; e++)
			if (!d->extensions[s][e].attached)
				drop_extension(m, s, e);
		for (int k = 0; k < MACS; k++)
			if (!d->fdb[s][k])
				m->fdb[s][k] = 0;
	}
	for (int p = 0; p < PORTS; p++) {
		if (!d->ports[p].exists)
			drop_port(m, p);
		for (int e = 0; e < EXTENSIONS; e++)
			for (int i = 0; i < IDS; i++)
				if (!d->ports[p].policies[e][i].value)
					m->ports[p].policies[e][i].value = 0;
	}
}

static bool add_extensions(struct model *m, const struct model *d)
{
	for (int s = 0; s < SWITCHES; s++) {
		for (int e = 0; e < EXTENSIONS; e++) {
			const struct model_extension *x = &d->extensions[s][e];
			int last = 0;

			if (!x->attached)
				continue;
			if (!m->switches[s])
				return false;
			for (int k = 0; k < EXTENSIONS; k++)
				if (m->extensions[s][k].attached &&
					m->extensions[s][k].order > last)
					last = m->extensions[s][k].order;
			if (x->order >= 0)
				m->extensions[s][e].order = x->order;
			else if (!m->extensions[s][e].attached)
				m->extensions[s][e].order = last + 10;
			m->extensions[s][e].attached = true;
			m->extensions[s][e].fail_open = x->fail_open;
		}
	}
	return true;
}

static bool add_ports(struct model *m, const struct model *d, bool prune)
{
	for (int p = 0; p < PORTS; p++) {
		const struct model_port *port = &d->ports[p];

		if (!port->exists)
			continue;
		if (!m->switches[port->on])
			return false;
		if (m->ports[p].exists && m->ports[p].on != port->on) {
			if (!prune)
				return false;
			drop_port(m, p);
		}
		m->ports[p].exists = true;
		m->ports[p].on = port->on;
		m->ports[p].nic = port->nic;
		m->ports[p].vlan = port->vlan;
	}
	return true;
}

static bool add_policies(struct model *m, const struct model *d)
{
	for (int p = 0; p < PORTS; p++) {
		struct model_port *port = &m->ports[p];

		for (int e = 0; e < EXTENSIONS; e++) {
			for (int i = 0; i < IDS; i++) {
				int value = d->ports[p].policies[e][i].value;

				if (!value)
					continue;
				if (!port->exists || !m->extensions[port->on][e].attached ||
					value == REFUSED)
					return false;
				if (!port->policies[e][i].value)
					port->policies[e][i].age = ++m->age;
				port->policies[e][i].value = value;
			}
		}
	}
	return true;
}

static bool add_fdb(struct model *m, const struct model *d)
{
	for (int s = 0; s < SWITCHES; s++) {
		for (int k = 0; k < MACS; k++) {
			int port = d->fdb[s][k];

			if (!port)
				continue;
			if (!m->switches[s] || !m->ports[port - 1].exists ||
				m->ports[port - 1].on != s)
				return false;
			m->fdb[s][k] = port;
		}
	}
	return true;
}

// False: the document is refused, and nothing changes.
static bool model_apply(struct model *m, const struct wish *wish)
{
	struct model next = *m;

	if (wish->prune)
		prune(&next, &wish->named);
	for (int s = 0; s < SWITCHES; s++)
		next.switches[s] |= wish->named.switches[s];
	if (!add_extensions(&next, &wish->named) || !add_ports(&next, &wish->named, wish->prune) ||
		!add_policies(&next, &wish->named) || !add_fdb(&next, &wish->named))
		return false;
	*m = next;
	return true;
}

// ---- The model's export

static void export_stack(const struct model *m, int s, char *text)
{
	for (int order = 0; order < 65536; order++)
		for (int e = 0; e < EXTENSIONS; e++)
			if (m->extensions[s][e].attached && m->extensions[s][e].order == order)
				extension_line(text, s, e, &m->extensions[s][e]);
}

static void export_port(const struct model *m, int p, char *text)
{
	const struct model_port *port = &m->ports[p];

	port_line(text, p, port);
	for (unsigned age = 1; age <= m->age; age++)
		for (int e = 0; e < EXTENSIONS; e++)
			for (int i = 0; i < IDS; i++)
				if (port->policies[e][i].value && port->policies[e][i].age == age)
					policy_line(text, p, e, i, port->policies[e][i].value);
}

static void model_export(const struct model *m, char *text)
{
	*text = '\0';
	for (int s = 0; s < SWITCHES; s++) {
		if (!m->switches[s])
			continue;
		line(text, "switch br%d\n", s);
		export_stack(m, s, text);
		for (int p = 0; p < PORTS; p++)
			if (m->ports[p].exists && m->ports[p].on == s)
				export_port(m, p, text);
		for (int k = 0; k < MACS; k++)
			if (m->fdb[s][k])
				fdb_line(text, s, k, m->fdb[s][k]);
	}
}

// ---- Rounds

static void check_restart(const char *expected)
{
	struct lab lab;

	lab_start(&lab, &(struct lab_options){ 0 });
	lab_apply(&lab, expected, WEIR_RESTORE | WEIR_PRUNE);
	lab_assert_state(&lab, expected);
	lab_end(&lab);
}

static bool one_round(struct lab *lab, struct model *model)
{
	static char document[TEXT_MAX], expected[TEXT_MAX];
	struct wish wish = random_wish();
	unsigned flags = wish.prune ? WEIR_PRUNE : 0;
	char *dry, *made;
	bool taken;

	write_wish(&wish, document);
	model_export(model, expected);
	assert_int_equal(lab_try_apply(lab, document, flags | WEIR_DRY_RUN, &dry) == 0,
		lab_try_apply(lab, document, flags | WEIR_DRY_RUN, NULL) == 0);
	lab_assert_state(lab, expected);
	taken = model_apply(model, &wish);
	model_export(model, expected);
	if ((lab_try_apply(lab, document, flags, &made) == 0) != taken)
		fail_msg("%s\"%s\" %s", document, lab->error.message,
			taken ? "is refused" : "is taken");
	lab_assert_text(made, dry);
	lab_assert_state(lab, expected);
	free(dry);
	free(made);
	if (taken && often(5))
		check_restart(expected);
	return taken;
}

static void random_documents(void **state)
{
	struct model model = { .switches = { true } };
	struct lab lab;
	unsigned taken = 0;

	(void)state;
	srand(1);
	lab_start(&lab, &(struct lab_options){ 0 });
	for (unsigned i = 0; i < ROUNDS; i++) {
		taken += one_round(&lab, &model);
		if (often(20))
			lab_run(&lab);
	}
	// Both must have been tried.
	print_message("%u of %d documents were taken\n", taken, ROUNDS);
	assert_in_range(taken, ROUNDS / 20, ROUNDS * 19 / 20);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
