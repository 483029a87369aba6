// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/account.h"
#include "datapath/flow_use.h"

bool datapath_account(
	struct datapath *dp, struct weir_frame *frame, const struct op ops[], unsigned n)
{
	uint64_t wire = n ? frame_wire(frame) : 0;

	for (unsigned i = 0; i < n; i++) {
		if (ops[i].code == OP_METER)
			account_meter(dp, &ops[i], wire);
		else if (!account_police(dp, frame, &ops[i], wire))
			return false;
	}
	return true;
}
