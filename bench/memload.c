/*
 * Loads memcached: requests per second. usage: memload SOCKET CONNECTIONS SECONDS
 *
 * Each connection to the Unix socket has one request under way. One request of ten is a set, the others are gets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define KEYS 1000
#define VALUE 100

static char requests[KEYS][2][VALUE + 64]; /* get, set */
static unsigned long sent;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void make_requests(void)
{
	for (int key = 0; key < KEYS; key++) {
		snprintf(requests[key][0], sizeof(requests[key][0]), "get key%d\r\n", key);
		snprintf(requests[key][1], sizeof(requests[key][1]), "set key%d 0 0 %d\r\n%0*d\r\n", key, VALUE, VALUE,
			 key);
	}
}

static int open_connection(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	return fd;
}

static void send_request(int fd)
{
	const char *request = requests[sent * 7 % KEYS][sent % 10 == 0 || sent < KEYS];
	size_t length = strlen(request);

	sent++;
	if (write(fd, request, length) != (ssize_t)length)
		exit(EXIT_FAILURE);
}

/* Takes an answer, which is small and comes as a whole. */
static void take_answer(int fd)
{
	char answer[1024];
	ssize_t size = read(fd, answer, sizeof(answer));

	if (size < 2 || answer[size - 1] != '\n' || (answer[0] != 'S' && answer[0] != 'V' && answer[0] != 'E'))
		exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	int connections = argc > 3 ? atoi(argv[2]) : 0, poll = epoll_create1(0);
	double start, end;

	if (connections < 1)
		return EXIT_FAILURE;
	make_requests();
	start = now();
	end = start + atof(argv[3]);
	for (int i = 0; i < connections; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.fd = open_connection(argv[1]) };

		epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event);
		send_request(event.data.fd);
	}
	while (now() < end) {
		struct epoll_event events[64];
		int ready = epoll_wait(poll, events, 64, 1000);

		for (int i = 0; i < ready; i++) {
			take_answer(events[i].data.fd);
			send_request(events[i].data.fd);
		}
	}
	printf("%.1f\n", (double)sent / (now() - start));
	return EXIT_SUCCESS;
}
