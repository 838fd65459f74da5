// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscap-exporter: the daemon's state as metrics, over HTTP.
 */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "listen.h"
#include "mem.h"
#include "privileges.h"
#include "say.h"
#include "serve.h"
#include "text.h"

#define DEFAULT_LISTEN	"127.0.0.1:9477"
#define DEFAULT_SOCKET	"/run/lenscap/lenscapd.sock"
/* Less than Prometheus waits (10 s), so that it hears lenscap_daemon_up 0. */
#define DEFAULT_SECONDS	8
#define SECONDS_MAX	600
#define PEM_MAX		(1L << 20)

enum exit_status {
	EXIT_GOOD,
	EXIT_FAILED,
	EXIT_USAGE,
};

/* What the command line says; NULL for what it does not. */
struct options {
	const char *listen, *unix_path, *socket, *aggregate, *timeout;
	const char *certificate, *key, *users;
};

static void usage(FILE *to)
{
	(void)fputs(
"usage: lenscap-exporter [OPTION]...\n"
"\n"
"Serves what lenscapd knows to Prometheus, at /metrics.\n"
"\n"
"  --listen ADDRESS:PORT   where to serve (default: " DEFAULT_LISTEN ")\n"
"  --unix PATH             serve on a UNIX socket instead\n"
"  --socket PATH           lenscapd's control socket\n"
"                          (default: " DEFAULT_SOCKET ")\n"
"  --aggregate profile     add devices up by profile, for very large sites\n"
"  --timeout SECONDS       how long lenscapd may take (default: 8)\n"
"  --tls-cert FILE         serve HTTPS with this certificate (PEM)\n"
"  --tls-key FILE          and this key\n"
"  --basic-auth FILE       who may read: lines USER:HASH, as htpasswd -B writes\n"
"  --help, --version\n", to);
}

/* Returns -1 to go on, or the exit status. */
static int parse(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "unix", required_argument, NULL, 'u' },
		{ "socket", required_argument, NULL, 's' },
		{ "aggregate", required_argument, NULL, 'a' },
		{ "timeout", required_argument, NULL, 't' },
		{ "tls-cert", required_argument, NULL, 'c' },
		{ "tls-key", required_argument, NULL, 'k' },
		{ "basic-auth", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'l':
			options->listen = optarg;
			break;
		case 'u':
			options->unix_path = optarg;
			break;
		case 's':
			options->socket = optarg;
			break;
		case 'a':
			options->aggregate = optarg;
			break;
		case 't':
			options->timeout = optarg;
			break;
		case 'c':
			options->certificate = optarg;
			break;
		case 'k':
			options->key = optarg;
			break;
		case 'b':
			options->users = optarg;
			break;
		case 'h':
			usage(stdout);
			return EXIT_GOOD;
		case 'V':
			(void)printf("lenscap-exporter %s\n", LENSCAP_VERSION);
			return EXIT_GOOD;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	say("it takes no arguments but options: %s", argv[optind]);
	return EXIT_USAGE;
}

static bool check(const struct options *options, struct source *source)
{
	uint64_t seconds = DEFAULT_SECONDS;

	if (options->listen && options->unix_path) {
		say("--listen and --unix: choose one, and start another process for the other");
		return false;
	}
	if (options->aggregate && strcmp(options->aggregate, "profile") != 0) {
		say("--aggregate %s: \"profile\" is all that devices can be added up by",
		    options->aggregate);
		return false;
	}
	if (!options->certificate != !options->key) {
		say("--tls-cert and --tls-key belong together: give both");
		return false;
	}
	if (options->timeout &&
	    (!text_number(options->timeout, &seconds) || !seconds ||
	     seconds > SECONDS_MAX)) {
		say("--timeout %s: must be 1 to %d seconds", options->timeout,
		    SECONDS_MAX);
		return false;
	}
	source->socket = options->socket ? options->socket : DEFAULT_SOCKET;
	source->seconds = (unsigned int)seconds;
	source->profiles = options->aggregate;
	return true;
}

/* A whole file as text; NULL after having said why not. */
static char *read_file(const char *option, const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = mem_alloc(PEM_MAX + 1);
	size_t len = 0;

	if (file)
		len = fread(text, 1, PEM_MAX, file);
	if (!file || ferror(file) || !len) {
		say("%s %s: %s", option, path, !file || ferror(file) ?
		    strerror(errno) : "the file is empty");
		free(text);
		text = NULL;
	} else {
		text[len] = '\0';
	}
	if (file)
		fclose(file);
	return text;
}

static void warn_open(const struct options *options, bool loopback)
{
	if (loopback || (options->certificate && options->users))
		return;
	say("warning: other machines can connect, and %s: see --basic-auth, --tls-cert",
	    options->users ? "passwords travel in the clear" :
			     "anybody among them may read which cameras there are");
}

static int open_listener(const struct options *options, char *name,
			 size_t size)
{
	bool loopback = true;
	char where[80];
	int fd;

	if (options->unix_path) {
		snprintf(name, size, "%s", options->unix_path);
		return listen_unix(options->unix_path);
	}
	fd = listen_tcp(options->listen ? options->listen : DEFAULT_LISTEN,
			where, sizeof(where), &loopback);
	if (fd < 0)
		return fd;
	snprintf(name, size, "%s://%s/metrics", options->certificate ?
		 "https" : "http", where);
	warn_open(options, loopback);
	return fd;
}

/* Until somebody ends it. */
static int run(const struct service *service, int fd, const char *name,
	       const sigset_t *signals)
{
	struct MHD_Daemon *http = serve_start(service, fd);
	int number;

	if (!http)
		return EXIT_FAILED;
	say("serving at %s", name);
	sd_notify(0, "READY=1");
	sigwait(signals, &number);
	sd_notify(0, "STOPPING=1");
	serve_stop(http);
	return EXIT_GOOD;
}

static int start(const struct options *options, const sigset_t *signals)
{
	struct service service = { 0 };
	char *certificate = NULL, *key = NULL;
	int status = EXIT_FAILED, fd = -1;
	struct auth auth = { 0 };
	bool good = true;
	char name[128];

	if (!check(options, &service.source))
		return EXIT_USAGE;
	if (options->users)
		good = auth_load(&auth, options->users);
	if (good && options->key) {
		certificate = read_file("--tls-cert", options->certificate);
		key = read_file("--tls-key", options->key);
		good = certificate && key;
	}
	if (good)
		fd = open_listener(options, name, sizeof(name));
	if (fd >= 0 && privileges_drop(service.source.socket)) {
		service.auth = options->users ? &auth : NULL;
		service.certificate = certificate;
		service.key = key;
		status = run(&service, fd, name, signals);
	}
	/* Where root made it, it stays; the next start takes it over. */
	if (fd >= 0 && options->unix_path)
		unlink(options->unix_path);
	if (key)
		explicit_bzero(key, strlen(key));
	free(key);
	free(certificate);
	auth_free(&auth);
	return status;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	sigset_t signals;
	int status = parse(argc, argv, &options);

	if (status >= 0)
		return status;
	/* Before any thread: all inherit it, and only sigwait() hears them. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	/*
	 * A heap for each thread would keep what the largest scrape of each
	 * took; and large snapshots go back to the system when they are freed.
	 */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	return start(&options, &signals);
}
