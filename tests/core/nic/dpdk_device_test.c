// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Devices of the kind `dpdk`: captures, which are had and which are refused, queues and threads.
#include "dpdk_fixture.h"

#include <pcap/pcap.h>
#include <pthread.h>

static uint32_t capture_size(unsigned i)
{
	return 60 + i * 37;
}

static void write_capture(const char *path, unsigned n)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
	pcap_dumper_t *dumper = pcap_dump_open(pcap, path);
	uint8_t bytes[2048];

	assert_non_null(dumper);
	for (unsigned i = 0; i < n; i++) {
		struct pcap_pkthdr header = { .len = capture_size(i % 50) };

		header.caplen = header.len;
		for (uint32_t k = 0; k < header.len; k++)
			bytes[k] = byte_of(i, k);
		pcap_dump((unsigned char *)dumper, &header, bytes);
	}
	pcap_dump_close(dumper);
	pcap_close(pcap);
}

static void check_capture(const char *path, unsigned n)
{
	char text[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, text);
	struct pcap_pkthdr *header;
	const unsigned char *bytes;

	assert_non_null(pcap);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(pcap_next_ex(pcap, &header, &bytes), 1);
		assert_int_equal(header->caplen, capture_size(i));
		for (uint32_t k = 0; k < header->caplen; k++)
			assert_int_equal(bytes[k], byte_of(i, k));
	}
	assert_int_equal(pcap_next_ex(pcap, &header, &bytes), PCAP_ERROR_BREAK);
	pcap_close(pcap);
}

// From a file, and into a file; a frame too large for a device that takes no chains is lost alone.
static void captures(void **state)
{
	enum { N = 50 };
	struct weir_frame *frames[N + 1];
	char specification[200];
	struct nic *in, *out;
	unsigned lost = 0, n = 0;
	int got;

	(void)state;
	write_capture(path_of("in.pcap"), N);
	snprintf(specification, sizeof(specification), "dpdk:net_pcap0,rx_pcap=%s",
		path_of("in.pcap"));
	in = open_nic(specification);
	snprintf(specification, sizeof(specification), "dpdk:net_pcap1,tx_pcap=%s",
		path_of("out.pcap"));
	out = open_nic(specification);
	while (n < N && (got = receive(in, frames + n, N - n)) > 0)
		n += (unsigned)got;
	assert_int_equal(n, N);
	assert_int_equal(receive(in, frames + N, 1), 0);
	for (unsigned i = 0; i < N; i++)
		check_frame(frames[i], capture_size(i), i, 0);
	memmove(frames + 11, frames + 10, (N - 10) * sizeof(frames[0]));
	frames[10] = make_frame(pool, 2049, 1);
	assert_int_equal(out->class->transmit(out, 0, frames, N + 1, &lost), N + 1);
	assert_int_equal(lost, 1);
	close_all(in, out);
	check_capture(path_of("out.pcap"), N);
}

static void write_text(const char *path)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs("no capture", file);
	assert_int_equal(fclose(file), 0);
}

static void capture_larger_than_pool(void **state)
{
	char specification[200], numbers[100];
	struct weir_frame *held;
	struct nic *nic;

	(void)state;
	write_capture(path_of("large.pcap"), N_MBUFS - 1000);
	snprintf(specification, sizeof(specification), "dpdk:net_pcap0,rx_pcap=%s,infinite_rx=1",
		path_of("large.pcap"));
	snprintf(numbers, sizeof(numbers),
		"capture's %d frames and 1024 more, but of the pool's %d only %d are free",
		N_MBUFS - 1000, N_MBUFS, N_MBUFS);
	refuse(specification, -ENOBUFS, numbers);
	// Whatever the driver is called, and however it is told.
	snprintf(specification, sizeof(specification),
		"dpdk:vdev:eth_pcap0,rx_pcap=%s,infinite_rx=2", path_of("large.pcap"));
	refuse(specification, -ENOBUFS, numbers);
	snprintf(specification, sizeof(specification), "dpdk:net_pcap0,rx_pcap=%s,infinite_rx=1",
		path_of("large.pcap"));
	// As much as there is room for works.
	write_capture(path_of("large.pcap"), N_MBUFS - 1024);
	nic = open_nic(specification);
	assert_int_equal(described(nic, "mbufs_free="), 1024);
	held = receive_one(nic); // leaves less than any capture needs
	refuse("dpdk:net_pcap1,rx_pcap=/no/such,infinite_rx=1", -EIO, "Couldn't open /no/such");
	snprintf(specification, sizeof(specification), "dpdk:net_pcap1,rx_pcap=%s,infinite_rx=1",
		path_of("text.pcap"));
	write_text(path_of("text.pcap"));
	refuse(specification, -EIO, "Couldn't open /tmp/");
	write_capture(path_of("empty.pcap"), 0);
	snprintf(specification, sizeof(specification), "dpdk:net_pcap1,infinite_rx=1,rx_pcap=%s",
		path_of("empty.pcap"));
	refuse(specification, -EINVAL, "needs frames, but a capture has none");
	weir_frame_release(held);
	for (unsigned i = 1; i < 2 * N_MBUFS; i++) {
		struct weir_frame *frame = receive_one(nic);
		unsigned id = i % (N_MBUFS - 1024);

		check_frame(frame, capture_size(id % 50), id, 0);
		weir_frame_release(frame);
	}
	nic_close(nic);
	nic = open_nic("dpdk:net_ring0");
	close_all(nic, NULL);
}

static void devices(void **state)
{
	struct nic_options options = { .n_workers = 1, .host = &host };
	struct weir_error error = { 0 };
	struct nic *nic = open_nic("dpdk:net_null0,copy=1,size=100");

	(void)state;
	refuse("dpdk:net_null0", -EBUSY, "is used by the NIC dpdk:net_null0,copy=1,size=100");
	refuse("dpdk:vdev:net_null0", -EBUSY, "is used by the NIC dpdk:net_null0,copy=1,size=100");
	assert_int_equal(nic_try("dpdk:net_null0,copy=0", &options, &error), -EBUSY);
	assert_int_equal(nic_try("dpdk:net_null1", &options, &error), 0);
	assert_int_equal(described(nic, "rx_queues="), 1);
	assert_true(nic->poll_only);
	assert_int_equal(nic->mtu, 1500);
	nic_close(nic);
	nic = open_nic("dpdk:vdev:net_null0");
	refuse("dpdk:net_null0", -EBUSY, "is used by the NIC dpdk:vdev:net_null0");
	nic_close(nic);
	nic = open_nic("dpdk:net_failsafe0,dev(net_null1)");
	refuse("dpdk:net_null1", -EBUSY, "is used by another of DPDK's");
	nic_close(nic);
	nic = open_with("dpdk:net_null0,size=64", 3, 2000); // with other arguments
	assert_int_equal(nic->n_rx_queues, 3);
	assert_int_equal(nic->n_tx_queues, 3);
	assert_int_equal(nic->mtu, 2000);
	nic_close(nic);
	refuse_with("dpdk:net_null0", 2027, -EINVAL,
		"the MTU 2027 is too large: this device takes at most 2026");
	nic = open_with("dpdk:net_ring0", 1, 9000);
	assert_int_equal(nic->mtu, 9000);
	nic_close(nic);
	refuse("dpdk:nosuch0", -EIO, "failed to parse device \"nosuch0\"");
	refuse("dpdk:net_null0,bogus=1", -EIO, "Driver cannot attach the device (net_null0)");
	refuse("dpdk:net_pcap0,rx_pcap=/no/such", -EIO, "Couldn't open /no/such");
	nic = open_nic("dpdk:net_null0"); // after a refusal of its name
	nic_close(nic);
}

// net_null9 is EAL's, port 0.
static void devices_of_others(void **state)
{
	static const char *const rows[] = {
		"dpdk:net_bonding0,mode=1,slave=net_null5",
		"dpdk:net_bonding0,mode=1,slave=net_null6,primary=net_null5",
		"dpdk:net_bonding0,mode=1,member=net_null5",
		"dpdk:net_failsafe0,dev(net_null5)",
		"dpdk:net_failsafe0,dev(net_null6),dev(vdev:net_null5,copy=1)",
		"dpdk:net_failsafe0,dev(net_bonding0,mode=1,slave=net_null5)",
	};
	struct nic_options options = { .n_workers = 1, .host = &host };
	struct weir_error error = { 0 };
	struct nic *nic = open_nic("dpdk:net_null5,no-rx=1");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		refuse(rows[i], -EBUSY, "net_null5 is used by the NIC dpdk:net_null5,no-rx=1");
		assert_int_equal(nic_try(rows[i], &options, &error), -EBUSY);
	}
	nic_close(nic);
	nic = open_nic("dpdk:net_null9");
	refuse("dpdk:net_bonding0,mode=1,slave=0", -EBUSY,
		"its device 0 is used by the NIC dpdk:net_null9");
	nic_close(nic);
	nic = open_nic("dpdk:net_bonding0,mode=1,slave=net_null9");
	refuse("dpdk:net_null9", -EBUSY, "the device is used by another of DPDK's, which bonds it");
	refuse("dpdk:net_bonding1,mode=1,slave=net_null9", -EBUSY,
		"its device net_null9 is used by another of DPDK's, which bonds it");
	nic_close(nic);
	nic = open_nic("dpdk:net_null9");
	nic_close(nic);
}

// A probe finds what is there and does not look at its arguments: these show whether it is.
static void devices_that_are_no_nics(void **state)
{
	(void)state;
	refuse("dpdk:crypto_null0", -EIO, "there is no Ethernet device of it");
	refuse("dpdk:crypto_null0,bogus=1", -EIO, "DPDK does not take the device");
	refuse("dpdk:crypto_null1", -EIO, "there is no Ethernet device of it");
	refuse("dpdk:crypto_null1,bogus=1", -EIO, "there is no Ethernet device of it");
}

// ---- Threads

enum { N_THREADS = 3, N_ROUNDS = 1000, BURST = 8 };

struct sender {
	struct nic *nic;
	unsigned id, sent;
	pthread_t thread;
};

static void *send_some(void *context)
{
	struct sender *sender = context;
	struct frame_pool *own = frame_pool_create(64, 1);

	for (unsigned round = 0; round < N_ROUNDS; round++) {
		struct weir_frame *frames[BURST];
		unsigned n, lost = 0;

		for (unsigned i = 0; i < BURST; i++)
			frames[i] = make_frame(own, capture_size(sender->id), sender->id);
		n = sender->nic->class->transmit(
			sender->nic, sender->id % sender->nic->n_tx_queues, frames, BURST, &lost);
		sender->sent += n - lost;
		for (; n < BURST; n++)
			weir_frame_release(frames[n]);
	}
	frame_pool_destroy(own);
	return NULL;
}

static void start_senders(struct sender senders[/* N_THREADS */], struct nic *nic)
{
	for (unsigned i = 0; i < N_THREADS; i++) {
		senders[i] = (struct sender){ .nic = nic, .id = i };
		assert_int_equal(
			pthread_create(&senders[i].thread, NULL, send_some, &senders[i]), 0);
	}
}

static unsigned join_senders(struct sender senders[/* N_THREADS */])
{
	unsigned sent = 0;

	for (unsigned i = 0; i < N_THREADS; i++) {
		pthread_join(senders[i].thread, NULL);
		sent += senders[i].sent;
	}
	return sent;
}

// One queue and several threads: nothing is lost, and no record of the file is torn.
static void more_workers_than_queues(void **state)
{
	struct sender senders[N_THREADS];
	char specification[200], text[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const unsigned char *bytes;
	unsigned sent, got = 0;
	struct nic *nic;
	pcap_t *pcap;

	(void)state;
	snprintf(specification, sizeof(specification), "dpdk:net_pcap1,tx_pcap=%s",
		path_of("threads.pcap"));
	nic = open_with(specification, N_THREADS, 0);
	assert_int_equal(nic->n_tx_queues, 1);
	start_senders(senders, nic);
	sent = join_senders(senders);
	assert_int_equal(sent, N_THREADS * N_ROUNDS * BURST);
	close_all(nic, NULL);
	pcap = pcap_open_offline(path_of("threads.pcap"), text);
	assert_non_null(pcap);
	for (; pcap_next_ex(pcap, &header, &bytes) == 1; got++) {
		unsigned id = bytes[0] / 31u;

		assert_true(id < N_THREADS);
		assert_int_equal(header->caplen, capture_size(id));
		for (uint32_t k = 0; k < header->caplen; k++)
			assert_int_equal(bytes[k], byte_of(id, k));
	}
	pcap_close(pcap);
	assert_int_equal(got, sent);
}

static unsigned take(struct nic *nic, unsigned queue)
{
	struct weir_frame *frames[NIC_BATCH];
	int n = nic->class->receive(nic, queue, NULL, frames, NIC_BATCH);

	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		check_frame(frames[i], capture_size(queue), queue, 0);
		weir_frame_release(frames[i]);
	}
	return (unsigned)n;
}

// A queue for each thread; the mbufs go around between all of them and this one.
static void queues(void **state)
{
	struct nic *ring = open_with("dpdk:net_ring0", N_THREADS, 0);
	struct sender senders[N_THREADS];
	unsigned sent, got = 0, n;

	(void)state;
	assert_int_equal(ring->n_tx_queues, N_THREADS);
	assert_int_equal(ring->n_rx_queues, N_THREADS);
	start_senders(senders, ring);
	for (unsigned i = 0; i < N_ROUNDS; i++)
		got += take(ring, i % N_THREADS);
	sent = join_senders(senders);
	for (unsigned q = 0; q < N_THREADS; q++)
		while ((n = take(ring, q)))
			got += n;
	assert_int_equal(got, sent);
	assert_true(got > 0);
	close_all(ring, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captures),
		cmocka_unit_test(capture_larger_than_pool),
		cmocka_unit_test(devices),
		cmocka_unit_test(devices_of_others),
		cmocka_unit_test(devices_that_are_no_nics),
		cmocka_unit_test(more_workers_than_queues),
		cmocka_unit_test(queues),
	};

	host.dpdk_arguments = "--no-pci --no-huge --no-shconf --no-telemetry -m 64 "
			      "--vdev=crypto_null1 --vdev=net_null9";
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
