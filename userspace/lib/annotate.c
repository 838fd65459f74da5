// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hints about MAC addresses and destinations.
 *
 * The files are read when the first hint is asked for, not before: a gateway
 * is to guard first. What was found for an address is remembered, since a
 * camera calls the same one again and again.
 */
#include <stdlib.h>
#include <string.h>

#include "annotate.h"
#include "mem.h"
#include "place.h"

/* Addresses that are remembered; a power of two. */
#define CACHE_SIZE	1024

/* Bits of a MAC's first byte. */
#define MAC_GROUP	0x01
#define MAC_LOCAL	0x02

struct cached {
	uint8_t address[16];
	uint8_t len;		/* 0: nothing here */
	bool known;
	struct address_hint hint;
};

struct annotate {
	struct gateway_annotations config;
	bool loaded;
	struct vendors vendors;
	struct place_db country;
	struct place_db asn;
	bool shared;
	struct cached *cache;
};

/**
 * annotate_new() - nothing is known yet
 *
 * Return: to be freed with annotate_free().
 */
struct annotate *annotate_new(void)
{
	struct annotate *annotate = mem_alloc(sizeof(*annotate));

	memset(annotate, 0, sizeof(*annotate));
	return annotate;
}

/**
 * annotate_reload() - forget what was read, so that newer files are
 * @annotate: the hints
 */
void annotate_reload(struct annotate *annotate)
{
	vendors_free(&annotate->vendors);
	place_close(&annotate->country);
	place_close(&annotate->asn);
	free(annotate->cache);
	annotate->cache = NULL;
	annotate->loaded = false;
}

/**
 * annotate_configure() - say where to read from
 * @annotate: the hints
 * @config: what gateway.yaml says; copied
 */
void annotate_configure(struct annotate *annotate,
			const struct gateway_annotations *config)
{
	struct gateway_annotations *own = &annotate->config;

	annotate_reload(annotate);
	gateway_annotations_free(own);
	own->named = config->named;
	own->nvendors = config->nvendors;
	own->vendors = mem_alloc((config->nvendors + 1) * sizeof(char *));
	for (size_t i = 0; i < config->nvendors; i++)
		own->vendors[i] = mem_copy(config->vendors[i]);
	if (config->country)
		own->country = mem_copy(config->country);
	if (config->asn)
		own->asn = mem_copy(config->asn);
}

/**
 * annotate_load() - read the files, unless they were read
 * @annotate: the hints
 * @diag: receives a warning about each that cannot be used, once
 *
 * Without it there are no hints.
 */
void annotate_load(struct annotate *annotate, struct diag *diag)
{
	const struct gateway_annotations *config = &annotate->config;

	if (annotate->loaded)
		return;
	annotate->loaded = true;
	for (size_t i = 0; i < config->nvendors; i++)
		vendors_read(&annotate->vendors, config->vendors[i],
			     config->named, diag);
	vendors_sort(&annotate->vendors);
	if (config->country)
		place_open(&annotate->country, config->country, diag);
	annotate->shared = config->country && config->asn &&
			   !strcmp(config->country, config->asn);
	if (config->asn && !annotate->shared)
		place_open(&annotate->asn, config->asn, diag);
	annotate->cache = mem_alloc(CACHE_SIZE * sizeof(*annotate->cache));
	memset(annotate->cache, 0, CACHE_SIZE * sizeof(*annotate->cache));
}

/**
 * annotate_mac() - what is said of a MAC address
 * @annotate: the hints
 * @mac: the address
 * @hint: result
 *
 * Return: whether there is anything in @hint.
 */
bool annotate_mac(const struct annotate *annotate, const uint8_t mac[6],
		  struct mac_hint *hint)
{
	*hint = (struct mac_hint) { .local = mac[0] & MAC_LOCAL };
	if (mac[0] & MAC_GROUP)
		return false;
	if (!hint->local)
		hint->vendor = vendors_find(&annotate->vendors, mac,
					    &hint->date);
	return hint->local || hint->vendor;
}

/* A file that is named for both is read once. */
static const struct place_db *asn_of(const struct annotate *annotate)
{
	return annotate->shared ? &annotate->country : &annotate->asn;
}

static bool look_up(const struct annotate *annotate, const uint8_t *address,
		    size_t len, struct address_hint *hint)
{
	const struct place_db *asn = asn_of(annotate);

	memset(hint, 0, sizeof(*hint));
	if (place_country(&annotate->country, address, len, hint->country,
			  sizeof(hint->country)))
		memcpy(hint->country_date, annotate->country.date,
		       sizeof(hint->country_date));
	if (place_network(asn, address, len, &hint->asn, hint->organization,
			  sizeof(hint->organization)))
		memcpy(hint->asn_date, asn->date, sizeof(hint->asn_date));
	return *hint->country || hint->asn;
}

static struct cached *place_of(struct annotate *annotate,
			       const uint8_t *address, size_t len)
{
	uint32_t hash = 2166136261U;	/* FNV-1a */

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ address[i]) * 16777619U;
	return &annotate->cache[(hash ^ hash >> 16) & (CACHE_SIZE - 1)];
}

/**
 * annotate_address() - what is said of an IP address
 * @annotate: the hints; remembers the answer
 * @address: in network order
 * @len: 4 or 16
 * @hint: result
 *
 * Return: whether there is anything in @hint.
 */
bool annotate_address(struct annotate *annotate, const uint8_t *address,
		      size_t len, struct address_hint *hint)
{
	struct cached *cached;

	if (!annotate->loaded || (len != 4 && len != 16) ||
	    (!annotate->country.format && !annotate->asn.format)) {
		memset(hint, 0, sizeof(*hint));
		return false;
	}
	cached = place_of(annotate, address, len);
	if (cached->len != len || memcmp(cached->address, address, len) != 0) {
		memcpy(cached->address, address, len);
		cached->len = (uint8_t)len;
		cached->known = look_up(annotate, address, len, &cached->hint);
	}
	*hint = cached->hint;
	return cached->known;
}

void annotate_free(struct annotate *annotate)
{
	if (!annotate)
		return;
	annotate_reload(annotate);
	gateway_annotations_free(&annotate->config);
	free(annotate);
}
