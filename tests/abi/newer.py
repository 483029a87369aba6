#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""newer.py EXTENSION.H OUT: the header as its next minor version might be, for extensions that are
newer than the host: a hook, a function of the host and a member of a session are appended."""
import re
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read()


def change(pattern, replacement):
    global text
    text, n = re.subn(pattern, replacement, text, flags=re.M | re.S)
    if n != 1:
        sys.exit("%s: found %d times" % (pattern, n))


def append(struct, member):
    change(r"(^struct %s \{\n.*?)(^\};)" % struct, r"\1\t%s\n\2" % member)


change(r"WEIR_ABI_MINOR = (\d+)", lambda m: "WEIR_ABI_MINOR = %d" % (int(m[1]) + 1))
append("weir_host", "int (*newer)(struct weir_attachment *);")
append("weir_session", "uint64_t newer;")
append("weir_extension", "void (*newer)(void *instance);")
change(r"^// ---- Rings", """static inline int weir_newer(struct weir_attachment *a)
{
	return WEIR_OFFERS(a->host, newer) ? a->host->newer(a) : -ENOSYS;
}

// ---- Rings""")
with open(sys.argv[2], "w", encoding="utf-8") as file:
    file.write(text)
