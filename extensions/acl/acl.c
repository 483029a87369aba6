// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Access control lists per port: the descriptor, and coming and going.
#include <errno.h>
#include <stdlib.h>

#include "acl.h"

#include "acl.schema.h"

static int attach(struct weir_attachment *a, void **instance, struct weir_error *error)
{
	struct acl_instance *made = calloc(1, sizeof(*made));

	if (!made)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	made->attachment = a;
	*instance = made;
	return 0;
}

// Every state has been released, and with it every port.
static void detach(void *instance)
{
	free(instance);
}

WEIR_EXTENSION("acl", WEIR_CLASS_FILTER, .version = "1.0",
	.summary = "Allows, denies, meters and polices by address, protocol and port",
	.drop_reasons = WEIR_DROP_REASONS([DROP_DENIED] = { "denied",
						  "an entry of the port ACL denies it" },
		[DROP_RULE] = { "rule-denied", "a rule of the extended ACL denies it" },
		[DROP_FRAGMENT] = { "fragment",
			"a fragment without ports, where rules with ports decide" },
		[DROP_TINY_FRAGMENT] = { "tiny-fragment",
			"a first fragment without the whole header of its protocol (RFC 1858)" },
		[DROP_OVERLAP] = { "fragment-overlap",
			"a later fragment that writes into the header of its protocol (RFC 3128)" },
		[DROP_CHAIN] = { "header-chain",
			"extension headers cut short or too many to follow (RFC 7112)" },
		[DROP_MALFORMED] = { "malformed", "its headers cannot be read" },
		[DROP_UNRELATED] = { "unrelated",
			"an ICMP error that is not about a session, and denied" }),
	.schema = weir_schema, .schema_size = sizeof(weir_schema), .ingress = acl_ingress,
	.egress = acl_egress, .attach = attach, .detach = detach, .prepare = acl_prepare,
	.commit = acl_commit, .abort = acl_abort, .release = acl_release, .status = acl_status);
