/* Where a build step finds the compile cluster (see ../stepMounts.sh). */
#ifndef CLUSTER
#define CLUSTER "/dev/.compile-cluster"
#endif
/* A variable by which the client is told the descriptor of the file into which its preprocessor is to say what it says. */
#define PREPROCESSOR_SAYS "COMPILE_CLUSTER_PREPROCESSOR_SAYS"
