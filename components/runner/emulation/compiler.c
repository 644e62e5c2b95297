/*
 * Loaded by the twins of cc1 and cc1plus: a source can ask for what they would not do as their originals, and the dispatcher, which
 * looks at arguments, does not see that. The original takes the twin's place
 *
 *     where a precompiled header is opened: only the very program that made it can read it. That is before the first line of code
 *     where a text has an option with which they are not the same: of those that have any, built with OPTIONS (sourceOptions.h)
 *
 * It starts again, and writes what the twin has not written yet; what the twin has said it says again.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef OPTIONS
#include "sourceOptions.h"
#endif
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

/* NAME.gch, or one of several in a folder of that name. The compiler has looked whether there is any. */
static int is_precompiled(const char *name)
{
	static const char ending[] = ".gch";

	while ((name = strstr(name, ending))) {
		name += sizeof(ending) - 1;
		if (*name == '\0' || *name == '/')
			return 1;
	}
	return 0;
}

int open(const char *name, int flags, ...)
{
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
	va_end(list);
	if ((flags & O_ACCMODE) == O_RDONLY && is_precompiled(name))
		leave_to_original();
	return openat(AT_FDCWD, name, flags, mode);
}

int open64(const char *name, int flags, ...) __attribute__((alias("open")));
