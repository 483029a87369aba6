// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/interface.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int interface_check_name(const char *name, struct weir_error *error)
{
	size_t size = strlen(name);
	bool good = size > 0 && size < IFNAMSIZ && strcmp(name, ".") != 0 &&
		    strcmp(name, "..") != 0;

	for (size_t i = 0; i < size; i++)
		if (name[i] <= ' ' || name[i] == 0x7f || strchr("/:,%", name[i]))
			good = false;
	if (!good)
		return weir_refuse(error, -EINVAL, "nic",
			"interface \"%.32s\": must be 1 to %d printable ASCII characters other "
			"than "
			"space and / : , %%",
			name, IFNAMSIZ - 1);
	return 0;
}

// One of the SIOC*IF* requests. name: shorter than IFNAMSIZ.
static int request_of(int family, unsigned long code, const char *name, struct ifreq *ifr)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret = 0;

	if (fd < 0)
		return -errno;
	memcpy(ifr->ifr_name, name, strlen(name) + 1);
	if (ioctl(fd, code, ifr) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static int request(unsigned long code, const char *name, struct ifreq *ifr)
{
	return request_of(AF_UNIX, code, name, ifr);
}

int interface_index(const char *name)
{
	return (int)if_nametoindex(name);
}

int interface_query(const char *name, struct interface *interface, struct weir_error *error)
{
	struct ifreq index = { 0 }, flags = { 0 }, mtu = { 0 }, address = { 0 };
	int ret = request(SIOCGIFINDEX, name, &index);

	if (ret == 0)
		ret = request(SIOCGIFFLAGS, name, &flags);
	if (ret == 0)
		ret = request(SIOCGIFMTU, name, &mtu);
	if (ret == 0)
		ret = request(SIOCGIFHWADDR, name, &address);
	if (ret == -ENODEV)
		return weir_refuse(
			error, ret, "nic", "interface \"%s\": there is none of that name", name);
	if (ret)
		return weir_refuse(error, ret, "nic", "interface \"%s\": %s", name, strerror(-ret));
	*interface = (struct interface){
		.ifindex = index.ifr_ifindex,
		.mtu = (uint32_t)mtu.ifr_mtu,
		.up = flags.ifr_flags & IFF_UP,
		.ethernet = address.ifr_hwaddr.sa_family == ARPHRD_ETHER,
	};
	return 0;
}

bool interface_speaks_ip(const char *name)
{
	struct ifreq address = { 0 };
	char path[64 + IFNAMSIZ], disabled = '1';
	int fd;

	if (request_of(AF_INET, SIOCGIFADDR, name, &address) == 0)
		return true;
	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false; // the kernel does not have it
	if (read(fd, &disabled, 1) != 1)
		disabled = '0'; // rather one remark too many
	close(fd);
	return disabled == '0';
}

int interface_set_up(const char *name, struct weir_error *error)
{
	struct ifreq ifr = { 0 };
	int ret = request(SIOCGIFFLAGS, name, &ifr);

	if (ret == 0 && !(ifr.ifr_flags & IFF_UP)) {
		ifr.ifr_flags |= IFF_UP;
		ret = request(SIOCSIFFLAGS, name, &ifr);
	}
	if (ret)
		return weir_refuse(error, ret, "nic", "interface \"%s\": cannot be set up: %s",
			name, strerror(-ret));
	return 0;
}

int interface_set_mtu(const char *name, uint32_t mtu, struct weir_error *error)
{
	struct ifreq ifr = { .ifr_mtu = (int)mtu };
	int ret = request(SIOCSIFMTU, name, &ifr);

	if (ret)
		return weir_refuse(error, ret, "mtu",
			"mtu %u: interface \"%s\" does not take it: %s", mtu, name, strerror(-ret));
	return 0;
}
