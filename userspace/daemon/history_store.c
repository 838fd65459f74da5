// SPDX-License-Identifier: GPL-2.0-only
/*
 * The history's file: rows are appended, the oldest ones let go.
 *
 * Nothing here waits: a lock that another program holds is a failure, and the
 * caller tries again later. After a failure the file is closed and opened
 * again, so that what is known of it is what is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "history_store.h"
#include "mem.h"

/* Bytes; the file consists of them. */
#define PAGE		4096

/* Bytes up to which the write-ahead log is kept, not cut. */
#define LOG_LIMIT	"4194304"

static bool run(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static int64_t number_of(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int64_t number = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

static bool is_broken(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT ||
	       (code & 0xff) == SQLITE_NOTADB;
}

/**
 * history_store_put_aside() - rename what is no history, or not any more
 * @path: the file: path.bad afterwards
 *
 * One of them is kept: what is broken may be evidence, but is not to fill
 * the disk.
 */
bool history_store_put_aside(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	bool done = false;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		char *from = mem_print("%s%s", path, suffixes[i]);
		char *to = mem_print("%s.bad%s", path, suffixes[i]);

		(void)unlink(to);
		if (!rename(from, to) && !i)
			done = true;
		free(from);
		free(to);
	}
	return done;
}

static bool make_tables(sqlite3 *db)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
		 "BEGIN IMMEDIATE; PRAGMA application_id = %d; PRAGMA user_version = %d; %s; COMMIT",
		 CHAIN_APPLICATION, CHAIN_FORMAT, CHAIN_TABLE);
	return run(db, sql);
}

/* Where the chain ends. */
static bool read_tail(struct history_store *store)
{
	struct history_tail *tail = &store->tail;
	sqlite3_stmt *statement = NULL;
	bool known = false;
	int code;

	memset(tail, 0, sizeof(*tail));
	store->ended = true;
	code = sqlite3_prepare_v2(store->db,
		"SELECT seq, time, kind, hash FROM rows ORDER BY seq DESC",
		-1, &statement, NULL);
	while (code == SQLITE_OK || code == SQLITE_ROW) {
		const char *kind;

		code = sqlite3_step(statement);
		if (code != SQLITE_ROW)
			break;
		kind = (const char *)sqlite3_column_text(statement, 2);
		if (!kind)
			kind = "";
		if (!tail->seq) {
			const void *hash = sqlite3_column_blob(statement, 3);

			tail->seq = (uint64_t)sqlite3_column_int64(statement,
								   0);
			tail->time = sqlite3_column_int64(statement, 1);
			if (hash && sqlite3_column_bytes(statement, 3) ==
			    CHAIN_HASH_LEN)
				memcpy(tail->hash, hash, CHAIN_HASH_LEN);
		}
		if (!tail->sealed && !strcmp(kind, "seal"))
			tail->sealed =
				(uint64_t)sqlite3_column_int64(statement, 0);
		if (!known && strcmp(kind, "seal") != 0 &&
		    strcmp(kind, "anchor") != 0) {
			known = true;
			store->ended = !strcmp(kind, "stop");
		}
		if (known && tail->sealed) {
			code = SQLITE_DONE;
			break;
		}
	}
	sqlite3_finalize(statement);
	return code == SQLITE_DONE;
}

static bool prepare(struct history_store *store, uint64_t max_bytes)
{
	char limit[64];

	snprintf(limit, sizeof(limit), "PRAGMA max_page_count = %llu",
		 (unsigned long long)(max_bytes / PAGE));
	return run(store->db, limit) && read_tail(store) &&
	       sqlite3_prepare_v3(store->db,
			"INSERT INTO rows VALUES (?1, ?2, ?3, ?4, ?5)", -1,
			SQLITE_PREPARE_PERSISTENT, &store->append,
			NULL) == SQLITE_OK;
}

/* Before SQLite does: only root may read it, and its log. */
static bool make_file(const char *path, struct stat *st, bool *made,
		      char **error)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool done = fd >= 0 && !fstat(fd, st);

	if (!done)
		*error = mem_print("cannot open %s: %s", path,
				   strerror(errno));
	/* Nobody else's descriptor of it is open here: no lock is lost. */
	if (fd >= 0)
		close(fd);
	*made = done && !st->st_size;
	return done;
}

static bool try_open(struct history_store *store, const char *path, bool *made,
		     char **error)
{
	struct stat st;

	if (!make_file(path, &st, made, error))
		return false;
	store->dev = st.st_dev;
	store->ino = st.st_ino;
	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE |
			    SQLITE_OPEN_EXRESCODE, NULL) != SQLITE_OK)
		return false;
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* A seal is forced to disk; what comes after it may be lost with power. */
	if (!run(store->db, *made ?
		 "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL" :
		 "PRAGMA journal_mode = WAL") ||
	    !run(store->db, "PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = " LOG_LIMIT))
		return false;
	/* One that was being made when the disk was full is empty. */
	if (!number_of(store->db, "PRAGMA application_id") &&
	    !number_of(store->db, "SELECT count(*) FROM sqlite_schema"))
		*made = true;
	return !*made || make_tables(store->db);
}

/* The transaction keeps what is looked at from being unreadable meanwhile. */
static bool look(struct history_store *store, bool *broken, char **error)
{
	char *why = NULL;
	bool good;

	if (!run(store->db, "BEGIN; SELECT count(*) FROM sqlite_schema")) {
		*broken = history_store_broken(store);
		return false;
	}
	good = chain_sound(store->db, &why);
	if (!good) {
		*broken = true;
		*error = mem_print("%s: %s",
				   sqlite3_db_filename(store->db, "main"), why);
		free(why);
	}
	(void)run(store->db, "COMMIT");
	return good;
}

/**
 * history_store_open() - open the file, or make it
 * @store: closed
 * @path: the file
 * @max_bytes: it is to grow no larger
 * @error: receives why not, or what was wrong with a broken one, to be freed
 */
enum history_opened history_store_open(struct history_store *store,
				       const char *path, uint64_t max_bytes,
				       char **error)
{
	char *wrong = NULL;
	bool made;

	*error = NULL;
	for (int attempt = 0; attempt < 2; attempt++) {
		bool broken = false;

		if (!try_open(store, path, &made, error)) {
			broken = history_store_broken(store);
		} else if (look(store, &broken, error)) {
			if (prepare(store, max_bytes))
				goto opened;
			broken = history_store_broken(store);
		}
		if (!*error)
			*error = history_store_error(store);
		history_store_close(store);
		if (!broken || wrong || !history_store_put_aside(path))
			break;
		wrong = *error;
		*error = NULL;
	}
	free(wrong);
	return HISTORY_FAILED;
opened:
	*error = wrong;
	return wrong ? HISTORY_BROKEN : made ? HISTORY_MADE : HISTORY_OPENED;
}

/**
 * history_store_close() - close the file
 * @store: it; its tail stays known
 */
void history_store_close(struct history_store *store)
{
	sqlite3_finalize(store->append);
	store->append = NULL;
	sqlite3_close(store->db);
	store->db = NULL;
}

/**
 * history_store_is() - is it still this file that has this name?
 * @store: open
 * @path: the name
 */
bool history_store_is(const struct history_store *store, const char *path)
{
	struct stat st;

	return !stat(path, &st) && st.st_dev == store->dev &&
	       st.st_ino == store->ino;
}

/**
 * history_store_broken() - is the file itself what is wrong?
 * @store: after a failure
 */
bool history_store_broken(const struct history_store *store)
{
	return store->db && is_broken(sqlite3_extended_errcode(store->db));
}

/**
 * history_store_error() - what is wrong, to be freed
 * @store: after a failure
 */
char *history_store_error(const struct history_store *store)
{
	const char *path = store->db ? sqlite3_db_filename(store->db, "main") :
				       NULL;

	if (!store->db)
		return mem_copy("the history is not open");
	switch (sqlite3_extended_errcode(store->db) & 0xff) {
	case SQLITE_FULL:
		return mem_print("%s: the disk is full, or max_size is reached",
				 path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return mem_print("%s: another program has locked it", path);
	case SQLITE_CONSTRAINT:
		return mem_print("%s: another program has added rows to it",
				 path);
	}
	return mem_print("%s: %s", path, sqlite3_errmsg(store->db));
}

/**
 * history_store_begin() - begin a transaction
 * @store: open
 */
bool history_store_begin(struct history_store *store)
{
	return run(store->db, "BEGIN IMMEDIATE");
}

/**
 * history_store_commit() - end a transaction
 * @store: open; after a failure, the transaction is still to be rolled back
 */
bool history_store_commit(struct history_store *store)
{
	return run(store->db, "COMMIT");
}

/**
 * history_store_rollback() - undo a transaction
 * @store: open; its tail is known again only when it was opened again
 */
void history_store_rollback(struct history_store *store)
{
	if (!sqlite3_get_autocommit(store->db))
		(void)run(store->db, "ROLLBACK");
}

/**
 * history_store_append() - add a row to the chain
 * @store: open, in a transaction
 * @now: the row's time, ms since the epoch
 * @kind: what it tells
 * @body: a JSON object
 */
bool history_store_append(struct history_store *store, int64_t now,
			  const char *kind, const char *body)
{
	struct history_tail *tail = &store->tail;
	sqlite3_stmt *append = store->append;
	struct chain_row row = {
		.seq = tail->seq + 1,
		.time = now,
		.kind = kind,
		.kind_len = strlen(kind),
		.body = body,
		.body_len = strlen(body),
	};
	bool done;

	chain_hash(tail->hash, &row, row.hash);
	sqlite3_bind_int64(append, 1, (sqlite3_int64)row.seq);
	sqlite3_bind_int64(append, 2, row.time);
	sqlite3_bind_text(append, 3, kind, (int)row.kind_len, SQLITE_STATIC);
	sqlite3_bind_text(append, 4, body, (int)row.body_len, SQLITE_STATIC);
	sqlite3_bind_blob(append, 5, row.hash, sizeof(row.hash),
			  SQLITE_STATIC);
	done = sqlite3_step(append) == SQLITE_DONE;
	sqlite3_reset(append);
	sqlite3_clear_bindings(append);
	if (!done)
		return false;
	tail->seq = row.seq;
	tail->time = now;
	memcpy(tail->hash, row.hash, sizeof(tail->hash));
	if (!strcmp(kind, "seal"))
		tail->sealed = row.seq;
	return true;
}

/**
 * history_store_bytes() - how much of the file is in use
 * @store: open
 */
uint64_t history_store_bytes(const struct history_store *store)
{
	int64_t pages = number_of(store->db, "PRAGMA page_count");
	int64_t unused = number_of(store->db, "PRAGMA freelist_count");

	return pages > unused && unused >= 0 ?
	       (uint64_t)(pages - unused) * PAGE : 0;
}

/**
 * history_store_oldest() - the oldest seal, up to which rows may go
 * @store: open
 * @before: only one of before this time, ms since the epoch
 * @mark: receives number and hash of its row
 *
 * Return: true if there is one, and it is not the newest row.
 */
bool history_store_oldest(struct history_store *store, int64_t before,
			  struct chain_mark *mark)
{
	sqlite3_stmt *statement = NULL;
	bool found = false;

	if (sqlite3_prepare_v2(store->db,
		"SELECT seq, time, hash FROM rows WHERE kind = 'seal' ORDER BY seq LIMIT 1",
		-1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW &&
	    sqlite3_column_bytes(statement, 2) == CHAIN_HASH_LEN) {
		mark->seq = (uint64_t)sqlite3_column_int64(statement, 0);
		memcpy(mark->hash, sqlite3_column_blob(statement, 2),
		       CHAIN_HASH_LEN);
		found = sqlite3_column_int64(statement, 1) < before &&
			mark->seq < store->tail.seq;
	}
	sqlite3_finalize(statement);
	return found;
}

/**
 * history_store_delete() - let the oldest rows go
 * @store: open, in a transaction
 * @seq: the last of them
 *
 * Return: how many these were, or -1.
 */
int64_t history_store_delete(struct history_store *store, uint64_t seq)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "DELETE FROM rows WHERE seq <= %llu",
		 (unsigned long long)seq);
	return run(store->db, sql) ? sqlite3_changes64(store->db) : -1;
}

/**
 * history_store_settle() - force to disk what there is
 * @store: open, without a transaction
 *
 * A reader may keep this from being complete: then it is the next time.
 */
void history_store_settle(struct history_store *store)
{
	(void)run(store->db, "PRAGMA incremental_vacuum");
	(void)sqlite3_wal_checkpoint_v2(store->db, NULL,
					SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}
