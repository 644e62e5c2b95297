/*
 * Stands in front of QEMU as the interpreter of a foreign architecture in binfmt_misc (flags P and F): a compiler of which
 * there is a twin, the same compiler built for this machine, is run as that twin; every other program, and this one too
 * whenever anything is not as it should be, is run by QEMU as before.
 *
 * The toolchain, which a build container finds at TOOLCHAIN (see mountToolchains.sh):
 *
 *     emulator                        QEMU
 *     loader, lib/                    the twins' dynamic loader and libraries
 *     twins/BUILD-ID/HASH/program     the twin of a program of this build id and content
 *     twins/BUILD-ID/HASH/arguments   what it needs to do the same as the original, see `adapt`
 *
 * Called by the kernel as: dispatcher PATH ARGV0 ARGUMENT...
 *
 * Built with -DEMULATOR="FILE" (QEMU's file, a part of this program: where no toolchain is mounted, in a container of
 * somebody else's, there is no other), -DTOOLCHAIN="FOLDER" and -DMACHINE=N (e_machine in elf.h).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "identity.h"

/* A pipe to the runner, see `tell`. */
#define TELL "/dev/.native-toolchain.emulated"

__asm__(".section .rodata\n"
	".balign 4096\n"
	"emulator:\n"
	".incbin \"" EMULATOR "\"\n"
	"emulator_end:\n"
	".previous\n");
extern const char emulator[], emulator_end[];

/* What is compiled, or assembled, by a program of this name. */
static int is_compiler(const char *path)
{
	static const char *const names[] = { "cc1", "cc1plus", "lto1", "as" };
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t length = strlen(name);

	for (size_t at = 0; at < sizeof(names) / sizeof(*names); at++)
		if (strcmp(name, names[at]) == 0)
			return 1;
	return length > 3 && strcmp(name + length - 3, "-as") == 0;
}

/* What makes an original do what its twin would not: programs to load, and places to look for headers in. */
static int is_environment_plain(void)
{
	static const char *const names[] = { "LD_PRELOAD", "LD_AUDIT", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH",
					     "OBJC_INCLUDE_PATH", "QEMU_SET_ENV", "QEMU_UNSET_ENV", "QEMU_LD_PREFIX" };

	for (size_t at = 0; at < sizeof(names) / sizeof(*names); at++)
		if (getenv(names[at]))
			return 0;
	return 1;
}

static int is_known(const char *build_id)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), TOOLCHAIN "/twins/%s", build_id);
	return access(folder, F_OK) == 0;
}

/* Whether any argument is `pattern`, or begins with it where its last character is a star. */
static int is_among(const char *pattern, char **arguments)
{
	size_t length = strlen(pattern);
	int is_beginning = length > 0 && pattern[length - 1] == '*';

	for (; *arguments; arguments++)
		if (is_beginning ? strncmp(*arguments, pattern, length - 1) == 0 : strcmp(*arguments, pattern) == 0)
			return 1;
	return 0;
}

/*
 * Puts what the twin needs besides the caller's `arguments` at `end`, as its file says, a line each:
 *
 *     emulate PATTERN          where an argument fits, the original is run
 *     unless PATTERN ARGUMENT  is added, but where an argument fits
 *
 * False if the original is to be run. `text` is the file's, and is cut in pieces.
 */
static int adapt(char *text, char **arguments, char **end, int room)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *word = NULL;
		const char *verb = strtok_r(line, " ", &word);
		const char *pattern = strtok_r(NULL, " ", &word);
		char *addition = strtok_r(NULL, " ", &word);

		if (verb && pattern && strcmp(verb, "emulate") == 0 && !addition) {
			if (is_among(pattern, arguments))
				return 0;
		} else if (verb && pattern && strcmp(verb, "unless") == 0 && addition && room-- > 1) {
			if (!is_among(pattern, arguments))
				*end++ = addition;
		} else {
			return 0;
		}
	}
	*end = NULL;
	return 1;
}

/* Tells the runner of a compiler that has no twin; what it is told ends the step's output. */
static void tell(const char *path, const char *build_id)
{
	const char *slash = strrchr(path, '/');
	/* For reading, too: nobody gets a signal where nobody reads, and what does not fit is not told. */
	int runner = open(TELL, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	struct stat facts;

	if (runner < 0)
		return;
	if (fstat(runner, &facts) == 0 && S_ISFIFO(facts.st_mode))
		dprintf(runner, "%.40s (%.16s)\n", slash ? slash + 1 : path, build_id);
	close(runner);
}

/* Runs the twin of the program in `file`, if it has one. Returns where it is to be emulated. */
static void run_twin(int file, const char *argv0, char **arguments, int count)
{
	struct identity identity = { "", "" };
	char program[PATH_MAX], description[PATH_MAX], text[8192];
	enum { before = 6, additions = 64 };
	char **words = NULL;

	if (!identify(file, is_known, &identity)) {
		if (identity.build_id[0])
			tell(argv0, identity.build_id);
		return;
	}
	snprintf(program, sizeof(program), TOOLCHAIN "/twins/%s/%s/program", identity.build_id, identity.hash);
	snprintf(description, sizeof(description), TOOLCHAIN "/twins/%s/%s/arguments", identity.build_id, identity.hash);

	int described = open(description, O_RDONLY | O_CLOEXEC);

	if (described < 0) {
		tell(argv0, identity.build_id);
		return;
	}
	ssize_t length = read(described, text, sizeof(text));

	close(described);
	if (length < 0 || length == sizeof(text))
		return;
	text[length] = '\0';

	char *added[additions];

	if (!adapt(text, arguments, added, additions))
		return;
	words = calloc(before + count + additions + 1, sizeof(*words));
	if (!words)
		return;
	char *head[] = { TOOLCHAIN "/loader", "--library-path", TOOLCHAIN "/lib", "--argv0", (char *)argv0, program };
	char **end = words;

	for (int at = 0; at < before; at++)
		*end++ = head[at];
	for (int at = 0; at < count; at++)
		*end++ = arguments[at];
	for (char **addition = added; *addition; addition++)
		*end++ = *addition;
	execv(words[0], words);
	free(words);
}

/* QEMU takes the same words, after an option that names argv[0]. */
static void emulate(char *path, char *argv0, char **arguments, int count, int is_trusted)
{
	char **words = calloc(count + 5, sizeof(*words));

	if (!words)
		return;
	words[0] = TOOLCHAIN "/emulator";
	words[1] = "-0";
	words[2] = argv0;
	words[3] = path;
	memcpy(words + 4, arguments, count * sizeof(*words));
	/* A program with more rights than its caller's does not look for its interpreter where the caller could put one. */
	if (is_trusted)
		execv(words[0], words);

	int file = memfd_create("emulator", MFD_CLOEXEC);
	size_t left = emulator_end - emulator;

	for (const char *from = emulator; file >= 0 && left > 0;) {
		ssize_t written = write(file, from, left);

		if (written <= 0)
			return;
		from += written;
		left -= written;
	}
	syscall(SYS_execveat, file, "", words, environ, AT_EMPTY_PATH);
}

int main(int argc, char **argv)
{
	unsigned long opened = getauxval(AT_EXECFD);
	int is_trusted = !getauxval(AT_SECURE);

	if (argc < 3) {
		fprintf(stderr, "native-buildx: called by the kernel only, as an interpreter with flag P\n");
		return 127;
	}
	char *path = argv[1], *argv0 = argv[2], **arguments = argv + 3;

	if (is_trusted && is_compiler(path) && is_environment_plain()) {
		int file = open(path, O_RDONLY | O_CLOEXEC);

		if (file >= 0) {
			run_twin(file, argv0, arguments, argc - 3);
			close(file);
		}
	}
	/* A program that may be run and not read: the kernel has opened it. */
	static char by_descriptor[40];

	if (opened) {
		if (access(path, R_OK) != 0) {
			snprintf(by_descriptor, sizeof(by_descriptor), "/proc/self/fd/%lu", opened);
			path = by_descriptor;
		} else {
			close(opened);
		}
	}
	emulate(path, argv0, arguments, argc - 3, is_trusted);
	perror("native-buildx: no emulator");
	return 127;
}
