// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "nic/argument.h"

enum { IN_FLIGHT = 1024 }; // mbufs that are left for frames on their way

struct captures {
	uint64_t n_frames;
	bool unreadable, empty; // one of them
};

static void count_frames(const char *path, struct captures *captures)
{
	char text[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const unsigned char *bytes;
	pcap_t *pcap = pcap_open_offline(path, text);
	uint64_t n = 0;

	if (!pcap) {
		captures->unreadable = true;
		return;
	}
	while (pcap_next_ex(pcap, &header, &bytes) == 1)
		n++;
	pcap_close(pcap);
	captures->n_frames += n;
	captures->empty |= n == 0;
}

static int count_item(
	const struct nic_item *item, struct captures *captures, struct weir_error *error)
{
	char *path;

	if (!item->value || !nic_item_is(item, "rx_pcap"))
		return 0;
	path = strndup(item->value, (size_t)item->value_size);
	if (!path)
		return weir_refuse(error, -ENOMEM, "nic", "dpdk: out of memory");
	count_frames(path, captures);
	free(path);
	return 0;
}

int dpdk_capture_check(const char *devargs, struct weir_error *error)
{
	const char *name = dpdk_device_name(devargs), *rest = strchr(name, ',');
	unsigned n_free = rte_mempool_avail_count(dpdk_pool);
	struct captures captures = { 0 };
	struct nic_item item;
	bool infinite = false;
	int failed = 0;

	// The driver goes by both names.
	if ((strncmp(name, "net_pcap", 8) != 0 && strncmp(name, "eth_pcap", 8) != 0) || !rest)
		return 0;
	rest++;
	while (!failed && nic_next_item(&rest, &item)) {
		infinite |= nic_item_is(&item, "infinite_rx") && item.value && atoi(item.value) > 0;
		failed = count_item(&item, &captures, error);
	}
	// Of one that cannot be opened the driver says why.
	if (failed || !infinite || captures.unreadable)
		return failed;
	if (captures.empty)
		return weir_refuse(error, -EINVAL, "nic",
			"dpdk:%.100s: infinite_rx=1 needs frames, but a capture has none that can "
			"be read",
			devargs);
	if (captures.n_frames + IN_FLIGHT <= n_free)
		return 0;
	return weir_refuse(error, -ENOBUFS, "nic",
		"dpdk:%.100s: infinite_rx=1 needs an mbuf for each of the capture's %llu frames "
		"and %d more, but of the pool's %u only %u are free; see weir-switchd --dpdk-mbufs",
		devargs, (unsigned long long)captures.n_frames, IN_FLIGHT, dpdk_pool->size, n_free);
}
