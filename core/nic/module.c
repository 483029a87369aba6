// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/module.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

// The directory of the running program, with a '/' at its end; "" when it cannot be told.
static void program_directory(char path[/* PATH_MAX */])
{
	ssize_t size = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	path[size > 0 ? size : 0] = '\0';
	slash = strrchr(path, '/');
	path[slash ? slash + 1 - path : 0] = '\0';
}

// The given directory; the build tree when the program runs from there; where the program's
// installation has modules, wherever that was moved to; where this build installs them.
static bool find_file(
	const char *file, const struct nic_host *host, char path[/* size */], size_t size)
{
	char program[PATH_MAX];
	const char *places[][2] = {
		{ host ? host->directory : NULL, "/" },
		{ program, "" },
		{ program, WEIR_MODULE_WAY "/" },
		{ WEIR_MODULE_DIR, "/" },
	};

	program_directory(program);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!places[i][0] || !places[i][0][0] ||
			(size_t)snprintf(path, size, "%s%s%s", places[i][0], places[i][1], file) >=
				size)
			continue;
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static bool fits(const struct nic_module *module)
{
	static const struct nic_module own = { NIC_MODULE_SIZES };

	return module->version == own.version && module->nic_size == own.nic_size &&
	       module->options_size == own.options_size && module->class_size == own.class_size &&
	       module->host_size == own.host_size;
}

int nic_module_class(const char *file, const char *kind, const struct nic_host *host,
	const struct nic_class **class, struct weir_error *error)
{
	const struct nic_module *module;
	char path[2 * PATH_MAX];
	void *handle;

	if (!find_file(file, host, path, sizeof(path)))
		return weir_refuse(error, -EOPNOTSUPP, "nic",
			"%s: the module %s is not installed; it belongs into %s", kind, file,
			WEIR_MODULE_DIR);
	// Opened again it is the same one; its threads and the drivers that it loaded stay.
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!handle)
		return weir_refuse(error, -EOPNOTSUPP, "nic",
			"%s: the module %s or a library that it needs cannot be loaded: %s", kind,
			file, dlerror());
	module = dlsym(handle, NIC_MODULE_SYMBOL);
	if (!module || !fits(module)) {
		dlclose(handle);
		return weir_refuse(error, -EOPNOTSUPP, "nic",
			"%s: the module %.200s is of another version of Weir", kind, path);
	}
	for (const struct nic_class *const *c = module->classes; *c; c++) {
		if (strcmp((*c)->kind, kind) == 0) {
			*class = *c;
			return 0;
		}
	}
	return weir_refuse(
		error, -EOPNOTSUPP, "nic", "%s: the module %.200s lacks this kind", kind, path);
}
