/* Where a build step finds the compile cluster (see ../stepMounts.sh). */
#ifndef CLUSTER
#define CLUSTER "/dev/.compile-cluster"
#endif
