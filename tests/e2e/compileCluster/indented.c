/* What is warned of for how it is written. */
int call(int which);

int both(int all)
{
	if (all)
		call(1);
		call(2);
	return all;
}
