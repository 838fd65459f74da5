/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small judgements about text.
 */
#ifndef LENSCAP_TEXT_H
#define LENSCAP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_CLIP_SIZE 80

/* A word for a message, cut when long. Lives as long as the block it is in. */
#define TEXT_CLIP(text) text_clip((char [TEXT_CLIP_SIZE]) { 0 }, (text))

const char *text_clip(char buffer[TEXT_CLIP_SIZE], const char *text);
bool text_number(const char *text, uint64_t *number);
bool text_number_any(const char *text, uint64_t *number);
size_t text_utf8_length(const char *text, size_t len);
const char *text_bad_name(const char *text);

#endif /* LENSCAP_TEXT_H */
