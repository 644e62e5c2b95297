/*
 * Loaded by twins that are not the same as their originals with options that a source can ask for (`asked` in twins.tsv), by
 * `__attribute__((optimize("...")))` or `#pragma GCC optimize`: the dispatcher, which looks at arguments, does not see these. A
 * compiler reads such a text, joined and without macros, and looks for commas in it: here, the original takes its place where the
 * text has such an option. It starts again, and writes what the twin has not written yet; what the twin has said it says again.
 *
 * OPTIONS are these options, as strings with commas. It has no libraries, so that it fits those of any release.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void run_original(void)
{
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

static int has_option(const char *text)
{
	static const char *const options[] = { OPTIONS };

	for (size_t at = 0; at < sizeof(options) / sizeof(*options); at++)
		if (strstr(text, options[at]))
			return 1;
	return 0;
}

char *strchr(const char *text, int letter)
{
	if (letter == ',' && path && has_option(text))
		run_original();
	char *found = strchrnul(text, letter);

	return *found == (char)letter ? found : NULL;
}
