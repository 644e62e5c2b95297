#include <ctype.h>
#include <stdio.h>

#include "words.h"

int next_word(char *word, size_t size)
{
	size_t length = 0;
	int letter;

	while ((letter = getchar()) != EOF) {
		if (isalpha(letter) && length + 1 < size)
			word[length++] = tolower(letter);
		else if (length > 0)
			break;
	}
	word[length] = '\0';
	return length > 0;
}
