# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors

# The matcher of rules: for the extension, and for what tests it alone.
set(classify_sources classify.c classify_build.c classify_chain.c classify_change.c classify_cut.c
	classify_entry.c classify_match.c classify_tree.c)
list(TRANSFORM classify_sources PREPEND ${PROJECT_SOURCE_DIR}/extensions/acl/)
