/*
 * Loaded by what compiles on a helper of another machine, where that is not the same as the original with options that a source
 * can ask for: fails, so that the step's own compiler does it (see clusterFront.c).
 */
#define _GNU_SOURCE
#include <unistd.h>

#include "sourceOptions.h"

static void leave_to_original(void)
{
	_exit(1);
}
