/*
 * What the programs of a build step have in common: the dispatcher, and the compile cluster's front.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "toolchain.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Whether a word is `pattern`, or begins with it where its last character is a star. */
static int fits(const char *word, const char *pattern)
{
	size_t length = strlen(pattern);

	return length > 0 && pattern[length - 1] == '*' ? strncmp(word, pattern, length - 1) == 0 : strcmp(word, pattern) == 0;
}

static int is_one_of(const char *word, const char *const *patterns)
{
	for (; *patterns; patterns++)
		if (fits(word, *patterns))
			return 1;
	return 0;
}

/* Where the runner is told what it says or does at the step's end (see ../stepMounts.sh), or -1. */
static int open_runner(void)
{
	/* For reading, too: nobody gets a signal where nobody reads, and what does not fit is not told. */
	int runner = open(TELL, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	struct stat facts;

	if (runner < 0 || (fstat(runner, &facts) == 0 && S_ISFIFO(facts.st_mode)))
		return runner;
	close(runner);
	return -1;
}

/* Tells the runner of a compiler that is not known. */
static void tell(const char *prefix, const char *path, const char *build_id)
{
	int runner = open_runner();

	if (runner < 0)
		return;
	dprintf(runner, "%s%.40s (%.16s)\n", prefix, base_name(path), build_id[0] ? build_id : "no build id");
	close(runner);
}
