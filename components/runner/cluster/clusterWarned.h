/*
 * Sources of which there is something to say. Elsewhere they would be compiled for nothing, for only the step's own compiler says it
 * as it is. So the runner is told of them, and the front of a later step has them compiled at home at once, for as long as the words
 * and the source are the same.
 *
 * WARNED has a line of sixteen hexadecimal digits for each; what a step tells, ../stepMounts.sh writes there.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cluster.h"

/* A file's content and its size; NULL where it cannot be read or is empty. */
static const char *content_of(const char *path, size_t *size)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat facts;
	void *content = MAP_FAILED;

	if (file >= 0 && fstat(file, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size > 0) {
		*size = facts.st_size;
		content = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, file, 0);
	}
	if (file >= 0)
		close(file);
	return content == MAP_FAILED ? NULL : content;
}

/* By the words, and by the content of the source, which is one of them. */
static void name_source(struct job *job, char **words)
{
	size_t size;
	const char *content = content_of(job->source, &size);
	uint64_t hash = content ? hash_of((const unsigned char *)content, size) : 0;

	for (; *words; words++)
		hash = mix(hash, hash_of((const unsigned char *)*words, strlen(*words)));
	sprintf(job->name, "%016llx", (unsigned long long)hash);
}

static int is_warned_of(struct job *job, char **words)
{
	size_t size = 0;
	const char *names = content_of(WARNED, &size);

	name_source(job, words);
	return names && memmem(names, size, job->name, strlen(job->name));
}

static void tell_warned(const struct job *job)
{
	int runner = open_runner();

	if (runner < 0)
		return;
	dprintf(runner, "warned %s\n", job->name);
	close(runner);
}
