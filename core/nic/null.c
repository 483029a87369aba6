// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The NIC kind `null`: takes every frame and forgets it; nothing ever comes from it.
#include <errno.h>
#include <stdlib.h>

#include "nic/nic.h"

static int null_open(const struct nic_options *options, struct nic **nic, struct weir_error *error)
{
	struct nic *null = calloc(1, sizeof(*null));

	if (!null)
		return weir_refuse(error, -ENOMEM, "nic", "null: out of memory");
	null->class = &nic_null_class;
	null->n_tx_queues = 1; // any number of threads may use it: there is nothing to share
	null->offloads = NIC_OFFLOAD_CSUM | NIC_OFFLOAD_TSO4 | NIC_OFFLOAD_TSO6 | NIC_OFFLOAD_USO |
			 NIC_OFFLOAD_ECN;
	null->mtu = options->mtu;
	*nic = null;
	return 0;
}

static void null_close(struct nic *nic)
{
	free(nic);
}

static unsigned null_transmit(
	struct nic *nic, unsigned queue, struct weir_frame *frames[], unsigned n, unsigned *lost)
{
	(void)nic, (void)queue, (void)lost;
	for (unsigned i = 0; i < n; i++)
		weir_frame_release(frames[i]);
	return n;
}

static int null_receive_fd(struct nic *nic, unsigned queue)
{
	(void)nic, (void)queue;
	return -1;
}

const struct nic_class nic_null_class = {
	.kind = "null",
	.usage = "null",
	.summary = "swallows every frame",
	.open = null_open,
	.close = null_close,
	.transmit = null_transmit,
	.receive_fd = null_receive_fd,
};
