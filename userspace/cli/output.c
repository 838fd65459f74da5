// SPDX-License-Identifier: GPL-2.0-only
/*
 * What every command prints alike: failures, notes, JSON, foreign text.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "cli.h"

static const char *const fail_codes[] = {
	[CLI_REFUSED] = "refused",
	[CLI_USAGE] = "usage",
	[CLI_UNREACHABLE] = "unreachable",
	[CLI_NO_MODULE] = "module",
	[CLI_PERMISSION] = "permission",
	[CLI_UNCHECKED] = "unchecked",
};

void *cli_alloc(void *memory)
{
	if (!memory) {
		fputs("lenscapctl: out of memory\n", stderr);
		exit(CLI_REFUSED);
	}
	return memory;
}

char *cli_vformat(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	return cli_alloc(text);
}

char *cli_format(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = cli_vformat(format, args);
	va_end(args);
	return text;
}

void cli_put_clean(FILE *out, const char *text)
{
	size_t len = strlen(text);
	mbstate_t state = { 0 };

	while (len) {
		wchar_t wide;
		size_t used = mbrtowc(&wide, text, len, &state);

		if (used == (size_t)-1 || used == (size_t)-2) {
			state = (mbstate_t){ 0 };
			fputc('?', out);
			used = 1;
		} else if (wide != L'\n' && !iswprint((wint_t)wide)) {
			fputc('?', out);
		} else {
			fwrite(text, 1, used, out);
		}
		text += used;
		len -= used;
	}
}

void cli_print_json(const struct cli *cli, const json_t *value)
{
	size_t flags = cli->json == CLI_JSON_COMPACT ? JSON_COMPACT :
						       JSON_INDENT(2);

	json_dumpf(value, stdout, flags);
	fputc('\n', stdout);
}

static void put_message(const char *format, va_list args)
	__attribute__((format(printf, 1, 0)));

static void put_message(const char *format, va_list args)
{
	char *text = cli_vformat(format, args);

	fputs("lenscapctl: ", stderr);
	cli_put_clean(stderr, text);
	fputc('\n', stderr);
	free(text);
}

int cli_fail(const struct cli *cli, int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (cli->json == CLI_JSON_OFF) {
		put_message(format, args);
	} else {
		json_t *text = cli_alloc(json_vsprintf(format, args));
		json_t *answer = json_pack("{s:b, s:o, s:s}", "ok", 0,
					   "error", text,
					   "code", fail_codes[status]);

		cli_print_json(cli, cli_alloc(answer));
		json_decref(answer);
	}
	va_end(args);
	return status;
}

void cli_note(const struct cli *cli, const char *format, ...)
{
	va_list args;

	if (cli->json != CLI_JSON_OFF)
		return;
	va_start(args, format);
	put_message(format, args);
	va_end(args);
}
