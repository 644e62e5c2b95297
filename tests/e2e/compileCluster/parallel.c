/* Pragmas that are the compiler's: threads, and another name. */
#pragma redefine_extname started started_elsewhere
int started(int at);

int run(int count)
{
	int sum = 0;

#pragma omp parallel for reduction(+ : sum)
	for (int at = 0; at < count; at++)
		sum += started(at);
	return sum;
}
