/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The history's file: rows are appended, the oldest ones let go.
 */
#ifndef LENSCAPD_HISTORY_STORE_H
#define LENSCAPD_HISTORY_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <sqlite3.h>

#include "chain.h"

/**
 * struct history_tail - where the chain ends
 * @seq: the last row, 0: none
 * @time: its time, ms since the epoch
 * @hash: its hash
 * @sealed: rows up to this one have a seal
 */
struct history_tail {
	uint64_t seq;
	int64_t time;
	uint8_t hash[CHAIN_HASH_LEN];
	uint64_t sealed;
};

enum history_opened {
	HISTORY_FAILED,
	HISTORY_OPENED,
	HISTORY_MADE,	/* it was not there */
	HISTORY_BROKEN,	/* what was there is none: it was put aside */
};

/**
 * struct history_store - an open history
 * @db: the database; NULL: closed
 * @append: adds a row
 * @dev: with @ino, which file it is
 * @ino: see @dev
 * @tail: where the chain ends, with what the open transaction has added
 * @ended: the last row besides seals and anchors says that the daemon ended
 */
struct history_store {
	sqlite3 *db;
	sqlite3_stmt *append;
	dev_t dev;
	ino_t ino;
	struct history_tail tail;
	bool ended;
};

enum history_opened history_store_open(struct history_store *store,
				       const char *path, uint64_t max_bytes,
				       char **error);
void history_store_close(struct history_store *store);
bool history_store_put_aside(const char *path);
bool history_store_is(const struct history_store *store, const char *path);
bool history_store_begin(struct history_store *store);
bool history_store_append(struct history_store *store, int64_t now,
			  const char *kind, const char *body);
bool history_store_commit(struct history_store *store);
void history_store_rollback(struct history_store *store);
bool history_store_broken(const struct history_store *store);
char *history_store_error(const struct history_store *store);
uint64_t history_store_bytes(const struct history_store *store);
bool history_store_oldest(struct history_store *store, int64_t before,
			  struct chain_mark *mark);
int64_t history_store_delete(struct history_store *store, uint64_t seq);
void history_store_settle(struct history_store *store);

#endif /* LENSCAPD_HISTORY_STORE_H */
