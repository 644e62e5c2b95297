/*
 * Loaded by the twins of gcc and g++ before their libraries. They are cross compilers: what they call lies in .../gcc-cross/TRIPLET,
 * where the original's lies in .../gcc/TRIPLET. They look for a file before they do anything with it: here they find the
 * original's, and call it by its name, as all that they say of it.
 *
 * It has no libraries, so that it fits those of any release.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char its_own[] = "/gcc-cross/", original[] = "/gcc/";

/* The path of the original's file, in `room` if it is another. */
static const char *original_of(const char *path, char *room)
{
	const char *found = strstr(path, its_own);

	if (!found || strlen(path) >= PATH_MAX)
		return path;
	stpcpy(stpcpy(mempcpy(room, path, found - path), original), found + strlen(its_own));
	return room;
}

/* What is found is called by this name from now on. It is shorter, and the text is in a buffer of the driver's. */
static int found(const char *path, const char *name, int result)
{
	if (result == 0 && name != path)
		strcpy((char *)path, name);
	return result;
}

int stat(const char *restrict path, struct stat *restrict facts)
{
	char room[PATH_MAX];
	const char *name = original_of(path, room);

	return found(path, name, fstatat(AT_FDCWD, name, facts, 0));
}

int access(const char *path, int mode)
{
	char room[PATH_MAX];
	const char *name = original_of(path, room);

	return found(path, name, faccessat(AT_FDCWD, name, mode, 0));
}
