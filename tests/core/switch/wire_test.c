// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a frame is on the wire: a segmentation frame toward a NIC that cannot take it leaves as
// finished frames and counts as those, and meters do not count the tag that the switch adds for an
// access port's VLAN.
#include <arpa/inet.h>

#include "lab_probe.h"

enum { ETH = 14, IP = 20, TCP = 20, HEADERS = ETH + IP + TCP, MSS = 1000, PAYLOAD = 2500 };

static uint32_t sum(const uint8_t *bytes, size_t size, uint32_t total)
{
	for (size_t i = 0; i < size; i += 2)
		total += (uint32_t)bytes[i] << 8 | (i + 1 < size ? bytes[i + 1] : 0);
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

// RFC 9293 3.1: over the pseudo header and the segment.
static uint32_t tcp_sum(const uint8_t *ip, size_t tcp_size)
{
	return sum(ip + IP, tcp_size, sum(ip + 12, 8, 6 + (uint32_t)tcp_size));
}

// A segmentation frame as a guest sends it: the checksum field holds the pseudo header's sum.
static uint32_t make_tso(uint8_t frame[/* HEADERS + PAYLOAD */], struct virtio_net_hdr *offload)
{
	struct lab_frame syn = lab_tcp(0, 1, 80, 0x18);
	uint16_t length = htons(IP + TCP + PAYLOAD), pseudo, check;

	memcpy(frame, syn.bytes, HEADERS);
	for (unsigned i = 0; i < PAYLOAD; i++)
		frame[HEADERS + i] = (uint8_t)(i * 7);
	memcpy(frame + ETH + 2, &length, 2);
	memset(frame + ETH + 10, 0, 2);
	check = htons((uint16_t)~sum(frame + ETH, IP, 0));
	memcpy(frame + ETH + 10, &check, 2);
	pseudo = htons((uint16_t)sum(frame + ETH + 12, 8, 6 + TCP + PAYLOAD));
	memcpy(frame + ETH + IP + 16, &pseudo, 2);
	*offload = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = HEADERS,
		.gso_size = MSS,
		.csum_start = ETH + IP,
		.csum_offset = 16,
	};
	return HEADERS + PAYLOAD;
}

static void check_segment(const struct lab_frame *got, unsigned n, uint32_t *sequence)
{
	size_t payload = n < 2 ? MSS : PAYLOAD - 2 * MSS;
	uint32_t number;

	assert_int_equal(got->size, HEADERS + payload);
	assert_int_equal(sum(got->bytes + ETH, IP, 0), 0xffff);
	assert_int_equal(tcp_sum(got->bytes + ETH, TCP + payload), 0xffff);
	memcpy(&number, got->bytes + ETH + IP + 4, 4);
	if (n)
		assert_int_equal(ntohl(number), *sequence + MSS);
	*sequence = ntohl(number);
	for (size_t i = 0; i < payload; i++)
		assert_int_equal(got->bytes[HEADERS + i], (uint8_t)((n * MSS + i) * 7));
}

static void segments_are_finished_for_a_nic_that_cannot(void **state)
{
	uint8_t frame[HEADERS + PAYLOAD];
	struct virtio_net_hdr offload;
	struct weir_switch_info before, after;
	uint32_t sequence = 0, size = make_tso(frame, &offload);
	struct lab_frame got;
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2, .nic = "memory:offload=off" });
	lab_learn(&lab);
	before = lab_switch(&lab, "br0");
	assert_int_equal(weir_memory_send(lab.ends[0], 0, frame, size, &offload), 0);
	lab_run(&lab);
	for (unsigned n = 0; n < 3; n++) {
		assert_true(lab_receive(&lab, 1, &got));
		check_segment(&got, n, &sequence);
	}
	assert_false(lab_receive(&lab, 1, &got));
	after = lab_switch(&lab, "br0");
	assert_int_equal(after.received - before.received, 3);
	assert_int_equal(after.transmitted - before.transmitted, 3);
	lab_end(&lab);
}

static uint64_t bytes_of; // of the one meter listed last

static void take_bytes(void *context, const struct weir_meter_info *info)
{
	(void)context;
	bytes_of = info->bytes;
}

// Whether or not a program pushes the tag in the end: access to access it does not, access to trunk
// it does.
static void meters_count_the_frames_of_their_port(void **state)
{
	static const struct {
		const char *to;
		unsigned tag;
	} rows[] = { { "10", 0 }, { "trunk:10", 4 } };
	struct lab_frame frame = lab_udp(0, 1, 1, 2), got;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct lab lab;

		lab_start(&lab, &(struct lab_options){ .n_ports = 0 });
		lab_add_port(&lab, "br0", 0, "10");
		lab_add_port(&lab, "br0", 1, rows[i].to);
		lab_attach(&lab, "probe-filter", 0);
		lab_act(&lab, "p0", "probe-filter", "in", (Probe__Act){ AT(INGRESS, METER) });
		for (unsigned n = 1; n <= 3; n++) {
			lab_send(&lab, 0, &frame);
			lab_run(&lab);
			assert_true(lab_receive(&lab, 1, &got));
			assert_int_equal(got.size, frame.size + rows[i].tag);
			weir_meter_list(lab.weir, "p0", false, take_bytes, NULL, &lab.error);
			assert_int_equal(bytes_of, (uint64_t)n * frame.size);
		}
		lab_act(&lab, "p1", "probe-filter", "out", (Probe__Act){ AT(EGRESS, METER) });
		lab_settle(&lab);
		lab_send(&lab, 0, &frame);
		lab_run(&lab);
		assert_true(lab_receive(&lab, 1, &got));
		weir_meter_list(lab.weir, "p1", false, take_bytes, NULL, &lab.error);
		assert_int_equal(bytes_of, got.size);
		lab_end(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_are_finished_for_a_nic_that_cannot),
		cmocka_unit_test(meters_count_the_frames_of_their_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
