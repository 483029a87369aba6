// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The kind `dpdk`: a device of DPDK's, from its set-up to its removal.
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <rte_dev.h>
#include <rte_errno.h>

#include "capture.h"
#include "internal.h"

enum {
	DESCRIPTORS = 1024, // of a queue, as far as the device takes so many
	L2_SIZE = 22,       // bytes of an Ethernet header and two tags
	MTU_MAX = 65535 - L2_SIZE,
	LEFTOVER = 8192, // frames that are taken out of a device's queue when it is closed
};

pthread_mutex_t dpdk_lock = PTHREAD_MUTEX_INITIALIZER;
static struct dpdk_nic *nics; // those that are open, under dpdk_lock

const struct dpdk_nic *dpdk_nic_of(uint16_t port_id)
{
	for (const struct dpdk_nic *dpdk = nics; dpdk; dpdk = dpdk->next)
		if (dpdk->port_id == port_id)
			return dpdk;
	return NULL;
}

// ---- Setting it up

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

static void choose_queues(struct dpdk_nic *dpdk, const struct rte_eth_dev_info *info,
	const struct nic_options *options)
{
	unsigned workers = options->n_workers ? options->n_workers : 1;
	unsigned wanted = options->n_queues ? options->n_queues : workers;

	dpdk->nic.n_rx_queues = least(wanted, info->max_rx_queues, NIC_MAX_QUEUES);
	dpdk->nic.n_tx_queues = least(workers, info->max_tx_queues, NIC_MAX_QUEUES);
	dpdk->shares_transmit = dpdk->nic.n_tx_queues < workers;
}

static int configure(struct dpdk_nic *dpdk, const struct rte_eth_dev_info *info)
{
	struct rte_eth_conf conf = { .rxmode = { .mq_mode = RTE_ETH_MQ_RX_NONE } };
	const uint64_t checksums = RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	const uint64_t hashed = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;

	conf.txmode.offloads = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	if ((info->tx_offload_capa & checksums) == checksums) {
		conf.txmode.offloads |= checksums;
		dpdk->nic.offloads = NIC_OFFLOAD_CSUM;
	}
	conf.rxmode.offloads = info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	if (dpdk->nic.n_rx_queues > 1 && info->flow_type_rss_offloads & hashed) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_RSS_HASH;
		dpdk->hashes = conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_RSS_HASH;
		conf.rx_adv_conf.rss_conf.rss_hf = info->flow_type_rss_offloads & hashed;
	}
	dpdk->sends_segments = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	return rte_eth_dev_configure(dpdk->port_id, (uint16_t)dpdk->nic.n_rx_queues,
		(uint16_t)dpdk->nic.n_tx_queues, &conf);
}

static int set_up_queues(struct dpdk_nic *dpdk)
{
	uint16_t n_rx = DESCRIPTORS, n_tx = DESCRIPTORS;
	int failed = rte_eth_dev_adjust_nb_rx_tx_desc(dpdk->port_id, &n_rx, &n_tx);

	for (unsigned q = 0; !failed && q < dpdk->nic.n_rx_queues; q++)
		failed = rte_eth_rx_queue_setup(
			dpdk->port_id, (uint16_t)q, n_rx, SOCKET_ID_ANY, NULL, dpdk_pool);
	for (unsigned q = 0; !failed && q < dpdk->nic.n_tx_queues; q++) {
		rte_spinlock_init(&dpdk->transmit_locks[q]);
		failed = rte_eth_tx_queue_setup(
			dpdk->port_id, (uint16_t)q, n_tx, SOCKET_ID_ANY, NULL);
	}
	return failed;
}

static int set_mtu(struct dpdk_nic *dpdk, uint32_t wanted, struct weir_error *error)
{
	uint16_t mtu;
	int failed = 0;

	if (wanted > MTU_MAX || (wanted > DPDK_ROOM - L2_SIZE && !dpdk->sends_segments))
		return weir_refuse(error, -EINVAL, "mtu",
			"dpdk:%.100s: the MTU %u is too large: this device takes at most %d",
			dpdk->devargs, wanted,
			dpdk->sends_segments ? MTU_MAX : DPDK_ROOM - L2_SIZE);
	if (wanted)
		failed = rte_eth_dev_set_mtu(dpdk->port_id, (uint16_t)wanted);
	// A device that has no such setting takes what comes.
	if (failed && failed != -ENOTSUP)
		return weir_refuse(error, failed, "mtu", "dpdk:%.100s: the MTU %u is not taken: %s",
			dpdk->devargs, wanted, rte_strerror(-failed));
	dpdk->nic.mtu = wanted;
	if (!wanted && rte_eth_dev_get_mtu(dpdk->port_id, &mtu) == 0)
		dpdk->nic.mtu = mtu;
	return 0;
}

// A switch wants what is for others, too. Many virtual devices have no such mode.
static int make_promiscuous(const struct dpdk_nic *dpdk)
{
	int failed = rte_eth_promiscuous_enable(dpdk->port_id);

	return failed == -ENOTSUP ? 0 : failed;
}

static int on_removal(uint16_t port_id, enum rte_eth_event_type event, void *context, void *result)
{
	struct dpdk_nic *dpdk = context;

	(void)port_id, (void)event, (void)result;
	__atomic_store_n(&dpdk->gone, true, __ATOMIC_RELAXED);
	return 0;
}

static int start_device(
	struct dpdk_nic *dpdk, const struct nic_options *options, struct weir_error *error)
{
	struct rte_eth_dev_info info;
	int failed = rte_eth_dev_info_get(dpdk->port_id, &info);

	if (failed)
		return dpdk_refuse(
			error, failed, dpdk->devargs, "the device does not describe itself");
	if (info.max_tx_queues == 0)
		return weir_refuse(error, -EOPNOTSUPP, "nic",
			"dpdk:%.100s: the device has no queue to send through", dpdk->devargs);
	snprintf(dpdk->driver, sizeof(dpdk->driver), "%s", info.driver_name);
	dpdk->passes = strcmp(dpdk->driver, "net_ring") == 0;
	dpdk->max_segments = info.tx_desc_lim.nb_mtu_seg_max ? info.tx_desc_lim.nb_mtu_seg_max
							     : UINT16_MAX;
	choose_queues(dpdk, &info, options);
	failed = configure(dpdk, &info);
	if (failed)
		return dpdk_refuse(error, failed, dpdk->devargs, "the device cannot be configured");
	failed = set_mtu(dpdk, options->mtu, error);
	if (failed)
		return failed;
	failed = set_up_queues(dpdk);
	if (failed)
		return dpdk_refuse(error, failed, dpdk->devargs, "its queues cannot be set up");
	failed = rte_eth_dev_callback_register(
		dpdk->port_id, RTE_ETH_EVENT_INTR_RMV, on_removal, dpdk);
	if (!failed)
		failed = rte_eth_dev_start(dpdk->port_id);
	if (failed)
		return dpdk_refuse(error, failed, dpdk->devargs, "the device does not start");
	dpdk->started = true;
	rte_eth_stats_reset(dpdk->port_id); // EAL's own devices outlive their ports
	failed = make_promiscuous(dpdk);
	return failed ? dpdk_refuse(error, failed, dpdk->devargs, "no promiscuous mode") : 0;
}

// ---- Giving it back

// What a device's queues still hold would be lost to the pool: not every driver frees it.
static void drain(const struct dpdk_nic *dpdk)
{
	struct rte_mbuf *mbufs[NIC_BATCH];

	for (unsigned q = 0; q < dpdk->nic.n_rx_queues; q++) {
		unsigned n_frames = 0;
		uint16_t n;

		do {
			n = rte_eth_rx_burst(dpdk->port_id, (uint16_t)q, mbufs, NIC_BATCH);
			rte_pktmbuf_free_bulk(mbufs, n);
			n_frames += n;
		} while (n && n_frames < LEFTOVER);
	}
}

static void give_back(struct dpdk_nic *dpdk)
{
	struct rte_eth_dev_info info;
	int failed = 0;

	if (dpdk->port_id == RTE_MAX_ETHPORTS || dpdk_nic_of(dpdk->port_id))
		return;
	// EAL's thread may be in it just now.
	while (rte_eth_dev_callback_unregister(
		       dpdk->port_id, RTE_ETH_EVENT_INTR_RMV, on_removal, dpdk) == -EAGAIN)
		sched_yield();
	if (dpdk->started) {
		drain(dpdk);
		failed = rte_eth_dev_stop(dpdk->port_id);
	}
	dpdk_let_go(dpdk);
	if (!failed && dpdk->probed) {
		failed = rte_eth_dev_info_get(dpdk->port_id, &info);
		rte_eth_dev_close(dpdk->port_id);
		if (!failed)
			failed = rte_dev_remove(info.device);
	}
	if (failed)
		dpdk_log(LOG_WARNING, "dpdk:%.100s: cannot be given back: %s", dpdk->devargs,
			rte_strerror(-failed));
}

static void dispose(struct dpdk_nic *dpdk)
{
	give_back(dpdk);
	dpdk_log_remove(&dpdk->log_place);
	free(dpdk->devargs);
	free(dpdk);
}

// ---- The class

static int open_device(
	struct dpdk_nic *dpdk, const struct nic_options *options, struct weir_error *error)
{
	int failed = dpdk_eal_start(options->host, dpdk->devargs, error);

	if (!failed)
		failed = dpdk_pool_make(options->host, error);
	if (!failed)
		failed = dpdk_capture_check(dpdk->devargs, error);
	dpdk_log_forget_errors();
	if (!failed)
		failed = dpdk_find_device(dpdk, error);
	if (!failed)
		failed = dpdk_take(dpdk, error);
	if (!failed)
		failed = start_device(dpdk, options, error);
	return failed;
}

static struct dpdk_nic *allocate(const char *devargs)
{
	struct dpdk_nic *dpdk = aligned_alloc(_Alignof(struct dpdk_nic), sizeof(*dpdk));

	if (!dpdk)
		return NULL;
	memset(dpdk, 0, sizeof(*dpdk));
	dpdk->devargs = strdup(devargs);
	if (dpdk->devargs)
		return dpdk;
	free(dpdk);
	return NULL;
}

static int open_locked(
	const struct nic_options *options, struct nic **nic, struct weir_error *error)
{
	struct dpdk_nic *dpdk = allocate(options->argument);
	int failed;

	if (!dpdk)
		return weir_refuse(error, -ENOMEM, "nic", "dpdk: out of memory");
	dpdk->port_id = RTE_MAX_ETHPORTS;
	dpdk->nic.class = &dpdk_class;
	dpdk->nic.poll_only = true;
	dpdk->nic.rx_missed = dpdk->missed;
	dpdk_log_add(&dpdk->log_place, options->host);
	failed = open_device(dpdk, options, error);
	if (failed) {
		dispose(dpdk);
		return failed;
	}
	dpdk->next = nics;
	nics = dpdk;
	*nic = &dpdk->nic;
	return 0;
}

int dpdk_nic_open(const struct nic_options *options, struct nic **nic, struct weir_error *error)
{
	int failed;

	pthread_mutex_lock(&dpdk_lock);
	failed = open_locked(options, nic, error);
	pthread_mutex_unlock(&dpdk_lock);
	return failed;
}

int dpdk_nic_check(const struct nic_options *options, struct weir_error *error)
{
	int failed = 0;

	pthread_mutex_lock(&dpdk_lock);
	if (dpdk_eal_is_started())
		failed = dpdk_check_name(options->argument, error);
	pthread_mutex_unlock(&dpdk_lock);
	return failed;
}

void dpdk_nic_close(struct nic *nic)
{
	struct dpdk_nic *dpdk = (struct dpdk_nic *)nic;

	pthread_mutex_lock(&dpdk_lock);
	for (struct dpdk_nic **at = &nics; *at; at = &(*at)->next) {
		if (*at == dpdk) {
			*at = dpdk->next;
			break;
		}
	}
	dispose(dpdk);
	pthread_mutex_unlock(&dpdk_lock);
}

// Of what ethdev counts, imissed alone is frames that were lost before they were received.
// rx_nombuf is how often the driver asked for an mbuf in vain: many leave the frame where it is and
// ask again, so that one frame counts often, and again in imissed when the queue overflows by it.
void dpdk_nic_count(struct nic *nic)
{
	struct dpdk_nic *dpdk = (struct dpdk_nic *)nic;
	struct rte_eth_stats statistics = { 0 };

	for (unsigned q = 0; q < nic->n_rx_queues; q++)
		dpdk->missed[q] = __atomic_load_n(&dpdk->lost[q], __ATOMIC_RELAXED);
	if (rte_eth_stats_get(dpdk->port_id, &statistics) == 0)
		dpdk->missed_by_device = statistics.imissed;
	dpdk->missed[0] += dpdk->missed_by_device;
}

void dpdk_nic_describe(struct nic *nic, char *text, size_t size)
{
	const struct dpdk_nic *dpdk = (const struct dpdk_nic *)nic;
	struct rte_eth_stats statistics = { 0 };
	struct rte_eth_link link = { 0 };
	const char *state = "unknown";

	(void)rte_eth_stats_get(dpdk->port_id, &statistics); // zero when it has none
	if (rte_eth_link_get_nowait(dpdk->port_id, &link) == 0)
		state = link.link_status ? "up" : "down";
	snprintf(text, size,
		"driver=%s, link=%s, rx_queues=%u, tx_queues=%u, mbufs=%u, mbufs_free=%u, "
		"rx_nombuf=%llu, checksums=%s, device=%s",
		dpdk->driver, state, nic->n_rx_queues, nic->n_tx_queues, dpdk_pool->size,
		rte_mempool_avail_count(dpdk_pool), (unsigned long long)statistics.rx_nombuf,
		nic->offloads & NIC_OFFLOAD_CSUM ? "device" : "software", dpdk->devargs);
}

static int dpdk_receive_fd(struct nic *nic, unsigned queue)
{
	(void)nic, (void)queue;
	return -1;
}

const struct nic_class dpdk_class = {
	.kind = "dpdk",
	.usage = "dpdk:DEVARGS",
	.summary = "a device of DPDK's",
	.open = dpdk_nic_open,
	.check = dpdk_nic_check,
	.close = dpdk_nic_close,
	.receive = dpdk_receive,
	.transmit = dpdk_transmit,
	.receive_fd = dpdk_receive_fd,
	.count = dpdk_nic_count,
	.describe = dpdk_nic_describe,
};

static const struct nic_class *const classes[] = { &dpdk_class, NULL };

__attribute__((visibility("default"))) extern const struct nic_module weir_nic_module;
const struct nic_module weir_nic_module = { NIC_MODULE_SIZES, .classes = classes };
