// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a history: the file may be anybody's, and is not believed.
 *
 * Rows are read by their numbers from the table itself, never by an index,
 * which could leave some out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain.h"
#include "mem.h"

/* How long a writer may hold the file while it is opened, ms. */
#define PATIENCE 5000

static char *trouble(const char *path, sqlite3 *db)
{
	return mem_print("%s: %s", path, db ? sqlite3_errmsg(db) :
					      "no memory");
}

/* As an URI: what means something in one is escaped. */
static char *uri_of(const char *path, const char *query)
{
	char *text = mem_alloc(3 * strlen(path) + strlen(query) + 16), *at;

	at = stpcpy(text, "file:");
	for (; *path; path++) {
		if (strchr("%?#", *path))
			at += sprintf(at, "%%%02x", (unsigned char)*path);
		else
			*at++ = *path;
	}
	stpcpy(at, query);
	return text;
}

static sqlite3 *try_open(const char *path, const char *query, char **error)
{
	char *uri = uri_of(path, query);
	sqlite3 *db = NULL;
	int code;

	code = sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY |
			       SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE, NULL);
	free(uri);
	if (code == SQLITE_OK) {
		sqlite3_busy_timeout(db, PATIENCE);
		sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		/* One transaction: all that is read is of one moment. */
		code = sqlite3_exec(db,
			"PRAGMA cell_size_check = ON; BEGIN; SELECT 1 FROM sqlite_schema",
			NULL, NULL, NULL);
	}
	if (code == SQLITE_OK)
		return db;
	free(*error);
	*error = trouble(path, db);
	sqlite3_close(db);
	return NULL;
}

static bool exists(const char *path, const char *suffix)
{
	char *name = mem_print("%s%s", path, suffix);
	bool there = !access(name, F_OK);

	free(name);
	return there;
}

/**
 * chain_open() - open a history to be read, as it is at this moment
 * @path: the file; its writer may be at work
 * @error: receives why not, to be freed
 *
 * Return: the database, to be closed with chain_close(), or NULL.
 */
sqlite3 *chain_open(const char *path, char **error)
{
	sqlite3 *db;

	*error = NULL;
	if (!exists(path, "")) {
		*error = mem_print("%s: there is no such file", path);
		return NULL;
	}
	db = try_open(path, "?mode=ro", error);
	/* A copy on a medium that cannot be written to has no shared memory. */
	if (!db && !exists(path, "-wal"))
		db = try_open(path, "?mode=ro&immutable=1", error);
	if (db) {
		free(*error);
		*error = NULL;
	}
	return db;
}

/**
 * chain_close() - close what chain_open() has opened
 * @db: it, or NULL
 */
void chain_close(sqlite3 *db)
{
	sqlite3_close(db);
}

static int number_of(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int number = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

/**
 * chain_sound() - is this a history, of a format that is known?
 * @db: a database
 * @error: receives why not, to be freed
 */
bool chain_sound(sqlite3 *db, char **error)
{
	sqlite3_stmt *statement = NULL;
	int format = number_of(db, "PRAGMA user_version");
	const char *sql = NULL;
	bool sound = false;

	if (sqlite3_prepare_v2(db,
		"SELECT sql FROM sqlite_schema WHERE name = 'rows' AND type = 'table'",
		-1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		sql = (const char *)sqlite3_column_text(statement, 0);
	if (number_of(db, "PRAGMA application_id") != CHAIN_APPLICATION)
		*error = mem_copy("this is not a history of Lenscap");
	else if (format != CHAIN_FORMAT)
		*error = mem_print("this history has format %d; this release reads format %d",
				   format, CHAIN_FORMAT);
	else if (!sql || strcmp(sql, CHAIN_TABLE) != 0)
		*error = mem_copy("the table \"rows\" is not the one that Lenscap makes: the file was altered");
	else
		sound = true;
	sqlite3_finalize(statement);
	return sound;
}

static void take_row(sqlite3_stmt *statement, struct chain_row *row)
{
	const void *hash;

	memset(row, 0, sizeof(*row));
	row->seq = (uint64_t)sqlite3_column_int64(statement, 0);
	row->time = sqlite3_column_int64(statement, 1);
	row->kind = (const char *)sqlite3_column_text(statement, 2);
	row->kind_len = (size_t)sqlite3_column_bytes(statement, 2);
	row->body = (const char *)sqlite3_column_text(statement, 3);
	row->body_len = (size_t)sqlite3_column_bytes(statement, 3);
	if (!row->kind)
		row->kind = "";
	if (!row->body)
		row->body = "";
	hash = sqlite3_column_blob(statement, 4);
	/* A hash of another length is none: zeroes, which none has. */
	if (hash && sqlite3_column_bytes(statement, 4) == CHAIN_HASH_LEN)
		memcpy(row->hash, hash, CHAIN_HASH_LEN);
}

/**
 * chain_rows() - read all rows in the order of their numbers
 * @db: a history
 * @call: hears of each
 * @arg: for @call
 * @error: receives why not all could be read, to be freed
 *
 * Return: 0, or -1.
 */
int chain_rows(sqlite3 *db, chain_row_fn call, void *arg, char **error)
{
	sqlite3_stmt *statement = NULL;
	struct chain_row row;
	int code;

	if (!chain_sound(db, error))
		return -1;
	code = sqlite3_prepare_v2(db,
		"SELECT seq, time, kind, body, hash FROM rows NOT INDEXED ORDER BY seq",
		-1, &statement, NULL);
	if (code == SQLITE_OK) {
		while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
			take_row(statement, &row);
			call(arg, &row);
		}
	}
	if (code != SQLITE_DONE)
		*error = mem_print("the file cannot be read to its end: %s",
				   sqlite3_errmsg(db));
	sqlite3_finalize(statement);
	return code == SQLITE_DONE ? 0 : -1;
}
