/*
 * The program of connect.py: connects to an address, or sends to it, and says who answers, and what the peer is.
 * usage: connect-program stream|nonblocking|datagram inet|inet6|unix ADDRESS [PORT]; or peer FD
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGES 3

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

static socklen_t make(union address *address, char **words)
{
	memset(address, 0, sizeof(*address));
	if (strcmp(words[0], "inet") == 0) {
		address->in.sin_family = AF_INET;
		address->in.sin_port = htons((uint16_t)atoi(words[2]));
		inet_pton(AF_INET, words[1], &address->in.sin_addr);
		return sizeof(address->in);
	}
	if (strcmp(words[0], "inet6") == 0) {
		address->in6.sin6_family = AF_INET6;
		address->in6.sin6_port = htons((uint16_t)atoi(words[2]));
		inet_pton(AF_INET6, words[1], &address->in6.sin6_addr);
		return sizeof(address->in6);
	}
	address->un.sun_family = AF_UNIX;
	strcpy(address->un.sun_path, words[1]);
	if (*words[1] == '@')
		address->un.sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(words[1]) + (*words[1] != '@'));
}

static void say(const char *what, const union address *address, socklen_t size)
{
	char host[64] = "?";
	int length = (int)(size - offsetof(struct sockaddr_un, sun_path));

	if (address->any.sa_family == AF_INET)
		printf("%s %s %d %u\n", what, inet_ntop(AF_INET, &address->in.sin_addr, host, sizeof(host)),
		       ntohs(address->in.sin_port), size);
	else if (address->any.sa_family == AF_INET6)
		printf("%s %s %d %u\n", what, inet_ntop(AF_INET6, &address->in6.sin6_addr, host, sizeof(host)),
		       ntohs(address->in6.sin6_port), size);
	else if (size > offsetof(struct sockaddr_un, sun_path) && address->un.sun_path[0])
		printf("%s %.*s %u\n", what, length, address->un.sun_path, size);
	else
		printf("%s @%.*s %u\n", what, length - 1, address->un.sun_path + 1, size);
	fflush(stdout);
}

static int peer(const char *what, int fd)
{
	union address address;
	socklen_t size = sizeof(address);
	struct {
		struct sockaddr_in in;
		unsigned char more[4];
	} cut;

	if (getpeername(fd, &address.any, &size) != 0)
		return 1;
	say(what, &address, size);
	/* A small buffer gets what fits, and the size of all. */
	memset(&cut, 0x5a, sizeof(cut));
	size = 4;
	if (getpeername(fd, (struct sockaddr *)&cut, &size) != 0 || memcmp(&cut, &address, 4) != 0 ||
	    ((unsigned char *)&cut)[4] != 0x5a)
		return 1;
	return 0;
}

static void *peer_in_thread(void *fd)
{
	return (void *)(long)peer("thread", (int)(long)fd);
}

static int stream(char **words, int nonblocking)
{
	union address address;
	socklen_t size = make(&address, words + 1), error_size = sizeof(int);
	int fd = socket(address.any.sa_family, SOCK_STREAM | (nonblocking ? SOCK_NONBLOCK : 0), 0), error = 0, status;
	struct pollfd ready = { fd, POLLOUT, 0 };
	char answer[64] = "", number[16];
	pthread_t thread;
	void *result;

	if (connect(fd, &address.any, size) != 0) {
		if (errno != EINPROGRESS)
			return printf("%s\n", strerrorname_np(errno)), 3;
		poll(&ready, 1, 5000);
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size);
		if (error)
			return printf("%s\n", strerrorname_np(error)), 3;
		fcntl(fd, F_SETFL, 0);
	}
	if (write(fd, "hello", 5) != 5 || read(fd, answer, sizeof(answer) - 1) <= 0)
		return 1;
	printf("%s\n", answer);
	if (peer("peer", fd) || pthread_create(&thread, NULL, peer_in_thread, (void *)(long)fd) ||
	    pthread_join(thread, &result) || result)
		return 1;
	fflush(stdout);
	if (fork() == 0)
		_exit(peer("child", dup(fd)));
	wait(&status);
	snprintf(number, sizeof(number), "%d", fd);
	execl(words[-1], words[-1], "peer", number, (char *)NULL);
	return 1;
}

static int datagram(char **words)
{
	union address address, from[MESSAGES], local = { .un = { .sun_family = AF_UNIX } };
	socklen_t size = make(&address, words + 1), from_size = sizeof(from[0]);
	char text[MESSAGES][64];
	struct iovec part[MESSAGES];
	struct mmsghdr message[MESSAGES];
	int fd = socket(address.any.sa_family, SOCK_DGRAM, 0);

	if (address.any.sa_family == AF_UNIX)
		bind(fd, &local.any, sizeof(sa_family_t));
	if (sendto(fd, "sendto", 6, 0, &address.any, size) != 6)
		return printf("%s\n", strerrorname_np(errno)), 3;
	memset(text, 0, sizeof(text));
	if (recvfrom(fd, text[0], 63, 0, &from[0].any, &from_size) <= 0)
		return 1;
	say(text[0], &from[0], from_size);
	for (int i = 0; i < MESSAGES; i++) {
		part[i] = (struct iovec){ "send", (size_t)i + 2 };
		message[i] = (struct mmsghdr){ .msg_hdr = { &address, size, &part[i], 1, NULL, 0, 0 } };
	}
	if (sendmsg(fd, &message[0].msg_hdr, 0) != 2 || sendmmsg(fd, message, MESSAGES, 0) != MESSAGES ||
	    message[2].msg_len != 4 || message[1].msg_hdr.msg_name != &address)
		return 1;
	memset(text, 0, sizeof(text));
	for (int i = 0; i < MESSAGES; i++) {
		part[i] = (struct iovec){ text[i], 63 };
		message[i].msg_hdr.msg_name = &from[i];
		message[i].msg_hdr.msg_namelen = sizeof(from[i]);
	}
	if (recvmsg(fd, &message[0].msg_hdr, 0) <= 0)
		return 1;
	say(text[0], &from[0], message[0].msg_hdr.msg_namelen);
	message[0].msg_hdr.msg_namelen = sizeof(from[0]);
	memset(text, 0, sizeof(text));
	if (recvmmsg(fd, message, MESSAGES, MSG_WAITFORONE, NULL) < 1)
		return 1;
	say(text[0], &from[0], message[0].msg_hdr.msg_namelen);
	/* One that is connected has a peer, until it is connected to nothing. */
	if (connect(fd, &address.any, size) != 0 || peer("peer", fd))
		return 1;
	address.any.sa_family = AF_UNSPEC;
	if (words[1][0] == 'i' && (connect(fd, &address.any, sizeof(address.in)) != 0 || peer("none", fd) == 0))
		return 1;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (strcmp(argv[1], "peer") == 0)
		return peer("executed", atoi(argv[2]));
	if (strcmp(argv[1], "datagram") == 0)
		return datagram(argv + 1);
	return stream(argv + 1, argv[1][0] == 'n');
}
