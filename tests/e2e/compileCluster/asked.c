/* What a source asks for: with it the helpers of some machines are not the same (`asked` in twins.tsv). */
int fill(char *text);

__attribute__((optimize("stack-protector-strong"))) int guarded(void)
{
	char text[64];

	return fill(text);
}
