// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The beginning and the end of the fake switch, for a whole daemon made of it. 64 workers are
// refused.
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../control/fake_weir.h"

struct fake {
	struct weir weir;
	int fd;
};

int weir_create(const struct weir_options *options, struct weir **weir, struct weir_error *error)
{
	struct fake *fake;

	if (options->size != sizeof(*options) || options->n_workers == 64)
		return weir_refuse(error, -ENOMEM, "workers", "workers 64: too many for a fake");
	fake = calloc(1, sizeof(*fake));
	if (!fake)
		return weir_refuse(error, -ENOMEM, NULL, "out of memory");
	fake->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	*weir = &fake->weir;
	return 0;
}

void weir_destroy(struct weir *weir)
{
	struct fake *fake = (struct fake *)weir;

	if (fake)
		close(fake->fd);
	free(fake);
}

int weir_fd(const struct weir *weir)
{
	return ((const struct fake *)weir)->fd;
}

void weir_process(struct weir *weir)
{
	(void)weir;
}
