// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/link_monitor.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	BUFFER = 32768, // bytes; the kernel makes messages of dumps no longer
	SEQUENCE = 1,   // of a dump's request and answers
	DUMP_TRIES = 16,
};

struct link_monitor {
	struct mnl_socket *socket;
	link_monitor_handler *handler;
	void *context;
	char buffer[BUFFER];
};

static int read_attribute(const struct nlattr *attribute, void *data)
{
	const struct nlattr **attributes = data;
	unsigned type = mnl_attr_get_type(attribute);

	if (type == IFLA_IFNAME && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		attributes[IFLA_IFNAME] = attribute;
	if (type == IFLA_MTU && mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
		attributes[IFLA_MTU] = attribute;
	return MNL_CB_OK;
}

// Reports one message of the kernel.
static int report(const struct nlmsghdr *message, void *data)
{
	struct link_monitor *monitor = data;
	const struct nlattr *attributes[IFLA_MTU + 1] = { NULL };
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct link_change change = { .present = message->nlmsg_type == RTM_NEWLINK };

	if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK)
		return MNL_CB_OK;
	// A bridge says in the same words that an interface joined or left it.
	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*info) || info->ifi_family != AF_UNSPEC)
		return MNL_CB_OK;
	mnl_attr_parse(message, sizeof(*info), read_attribute, attributes);
	if (!attributes[IFLA_IFNAME])
		return MNL_CB_OK;
	change.name = mnl_attr_get_str(attributes[IFLA_IFNAME]);
	change.ifindex = info->ifi_index;
	change.up = change.present && (info->ifi_flags & IFF_UP) && (info->ifi_flags & IFF_RUNNING);
	if (attributes[IFLA_MTU])
		change.mtu = mnl_attr_get_u32(attributes[IFLA_MTU]);
	monitor->handler(monitor->context, &change);
	return MNL_CB_OK;
}

// Both struct ifinfomsg and struct rtmsg begin with the family; the rest is zero.
union request {
	uint8_t family;
	struct ifinfomsg link;
	struct rtmsg route;
};

static int send_request(
	struct mnl_socket *socket, uint16_t type, uint8_t family, char buffer[/* BUFFER */])
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	union request *request;

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = SEQUENCE;
	request = mnl_nlmsg_put_extra_header(
		message, type == RTM_GETLINK ? sizeof(request->link) : sizeof(request->route));
	request->family = family;
	return mnl_socket_sendto(socket, message, message->nlmsg_len) < 0 ? -errno : 0;
}

// -EINTR: something changed in the middle of the dump, and it may have holes.
static int receive_dump(
	struct mnl_socket *socket, mnl_cb_t callback, void *context, char buffer[/* BUFFER */])
{
	int ret = MNL_CB_OK;

	while (ret != MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(socket, buffer, BUFFER);

		if (n < 0)
			return -errno;
		ret = mnl_cb_run(buffer, (size_t)n, SEQUENCE, mnl_socket_get_portid(socket),
			callback, context);
		if (ret < 0)
			return -errno;
	}
	return 0;
}

static int dump_once(uint16_t type, uint8_t family, mnl_cb_t callback, void *context)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	char buffer[BUFFER];
	int ret;

	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		ret = -errno;
	else
		ret = send_request(socket, type, family, buffer);
	if (ret == 0)
		ret = receive_dump(socket, callback, context, buffer);
	mnl_socket_close(socket);
	return ret;
}

// Asks the kernel for all objects of a kind and hands each to the callback, on a socket of its own,
// so that announcements do not get between. The kernel answers at once. An object may be handed
// over more than once.
static int dump(uint16_t type, uint8_t family, mnl_cb_t callback, void *context)
{
	int ret = -EINTR;

	for (unsigned i = 0; ret == -EINTR && i < DUMP_TRIES; i++)
		ret = dump_once(type, family, callback, context);
	return ret;
}

int link_monitor_create(link_monitor_handler *handler, void *context, struct link_monitor **monitor,
	struct weir_error *error)
{
	struct link_monitor *made = calloc(1, sizeof(*made));

	if (!made)
		return weir_refuse(error, -ENOMEM, NULL, "link monitor: out of memory");
	made->handler = handler;
	made->context = context;
	made->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!made->socket || mnl_socket_bind(made->socket, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0) {
		int ret = -errno;

		link_monitor_destroy(made);
		return weir_refuse(
			error, ret, NULL, "link monitor: no rtnetlink socket: %s", strerror(-ret));
	}
	*monitor = made;
	return 0;
}

void link_monitor_destroy(struct link_monitor *monitor)
{
	if (!monitor)
		return;
	if (monitor->socket)
		mnl_socket_close(monitor->socket);
	free(monitor);
}

int link_monitor_fd(const struct link_monitor *monitor)
{
	return mnl_socket_get_fd(monitor->socket);
}

int link_monitor_process(struct link_monitor *monitor)
{
	bool overrun = false;
	int ret;

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(monitor->socket, monitor->buffer, BUFFER);

		if (n >= 0)
			mnl_cb_run(monitor->buffer, (size_t)n, 0, 0, report, monitor);
		else if (errno == ENOBUFS)
			overrun = true;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR && errno != ENOSPC)
			return -errno;
	}
	if (!overrun)
		return 0;
	// What is still queued is older than the dump, so it was read before.
	ret = dump(RTM_GETLINK, AF_UNSPEC, report, monitor);
	return ret ? ret : -ESTALE;
}

struct default_route {
	int ifindex;
	bool found;
};

struct route_attributes {
	const struct nlattr *output, *multipath;
};

static int read_route_attribute(const struct nlattr *attribute, void *data)
{
	struct route_attributes *attributes = data;

	if (mnl_attr_get_type(attribute) == RTA_OIF &&
		mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
		attributes->output = attribute;
	if (mnl_attr_get_type(attribute) == RTA_MULTIPATH)
		attributes->multipath = attribute;
	return MNL_CB_OK;
}

static bool multipath_has(const struct nlattr *attribute, int ifindex)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(attribute);
	int left = mnl_attr_get_payload_len(attribute);

	for (; RTNH_OK(hop, left); left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop))
		if (hop->rtnh_ifindex == ifindex)
			return true;
	return false;
}

static int find_default(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	struct route_attributes attributes = { NULL, NULL };
	struct default_route *wanted = data;

	if (message->nlmsg_type != RTM_NEWROUTE ||
		message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*route))
		return MNL_CB_OK;
	if (route->rtm_dst_len != 0 || route->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	mnl_attr_parse(message, sizeof(*route), read_route_attribute, &attributes);
	if (attributes.output && (int)mnl_attr_get_u32(attributes.output) == wanted->ifindex)
		wanted->found = true;
	if (attributes.multipath && multipath_has(attributes.multipath, wanted->ifindex))
		wanted->found = true;
	return MNL_CB_OK;
}

int link_has_default_route(int ifindex)
{
	struct default_route wanted = { .ifindex = ifindex };
	int ret = dump(RTM_GETROUTE, AF_INET, find_default, &wanted);

	// A kernel without IPv6 answers that it knows no such family.
	if (ret == 0) {
		ret = dump(RTM_GETROUTE, AF_INET6, find_default, &wanted);
		if (ret == -EOPNOTSUPP || ret == -EAFNOSUPPORT)
			ret = 0;
	}
	return ret ? ret : wanted.found;
}
