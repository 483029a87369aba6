// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "fake_weir.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fake_record(struct weir *weir, struct weir_error *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(weir->last, sizeof(weir->last), format, arguments);
	va_end(arguments);
	if (!weir->refusal)
		return 0;
	if (error)
		*error = *weir->refusal;
	return weir->refusal->code;
}

const char *fake_text(const char *text)
{
	return !text ? "-" : *text ? text : "''";
}

int weir_when_done(struct weir *weir, weir_done *done, void *context)
{
	if (!weir->hold) {
		done(context);
		return 0;
	}
	if (weir->n_pending == FAKE_MAX_PENDING)
		return -12;
	weir->done[weir->n_pending] = done;
	weir->contexts[weir->n_pending++] = context;
	return 0;
}

void fake_complete(struct weir *weir)
{
	unsigned n = weir->n_pending;
	weir_done *done[FAKE_MAX_PENDING];
	void *contexts[FAKE_MAX_PENDING];

	memcpy(done, weir->done, sizeof(done));
	memcpy(contexts, weir->contexts, sizeof(contexts));
	weir->n_pending = 0;
	for (unsigned i = 0; i < n; i++)
		done[i](contexts[i]);
}

void fake_notices(struct weir *weir, unsigned n)
{
	for (unsigned i = 1; weir->notice && i <= n; i++)
		weir->notice(weir->notice_context, &(struct weir_notice){ .number = i,
							   .time = 1700000000,
							   .kind = "nic-lost",
							   .switch_name = "br0",
							   .port = "vm1",
							   .extension = "",
							   .text = "interface tap0 is gone" });
}

void fake_remark(const struct weir *weir)
{
	char text[64];

	for (unsigned i = 1; weir->remark && i <= weir->n_remarks; i++) {
		snprintf(text, sizeof(text), "remark %u", i);
		weir->remark(weir->remark_context, text);
	}
}

void weir_on_remark(struct weir *weir, weir_remark_handler *handler, void *context)
{
	weir->remark = handler;
	weir->remark_context = context;
}

void weir_on_notice(struct weir *weir, weir_notice_handler *handler, void *context)
{
	weir->notice = handler;
	weir->notice_context = context;
}

int weir_switch_add_with(struct weir *weir, const char *name,
	const struct weir_switch_config *config, unsigned flags, struct weir_error *error)
{
	int result = fake_record(weir, error, "switch_add %s flows=%u sessions=%u/%u %u", name,
		config->n_flows, config->n_sessions, config->n_port_sessions, flags);

	if (result == 0 && !(flags & WEIR_DRY_RUN)) {
		fake_set(weir, name, true);
		fake_tell(weir, name, false);
	}
	return result;
}

int weir_switch_remove(
	struct weir *weir, const char *name, unsigned flags, struct weir_error *error)
{
	int result = fake_record(weir, error, "switch_remove %s %u", name, flags);

	if (result == 0 && !(flags & WEIR_DRY_RUN)) {
		fake_set(weir, name, false);
		fake_tell(weir, name, true);
	}
	return result;
}

int weir_switch_list(struct weir *weir, const char *name, weir_switch_row *row, void *context,
	struct weir_error *error)
{
	int result = fake_record(weir, error, "switch_list %s", fake_text(name));

	if (result == 0)
		row(context,
			&(struct weir_switch_info){
				.name = "br0", .n_ports = 2, .fdb_max = 65536, .received = 7 });
	return result;
}

int weir_port_add(struct weir *weir, const char *switch_name, const char *name,
	const struct weir_port_config *config, unsigned flags, struct weir_error *error)
{
	return fake_record(weir, error, "port_add %s %s nic=%s vlan=%s mac=%s mtu=%u uplink=%d %u",
		switch_name, name, fake_text(config->nic), fake_text(config->vlan),
		fake_text(config->mac), config->mtu, config->uplink, flags);
}

int weir_port_remove(struct weir *weir, const char *name, unsigned flags, struct weir_error *error)
{
	return fake_record(weir, error, "port_remove %s %u", name, flags);
}

int weir_port_connect(struct weir *weir, const char *name, const char *nic, unsigned flags,
	struct weir_error *error)
{
	return fake_record(weir, error, "port_connect %s %s %u", name, fake_text(nic), flags);
}

int weir_port_disconnect(
	struct weir *weir, const char *name, unsigned flags, struct weir_error *error)
{
	return fake_record(weir, error, "port_disconnect %s %u", name, flags);
}

int weir_port_set(struct weir *weir, const char *name, const struct weir_port_config *config,
	unsigned which, unsigned flags, struct weir_error *error)
{
	return fake_record(weir, error, "port_set %s vlan=%s mac=%s mtu=%u %u %u", name,
		fake_text(config->vlan), fake_text(config->mac), config->mtu, which, flags);
}

int weir_port_list(struct weir *weir, const char *switch_name, const char *name, weir_port_row *row,
	void *context, struct weir_error *error)
{
	int result = fake_record(
		weir, error, "port_list %s %s", fake_text(switch_name), fake_text(name));
	char port[16];

	for (unsigned i = 0; result == 0 && i < weir->n_rows; i++) {
		snprintf(port, sizeof(port), "p%u", i);
		row(context, &(struct weir_port_info){ .name = port,
				     .switch_name = "br0",
				     .state_name = "connected",
				     .nic = "null",
				     .reason = weir->text,
				     .rx_frames = i,
				     .mtu = 1500 });
	}
	return result;
}

int weir_extension_load(struct weir *weir, const char *name, const char *path, unsigned flags,
	struct weir_error *error)
{
	return fake_record(weir, error, "extension_load %s %s %u", name, fake_text(path), flags);
}

int weir_extension_unload(
	struct weir *weir, const char *name, unsigned flags, struct weir_error *error)
{
	return fake_record(weir, error, "extension_unload %s %u", name, flags);
}

int weir_extension_replace(struct weir *weir, const char *name, const char *path, unsigned flags,
	struct weir_error *error)
{
	return fake_record(weir, error, "extension_replace %s %s %u", name, fake_text(path), flags);
}

int weir_extension_attach(struct weir *weir, const char *switch_name, const char *name, int order,
	unsigned flags, struct weir_error *error)
{
	return fake_record(
		weir, error, "extension_attach %s %s %d %u", switch_name, name, order, flags);
}

int weir_extension_detach(struct weir *weir, const char *switch_name, const char *name,
	unsigned flags, struct weir_error *error)
{
	return fake_record(weir, error, "extension_detach %s %s %u", switch_name, name, flags);
}

int weir_extension_list(struct weir *weir, const char *switch_name, weir_extension_row *row,
	void *context, struct weir_error *error)
{
	int result = fake_record(weir, error, "extension_list %s", fake_text(switch_name));

	if (result == 0)
		row(context, &(struct weir_extension_info){ .name = "acl",
				     .version = "1.0",
				     .class_name = "filter",
				     .abi_major = 1,
				     .switch_name = "br0",
				     .order = 10,
				     .violations = 3 });
	return result;
}

int weir_extension_schema(struct weir *weir, const char *name, const void **bytes, size_t *size,
	struct weir_error *error)
{
	int result = fake_record(weir, error, "extension_schema %s", name);

	if (result == 0) {
		*bytes = weir->schema;
		*size = weir->schema_size;
	}
	return result;
}

int weir_policy_schema(struct weir *weir, const char *target, const char *extension,
	const void **bytes, size_t *size, struct weir_error *error)
{
	int result = fake_record(weir, error, "policy_schema %s %s", target, extension);

	if (result == 0) {
		*bytes = weir->schema;
		*size = weir->schema_size;
	}
	return result;
}

int weir_policy_add(struct weir *weir, const char *target, const char *extension, const char *type,
	const char *id, const void *bytes, size_t size, char made_id[], unsigned flags,
	struct weir_error *error)
{
	int result = fake_record(weir, error, "policy_add %s %s %s %s %.*s %u", target, extension,
		fake_text(type), fake_text(id), (int)size, size ? (const char *)bytes : "", flags);

	fake_remark(weir);
	if (result == 0)
		snprintf(made_id, 64, "%s", id ? id : "made-1");
	return result;
}

int weir_policy_remove(struct weir *weir, const char *target, const char *extension, const char *id,
	unsigned flags, struct weir_error *error)
{
	return fake_record(weir, error, "policy_remove %s %s %s %u", target, extension, id, flags);
}

int weir_status_list(struct weir *weir, const char *target, const char *extension, const char *type,
	weir_policy_row *row, void *context, struct weir_error *error)
{
	int result = fake_record(
		weir, error, "status_list %s %s %s", fake_text(target), extension, fake_text(type));

	if (result == 0)
		row(context, &(struct weir_policy_info){ .target = "vm1",
				     .extension = "acl",
				     .type = "state",
				     .id = "",
				     .bytes = "seen",
				     .size = 4 });
	return result;
}

int weir_policy_list(struct weir *weir, const char *target, const char *extension, const char *type,
	weir_policy_row *row, void *context, struct weir_error *error)
{
	int result = fake_record(weir, error, "policy_list %s %s %s", fake_text(target),
		fake_text(extension), fake_text(type));

	if (result == 0 && (!type || strcmp(type, "rule") == 0))
		row(context, &(struct weir_policy_info){ .target = "vm1",
				     .extension = "acl",
				     .type = "rule",
				     .id = "7",
				     .bytes = "body",
				     .size = 4 });
	return result;
}

int weir_policer_list_some(struct weir *weir, const struct weir_count_filter *filter,
	weir_policer_row *row, void *context, struct weir_error *error)
{
	struct weir_policer_info info = { .target = "vm1",
		.extension = "acl",
		.id = "web",
		.rate = 1000,
		.burst = 2,
		.passed_frames = 3,
		.passed_bytes = 4,
		.dropped_frames = 5,
		.dropped_bytes = 6,
		.since = 1700000000 };
	int result = fake_record(weir, error, "policer_list %s %s %d", fake_text(filter->target),
		fake_text(filter->extension), filter->reset);

	if (result == 0)
		row(context, &info);
	info.counts_frames = true;
	info.target = "switch:br0";
	if (result == 0)
		row(context, &info);
	return result;
}

int weir_meter_remove(struct weir *weir, const char *target, const char *extension, const char *id,
	unsigned flags, struct weir_error *error)
{
	return fake_record(
		weir, error, "meter_remove %s %s %s %u", target, extension, fake_text(id), flags);
}

int weir_meter_list_some(struct weir *weir, const struct weir_count_filter *filter,
	weir_meter_row *row, void *context, struct weir_error *error)
{
	int result = fake_record(weir, error, "meter_list %s %s %d", fake_text(filter->target),
		fake_text(filter->extension), filter->reset);

	weir->meter = filter->reset ? 0 : weir->meter;
	if (result == 0) {
		row(context, &(struct weir_meter_info){ .target = "vm1",
				     .extension = "acl",
				     .id = "in",
				     .frames = 5,
				     .since = 1700000000 });
		row(context, &(struct weir_meter_info){ .target = "switch:br0",
				     .extension = "qos",
				     .id = "all",
				     .unused = true });
	}
	return result;
}

int weir_drop_list_some(struct weir *weir, const struct weir_drop_list_filter *filter,
	weir_drop_row *row, void *context, struct weir_error *error)
{
	static const char *const policers[] = { "acl web", "acl all of switch:br0" };
	static const uint64_t policer_frames[] = { 4, 0 };
	int result = fake_record(weir, error, "drop_list %s %s %d", fake_text(filter->switch_name),
		fake_text(filter->port), filter->reset);

	if (result == 0)
		row(context, &(struct weir_drop_info){ .reason = "vlan-not-allowed",
				     .text = "the port does not carry this VLAN",
				     .extension = "core",
				     .port = "vm1",
				     .stage = "ingress",
				     .frames = 9,
				     .policers = policers,
				     .n_policers = 2,
				     .policer_frames = policer_frames });
	return result;
}

int weir_fdb_list(struct weir *weir, const char *switch_name, weir_fdb_row *row, void *context,
	struct weir_error *error)
{
	int result = fake_record(weir, error, "fdb_list %s", fake_text(switch_name));

	if (result == 0)
		row(context, &(struct weir_fdb_info){ .switch_name = "br0",
				     .port = "vm1",
				     .mac = { 2, 0, 0x5e, 0x10, 0, 1 },
				     .vlan = 10,
				     .is_static = true });
	return result;
}

int weir_fdb_add(struct weir *weir, const char *switch_name, const char *mac, uint16_t vlan,
	const char *port, unsigned flags, struct weir_error *error)
{
	return fake_record(
		weir, error, "fdb_add %s %s %u %s %u", switch_name, mac, vlan, port, flags);
}

int weir_fdb_remove(struct weir *weir, const char *switch_name, const char *mac, uint16_t vlan,
	unsigned flags, struct weir_error *error)
{
	return fake_record(weir, error, "fdb_remove %s %s %u %u", switch_name, mac, vlan, flags);
}

int weir_fdb_flush(
	struct weir *weir, const char *switch_name, const char *port, struct weir_error *error)
{
	return fake_record(weir, error, "fdb_flush %s %s", fake_text(switch_name), fake_text(port));
}

int weir_session_list(struct weir *weir, const char *switch_name, weir_session_row *row,
	void *context, struct weir_error *error)
{
	static const char *const ports[] = { "vm1", "vm2" };
	int result = fake_record(weir, error, "session_list %s", fake_text(switch_name));

	for (unsigned i = 0; result == 0 && i < 2; i++)
		row(context, &(struct weir_session_info){ .switch_name = switch_name,
				     .extension = "acl",
				     .port = ports[i],
				     .key = "udp 10.0.0.1:5000 > 10.0.0.2:53",
				     .state = "open",
				     .cookie = 7,
				     .policy = i ? "web" : "",
				     .frames = 1,
				     .bytes = 60,
				     .reverse_frames = 2,
				     .reverse_bytes = 120,
				     .age_s = 3,
				     .idle_s = 2,
				     .expires_s = 253 });
	return result;
}

int weir_worker_list(struct weir *weir, weir_worker_row *row, void *context)
{
	struct weir_error error;
	int result = fake_record(weir, &error, "worker_list");

	if (result == 0)
		row(context, &(struct weir_worker_info){ .id = 1,
				     .cpu = 3,
				     .idle_share = 0.5,
				     .n_queues = 2,
				     .slow_decides = 4,
				     .slow_extension = "acl",
				     .slow_switch = "br0",
				     .slow_ms = 2.5 });
	return result;
}

int weir_worker_set_linger(struct weir *weir, unsigned linger_us, struct weir_error *error)
{
	return fake_record(weir, error, "worker_set %u", linger_us);
}
