// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "lab_faults.h"

#include <stddef.h>

static _Thread_local struct {
	bool armed, paused, all, has_failed;
	unsigned long until_failure;
} faults;

void lab_faults_arm(unsigned long n, bool all)
{
	faults.until_failure = n;
	faults.all = all;
	faults.has_failed = faults.paused = false;
	faults.armed = true;
}

bool lab_faults_disarm(void)
{
	faults.armed = false;
	return faults.has_failed;
}

void lab_faults_pause(void)
{
	faults.paused = true;
}

void lab_faults_resume(void)
{
	faults.paused = false;
}

static bool fails(void)
{
	if (!faults.armed || faults.paused)
		return false;
	if (faults.until_failure > 0)
		faults.until_failure--;
	else if (!faults.all)
		return false;
	if (faults.until_failure > 0)
		return false;
	faults.has_failed = true;
	return true;
}

// ---- In the place of the C library's

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}
