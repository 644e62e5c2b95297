/*
 * What a preprocessed source has that a helper would not compile as the step's own compiler compiles the source. For
 * clusterClient.c, which sees it in pieces.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/*
 * gcc -E does not do what some pragmas say: macros of the target or the optimization that they ask for are not defined, and what the
 * preprocessor warns of does not become an error. The compiler's own headers have such pragmas too, but no such macro behind them.
 */
static int is_alike_directive(const char *line)
{
	static const char *const pragmas[] = { "target", "optimize", "diagnostic error", "diagnostic warning" };
	static const char pragma[] = "#pragma GCC ";
	static const char own[] = "\"/usr/lib/gcc";
	static int is_of_compiler;

	if (strncmp(line, "# ", 2) == 0) {
		const char *file = strchr(line, '"');

		is_of_compiler = file && strncmp(file, own, sizeof(own) - 1) == 0;
		return 1;
	}
	if (strncmp(line, pragma, sizeof(pragma) - 1) != 0)
		return 1;
	line += sizeof(pragma) - 1;
	/* Of a header that was compiled before, here. */
	if (strncmp(line, "pch_preprocess", 14) == 0)
		return 0;
	for (size_t at = 0; at < sizeof(pragmas) / sizeof(*pragmas); at++)
		if (!is_of_compiler && strncmp(line, pragmas[at], strlen(pragmas[at])) == 0)
			return 0;
	return 1;
}

/* Whether a function may be one that is not optimized: `optimize(0)`, `__optimize__ ("O0")`. */
static int sets_optimization(const char *line)
{
	while ((line = strstr(line, "optimize"))) {
		line += strlen("optimize");
		line += strspn(line, "_ ");
		if (*line != '(')
			continue;
		line += 1 + strspn(line + 1, " ");
		if (*line == '"' || *line == '\0' || isdigit((unsigned char)*line))
			return 1;
	}
	return 0;
}

/* Lines and columns are not the same after preprocessing, which has a macro's arguments in one line. */
static int is_alike(const char *line)
{
	if (line[0] == '#')
		return is_alike_directive(line);
	return !strstr(line, "__builtin_LINE") && !strstr(line, "__builtin_source_location") && !sets_optimization(line);
}

/* Of a piece, with what came before it: whether all lines that end in it are. Also false where there is no memory. */
static int is_alike_so_far(const char *piece, size_t size)
{
	static char *line;
	static size_t length, room;

	while (size > 0) {
		const char *end = memchr(piece, '\n', size);
		size_t part = end ? (size_t)(end - piece) : size;

		if (length + part + 1 > room) {
			room = 2 * (length + part + 1);
			line = realloc(line, room);
			if (!line)
				return 0;
		}
		memcpy(line + length, piece, part);
		length += part;
		if (!end)
			return 1;
		line[length] = '\0';
		if (!is_alike(line))
			return 0;
		length = 0;
		piece = end + 1;
		size -= part + 1;
	}
	return 1;
}
