/*
 * Called gcc, g++, cc or c++ by a build step whose PATH begins with this program's folder: compiles on the runners of the
 * compile cluster, by icecream's client. What is not surely the same there is compiled by the step's own compiler, the next
 * of that name in PATH, as if this program were not there: another compiler than those of CLUSTER/known, and whatever is no
 * plain compiling of one file of C or C++.
 *
 * CLUSTER, as makeCluster.sh makes it:
 *
 *     bin/                         this program, by all its names
 *     client/                      icecream's client, with its loader, libraries and clusterClient.c
 *     known/BUILD-ID/HASH          a driver, a compiler or an assembler: the name of the environment that has the same
 *     environments/NAME            a line each: `helper MACHINE ARCHIVE`, and `unless MACHINE PATTERN` for arguments with
 *                                  which the environment of that machine is not the same
 *     run/socket                   where the runner's daemon is asked
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cluster.h"
#include "clusterArguments.h"
#include "identity.h"

/* The first program of this name in PATH that is not this one. ccache would come back here: it may do that once. */
static int find_program(const char *name, char *found)
{
	const char *path = getenv("PATH");
	struct stat own, other;
	int is_again = getenv("COMPILE_CLUSTER_INNER") != NULL;
	char target[PATH_MAX];

	if (!path || stat((const char *)getauxval(AT_EXECFN), &own) != 0)
		return 0;
	while (*path) {
		int length = strcspn(path, ":");

		snprintf(found, PATH_MAX, "%.*s/%s", length, path, name);
		path += length + (path[length] == ':');
		if (length == 0 || access(found, X_OK) != 0 || stat(found, &other) != 0 || !S_ISREG(other.st_mode) ||
		    (other.st_dev == own.st_dev && other.st_ino == own.st_ino))
			continue;
		if (is_again && realpath(found, target) && strcmp(base_name(target), "ccache") == 0)
			continue;
		return 1;
	}
	return 0;
}

/* Debian's and Ubuntu's drivers are called TRIPLET-gcc-VERSION and TRIPLET-g++-VERSION. */
static int read_driver(struct job *job)
{
	const char *name, *middle;

	if (!realpath(job->compiler, job->driver) || !begins(job->driver, "/usr/bin/"))
		return 0;
	name = base_name(job->driver);
	middle = strstr(name, "-gcc-");
	if (!middle) {
		middle = strstr(name, "-g++-");
		job->is_cxx = 1;
	}
	if (!middle || middle - name >= (int)sizeof(job->triplet) || strlen(middle + 5) >= sizeof(job->version) ||
	    strspn(middle + 5, "0123456789") != strlen(middle + 5))
		return 0;
	sprintf(job->triplet, "%.*s", (int)(middle - name), name);
	strcpy(job->version, middle + 5);
	return 1;
}

/* What makes a compiler do something that the environments' would not. */
static int is_environment_plain(void)
{
	static const char *const names[] = { "GCC_EXEC_PREFIX", "COMPILER_PATH", "LD_PRELOAD", "SOURCE_DATE_EPOCH",
					     "GCC_COMPARE_DEBUG", "DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES" };

	for (size_t at = 0; at < sizeof(names) / sizeof(*names); at++)
		if (getenv(names[at]))
			return 0;
	return 1;
}

static int is_known(const char *build_id)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), CLUSTER "/known/%s", build_id);
	return access(folder, F_OK) == 0;
}

/* The text of a file, or NULL. */
static char *text_of(const char *path)
{
	static char text[2][8192];
	static int next;
	char *result = text[next ^= 1];
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = file < 0 ? -1 : read(file, result, sizeof(text[0]) - 1);

	if (file >= 0)
		close(file);
	if (length < 0)
		return NULL;
	result[length] = '\0';
	return result;
}

/* The name of the environment that has the program. */
static int environment_of(const char *path, char *name, size_t size)
{
	struct identity identity = { "", "" };
	char known[PATH_MAX];
	const char *text = NULL;
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return 0;
	if (identify(file, is_known, &identity)) {
		snprintf(known, sizeof(known), CLUSTER "/known/%s/%s", identity.build_id, identity.hash);
		text = text_of(known);
	}
	close(file);
	if (!text) {
		tell("home ", path, identity.build_id);
		return 0;
	}
	snprintf(name, size, "%.*s", (int)strcspn(text, "\n"), text);
	return 1;
}

/* Whether the environment has this program. */
static int has(const char *name, const char *path)
{
	char other[64];

	return environment_of(path, other, sizeof(other)) && strcmp(name, other) == 0;
}

/* The environment that has the driver, and the compiler and the assembler that it would run. */
static int find_environment(const struct job *job, char *name, size_t size)
{
	static const char *const folders[] = { "/usr/libexec/gcc", "/usr/lib/gcc" };
	char path[PATH_MAX];

	/* gcc looks here before it looks in PATH. */
	snprintf(path, sizeof(path), "/usr/%s/bin/as", job->triplet);
	if (access(path, F_OK) == 0 || !find_program("as", path) || !environment_of(job->driver, name, size) || !has(name, path))
		return 0;
	for (size_t at = 0; at < sizeof(folders) / sizeof(*folders); at++) {
		snprintf(path, sizeof(path), "%s/%s/%s/%s", folders[at], job->triplet, job->version, job->is_cxx ? "cc1plus" : "cc1");
		if (access(path, F_OK) == 0)
			return has(name, path);
	}
	return 0;
}

/* ICECC_VERSION: the environment's archives, for those machines whose environment does the same with these words. */
static int list_archives(const char *name, char **words, char *list, size_t size)
{
	char path[PATH_MAX], excluded[8][16], *text, *rest = NULL;
	int exclusions = 0;

	snprintf(path, sizeof(path), CLUSTER "/environments/%s", name);
	text = text_of(path);
	list[0] = '\0';
	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest)) {
		char verb[8], machine[16], value[256];
		int is_excluded = 0;

		if (sscanf(line, "%7s %15s %255s", verb, machine, value) != 3)
			return 0;
		for (int at = 0; at < exclusions; at++)
			is_excluded |= strcmp(excluded[at], machine) == 0;
		if (strcmp(verb, "unless") == 0) {
			for (char **word = words; *word; word++)
				if (fits(*word, value) && exclusions < 8 && !is_excluded) {
					strcpy(excluded[exclusions++], machine);
					break;
				}
		} else if (!is_excluded) {
			size_t length = strlen(list);

			snprintf(list + length, size - length, "%s%s:" CLUSTER "/environments/%s", length ? "," : "", machine, value);
		}
	}
	return list[0] != '\0';
}

/* Copies what was said there to standard error. */
static void say_again(int said)
{
	char text[4096];
	ssize_t length;

	lseek(said, 0, SEEK_SET);
	while ((length = read(said, text, sizeof(text))) > 0)
		if (write(STDERR_FILENO, text, length) != length)
			return;
}

/*
 * Ends this program if the file is compiled. Returns if it is not, for whatever reason: what the step's own compiler says
 * counts, and nothing else is shown.
 */
static void run_client(struct job *job, char **words, int count)
{
	static char *const head[] = { CLUSTER "/client/loader", "--library-path", CLUSTER "/client/lib",
				      "--preload", CLUSTER "/client/client.so", "--argv0", "icecc",
				      CLUSTER "/client/icecc" };
	enum { before = sizeof(head) / sizeof(*head) };
	char **all = calloc(before + count + 4, sizeof(*all)), **end = all + before;
	int said = memfd_create("said", MFD_CLOEXEC), status = 1;
	pid_t parent = getpid(), child;

	if (!all || said < 0)
		return;
	memcpy(all, head, sizeof(head));
	*end++ = job->compiler;
	memcpy(end, words, count * sizeof(*words));
	end += count;
	if (job->adds_target) {
		*end++ = "-MQ";
		*end++ = (char *)job->object;
	}
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent || dup2(said, STDERR_FILENO) < 0)
			_exit(1);
		/* Text as it is, so that columns and comments stay. And what has a warning is not compiled twice for the
		   source in it, which a helper cannot show. */
		setenv("ICECC_REMOTE_CPP", "1", 1);
		setenv("ICECC_CARET_WORKAROUND", "0", 1);
		execv(all[0], all);
		_exit(1);
	}
	free(all);
	if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		say_again(said);
		exit(0);
	}
	close(said);
	unsetenv("ICECC_VERSION");
}

int main(int argc, char **argv)
{
	struct job job = { .is_cxx = 0 };
	char name[64], list[2048];

	if (argc < 1 || !find_program(base_name(argv[0]), job.compiler)) {
		fprintf(stderr, "%s: not found\n", argc < 1 ? "gcc" : base_name(argv[0]));
		return 127;
	}
	int is_driver = read_driver(&job);

	if (is_driver && is_environment_plain() && read_arguments(&job, argv + 1) &&
	    access(CLUSTER "/run/socket", F_OK) == 0 && find_environment(&job, name, sizeof(name)) &&
	    list_archives(name, argv + 1, list, sizeof(list)) && setenv("ICECC_VERSION", list, 1) == 0)
		run_client(&job, argv + 1, argc - 1);
	if (!is_driver)
		setenv("COMPILE_CLUSTER_INNER", "1", 1);
	/* By its path: called by its name, gcc would look for itself in PATH. */
	argv[0] = job.compiler;
	execv(job.compiler, argv);
	perror(job.compiler);
	return 126;
}
