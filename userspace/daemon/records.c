// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drop records: fetched from the kernel, reported, and added up.
 *
 * The kernel's active table is retired, and the retired one read, which by
 * then nobody writes to. A table that was retired but not read is read first,
 * also when it was another daemon that retired it: none is lost when a daemon
 * dies in between. So that none is reported twice either, a fingerprint of the
 * table that was reported last is kept in the state directory.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(text) records_fatal(text)
static void records_fatal(const char *text) __attribute__((noreturn));
#include <uthash.h>

#include "json.h"
#include "log.h"
#include "mem.h"
#include "records.h"
#include "state.h"

#define REPORTED_FILE "reported.json"

static void records_fatal(const char *text)
{
	log_error("%s", text);
	abort();
}

struct record_entry {
	UT_hash_handle hh;
	struct record_key key;
	struct client_record record;
};

/**
 * record_key_of() - what makes two records the same
 * @record: a record
 * @key: result; the same bytes for the same record
 */
void record_key_of(const struct client_record *record, struct record_key *key)
{
	memset(key, 0, sizeof(*key));
	memcpy(key->guard, record->guard, sizeof(key->guard));
	memcpy(key->device, record->device, sizeof(key->device));
	memcpy(key->mac, record->mac, sizeof(key->mac));
	memcpy(key->destination, record->destination,
	       sizeof(key->destination));
	if (!record->has_mac || !record->device[0]) {
		memcpy(key->source, record->source, sizeof(key->source));
		key->source_len = record->source_len;
	}
	key->has_mac = record->has_mac;
	key->destination_len = record->destination_len;
	key->reason = record->reason;
	key->audit = record->audit;
	key->ethertype = record->ethertype;
	key->proto = record->proto;
	key->port = record->port;
	key->revision = record->revision;
}

/* FNV-1a. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *byte = bytes;

	while (len--)
		hash = (hash ^ *byte++) * 0x100000001b3ULL;
	return hash;
}

/* Of all records whatever their order; 0: of none. */
static uint64_t fingerprint(const struct client_records *records)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < records->count; i++) {
		const struct client_record *record = &records->items[i];
		const uint64_t counts[] = { record->count.packets,
			record->count.bytes, record->first, record->last };
		struct record_key key;
		uint64_t hash;

		record_key_of(record, &key);
		hash = hash_bytes(0xcbf29ce484222325ULL, &key, sizeof(key));
		sum += hash_bytes(hash, counts, sizeof(counts));
	}
	return sum;
}

/* The table is in the order of additions: its head is the oldest. */
static void forget_oldest(struct records *records)
{
	struct record_entry *entry = records->table;

	HASH_DEL(records->table, entry);
	free(entry);
	records->count--;
}

static void add_up(struct records *records, const struct client_record *record)
{
	struct record_entry *entry;
	struct record_key key;

	record_key_of(record, &key);
	HASH_FIND(hh, records->table, &key, sizeof(key), entry);
	if (entry) {
		HASH_DEL(records->table, entry);
		entry->record.count.packets += record->count.packets;
		entry->record.count.bytes += record->count.bytes;
		if (record->last > entry->record.last)
			entry->record.last = record->last;
	} else {
		if (records->count == RECORDS_MAX) {
			forget_oldest(records);
			records->forgotten++;
		}
		entry = mem_alloc(sizeof(*entry));
		entry->key = key;
		entry->record = *record;
		records->count++;
	}
	HASH_ADD(hh, records->table, key, sizeof(entry->key), entry);
}

/**
 * records_init() - hold nothing yet
 * @records: to be set up
 * @state: the state directory; must outlive @records
 * @call: hears about each record that is fetched
 * @arg: for @call
 */
void records_init(struct records *records, const char *state, records_fn call,
		  void *arg)
{
	json_t *value = state_load(state, REPORTED_FILE);
	const char *text = json_string_value(json_object_get(value,
							     "fingerprint"));

	memset(records, 0, sizeof(*records));
	records->state = state;
	records->call = call;
	records->arg = arg;
	if (text)
		records->reported = strtoull(text, NULL, 16);
	json_decref(value);
	records_attach(records);
}

void records_free(struct records *records)
{
	struct record_entry *entry = records->table, *next;

	/* The table goes first; its entries stay linked to each other. */
	HASH_CLEAR(hh, records->table);
	for (; entry; entry = next) {
		next = entry->hh.next;
		free(entry);
	}
	records->count = 0;
}

/**
 * records_attach() - the module is there (again)
 * @records: what is held
 *
 * Whether the table that was retired last was ever read is not known.
 */
void records_attach(struct records *records)
{
	records->unread = true;
	records->lost = 0;
}

static void remember_reported(struct records *records, uint64_t print)
{
	char text[2 * sizeof(print) + 1], *error = NULL;
	json_t *value;

	if (print == records->reported)
		return;
	records->reported = print;
	snprintf(text, sizeof(text), "%016" PRIx64, print);
	value = json_pack("{s:s}", "fingerprint", text);
	if (!state_save(records->state, REPORTED_FILE, value, &error))
		log_warning("%s: after a restart, drop records may be reported twice",
			    error);
	free(error);
	json_decref(value);
}

static void take_losses(struct records *records, uint64_t lost)
{
	if (lost <= records->lost)
		return;
	log_warning("%" PRIu64 " dropped frame(s) have no record (%" PRIu64 " in all): the kernel's table of records was full; the totals of devices and guards have them",
		    lost - records->lost, lost);
	records->lost = lost;
}

static enum records_result busy_or_failed(const struct client_error *err)
{
	return err->code == EAGAIN || err->code == EBUSY ? RECORDS_AGAIN :
							   RECORDS_FAILED;
}

static enum records_result read_retired(struct records *records,
					struct client *client,
					struct client_error *err)
{
	struct client_records list;
	uint64_t print;

	if (client_records(client, LENSCAP_TABLE_RETIRED, &list, err) < 0)
		return busy_or_failed(err);
	records->unread = false;
	print = fingerprint(&list);
	for (size_t i = 0; print != records->reported && i < list.count; i++) {
		json_t *json = json_record(&list.items[i]);

		add_up(records, &list.items[i]);
		records->call(records->arg, &list.items[i], json);
		json_decref(json);
	}
	if (list.count)
		remember_reported(records, print);
	client_records_free(&list);
	return RECORDS_DONE;
}

/**
 * records_collect() - fetch what the kernel has recorded
 * @records: add to these
 * @client: to ask
 * @err: why not
 */
enum records_result records_collect(struct records *records,
				    struct client *client,
				    struct client_error *err)
{
	enum records_result result;
	struct client_losses losses;
	struct client_info info;

	if (records->unread) {
		result = read_retired(records, client, err);
		if (result != RECORDS_DONE)
			return result;
	}
	if (client_info(client, &info, err) < 0)
		return RECORDS_FAILED;
	records->live = info;
	take_losses(records, info.records_lost);
	if (!info.records)
		return RECORDS_DONE;
	if (client_record_rotate(client, &losses, err) < 0)
		return busy_or_failed(err);
	records->unread = true;
	return read_retired(records, client, err);
}

/**
 * records_list() - what is held
 * @records: it
 * @limit: at most so many, the newest ones
 *
 * Return: an array, newest last.
 */
json_t *records_list(const struct records *records, size_t limit)
{
	size_t skip = records->count > limit ? records->count - limit : 0;
	const struct record_entry *entry;
	json_t *list = json_array();

	for (entry = records->table; entry; entry = entry->hh.next) {
		if (skip)
			skip--;
		else
			json_array_append_new(list,
					      json_record(&entry->record));
	}
	return list;
}
