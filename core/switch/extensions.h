// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Extensions by name: loaded, or to be loaded.
#ifndef SWITCH_EXTENSIONS_H
#define SWITCH_EXTENSIONS_H

#include <stdbool.h>

#include <weir/error.h>

struct extension;
struct weir;

// 0, or a refusal that says which there are: the extension is neither loaded nor missing anywhere.
int extension_check_known(struct weir *w, const char *name, struct weir_error *error);
// The loaded extension, or NULL and a refusal with -ENOENT, which says whether it is missing
// somewhere, or could be loaded, or is nothing. name may be NULL; field: of the refusal.
struct extension *extension_loaded(
	struct weir *w, const char *name, const char *field, struct weir_error *error);
// The loaded extension, loaded now if need be; *loaded says so. NULL: refused.
struct extension *extension_need(
	struct weir *w, const char *name, bool *loaded, struct weir_error *error);
// Unloads what was loaded for a change that is not made. A state that is still being retired keeps
// it.
void extension_unneed(struct weir *w, struct extension *extension);
// As weir_extension_schema().
void extension_give_schema(const struct extension *extension, const void **bytes, size_t *size);

#endif
