/*
 * Loaded by the twins of gcc and g++ before their libraries. They are cross compilers: what they call lies in .../gcc-cross/TRIPLET,
 * where the original's lies in .../gcc/TRIPLET. With this the twin looks for the original's, and names no other.
 *
 * Built for any release's libraries: it has none, and what it calls of them has been there under one name for long.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char its_own[] = "/gcc-cross/", original[] = "/gcc/";

/* `text` with the original's folder, in `room` if it is another text. */
static char *mend(const char *text, char *room)
{
	const char *found = strstr(text, its_own);
	size_t before = found ? found - text : 0, after = found ? strlen(found) - strlen(its_own) : 0;

	if (!found || before + strlen(original) + after >= PATH_MAX)
		return (char *)text;
	memmove(room, text, before);
	memmove(room + before + strlen(original), found + strlen(its_own), after + 1);
	memcpy(room + before, original, strlen(original));
	return room;
}

int access(const char *path, int mode)
{
	char room[PATH_MAX];

	return faccessat(AT_FDCWD, mend(path, room), mode, 0);
}

int stat(const char *restrict path, struct stat *restrict facts)
{
	char room[PATH_MAX];

	return fstatat(AT_FDCWD, mend(path, room), facts, 0);
}

int open(const char *path, int flags, ...)
{
	char room[PATH_MAX];
	va_list rest;

	va_start(rest, flags);
	int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, int) : 0;
	va_end(rest);
	return openat(AT_FDCWD, mend(path, room), flags, mode);
}

/* The environment's COLLECT_LTO_WRAPPER. The text is the caller's, who does not look at it again. */
int putenv(char *text)
{
	char *value = strchr(text, '=');

	if (!value)
		return unsetenv(text);
	*value++ = '\0';
	return setenv(text, mend(value, value), 1);
}

/* Room for the words of a call that are mended. */
struct call {
	char rooms[3][PATH_MAX];
	const char *program;
};

static size_t count_of(char *const words[])
{
	size_t count = 0;

	while (words[count])
		count++;
	return count;
}

/* The program's name, and the folder of -iprefix. Nothing of the caller's is changed: it may wait for a child of vfork. */
static void mend_call(struct call *call, const char *program, char *const words[], char **mended)
{
	size_t count = count_of(words);

	memcpy(mended, words, (count + 1) * sizeof(*words));
	call->program = mend(program, call->rooms[0]);
	if (count > 0)
		mended[0] = mend(words[0], call->rooms[1]);
	for (size_t at = 1; at + 1 < count; at++)
		if (strcmp(words[at], "-iprefix") == 0)
			mended[at + 1] = mend(words[at + 1], call->rooms[2]);
}

int execv(const char *program, char *const words[])
{
	struct call call;
	char *mended[count_of(words) + 1];

	mend_call(&call, program, words, mended);
	return execve(call.program, mended, environ);
}

int execvp(const char *program, char *const words[])
{
	struct call call;
	char *mended[count_of(words) + 1];

	mend_call(&call, program, words, mended);
	return execvpe(call.program, mended, environ);
}

/* What gcc 14 calls in place of these. */
typedef int spawn(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[], char *const[]);

static int spawn_by(const char *name, pid_t *child, const char *program, const posix_spawn_file_actions_t *actions,
		    const posix_spawnattr_t *attributes, char *const words[], char *const environment[])
{
	struct call call;
	char *mended[count_of(words) + 1];
	spawn *function = (spawn *)dlsym(RTLD_NEXT, name);

	mend_call(&call, program, words, mended);
	return function(child, call.program, actions, attributes, mended, environment);
}

int posix_spawn(pid_t *child, const char *program, const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const words[], char *const environment[])
{
	return spawn_by("posix_spawn", child, program, actions, attributes, words, environment);
}

int posix_spawnp(pid_t *child, const char *program, const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attributes, char *const words[], char *const environment[])
{
	return spawn_by("posix_spawnp", child, program, actions, attributes, words, environment);
}
