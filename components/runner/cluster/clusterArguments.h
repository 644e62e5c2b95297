/*
 * What a compiler was asked for, as far as it decides whether a helper does exactly the same (see clusterFront.c).
 */
#include <limits.h>
#include <string.h>

#include "step.h"

/* The step's own compiler, and what is to be done. */
struct job {
	char compiler[PATH_MAX]; /* as it was found in PATH */
	char driver[PATH_MAX]; /* what that leads to */
	char triplet[64], version[16];
	int is_cxx; /* by the driver's name, or the file's */
	const char *source, *object;
	char name[17]; /* of the source and the words, see clusterWarned.h */
	int adds_target;
	int is_read_first; /* for warnings of how the source is written */
};

static int begins(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* Options that say nothing to the compiler itself, or the same to every one that is the same. All others, and other files
   that they would write, are the step's own compiler's. */
static int is_plain(const char *option)
{
	static const char *const other[] = {
		/* Of other steps of the compiler, or not the same where what compiles does not preprocess. */
		"-Wa,*", "-Wp,*", "-Wl,*", "-Wunused-macros", "-Werror=unused-macros", "-Wpedantic", "-pedantic*",
		"-fpreprocessed", "-fdirectives-only", "-fworking-directory", "-finput-charset*", "-fexec-charset*",
		"-fwide-exec-charset*", "-fmodule*", "-fpch*", "-Winvalid-pch", "-Werror=invalid-pch", "-fsanitize*",
		"-fno-diagnostics-show-caret",
		/* Of files that the helper does not have, or that it would write. */
		"-fplugin*", "-fprofile*", "-ftest-coverage", "-fbranch-probabilities", "-fauto-profile*", "-fdump*",
		"-fsave-*", "-fstack-usage", "-fcallgraph-info*", "-fopt-info*", "-fdiagnostics-format*",
		"-fdiagnostics-add*", "-ftime-report*", "-fsyntax-only", "-fself-test*",
		/* Of this machine, or of the command line itself. */
		"-march=native", "-mtune=native", "-mcpu=native", "-m32", "-mx32", "-m16", "-flto*", "-fltrans*",
		"-fwpa*", "-foffload*", "-fopenacc", "-frandom-seed*", "-frecord-gcc-switches", "-fcompare-debug*",
		"-fchecking*", NULL
	};
	static const char *const words[] = { "-c", "-pipe", "-w", "-ansi", "-pthread", "-nostdinc", "-nostdinc++", "-MD",
					     "-MMD", "-MP", "-std=*", "-O*", "-W*", "-f*", "-g0", "-m*", "-D*", "-U*",
					     "-I*", "-L*", "-l*", "-Wp,-D*", "-Wp,-U*", "--param=*", NULL };

	if (begins(option, "-Wp,-D") || begins(option, "-Wp,-U"))
		return strchr(option + 4, ',') == NULL;
	return !is_one_of(option, other) && is_one_of(option, words);
}

/* Options whose value is the next word. */
static const char *const with_value[] = { "-D", "-U", "-I", "-L", "-l", "-include", "-isystem", "-iquote", "-idirafter",
					  "-imacros", "-MF", "-MT", "-MQ", "-o", "--param", NULL };

static int contains(char **words, const char *wanted)
{
	for (; *words; words++)
		if (strcmp(*words, wanted) == 0)
			return 1;
	return 0;
}

/* Whether the words ask for warnings of how a source is written, in lines and macros: a helper, which has neither, has none. */
static int asks_of_writing(char **words)
{
	static const char *const one[] = { "-Wmisleading-indentation", "-Werror=misleading-indentation",
					   "-Wmultistatement-macros", "-Werror=multistatement-macros" };

	if (contains(words, "-w"))
		return 0;
	for (size_t at = 0; at < sizeof(one) / sizeof(*one); at++)
		if (contains(words, one[at]))
			return 1;
	return contains(words, "-Wall") && !(contains(words, "-Wno-misleading-indentation") && contains(words, "-Wno-multistatement-macros"));
}

/* Whether the words are the compiling of one file of C or C++, in a way that is the same everywhere. */
static int read_arguments(struct job *job, char **words)
{
	static const char *const cxx[] = { ".cc", ".cpp", ".cxx", ".c++", ".C", NULL };
	const char *source = NULL, *ending;
	int compiles = 0, lists = 0, names_list = 0, names_target = 0, optimizes = 0;

	job->is_read_first = asks_of_writing(words);
	for (; *words; words++) {
		const char *word = *words;

		if (is_one_of(word, with_value)) {
			if (!words[1])
				return 0;
			names_list |= strcmp(word, "-MF") == 0;
			names_target |= strcmp(word, "-MT") == 0 || strcmp(word, "-MQ") == 0;
			if (strcmp(word, "-o") == 0)
				job->object = words[1];
			if (begins(words[1], "-") && strcmp(word, "--param") != 0)
				return 0;
			words++;
		} else if (word[0] != '-') {
			if (source || word[0] == '@')
				return 0;
			source = word;
		} else if (word[1] == 'o') {
			return 0;
		} else if (is_plain(word)) {
			compiles |= strcmp(word, "-c") == 0;
			lists |= strcmp(word, "-MD") == 0 || strcmp(word, "-MMD") == 0;
			if (word[1] == 'O')
				optimizes = strcmp(word, "-O0") != 0;
		} else {
			return 0;
		}
	}
	/* Without optimization it depends on the lines of a macro's arguments, which are in one after preprocessing, where jumps go. */
	if (!compiles || !source || begins(base_name(source), "conftest.") || !optimizes)
		return 0;
	ending = strrchr(base_name(source), '.');
	if (!ending)
		return 0;
	if (is_one_of(ending, cxx))
		job->is_cxx = 1;
	else if (strcmp(ending, ".c") != 0)
		return 0;
	job->source = source;
	/* icecream names the list of headers by the last dot, wherever it is. */
	if (lists && !names_list && job->object && !strchr(base_name(job->object), '.'))
		return 0;
	/* Where gcc preprocesses alone, which icecream has it do, it does not know the object. */
	job->adds_target = lists && !names_target && job->object;
	return 1;
}
