/*
 * Loaded into icecream's client in a build step: the client asks the runner's own daemon and no other, leaves nothing in the
 * step's files, where it would keep locks in /tmp, and hands over no text that is not compiled elsewhere as here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cluster.h"
#include "clusterText.h"

static const char locks[] = "/tmp/.icecream-";

static int is_lock(const char *path)
{
	return strncmp(path, locks, sizeof(locks) - 1) == 0;
}

int mkdir(const char *path, mode_t mode)
{
	return is_lock(path) ? 0 : syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

/* A lock of its own: how many compile at once is the build's own decision. */
int open(const char *path, int flags, ...)
{
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
	va_end(list);
	return is_lock(path) ? memfd_create("lock", MFD_CLOEXEC) : syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

/* The client wants a name for its locks, which libraries of the step could be loaded for. */
struct passwd *getpwuid(uid_t user)
{
	(void)user;
	return NULL;
}

int connect(int descriptor, const struct sockaddr *address, socklen_t length)
{
	static const struct sockaddr_un own = { AF_UNIX, CLUSTER "/run/socket" };

	if (address->sa_family == AF_UNIX) {
		address = (const struct sockaddr *)&own;
		length = sizeof(own);
	} else if (address->sa_family == AF_INET &&
		   ((const struct sockaddr_in *)address)->sin_addr.s_addr == htonl(INADDR_LOOPBACK)) {
		/* Whoever listens there is not the runner's. */
		errno = ECONNREFUSED;
		return -1;
	}
	return syscall(SYS_connect, descriptor, address, length);
}

/* Whether the step's own compiler reads the source without a word to that file. Preprocessed, how it is written is not seen. */
static int is_well_written(const char *program, char *const words[], size_t count, int said)
{
	char **all = calloc(count + 1, sizeof(*all));
	int status = 1;
	off_t length = lseek(said, 0, SEEK_END);

	if (!all)
		return 0;
	memcpy(all, words, count * sizeof(*all));

	/* In place of -E, before the source. */
	all[count - 2] = "-fsyntax-only";

	pid_t child = fork();

	if (child == 0) {
		dup2(said, STDERR_FILENO);
		execve(program, all, environ);
		_exit(1);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0 && lseek(said, 0, SEEK_END) == length;
}

/*
 * The preprocessor, called with -E and a file in the end, names headers that were compiled before. What it says is said apart: whether
 * anything of the text is said again, only the step's own compiler knows. Where that has something to say of how the source is written,
 * there is no text, for it is compiled here.
 */
int execv(const char *program, char *const words[])
{
	size_t count = 0;

	while (words[count])
		count++;

	const char *told = getenv(PREPROCESSOR);
	int said, used, is_read_first;
	char **all = count >= 2 && strcmp(words[count - 2], "-E") == 0 ? calloc(count + 2, sizeof(*all)) : NULL;

	if (!all)
		return execve(program, words, environ);
	if (told && sscanf(told, "%d %d %d", &said, &used, &is_read_first) == 3 && write(used, "", 1) == 1) {
		if (is_read_first && !is_well_written(program, words, count, said))
			_exit(1);
		dup2(said, STDERR_FILENO);
	}
	memcpy(all, words, count * sizeof(*all));
	all[count] = "-fpch-preprocess";
	return execve(program, all, environ);
}

/* The preprocessor writes a list of headers in the end, and its pipe is the only one that the client reads. */
ssize_t read(int descriptor, void *bytes, size_t size)
{
	ssize_t length = syscall(SYS_read, descriptor, bytes, size);
	struct stat facts;

	if (length <= 0 || fstat(descriptor, &facts) != 0 || !S_ISFIFO(facts.st_mode) || is_alike_so_far(bytes, length))
		return length;
	while (syscall(SYS_read, descriptor, bytes, size) > 0)
		;
	while (wait(NULL) > 0)
		;
	_exit(1);
}
