// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl: the command line of Lenscap. Two tables say what there is:
 * commands, and options with the commands that take them.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "suggest.h"

#define DEFAULT_TIMEOUT	120	/* seconds; a large policy takes a while */
#define DEFAULT_MAX_AGE	180	/* days */
#define DEFAULT_DELAY	2	/* seconds */
#define ANY_NUMBER	1000000

enum option_id {
	OPT_SOCKET,
	OPT_JSON,
	OPT_NO_COLOR,
	OPT_TIMEOUT,
	OPT_HELP,
	OPT_VERSION,
	OPT_NAMES,
	OPT_FOLLOW,
	OPT_LIMIT,
	OPT_ROLLBACK,
	OPT_DRY_RUN,
	OPT_GATEWAY,
	OPT_POLICY,
	OPT_YES,
	OPT_OPEN,
	OPT_MAX_AGE,
	OPT_GUARD,
	OPT_DEVICE,
	OPT_REASON,
	OPT_WRITE,
	OPT_GROUP,
	OPT_SNAPLEN,
	OPT_RATE,
	OPT_FRAMES,
	OPT_DURATION,
	OPT_FROM,
	OPT_TO,
	OPT_HTML,
	OPT_VERIFY,
	OPT_KEY,
	OPT_SINCE_SEAL,
	OPT_DATABASE,
	OPT_SHOW,
	OPT_HITS,
	OPT_BATCH,
	OPT_DELAY,
	OPT_COUNT,
};

#define BIT(option) (1ULL << (option))
#define GLOBAL (BIT(OPT_SOCKET) | BIT(OPT_JSON) | BIT(OPT_NO_COLOR) | \
		BIT(OPT_TIMEOUT) | BIT(OPT_HELP) | BIT(OPT_VERSION))
#define CAPTURE (BIT(OPT_GUARD) | BIT(OPT_DEVICE) | BIT(OPT_REASON) | \
		 BIT(OPT_WRITE) | BIT(OPT_GROUP) | BIT(OPT_SNAPLEN) | \
		 BIT(OPT_RATE) | BIT(OPT_FRAMES) | BIT(OPT_DURATION))

/**
 * struct option_text - one option
 * @name: without the dashes
 * @letter: its short form, 0 for none
 * @argument: what it takes, NULL for nothing; "[=" if it may be left out
 * @help: what it does
 */
struct option_text {
	const char *name;
	char letter;
	const char *argument;
	const char *help;
};

static const struct option_text options[OPT_COUNT] = {
	[OPT_SOCKET] = { "socket", 's', "PATH",
		"control socket (default: " CLI_SOCKET ")" },
	[OPT_JSON] = { "json", 'j', "[=compact]",
		"print the result as JSON, indented or on one line" },
	[OPT_NO_COLOR] = { "no-color", 0, NULL,
		"no colours; NO_COLOR in the environment does the same" },
	[OPT_TIMEOUT] = { "timeout", 't', "SECONDS",
		"how long the daemon may stay silent (default: 120)" },
	[OPT_HELP] = { "help", 'h', NULL, "show help and exit" },
	[OPT_VERSION] = { "version", 'V', NULL, "show versions and exit" },
	[OPT_NAMES] = { "names", '1', NULL, "names only, one a line" },
	[OPT_FOLLOW] = { "follow", 'f', NULL,
		"print drops as they come, until Ctrl-C" },
	[OPT_LIMIT] = { "limit", 'n', "N",
		"the newest N records only; with --follow, these first; of top --batch, N screens" },
	[OPT_ROLLBACK] = { "rollback", 0, NULL,
		"a revision older than the live one is meant" },
	[OPT_DRY_RUN] = { "dry-run", 0, NULL,
		"say what would happen and change nothing" },
	[OPT_GATEWAY] = { "gateway", 0, NULL,
		"take the files for gateway files, whatever their keys" },
	[OPT_POLICY] = { "policy", 0, NULL,
		"take the files for policies, whatever their keys" },
	[OPT_YES] = { "yes", 'y', NULL, "do not ask" },
	[OPT_OPEN] = { "open", 0, NULL,
		"have the interlock let its cameras through, instead of cutting them off" },
	[OPT_MAX_AGE] = { "max-age", 0, "DAYS",
		"warn of a policy that is live for longer (default: 180)" },
	[OPT_GUARD] = { "guard", 0, "GUARD", "frames of this guard only" },
	[OPT_DEVICE] = { "device", 0, "NAME|MAC",
		"frames of this device only, or from this MAC" },
	[OPT_REASON] = { "reason", 0, "REASON",
		"frames dropped for this reason only" },
	[OPT_WRITE] = { "write", 'w', "FILE",
		"write pcapng; \"-\" for standard output" },
	[OPT_GROUP] = { "group", 0, "N",
		"NFLOG group (with --write: a free one if not given)" },
	[OPT_SNAPLEN] = { "snaplen", 0, "BYTES",
		"of each packet only so many (default: all)" },
	[OPT_RATE] = { "rate", 0, "N",
		"at most N frames a second (default: 1000)" },
	[OPT_FRAMES] = { "count", 'c', "N", "end after N frames" },
	[OPT_DURATION] = { "duration", 0, "SECONDS", "end after so long" },
	[OPT_FROM] = { "from", 0, "TIME",
		"begin of the period: 2026-11-26, 2026-11-26T14:00, today, -7d (the default)" },
	[OPT_TO] = { "to", 0, "TIME",
		"its end; a day is taken whole (default: now)" },
	[OPT_HTML] = { "html", 0, "FILE",
		"write a page that needs nothing else, and prints well" },
	[OPT_VERIFY] = { "verify", 0, NULL,
		"say whether the history was altered, or rows removed" },
	[OPT_KEY] = { "key", 0, "FILE",
		"believe seals by these public keys only" },
	[OPT_SINCE_SEAL] = { "since-seal", 0, "FILE",
		"a seal that was kept: what it vouches for must be there" },
	[OPT_DATABASE] = { "database", 0, "FILE",
		"the history (default: that of " CLI_GATEWAY ")" },
	[OPT_SHOW] = { "show", 0, "key|seal",
		"print the public key, or the newest seal, to be kept elsewhere" },
	[OPT_HITS] = { "hits", 0, NULL,
		"how often each rule permitted a frame, and which never did" },
	[OPT_BATCH] = { "batch", 'b', NULL,
		"print screens one after the other, without a terminal" },
	[OPT_DELAY] = { "delay", 'd', "SECONDS",
		"time between two looks (default: 2)" },
};

/**
 * struct command - one command
 * @name: its name
 * @operands: what follows it, for people
 * @least: number of operands, at least
 * @most: at most
 * @options: bits of the options that it takes besides the global ones
 * @run: does it; NULL for help
 * @summary: what it does
 */
struct command {
	const char *name;
	const char *operands;
	int least;
	int most;
	uint64_t options;
	int (*run)(const struct cli *cli);
	const char *summary;
};

static const struct command commands[] = {
	{ "check", "FILE...", 1, ANY_NUMBER,
	  BIT(OPT_GATEWAY) | BIT(OPT_POLICY), cmd_check,
	  "judge policy and gateway files, without the daemon" },
	{ "apply", "FILE", 1, 1, BIT(OPT_ROLLBACK) | BIT(OPT_DRY_RUN),
	  cmd_apply, "make a policy live" },
	{ "status", "", 0, 0, 0, cmd_status,
	  "is it enforcing, what is live, what needs attention" },
	{ "doctor", "", 0, 0, BIT(OPT_MAX_AGE), cmd_doctor,
	  "what Lenscap can not see on this gateway, or would defeat it" },
	{ "devices", "[NAME]", 0, 1, BIT(OPT_NAMES), cmd_devices,
	  "cameras and their counters" },
	{ "profiles", "[NAME]", 0, 1, BIT(OPT_NAMES) | BIT(OPT_HITS),
	  cmd_profiles, "profiles; with a name, its rules" },
	{ "guards", "", 0, 0, BIT(OPT_NAMES), cmd_guards,
	  "guarded interfaces, their state and reasons of drops" },
	{ "drops", "", 0, 0, BIT(OPT_FOLLOW) | BIT(OPT_LIMIT), cmd_drops,
	  "who wanted to talk to whom, and why it was dropped" },
	{ "capture", "", 0, 0, CAPTURE, cmd_capture,
	  "see dropped frames: as pcapng, or in an NFLOG group" },
	{ "report", "", 0, 0, BIT(OPT_FROM) | BIT(OPT_TO) | BIT(OPT_HTML) |
	  BIT(OPT_VERIFY) | BIT(OPT_KEY) | BIT(OPT_SINCE_SEAL) |
	  BIT(OPT_DATABASE) | BIT(OPT_SHOW), cmd_report,
	  "who called whom in a period, and proof of it" },
	{ "top", "[FILTER]", 0, 1,
	  BIT(OPT_BATCH) | BIT(OPT_DELAY) | BIT(OPT_LIMIT), cmd_top,
	  "devices and denied destinations, live" },
	{ "reload", "", 0, 0, 0, cmd_reload,
	  "have the daemon read gateway.yaml and its policy again" },
	{ "disarm", "[GUARD]", 0, 1, BIT(OPT_YES) | BIT(OPT_OPEN), cmd_disarm,
	  "stop judging, on one guard or all" },
	{ "arm", "[GUARD]", 0, 1, 0, cmd_arm,
	  "judge again what was disarmed" },
	{ "version", "", 0, 0, 0, cmd_version,
	  "versions of command line, daemon and module" },
	{ "help", "[COMMAND]", 0, 1, 0, NULL, "show help" },
};

static const char exit_codes[] =
	"Exit codes:\n"
	"  0  done\n"
	"  1  refused or failed: errors in a policy, a command that was refused\n"
	"  2  wrong usage\n"
	"  3  the daemon cannot be reached\n"
	"  4  the module is not loaded\n"
	"  5  no permission\n"
	"  6  doctor could not check everything; it found no problem\n"
	"doctor: 1 for warnings, 2 for problems\n";

static void put_options(FILE *out, uint64_t set)
{
	for (size_t i = 0; i < OPT_COUNT; i++) {
		const struct option_text *option = &options[i];
		char letter[8] = "    ", name[32];

		if (!(set & BIT(i)))
			continue;
		if (option->letter)
			snprintf(letter, sizeof(letter), "-%c, ",
				 option->letter);
		snprintf(name, sizeof(name), "--%s%s%s", option->name,
			 option->argument && *option->argument != '[' ? " " : "",
			 option->argument ? option->argument : "");
		fprintf(out, "  %s%-20s %s\n", letter, name, option->help);
	}
}

static void put_help(FILE *out, const struct command *command)
{
	if (command) {
		fprintf(out, "Usage: lenscapctl %s%s%s%s\n\n%s\n",
			command->name, command->options ? " [OPTION...]" : "",
			*command->operands ? " " : "", command->operands,
			command->summary);
		if (command->options) {
			fputs("\nOptions:\n", out);
			put_options(out, command->options);
		}
		fputs("\nOptions of all commands:\n", out);
		put_options(out, GLOBAL);
		return;
	}
	fputs("Usage: lenscapctl [OPTION...] COMMAND [ARGUMENT...]\n\nCommands:\n",
	      out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		char name[32];

		snprintf(name, sizeof(name), "%s %s", commands[i].name,
			 commands[i].operands);
		fprintf(out, "  %-18s %s\n", name, commands[i].summary);
	}
	fputs("\nOptions of all commands:\n", out);
	put_options(out, GLOBAL);
	fprintf(out, "\n%s\n\"lenscapctl help COMMAND\" shows the options of one command; lenscapctl(8) tells all.\n",
		exit_codes);
}

static const struct command *find_command(const char *name)
{
	struct suggest suggest = { .word = name };
	char text[SUGGEST_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(name, commands[i].name))
			return &commands[i];
		suggest_offer(&suggest, commands[i].name);
	}
	fputs("lenscapctl: there is no command \"", stderr);
	cli_put_clean(stderr, name);
	fprintf(stderr, "\"%s; \"lenscapctl help\" lists them\n",
		suggest_text(&suggest, text));
	return NULL;
}

/* A whole number from 1 to @top; 0 if it is none. */
static unsigned int parse_number(const char *text, unsigned long top)
{
	unsigned long number;
	char *end;

	if (*text < '0' || *text > '9')
		return 0;
	errno = 0;
	number = strtoul(text, &end, 10);
	return errno || *end || number > top ? 0 : (unsigned int)number;
}

static bool wrong_value(enum option_id id, const char *text, const char *wanted)
{
	fprintf(stderr, "lenscapctl: --%s %s: it takes %s\n", options[id].name,
		text, wanted);
	return false;
}

static bool take_option(struct cli *cli, enum option_id id, const char *value)
{
	switch (id) {
	case OPT_SOCKET:
		cli->socket = value;
		return *value || wrong_value(id, value, "a path");
	case OPT_JSON:
		cli->json = CLI_JSON_PRETTY;
		if (value && !strcmp(value, "compact"))
			cli->json = CLI_JSON_COMPACT;
		else if (value)
			return wrong_value(id, value, "nothing, or =compact");
		return true;
	case OPT_NO_COLOR:
		cli->color = false;
		return true;
	case OPT_TIMEOUT:
		cli->timeout = parse_number(value, 86400);
		return cli->timeout ||
		       wrong_value(id, value, "a number of seconds, 1 to 86400");
	case OPT_LIMIT:
		cli->limit = parse_number(value, 10000000);
		return cli->limit ||
		       wrong_value(id, value, "a number of records, 1 to 10000000");
	case OPT_MAX_AGE:
		cli->max_age = parse_number(value, 36500);
		return cli->max_age ||
		       wrong_value(id, value, "a number of days, 1 to 36500");
	case OPT_GUARD:
		cli->guard = value;
		return *value || wrong_value(id, value, "a name");
	case OPT_DEVICE:
		cli->device = value;
		return *value || wrong_value(id, value, "a name or a MAC");
	case OPT_REASON:
		cli->reason = value;
		return *value || wrong_value(id, value, "a name");
	case OPT_WRITE:
		cli->write = value;
		return *value || wrong_value(id, value, "a path, or -");
	case OPT_GROUP:
		cli->group = parse_number(value, 65535);
		return cli->group ||
		       wrong_value(id, value, "an NFLOG group, 1 to 65535");
	case OPT_SNAPLEN:
		cli->snaplen = parse_number(value, 65535);
		return cli->snaplen ||
		       wrong_value(id, value, "a number of bytes, 1 to 65535");
	case OPT_RATE:
		cli->rate = parse_number(value, 1000000);
		return cli->rate ||
		       wrong_value(id, value, "frames a second, 1 to 1000000");
	case OPT_FRAMES:
		cli->count = parse_number(value, 1000000000);
		return cli->count ||
		       wrong_value(id, value, "a number of frames, 1 to 1000000000");
	case OPT_DURATION:
		cli->duration = parse_number(value, 86400);
		return cli->duration ||
		       wrong_value(id, value, "a number of seconds, 1 to 86400");
	case OPT_DELAY:
		cli->delay = parse_number(value, 3600);
		return cli->delay ||
		       wrong_value(id, value, "a number of seconds, 1 to 3600");
	case OPT_HITS:
		cli->hits = true;
		return true;
	case OPT_BATCH:
		cli->batch = true;
		return true;
	case OPT_NAMES:
		cli->names = true;
		return true;
	case OPT_FOLLOW:
		cli->follow = true;
		return true;
	case OPT_ROLLBACK:
		cli->rollback = true;
		return true;
	case OPT_DRY_RUN:
		cli->dry_run = true;
		return true;
	case OPT_GATEWAY:
		cli->gateway = true;
		return true;
	case OPT_POLICY:
		cli->policy = true;
		return true;
	case OPT_YES:
		cli->yes = true;
		return true;
	case OPT_OPEN:
		cli->open = true;
		return true;
	case OPT_FROM:
		cli->from = value;
		return true;
	case OPT_TO:
		cli->to = value;
		return true;
	case OPT_HTML:
		cli->html = value;
		return *value || wrong_value(id, value, "a path");
	case OPT_VERIFY:
		cli->verify = true;
		return true;
	case OPT_KEY:
		cli->key = value;
		return *value || wrong_value(id, value, "a file, or a key");
	case OPT_SINCE_SEAL:
		cli->since_seal = value;
		return *value || wrong_value(id, value, "a file");
	case OPT_DATABASE:
		cli->database = value;
		return *value || wrong_value(id, value, "a path");
	case OPT_SHOW:
		cli->show = value;
		return !strcmp(value, "key") || !strcmp(value, "seal") ||
		       wrong_value(id, value, "\"key\" or \"seal\"");
	case OPT_HELP:
	case OPT_VERSION:
	case OPT_COUNT:
		break;
	}
	return true;
}

/* Reads all options; @given receives their bits. */
static bool read_options(struct cli *cli, int argc, char **argv,
			 uint64_t *given)
{
	struct option longs[OPT_COUNT + 1] = { 0 };
	char shorts[3 * OPT_COUNT + 1];
	size_t used = 0;
	int found;

	/* Long options return their index above all letters. */
	for (size_t i = 0; i < OPT_COUNT; i++) {
		const char *argument = options[i].argument;
		int kind = !argument ? no_argument :
			   *argument == '[' ? optional_argument :
					      required_argument;

		longs[i] = (struct option){
			options[i].name, kind, NULL, 256 + (int)i,
		};
		if (!options[i].letter)
			continue;
		shorts[used++] = options[i].letter;
		if (kind == required_argument)
			shorts[used++] = ':';
	}
	shorts[used] = '\0';

	while ((found = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		enum option_id id = OPT_COUNT;

		for (size_t i = 0; i < OPT_COUNT; i++) {
			if (found == 256 + (int)i || found == options[i].letter)
				id = (enum option_id)i;
		}
		/* getopt_long() has said what is wrong. */
		if (id == OPT_COUNT || !take_option(cli, id, optarg))
			return false;
		*given |= BIT(id);
	}
	return true;
}

static bool fits(const struct command *command, const struct cli *cli,
		 uint64_t given)
{
	uint64_t wrong = given & ~(command->options | GLOBAL);

	for (size_t i = 0; i < OPT_COUNT; i++) {
		if (wrong & BIT(i)) {
			fprintf(stderr, "lenscapctl: --%s does not go with \"%s\"\n",
				options[i].name, command->name);
			return false;
		}
	}
	if (cli->gateway && cli->policy) {
		fputs("lenscapctl: --gateway and --policy exclude each other\n",
		      stderr);
		return false;
	}
	if (cli->argc < command->least || cli->argc > command->most) {
		fprintf(stderr, "lenscapctl: usage: lenscapctl %s%s%s\n",
			command->name, *command->operands ? " " : "",
			command->operands);
		return false;
	}
	return true;
}

static int run(struct cli *cli, int argc, char **argv)
{
	const struct command *command = NULL;
	uint64_t given = 0;

	if (!read_options(cli, argc, argv, &given))
		return CLI_USAGE;
	if (cli->json != CLI_JSON_OFF)
		cli->color = false;
	if (optind < argc) {
		command = find_command(argv[optind]);
		if (!command)
			return CLI_USAGE;
	}
	if (given & BIT(OPT_HELP)) {
		put_help(stdout, command);
		return CLI_OK;
	}
	if (given & BIT(OPT_VERSION))
		return cmd_version(cli);
	if (!command) {
		put_help(stderr, NULL);
		return CLI_USAGE;
	}
	cli->argc = argc - optind - 1;
	cli->argv = argv + optind + 1;
	if (!fits(command, cli, given))
		return CLI_USAGE;
	if (command->run)
		return command->run(cli);

	command = NULL;
	if (cli->argc) {
		command = find_command(cli->argv[0]);
		if (!command)
			return CLI_USAGE;
	}
	put_help(stdout, command);
	return CLI_OK;
}

int main(int argc, char **argv)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	struct cli cli = {
		.socket = CLI_SOCKET,
		.timeout = DEFAULT_TIMEOUT,
		.max_age = DEFAULT_MAX_AGE,
		.delay = DEFAULT_DELAY,
		.color = isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
			 term && strcmp(term, "dumb") != 0,
	};
	int status;

	/* Answers are UTF-8, whatever the terminal's language. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "");
	status = run(&cli, argc, argv);
	if ((fflush(stdout) || ferror(stdout)) && status == CLI_OK) {
		fprintf(stderr, "lenscapctl: cannot write the result: %s\n",
			strerror(errno));
		status = CLI_REFUSED;
	}
	return status;
}
