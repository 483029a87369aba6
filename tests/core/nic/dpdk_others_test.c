// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// NICs of the kind `dpdk` in a process that uses DPDK itself: mbufs of others, which net_ring hands
// on as they are, who owns a device, and what a device says of itself.
#define ALLOW_EXPERIMENTAL_API
#include "dpdk_fixture.h"

#include <dlfcn.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

enum { SIZE = 600, N_OTHERS = 64, ROOM = 2048 + RTE_PKTMBUF_HEADROOM };

// ---- What devices say, which these stand before

static struct rte_eth_stats statistics; // what is told instead, when it is not all zero
static uint16_t max_segments;           // as well

__attribute__((visibility("default"))) int rte_eth_stats_get(
	uint16_t port_id, struct rte_eth_stats *stats)
{
	int (*real)(uint16_t, struct rte_eth_stats *) = dlsym(RTLD_NEXT, "rte_eth_stats_get");
	int failed = real(port_id, stats);

	stats->imissed += statistics.imissed;
	stats->rx_nombuf += statistics.rx_nombuf;
	return failed;
}

__attribute__((visibility("default"))) int rte_eth_dev_info_get(
	uint16_t port_id, struct rte_eth_dev_info *info)
{
	int (*real)(uint16_t, struct rte_eth_dev_info *) = dlsym(RTLD_NEXT, "rte_eth_dev_info_get");
	int failed = real(port_id, info);

	if (max_segments)
		info->tx_desc_lim.nb_mtu_seg_max = max_segments;
	return failed;
}

static uint64_t missed(struct nic *nic)
{
	uint64_t n = 0;

	nic->class->count(nic);
	for (unsigned q = 0; q < nic->n_rx_queues; q++)
		n += nic->rx_missed[q];
	return n;
}

// rte_ethdev.h: imissed is frames "dropped by the HW, because there are no available buffer",
// rx_nombuf "mbuf allocation failures", after which a driver may well ask for the same frame again.
static void frames_are_missed_once(void **state)
{
	struct nic *nic = open_nic("dpdk:net_null0,no-rx=1");

	(void)state;
	assert_int_equal(missed(nic), 0);
	statistics = (struct rte_eth_stats){ .imissed = 5, .rx_nombuf = 7 };
	assert_int_equal(missed(nic), 5);
	assert_int_equal(missed(nic), 5);
	assert_int_equal(described(nic, "rx_nombuf="), 7);
	statistics = (struct rte_eth_stats){ 0 };
	nic_close(nic);
}

// A chain of more mbufs than the device takes is sent in as few as there can be, or is lost.
static void long_chains(void **state)
{
	struct nic *a = open_nic("dpdk:net_ring0"), *b;
	struct weir_frame *frames[3];
	unsigned lost = 0;

	(void)state;
	max_segments = 2;
	b = open_nic("dpdk:net_ring1");
	max_segments = 0;
	frames[0] = make_frame(pool, 4096, 1);
	frames[1] = make_frame(pool, 4097, 2);
	frames[2] = make_frame(pool, 60, 3);
	transmit(a, frames, 3);
	assert_int_equal(receive(a, frames, 3), 3);
	assert_int_equal(b->class->transmit(b, 0, frames, 3, &lost), 3);
	assert_int_equal(lost, 1);
	assert_int_equal(receive(b, frames, 3), 2);
	check_frame(frames[0], 4096, 1, 0);
	check_frame(frames[1], 60, 3, 0);
	weir_frame_release(frames[0]);
	weir_frame_release(frames[1]);
	close_all(a, b);
}

// ---- Mbufs of others

static struct rte_mempool *others, *weirs; // their pool, and that of the NICs
static uint8_t buffer[ROOM];               // memory of theirs
static unsigned n_freed;                   // how often the buffer was given back

static void give_back(void *address, void *context)
{
	(void)context;
	assert_ptr_equal(address, buffer);
	n_freed++;
}

static struct rte_mbuf *make_mbuf(struct rte_mempool *from, uint32_t size, unsigned id)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(from);
	uint8_t *bytes = mbuf ? (uint8_t *)rte_pktmbuf_append(mbuf, (uint16_t)size) : NULL;

	assert_non_null(bytes);
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = byte_of(id, i);
	return mbuf;
}

static struct rte_mbuf *attach_buffer(struct rte_mempool *from)
{
	static struct rte_mbuf_ext_shared_info shared;
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(from);

	assert_non_null(mbuf);
	shared.free_cb = give_back;
	rte_mbuf_ext_refcnt_set(&shared, 1);
	rte_pktmbuf_attach_extbuf(mbuf, buffer, RTE_BAD_IOVA, sizeof(buffer), &shared);
	mbuf->data_off = RTE_PKTMBUF_HEADROOM;
	mbuf->data_len = SIZE;
	mbuf->pkt_len = SIZE;
	for (uint32_t i = 0; i < SIZE; i++)
		rte_pktmbuf_mtod(mbuf, uint8_t *)[i] = byte_of(1, i);
	return mbuf;
}

// Each makes an mbuf to be received, and tells in *kept which one the others go on using, or NULL.
static struct rte_mbuf *clone_of_weirs(struct rte_mbuf **kept)
{
	*kept = make_mbuf(weirs, SIZE, 1);
	return rte_pktmbuf_clone(*kept, weirs);
}

static struct rte_mbuf *clone_of_theirs(struct rte_mbuf **kept)
{
	*kept = make_mbuf(others, SIZE, 1);
	return rte_pktmbuf_clone(*kept, others);
}

static struct rte_mbuf *clone_in_weirs(struct rte_mbuf **kept)
{
	*kept = make_mbuf(others, SIZE, 1);
	return rte_pktmbuf_clone(*kept, weirs);
}

// The one that was cloned comes, and the clone is kept.
static struct rte_mbuf *cloned(struct rte_mbuf **kept)
{
	struct rte_mbuf *mbuf = make_mbuf(weirs, SIZE, 1);

	*kept = rte_pktmbuf_clone(mbuf, weirs);
	return mbuf;
}

static struct rte_mbuf *used_by_two(struct rte_mbuf **kept)
{
	*kept = make_mbuf(weirs, SIZE, 1);
	rte_mbuf_refcnt_update(*kept, 1);
	return *kept;
}

static struct rte_mbuf *of_others(struct rte_mbuf **kept)
{
	*kept = NULL;
	return make_mbuf(others, SIZE, 1);
}

static struct rte_mbuf *with_buffer(struct rte_mbuf **kept)
{
	*kept = NULL;
	return attach_buffer(weirs);
}

static struct rte_mbuf *without_headroom(struct rte_mbuf **kept)
{
	struct rte_mbuf *mbuf = make_mbuf(weirs, SIZE, 1);

	*kept = NULL;
	memmove(mbuf->buf_addr, rte_pktmbuf_mtod(mbuf, void *), SIZE);
	mbuf->data_off = 0;
	return mbuf;
}

// Their bytes are behind a head of ours that is too short to be read from.
static struct rte_mbuf *behind_a_head(struct rte_mbuf **kept)
{
	struct rte_mbuf *head = make_mbuf(weirs, 20, 1), *rest;

	*kept = make_mbuf(weirs, SIZE, 1);
	rest = rte_pktmbuf_clone(*kept, weirs);
	rte_pktmbuf_adj(rest, 20);
	head->next = rest;
	head->nb_segs = 2;
	head->pkt_len = SIZE;
	return head;
}

// A head of theirs, before bytes of ours: what is missing must not be pulled into it.
static struct rte_mbuf *short_clone_first(struct rte_mbuf **kept)
{
	struct rte_mbuf *rest = make_mbuf(weirs, SIZE, 1), *head;

	*kept = make_mbuf(weirs, SIZE, 1);
	head = rte_pktmbuf_clone(*kept, weirs);
	head->data_len = 20;
	rte_pktmbuf_adj(rest, 20);
	head->next = rest;
	head->nb_segs = 2;
	return head;
}

static void fill_everything(struct weir_frame *frame)
{
	memset(frame->data - WEIR_FRAME_HEADROOM, 0xee, WEIR_FRAME_HEADROOM + frame->linear);
}

static void check_kept(const struct rte_mbuf *kept, const uint8_t before[/* ROOM */])
{
	assert_int_equal(kept->data_len, SIZE);
	assert_memory_equal(kept->buf_addr, before, ROOM);
}

static void receive_from_others(struct nic *ring, uint16_t port_id, const char *name,
	struct rte_mbuf *(*make)(struct rte_mbuf **kept))
{
	static uint8_t before[ROOM];
	struct weir_frame *frame;
	struct rte_mbuf *kept, *mbuf = make(&kept);

	print_message("%s\n", name);
	if (kept)
		memcpy(before, kept->buf_addr, ROOM);
	assert_int_equal(rte_eth_tx_burst(port_id, 0, &mbuf, 1), 1);
	frame = receive_one(ring);
	check_frame(frame, SIZE, 1, 0);
	fill_everything(frame);
	if (kept)
		check_kept(kept, before);
	transmit(ring, &frame, 1); // what is sent is not what was attached, either
	frame = receive_one(ring);
	assert_int_equal(frame->size, SIZE);
	weir_frame_release(frame);
	if (kept)
		check_kept(kept, before);
	rte_pktmbuf_free(kept);
	assert_int_equal(rte_mempool_avail_count(others), N_OTHERS);
	assert_int_equal(rte_mempool_avail_count(weirs), N_MBUFS);
}

static void mbufs_of_others(void **state)
{
	static const struct {
		const char *name;
		struct rte_mbuf *(*make)(struct rte_mbuf **kept);
	} rows[] = {
		{ "a clone in the pool of what was cloned", clone_of_weirs },
		{ "a clone in another pool", clone_of_theirs },
		{ "a clone of another pool's", clone_in_weirs },
		{ "what was cloned", cloned },
		{ "what somebody else holds", used_by_two },
		{ "an mbuf of another pool", of_others },
		{ "an attached buffer", with_buffer },
		{ "no headroom", without_headroom },
		{ "a clone behind a head", behind_a_head },
		{ "a short clone as head", short_clone_first },
	};
	struct nic *ring = open_nic("dpdk:net_ring0");
	uint16_t port_id;

	(void)state;
	assert_int_equal(rte_eth_dev_get_port_by_name("net_ring0", &port_id), 0);
	weirs = rte_mempool_lookup("weir");
	others = rte_pktmbuf_pool_create("others", N_OTHERS, 0, 0, ROOM, SOCKET_ID_ANY);
	assert_non_null(weirs);
	assert_non_null(others);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		receive_from_others(ring, port_id, rows[i].name, rows[i].make);
	assert_int_equal(n_freed, 1);
	assert_int_equal(missed(ring), 0);
	close_all(ring, NULL);
}

// A frame that cannot be copied is lost, and counted.
static void no_mbufs_for_a_copy(void **state)
{
	static struct rte_mbuf *held[N_MBUFS];
	struct nic *ring = open_nic("dpdk:net_ring0");
	struct weir_frame *frames[2];
	struct rte_mbuf *mbufs[2];
	uint16_t port_id;

	(void)state;
	assert_int_equal(rte_eth_dev_get_port_by_name("net_ring0", &port_id), 0);
	mbufs[0] = make_mbuf(others, SIZE, 1);
	mbufs[1] = make_mbuf(weirs, SIZE, 2);
	assert_int_equal(rte_pktmbuf_alloc_bulk(weirs, held, N_MBUFS - 1), 0);
	assert_int_equal(rte_eth_tx_burst(port_id, 0, mbufs, 2), 2);
	assert_int_equal(receive(ring, frames, 2), 1);
	check_frame(frames[0], SIZE, 2, 0);
	weir_frame_release(frames[0]);
	assert_int_equal(missed(ring), 1);
	rte_pktmbuf_free_bulk(held, N_MBUFS - 1);
	assert_int_equal(rte_mempool_avail_count(others), N_OTHERS);
	close_all(ring, NULL);
}

// What is larger than a frame may be is lost, and counted: whoever counts bytes relies on it.
static void too_large(void **state)
{
	static const struct {
		uint32_t size;
		bool is_frame;
	} rows[] = { { WEIR_FRAME_MAX, true }, { WEIR_FRAME_MAX + 1, false }, { 200000, false } };
	struct nic *ring = open_nic("dpdk:net_ring0");
	uint16_t port_id;

	(void)state;
	assert_int_equal(rte_eth_dev_get_port_by_name("net_ring0", &port_id), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rte_mbuf *head = NULL, *mbuf;
		uint32_t left = rows[i].size;
		struct weir_frame *frame;

		while (left) {
			uint32_t part = left < 2000 ? left : 2000;

			mbuf = make_mbuf(weirs, part, 1);
			left -= part;
			if (!head)
				head = mbuf;
			else
				assert_int_equal(rte_pktmbuf_chain(head, mbuf), 0);
		}
		assert_int_equal(head->pkt_len, rows[i].size);
		assert_int_equal(rte_eth_tx_burst(port_id, 0, &head, 1), 1);
		assert_int_equal(receive(ring, &frame, 1), rows[i].is_frame);
		if (rows[i].is_frame)
			weir_frame_release(frame);
	}
	assert_int_equal(missed(ring), 2);
	assert_int_equal(rte_mempool_avail_count(weirs), N_MBUFS);
	close_all(ring, NULL);
}

// ---- Owners

static void owners(void **state)
{
	struct rte_eth_dev_owner owner, other = { .name = "somebody else" };
	struct nic *nic = open_nic("dpdk:net_null9"); // EAL's
	uint16_t port_id;

	(void)state;
	assert_int_equal(rte_eth_dev_get_port_by_name("net_null9", &port_id), 0);
	assert_int_equal(rte_eth_dev_owner_new(&other.id), 0);
	assert_int_equal(rte_eth_dev_owner_get(port_id, &owner), 0);
	assert_string_equal(owner.name, "weir");
	assert_int_equal(rte_eth_dev_owner_set(port_id, &other), -EPERM);
	nic_close(nic);
	assert_int_equal(rte_eth_dev_owner_get(port_id, &owner), 0);
	assert_int_equal(owner.id, RTE_ETH_DEV_NO_OWNER);
	assert_int_equal(rte_eth_dev_owner_set(port_id, &other), 0);
	refuse("dpdk:net_null9", -EBUSY,
		"the device is used by another of DPDK's, for somebody else");
	assert_int_equal(rte_eth_dev_owner_unset(port_id, other.id), 0);
	// What was refused in the middle is not kept, either.
	refuse_with("dpdk:net_null9", 65535, -EINVAL, "the MTU 65535 is too large");
	assert_int_equal(rte_eth_dev_owner_get(port_id, &owner), 0);
	assert_int_equal(owner.id, RTE_ETH_DEV_NO_OWNER);
	nic = open_nic("dpdk:net_null9");
	nic_close(nic);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_missed_once),
		cmocka_unit_test(long_chains),
		cmocka_unit_test(mbufs_of_others),
		cmocka_unit_test(no_mbufs_for_a_copy),
		cmocka_unit_test(too_large),
		cmocka_unit_test(owners),
	};

	host.dpdk_arguments = "--no-pci --no-huge --no-shconf --no-telemetry -m 64 "
			      "--vdev=net_null9";
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
