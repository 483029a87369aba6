// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "switchd/options.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <weir/embed.h>

#define DEFAULT_SOCKET "/run/weir/weir.sock"
#define DEFAULT_STATE  "/var/lib/weir"

enum {
	OPTION_SOCKET = 256,
	OPTION_STATE,
	OPTION_EXTENSIONS,
	OPTION_WORKERS,
	OPTION_FLOWS,
	OPTION_FDB_ENTRIES,
	OPTION_FDB_AGEING,
	OPTION_LINGER,
	OPTION_DPDK,
	OPTION_DPDK_MBUFS,
	OPTION_POLL,
	OPTION_STRICT,
	OPTION_FOREGROUND,
	OPTION_LOG_LEVEL,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "state", required_argument, NULL, OPTION_STATE },
	{ "extensions", required_argument, NULL, OPTION_EXTENSIONS },
	{ "workers", required_argument, NULL, OPTION_WORKERS },
	{ "flows", required_argument, NULL, OPTION_FLOWS },
	{ "fdb-entries", required_argument, NULL, OPTION_FDB_ENTRIES },
	{ "fdb-ageing-s", required_argument, NULL, OPTION_FDB_AGEING },
	{ "linger-us", required_argument, NULL, OPTION_LINGER },
	{ "dpdk", required_argument, NULL, OPTION_DPDK },
	{ "dpdk-mbufs", required_argument, NULL, OPTION_DPDK_MBUFS },
	{ "poll", no_argument, NULL, OPTION_POLL },
	{ "strict", no_argument, NULL, OPTION_STRICT },
	{ "foreground", no_argument, NULL, OPTION_FOREGROUND },
	{ "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

const char *options_usage(void)
{
	return "usage: weir-switchd [OPTION]...\n"
	       "  --socket PATH       control socket; else WEIR_SOCKET, else\n"
	       "                      " DEFAULT_SOCKET "\n"
	       "  --state DIR         directory of what survives a restart, none: nothing does;\n"
	       "                      " DEFAULT_STATE ", or what systemd says\n"
	       "  --extensions DIR    search DIR first for extensions (several: DIR:DIR)\n"
	       "  --workers N         datapath threads, 1 to 64; one less than there are CPUs\n"
	       "  --poll              workers never sleep\n"
	       "  --linger-us N       poll so long after the last frame, 0 to 1000000; 50\n"
	       "  --flows N           flows per worker and switch, 64 to 16777216; 131072\n"
	       "  --fdb-entries N     addresses per switch, 1 to 1048576; 65536\n"
	       "  --fdb-ageing-s N    seconds until an address is forgotten, 1 to 1000000; 300\n"
	       "  --dpdk ARGS         what DPDK's EAL is started with; what fits the machine\n"
	       "  --dpdk-mbufs N      buffers of all dpdk NICs together, 2048 to 16777216; what "
	       "fits\n"
	       "  --strict            check what extensions promise, and expel who breaks it\n"
	       "  --foreground        stay in the foreground and log to standard error\n"
	       "  --log-level LEVEL   error, warning, info or debug; info\n"
	       "  --version, --help\n";
}

static int parse_number(const char *name, const char *text, unsigned min, unsigned max,
	unsigned *value, struct weir_error *error)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || number < min || number > max)
		return weir_refuse(error, -EINVAL, name,
			"--%s \"%s\": must be a number from %u to %u", name, text, min, max);
	*value = (unsigned)number;
	return 0;
}

static int make_absolute(
	const char *name, const char *text, char path[PATH_MAX], struct weir_error *error)
{
	char here[PATH_MAX] = "";
	int size;

	if (*text != '/' && !getcwd(here, sizeof(here)))
		return weir_refuse(error, -EINVAL, name, "--%s \"%s\": no current directory: %s",
			name, text, strerror(errno));
	size = snprintf(path, PATH_MAX, "%s%s%s", here, *text == '/' ? "" : "/", text);
	if (*text == '\0' || size >= PATH_MAX)
		return weir_refuse(
			error, -EINVAL, name, "--%s \"%.99s\": must be a path", name, text);
	return 0;
}

// Adds a directory to the search list. What does not fit is refused, as is a separator in a name.
static int add_directory(
	struct switchd_options *options, const char *directory, struct weir_error *error)
{
	size_t used = strlen(options->extensions);
	int size = snprintf(options->extensions + used, sizeof(options->extensions) - used, "%s%s",
		used ? ":" : "", directory);

	if ((size_t)size >= sizeof(options->extensions) - used)
		return weir_refuse(error, -EINVAL, "extensions",
			"--extensions \"%.99s\": too long with the directories searched anyway",
			directory);
	return 0;
}

static int add_directories(
	struct switchd_options *options, const char *list, struct weir_error *error)
{
	char *copy = strdup(list), *at = copy, *item;
	char path[PATH_MAX];
	int result = copy ? 0 : -ENOMEM;

	while (result == 0 && (item = strsep(&at, ":"))) {
		result = make_absolute("extensions", item, path, error);
		if (result == 0)
			result = add_directory(options, path, error);
	}
	free(copy);
	return result;
}

// The directory that is reached from the one of the running program, without links; false: there
// is none.
static bool beside_program(const char *way, char path[PATH_MAX])
{
	char program[PATH_MAX], joined[2 * PATH_MAX];
	struct stat status;
	ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 1);
	char *slash;

	if (size <= 0)
		return false;
	program[size] = '\0';
	slash = strrchr(program, '/');
	if (!slash)
		return false;
	slash[1] = '\0';
	snprintf(joined, sizeof(joined), "%s%s", program, way);
	return realpath(joined, path) && stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

// The build tree's extensions when run from there, then the installed ones: where they were
// installed to, or beside the program when all of it was put elsewhere.
static int add_default_directories(struct switchd_options *options, struct weir_error *error)
{
	char path[PATH_MAX];
	int result = 0;

	if (beside_program("extensions", path))
		result = add_directory(options, path, error);
	if (result == 0 && beside_program(WEIR_EXTENSION_WAY, path) &&
		strcmp(path, WEIR_EXTENSION_DIR) != 0)
		result = add_directory(options, path, error);
	return result < 0 ? result : add_directory(options, WEIR_EXTENSION_DIR, error);
}

static int parse_log_level(const char *text, int *level, struct weir_error *error)
{
	static const struct {
		const char *name;
		int level;
	} levels[] = { { "error", LOG_ERR }, { "warning", LOG_WARNING }, { "info", LOG_INFO },
		{ "debug", LOG_DEBUG } };

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(text, levels[i].name) == 0) {
			*level = levels[i].level;
			return 0;
		}
	}
	return weir_refuse(error, -EINVAL, "log-level",
		"--log-level \"%.99s\": must be error, warning, info or debug", text);
}

// Where weirctl looks, in the same environment. Only when it is needed: what cannot be a path there
// does not matter to who says --socket.
static int take_default_socket(struct switchd_options *options, struct weir_error *error)
{
	const char *given = getenv("WEIR_SOCKET");

	return make_absolute(
		"socket", given && *given ? given : DEFAULT_SOCKET, options->socket, error);
}

// "none" is not a directory; one of that name is "./none".
static int take_state(struct switchd_options *options, const char *text, struct weir_error *error)
{
	options->state[0] = '\0';
	return strcmp(text, "none") == 0 ? 0 : make_absolute("state", text, options->state, error);
}

// systemd makes the directories of StateDirectory= and lists them; the first one is ours.
static void default_state(char state[PATH_MAX])
{
	const char *given = getenv("STATE_DIRECTORY");
	size_t size = given && *given == '/' ? strcspn(given, ":") : 0;

	if (size == 0 || size >= PATH_MAX)
		strcpy(state, DEFAULT_STATE);
	else
		snprintf(state, PATH_MAX, "%.*s", (int)size, given);
}

static unsigned default_workers(void)
{
	cpu_set_t cpus;
	int n_cpus = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;

	return n_cpus > 64 ? 64 : n_cpus > 1 ? (unsigned)n_cpus - 1 : 1;
}

static int take_value(
	struct switchd_options *options, int option, const char *text, struct weir_error *error)
{
	switch (option) {
	case OPTION_SOCKET:
		return make_absolute("socket", text, options->socket, error);
	case OPTION_STATE:
		return take_state(options, text, error);
	case OPTION_LOG_LEVEL:
		return parse_log_level(text, &options->log_level, error);
	case OPTION_EXTENSIONS:
		return add_directories(options, text, error);
	case OPTION_WORKERS:
		return parse_number("workers", text, 1, 64, &options->n_workers, error);
	case OPTION_FLOWS:
		return parse_number(
			"flows", text, WEIR_FLOWS_MIN, WEIR_FLOWS_MAX, &options->n_flows, error);
	case OPTION_FDB_ENTRIES:
		return parse_number("fdb-entries", text, 1, 1 << 20, &options->fdb_entries, error);
	case OPTION_FDB_AGEING:
		return parse_number(
			"fdb-ageing-s", text, 1, 1000000, &options->fdb_ageing_s, error);
	case OPTION_DPDK:
		options->dpdk = text;
		return 0;
	case OPTION_DPDK_MBUFS:
		return parse_number("dpdk-mbufs", text, WEIR_DPDK_MBUFS_MIN, WEIR_DPDK_MBUFS_MAX,
			&options->dpdk_mbufs, error);
	case OPTION_LINGER:
		options->has_linger = true;
		return parse_number("linger-us", text, 0, 1000000, &options->linger_us, error);
	default:
		return weir_refuse(error, -EINVAL, NULL, "unknown option");
	}
}

static int take(struct switchd_options *options, int option, char *argv[], struct weir_error *error)
{
	switch (option) {
	case OPTION_POLL:
		options->poll = true;
		return 0;
	case OPTION_STRICT:
		options->strict = true;
		return 0;
	case OPTION_FOREGROUND:
		options->foreground = true;
		return 0;
	case OPTION_VERSION:
		options->show_version = true;
		return 0;
	case OPTION_HELP:
		options->show_help = true;
		return 0;
	case ':':
		return weir_refuse(error, -EINVAL, NULL, "option \"%s\" needs a value; see --help",
			argv[optind - 1]);
	case '?':
		return weir_refuse(error, -EINVAL, NULL, "unknown option \"%s\"; see --help",
			argv[optind - 1]);
	default:
		return take_value(options, option, optarg, error);
	}
}

int options_parse(struct switchd_options *options, int argc, char *argv[], struct weir_error *error)
{
	int option, result;

	*options = (struct switchd_options){
		.n_workers = default_workers(),
		.log_level = LOG_INFO,
		// Who supervises the process wants the one that was started, and its messages.
		.foreground = getenv("NOTIFY_SOCKET") != NULL,
	};
	default_state(options->state);
	while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		result = take(options, option, argv, error);
		if (result < 0)
			return result;
	}
	if (optind < argc)
		return weir_refuse(error, -EINVAL, NULL, "unexpected argument \"%s\"; see --help",
			argv[optind]);
	result = *options->socket ? 0 : take_default_socket(options, error);
	return result < 0 ? result : add_default_directories(options, error);
}
