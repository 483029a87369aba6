// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/argument.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct nic_item nic_item(const char *text, size_t size)
{
	const char *equals = memchr(text, '=', size);
	struct nic_item item = { .key = text, .key_size = (int)size };

	if (equals) {
		item.key_size = (int)(equals - text);
		item.value = equals + 1;
		item.value_size = (int)size - item.key_size - 1;
	}
	return item;
}

bool nic_next_item(const char **rest, struct nic_item *item)
{
	size_t size;

	if (!*rest)
		return false;
	size = strcspn(*rest, ",");
	*item = nic_item(*rest, size);
	*rest = (*rest)[size] ? *rest + size + 1 : NULL;
	return true;
}

static bool equal(const char *text, int size, const char *word)
{
	return text && strlen(word) == (size_t)size && memcmp(text, word, (size_t)size) == 0;
}

bool nic_item_is(const struct nic_item *item, const char *key)
{
	return equal(item->key, item->key_size, key);
}

bool nic_item_value_is(const struct nic_item *item, const char *value)
{
	return equal(item->value, item->value_size, value);
}

int nic_item_number(const struct nic_item *item, uint64_t min, uint64_t max, uint64_t *number,
	struct weir_error *error)
{
	int shown = item->value_size < 32 ? item->value_size : 32;
	uint64_t n = 0;
	int i;

	// 18 digits cannot overflow, and no range here needs more.
	for (i = 0; i < item->value_size && i < 18; i++) {
		if (item->value[i] < '0' || item->value[i] > '9')
			break;
		n = n * 10 + (uint64_t)(item->value[i] - '0');
	}
	if (i == 0 || i < item->value_size || n < min || n > max)
		return weir_refuse(error, -EINVAL, "nic",
			"%.*s \"%.*s\": must be a number from %" PRIu64 " to %" PRIu64,
			item->key_size, item->key, shown, item->value ? item->value : "", min, max);
	*number = n;
	return 0;
}
