/*
 * Loaded by twins that are not the same as their originals with options that a source can ask for (`asked` in twins.tsv), by
 * `__attribute__((optimize("...")))` or `#pragma GCC optimize`: the dispatcher, which looks at arguments, does not see these. The
 * original takes the twin's place where a text has such an option (sourceOptions.h). It starts again, and writes what the twin has
 * not written yet; what the twin has said it says again.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sourceOptions.h"
#include "toolchain.h"

static char *path, **words;
static long count;

/* The dispatcher's words: how many of the arguments are its caller's, and the original's path. The compiler does not see them. */
__attribute__((constructor)) static void begin(int all, char **arguments, char **environment)
{
	static const char name[] = ORIGINAL "=";

	(void)all;
	for (; *environment; environment++) {
		if (strncmp(*environment, name, sizeof(name) - 1) != 0)
			continue;
		for (path = *environment + sizeof(name) - 1; *path != ' '; path++)
			count = 10 * count + *path - '0';
		path++;
		words = arguments;
		do
			environment[0] = environment[1];
		while (*environment++);
		return;
	}
}

static void leave_to_original(void)
{
	if (!path)
		return;
	char **all = calloc(count + 5, sizeof(*all));

	if (all) {
		all[0] = EMULATOR;
		all[1] = "-0";
		all[2] = words[0];
		all[3] = path;
		memcpy(all + 4, words + 1, count * sizeof(*all));
		execv(EMULATOR, all);
	}
	perror("native-buildx: no emulator");
	_exit(127);
}
