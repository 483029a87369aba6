// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A tap interface of the host, by /dev/net/tun: what the host's stack (or whoever owns the
// interface) sends is received here and the other way round. Every frame has a struct
// virtio_net_hdr before it, so that unfinished checksums and segmentation frames pass both ways;
// the kernel itself puts VLAN tags back into what it hands out.
//
// One queue is one descriptor. The kernel takes a writev as one frame, also from several threads on
// one descriptor, so that nothing is locked when there are more workers than queues.
#include "nic/nic.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "nic/argument.h"
#include "nic/interface.h"
#include "nic/landing.h"
#include "nic/offload.h"

// UDP segmentation came with Linux 6.2 and stands in the headers since then.
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

enum {
	MAX_PIECES = 64, // of one frame written
	DEVICE_FLAGS = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
};

struct tap {
	struct nic nic;
	bool existed; // the interface was there before
	unsigned n_fds;
	int fds[NIC_MAX_QUEUES]; // one per queue
	uint64_t missed[NIC_MAX_QUEUES];
};

struct specification {
	char name[IFNAMSIZ];
	unsigned n_queues;
};

static int parse(
	const struct nic_options *options, struct specification *spec, struct weir_error *error)
{
	const char *rest = options->argument;
	size_t size = strcspn(rest, ",");
	char name[64];
	uint64_t n_queues = options->n_queues ? options->n_queues : 1;
	struct nic_item item;
	int ret;

	snprintf(
		name, sizeof(name), "%.*s", (int)(size < sizeof(name) ? size : sizeof(name)), rest);
	ret = interface_check_name(name, error);
	if (ret)
		return ret;
	memcpy(spec->name, name, strlen(name) + 1);
	nic_next_item(&rest, &item);
	while (nic_next_item(&rest, &item)) {
		if (!nic_item_is(&item, "queues"))
			return weir_refuse(error, -EINVAL, "nic",
				"tap option \"%.*s\": there is only queues=N",
				item.key_size < 32 ? item.key_size : 32, item.key);
		ret = nic_item_number(&item, 1, NIC_MAX_QUEUES, &n_queues, error);
		if (ret)
			return ret;
	}
	spec->n_queues = n_queues < NIC_MAX_QUEUES ? (unsigned)n_queues : NIC_MAX_QUEUES;
	return 0;
}

static int refuse_attach(
	int ret, const struct specification *spec, bool existed, struct weir_error *error)
{
	switch (ret) {
	case -EPERM:
		return weir_refuse(error, ret, "nic",
			"tap \"%s\": no permission; CAP_NET_ADMIN is needed", spec->name);
	case -EBUSY:
		return weir_refuse(error, ret, "nic",
			"tap \"%s\": another process or port holds it", spec->name);
	case -EINVAL:
		if (existed)
			return weir_refuse(error, ret, "nic",
				"interface \"%s\": exists and is no tap interface that takes %u "
				"queue%s",
				spec->name, spec->n_queues, spec->n_queues > 1 ? "s" : "");
		break;
	}
	return weir_refuse(
		error, ret, "nic", "tap \"%s\": cannot be made: %s", spec->name, strerror(-ret));
}

static int attach(int fd, const struct specification *spec, bool existed)
{
	struct ifreq ifr = { .ifr_flags = DEVICE_FLAGS };

	if (spec->n_queues > 1)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	memcpy(ifr.ifr_name, spec->name, sizeof(spec->name));
	if (ioctl(fd, TUNSETIFF, &ifr) == 0)
		return 0;
	// A persistent interface made for several queues insists on being opened like that.
	if (errno != EINVAL || !existed || spec->n_queues > 1)
		return -errno;
	ifr.ifr_flags = (short)(DEVICE_FLAGS | IFF_MULTI_QUEUE);
	return ioctl(fd, TUNSETIFF, &ifr) == 0 ? 0 : -errno;
}

static int open_queue(const struct specification *spec, bool existed, struct weir_error *error)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return weir_refuse(error, errno == ENOENT ? -ENXIO : -errno, "nic",
			"tap \"%s\": /dev/net/tun cannot be opened: %s", spec->name,
			strerror(errno));
	ret = attach(fd, spec, existed);
	if (ret) {
		close(fd);
		return refuse_attach(ret, spec, existed, error);
	}
	return fd;
}

// Agrees with the kernel on the header before each frame and on what it may leave unfinished.
static int set_offloads(struct tap *tap, struct weir_error *error)
{
	unsigned long base = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	int fd = tap->fds[0], size = sizeof(struct virtio_net_hdr);

	tap->nic.offloads = NIC_OFFLOAD_CSUM | NIC_OFFLOAD_TSO4 | NIC_OFFLOAD_TSO6 |
			    NIC_OFFLOAD_ECN;
	if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0)
		goto refused;
	if (ioctl(fd, TUNSETOFFLOAD, base | TUN_F_USO4 | TUN_F_USO6) == 0) {
		tap->nic.offloads |= NIC_OFFLOAD_USO;
		return 0;
	}
	if (ioctl(fd, TUNSETOFFLOAD, base) == 0)
		return 0;
refused:
	return weir_refuse(error, -errno, "nic", "tap \"%s\": offloads cannot be set: %s",
		tap->nic.ifname, strerror(errno));
}

static int configure(struct tap *tap, uint32_t mtu, struct weir_error *error)
{
	struct interface interface;
	int ret = set_offloads(tap, error);

	if (ret == 0 && mtu)
		ret = interface_set_mtu(tap->nic.ifname, mtu, error);
	if (ret == 0)
		ret = interface_set_up(tap->nic.ifname, error);
	if (ret == 0)
		ret = interface_query(tap->nic.ifname, &interface, error);
	if (ret)
		return ret;
	tap->nic.outlives_interface = true;
	tap->nic.ifindex = interface.ifindex;
	tap->nic.mtu = interface.mtu;
	return 0;
}

static void tap_close(struct nic *nic)
{
	struct tap *tap = (struct tap *)nic;

	for (unsigned i = 0; i < tap->n_fds; i++)
		close(tap->fds[i]);
	free(tap);
}

static int tap_open(const struct nic_options *options, struct nic **nic, struct weir_error *error)
{
	struct specification spec = { 0 };
	struct tap *tap;
	int ret = parse(options, &spec, error);

	if (ret)
		return ret;
	tap = calloc(1, sizeof(*tap));
	if (!tap)
		return weir_refuse(error, -ENOMEM, NULL, "tap \"%s\": out of memory", spec.name);
	tap->nic.class = &nic_tap_class;
	tap->nic.rx_missed = tap->missed;
	tap->nic.n_rx_queues = tap->nic.n_tx_queues = spec.n_queues;
	memcpy(tap->nic.ifname, spec.name, sizeof(tap->nic.ifname));
	tap->existed = interface_index(spec.name) != 0;
	while (ret >= 0 && tap->n_fds < spec.n_queues) {
		ret = open_queue(&spec, tap->existed || tap->n_fds > 0, error);
		if (ret >= 0)
			tap->fds[tap->n_fds++] = ret;
	}
	if (ret >= 0)
		ret = configure(tap, options->mtu, error);
	if (ret < 0) {
		tap_close(&tap->nic);
		return ret;
	}
	*nic = &tap->nic;
	return 0;
}

static int tap_check(const struct nic_options *options, struct weir_error *error)
{
	struct specification spec;

	return parse(options, &spec, error);
}

// 1 = *frame is one, 0 = nothing there now, -EMSGSIZE = one was passed over: it is above
// WEIR_FRAME_MAX and cut off, or a bare header.
static int receive_one(int fd, struct landing *landing, struct weir_frame **frame)
{
	struct virtio_net_hdr header;
	struct iovec pieces[3] = { { &header, sizeof(header) } };
	ssize_t n;

	landing_pieces(landing, 0, pieces + 1);
	do {
		n = readv(fd, pieces, 3);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	// The kernel says EBADFD when the interface was deleted, and so for ever.
	if (n < 0)
		return errno == EBADFD ? -ENODEV : -errno;
	if ((size_t)n <= sizeof(header) || (size_t)n >= sizeof(header) + landing_room(0))
		return -EMSGSIZE;
	*frame = landing_take(landing, 0, (uint32_t)((size_t)n - sizeof(header)));
	(*frame)->offload = header;
	return 1;
}

static int tap_receive(struct nic *nic, unsigned queue, struct frame_pool *pool,
	struct weir_frame *frames[/* max */], unsigned max)
{
	struct tap *tap = (struct tap *)nic;
	struct landing landing = { 0 };
	unsigned n = 0, tried = 0;
	int ret = 1;

	while (tried++ < max && landing_prepare(&landing, pool)) {
		ret = receive_one(tap->fds[queue], &landing, &frames[n]);
		if (ret > 0)
			n++;
		else if (ret == -EMSGSIZE)
			__atomic_store_n(
				&tap->missed[queue], tap->missed[queue] + 1, __ATOMIC_RELAXED);
		else
			break;
	}
	landing_release(&landing);
	return n || ret == -EMSGSIZE || ret > 0 ? (int)n : ret;
}

// Returns 0, or a negative errno when the kernel did not take the frame.
static int write_frame(int fd, struct weir_frame *frame)
{
	struct weir_frame_iterator it = weir_frame_iterate(frame);
	struct iovec pieces[MAX_PIECES] = { { &frame->offload, sizeof(frame->offload) } };
	const uint8_t *piece;
	uint32_t size;
	int n = 1;

	while ((piece = weir_frame_next(&it, &size))) {
		if (n == MAX_PIECES)
			return -EMSGSIZE;
		pieces[n++] = (struct iovec){ (void *)piece, size };
	}
	while (writev(fd, pieces, n) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static unsigned tap_transmit(struct nic *nic, unsigned queue, struct weir_frame *frames[/* n */],
	unsigned n, unsigned *lost)
{
	struct tap *tap = (struct tap *)nic;
	unsigned i;

	for (i = 0; i < n; i++) {
		int ret = write_frame(tap->fds[queue], frames[i]);

		if (ret == -EAGAIN || ret == -ENOBUFS)
			break;
		// EIO: the interface is down. EBADFD: it is gone, receive() says so.
		if (ret)
			++*lost;
		weir_frame_release(frames[i]);
	}
	return i;
}

static int tap_receive_fd(struct nic *nic, unsigned queue)
{
	return ((struct tap *)nic)->fds[queue];
}

static void tap_describe(struct nic *nic, char *text, size_t size)
{
	struct tap *tap = (struct tap *)nic;

	snprintf(text, size, "queues=%u, interface=%s, uso=%s", tap->n_fds,
		tap->existed ? "found" : "made", nic->offloads & NIC_OFFLOAD_USO ? "yes" : "no");
}

const struct nic_class nic_tap_class = {
	.kind = "tap",
	.usage = "tap:NAME[,queues=N]",
	.summary = "A tap interface, opened or made; one that was made goes when it is closed",
	.open = tap_open,
	.check = tap_check,
	.close = tap_close,
	.receive = tap_receive,
	.transmit = tap_transmit,
	.receive_fd = tap_receive_fd,
	.describe = tap_describe,
};
