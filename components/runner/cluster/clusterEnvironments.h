/*
 * The environments of CLUSTER/environments (see clusterFront.c): which has the step's compiler, and whose it is.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
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
