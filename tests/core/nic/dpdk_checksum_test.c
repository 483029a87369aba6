// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Checksums that are left to a dpdk device: net_tap makes them, and a packet socket at its other
// end shows what came out, beside what the core's software makes of the same frame.
#include "dpdk_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "nic/offload.h"
#include "nic/offload_headers.h"

struct row {
	const char *name;
	unsigned tags; // in front of the IP header
	bool ipv6, tcp;
	uint32_t options; // bytes of IPv4 options, or of an IPv6 extension header
	uint32_t payload; // bytes
};

static const struct row rows[] = {
	{ "TCP in IPv4", 0, false, true, 0, 100 },
	{ "UDP in IPv4", 0, false, false, 0, 100 },
	{ "TCP in IPv6", 0, true, true, 0, 100 },
	{ "UDP in IPv6", 0, true, false, 0, 100 },
	{ "an odd payload", 0, false, true, 0, 101 },
	{ "no payload", 0, true, true, 0, 0 },
	{ "full size", 0, false, true, 0, 1460 },
	{ "a tag", 1, false, true, 0, 77 },
	{ "two tags, IPv6", 2, true, false, 0, 77 },
	{ "IPv4 options", 0, false, false, 40, 77 },
	{ "an extension header", 0, true, true, 64, 77 },
	{ "a long one", 0, true, true, 480, 77 },
};

static uint32_t put_ip(uint8_t *ip, const struct row *row, uint32_t l4_size)
{
	uint8_t protocol = row->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	uint32_t fixed = row->ipv6 ? 40 : 20;

	if (row->ipv6) {
		ip[0] = 0x60;
		offload_write16(ip + 4, row->options + l4_size);
		ip[6] = row->options ? IPPROTO_DSTOPTS : protocol;
		ip[7] = 64;
		if (row->options) {
			ip[40] = protocol;
			ip[41] = (uint8_t)(row->options / 8 - 1);
			for (uint32_t at = 42, rest = row->options - 2; rest;) { // PadN: RFC 8200
				uint32_t n = rest > 200 ? 200 : rest;

				ip[at] = 1;
				ip[at + 1] = (uint8_t)(n - 2);
				at += n;
				rest -= n;
			}
		}
	} else {
		ip[0] = (uint8_t)(0x45 + row->options / 4);
		offload_write16(ip + 2, fixed + row->options + l4_size);
		ip[8] = 64;
		ip[9] = protocol;
		memset(ip + 20, 1, row->options); // NOP: RFC 791
	}
	for (uint32_t i = row->ipv6 ? 8 : 12; i < fixed; i++)
		ip[i] = (uint8_t)(i * 37);
	return fixed + row->options;
}

// Its checksum field has the sum of the pseudo header, as VIRTIO has it.
static struct weir_frame *make_unfinished(const struct row *row)
{
	uint32_t l3 = 14 + 4 * row->tags, header = row->tcp ? 20 : 8,
		 l4_size = header + row->payload;
	struct weir_frame *frame = make_frame(pool, 2000, 1);
	uint32_t l4, addresses = row->ipv6 ? 8 : 12, n = row->ipv6 ? 32 : 8;
	uint64_t sum = l4_size + (row->tcp ? IPPROTO_TCP : IPPROTO_UDP);
	uint8_t *data = frame->data;

	memset(data + 12, 0, 700);
	for (unsigned i = 0; i < row->tags; i++)
		offload_write16(data + 12 + 4 * i, 0x8100), data[15 + 4 * i] = 7;
	offload_write16(data + l3 - 2, row->ipv6 ? 0x86dd : 0x0800);
	l4 = l3 + put_ip(data + l3, row, l4_size);
	offload_write16(data + l4, 1000);
	offload_write16(data + l4 + 2, 2000);
	if (row->tcp)
		data[l4 + 12] = 0x50;
	else
		offload_write16(data + l4 + 4, l4_size);
	for (uint32_t i = 0; i < n; i += 2)
		sum += offload_read16(data + l3 + addresses + i);
	for (; sum >> 16; sum = (sum & 0xffff) + (sum >> 16))
		;
	frame->offload.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	frame->offload.csum_start = (uint16_t)l4;
	frame->offload.csum_offset = row->tcp ? 16 : 6;
	offload_write16(data + l4 + frame->offload.csum_offset, (uint32_t)sum);
	frame->size = frame->linear = l4 + l4_size;
	assert_true(offload_sanitize(frame));
	assert_true(offload_claimed(frame));
	return frame;
}

static void expect_at(int socket, const struct weir_frame *finished, unsigned tags)
{
	static uint8_t expected[2048], got[2048];
	uint32_t size = finished->size;
	struct pollfd ready = { .fd = socket, .events = POLLIN };

	memcpy(expected, finished->data, size);
	if (tags) { // the kernel has the first one beside the frame
		size -= 4;
		memmove(expected + 12, expected + 16, size - 12);
	}
	assert_int_equal(poll(&ready, 1, 5000), 1);
	assert_int_equal(recv(socket, got, sizeof(got), 0), size);
	assert_memory_equal(got, expected, size);
}

static void set_up_or_down(const char *interface, bool up)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &request), 0);
	request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

// As a copy, as an mbuf of our own, and as one that somebody else holds as well.
static void send_in_every_way(struct nic *tap, struct nic *ring, int socket, const struct row *row)
{
	struct weir_frame *frame = make_unfinished(row), *finished = make_unfinished(row), *own;
	const struct virtio_net_hdr offload = frame->offload;
	unsigned lost = 0;

	assert_int_equal(offload_finish_checksum(finished), 0);
	own = make_unfinished(row);
	own->offload = (struct virtio_net_hdr){ 0 };
	transmit(ring, &own, 1);
	own = receive_one(ring);
	own->offload = offload;
	transmit(tap, &frame, 1);
	expect_at(socket, finished, row->tags);
	own->refs = 2;
	frame = own;
	transmit(tap, &frame, 1);
	expect_at(socket, finished, row->tags);
	// What is not taken at once is sent again: its checksum is not made twice.
	set_up_or_down("dtap0", false);
	assert_int_equal(tap->class->transmit(tap, 0, &own, 1, &lost), 0);
	set_up_or_down("dtap0", true);
	recv(socket, NULL, 0, MSG_DONTWAIT); // that it was down
	transmit(tap, &own, 1);
	expect_at(socket, finished, row->tags);
	weir_frame_release(finished);
}

static int listen_at(const char *interface)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

// A namespace of the test's own, in which the kernel says nothing by itself.
static bool enter_namespace(void)
{
	int fd;

	if (geteuid() != 0 || access("/dev/net/tun", R_OK | W_OK) != 0 ||
		unshare(CLONE_NEWNET) != 0) {
		print_message("skipped: needs root, /dev/net/tun and a network namespace\n");
		return false;
	}
	fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY);
	assert_true(fd < 0 || write(fd, "1", 1) == 1);
	if (fd >= 0)
		close(fd);
	return true;
}

static void checksums(void **state)
{
	struct nic *ring, *tap;
	int fd;

	(void)state;
	if (!enter_namespace())
		skip();
	ring = open_nic("dpdk:net_ring0");
	tap = open_nic("dpdk:net_tap0,iface=dtap0");
	assert_int_equal(tap->offloads, NIC_OFFLOAD_CSUM);
	assert_int_equal(ring->offloads, 0);
	fd = listen_at("dtap0");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		send_in_every_way(tap, ring, fd, &rows[i]);
	}
	close(fd);
	nic_close(tap);
	close_all(ring, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(checksums) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
