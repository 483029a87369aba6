// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/sized.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static uint32_t size_of(const void *sized)
{
	uint32_t size;

	memcpy(&size, sized, sizeof(size));
	return size;
}

static void set_size(void *sized, size_t size)
{
	memcpy(sized, &(uint32_t){ (uint32_t)size }, sizeof(uint32_t));
}

int sized_take(void *known, size_t known_size, size_t least_size, const void *theirs,
	const char *name, struct weir_error *error)
{
	const uint32_t size = size_of(theirs);
	const size_t common = size < known_size ? size : known_size;

	if (size < least_size || size > SIZED_MAX)
		return weir_refuse(error, -EINVAL, "size",
			"size %u of %s: must be %zu to %d, which its sizeof is", size, name,
			least_size, SIZED_MAX);
	for (size_t i = known_size; i < size; i++)
		if (((const uint8_t *)theirs)[i])
			return weir_refuse(error, -E2BIG, "size",
				"size %u of %s: this version knows %zu bytes of it; those behind "
				"must be zero, and byte %zu is not",
				size, name, known_size, i);
	memcpy(known, theirs, common);
	memset((uint8_t *)known + common, 0, known_size - common);
	set_size(known, known_size);
	return 0;
}

void sized_give(void *theirs, const void *known, size_t known_size)
{
	const size_t theirs_size = size_of(theirs),
		     size = theirs_size < SIZED_MAX ? theirs_size : SIZED_MAX;
	const size_t common = size < known_size ? size : known_size;

	memcpy(theirs, known, common);
	memset((uint8_t *)theirs + common, 0, size - common);
	if (size >= sizeof(uint32_t))
		set_size(theirs, common);
}
