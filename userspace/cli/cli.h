/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lenscapctl: what its commands share.
 */
#ifndef LENSCAP_CLI_H
#define LENSCAP_CLI_H

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define CLI_SOCKET	"/run/lenscap/lenscapd.sock"
#define CLI_MODULE	"/sys/module/lenscap"
#define CLI_DAEMON	"lenscapd"
#define CLI_GATEWAY	"/etc/lenscap/gateway.yaml"
#define CLI_GROUP	"lenscap"

/* Exit codes, as lenscapctl(8) promises them. */
enum cli_exit {
	CLI_OK,
	CLI_REFUSED,		/* policy errors, a command that was refused */
	CLI_USAGE,
	CLI_UNREACHABLE,	/* no daemon answers */
	CLI_NO_MODULE,		/* it answers that lenscap.ko is not loaded */
	CLI_PERMISSION,
	CLI_UNCHECKED,		/* doctor could not look at everything */
};

/* What doctor found; its exit codes are no failures. */
enum cli_doctor {
	CLI_DOCTOR_WARNINGS = 1,
	CLI_DOCTOR_PROBLEMS = 2,
};

enum cli_json {
	CLI_JSON_OFF,
	CLI_JSON_PRETTY,
	CLI_JSON_COMPACT,
};

/**
 * struct cli - what the command line asked for
 * @socket: path of the control socket
 * @json: how results are printed
 * @color: standard output takes colours
 * @timeout: seconds that the daemon may stay silent
 * @limit: number of drop records, or of screens of top; 0 for no limit
 * @delay: seconds between two rounds of top
 * @max_age: days after which doctor calls a policy old
 * @guard: capture frames of this guard only, or NULL
 * @device: of this device, by name or MAC, or NULL
 * @reason: dropped for this reason, or NULL
 * @write: file to write to, "-" for standard output, or NULL
 * @group: NFLOG group, 0 for a free one
 * @snaplen: bytes of a frame, 0 for all
 * @rate: frames a second, 0 for the default
 * @count: end after so many frames, 0 for never
 * @duration: end after so many seconds, 0 for never
 * @from: period of a report, as it was given, or NULL
 * @to: its end
 * @html: file to write a page to, or NULL
 * @key: public keys, or NULL
 * @since_seal: file with a seal that was kept, or NULL
 * @database: file with a history, or NULL
 * @show: "key" or "seal", or NULL
 * @argc: operands after the command's name
 * @argv: the operands
 */
struct cli {
	const char *socket;
	enum cli_json json;
	bool color;
	unsigned int timeout;
	unsigned int limit;
	unsigned int max_age;
	const char *guard;
	const char *device;
	const char *reason;
	const char *write;
	unsigned int group;
	unsigned int snaplen;
	unsigned int rate;
	unsigned int count;
	unsigned int duration;
	unsigned int delay;
	bool names;
	bool follow;
	bool rollback;
	bool dry_run;
	bool gateway;
	bool policy;
	bool yes;
	bool open;
	bool verify;
	const char *from;
	const char *to;
	const char *html;
	const char *key;
	const char *since_seal;
	const char *database;
	const char *show;
	bool hits;
	bool batch;
	int argc;
	char **argv;
};

int cmd_check(const struct cli *cli);
int cmd_apply(const struct cli *cli);
int cmd_status(const struct cli *cli);
int cmd_devices(const struct cli *cli);
int cmd_profiles(const struct cli *cli);
int cmd_guards(const struct cli *cli);
int cmd_top(const struct cli *cli);
int cmd_drops(const struct cli *cli);
int cmd_reload(const struct cli *cli);
int cmd_disarm(const struct cli *cli);
int cmd_arm(const struct cli *cli);
int cmd_version(const struct cli *cli);
int cmd_doctor(const struct cli *cli);
int cmd_capture(const struct cli *cli);
int cmd_report(const struct cli *cli);

/**
 * cli_fail() - report a failure and name the exit code
 * @cli: the command line
 * @status: the exit code
 * @format: what went wrong and the way out
 *
 * People read it on standard error; with --json it is an answer object with
 * "ok" false on standard output, so that programs read one stream only.
 *
 * Return: @status.
 */
int cli_fail(const struct cli *cli, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A note for people on standard error; nothing with --json. */
void cli_note(const struct cli *cli, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void cli_print_json(const struct cli *cli, const json_t *value);

/* Prints text that came from elsewhere; control characters become '?'. */
void cli_put_clean(FILE *out, const char *text);

/* Ends the program when there is no memory: there is nothing to save. */
void *cli_alloc(void *memory) __attribute__((returns_nonnull));

/* Text to be freed. */
char *cli_format(const char *format, ...)
	__attribute__((format(printf, 1, 2), returns_nonnull));
char *cli_vformat(const char *format, va_list args)
	__attribute__((format(printf, 1, 0), returns_nonnull));

#endif /* LENSCAP_CLI_H */
