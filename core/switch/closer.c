// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "nic/nic.h"
#include "switch/closer.h"
#include "switch/wait.h"
#include "switch/weir.h"

struct job {
	struct job *next;
	struct nic *nic;
	struct deferred *deferred;
};

struct closer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct job *first, **end; // under lock
	bool stop;                // under lock
};

static struct job *next_job(struct closer *c)
{
	struct job *job;

	pthread_mutex_lock(&c->lock);
	while (!c->first && !c->stop)
		pthread_cond_wait(&c->more, &c->lock);
	job = c->first;
	if (job)
		c->first = job->next;
	if (!c->first)
		c->end = &c->first;
	pthread_mutex_unlock(&c->lock);
	return job;
}

static void *run(void *argument)
{
	struct closer *c = argument;
	struct job *job;

	while ((job = next_job(c))) {
		nic_close(job->nic);
		weir_hand_over(job->deferred);
		free(job);
	}
	return NULL;
}

int closer_create(struct weir *w, struct weir_error *error)
{
	struct closer *c = calloc(1, sizeof(*c));
	int failed;

	if (!c)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	c->end = &c->first;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->more, NULL);
	failed = -pthread_create(&c->thread, NULL, run, c);
	if (failed) {
		free(c);
		return weir_refuse(
			error, failed, NULL, "no thread to close NICs: %s", strerror(-failed));
	}
	pthread_setname_np(c->thread, "weir-closer");
	w->closer = c;
	return 0;
}

void closer_close(struct closer *c, struct nic *nic, struct deferred *deferred)
{
	struct job *job = malloc(sizeof(*job));

	if (!job) { // then it is done here and now
		nic_close(nic);
		weir_hand_over(deferred);
		return;
	}
	*job = (struct job){ NULL, nic, deferred };
	pthread_mutex_lock(&c->lock);
	*c->end = job;
	c->end = &job->next;
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
}

void closer_destroy(struct closer *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->more);
	free(c);
}
