// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Every request of proto/weir: what reaches the switch, and what comes back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

// The reply as text: its status and field, then the rows' fields that are set.
static void describe_rows(const ProtobufCMessage *message, char *text, size_t size);

static void describe_field(
	const ProtobufCFieldDescriptor *field, const uint8_t *value, char *text, size_t size)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		snprintf(text, size, " %s=%s", field->name, *(char *const *)value);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		snprintf(text, size, " %s=%.*s", field->name,
			(int)((const ProtobufCBinaryData *)value)->len,
			((const ProtobufCBinaryData *)value)->data);
		break;
	case PROTOBUF_C_TYPE_UINT64:
		snprintf(text, size, " %s=%llu", field->name,
			(unsigned long long)*(const uint64_t *)value);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		snprintf(text, size, " %s=%g", field->name, *(const double *)value);
		break;
	default:
		snprintf(text, size, " %s=%u", field->name, *(const uint32_t *)value);
	}
}

static bool is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const uint8_t *base = (const uint8_t *)message;

	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return *(const uint32_t *)(base + field->quantifier_offset) == field->id;
	if (field->quantifier_offset)
		return *(const protobuf_c_boolean *)(base + field->quantifier_offset);
	return *(void *const *)(base + field->offset) != NULL;
}

static void describe_rows(const ProtobufCMessage *message, char *text, size_t size)
{
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		const uint8_t *value = (const uint8_t *)message + field->offset;
		size_t used = strlen(text);

		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			size_t n = *(const size_t *)((const uint8_t *)message +
						     field->quantifier_offset);

			for (size_t k = 0; k < n; k++) {
				strncat(text, " |", size - strlen(text) - 1);
				describe_rows((*(ProtobufCMessage * *const *)value)[k], text, size);
			}
		} else if (!is_set(message, field)) {
			continue;
		} else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
			describe_rows(*(ProtobufCMessage *const *)value, text, size);
		} else {
			describe_field(field, value, text + used, size - used);
		}
	}
}

static void describe(const Weir__Control__Reply *reply, char *text, size_t size)
{
	*text = '\0';
	if (reply->status)
		snprintf(text, size, "%d %s: %s", reply->status->code,
			reply->status->field ? reply->status->field : "-", reply->status->message);
	else if (reply->payload_case == WEIR__CONTROL__REPLY__PAYLOAD__NOT_SET)
		snprintf(text, size, "done");
	else
		describe_rows(&reply->hello->base, text, size);
}

// request -> the call that the switch saw, and the answer.
static const struct {
	const char *request;
	const char *call;
	const char *answer;
} rows[] = {
	{ "switch_add name=br0", "switch_add br0 flows=0 sessions=0/0 0", "done" },
	{ "switch_add name=br0 flows=4096 sessions=1000 port_sessions=10",
		"switch_add br0 flows=4096 sessions=1000/10 0", "done" },
	{ "switch_add name=br0 /dry_run=1", "switch_add br0 flows=0 sessions=0/0 1", "done" },
	{ "switch_remove name=br0", "switch_remove br0 0", "done" },
	{ "switch_list", "switch_list -",
		" | name=br0 ports=2 extensions=0 fdb_entries=0 fdb_max=65536 flows=0 decisions=0"
		" rx_frames=7 originated_frames=0 copied_frames=0 tx_frames=0 dropped_frames=0"
		" consumed_frames=0 queued_frames=0 worker_flows_max=0 sessions=0 sessions_max=0"
		" port_sessions_max=0 fragments_forgotten=0" },
	{ "switch_show name=br0", "switch_list br0", NULL },
	{ "port_add switch=br0 name=vm1", "port_add br0 vm1 nic=- vlan=- mac=- mtu=0 uplink=0 0",
		"done" },
	{ "port_add switch=br0 name=vm1 nic=tap:vm1 vlan=10 mac=02:00:00:00:00:01 mtu=9000"
	  " uplink=1 force=1",
		"port_add br0 vm1 nic=tap:vm1 vlan=10 mac=02:00:00:00:00:01 mtu=9000 uplink=1 2",
		"done" },
	{ "port_add switch=br0 name=vm1 force=1 vlan=none /dry_run=1",
		"port_add br0 vm1 nic=- vlan='' mac=- mtu=0 uplink=0 3", "done" },
	{ "port_remove name=vm1", "port_remove vm1 0", "done" },
	{ "port_list", "port_list - -",
		" | name=p0 switch=br0 state=connected nic=null rx_frames=0 rx_bytes=0 tx_frames=0"
		" tx_bytes=0 dropped_frames=0 mtu=1500 uplink=0 rx_missed=0 blocked=0" },
	{ "port_list switch=br0", "port_list br0 -", NULL },
	{ "port_show name=vm1", "port_list - vm1", NULL },
	{ "port_connect name=vm1", "port_connect vm1 - 0", "done" },
	{ "port_connect name=vm1 nic=packet:eth0 force=1", "port_connect vm1 packet:eth0 2",
		"done" },
	{ "port_disconnect name=vm1", "port_disconnect vm1 0", "done" },
	{ "port_set name=vm1 vlan=20", "port_set vm1 vlan=20 mac=- mtu=0 1 0", "done" },
	{ "port_set name=vm1 vlan=none mac=none mtu=0", "port_set vm1 vlan='' mac='' mtu=0 7 0",
		"done" },
	{ "port_set name=vm1 mtu=1400 /dry_run=1", "port_set vm1 vlan=- mac=- mtu=1400 4 1",
		"done" },
	{ "extension_load name=acl", "extension_load acl - 0", "done" },
	{ "extension_load name=acl path=/x/acl.so", "extension_load acl /x/acl.so 0", "done" },
	{ "extension_unload name=acl", "extension_unload acl 0", "done" },
	{ "extension_replace name=acl", "extension_replace acl - 0", "done" },
	{ "extension_replace name=acl path=/x/acl.so", "extension_replace acl /x/acl.so 0",
		"done" },
	{ "extension_list", "extension_list -",
		" | name=acl version=1.0 class=filter abi=1.0 switch=br0 order=10 decisions=0"
		" visits=0 violations=3 invalid=0 impure=0 modified=0 state=attached fail_open=0" },
	{ "extension_list switch=br0", "extension_list br0", NULL },
	{ "extension_show name=acl", "extension_list -", NULL },
	{ "extension_show name=qos", "extension_list -",
		"2 extension_show.name: extension \"qos\" is not loaded; extension list shows those"
		" that are" },
	{ "extension_attach switch=br0 name=acl", "extension_attach br0 acl -1 0", "done" },
	{ "extension_attach switch=br0 name=acl order=20", "extension_attach br0 acl 20 0",
		"done" },
	{ "extension_attach switch=br0 name=acl fail_open=1 /dry_run=1",
		"extension_attach br0 acl -1 5", "done" },
	{ "extension_detach switch=br0 name=acl", "extension_detach br0 acl 0", "done" },
	{ "policy_add target=vm1 extension=acl body=abc", "policy_add vm1 acl - - abc 0",
		" id=made-1" },
	{ "policy_add target=switch:br0 extension=acl type=rule id=7",
		"policy_add switch:br0 acl rule 7  0", " id=7" },
	{ "policy_add target=vm1 extension=acl id=7 /dry_run=1", "policy_add vm1 acl - 7  1",
		" id=7" },
	{ "policy_remove target=vm1 extension=acl id=7", "policy_remove vm1 acl 7 0", "done" },
	{ "policy_remove target=vm1 extension=acl type=rule id=7", "policy_remove vm1 acl 7 0",
		"done" },
	{ "policy_remove target=vm1 extension=acl type=limit id=7", "policy_list vm1 acl -",
		"2 policy_remove.id: policy \"7\" on vm1 is one of acl.rule, not of acl.limit:"
		" write acl.rule" },
	{ "policy_remove target=vm1 extension=acl type=limit id=8", "policy_list vm1 acl -",
		"2 policy_remove.id: policy \"8\" of acl.limit on vm1: there is none" },
	{ "policy_list", "policy_list - - -",
		" | target=vm1 extension=acl type=rule id=7 body=body" },
	{ "policy_list target=vm1 extension=acl type=limit", "policy_list vm1 acl limit", "" },
	{ "policy_schema extension=acl target=vm1", "policy_schema vm1 acl",
		" extension=acl file_descriptor_set=" },
	{ "policy_schema extension=acl", "extension_schema acl",
		" extension=acl file_descriptor_set=" },
	{ "policer_list target=vm1 extension=acl", "policer_list vm1 acl 0",
		" | port=vm1 extension=acl id=web rate_bps=1000 burst_bytes=2 passed_frames=3 "
		"passed_bytes=4 dropped_frames=5 dropped_bytes=6 since=1700000000"
		" | switch=br0 extension=acl id=web rate_fps=1000 burst_frames=2 passed_frames=3 "
		"passed_bytes=4 dropped_frames=5 dropped_bytes=6 since=1700000000" },
	{ "policer_list reset=1", "policer_list - - 1", NULL },
	{ "policer_list reset=1 /dry_run=1", "policer_list - - 0", NULL },
	{ "meter_list", "meter_list - - 0",
		" | port=vm1 extension=acl id=in frames=5 bytes=0 since=1700000000"
		" | switch=br0 extension=qos id=all frames=0 bytes=0 since=0 unused=1" },
	{ "meter_remove target=vm1 extension=acl id=web", "meter_remove vm1 acl web 0", "done" },
	{ "meter_remove target=vm1 extension=acl /dry_run=1", "meter_remove vm1 acl - 1", "done" },
	{ "meter_list target=vm1 reset=1", "meter_list vm1 - 1", NULL },
	{ "meter_list target=vm1 reset=1 /dry_run=1", "meter_list vm1 - 0", NULL },
	{ "meter_list extension=qos reset=1", "meter_list - qos 1", NULL },
	{ "fdb_add switch=br0 mac=02:00:00:00:00:01 port=vm1 vlan=10",
		"fdb_add br0 02:00:00:00:00:01 10 vm1 0", "done" },
	{ "fdb_remove switch=br0 mac=02:00:00:00:00:01 /dry_run=1",
		"fdb_remove br0 02:00:00:00:00:01 0 1", "done" },
	{ "fdb_list switch=br0", "fdb_list br0",
		" | switch=br0 mac=02:00:5e:10:00:01 vlan=10 port=vm1 age_s=0 static=1" },
	{ "fdb_flush", "fdb_flush br0 -", "done" },
	{ "fdb_flush switch=br0 port=vm1", "fdb_flush br0 vm1", "done" },
	{ "fdb_flush port=vm1", "fdb_flush br0 vm1", "done" },
	{ "fdb_flush switch=br9 port=vm1", "port_list - vm1",
		"2 fdb_flush.port: port \"p0\" is on switch br0, not on br9" },
	{ "fdb_flush switch=br0 port=vm1 /dry_run=1", "port_list - vm1", "done" },
	{ "fdb_flush switch=br0 /dry_run=1", "switch_list br0", "done" },
	{ "flow_list switch=br0", "flow_list br0 - - -1 0 0",
		" | switch=br0 port=vm1 worker=1 key=eth_dst=02:00:00:00:00:01 program=to vm2"
		" frames=0 bytes=0 age_s=0" },
	{ "flow_list", "flow_list br0 - - -1 0 0", NULL },
	{ "flow_list port=vm1 match=proto:17 worker=3 min_frames=5 limit=9",
		"flow_list br0 vm1 proto:17 3 5 10", NULL },
	{ "flow_list switch=br9 port=vm1", "port_list - vm1",
		"2 flow_list.port: port \"p0\" is on switch br0, not on br9" },
	{ "flow_list worker=64", "", "1 flow_list.worker: flow_list.worker: 64: must be 0 to 63" },
	{ "flow_flush", "flow_flush br0", "done" },
	{ "flow_flush switch=br0 /dry_run=1", "switch_list br0", "done" },
	{ "session_list", "session_list br0", NULL },
	{ "session_list switch=br9 port=vm1", "port_list - vm1",
		"2 session_list.port: port \"p0\" is on switch br0, not on br9" },
	{ "session_list switch=br0", "session_list br0",
		" | switch=br0 extension=acl port=vm1 key=udp 10.0.0.1:5000 > 10.0.0.2:53"
		" state=open frames=1 bytes=60 reverse_frames=2 reverse_bytes=120 age_s=3 "
		"last_frame_s=2"
		" expires_s=253 cookie=7 | switch=br0 extension=acl port=vm2"
		" key=udp 10.0.0.1:5000 > 10.0.0.2:53 state=open frames=1 bytes=60 reverse_frames=2"
		" reverse_bytes=120 age_s=3 last_frame_s=2 expires_s=253 cookie=7 policy=web" },
	{ "session_list port=vm1", "session_list br0",
		" | switch=br0 extension=acl port=vm1 key=udp 10.0.0.1:5000 > 10.0.0.2:53"
		" state=open frames=1 bytes=60 reverse_frames=2 reverse_bytes=120 age_s=3 "
		"last_frame_s=2"
		" expires_s=253 cookie=7" },
	{ "drop_list", "drop_list - - 0",
		" | reason=vlan-not-allowed extension=core port=vm1 stage=ingress frames=9"
		" text=the port does not carry this VLAN | policer=acl web frames=4"
		" | policer=acl all of switch:br0" },
	{ "drop_list switch=br0 port=vm1", "drop_list br0 vm1 0", NULL },
	{ "drop_list reset=1", "drop_list - - 1", NULL },
	{ "drop_list reset=1 /dry_run=1", "drop_list - - 0", NULL },
	{ "trace port=vm1 frame=abc", "trace vm1 abc",
		" | port=vm1 stage=ingress extension=acl action=pass" },
	{ "trace port=vm1 frame=", "", NULL },
	{ "trace frame=abc", "", NULL },
	{ "worker_list", "worker_list",
		" | id=1 cpu=3 cycles_per_frame=0 frames_per_batch=0 idle_share=0.5 queues=2"
		" frames=0 linger_us=0 slow_decides=4 slow_extension=acl slow_switch=br0 "
		"slow_ms=2.5" },
	{ "worker_set linger_us=0", "worker_set 0", "done" },
	{ "worker_set linger_us=70 /dry_run=1", "", "done" },
	{ "worker_set", "", "1 worker_set.linger_us: nothing to set: linger_us must be given" },
	{ "extension_call extension=cap type=read", "call cap read -  files=0 0", "done" },
	{ "extension_call extension=cap type=read switch=br0 body=abc /dry_run=1",
		"call cap read br0 abc files=0 1", "done" },
	{ "extension_call extension=cap type=refuse body=x", "call cap refuse - x files=0 0",
		"4 extension_call.port: port \"vm1\" is captured already" },
	{ "extension_call extension=cap type=read files=2", "",
		"1 extension_call.files: files 2: only 0 descriptors were passed (SCM_RIGHTS)" },
	{ "call_cancel call=99", "", "done" },
	{ "policy_status extension=acl", "status_list - acl -",
		" | target=vm1 extension=acl type=state body=seen" },
	{ "policy_status target=switch:br0 extension=acl type=state",
		"status_list switch:br0 acl state", NULL },
	{ "apply_commit", "apply 0 0", "" },
	{ "apply_commit prune=1", "apply 0 8", "" },
	{ "apply_add items={switch={name=br0}} items={extension={switch=br0,name=acl}}", "",
		"done" },
	{ "apply_add items={extension={switch=br0,name=qos,order=7,fail_open=1,path=/x/q.so}}", "",
		"done" },
	{ "apply_add items={port={switch=br0,name=vm1,vlan=none,mac=none}}", "", "done" },
	{ "apply_commit prune=1 /dry_run=1",
		"apply 4 9, switch br0, extension br0 acl -1 0 -, extension br0 qos 7 1 /x/q.so,"
		" port br0 vm1 nic=- vlan='' mac='' mtu=0 000",
		"" },
	{ "apply_add items={port={switch=br0,name=vm1,nic=null,vlan=10,mac=02:00:00:00:00:01,"
	  "mtu=9000,uplink=1,force=1,disconnected=1}}",
		"", "done" },
	{ "apply_add items={policy={target=vm1,extension=acl,type=rule,id=7,body=abc}}"
	  " items={policy={target=vm1,extension=acl,id=8}}"
	  " items={fdb={switch=br0,mac=02:00:00:00:00:01,port=vm1,vlan=10}}",
		"", "done" },
	{ "apply_commit",
		"apply 4 0, port br0 vm1 nic=null vlan=10 mac=02:00:00:00:00:01 mtu=9000 111,"
		" policy vm1 acl.rule 7 abc, policy vm1 acl.- 8 , fdb br0 02:00:00:00:00:01 10 vm1",
		"" },
	{ "apply_add items={switch={name=br0}}", "", "done" },
	{ "apply_abort", "", "done" },
	{ "apply_commit", "apply 0 0", "" },
	{ "export", "export -",
		" | name=br0 | switch=br0 name=acl order=10 fail_open=1 path=/x/acl.so"
		" | switch=br0 name=vm1 nic=tap:vm1 vlan=10 force=1"
		" | switch=br0 name=vm2 nic=null mac=02:00:00:00:00:02 mtu=9000 uplink=1"
		" disconnected=1 | target=vm1 extension=acl type=rule id=7 body=body"
		" | switch=br0 mac=02:00:00:00:00:01 port=vm1 vlan=10" },
	{ "export switch=br0", "export br0", NULL },
};

static char last_call[512];

static void clear(struct weir *weir)
{
	*weir->last = '\0';
	weir->n_rows = 1;
}

static void copy_last(struct weir *weir)
{
	strcpy(last_call, weir->last);
}

static void test_requests(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		Weir__Control__Reply *reply;

		fixture_run(fixture, clear);
		send_text(fd, rows[i].request, i + 1);
		reply = receive_reply(fd);
		assert_non_null(reply);
		assert_int_equal(reply->id, i + 1);
		assert_false(reply->more);
		describe(reply, text, sizeof(text));
		weir__control__reply__free_unpacked(reply, NULL);
		fixture_run(fixture, copy_last);
		if (strcmp(last_call, rows[i].call) != 0)
			fail_msg("%s\n  called   %s\n  expected %s", rows[i].request, last_call,
				rows[i].call);
		if (rows[i].answer && strcmp(text, rows[i].answer) != 0)
			fail_msg("%s\n  answered %s\n  expected %s", rows[i].request, text,
				rows[i].answer);
	}
	close(fd);
	fixture_stop(fixture);
}

// Each request of the protocol has a handler and a row above.
static void test_all_are_there(void **state)
{
	const ProtobufCMessageDescriptor *request = &weir__control__request__descriptor;

	(void)state;
	for (unsigned i = 0; i < request->n_fields; i++) {
		const char *name = request->fields[i].name;
		size_t size = strlen(name), k;

		if (request->fields[i].id < 20 ||
			(strcmp(name, "event_subscribe") == 0 || strcmp(name, "drop_watch") == 0))
			continue; // event_test.c, drop_test.c
		for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
			if (strncmp(rows[k].request, name, size) == 0 &&
				strchr(" ", rows[k].request[size]))
				break;
		if (k == sizeof(rows) / sizeof(rows[0]))
			fail_msg("no row for %s", name);
	}
}

// What the switch refuses comes back as it is, under the code of its class.
static const struct {
	struct weir_error error;
	const char *answer;
} refusals[] = {
	{ { -EINVAL, "vlan", "vlan \"4095\": must be 1 to 4094" },
		"1 port_add.vlan: vlan \"4095\": must be 1 to 4094" },
	{ { -ENOENT, "switch", "switch \"br9\" does not exist" },
		"2 port_add.switch: switch \"br9\" does not exist" },
	{ { -ENODEV, "nic", "interface \"x\" does not exist" },
		"2 port_add.nic: interface \"x\" does not exist" },
	{ { -EEXIST, "name", "port \"vm1\" exists" }, "3 port_add.name: port \"vm1\" exists" },
	{ { -EBUSY, "", "in use" }, "4 -: in use" },
	{ { -EPERM, "", "not allowed" }, "5 -: not allowed" },
	{ { -EACCES, "", "not allowed" }, "5 -: not allowed" },
	{ { -ENOMEM, "", "no memory" }, "6 -: no memory" },
	{ { -ENOSPC, "", "full" }, "6 -: full" },
	{ { -EOPNOTSUPP, "", "not with null" }, "7 -: not with null" },
	{ { -EIO, "", "input or output" }, "8 -: input or output" },
};
static size_t refusal;

static void refuse(struct weir *weir)
{
	weir->refusal = &refusals[refusal].error;
}

static void test_refusals(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);
	char text[1024];

	(void)state;
	for (refusal = 0; refusal < sizeof(refusals) / sizeof(refusals[0]); refusal++) {
		Weir__Control__Reply *reply;

		fixture_run(fixture, refuse);
		send_text(fd, "port_add switch=br0 name=vm1", 1);
		reply = receive_reply(fd);
		assert_non_null(reply);
		describe(reply, text, sizeof(text));
		weir__control__reply__free_unpacked(reply, NULL);
		assert_string_equal(text, refusals[refusal].answer);
	}
	close(fd);
	fixture_stop(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_all_are_there),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
