// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "switchd/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int reach(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t size = strlen(name);
	int fd, code;

	if ((*name != '/' && *name != '@') || size < 2 || size >= sizeof(address.sun_path))
		return -EINVAL;
	memcpy(address.sun_path, name, size);
	if (*name == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	// The end of an abstract name counts, too: without a terminating zero.
	if (connect(fd, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) == 0)
		return fd;
	code = -errno;
	close(fd);
	return code;
}

// Half of the time after which the manager would take the daemon for hung.
static uint64_t watchdog_ms(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!us || (pid && strtoimax(pid, NULL, 10) != getpid()))
		return 0;
	return strtoumax(us, NULL, 10) / 2000;
}

int notify_open(struct notify *notify)
{
	const char *name = getenv("NOTIFY_SOCKET");
	int fd = name ? reach(name) : -1;

	*notify = (struct notify){ .fd = fd < 0 ? -1 : fd };
	if (notify->fd >= 0)
		notify->watchdog_ms = watchdog_ms();
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return name && fd < 0 ? fd : 0;
}

void notify_send(const struct notify *notify, const char *message)
{
	while (notify->fd >= 0 && send(notify->fd, message, strlen(message), MSG_NOSIGNAL) < 0 &&
		errno == EINTR)
		continue;
}

void notify_close(struct notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
}
