// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/packet_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "nic/argument.h"
#include "nic/interface.h"
#include "nic/link_monitor.h"

// Newer than the oldest headers that the project builds with.
#ifndef PACKET_FANOUT_FLAG_IGNORE_OUTGOING
#define PACKET_FANOUT_FLAG_IGNORE_OUTGOING 0x4000
#endif

struct specification {
	char name[IFNAMSIZ];
	uint64_t ring; // slots of each queue, 0 = none
	uint64_t n_queues;
	bool force;
};

static int parse_option(
	const struct nic_item *item, struct specification *spec, struct weir_error *error)
{
	if (nic_item_is(item, "ring"))
		return nic_item_number(item, 0, PACKET_RING_MAX, &spec->ring, error);
	if (nic_item_is(item, "queues"))
		return nic_item_number(item, 1, NIC_MAX_QUEUES, &spec->n_queues, error);
	if (nic_item_is(item, "force") && !item->value) {
		spec->force = true;
		return 0;
	}
	return weir_refuse(error, -EINVAL, "nic",
		"packet option \"%.*s\": must be ring=N, queues=N or force",
		item->key_size < 32 ? item->key_size : 32, item->key);
}

static int parse(
	const struct nic_options *options, struct specification *spec, struct weir_error *error)
{
	const char *rest = options->argument;
	struct nic_item item;
	char name[64];
	int ret;

	*spec = (struct specification){
		.ring = PACKET_RING,
		.n_queues = options->n_queues ? options->n_queues : 1,
		.force = options->force,
	};
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(rest, ","), rest);
	ret = interface_check_name(name, error);
	if (ret)
		return ret;
	memcpy(spec->name, name, strlen(name) + 1);
	nic_next_item(&rest, &item);
	while (ret == 0 && nic_next_item(&rest, &item))
		ret = parse_option(&item, spec, error);
	spec->ring = (spec->ring + PACKET_BLOCK_SLOTS - 1) / PACKET_BLOCK_SLOTS *
		     PACKET_BLOCK_SLOTS;
	if (spec->n_queues > NIC_MAX_QUEUES)
		spec->n_queues = NIC_MAX_QUEUES;
	return ret;
}

// Whether a packet port may be put on the interface.
static int check_interface(const struct specification *spec, const struct interface *interface,
	uint32_t mtu, struct weir_error *error)
{
	int ret;

	if (!interface->ethernet)
		return weir_refuse(error, -EINVAL, "nic",
			"interface \"%s\": is no Ethernet interface, as packet needs", spec->name);
	// The interface belongs to the host; only its owner knows what else depends on its MTU.
	if (mtu > interface->mtu)
		return weir_refuse(error, -EINVAL, "mtu",
			"mtu %u: must not be above %u, which is what interface \"%s\" has", mtu,
			interface->mtu, spec->name);
	if (spec->force)
		return 0;
	ret = link_has_default_route(interface->ifindex);
	if (ret < 0)
		return weir_refuse(error, ret, "nic",
			"interface \"%s\": cannot find out whether it has the default route: %s",
			spec->name, strerror(-ret));
	if (ret)
		return weir_refuse(error, -EBUSY, "nic",
			"interface \"%s\": carries the host's default route; only with "
			"force: --force, or packet:%s,force",
			spec->name, spec->name);
	return 0;
}

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

// A socket that listens to nothing as long as it is not bound to a protocol.
static int open_socket(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = set_option(fd, SOL_PACKET, PACKET_VNET_HDR, 1);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

// protocol 0 sends only. An interface that is down can be bound to.
static int bind_socket(int fd, int ifindex, uint16_t protocol)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = ifindex,
	};

	return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

static int open_queue(struct packet_queue *queue, const struct specification *spec, int ifindex)
{
	struct packet_mreq promiscuous = { .mr_ifindex = ifindex, .mr_type = PACKET_MR_PROMISC };
	int fd = open_socket(), ret;

	if (fd < 0)
		return fd;
	queue->fd = fd;
	ret = set_option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	// Before Linux 4.20 there is no such option; receive() then passes over outgoing frames.
	if (ret == -ENOPROTOOPT)
		ret = 0;
	if (ret == 0)
		ret = set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, PACKET_RECEIVE);
	if (ret == 0 && spec->ring)
		ret = packet_ring_create(queue, (unsigned)spec->ring);
	if (ret == 0 && !spec->ring)
		ret = set_option(fd, SOL_PACKET, PACKET_AUXDATA, 1);
	if (ret == 0 && setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous,
				sizeof(promiscuous)) < 0)
		ret = -errno;
	return ret ? ret : bind_socket(fd, ifindex, ETH_P_ALL);
}

// Spreads the flows over the queues. The first queue gets a group number that is free.
static int join_group(struct packet *packet)
{
	unsigned flags = PACKET_FANOUT_FLAG_UNIQUEID | PACKET_FANOUT_FLAG_IGNORE_OUTGOING;
	int value = (int)((PACKET_FANOUT_HASH | flags) << 16), ret = 0;
	socklen_t size = sizeof(value);

	if (packet->n_queues == 1)
		return 0;
	ret = set_option(packet->queues[0].fd, SOL_PACKET, PACKET_FANOUT, value);
	if (ret == 0 && getsockopt(packet->queues[0].fd, SOL_PACKET, PACKET_FANOUT, &value, &size))
		ret = -errno;
	value = (value & 0xffff) |
		(int)((PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_IGNORE_OUTGOING) << 16);
	for (unsigned i = 1; ret == 0 && i < packet->n_queues; i++)
		ret = set_option(packet->queues[i].fd, SOL_PACKET, PACKET_FANOUT, value);
	return ret;
}

static int open_transmit(struct packet *packet)
{
	int ret = packet->transmit_fd = open_socket();

	if (ret < 0)
		return ret;
	ret = set_option(packet->transmit_fd, SOL_SOCKET, SO_SNDBUFFORCE, PACKET_TRANSMIT);
	return ret ? ret : bind_socket(packet->transmit_fd, packet->nic.ifindex, 0);
}

static void packet_close(struct nic *nic)
{
	struct packet *packet = (struct packet *)nic;

	for (unsigned i = 0; i < packet->n_queues; i++) {
		packet_ring_destroy(&packet->queues[i]);
		if (packet->queues[i].fd >= 0)
			close(packet->queues[i].fd);
	}
	if (packet->transmit_fd >= 0)
		close(packet->transmit_fd);
	free(packet);
}

static struct packet *create(const struct specification *spec, const struct interface *interface,
	const struct nic_options *options)
{
	size_t size = sizeof(struct packet) + spec->n_queues * sizeof(struct packet_queue);
	struct packet *packet = aligned_alloc(_Alignof(struct packet), (size + 63) / 64 * 64);

	if (!packet)
		return NULL;
	memset(packet, 0, size);
	packet->nic.class = &nic_packet_class;
	packet->nic.n_rx_queues = packet->n_queues = (unsigned)spec->n_queues;
	packet->nic.n_tx_queues = options->n_workers ? options->n_workers : 1;
	if (packet->nic.n_tx_queues > NIC_MAX_QUEUES)
		packet->nic.n_tx_queues = NIC_MAX_QUEUES;
	packet->nic.mtu = options->mtu ? options->mtu : interface->mtu;
	packet->nic.ifindex = interface->ifindex;
	memcpy(packet->nic.ifname, spec->name, sizeof(packet->nic.ifname));
	packet->nic.shared = interface_speaks_ip(spec->name);
	packet->nic.rx_missed = packet->missed;
	packet->transmit_fd = -1;
	for (unsigned i = 0; i < packet->n_queues; i++) {
		packet->queues[i].fd = -1;
		packet->queues[i].missed = &packet->missed[i];
	}
	return packet;
}

// The kernel takes UDP segmentation from a packet socket since 6.2 and has no other way to say so.
static unsigned kernel_offloads(void)
{
	unsigned offloads = NIC_OFFLOAD_CSUM | NIC_OFFLOAD_TSO4 | NIC_OFFLOAD_TSO6 |
			    NIC_OFFLOAD_ECN;
	int major = 0, minor = 0;
	struct utsname name;

	if (uname(&name) == 0 && sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
		(major > 6 || (major == 6 && minor >= 2)))
		offloads |= NIC_OFFLOAD_USO;
	return offloads;
}

static int open_all(struct packet *packet, const struct specification *spec)
{
	int ret = open_transmit(packet);

	for (unsigned i = 0; ret == 0 && i < packet->n_queues; i++)
		ret = open_queue(&packet->queues[i], spec, packet->nic.ifindex);
	return ret ? ret : join_group(packet);
}

static int refuse_open(int ret, const struct specification *spec, const struct interface *interface,
	struct weir_error *error)
{
	// Older kernels do not let a socket join a group while the interface is down.
	if (ret == -EINVAL && spec->n_queues > 1 && !interface->up)
		return weir_refuse(error, ret, "nic",
			"packet \"%s\": with several queues this kernel wants the interface up "
			"first",
			spec->name);
	return weir_refuse(error, ret, "nic", "packet \"%s\": %s%s", spec->name, strerror(-ret),
		ret == -EPERM ? "; CAP_NET_RAW is needed" : "");
}

static int look(const struct nic_options *options, struct specification *spec,
	struct interface *interface, struct weir_error *error)
{
	int ret = parse(options, spec, error);

	if (ret == 0)
		ret = interface_query(spec->name, interface, error);
	return ret ? ret : check_interface(spec, interface, options->mtu, error);
}

static int packet_check(const struct nic_options *options, struct weir_error *error)
{
	struct specification spec;
	struct interface interface;

	return look(options, &spec, &interface, error);
}

static bool packet_shares(const struct nic_options *options)
{
	struct specification spec;

	return parse(options, &spec, NULL) == 0 && interface_speaks_ip(spec.name);
}

static int packet_open(
	const struct nic_options *options, struct nic **nic, struct weir_error *error)
{
	struct specification spec;
	struct interface interface;
	struct packet *packet;
	int ret = look(options, &spec, &interface, error);

	if (ret)
		return ret;
	packet = create(&spec, &interface, options);
	if (!packet)
		return weir_refuse(error, -ENOMEM, NULL, "packet \"%s\": out of memory", spec.name);
	packet->nic.offloads = kernel_offloads();
	ret = open_all(packet, &spec);
	if (ret) {
		packet_close(&packet->nic);
		return refuse_open(ret, &spec, &interface, error);
	}
	*nic = &packet->nic;
	return 0;
}

static int packet_receive_fd(struct nic *nic, unsigned queue)
{
	return ((struct packet *)nic)->queues[queue].fd;
}

static void packet_describe(struct nic *nic, char *text, size_t size)
{
	struct packet *packet = (struct packet *)nic;
	unsigned slots = __atomic_load_n(&packet->queues[0].n_slots, __ATOMIC_RELAXED);

	snprintf(text, size, "queues=%u, ring=%u, uso=%s", packet->n_queues, slots,
		nic->offloads & NIC_OFFLOAD_USO ? "yes" : "no");
}

const struct nic_class nic_packet_class = {
	.kind = "packet",
	.usage = "packet:IF[,ring=N][,queues=N][,force]",
	.summary = "A network interface of the host, through a packet socket",
	.open = packet_open,
	.check = packet_check,
	.shares = packet_shares,
	.close = packet_close,
	.receive = packet_receive,
	.transmit = packet_transmit,
	.receive_fd = packet_receive_fd,
	.arm = packet_arm,
	.next_ns = packet_next_ns,
	.describe = packet_describe,
};
