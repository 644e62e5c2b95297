#include <stddef.h>

/* The next word of standard input, in small letters; 0 at its end. */
int next_word(char *word, size_t size);

/* Counts a word. */
void count_word(const char *word);

/* How many different words were counted. */
unsigned different_words(void);
