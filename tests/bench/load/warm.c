// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded into every program that is timed under User Mode Linux: memory
 * that is there before the clock starts.
 *
 * There, the first touch of a page costs a hundred times what it costs on a
 * kernel that runs on the processor, so that programs with much memory would
 * be compared by their page faults. The heap is grown and touched once, and
 * malloc() neither asks for other memory nor gives any back. Then the time is
 * written to the file in WARM_CLOCK, and again when the program exits: what
 * lies between is the run.
 *
 * WARM_MB is how much memory. Children of the program are left alone.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/*
 * ipset asks for the number of the protocol and for two addresses with each
 * entry. Answering takes files that are opened, read and looked for each time:
 * system calls, which are as dear here. These need none.
 */
struct protoent *getprotobyname(const char *name)
{
	static struct protoent tcp = { .p_name = "tcp", .p_proto = IPPROTO_TCP };
	static struct protoent udp = { .p_name = "udp", .p_proto = IPPROTO_UDP };

	return !strcmp(name, "tcp") ? &tcp : !strcmp(name, "udp") ? &udp : NULL;
}

struct hostent *gethostbyname2(const char *name, int family)
{
	static struct {
		struct hostent host;
		char *list[2];
		char address[sizeof(struct in6_addr)];
	} answer;

	answer.list[0] = answer.address;
	answer.host.h_addr_list = answer.list;
	answer.host.h_addrtype = family;
	answer.host.h_length = family == AF_INET ? 4 : 16;
	return inet_pton(family, name, answer.address) == 1 ? &answer.host :
							      NULL;
}

/* lenscapd gives memory back after a load. Here it would have to be faulted in
 * again.
 */
int malloc_trim(size_t pad)
{
	(void)pad;
	return 0;
}

static int clock_fd = -1;

static void write_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	(void)dprintf(clock_fd, "%lld.%09ld\n", (long long)t.tv_sec,
		      t.tv_nsec);
}

/* In the guest's kernel first, then to the host at once, by a change of
 * protection, rather than page by page.
 */
static void touch(char *memory, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *from = memory + (-(size_t)memory & (page - 1));
	size_t len = (size - page) & -page;

	(void)madvise(from, len, MADV_POPULATE_WRITE);
	(void)mprotect(from, len, PROT_READ);
	(void)mprotect(from, len, PROT_READ | PROT_WRITE);
	memset(from, 0, len);
}

static void begin(void) __attribute__((constructor));
static void end(void) __attribute__((destructor));

static void begin(void)
{
	const char *mb = getenv("WARM_MB"), *path = getenv("WARM_CLOCK");
	size_t size = mb ? strtoul(mb, NULL, 10) << 20 : 0;
	char *memory;

	if (!size || !path)
		return;
	unsetenv("WARM_MB");
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, -1);
	mallopt(M_ARENA_MAX, 1);
	clock_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	memory = malloc(size);
	if (clock_fd < 0 || !memory) {
		(void)fputs("warm: no memory, or no file for the clock\n",
			    stderr);
		_exit(125);
	}
	touch(memory, size);
	free(memory);
	write_clock();
}

static void end(void)
{
	if (clock_fd >= 0)
		write_clock();
}
