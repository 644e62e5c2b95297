/* Where a build step finds the compile cluster (see mountToolchains.sh). */
#ifndef CLUSTER
#define CLUSTER "/dev/.compile-cluster"
#endif
