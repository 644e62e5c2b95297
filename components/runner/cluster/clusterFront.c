/*
 * Called gcc, g++, cc or c++ by a build step whose PATH begins with this program's folder: compiles on the runners of the
 * compile cluster, by icecream's client. What is not surely the same there is compiled by the step's own compiler, the next
 * of that name in PATH, as if this program were not there: another compiler than those of CLUSTER/known, and whatever is no
 * plain compiling of one file of C or C++.
 *
 * CLUSTER, as makeCluster.sh makes it:
 *
 *     bin/                         this program, by all its names
 *     client/                      icecream's client, with its loader, libraries and clusterClient.c
 *     known/BUILD-ID/HASH          a driver, a compiler or an assembler: the name of the environment that has the same
 *     environments/NAME            a line each: `helper MACHINE ARCHIVE`, and `unless MACHINE PATTERN` for arguments with
 *                                  which the environment of that machine is not the same
 *     run/socket                   where the runner's daemon is asked
 *
 * And beside it WARNED (see clusterWarned.h).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cluster.h"
#include "clusterEnvironments.h"
#include "clusterWarned.h"

/* Debian's and Ubuntu's drivers are called TRIPLET-gcc-VERSION and TRIPLET-g++-VERSION. */
static int read_driver(struct job *job)
{
	const char *name, *middle;

	if (!realpath(job->compiler, job->driver) || !begins(job->driver, "/usr/bin/"))
		return 0;
	name = base_name(job->driver);
	middle = strstr(name, "-gcc-");
	if (!middle) {
		middle = strstr(name, "-g++-");
		job->is_cxx = 1;
	}
	if (!middle || middle - name >= (int)sizeof(job->triplet) || strlen(middle + 5) >= sizeof(job->version) ||
	    strspn(middle + 5, "0123456789") != strlen(middle + 5))
		return 0;
	sprintf(job->triplet, "%.*s", (int)(middle - name), name);
	strcpy(job->version, middle + 5);
	return 1;
}

/* What makes a compiler do something that the environments' would not. */
static int is_environment_plain(void)
{
	static const char *const names[] = { "GCC_EXEC_PREFIX", "COMPILER_PATH", "LD_PRELOAD", "SOURCE_DATE_EPOCH",
					     "GCC_COMPARE_DEBUG", "DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES" };

	for (size_t at = 0; at < sizeof(names) / sizeof(*names); at++)
		if (getenv(names[at]))
			return 0;
	return 1;
}

/* Copies what was said there to standard error. */
static void say_again(int said)
{
	char text[4096];
	ssize_t length;

	lseek(said, 0, SEEK_SET);
	while ((length = read(said, text, sizeof(text))) > 0)
		if (write(STDERR_FILENO, text, length) != length)
			return;
}

/* Runs a program, which ends with this one and says what it says to a file. Whether it succeeds. */
static int run(char **words, int said)
{
	int status = 1;
	pid_t parent = getpid(), child = fork();

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent || dup2(said, STDERR_FILENO) < 0)
			_exit(1);
		execv(words[0], words);
		_exit(1);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int is_empty(int file)
{
	return lseek(file, 0, SEEK_END) == 0;
}

/* Whether something is said there, and not by icecream of itself. */
static int is_warning(int said)
{
	static const char own[] = "ICECC[";
	char beginning[sizeof(own) - 1];

	return !is_empty(said) && (pread(said, beginning, sizeof(beginning), 0) != sizeof(beginning) ||
				   memcmp(beginning, own, sizeof(beginning)) != 0);
}

/* icecream's client, by one of its names, with words. It ends with a NULL. */
static char **client(const char *name, struct job *job, char **words, int count, char **more, int more_count)
{
	char *const head[] = { CLUSTER "/client/loader", "--library-path", CLUSTER "/client/lib",
			       "--preload", CLUSTER "/client/client.so", "--argv0", (char *)name,
			       CLUSTER "/client/icecc", job->compiler };
	enum { before = sizeof(head) / sizeof(*head) };
	char **all = calloc(before + count + more_count + 1, sizeof(*all));

	if (all) {
		memcpy(all, head, sizeof(head));
		memcpy(all + before, words, count * sizeof(*words));
		memcpy(all + before + count, more, more_count * sizeof(*more));
	}
	return all;
}

/*
 * Ends this program if the file is compiled. Returns if it is not, for whatever reason: what the step's own compiler says
 * counts, and nothing else is shown.
 */
static void run_client(struct job *job, char **words, int count)
{
	/* The text as gcc -E has it, and not as -fdirectives-only has, which loses pragmas: of OpenMP, of names. It has other columns than
	   the source and no macros, so what a helper says is not shown, and may not even be so. */
	static const char *const settings[][2] = { { "ICECC_REMOTE_CPP", "0" }, { "ICECC_CARET_WORKAROUND", "0" } };
	enum { set = sizeof(settings) / sizeof(*settings) };
	char *target[] = { "-MQ", (char *)job->object }, descriptors[48];
	char **all = client("icecc", job, words, count, target, job->adds_target ? 2 : 0);
	int said = memfd_create("said", MFD_CLOEXEC), preprocessor_said = memfd_create("said", 0);
	int preprocessor_used = memfd_create("used", 0);

	if (!all || said < 0 || preprocessor_said < 0 || preprocessor_used < 0)
		return;
	sprintf(descriptors, "%d %d %d", preprocessor_said, preprocessor_used, job->is_read_first);
	setenv(PREPROCESSOR, descriptors, 1);
	for (int at = 0; at < set; at++)
		setenv(settings[at][0], settings[at][1], 1);
	int is_compiled = run(all, said) && is_empty(preprocessor_said);

	if (is_warning(said) || is_warning(preprocessor_said))
		tell_warned(job);
	/* The client may have compiled here: then it is the step's own compiler that speaks. */
	if (is_compiled && (is_empty(said) || is_empty(preprocessor_used))) {
		say_again(said);
		exit(0);
	}
	free(all);
	close(said);
	close(preprocessor_said);
	close(preprocessor_used);
	unsetenv(PREPROCESSOR);
	unsetenv("ICECC_VERSION");
	for (int at = 0; at < set; at++)
		unsetenv(settings[at][0]);
}

/*
 * By the step's own compiler, in its turn: the runner's node is told of it, which has as many jobs here at once as it has cores, and
 * sends those that can be compiled elsewhere there meanwhile. Returns if there is no client.
 */
static void compile_here(struct job *job, char **words, int count)
{
	char **all = client("icerun", job, words, count, NULL, 0);

	/* Behind what is preprocessed for others. */
	if (all && nice(5) >= 0)
		execv(all[0], all);
}

int main(int argc, char **argv)
{
	struct job job = { .is_cxx = 0 };
	char name[64], list[2048];

	if (argc < 1 || !find_program(base_name(argv[0]), job.compiler)) {
		fprintf(stderr, "%s: not found\n", argc < 1 ? "gcc" : base_name(argv[0]));
		return 127;
	}
	int is_driver = read_driver(&job);

	int is_shared = is_driver && is_environment_plain() && read_arguments(&job, argv + 1) &&
			access(CLUSTER "/run/socket", F_OK) == 0 && find_environment(&job, name, sizeof(name)) &&
			list_archives(name, argv + 1, list, sizeof(list));

	if (is_shared && !is_warned_of(&job, argv + 1) && setenv("ICECC_VERSION", list, 1) == 0)
		run_client(&job, argv + 1, argc - 1);
	if (is_shared)
		compile_here(&job, argv + 1, argc - 1);
	if (!is_driver)
		setenv("COMPILE_CLUSTER_INNER", "1", 1);
	/* By its path: called by its name, gcc would look for itself in PATH. */
	argv[0] = job.compiler;
	execv(job.compiler, argv);
	perror(job.compiler);
	return 126;
}
