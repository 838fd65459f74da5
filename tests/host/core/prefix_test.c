// SPDX-License-Identifier: GPL-2.0-only
/* Prefixes: which are valid, what they contain. */
#include "oracle.h"
#include "world.h"

static bool has(const char *prefix, const char *addr)
{
	struct lc_prefix p = prefix_of(prefix);
	u8 bytes[16], family;

	addr_of(addr, bytes, &family);
	return lc_prefix_has(&p, family, bytes);
}

TEST(prefix_zero_contains_its_family)
{
	CHECK(has("0.0.0.0/0", "0.0.0.0"));
	CHECK(has("0.0.0.0/0", "255.255.255.255"));
	CHECK(has("::/0", "::"));
	CHECK(has("::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
	CHECK(!has("0.0.0.0/0", "::"));
	CHECK(!has("::/0", "0.0.0.0"));
}

TEST(prefix_of_a_host_contains_the_host)
{
	CHECK(has("10.0.0.1/32", "10.0.0.1"));
	CHECK(!has("10.0.0.1/32", "10.0.0.0"));
	CHECK(!has("10.0.0.1/32", "10.0.0.3"));
	CHECK(has("2001:db8::1/128", "2001:db8::1"));
	CHECK(!has("2001:db8::1/128", "2001:db8::"));
	CHECK(!has("2001:db8::1/128", "2001:db8::3"));
}

TEST(prefix_edges)
{
	CHECK(has("10.20.0.16/28", "10.20.0.16"));
	CHECK(has("10.20.0.16/28", "10.20.0.31"));
	CHECK(!has("10.20.0.16/28", "10.20.0.15"));
	CHECK(!has("10.20.0.16/28", "10.20.0.32"));
	CHECK(has("10.16.0.0/13", "10.23.255.255"));
	CHECK(!has("10.16.0.0/13", "10.24.0.0"));
	CHECK(has("128.0.0.0/1", "255.0.0.1"));
	CHECK(!has("128.0.0.0/1", "127.255.255.255"));
	CHECK(has("2001:db8:20::/47", "2001:db8:21:ffff::1"));
	CHECK(!has("2001:db8:20::/47", "2001:db8:22::"));
	CHECK(has("2001:db8:0:0:8000::/65", "2001:db8:0:0:ffff::"));
	CHECK(!has("2001:db8:0:0:8000::/65", "2001:db8:0:0:7fff::"));
	CHECK(has("2001:db8::2/127", "2001:db8::3"));
	CHECK(!has("2001:db8::2/127", "2001:db8::1"));
}

TEST(prefix_agrees_with_the_oracle_at_every_length_and_bit)
{
	static const u8 families[] = { LC_FAMILY_IPV4, LC_FAMILY_IPV6 };
	u32 f, len, bit, bits;

	for (f = 0; f < 2; f++) {
		bits = f ? 128 : 32;
		for (len = 0; len <= bits; len++) {
			struct lc_prefix p = {
				.family = families[f], .len = len,
			};

			for (bit = 0; bit < len; bit += 3)
				p.addr[bit / 8] |= 0x80 >> bit % 8;
			CHECK(lc_prefix_valid(&p));
			for (bit = 0; bit < bits; bit++) {
				u8 addr[16];

				memcpy(addr, p.addr, 16);
				addr[bit / 8] ^= 0x80 >> bit % 8;
				CHECK_EQ(lc_prefix_has(&p, families[f], addr),
					 bit >= len);
				CHECK_EQ(oracle_in(&p, families[f], addr),
					 bit >= len);
			}
		}
	}
}

TEST(prefix_validity)
{
	struct lc_prefix p;
	u32 len, family;

	for (family = 0; family < 256; family++) {
		memset(&p, 0, sizeof(p));
		p.family = family;
		CHECK_EQ(lc_prefix_valid(&p), family == 4 || family == 6);
	}
	for (len = 0; len < 256; len++) {
		memset(&p, 0, sizeof(p));
		p.len = len;
		p.family = 4;
		CHECK_EQ(lc_prefix_valid(&p), len <= 32);
		p.family = 6;
		CHECK_EQ(lc_prefix_valid(&p), len <= 128);
	}
}

TEST(prefix_with_host_bits_is_not_valid)
{
	struct lc_prefix p;

	p = prefix_of("10.0.0.1/31");
	CHECK(!lc_prefix_valid(&p));
	p = prefix_of("10.0.0.0/31");
	CHECK(lc_prefix_valid(&p));
	p = prefix_of("0.0.0.1/0");
	CHECK(!lc_prefix_valid(&p));
	p = prefix_of("2001:db8::1/127");
	CHECK(!lc_prefix_valid(&p));
	p = prefix_of("8000::/1");
	CHECK(lc_prefix_valid(&p));
	p = prefix_of("8000::/0");
	CHECK(!lc_prefix_valid(&p));
	/* what lies behind an IPv4 address is zero */
	p = prefix_of("10.0.0.0/8");
	p.addr[4] = 1;
	CHECK(!lc_prefix_valid(&p));
	p = prefix_of("10.0.0.1/32");
	p.addr[15] = 1;
	CHECK(!lc_prefix_valid(&p));
}
