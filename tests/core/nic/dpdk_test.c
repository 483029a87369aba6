// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Frames through NICs of the kind `dpdk`: net_ring gives back what was sent to it, mbuf for mbuf,
// so that what was copied and what was not can be told by where the bytes are.
#include "dpdk_fixture.h"

#include <pcap/pcap.h>
#include <pthread.h>

static struct frame_pool *pool;
static char directory[] = "/tmp/weir-dpdk.XXXXXX";

static const char *path_of(const char *file)
{
	static char path[100];

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	return path;
}

static int set_up(void **state)
{
	(void)state;
	pool = frame_pool_create(2048, 16);
	return pool && mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[100];

	(void)state;
	frame_pool_destroy(pool); // asserts that all frames are back
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

// A frame that is an mbuf, by way of a ring.
static struct weir_frame *make_own(struct nic *ring, uint32_t size, unsigned id)
{
	struct weir_frame *frame = make_frame(pool, size, id);

	transmit(ring, &frame, 1);
	return receive_one(ring);
}

static void close_all(struct nic *a, struct nic *b)
{
	assert_int_equal(described(a, "mbufs_free="), N_MBUFS);
	nic_close(a);
	nic_close(b);
	assert_int_equal(frame_pool_in_use(pool), 0);
}

static void foreign_frames_are_copied(void **state)
{
	static const uint32_t sizes[] = { 1, 14, 60, 255, 256, 257, 1514, 2047, 2048, 2049, 4096,
		9018, 65535, WEIR_FRAME_MAX };
	struct nic *ring = open_nic("dpdk:net_ring0");

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct weir_frame *frame = make_frame(pool, sizes[i], i);

		print_message("%u bytes\n", sizes[i]);
		transmit(ring, &frame, 1);
		assert_int_equal(frame_pool_in_use(pool), 0);
		frame = receive_one(ring);
		check_frame(frame, sizes[i], i, 0);
		weir_frame_release(frame);
	}
	close_all(ring, NULL);
}

static void own_frames_are_not_copied(void **state)
{
	struct nic *a = open_nic("dpdk:net_ring0"), *b = open_nic("dpdk:net_ring1");
	static const uint32_t sizes[] = { 60, 1514, 2048, 2049, 9018 };

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct weir_frame *frame = make_own(a, sizes[i], i), *sent = frame;
		uint8_t *data = frame->data;

		transmit(b, &frame, 1);
		frame = receive_one(b);
		assert_ptr_equal(frame, sent);
		assert_ptr_equal(frame->data, data);
		check_frame(frame, sizes[i], i, 0);
		weir_frame_release(frame);
	}
	close_all(a, b);
}

// What holders do to a frame: bytes before and behind are added and taken away, fields written.
static void changed_frames(void **state)
{
	struct nic *ring = open_nic("dpdk:net_ring0");
	struct weir_frame *frame = make_own(ring, 600, 1);

	(void)state;
	frame->data += 40;
	frame->headroom += 40;
	frame->size = frame->linear = 500;
	frame->offload.csum_offset = 16;
	frame->port = 7;
	frame->flags = WEIR_FRAME_ORIGINATED;
	frame->hops = 3;
	frame->hash = 99;
	transmit(ring, &frame, 1);
	frame = receive_one(ring);
	check_frame(frame, 500, 1, 40);
	frame->data -= 40;
	frame->headroom = (uint16_t)(frame->headroom - 40);
	frame->size = frame->linear = 540;
	transmit(ring, &frame, 1);
	frame = receive_one(ring);
	check_frame(frame, 540, 1, 0);
	weir_frame_release(frame);
	close_all(ring, NULL);
}

// The linear part is made longer when a chain begins with too little, over several mbufs, too.
static void short_beginnings(void **state)
{
	static const uint32_t left[] = { 1, 13, 100, 255, 256, 257 };
	struct nic *ring = open_nic("dpdk:net_ring0");

	(void)state;
	for (unsigned i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		for (uint32_t size = 2049; size < 4600; size += 150) {
			struct weir_frame *frame = make_own(ring, size, i);
			uint32_t cut = frame->linear - left[i];

			frame->data += cut;
			frame->headroom = (uint16_t)(frame->headroom + cut);
			frame->linear -= cut;
			frame->size -= cut;
			transmit(ring, &frame, 1);
			frame = receive_one(ring);
			check_frame(frame, size - cut, i, cut);
			weir_frame_release(frame);
		}
	}
	close_all(ring, NULL);
}

static void shared_frames_are_copied(void **state)
{
	struct nic *a = open_nic("dpdk:net_ring0"), *b = open_nic("dpdk:net_ring1");
	static const uint32_t sizes[] = { 60, 2048, 2049, 9018 };

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct weir_frame *frame = make_own(a, sizes[i], i), *copy;

		frame->refs = 2;
		transmit(b, &frame, 1);
		assert_int_equal(frame->refs, 1);
		copy = receive_one(b);
		assert_ptr_not_equal(copy, frame);
		copy->data[0] ^= 0xff; // it is private
		check_frame(frame, sizes[i], i, 0);
		copy->data[0] ^= 0xff;
		check_frame(copy, sizes[i], i, 0);
		weir_frame_release(copy);
		weir_frame_release(frame);
	}
	close_all(a, b);
}

// One batch of all sorts keeps its order.
static void mixed_batch(void **state)
{
	struct nic *a = open_nic("dpdk:net_ring0"), *b = open_nic("dpdk:net_ring1");
	struct weir_frame *frames[NIC_BATCH], *got[NIC_BATCH];

	(void)state;
	for (unsigned i = 0; i < NIC_BATCH; i++) {
		uint32_t size = i % 5 == 4 ? 3000 : 60 + i;

		frames[i] = i % 3 ? make_own(a, size, i) : make_frame(pool, size, i);
		frames[i]->refs = i % 7 == 0 ? 2 : 1;
	}
	memcpy(got, frames, sizeof(got));
	transmit(b, got, NIC_BATCH);
	assert_int_equal(receive(b, got, NIC_BATCH), NIC_BATCH);
	for (unsigned i = 0; i < NIC_BATCH; i++) {
		check_frame(got[i], i % 5 == 4 ? 3000 : 60 + i, i, 0);
		weir_frame_release(got[i]);
		if (i % 7 == 0)
			weir_frame_release(frames[i]);
	}
	close_all(a, b);
}

// What does not fit stays with the caller, whole, whatever sort of frame it is.
static void full_ring(void **state)
{
	struct nic *a = open_nic("dpdk:net_ring0"), *b = open_nic("dpdk:net_ring1");
	struct weir_frame *frames[NIC_BATCH];
	unsigned sent = 0, got = 0, accepted, lost = 0;
	int n;

	(void)state;
	do {
		for (unsigned i = 0; i < NIC_BATCH; i++)
			frames[i] = i % 2 ? make_own(a, 60, i) : make_frame(pool, 60, i);
		accepted = b->class->transmit(b, 0, frames, NIC_BATCH, &lost);
		sent += accepted;
		for (unsigned i = accepted; i < NIC_BATCH; i++) {
			check_frame(frames[i], 60, i, 0);
			weir_frame_release(frames[i]);
		}
	} while (accepted == NIC_BATCH && sent < N_MBUFS);
	assert_true(accepted < NIC_BATCH);
	assert_int_equal(lost, 0);
	assert_int_equal(frame_pool_in_use(pool), 0);
	while ((n = receive(b, frames, NIC_BATCH)) > 0)
		for (int i = 0; i < n; i++, got++)
			weir_frame_release(frames[i]);
	assert_int_equal(n, 0);
	assert_int_equal(got, sent);
	close_all(a, b);
}

// Without mbufs nothing is accepted that needs one, and nothing is received; with them it goes on.
static void used_up_pool(void **state)
{
	static struct weir_frame *held[N_MBUFS];
	struct nic *ring = open_nic("dpdk:net_ring0");
	struct weir_frame *frame;
	unsigned n = 0, lost = 0;

	(void)state;
	for (;;) {
		frame = make_frame(pool, 60, n);
		if (ring->class->transmit(ring, 0, &frame, 1, &lost) == 0)
			break;
		held[n++] = receive_one(ring);
	}
	weir_frame_release(frame);
	assert_int_equal(lost, 0);
	assert_int_equal(n, N_MBUFS);
	transmit(ring, &held[n - 1], 1); // needs none
	held[n - 1] = receive_one(ring);
	while (n)
		weir_frame_release(held[--n]);
	frame = make_own(ring, 60, 1);
	check_frame(frame, 60, 1, 0);
	weir_frame_release(frame);
	close_all(ring, NULL);
}

// What is in a device when it is closed comes back to the pool.
static void closed_with_frames(void **state)
{
	struct nic *a = open_nic("dpdk:net_ring0"), *b = open_nic("dpdk:net_ring1");
	struct weir_frame *frames[NIC_BATCH];

	(void)state;
	for (unsigned i = 0; i < NIC_BATCH; i++)
		frames[i] = make_frame(pool, 60, i);
	transmit(b, frames, NIC_BATCH);
	nic_close(b);
	close_all(a, NULL);
}

// A frame outlives the NIC that it came from.
static void frame_after_close(void **state)
{
	struct nic *a = open_nic("dpdk:net_ring0"), *b;
	struct weir_frame *frame = make_own(a, 100, 3);

	(void)state;
	nic_close(a);
	check_frame(frame, 100, 3, 0);
	b = open_nic("dpdk:net_ring1");
	transmit(b, &frame, 1);
	frame = receive_one(b);
	check_frame(frame, 100, 3, 0);
	weir_frame_release(frame);
	close_all(b, NULL);
}

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

static void capture_larger_than_pool(void **state)
{
	char specification[200], numbers[100];
	struct nic *nic;

	(void)state;
	write_capture(path_of("large.pcap"), N_MBUFS - 1000);
	snprintf(specification, sizeof(specification), "dpdk:net_pcap0,rx_pcap=%s,infinite_rx=1",
		path_of("large.pcap"));
	snprintf(numbers, sizeof(numbers),
		"capture's %d frames and 1024 more, but of the pool's %d only %d are free",
		N_MBUFS - 1000, N_MBUFS, N_MBUFS);
	refuse(specification, -ENOBUFS, numbers);
	// As much as there is room for works.
	write_capture(path_of("large.pcap"), N_MBUFS - 1024);
	nic = open_nic(specification);
	assert_int_equal(described(nic, "mbufs_free="), 1024);
	for (unsigned i = 0; i < 2 * N_MBUFS; i++) {
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
	assert_int_equal(nic_try("dpdk:net_null0,copy=0", &options, &error), -EBUSY);
	assert_int_equal(nic_try("dpdk:net_null1", &options, &error), 0);
	assert_int_equal(described(nic, "rx_queues="), 1);
	assert_true(nic->poll_only);
	assert_int_equal(nic->mtu, 1500);
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
		cmocka_unit_test(foreign_frames_are_copied),
		cmocka_unit_test(own_frames_are_not_copied),
		cmocka_unit_test(changed_frames),
		cmocka_unit_test(short_beginnings),
		cmocka_unit_test(shared_frames_are_copied),
		cmocka_unit_test(mixed_batch),
		cmocka_unit_test(full_ring),
		cmocka_unit_test(used_up_pool),
		cmocka_unit_test(closed_with_frames),
		cmocka_unit_test(frame_after_close),
		cmocka_unit_test(captures),
		cmocka_unit_test(capture_larger_than_pool),
		cmocka_unit_test(devices),
		cmocka_unit_test(more_workers_than_queues),
		cmocka_unit_test(queues),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
