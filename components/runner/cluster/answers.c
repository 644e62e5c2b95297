/*
 * answers ADDRESS PORT: whether anybody listens there, within a second. Shells have no other way to know.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct timeval limit = { .tv_sec = 1 };
	int descriptor = socket(AF_INET, SOCK_STREAM, 0);

	if (argc != 3 || descriptor < 0 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1)
		return 2;
	address.sin_port = htons(atoi(argv[2]));
	setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return connect(descriptor, (struct sockaddr *)&address, sizeof(address)) != 0;
}
