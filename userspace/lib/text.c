// SPDX-License-Identifier: GPL-2.0-only
/*
 * Small judgements about text.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/lenscap.h>

#include "text.h"

/**
 * text_clip() - a word for a message
 * @buffer: room for it
 * @text: the word, from a file
 *
 * Return: @text itself, or its beginning and "..." in @buffer if it is long.
 */
const char *text_clip(char buffer[TEXT_CLIP_SIZE], const char *text)
{
	size_t len = strlen(text);

	if (len < TEXT_CLIP_SIZE)
		return text;
	len = TEXT_CLIP_SIZE - 4;
	/* Not in the middle of a UTF-8 sequence. */
	while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	(void)snprintf(buffer, TEXT_CLIP_SIZE, "%.*s...", (int)len, text);
	return buffer;
}

/**
 * text_number() - read a decimal number
 * @text: digits only: no sign, no blanks, no leading zeros (in YAML they
 *	would mean octal to some readers)
 * @number: result
 *
 * Return: true if it is one and fits.
 */
bool text_number(const char *text, uint64_t *number)
{
	size_t len = strlen(text);

	if (!len || strspn(text, "0123456789") != len ||
	    (len > 1 && text[0] == '0'))
		return false;
	errno = 0;
	*number = strtoull(text, NULL, 10);
	return !errno;
}

/**
 * text_number_any() - read a decimal or 0x hexadecimal number
 * @text: it
 * @number: result
 *
 * Return: true if it is one and fits.
 */
bool text_number_any(const char *text, uint64_t *number)
{
	if (text[0] != '0' || (text[1] != 'x' && text[1] != 'X'))
		return text_number(text, number);
	text += 2;
	if (!*text || strspn(text, "0123456789abcdefABCDEF") != strlen(text))
		return false;
	errno = 0;
	*number = strtoull(text, NULL, 16);
	return !errno;
}

static size_t utf8_sequence(const unsigned char *s, size_t left)
{
	uint32_t point;
	size_t need;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		need = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		need = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		need = 4;
	else
		return 0;
	if (left < need)
		return 0;
	point = s[0] & (0x7fU >> need);
	for (size_t i = 1; i < need; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (s[i] & 0x3fU);
	}
	/* Overlong forms, surrogates, and beyond Unicode. */
	if ((need == 3 && point < 0x800) || (need == 4 && point < 0x10000) ||
	    (point >= 0xd800 && point <= 0xdfff) || point > 0x10ffff)
		return 0;
	return need;
}

/* Eight bytes, and all of them ASCII and not NUL: as almost every text is. */
static bool is_plain(const char *text, size_t left)
{
	const uint64_t ones = UINT64_MAX / 0xff;
	uint64_t word;

	if (left < sizeof(word))
		return false;
	memcpy(&word, text, sizeof(word));
	/* A byte of 0 sets its highest bit by borrowing. */
	return !((word | (word - ones)) & (ones << 7));
}

/**
 * text_utf8_length() - how far is it UTF-8 without NUL?
 * @text: bytes
 * @len: how many
 *
 * Return: offset of the first byte that is not, @len if there is none.
 */
size_t text_utf8_length(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len && text[at]) {
		size_t step = sizeof(uint64_t);

		if (!is_plain(text + at, len - at))
			step = utf8_sequence((const unsigned char *)text + at,
					     len - at);
		if (!step)
			break;
		at += step;
	}
	return at;
}

/**
 * text_bad_name() - can this name a device, profile, destination or guard?
 * @text: the name
 *
 * Return: NULL if it can, or why not, to follow the name in a message.
 */
const char *text_bad_name(const char *text)
{
	size_t len = strlen(text);

	if (!len)
		return "is empty";
	if (len > LENSCAP_NAME_LEN)
		return "is longer than 63 characters";
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x80 || (!isalnum(c) && !strchr("._-", c)))
			return "may hold only the letters a-z and A-Z, digits, \".\", \"_\" and \"-\"";
	}
	/* It would read as an option, or as a hidden file. */
	if (text[0] == '-' || text[0] == '.')
		return "must begin with a letter, a digit or \"_\"";
	if (strspn(text, "0123456789.") == len && strchr(text, '.'))
		return "reads like an address";
	return NULL;
}
