// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/packet_internal.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
	MAX_PIECES = 4 * NIC_BATCH, // of one batch; a pool's frame needs two
};

struct batch {
	struct mmsghdr messages[NIC_BATCH];
	struct iovec pieces[MAX_PIECES];
	unsigned n_pieces;
};

// Describes one frame, its offload state first. False when it has more pieces than are left.
static bool describe(struct batch *batch, struct mmsghdr *message, struct weir_frame *frame)
{
	struct weir_frame_iterator it = weir_frame_iterate(frame);
	unsigned first = batch->n_pieces, n = first;
	const uint8_t *piece;
	uint32_t size;

	if (n == MAX_PIECES)
		return false;
	batch->pieces[n++] = (struct iovec){ &frame->offload, sizeof(frame->offload) };
	while ((piece = weir_frame_next(&it, &size))) {
		if (n == MAX_PIECES)
			return false;
		batch->pieces[n++] = (struct iovec){ (void *)piece, size };
	}
	batch->n_pieces = n;
	*message = (struct mmsghdr){
		.msg_hdr = { .msg_iov = &batch->pieces[first], .msg_iovlen = n - first },
	};
	return true;
}

// Sends n described frames; returns how many are done with, sent or lost.
static unsigned send_batch(int fd, struct batch *batch, unsigned n, unsigned *lost)
{
	unsigned done = 0;

	while (done < n) {
		int sent = sendmmsg(fd, batch->messages + done, n - done, MSG_DONTWAIT);

		if (sent > 0) {
			done += (unsigned)sent;
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			break; // the interface's queue is full: it may have room soon
		} else if (errno != EINTR) {
			++*lost;
			done++;
		}
	}
	return done;
}

unsigned packet_transmit(struct nic *nic, unsigned queue, struct weir_frame *frames[/* n */],
	unsigned n, unsigned *lost)
{
	struct packet *packet = (struct packet *)nic;
	unsigned done = 0;

	(void)queue; // one socket serves all workers
	while (done < n) {
		struct batch batch;
		unsigned built = 0, sent;

		batch.n_pieces = 0;
		while (done + built < n &&
			describe(&batch, &batch.messages[built], frames[done + built]))
			built++;
		if (built == 0) {
			// More pieces than a whole batch may have.
			++*lost;
			weir_frame_release(frames[done++]);
			continue;
		}
		sent = send_batch(packet->transmit_fd, &batch, built, lost);
		for (unsigned i = 0; i < sent; i++)
			weir_frame_release(frames[done + i]);
		done += sent;
		if (sent < built)
			break;
	}
	return done;
}
