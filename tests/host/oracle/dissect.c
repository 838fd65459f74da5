// SPDX-License-Identifier: GPL-2.0-only
/*
 * A slow and plain reading of complete frames, from RFC 791, 768, 9293, 8200
 * and the rules of judging.
 */
#include "oracle.h"

static u32 get16(const u8 *p)
{
	return p[0] * 256u + p[1];
}

/* At @at, where header @proto of a whole packet or first fragment begins. */
static void transport(const struct lc_frame *f, u32 at, struct dissected *d)
{
	bool first = d->part == LC_PART_FIRST;
	u32 left = d->end - at;
	u32 least = 0;

	if (d->proto == 6)
		least = 20;
	if (d->proto == 17 || (d->proto == 1 && d->family == 4) ||
	    (d->proto == 58 && d->family == 6))
		least = 8;
	if (left < least) {
		d->why = first ? WHY(TINY_FRAGMENT) : WHY(TRUNCATED);
		return;
	}
	/* In IPv6 it may be whole but beyond what a node looks at. */
	if (d->family == 6 && at + least > LC_HEADERS) {
		d->why = WHY(EXT_HEADER);
		return;
	}
	if (d->proto == 6) {
		u32 offset = (f->data[at + 12] >> 4) * 4;

		if (offset < 20)
			d->why = WHY(BAD_HEADER);
		else if (offset > left)
			d->why = WHY(BAD_HEADER) |
				 (first ? WHY(TINY_FRAGMENT) : 0);
		d->flags = f->data[at + 13];
	}
	if (d->proto == 17) {
		u32 len = get16(f->data + at + 4);

		if (len < 8 || (len > left && !first))
			d->why = WHY(BAD_HEADER);
		/* A super-packet's length is one segment's, or nothing. */
		if (f->gso && !first)
			d->why = WHY(NONE);
	}
	if (d->proto == 6 || d->proto == 17) {
		d->sport = get16(f->data + at);
		d->dport = get16(f->data + at + 2);
	} else if (least) {
		d->dport = f->data[at];
	}
}

static void options(const struct lc_frame *f, u32 at, u32 end,
		    struct dissected *d)
{
	while (at < end) {
		u8 type = f->data[at];

		if (type == 0)
			return;
		if (type == 1) {
			at++;
			continue;
		}
		if (type == 131 || type == 137 || at + 1 >= end ||
		    f->data[at + 1] < 2 || at + f->data[at + 1] > end) {
			d->why = WHY(IP_OPTION);
			return;
		}
		d->alerts |= type == 148;
		at += f->data[at + 1];
	}
}

/* May it be cut into fragments? All of it UDP, in units of 8 bytes. */
static bool holes(const struct lc_frame *f, u8 proto, u32 end)
{
	return f->ufo && (f->gso_size % 8 || proto != 17 || end != f->len);
}

static void ipv4(const struct lc_frame *f, struct dissected *d)
{
	u32 head, total, offset;
	bool more;

	if (f->len < 20) {
		d->why = WHY(TRUNCATED);
		return;
	}
	if (f->data[0] >> 4 != 4) {
		d->why = WHY(BAD_HEADER);
		return;
	}
	d->family = 4;
	memcpy(d->src, f->data + 12, 4);
	memcpy(d->dst, f->data + 16, 4);
	d->hops = f->data[8];
	head = (f->data[0] & 15) * 4;
	total = get16(f->data + 2);
	if (f->gso && !f->ufo && !total)
		total = f->len;
	if (head < 20 || total < head || total > f->len) {
		d->why = WHY(BAD_HEADER);
		return;
	}
	d->end = total;
	d->l4 = head;
	d->proto = f->data[9];
	options(f, 20, head, d);
	if (d->why != WHY(NONE))
		return;
	offset = get16(f->data + 6) % 8192;
	more = get16(f->data + 6) & 0x2000;
	if (offset)
		d->part = LC_PART_LATER;
	else if (more)
		d->part = LC_PART_FIRST;
	if (offset && offset * 8 + total - head > 65535)
		d->why = WHY(BAD_HEADER) |
			 (offset < 3 ? WHY(TINY_FRAGMENT) : 0);
	else if ((f->gso && (offset || more)) || holes(f, d->proto, total))
		d->why = WHY(BAD_HEADER);
	else if (offset == 1 || offset == 2)
		d->why = WHY(TINY_FRAGMENT);
	else if (!offset)
		transport(f, head, d);
}

/* RFC 3810 section 5: what a host's stack puts before its reports. */
static bool has_alert(const struct lc_frame *f, u32 size)
{
	static const u8 alert[] = { 5, 2, 0, 0 };

	return size == 8 && f->data[40] == 58 &&
	       !memcmp(f->data + 42, alert, 4) && f->data[46] < 2 &&
	       !f->data[47];
}

/* RFC 8200 section 4.2 and, of the option 0xc9, RFC 6275 section 6.3. */
static u32 options6(const u8 *header, u32 size, bool *alerts)
{
	u32 at;

	for (at = 2; at < size; at += header[at] ? 2 + header[at + 1] : 1) {
		if (header[at] && (at + 2 > size ||
				   at + 2 + header[at + 1] > size))
			return WHY(BAD_HEADER);
		if (header[at] == 0xc9)
			return WHY(EXT_HEADER);
		*alerts |= header[at] == 5;
	}
	return 0;
}

/* @count headers were before this one, which begins at @at. */
static void chain(const struct lc_frame *f, u32 at, u8 type, u32 count,
		  struct dissected *d)
{
	static const u8 hidden[] = { 0, 43, 44, 51, 58, 60 };
	bool walk = type == 0 || type == 60 || type == 44;
	u32 size;

	/* 253 and 254 are for experiments: IANA lists them as extension
	 * headers and as protocols.
	 */
	if ((walk && d->part == LC_PART_FIRST) ||
	    (type == 44 && d->fragmented) || type == 43 || type == 135 || type == 139 || type == 140 ||
	    type == 253 || type == 254 || (type == 0 && count)) {
		d->why = WHY(EXT_HEADER);
		return;
	}
	if (!walk) {
		d->proto = type;
		d->l4 = at;
		if (type == 51 && at < d->end &&
		    (at >= LC_HEADERS || memchr(hidden, f->data[at], sizeof(hidden)))) {
			d->why = WHY(EXT_HEADER);
			return;
		}
		if (at > LC_HEADERS)
			d->why = WHY(EXT_HEADER);
		else
			transport(f, at, d);
		return;
	}
	d->extended = true;
	if (count == 8) {
		d->why = WHY(EXT_HEADER);
		return;
	}
	if (at + 8 > d->end) {
		d->why = WHY(TRUNCATED) |
			 (at + 8 > LC_HEADERS ? WHY(EXT_HEADER) : 0);
		return;
	}
	size = type == 44 ? 8 : 8 + 8 * f->data[at + 1];
	if (at + size > LC_HEADERS) {
		d->why = WHY(EXT_HEADER) |
			 (at + size > d->end ? WHY(BAD_HEADER) : 0);
		return;
	}
	if (at + size > d->end) {
		d->why = WHY(BAD_HEADER);
		return;
	}
	if (type != 44) {
		u32 why = options6(f->data + at, size, &d->alerts);

		if (why) {
			d->why = why;
			return;
		}
	}
	if (type == 0)
		d->alert = has_alert(f, size);
	if (type == 44) {
		u32 field = get16(f->data + at + 2);
		u32 offset = field >> 3;
		bool more = field & 1;
		u32 left = d->end - at - 8;

		d->fragmented = true;
		if (f->gso && (offset || more)) {
			d->why = WHY(BAD_HEADER);
			return;
		}
		if (more && (left % 8 || !left)) {
			d->why = WHY(BAD_HEADER) |
				 (offset == 1 ? WHY(TINY_FRAGMENT) : 0);
			return;
		}
		if (offset) {
			d->part = LC_PART_LATER;
			d->proto = f->data[at];
			d->l4 = at + 8;
			if (offset < 3)
				d->why = WHY(TINY_FRAGMENT);
			if (offset * 8 + left > 65535)
				d->why = WHY(BAD_HEADER) |
					 (d->why & WHY(TINY_FRAGMENT));
			/* its protocol is out of sight */
			if (d->proto == 0 || d->proto == 43 || d->proto == 44 ||
			    d->proto == 60 || d->proto == 135 ||
			    d->proto == 139 || d->proto == 140 ||
			    d->proto == 253 || d->proto == 254)
				d->why = WHY(EXT_HEADER) |
					 (d->why & ~WHY(NONE));
			return;
		}
		if (more)
			d->part = LC_PART_FIRST;
	}
	chain(f, at + size, f->data[at], count + 1, d);
}

static void ipv6(const struct lc_frame *f, struct dissected *d)
{
	u32 payload;

	if (f->len < 40) {
		d->why = WHY(TRUNCATED);
		return;
	}
	if (f->data[0] >> 4 != 6) {
		d->why = WHY(BAD_HEADER);
		return;
	}
	d->family = 6;
	memcpy(d->src, f->data + 8, 16);
	memcpy(d->dst, f->data + 24, 16);
	d->hops = f->data[7];
	payload = get16(f->data + 4);
	if (f->gso && !f->ufo && !payload)
		payload = f->len - 40;
	if (40 + payload > f->len || holes(f, f->data[6], 40 + payload)) {
		d->why = WHY(BAD_HEADER);
		return;
	}
	d->end = 40 + payload;
	chain(f, 40, f->data[6], 0, d);
}

/* May the checksum be written to where it is to be? Never over what was read. */
static void unfinished(const struct lc_frame *f, struct dissected *d)
{
	s32 at = f->sum_at - (s32)d->l4, field = 2, behind = 4;

	if (!f->sum_open || !(d->why & WHY(NONE)))
		return;
	if (d->proto == 6) {
		field = 16;
		behind = 20;
	} else if (d->proto == 17) {
		field = 6;
		behind = 8;
	} else if (d->proto == (d->family == 4 ? 1 : 58)) {
		behind = (s32)f->len - (s32)d->l4;
	}
	d->astray = !d->family || at != field;
	if (d->family && at != field && at < behind)
		d->why = (d->why & ~WHY(NONE)) | WHY(BAD_HEADER);
}

/* RFC 2113 and 2711: routers take it in. Group messages are to be so. */
static void alerts(struct dissected *d)
{
	static const int mld[] = { 130, 131, 132, 143 };

	if (!d->alerts || !(d->why & WHY(NONE)))
		return;
	if (d->family == 4 && d->proto == 2)
		return;
	for (u32 i = 0; i < 4; i++)
		if (d->family == 6 && d->proto == 58 && d->dport == mld[i])
			return;
	d->why = (d->why & ~WHY(NONE)) |
		 (d->family == 4 ? WHY(IP_OPTION) : WHY(EXT_HEADER));
}

void oracle_dissect(const struct lc_frame *frame, struct dissected *said)
{
	memset(said, 0, sizeof(*said));
	said->why = WHY(NONE);
	said->proto = -1;
	said->sport = -1;
	said->dport = -1;
	if (frame->vlan_stack)
		said->why = WHY(VLAN_STACK);
	else if (frame->ethertype == 0x0800)
		ipv4(frame, said);
	else if (frame->ethertype == 0x86dd)
		ipv6(frame, said);
	else if (frame->ethertype != 0x0806)
		said->why = WHY(ETHERTYPE);
	if (said->end)
		said->trailed = frame->len > 50 && frame->len > said->end + 4;
	unfinished(frame, said);
	alerts(said);
}
