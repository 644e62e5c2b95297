#include <stdio.h>

#include "words.h"

int main(void)
{
	char word[64];

	while (next_word(word, sizeof(word)))
		count_word(word);
	printf("%u different words\n", different_words());
	return 0;
}
