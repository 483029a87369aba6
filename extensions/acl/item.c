// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// From a policy to an item: what the schema cannot say is checked here.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "item.h"

#include "acl.pb-c.h"

// A burst that nobody chose has to do for TCP. A guest with offloads sends frames of up to 64 KB,
// each of which passes or is lost as a whole: where there is room for but one of them, few get
// through.
enum { BURST_MIN = 8 << 16, BURST_MAX = 1000000000, BURSTS_PER_S = 10 };

void item_put(struct item *item)
{
	if (!item || --item->refs > 0)
		return;
	if (item->kind == ITEM_RULE)
		vector_free_number(item->numbers, item->rule.id);
	free(item);
}

struct item *item_alloc(const struct weir_policy *policy, enum acl_kind kind)
{
	size_t size = strlen(policy->id) + 1;
	struct item *item = calloc(1, sizeof(*item) + size);

	if (!item)
		return NULL;
	item->refs = 1;
	item->fresh = true;
	item->kind = (uint8_t)kind;
	memcpy(item->id, policy->id, size);
	return item;
}

static const struct {
	enum acl_action action;
	const char *name;
} actions[] = {
	[ACL__ACTION__ALLOW] = { ACTION_ALLOW, "allow" },
	[ACL__ACTION__DENY] = { ACTION_DENY, "deny" },
	[ACL__ACTION__METER] = { ACTION_METER, "meter" },
	[ACL__ACTION__POLICE] = { ACTION_POLICE, "police" },
};

static uint8_t sides_of(int direction)
{
	return (uint8_t)((direction != ACL__DIRECTION__OUT ? 1 << SIDE_IN : 0) |
			 (direction != ACL__DIRECTION__IN ? 1 << SIDE_OUT : 0));
}

int item_set_action(struct item *item, int direction, int action, const uint64_t *rate,
	const uint64_t *burst, struct weir_error *error)
{
	item->action = (uint8_t)actions[action].action;
	item->sides = sides_of(direction);
	if (item->action != ACTION_POLICE) {
		if (rate || burst)
			return weir_refuse(error, -EINVAL, rate ? "rate" : "burst",
				"%s %llu: is for action police, not for %s",
				rate ? "rate" : "burst",
				(unsigned long long)(rate ? *rate : *burst), actions[action].name);
		return 0;
	}
	if (!rate)
		return weir_refuse(
			error, -EINVAL, "rate", "action police: needs a rate, in bits per second");
	item->rate_bps = *rate;
	item->burst_bytes = burst ? *burst : *rate / 8 / BURSTS_PER_S;
	if (!burst && item->burst_bytes < BURST_MIN)
		item->burst_bytes = BURST_MIN;
	if (item->burst_bytes > BURST_MAX)
		item->burst_bytes = BURST_MAX;
	return 0;
}

static int make_settings(
	const struct weir_policy *policy, struct item **made, struct weir_error *error)
{
	static const uint8_t fragments[] = {
		[ACL__FRAGMENTS__SKIP] = FRAGMENTS_SKIP,
		[ACL__FRAGMENTS__DROP] = FRAGMENTS_DROP,
		[ACL__FRAGMENTS__PASS] = FRAGMENTS_PASS,
	};
	Acl__Settings *m = acl__settings__unpack(NULL, policy->size, policy->bytes);

	*made = m ? item_alloc(policy, ITEM_SETTINGS) : NULL;
	if (*made) {
		(*made)->fragments = fragments[m->fragments];
		(*made)->sessions_max = m->has_sessions_max ? m->sessions_max : 0;
		(*made)->sessions_pass = m->sessions_full == ACL__FULL__WITHOUT;
	}
	if (m)
		acl__settings__free_unpacked(m, NULL);
	return *made ? 0 : weir_refuse(error, -ENOMEM, NULL, "no memory");
}

int item_make(const struct weir_policy *policy, struct vector_numbers *numbers, struct item **made,
	struct weir_error *error)
{
	struct item *item = NULL;
	char sentence[sizeof(error->message)];
	int failed;

	if (strcmp(policy->type, "rule") == 0)
		failed = item_make_rule(policy, numbers, &item, error);
	else if (strcmp(policy->type, "settings") == 0)
		failed = make_settings(policy, &item, error);
	else
		failed = item_make_entry(policy, &item, error);
	if (!failed) {
		*made = item;
		return 0;
	}
	item_put(item);
	// Of many policies: which.
	snprintf(sentence, sizeof(sentence), "%s", error->message);
	snprintf(error->message, sizeof(error->message), "policy %s: %.360s", policy->id, sentence);
	return failed;
}

// ---- Text

static const char *direction_name(const struct item *item)
{
	return item->sides == 1 << SIDE_IN ? "in" : item->sides == 1 << SIDE_OUT ? "out" : "both";
}

static void put_action(struct text *text, const struct item *item)
{
	static const char *const names[] = { "allow", "deny", "meter", "police" };

	text_put(text, "direction=%s action=%s", direction_name(item), names[item->action]);
	if (item->action == ACTION_POLICE)
		text_put(text, " rate=%llu burst=%llu", (unsigned long long)item->rate_bps,
			(unsigned long long)item->burst_bytes);
}

void item_format(const struct item *item, char *buffer, size_t size)
{
	static const char *const fragments[] = { "skip", "drop", "pass" };
	struct text text = { buffer, size };

	if (item->kind == ITEM_SETTINGS) {
		text_put(&text, "fragments=%s", fragments[item->fragments]);
		if (item->sessions_max)
			text_put(&text, " sessions_max=%u", item->sessions_max);
		if (item->sessions_pass)
			text_put(&text, " sessions_full=without");
		return;
	}
	put_action(&text, item);
	if (item->kind == ITEM_RULE)
		item_format_rule(item, &text);
	else
		item_format_entry(item, &text);
}
