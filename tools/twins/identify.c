/*
 * Prints BUILD-ID/HASH of each file that it is given: column `identity` of components/runner/emulation/twins.tsv. Built with
 * -DMACHINE=N and, for identity.h, -I of that folder.
 */
#include <fcntl.h>
#include <unistd.h>

#include "identity.h"

static int everything(const char *build_id)
{
	(void)build_id;
	return 1;
}

int main(int argc, char **argv)
{
	for (int at = 1; at < argc; at++) {
		struct identity identity;
		int file = open(argv[at], O_RDONLY | O_CLOEXEC);

		if (file < 0 || !identify(file, everything, &identity)) {
			fprintf(stderr, "%s: no program of machine %d with a build id\n", argv[at], MACHINE);
			return 1;
		}
		printf("%s/%s\n", identity.build_id, identity.hash);
		close(file);
	}
	return 0;
}
