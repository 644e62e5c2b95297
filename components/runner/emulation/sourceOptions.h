/*
 * Of compilers that are not the same as their originals with options that a source can ask for (`asked` in twins.tsv), by
 * `__attribute__((optimize("...")))` or `#pragma GCC optimize`. A compiler reads such a text, joined and without macros, and looks
 * for commas in it: where the text has such an option, what includes this leaves the source to the original.
 *
 * OPTIONS are these options, as strings with commas. It has no libraries, so that it fits those of any release.
 */
#include <string.h>

static void leave_to_original(void);

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
	if (letter == ',' && has_option(text))
		leave_to_original();
	char *found = strchrnul(text, letter);

	return *found == (char)letter ? found : NULL;
}
