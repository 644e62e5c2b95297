/* Where a build step finds the compile cluster (see ../stepMounts.sh). */
#ifndef CLUSTER
#define CLUSTER "/dev/.compile-cluster"
#endif
/*
 * A variable by which the client is told two descriptors: of the file into which its preprocessor is to say what it says, and of one
 * that gets a byte when it has a preprocessor, as it has for what is compiled elsewhere. A third number is 1 where the source is to be
 * read first (see clusterClient.c).
 */
#define PREPROCESSOR "COMPILE_CLUSTER_PREPROCESSOR"
/* What the runner remembers of sources (see clusterWarned.h). */
#ifndef WARNED
#define WARNED CLUSTER ".warned"
#endif
