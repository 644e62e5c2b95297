#include <stdio.h>
#include <sys/utsname.h>

int main(void)
{
	struct utsname here;

	return uname(&here) || printf("%s: %s, pointers of %zu bits\n", PLATFORM, here.machine, 8 * sizeof(void *)) < 0;
}
