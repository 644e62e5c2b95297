/*
 * answers ADDRESS PORT: prints the version of icecream's protocol that is spoken there. False where nobody listens, or says
 * nothing: whoever accepts a connection begins with it, four bytes, the lowest first.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* A scheduler that has just accepted a connection waits up to the next signal of its node (see cluster.sh) for another. */
#ifndef SECONDS
#define SECONDS 5
#endif

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct timeval to_connect = { .tv_sec = 1 }, to_say = { .tv_sec = SECONDS };
	unsigned char version[4];
	int descriptor = socket(AF_INET, SOCK_STREAM, 0);

	if (argc != 3 || descriptor < 0 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1)
		return 2;
	address.sin_port = htons(atoi(argv[2]));
	setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &to_connect, sizeof(to_connect));
	setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &to_say, sizeof(to_say));
	if (connect(descriptor, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    recv(descriptor, version, sizeof(version), MSG_WAITALL) != sizeof(version))
		return 1;
	printf("%u\n", version[0] | version[1] << 8 | version[2] << 16 | (unsigned)version[3] << 24);
	return 0;
}
