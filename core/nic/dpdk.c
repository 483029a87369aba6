// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The NIC kind `dpdk` as far as it needs no DPDK: the form of its argument, and the way to the
// module that has the rest. An open NIC is of the module's class, so that workers reach it without
// a detour.
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "nic/argument.h"
#include "nic/module.h"

enum { NAME_MAX_SIZE = 63 }; // RTE_DEV_NAME_MAX_LEN without its end

static const char name_bytes[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:";

// "net_pcap1,rx_pcap=F" or "0000:3b:00.0": a name, then items. Blanks are EAL's own separator.
static int check_form(const char *argument, struct weir_error *error)
{
	size_t name_size = strcspn(argument, ",");
	const char *rest = argument[name_size] ? argument + name_size + 1 : NULL;
	struct nic_item item;

	if (name_size == 0 || name_size > NAME_MAX_SIZE || strspn(argument, name_bytes) < name_size)
		return weir_refuse(error, -EINVAL, "nic",
			"dpdk:%.100s: must begin with a device's name (letters, digits and _-.:, "
			"at most %d), as net_pcap0, or with its PCI address, as 0000:3b:00.0",
			argument, NAME_MAX_SIZE);
	while (nic_next_item(&rest, &item))
		if (item.key_size == 0)
			return weir_refuse(error, -EINVAL, "nic",
				"dpdk:%.100s: an option is missing behind a comma", argument);
	return 0;
}

void nic_dpdk_device(const char *devargs, char *name, size_t size)
{
	static const char *const buses[] = { "vdev:", "pci:" };
	unsigned domain = 0, bus, device, function;
	int end = 0;

	for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]); i++)
		if (strncmp(devargs, buses[i], strlen(buses[i])) == 0)
			devargs += strlen(buses[i]);
	snprintf(name, size, "%.*s", (int)strcspn(devargs, ","), devargs);
	if ((sscanf(name, "%2x:%2x.%1x%n", &bus, &device, &function, &end) == 3 && !name[end]) ||
		(sscanf(name, "%8x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) == 4 &&
			!name[end]))
		snprintf(name, size, "%04x:%02x:%02x.%x", domain, bus, device, function);
}

// The names of DPDK's own Ethernet devices begin so; an interface of the kernel's may as well, when
// a device of DPDK's has made it.
static bool is_virtual(const char *name)
{
	return strncmp(name, "net_", 4) == 0 || strncmp(name, "eth_", 4) == 0;
}

static int check_no_interface(const char *argument, struct weir_error *error)
{
	char name[NAME_MAX_SIZE + 1];

	nic_dpdk_device(argument, name, sizeof(name));
	if (is_virtual(name) || if_nametoindex(name) == 0)
		return 0;
	return weir_refuse(error, -EINVAL, "nic",
		"dpdk:%.100s: %s is an interface of the kernel's: name a device of DPDK's on it, "
		"as "
		"dpdk:net_af_packet0,iface=%s or dpdk:net_af_xdp0,iface=%s, or the PCI address of "
		"what is behind it, as dpdk:0000:3b:00.0; without DPDK it is packet:%s",
		argument, name, name, name, name);
}

static int find_class(
	const struct nic_options *options, const struct nic_class **class, struct weir_error *error)
{
	int failed = check_form(options->argument, error);

	if (!failed)
		failed = check_no_interface(options->argument, error);
	if (failed)
		return failed;
#ifdef WEIR_HAS_DPDK
	return nic_module_class("weir-dpdk.so", "dpdk", options->host, class, error);
#else
	(void)class;
	return weir_refuse(error, -EOPNOTSUPP, "nic",
		"dpdk: the kind is not built in: Weir was built without DPDK");
#endif
}

static int dpdk_open(const struct nic_options *options, struct nic **nic, struct weir_error *error)
{
	const struct nic_class *class;
	int failed = find_class(options, &class, error);

	return failed ? failed : class->open(options, nic, error);
}

static int dpdk_check(const struct nic_options *options, struct weir_error *error)
{
	const struct nic_class *class;
	int failed = find_class(options, &class, error);

	return failed ? failed : class->check(options, error);
}

const struct nic_class nic_dpdk_class = {
	.kind = "dpdk",
	.usage = "dpdk:DEVARGS",
	.summary = "a device of DPDK's, by name or PCI address",
	.open = dpdk_open,
	.check = dpdk_check,
};
