// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Finding a device of DPDK's: its name, who uses it, and its probing.
#define ALLOW_EXPERIMENTAL_API // walking through a bus's devices
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include "arguments.h"
#include "internal.h"
#include "nic/argument.h"

#ifdef RTE_ETH_DEV_BONDING_MEMBER // from 23.11 on
#define BONDED RTE_ETH_DEV_BONDING_MEMBER
#else
#define BONDED RTE_ETH_DEV_BONDED_SLAVE
#endif

// DPDK's own codes do not mean what the core's do (-ENODEV: it may come by itself).
int dpdk_refuse(struct weir_error *error, int code, const char *devargs, const char *what)
{
	char reason[DPDK_LINE_SIZE];

	dpdk_log_first_error(reason);
	return weir_refuse(error, -EIO, "nic", "dpdk:%.100s: %s: %s", devargs, what,
		reason[0] ? reason : rte_strerror(-code));
}

const char *dpdk_device_name(const char *devargs)
{
	char bus[RTE_DEV_NAME_MAX_LEN];
	size_t size = strcspn(devargs, ":,");

	if (devargs[size] != ':' || size >= sizeof(bus))
		return devargs;
	memcpy(bus, devargs, size);
	bus[size] = '\0';
	return rte_bus_find_by_name(bus) ? devargs + size + 1 : devargs;
}

// The device's port, RTE_MAX_ETHPORTS when there is none. An address can be written in several
// ways.
static uint16_t find_port(const char *devargs)
{
	char name[RTE_DEV_NAME_MAX_LEN];
	struct rte_dev_iterator it;
	uint16_t port_id, found = RTE_MAX_ETHPORTS;

	devargs = dpdk_device_name(devargs);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(devargs, ","), devargs);
	if (rte_eth_dev_get_port_by_name(name, &port_id) == 0)
		return port_id;
	if (!dpdk_is_pci(devargs))
		return RTE_MAX_ETHPORTS;
	RTE_ETH_FOREACH_MATCHING_DEV(port_id, name, &it)
	{
		found = port_id;
		rte_eth_iterator_cleanup(&it);
		break;
	}
	return found;
}

static bool is_bonded(uint16_t port_id)
{
	struct rte_eth_dev_info info;

	return rte_eth_dev_info_get(port_id, &info) == 0 && info.dev_flags &&
	       (*info.dev_flags & BONDED);
}

// The sentence begins with devargs and what, which is about the device.
static int check_unused(
	uint16_t port_id, const char *devargs, const char *what, struct weir_error *error)
{
	struct rte_eth_dev_owner owner = { .id = RTE_ETH_DEV_NO_OWNER };
	const struct dpdk_nic *user = dpdk_nic_of(port_id);

	if (user)
		return weir_refuse(error, -EBUSY, "nic",
			"dpdk:%.100s: %s is used by the NIC dpdk:%.100s", devargs, what,
			user->devargs);
	if (rte_eth_dev_owner_get(port_id, &owner) == 0 && owner.id != RTE_ETH_DEV_NO_OWNER)
		return weir_refuse(error, -EBUSY, "nic",
			"dpdk:%.100s: %s is used by another of DPDK's, for %.63s", devargs, what,
			owner.name);
	if (is_bonded(port_id))
		return weir_refuse(error, -EBUSY, "nic",
			"dpdk:%.100s: %s is used by another of DPDK's, which bonds it", devargs,
			what);
	return 0;
}

// A second probe of a device that is there succeeds, and its arguments are not looked at.
static int check_free(uint16_t port_id, const char *devargs, struct weir_error *error)
{
	int failed;

	if (port_id == RTE_MAX_ETHPORTS)
		return 0;
	failed = check_unused(port_id, devargs, "the device", error);
	if (failed)
		return failed;
	if (strchr(devargs, ','))
		return weir_refuse(error, -EEXIST, "nic",
			"dpdk:%.100s: EAL's own arguments have made the device: its name alone is "
			"allowed here",
			devargs);
	return 0;
}

// The name of a device that is to become another's, "" when the item has none: slave=NAME as
// bonding has it, member=NAME as it has it from 23.11 on, dev(NAME as net_failsafe has it, which
// may be around another one's devargs.
static void member_of(const struct nic_item *item, char name[/* RTE_DEV_NAME_MAX_LEN */])
{
	const char *at = item->value ? item->value : item->key;
	const char *end = item->value ? at + item->value_size : at + item->key_size;
	bool found = nic_item_is(item, "slave") || nic_item_is(item, "member") ||
		     nic_item_is(item, "primary");

	if (!item->value)
		for (; end - at > 4 && strncmp(at, "dev(", 4) == 0; at += 4)
			found = true;
	snprintf(name, RTE_DEV_NAME_MAX_LEN, "%.*s", found ? (int)(end - at) : 0, at);
	name[strcspn(name, ")")] = '\0';
}

// The port of a name, which bonding takes as a port's number, too.
static uint16_t find_member(const char *name)
{
	uint16_t port_id = find_port(name);
	char *end;
	unsigned long number;

	if (port_id != RTE_MAX_ETHPORTS || name[0] < '0' || name[0] > '9')
		return port_id;
	number = strtoul(name, &end, 10);
	if (*end || number >= RTE_MAX_ETHPORTS || !rte_eth_dev_is_valid_port((uint16_t)number))
		return RTE_MAX_ETHPORTS;
	return (uint16_t)number;
}

// A driver that makes other devices its own configures them anew, whoever polls them.
static int check_members(const char *devargs, struct weir_error *error)
{
	const char *rest = strchr(devargs, ',');
	char name[RTE_DEV_NAME_MAX_LEN], what[RTE_DEV_NAME_MAX_LEN + 20];
	struct nic_item item;
	int failed = 0;

	if (!rest)
		return 0;
	rest++;
	while (!failed && nic_next_item(&rest, &item)) {
		uint16_t port_id;

		member_of(&item, name);
		port_id = name[0] ? find_member(name) : RTE_MAX_ETHPORTS;
		if (port_id == RTE_MAX_ETHPORTS)
			continue;
		snprintf(what, sizeof(what), "its device %s", name);
		failed = check_unused(port_id, devargs, what, error);
	}
	return failed;
}

int dpdk_check_name(const char *devargs, struct weir_error *error)
{
	int failed = check_free(find_port(devargs), devargs, error);

	return failed ? failed : check_members(devargs, error);
}

// Sets *found to the device that EAL has under this name, whatever it is, NULL for one that no
// driver has taken. Negative when no bus knows such names: it is logged.
static int find_probed(const char *devargs, struct rte_device **found)
{
	struct rte_devargs parsed = { 0 };
	struct rte_dev_iterator it;
	struct rte_device *device;
	char filter[2 * RTE_DEV_NAME_MAX_LEN];
	bool pci = dpdk_is_pci(devargs);
	int failed = rte_devargs_parse(&parsed, devargs);

	*found = NULL;
	if (failed)
		return failed;
	free(parsed.data);
	// An address can be written in several ways.
	snprintf(filter, sizeof(filter), "bus=%s%s%s", rte_bus_name(parsed.bus),
		pci ? ",addr=" : "", pci ? parsed.name : "");
	RTE_DEV_FOREACH(device, filter, &it)
	{
		if (!rte_dev_is_probed(device) ||
			(!pci && strcmp(rte_dev_name(device), parsed.name) != 0))
			continue;
		*found = device;
		break;
	}
	return 0;
}

// What this probe has made goes again.
static int refuse_other_device(const char *devargs, bool was_there, struct weir_error *error)
{
	struct rte_device *device;
	int failed = 0;

	if (!was_there && find_probed(devargs, &device) == 0 && device)
		failed = rte_dev_remove(device);
	if (failed)
		dpdk_log(LOG_WARNING, "dpdk:%.100s: cannot be given back: %s", devargs,
			rte_strerror(-failed));
	return weir_refuse(error, -EIO, "nic",
		"dpdk:%.100s: there is no Ethernet device of it: it is a device of another kind",
		devargs);
}

int dpdk_find_device(struct dpdk_nic *dpdk, struct weir_error *error)
{
	struct rte_device *before;
	int failed;

	dpdk->port_id = find_port(dpdk->devargs);
	failed = dpdk_check_name(dpdk->devargs, error);
	if (failed || dpdk->port_id != RTE_MAX_ETHPORTS)
		return failed;
	failed = find_probed(dpdk->devargs, &before);
	if (!failed)
		failed = rte_dev_probe(dpdk->devargs);
	if (failed && dpdk_is_pci(dpdk->devargs) && !rte_eal_has_pci())
		return dpdk_refuse(error, failed, dpdk->devargs,
			"EAL was started with --no-pci (see weir-switchd --dpdk)");
	if (failed)
		return dpdk_refuse(error, failed, dpdk->devargs, "DPDK does not take the device");
	dpdk->port_id = find_port(dpdk->devargs);
	if (dpdk->port_id == RTE_MAX_ETHPORTS)
		return refuse_other_device(dpdk->devargs, before, error);
	dpdk->probed = true;
	return 0;
}

int dpdk_take(struct dpdk_nic *dpdk, struct weir_error *error)
{
	static struct rte_eth_dev_owner weir = { .name = "weir" }; // under dpdk_lock
	int failed = weir.id == RTE_ETH_DEV_NO_OWNER ? rte_eth_dev_owner_new(&weir.id) : 0;

	if (!failed)
		failed = rte_eth_dev_owner_set(dpdk->port_id, &weir);
	if (failed)
		return dpdk_refuse(error, failed, dpdk->devargs, "the device cannot be owned");
	dpdk->owner_id = weir.id;
	return 0;
}

void dpdk_let_go(const struct dpdk_nic *dpdk)
{
	if (dpdk->owner_id != RTE_ETH_DEV_NO_OWNER)
		// It fails for one only that is not there or not ours: there is nothing to let go.
		(void)rte_eth_dev_owner_unset(dpdk->port_id, dpdk->owner_id);
}
