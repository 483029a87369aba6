// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A disk that hangs in the middle of a write, or has trouble with closing the file: neither frames
// nor the control thread wait for it; copies that find no room meanwhile are lost and counted.
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "capture_lab.h"

// ---- The disk

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool hangs;
static unsigned n_hanging;
static size_t partial; // what a write that hung has written
static int close_error;

// Taken by the extension instead of the C library's, as symbols of the program come first.
__attribute__((visibility("default"))) ssize_t pwrite(
	int fd, const void *bytes, size_t size, off_t at)
{
	pthread_mutex_lock(&mutex);
	n_hanging++;
	pthread_cond_broadcast(&changed);
	if (hangs && partial && partial < size)
		size = partial;
	while (hangs)
		pthread_cond_wait(&changed, &mutex);
	n_hanging--;
	pthread_mutex_unlock(&mutex);
	return syscall(SYS_pwrite64, fd, bytes, size, at);
}

__attribute__((visibility("default"))) int close(int fd)
{
	char name[16];
	int failed = syscall(SYS_close, fd) < 0 ? errno : 0;

	pthread_getname_np(pthread_self(), name, sizeof(name));
	if (!failed && strcmp(name, "weir-capture") == 0)
		failed = __atomic_load_n(&close_error, __ATOMIC_RELAXED);
	errno = failed ? failed : errno;
	return failed ? -1 : 0;
}

static void hang(bool on)
{
	pthread_mutex_lock(&mutex);
	hangs = on;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

static void wait_until_it_hangs(void)
{
	pthread_mutex_lock(&mutex);
	while (n_hanging == 0)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

static unsigned n_writers(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	unsigned n = 0;

	assert_non_null(tasks);
	while ((task = readdir(tasks))) {
		char path[300], name[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task->d_name);
		f = fopen(path, "r");
		if (f && fgets(name, sizeof(name), f))
			n += strcmp(name, "weir-capture\n") == 0;
		if (f)
			fclose(f);
	}
	closedir(tasks);
	return n;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void wait_for_writers(void)
{
	double from = seconds();

	while (n_writers() > 0) {
		assert_true(seconds() - from < 10);
		usleep(1000);
	}
}

static unsigned frames_in(const char *name)
{
	struct pcapng_file file;
	unsigned n;

	pcapng_read(&file, capture_path(name)); // whole blocks, or the test fails
	n = file.n_frames;
	pcapng_free(&file);
	return n;
}

// ---- Tests. The disk hangs until it is let go on: what returns before has not waited for it.

static void start_and_hang(struct lab *lab)
{
	capture_start(lab, (struct capture_wish){ .port = "p0", .at = AT_INGRESS, .name = "x" });
	hang(true);
	capture_traffic(lab, 1000);
	wait_until_it_hangs();
}

static void frames_and_calls_go_on(void **state)
{
	struct capture_row row;
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	start_and_hang(&lab);
	// More than the ring holds.
	capture_traffic(&lab, 70000);
	row = capture_row(&lab, "x");
	assert_true(row.lost > 0 && row.captured == 0);
	hang(false);
	row = capture_stop(&lab, "x");
	assert_int_equal(row.seen, 71000);
	assert_int_equal(frames_in("capture.pcapng"), row.captured);
	capture_end(&lab);
}

// A burst that is more than the ring of one capture holds, and the writer's buffer, before anything
// of it is written; another capture's ring holds it.
static void what_is_too_fast_is_lost_and_counted(void **state)
{
	enum { BURST = 6000 };
	struct lab_frame frame = lab_udp(0, LAB_BROADCAST, 1, 2), got;
	struct capture_row row;
	struct lab lab;

	(void)state;
	capture_begin(&lab, &(struct lab_options){ .n_ports = 3, .nic = "memory:size=16384" });
	frame.size = LAB_FRAME_MAX;
	capture_start(&lab,
		(struct capture_wish){ .port = "p1", .port2 = "p2", .at = AT_EGRESS, .name = "x" });
	capture_start(
		&lab, (struct capture_wish){
			      .port = "p0", .at = AT_ALL, .name = "y", .write = "y", .snap = 64 });
	hang(true);
	for (unsigned n = 0; n < BURST; n++)
		lab_send(&lab, 0, &frame);
	lab_run(&lab);
	for (unsigned n = 0; n < 2 * BURST; n++)
		assert_true(lab_receive(&lab, 1 + n % 2, &got));
	assert_true(capture_row(&lab, "x").lost > 0);
	hang(false);
	row = capture_stop(&lab, "x");
	assert_int_equal(row.seen, 2 * BURST);
	assert_int_equal(row.state, CAPTURE__STATE__STOPPED);
	capture_assert_file("capture.pcapng", &row);
	row = capture_stop(&lab, "y");
	assert_int_equal(row.captured, BURST);
	capture_assert_file("y", &row);
	assert_int_equal(lab_switch(&lab, "br0").dropped, 0);
	capture_end(&lab);
}

static void detaching_does_not_wait_for_ever(void **state)
{
	static const size_t partials[] = { 0, 1, 164 * 3 + 50, 164 * 4 };
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	for (unsigned i = 0; i < sizeof(partials) / sizeof(partials[0]); i++) {
		partial = partials[i];
		start_and_hang(&lab);
		lab_detach(&lab, "capture");
		lab_settle(&lab);
		capture_traffic(&lab, 100);
		// It can be unloaded and loaded again meanwhile.
		assert_int_equal(weir_extension_unload(lab.weir, "capture", 0, &lab.error), 0);
		lab_attach(&lab, "capture", 10);
		lab_settle(&lab);
		assert_int_equal(n_writers(), 1);
		hang(false);
		wait_for_writers();
		if (partial)
			assert_int_equal(frames_in("capture.pcapng"), partial / 164);
		else
			assert_true(frames_in("capture.pcapng") > 0);
		capture_start(
			&lab, (struct capture_wish){ .port = "p0", .at = AT_INGRESS, .name = "y" });
		capture_traffic(&lab, 10);
		assert_int_equal(capture_stop(&lab, "y").captured, 10);
	}
	partial = 0;
	capture_end(&lab);
}

static void the_end_of_everything_does_not_wait_for_ever(void **state)
{
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	start_and_hang(&lab);
	capture_end(&lab);
	hang(false);
	wait_for_writers();
}

// As NFS says that the server has no room.
static void what_closing_says_is_told(void **state)
{
	struct capture_row row;
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	capture_start(&lab, (struct capture_wish){ .port = "p0", .at = AT_INGRESS, .name = "x" });
	capture_traffic(&lab, 10);
	__atomic_store_n(&close_error, EDQUOT, __ATOMIC_RELAXED);
	row = capture_stop(&lab, "x");
	__atomic_store_n(&close_error, 0, __ATOMIC_RELAXED);
	assert_int_equal(row.state, CAPTURE__STATE__FAILED);
	assert_non_null(strstr(row.reason, "the file cannot be written: Disk quota exceeded"));
	capture_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_and_calls_go_on),
		cmocka_unit_test(what_is_too_fast_is_lost_and_counted),
		cmocka_unit_test(detaching_does_not_wait_for_ever),
		cmocka_unit_test(the_end_of_everything_does_not_wait_for_ever),
		cmocka_unit_test(what_closing_says_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
