/*
 * Runs a compiler of a foreign architecture: as its twin, the same compiler built for this machine, if there is one; by QEMU
 * whenever anything is not as it should be.
 *
 * The toolchain, which a build container finds at TOOLCHAIN (toolchain.h):
 *
 *     dispatcher                 this program
 *     emulator                   QEMU
 *     twins/BUILD-ID/HASH/       the twin of a program of this build id and content:
 *         program                itself
 *         loader, lib/           its dynamic loader and libraries, those of its release of the distribution
 *         arguments              what it needs to do the same as the original, see `adapt`
 *         preload                and what is loaded with it, if anything (driver.c, compiler.c)
 *
 * Called by what stands in front of QEMU (front.c), as the kernel called that: dispatcher PATH ARGV0 ARGUMENT...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "identity.h"
#include "step.h"

/* What makes an original do what its twin would not: programs to load, and places to look for headers in. */
static int is_environment_plain(void)
{
	static const char *const names[] = { "LD_PRELOAD", "LD_AUDIT", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH",
					     "OBJC_INCLUDE_PATH", "QEMU_SET_ENV", "QEMU_UNSET_ENV", "QEMU_LD_PREFIX" };

	for (size_t at = 0; at < sizeof(names) / sizeof(*names); at++)
		if (getenv(names[at]))
			return 0;
	return access("/etc/ld.so.preload", F_OK) != 0;
}

static int is_known(const char *build_id)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), TOOLCHAIN "/twins/%s", build_id);
	return access(folder, F_OK) == 0;
}

static int is_among(const char *pattern, char **arguments)
{
	for (; *arguments; arguments++)
		if (fits(*arguments, pattern))
			return 1;
	return 0;
}

/* Options of gcc and the compilers whose value is the next word, also where that looks like an option: `-Xlinker -E`. (And all long
   ones, of which few are, so that more is emulated than has to be. Not -imultiarch, whose value is asked for.) */
static const char *const with_value[] = { "-o", "-x", "-T", "-u", "-e", "-z", "-l", "-L", "-R", "-G", "-I", "-D", "-U", "-A", "-F",
					  "-B", "-MF", "-MT", "-MQ", "-Xlinker", "-Xassembler", "-Xpreprocessor", "-include",
					  "-imacros", "-isystem", "-iquote", "-idirafter", "-iprefix", "-isysroot", "-imultilib",
					  "-iwithprefix", "-iwithprefixbefore", "-dumpbase", "-dumpbase-ext", "-dumpdir",
					  "-aux-info", "-wrapper", "-specs", "--*", NULL };

/* Whether an argument fits that is no option's value. */
static int is_option(const char *pattern, char **arguments)
{
	for (; *arguments; arguments++)
		if (fits(*arguments, pattern))
			return 1;
		else if (is_one_of(*arguments, with_value) && arguments[1])
			arguments++;
	return 0;
}

/* Whether the program itself, and not only a link to it, is in the folder. */
static int is_within(const char *folder, const char *path)
{
	char place[PATH_MAX];
	size_t length = strlen(folder);

	return realpath(path, place) && strncmp(place, folder, length) == 0 && place[length] == '/' &&
	       !strchr(place + length + 1, '/');
}

/* Whether all that the arguments name can be read twice: not standard input, and no pipe. */
static int can_be_read_again(char **arguments)
{
	const char *before = "";
	struct stat facts;

	for (; *arguments; before = *arguments++) {
		int is_output = strcmp(before, "-o") == 0 || strcmp(before, "-MF") == 0;

		if (!is_output && (strcmp(*arguments, "-") == 0 || (stat(*arguments, &facts) == 0 && S_ISFIFO(facts.st_mode))))
			return 0;
	}
	return 1;
}

/* For a twin that may call for its original when it has read of its source (compiler.c). */
static int leave_original(const char *path, int count)
{
	char text[PATH_MAX + 16];

	return snprintf(text, sizeof(text), "%d %s", count, path) < (int)sizeof(text) && setenv(ORIGINAL, text, 1) == 0;
}

/*
 * Puts what the twin needs besides the caller's `arguments` at `end`, as its file says, a line each:
 *
 *     emulate PATTERN          where an argument fits, the original is run
 *     require PATTERN...       where no option fits any of them, the original is run
 *     within FOLDER            where the program is anywhere else, the original is run
 *     look PATTERN FOLDER      -isystem FOLDER is added, but where an option fits, or there is no such folder
 *     again                    compiler.c is loaded: where what is compiled cannot be read again, the original is run
 *
 * False if the original is to be run. `text` is the file's, and is cut in pieces; `path` is the program's.
 */
static int adapt(char *text, const char *path, char **arguments, int count, char **end, int room)
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
		} else if (verb && pattern && strcmp(verb, "require") == 0) {
			const char *wanted = pattern;

			while (wanted && !is_option(wanted, arguments)) {
				wanted = addition;
				addition = strtok_r(NULL, " ", &word);
			}
			if (!wanted)
				return 0;
		} else if (verb && pattern && strcmp(verb, "within") == 0 && !addition) {
			if (!is_within(pattern, path))
				return 0;
		} else if (verb && pattern && strcmp(verb, "look") == 0 && addition && (room -= 2) > 0) {
			int is_told = is_option(pattern, arguments);

			/* An option, or the value of another. */
			if (is_told != is_among(pattern, arguments))
				return 0;
			if (!is_told && access(addition, F_OK) == 0) {
				*end++ = "-isystem";
				*end++ = addition;
			} else if (!is_told && errno != ENOENT) {
				return 0;
			}
		} else if (verb && !pattern && strcmp(verb, "again") == 0) {
			/* What only preprocesses asks for its original where it is to name precompiled headers. */
			if ((!is_option("-E", arguments) || is_among("-fpch-preprocess", arguments)) && !can_be_read_again(arguments))
				return 0;
			if (!leave_original(path, count))
				return 0;
		} else {
			return 0;
		}
	}
	*end = NULL;
	return 1;
}

/* gcc and its like only call those which take the time. No assembler of 32 bits has a twin (tools/twins.sh). */
static int takes_time(const char *path)
{
	const char *name = base_name(path);
	size_t length = strlen(name);

	return strncmp(name, "cc1", 3) == 0 || strcmp(name, "lto1") == 0 ||
	       (CLASS == ELFCLASS64 && length >= 2 && strcmp(name + length - 2, "as") == 0);
}

static void tell_of_emulated(const char *path, const char *build_id)
{
	if (takes_time(path))
		tell("", path, build_id);
}

/* The path of a part of a twin, of PATH_MAX characters at most. */
static void name_part(char *path, const struct identity *identity, const char *part)
{
	snprintf(path, PATH_MAX, TOOLCHAIN "/twins/%s/%s/%s", identity->build_id, identity->hash, part);
}

/* Runs the twin of the program in `file`, if it has one. Returns if it is to be emulated. */
static void run_twin(int file, const char *path, const char *argv0, char **arguments, int count)
{
	struct identity identity = { "", "" };
	char program[PATH_MAX], loader[PATH_MAX], libraries[PATH_MAX], description[PATH_MAX], preload[PATH_MAX], text[8192];
	enum { before = 8, additions = 64 };
	char **words = NULL;

	if (!identify(file, is_known, &identity)) {
		tell_of_emulated(argv0, identity.build_id);
		return;
	}
	name_part(program, &identity, "program");
	name_part(loader, &identity, "loader");
	name_part(libraries, &identity, "lib");
	name_part(description, &identity, "arguments");
	name_part(preload, &identity, "preload");

	int described = open(description, O_RDONLY | O_CLOEXEC);

	if (described < 0) {
		tell_of_emulated(argv0, identity.build_id);
		return;
	}
	ssize_t length = read(described, text, sizeof(text));

	close(described);
	if (length < 0 || length == sizeof(text))
		return;
	text[length] = '\0';

	char *added[additions];

	if (!adapt(text, path, arguments, count, added, additions))
		return;
	words = calloc(before + count + additions + 1, sizeof(*words));
	if (!words)
		return;
	char *head[before] = { loader, "--library-path", libraries, "--argv0", (char *)argv0, program };
	char *loaded[before] = { loader, "--library-path", libraries, "--preload", preload, "--argv0", (char *)argv0, program };
	char **end = words;

	for (char **word = access(preload, F_OK) == 0 ? loaded : head, **stop = word + before; word < stop && *word; word++)
		*end++ = *word;
	for (int at = 0; at < count; at++)
		*end++ = arguments[at];
	for (char **addition = added; *addition; addition++)
		*end++ = *addition;
	execv(words[0], words);
	free(words);
}

/* QEMU takes the same words, after an option that names argv[0]. Returns if it cannot be run. */
static void emulate(char *path, char *argv0, char **arguments, int count)
{
	char **words = calloc(count + 5, sizeof(*words));

	if (!words)
		return;
	words[0] = EMULATOR;
	words[1] = "-0";
	words[2] = argv0;
	words[3] = path;
	memcpy(words + 4, arguments, count * sizeof(*words));
	execv(words[0], words);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "native-buildx: called as an interpreter of binfmt_misc only, with flag P\n");
		return 127;
	}
	char *path = argv[1], *argv0 = argv[2], **arguments = argv + 3;
	int count = argc - 3;
	int file = is_environment_plain() ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (file >= 0) {
		run_twin(file, path, argv0, arguments, count);
		close(file);
	}
	unsetenv(ORIGINAL);
	emulate(path, argv0, arguments, count);
	perror("native-buildx: no emulator");
	return 127;
}
