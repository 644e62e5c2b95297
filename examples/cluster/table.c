#include <string.h>

#include "words.h"

static struct {
	char word[64];
	unsigned count;
} table[4096];
static unsigned used;

void count_word(const char *word)
{
	unsigned at = 0;

	while (at < used && strcmp(table[at].word, word) != 0)
		at++;
	if (at == sizeof(table) / sizeof(*table))
		return;
	if (at == used)
		strcpy(table[used++].word, word);
	table[at].count++;
}

unsigned different_words(void)
{
	return used;
}
