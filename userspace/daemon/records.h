/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Drop records: fetched from the kernel, reported, and added up.
 */
#ifndef LENSCAPD_RECORDS_H
#define LENSCAPD_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "client.h"

/* Records that are held; beyond, the one that is longest unchanged goes. */
#define RECORDS_MAX 10000

/*
 * What makes two records the same. Compared as bytes: always zeroed first.
 * The source belongs to it where nothing else says whose frame it was.
 */
struct record_key {
	char guard[LENSCAP_NAME_LEN + 1];
	char device[LENSCAP_NAME_LEN + 1];
	uint8_t mac[6];
	uint8_t source[16];
	uint8_t destination[16];
	uint8_t has_mac, source_len, destination_len;
	uint8_t reason, audit;
	uint16_t ethertype;
	int32_t proto, port;
	uint64_t revision;
};

struct record_entry;

/* Hears about each record of an interval. */
typedef void (*records_fn)(void *arg, const struct client_record *record,
			   const json_t *json);

/**
 * struct records - drop records of this daemon's life
 * @table: by key, and in the order in which they changed last
 * @count: how many are held
 * @forgotten: how many are no longer
 * @lost: frames without a record, ever, as the kernel counts
 * @unread: the retired table was not read since the last rotation
 * @reported: fingerprint of the retired table that was reported last
 * @live: the kernel's state before the last rotation; zeroes: not known
 * @state: directory in which @reported outlives the daemon
 * @call: hears about each record
 * @arg: for @call
 */
struct records {
	struct record_entry *table;
	size_t count;
	uint64_t forgotten;
	uint64_t lost;
	bool unread;
	uint64_t reported;
	struct client_info live;
	const char *state;
	records_fn call;
	void *arg;
};

enum records_result {
	RECORDS_DONE,
	RECORDS_AGAIN,	/* a packet may still write: call again in a moment */
	RECORDS_FAILED,
};

void record_key_of(const struct client_record *record, struct record_key *key);
void records_init(struct records *records, const char *state, records_fn call,
		  void *arg);
void records_free(struct records *records);
void records_attach(struct records *records);
enum records_result records_collect(struct records *records,
				    struct client *client,
				    struct client_error *err);
json_t *records_list(const struct records *records, size_t limit);

#endif /* LENSCAPD_RECORDS_H */
