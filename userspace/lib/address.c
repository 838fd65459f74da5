// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses, prefixes, MACs and rules: text to structure and back.
 *
 * Only the notations that everybody reads alike are taken: no octal or short
 * IPv4 forms, no zone identifiers, no IPv4 inside IPv6.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "names.h"
#include "text.h"

static unsigned int family_bits(uint8_t family)
{
	return family == 4 ? 32 : 128;
}

static void clear_host_bits(struct policy_prefix *prefix)
{
	for (unsigned int bit = prefix->len; bit < 128; bit++)
		prefix->addr[bit / 8] &= (uint8_t)~(0x80U >> bit % 8);
}

/**
 * text_looks_like_address() - was this meant as an address or prefix?
 * @text: a word from a policy
 *
 * Names never do: they hold no colon or slash, and not only digits and dots.
 */
bool text_looks_like_address(const char *text)
{
	return strpbrk(text, ":/") ||
	       (*text && strspn(text, "0123456789.") == strlen(text));
}

static bool address_parse(const char *text, struct policy_prefix *prefix,
			  char *error)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char ipv4[INET_ADDRSTRLEN];

	memset(prefix, 0, sizeof(*prefix));
	if (inet_pton(AF_INET, text, prefix->addr) == 1) {
		prefix->family = 4;
		return true;
	}
	if (inet_pton(AF_INET6, text, prefix->addr) == 1) {
		if (!memcmp(prefix->addr, mapped, sizeof(mapped))) {
			inet_ntop(AF_INET, prefix->addr + 12, ipv4,
				  sizeof(ipv4));
			(void)snprintf(error, ADDRESS_ERROR,
				       "\"%s\" is an IPv4 address in IPv6 notation: write %s",
				       TEXT_CLIP(text), ipv4);
			return false;
		}
		prefix->family = 6;
		return true;
	}
	if (strchr(text, '%'))
		(void)snprintf(error, ADDRESS_ERROR,
			       "\"%s\": an interface after the address (%%) is not supported",
			       TEXT_CLIP(text));
	else
		(void)snprintf(error, ADDRESS_ERROR,
			       "\"%s\" is not an IPv4 or IPv6 address%s",
			       TEXT_CLIP(text),
			       strchr(text, '-') ?
			       ", and ranges are written as prefixes (10.0.0.0/30)" :
			       "");
	return false;
}

/**
 * prefix_parse() - read an address or a prefix
 * @text: "10.0.0.1", "10.0.0.0/24", "2001:db8::/32"
 * @prefix: result; a host address gets the full length
 * @error: receives what is wrong, without a place
 *
 * Host bits behind the prefix are refused: whoever wrote them meant either
 * the host or the network, and guessing would permit too much.
 *
 * Return: true if @prefix is valid.
 */
bool prefix_parse(const char *text, struct policy_prefix *prefix,
		  char error[ADDRESS_ERROR])
{
	const char *slash = strchr(text, '/');
	char host[PREFIX_TEXT], shown[PREFIX_TEXT];
	struct policy_prefix network;
	uint64_t len;

	if (!slash) {
		if (!address_parse(text, prefix, error))
			return false;
		prefix->len = (uint8_t)family_bits(prefix->family);
		return true;
	}
	if ((size_t)(slash - text) >= sizeof(host)) {
		(void)snprintf(error, ADDRESS_ERROR,
			       "\"%s\" is not an IPv4 or IPv6 prefix",
			       TEXT_CLIP(text));
		return false;
	}
	memcpy(host, text, (size_t)(slash - text));
	host[slash - text] = '\0';
	if (!address_parse(host, prefix, error))
		return false;
	if (!text_number(slash + 1, &len) || len > family_bits(prefix->family)) {
		(void)snprintf(error, ADDRESS_ERROR,
			       "\"%s\": the length of an IPv%u prefix is a number from 0 to %u",
			       TEXT_CLIP(text), prefix->family,
			       family_bits(prefix->family));
		return false;
	}
	prefix->len = (uint8_t)len;
	network = *prefix;
	clear_host_bits(&network);
	if (memcmp(network.addr, prefix->addr, sizeof(network.addr)) != 0) {
		(void)snprintf(error, ADDRESS_ERROR,
			       "\"%s\" has bits set behind its prefix: write %s for the network, or %s for the host",
			       TEXT_CLIP(text), prefix_format(&network, shown),
			       host);
		return false;
	}
	return true;
}

/**
 * mac_parse() - read the MAC of a device
 * @text: "aa:bb:cc:dd:ee:ff" or "aa-bb-cc-dd-ee-ff"
 * @mac: result
 * @error: receives what is wrong, without a place
 *
 * Return: true if @mac is valid and can be a sender's.
 */
bool mac_parse(const char *text, uint8_t mac[6], char error[ADDRESS_ERROR])
{
	static const uint8_t zero[6];
	const char *p = text;
	const char *why = NULL;

	for (unsigned int i = 0; i < 6; i++, p += 2) {
		const char pair[3] = { p[0], p[0] ? p[1] : '\0', '\0' };

		if (!isxdigit((unsigned char)pair[0]) ||
		    !isxdigit((unsigned char)pair[1]))
			goto not_mac;
		mac[i] = (uint8_t)strtoul(pair, NULL, 16);
		if (i == 5)
			break;
		/* One kind of separator throughout. */
		if ((p[2] != ':' && p[2] != '-') || p[2] != text[2])
			goto not_mac;
		p++;
	}
	if (p[2])
		goto not_mac;

	if (!memcmp(mac, zero, sizeof(zero)))
		why = "is all zero: no device sends from it";
	else if (mac[0] & 1)
		why = "is a group address (multicast or broadcast): no device sends from it";
	if (!why)
		return true;
	(void)snprintf(error, ADDRESS_ERROR, "MAC \"%s\" %s", TEXT_CLIP(text),
		       why);
	return false;

not_mac:
	(void)snprintf(error, ADDRESS_ERROR,
		       "\"%s\" is not a MAC: write it as 02:00:5e:10:00:17",
		       TEXT_CLIP(text));
	return false;
}

/**
 * prefix_format() - write an address or prefix
 * @prefix: it
 * @text: room for it
 *
 * Return: @text; a host address comes without its length.
 */
const char *prefix_format(const struct policy_prefix *prefix,
			  char text[PREFIX_TEXT])
{
	char address[INET6_ADDRSTRLEN] = "?";

	inet_ntop(prefix->family == 4 ? AF_INET : AF_INET6, prefix->addr,
		  address, sizeof(address));
	if (prefix_is_host(prefix))
		(void)snprintf(text, PREFIX_TEXT, "%s", address);
	else
		(void)snprintf(text, PREFIX_TEXT, "%s/%u", address,
			       prefix->len);
	return text;
}

/**
 * mac_format() - write a MAC
 * @mac: it
 * @text: room for it
 *
 * Return: @text.
 */
const char *mac_format(const uint8_t mac[6], char text[MAC_TEXT])
{
	(void)snprintf(text, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x",
		       mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return text;
}

static void append_range(char *text, size_t size, const char *word,
			 uint16_t low, uint16_t high)
{
	size_t used = strlen(text);

	if (low == 0 && high == UINT16_MAX)
		return;
	if (low == high)
		(void)snprintf(text + used, size - used, " %s%u", word, low);
	else
		(void)snprintf(text + used, size - used, " %s%u-%u", word, low,
			       high);
}

/**
 * rule_format() - write a rule as a person reads it
 * @rule: it
 * @text: room for it
 *
 * The word that begins it and the meaning of "source" are those of the policy
 * file: "serves" takes the device's ports, "connects" the peer's, and
 * "source" is the port of whoever initiates.
 *
 * Return: @text, such as "connects 10.20.0.10 udp 10000-20000".
 */
const char *rule_format(const struct policy_rule *rule, char text[RULE_TEXT])
{
	char peer[PREFIX_TEXT], number[NAME_TEXT];
	const char *proto = "any";

	if (rule->proto >= 0)
		proto = name_text(&names_protocol, (unsigned int)rule->proto,
				  number);
	(void)snprintf(text, RULE_TEXT, "%s %s %s",
		       rule->peer_initiates ? "serves" : "connects",
		       prefix_format(&rule->peer, peer), proto);
	if (protocol_is_icmp(rule->proto)) {
		append_range(text, RULE_TEXT, "type ", rule->peer_low,
			     rule->peer_high);
	} else if (rule->peer_initiates) {
		append_range(text, RULE_TEXT, "", rule->device_low,
			     rule->device_high);
		append_range(text, RULE_TEXT, "source ", rule->peer_low,
			     rule->peer_high);
	} else {
		append_range(text, RULE_TEXT, "", rule->peer_low,
			     rule->peer_high);
		append_range(text, RULE_TEXT, "source ", rule->device_low,
			     rule->device_high);
	}
	return text;
}

/**
 * prefix_from_bytes() - host address from its wire form
 * @bytes: network order
 * @len: 4 or 16
 * @prefix: result
 *
 * Return: true if @len is that of an address.
 */
bool prefix_from_bytes(const void *bytes, size_t len,
		       struct policy_prefix *prefix)
{
	if (len != 4 && len != 16)
		return false;
	memset(prefix, 0, sizeof(*prefix));
	prefix->family = len == 4 ? 4 : 6;
	prefix->len = (uint8_t)family_bits(prefix->family);
	memcpy(prefix->addr, bytes, len);
	return true;
}

/**
 * prefix_is_host() - is it one address?
 * @prefix: it
 */
bool prefix_is_host(const struct policy_prefix *prefix)
{
	return prefix->len == family_bits(prefix->family);
}

/**
 * prefix_compare() - order of prefixes, as of memcmp()
 * @a: one: IPv4 comes before IPv6, then by address, wider ones first
 * @b: the other
 */
int prefix_compare(const struct policy_prefix *a, const struct policy_prefix *b)
{
	int order;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	order = memcmp(a->addr, b->addr, sizeof(a->addr));
	if (order)
		return order;
	return (a->len > b->len) - (a->len < b->len);
}

/**
 * prefix_contains() - does one prefix cover another?
 * @outer: the wider one
 * @inner: the narrower one
 */
bool prefix_contains(const struct policy_prefix *outer,
		     const struct policy_prefix *inner)
{
	struct policy_prefix cut = *inner;

	if (outer->family != inner->family || outer->len > inner->len)
		return false;
	cut.len = outer->len;
	clear_host_bits(&cut);
	return !memcmp(cut.addr, outer->addr, sizeof(cut.addr));
}

/* What no device sends from. */
static const struct unfit {
	struct policy_prefix net;
	const char *is;
	const char *has;
} unfits[] = {
	{ { .family = 4, .len = 32 }, "is the unspecified address", "" },
	{ { .family = 4, .len = 8 }, "is in 0.0.0.0/8, which no device sends from",
	  "contains 0.0.0.0/8, which no device sends from" },
	{ { .family = 4, .len = 8, .addr = { 127 } }, "is loopback",
	  "contains loopback addresses" },
	{ { .family = 4, .len = 4, .addr = { 224 } }, "is multicast",
	  "contains multicast addresses" },
	{ { .family = 4, .len = 32, .addr = { 255, 255, 255, 255 } },
	  "is the broadcast address", "contains the broadcast address" },
	{ { .family = 6, .len = 128 }, "is the unspecified address",
	  "contains the unspecified address" },
	{ { .family = 6, .len = 128, .addr = { [15] = 1 } },
	  "is the loopback address", "contains the loopback address" },
	{ { .family = 6, .len = 8, .addr = { 0xff } }, "is multicast",
	  "contains multicast addresses" },
};

/**
 * prefix_unfit_source() - can a device send from it?
 * @prefix: a bound address or prefix
 *
 * Return: NULL if it can from all of it, or why not, to follow the address in a
 * message.
 */
const char *prefix_unfit_source(const struct policy_prefix *prefix)
{
	if (prefix->len == 0)
		return "is every address: name the device's own";
	for (size_t i = 0; i < sizeof(unfits) / sizeof(unfits[0]); i++) {
		const struct unfit *unfit = &unfits[i];

		if (prefix_contains(&unfit->net, prefix))
			return unfit->is;
		if (unfit->has[0] && prefix_contains(prefix, &unfit->net))
			return unfit->has;
	}
	return NULL;
}
