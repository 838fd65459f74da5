// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses, MACs, numbers and names as text.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include <linux/lenscap.h>

#include "../tap.h"
#include "address.h"
#include "names.h"
#include "suggest.h"
#include "text.h"

static struct policy_prefix prefix_of(const char *text)
{
	struct policy_prefix prefix = { 0 };
	char error[ADDRESS_ERROR];

	if (!prefix_parse(text, &prefix, error))
		FAIL("%s", error);
	return prefix;
}

TEST(prefix_text_survives)
{
	static const char *const texts[] = {
		"0.0.0.0", "255.255.255.255", "10.20.0.10", "10.0.0.0/8",
		"0.0.0.0/0", "10.20.30.128/25", "10.0.0.2/31", "::", "::1",
		"::/0", "2001:db8::/32", "2001:db8:20::10", "fe80::/10",
		"2001:db8:0:0:8000::/65",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	};
	char text[PREFIX_TEXT];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct policy_prefix prefix = prefix_of(texts[i]);

		CASE(texts[i]);
		CHECK(!strcmp(prefix_format(&prefix, text), texts[i]));
		CHECK(prefix_contains(&prefix, &prefix));
		CHECK(!prefix_compare(&prefix, &prefix));
	}
}

TEST(prefix_other_spellings)
{
	char text[PREFIX_TEXT];
	struct policy_prefix prefix = prefix_of("10.1.2.3/32");

	CHECK(!strcmp(prefix_format(&prefix, text), "10.1.2.3"));
	CHECK(prefix_is_host(&prefix));
	prefix = prefix_of("2001:0DB8:0:0::0001/128");
	CHECK(!strcmp(prefix_format(&prefix, text), "2001:db8::1"));
}

TEST(prefix_that_no_device_sends_from)
{
	/* What it says, or NULL: a device can send from it. */
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "10.30.0.17", NULL },
		{ "10.0.0.0/8", NULL },
		{ "128.0.0.0/2", NULL },
		{ "240.0.0.1", NULL },
		{ "2000::/3", NULL },
		{ "fe80::/10", NULL },
		{ "0.0.0.0/0", "is every address" },
		{ "::/0", "is every address" },
		{ "0.0.0.0", "is the unspecified" },
		{ "0.1.2.0/24", "is in 0.0.0.0/8" },
		{ "0.0.0.0/1", "contains 0.0.0.0/8" },
		{ "127.1.2.3", "is loopback" },
		{ "126.0.0.0/7", "contains loopback" },
		{ "239.0.0.0/8", "is multicast" },
		{ "224.0.0.0/3", "contains multicast" },
		{ "255.255.255.255", "is the broadcast" },
		{ "240.0.0.0/4", "contains the broadcast" },
		{ "::", "is the unspecified" },
		{ "::1", "is the loopback" },
		{ "::/64", "contains the unspecified" },
		{ "ff02::1", "is multicast" },
		{ "8000::/1", "contains multicast" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_prefix prefix = prefix_of(cases[i].text);
		const char *why = prefix_unfit_source(&prefix);

		CASE(cases[i].text);
		if (cases[i].why)
			CHECK(why && !strncmp(why, cases[i].why,
					      strlen(cases[i].why)));
		else
			CHECK(!why);
	}
}

TEST(prefix_refused)
{
	static const char *const texts[] = {
		"", " ", "10", "10.1", "10.1.2", "10.1.2.3.4", "10.1.2.3 ",
		" 10.1.2.3", "0x0a.1.2.3", "010.1.2.3", "10.1.2.256", "1e1.1.1.1",
		"10.1.2.3/", "10.1.2.3/-1", "10.1.2.3/33", "10.1.2.0/24/24",
		"10.1.2.3/24", "/24", ":::", "2001:db8", "12345::",
		"::ffff:10.0.0.1", "fe80::1%eth0", "2001:db8::1/64",
		"10.1.2.0/+24", "10.1.2.0/ 24", "10.1.2.0/024",
		"10.1.2.0/18446744073709551640",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee/24",
	};
	struct policy_prefix prefix;
	char error[ADDRESS_ERROR];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CASE(texts[i]);
		error[0] = '\0';
		CHECK(!prefix_parse(texts[i], &prefix, error));
		CHECK(strlen(error) > 10);
	}
}

/* Against another implementation: bits compared one by one. */
static bool covers(const struct policy_prefix *a, const struct policy_prefix *b)
{
	if (a->family != b->family || a->len > b->len)
		return false;
	for (unsigned int bit = 0; bit < a->len; bit++) {
		unsigned int mask = 0x80U >> bit % 8;

		if ((a->addr[bit / 8] & mask) != (b->addr[bit / 8] & mask))
			return false;
	}
	return true;
}

static struct policy_prefix random_prefix(unsigned int *seed)
{
	struct policy_prefix prefix = { 0 };
	unsigned int bits;

	prefix.family = rand_r(seed) % 2 ? 4 : 6;
	bits = prefix.family == 4 ? 32 : 128;
	prefix.len = (uint8_t)(rand_r(seed) % (int)(bits + 1));
	/* Few values, so that some cover others. */
	for (unsigned int bit = 0; bit < prefix.len; bit++)
		if (!(rand_r(seed) % 16))
			prefix.addr[bit / 8] |= (uint8_t)(0x80U >> bit % 8);
	return prefix;
}

TEST(prefix_contains_bit_by_bit)
{
	unsigned int seed = 1, covered = 0;
	char text[PREFIX_TEXT], error[ADDRESS_ERROR];

	for (int i = 0; i < 20000; i++) {
		struct policy_prefix a = random_prefix(&seed);
		struct policy_prefix b = random_prefix(&seed), back;

		CHECK(prefix_contains(&a, &b) == covers(&a, &b));
		covered += covers(&a, &b);
		CHECK(!prefix_compare(&a, &b) == !memcmp(&a, &b, sizeof(a)));
		CHECK((prefix_compare(&a, &b) < 0) ==
		      (prefix_compare(&b, &a) > 0));
		/* What is written can be read, but for the one exception. */
		prefix_format(&a, text);
		if (prefix_parse(text, &back, error))
			CHECK(!memcmp(&a, &back, sizeof(a)));
		else
			CHECK(strstr(error, "IPv4 address in IPv6"));
	}
	CHECK(covered > 100);
}

TEST(prefix_bytes)
{
	struct policy_prefix prefix;
	const uint8_t bytes[16] = { 10, 1, 2, 3 };

	CHECK(prefix_from_bytes(bytes, 4, &prefix) && prefix.family == 4 &&
	      prefix.len == 32);
	CHECK(prefix_from_bytes(bytes, 16, &prefix) && prefix.family == 6 &&
	      prefix.len == 128);
	CHECK(!prefix_from_bytes(bytes, 6, &prefix));
}

TEST(mac_text)
{
	static const char *const refused[] = {
		"", "02", "02:00:00:00:00", "02:00:00:00:00:", "0200.0000.0001",
		"02:00:00:00:00:01:", "02:00:00:00:00:01 ", "2:0:0:0:0:1",
		"02:00:00:00:00:0", "02:00-00:00:00:01", "g2:00:00:00:00:01",
		"01:00:00:00:00:01", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff",
		"02::00:00:00:00:01", "-2:00:00:00:00:01",
	};
	char error[ADDRESS_ERROR], text[MAC_TEXT];
	uint8_t mac[6];

	CHECK(mac_parse("02:0a:FF:00:00:01", mac, error));
	CHECK(!strcmp(mac_format(mac, text), "02:0a:ff:00:00:01"));
	CHECK(mac_parse("FE-DC-BA-98-76-54", mac, error));
	CHECK(!strcmp(mac_format(mac, text), "fe:dc:ba:98:76:54"));
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		CASE(refused[i]);
		error[0] = '\0';
		CHECK(!mac_parse(refused[i], mac, error));
		CHECK(strlen(error) > 10);
	}
}

TEST(numbers)
{
	static const char *const refused[] = {
		"", "-1", "+1", " 1", "1 ", "01", "00", "1e3", "0x10", "1_000",
		"18446744073709551616",
	};
	uint64_t number;

	CHECK(text_number("0", &number) && !number);
	CHECK(text_number("18446744073709551615", &number) &&
	      number == UINT64_MAX);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		CASE(refused[i]);
		CHECK(!text_number(refused[i], &number));
	}
	CASE(NULL);
	CHECK(text_number_any("0xFf", &number) && number == 255);
	CHECK(text_number_any("10", &number) && number == 10);
	CHECK(!text_number_any("0x", &number));
	CHECK(!text_number_any("0x-1", &number));
	CHECK(!text_number_any("0x11111111111111111", &number));
}

TEST(names_both_ways)
{
	static const struct name_table *const tables[] = {
		&names_reason, &names_mode, &names_identity, &names_upkeep,
		&names_state, &names_initiator, &names_protocol,
	};
	unsigned int value;
	char text[NAME_TEXT];

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const struct name_table *table = tables[i];

		for (size_t j = 0; j < table->count; j++) {
			CASE(table->entries[j].name);
			CHECK(name_find(table, table->entries[j].name, &value));
			CHECK_EQ(value, table->entries[j].value);
			CHECK(name_of(table, value) == table->entries[j].name);
		}
	}
	CASE(NULL);
	for (unsigned int i = 0; i <= LENSCAP_REASON_MAX; i++)
		CHECK(name_of(&names_reason, i));
	CHECK(!name_of(&names_reason, LENSCAP_REASON_MAX + 1));
	CHECK(!strcmp(name_text(&names_reason, 250, text), "250"));
	CHECK(!name_find(&names_mode, "Enforce", &value));
	CHECK(protocol_has_ports(6) && protocol_has_ports(17) &&
	      !protocol_has_ports(132) && !protocol_has_ports(-1));
	CHECK(protocol_is_icmp(1) && protocol_is_icmp(58) &&
	      !protocol_is_icmp(6));
}

TEST(names_that_a_policy_may_give)
{
	static const char *const good[] = {
		"a", "7", "42", "_x", "fence-017", "a.b.c", "Gate_1", "10.x",
		"123456789012345678901234567890123456789012345678901234567890123",
	};
	static const char *const bad[] = {
		"", "-a", ".a", "a b", "a/b", "a:b", "\xc3\xbc", "a\n", "1.2",
		"10.0.0.1", "a\x1b",
		"1234567890123456789012345678901234567890123456789012345678901234",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CASE(good[i]);
		CHECK(!text_bad_name(good[i]));
		/* A name is never taken for an address, but for digits. */
		CHECK(!text_looks_like_address(good[i]) ||
		      strspn(good[i], "0123456789") == strlen(good[i]));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CASE(bad[i]);
		CHECK(text_bad_name(bad[i]));
	}
}

static const char *guess(const char *word, const char *a, const char *b)
{
	struct suggest suggest = { .word = word };

	suggest_offer(&suggest, a);
	suggest_offer(&suggest, b);
	return suggest.best ? suggest.best : "";
}

TEST(suggestions)
{
	static const char *const cases[][4] = {
		/* word, two candidates, what is suggested */
		{ "nvrr", "nvr", "time", "nvr" },
		{ "vnr", "nvr", "time", "nvr" },
		{ "NVR", "nvr", "time", "nvr" },
		{ "tmie", "nvr", "time", "time" },
		{ "enforced", "enforce", "audit", "enforce" },
		{ "quarentine", "quarantine", "audit", "quarantine" },
		{ "conects", "connects", "serves", "connects" },
		{ "cam-12", "cam-11", "cam-123", "cam-11" },
		{ "x", "y", "z", "" },
		{ "abc", "xyz", "abd", "abd" },
		{ "ab", "xy", "cd", "" },
		{ "", "a", "b", "" },
		{ "device", "profile", "guard", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CASE(cases[i][0]);
		CHECK(!strcmp(guess(cases[i][0], cases[i][1], cases[i][2]),
			      cases[i][3]));
	}
}

TEST(rules_as_text)
{
	struct policy_rule rule = {
		.peer = prefix_of("10.20.0.0/24"),
		.proto = 6,
		.peer_initiates = true,
		.peer_low = 0, .peer_high = 65535,
		.device_low = 80, .device_high = 90,
	};
	char text[RULE_TEXT];

	CHECK(!strcmp(rule_format(&rule, text),
		      "serves 10.20.0.0/24 tcp 80-90"));
	rule.peer_initiates = false;
	CHECK(!strcmp(rule_format(&rule, text),
		      "connects 10.20.0.0/24 tcp source 80-90"));
	rule.proto = 200;
	rule.device_low = 0;
	rule.device_high = 65535;
	CHECK(!strcmp(rule_format(&rule, text), "connects 10.20.0.0/24 200"));
	rule.proto = -1;
	CHECK(!strcmp(rule_format(&rule, text), "connects 10.20.0.0/24 any"));
}

TEST(utf8)
{
	static const struct {
		const char *text;
		size_t len, good;
	} cases[] = {
		{ "", 0, 0 },
		{ "abc", 3, 3 },
		{ "a\0b", 3, 1 },
		{ "\xc3\xbc", 2, 2 },
		{ "\xc3", 1, 0 },
		{ "\xc0\x80", 2, 0 },
		{ "\xe0\x80\x80", 3, 0 },
		{ "\xe2\x82\xac", 3, 3 },
		{ "x\xe2\x82", 3, 1 },
		{ "\xed\xa0\x80", 3, 0 },
		{ "\xf0\x9f\x93\xb7", 4, 4 },
		{ "\xf0\x80\x80\x80", 4, 0 },
		{ "\xf4\x90\x80\x80", 4, 0 },
		{ "\xf5\x80\x80\x80", 4, 0 },
		{ "\x80", 1, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_EQ(text_utf8_length(cases[i].text, cases[i].len),
			 cases[i].good);
}
