// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The extension is replaced while captures run: their files are complete as after a detach, calls
// that wait end with a reason, no frame is dropped, and the new version captures.
#include <stdio.h>
#include <unistd.h>

#include "capture_lab.h"

static void replace(struct lab *lab)
{
	if (weir_extension_replace(lab->weir, "capture", NULL, 0, &lab->error) < 0)
		fail_msg("replacing capture: %s", lab->error.message);
}

static void assert_file(const char *name, unsigned n_frames)
{
	struct pcapng_file file;

	pcapng_read(&file, capture_path(name));
	assert_int_equal(file.n_frames, n_frames);
	pcapng_free(&file);
}

static void a_live_capture_ends_complete(void **state)
{
	struct capture_row rows[CAPTURE_ROWS_MAX];
	struct lab lab;

	(void)state;
	capture_begin(&lab, &(struct lab_options){ .n_ports = CAPTURE_PORTS, .strict = true });
	for (unsigned i = 0; i < 3; i++) {
		capture_start(&lab, (struct capture_wish){ .port = "p0", .at = AT_INGRESS });
		capture_start(&lab,
			(struct capture_wish){ .port = "p1", .at = AT_EGRESS, .write = "second" });
		capture_traffic(&lab, 500);
		replace(&lab);
		// Programs that ask for the old version's visits run on, and meet nobody.
		capture_traffic(&lab, 100);
		lab_settle(&lab);
		assert_file("capture.pcapng", 500);
		assert_file("second", 500);
		assert_int_equal(capture_list(&lab, rows), 0);
	}
	capture_start(&lab, (struct capture_wish){ .port = "p0", .at = AT_INGRESS, .name = "x" });
	capture_traffic(&lab, 7);
	assert_int_equal(capture_stop(&lab, "x").captured, 7);
	assert_file("capture.pcapng", 7);
	capture_end(&lab);
}

// Asked for, and not begun, when the new version comes.
static void a_start_that_waits_is_refused(void **state)
{
	struct capture_wish wish = { .port = "p0", .at = AT_INGRESS, .name = "x" };
	struct answer start;
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	capture_start_begin(&lab, wish, &start);
	assert_false(start.ended);
	replace(&lab);
	assert_true(start.ended);
	assert_int_equal(start.refused, -ECANCELED);
	assert_non_null(strstr(lab.error.message, "is being replaced"));
	lab_settle(&lab);
	assert_file("capture.pcapng", 0);
	capture_end(&lab);
}

// By workers: whole blocks are written, and each frame passes, whichever version sees it.
static void under_traffic(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2), got;
	unsigned sent = 0, received = 0;
	struct lab lab;

	(void)state;
	capture_begin(&lab, &(struct lab_options){ .n_ports = CAPTURE_PORTS, .n_workers = 2 });
	for (unsigned i = 0; i < 20; i++) {
		struct pcapng_file file;

		capture_start(
			&lab, (struct capture_wish){ .port = "p0", .port2 = "p1", .at = AT_ALL });
		for (unsigned k = 0; k < 40; k++) {
			if (k == 20)
				replace(&lab);
			for (unsigned n = 0; n < 10; n++, sent++)
				lab_send(&lab, 0, &frame);
			lab_run(&lab);
			while (lab_receive(&lab, 1, &got))
				received++;
		}
		lab_settle(&lab);
		pcapng_read(&file, capture_path("capture.pcapng"));
		assert_in_range(file.n_frames, 1, 2 * 40 * 10);
		pcapng_free(&file);
	}
	while (received < sent) {
		lab_run(&lab);
		while (lab_receive(&lab, 1, &got))
			received++;
	}
	assert_int_equal(lab_switch(&lab, "br0").dropped, 0);
	capture_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_live_capture_ends_complete),
		cmocka_unit_test(a_start_that_waits_is_refused),
		cmocka_unit_test(under_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
