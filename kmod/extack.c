// SPDX-License-Identifier: GPL-2.0-only
/*
 * Refusals that name what they refuse.
 *
 * An extack holds a pointer to text. Since 6.3 it can hold 80 bytes of its own
 * as well, which two device names already exceed; so the text lies here, in a
 * ring of buffers. It is read right after the request was served, by the same
 * thread. Only if EXTACK_RING more refusals are formatted in that moment can
 * one garble another, and never more than its text, which ends in a NUL at all
 * times because nothing is ever written to a buffer's last byte.
 */
#include <linux/atomic.h>
#include <linux/kernel.h>

#include "extack.h"

#define EXTACK_RING	64
#define EXTACK_LEN	240

/**
 * lenscap_extack_text() - format the text of a refusal
 * @fmt: as of printk()
 *
 * Context: process. Return: the text, valid until it was sent.
 */
const char *lenscap_extack_text(const char *fmt, ...)
{
	static char ring[EXTACK_RING][EXTACK_LEN + 1];
	static atomic_t next;
	char *text = ring[(u32)atomic_inc_return(&next) % EXTACK_RING];
	va_list args;

	va_start(args, fmt);
	vscnprintf(text, EXTACK_LEN, fmt, args);
	va_end(args);
	return text;
}
