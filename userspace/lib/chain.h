/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The history: rows of an SQLite file, chained by hash, sealed by signature.
 * docs/history.md describes the format for third parties.
 */
#ifndef LENSCAP_CHAIN_H
#define LENSCAP_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <sqlite3.h>

#define CHAIN_FILE		"history.db"
#define CHAIN_KEY_FILE	"history.key"
#define CHAIN_PUBLIC_FILE	"history.pub"

#define CHAIN_FORMAT		1		/* PRAGMA user_version */
#define CHAIN_APPLICATION	0x4c656e73	/* PRAGMA application_id */

#define CHAIN_HASH_LEN	32
#define CHAIN_KEY_LEN		32	/* the public one */
#define CHAIN_SECRET_LEN	64
#define CHAIN_SIGNATURE_LEN	64
#define CHAIN_KEYS_MAX	16	/* public keys that are believed */
#define CHAIN_FAULT_LEN	320

/* The text of the table, which a verifier compares: a view would be a lie. */
#define CHAIN_TABLE \
	"CREATE TABLE rows (seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL) STRICT"

#define CHAIN_HEX(len) (2 * (len) + 1)

/**
 * struct chain_row - one row; texts are not terminated
 * @seq: its number, from 1, without gaps
 * @time: when it was written, ms since the epoch
 * @kind: what it tells
 * @body: a JSON object; its bytes are what is hashed
 * @hash: over the row and the hash of the row before it
 */
struct chain_row {
	uint64_t seq;
	int64_t time;
	const char *kind;
	size_t kind_len;
	const char *body;
	size_t body_len;
	uint8_t hash[CHAIN_HASH_LEN];
};

/**
 * struct chain_mark - what a signature is about
 * @gateway: name of the gateway, printable ASCII
 * @seq: a row
 * @hash: its hash
 * @time: when it was signed, ms since the epoch
 */
struct chain_mark {
	char gateway[65];
	uint64_t seq;
	uint8_t hash[CHAIN_HASH_LEN];
	int64_t time;
};

/* What a mark is signed as. */
enum chain_mark_kind {
	CHAIN_SEAL,	/* all rows up to this one were there */
	CHAIN_ANCHOR,	/* rows up to this one were let go by retention */
};

struct chain_key {
	uint8_t bytes[CHAIN_KEY_LEN];
};

/**
 * struct chain_seal - a mark with its signature
 * @mark: what is signed
 * @key: by whom
 * @signature: Ed25519
 */
struct chain_seal {
	struct chain_mark mark;
	struct chain_key key;
	uint8_t signature[CHAIN_SIGNATURE_LEN];
};

/* chain_seal.c */
void chain_hash(const uint8_t previous[CHAIN_HASH_LEN],
		  const struct chain_row *row,
		  uint8_t hash[CHAIN_HASH_LEN]);
void chain_hex(const uint8_t *bytes, size_t len, char *text);
bool chain_unhex(const char *text, uint8_t *bytes, size_t len);
void chain_sign(enum chain_mark_kind kind, struct chain_seal *seal,
		  const uint8_t secret[CHAIN_SECRET_LEN]);
bool chain_signed(enum chain_mark_kind kind,
		    const struct chain_seal *seal);
json_t *chain_seal_json(const struct chain_seal *seal);
bool chain_seal_parse(const json_t *json, struct chain_seal *seal);

/**
 * struct chain_trust - what a verifier brings along
 * @keys: public keys that are believed
 * @nkeys: how many; 0: that of the first signature is
 * @since: a seal that was kept elsewhere, or NULL
 */
struct chain_trust {
	struct chain_key keys[CHAIN_KEYS_MAX];
	size_t nkeys;
	const struct chain_seal *since;
};

/**
 * struct chain_verdict - what a verifier found
 * @faults: rows and other things that are wrong
 * @row: the first row that is, or 0
 * @fault: what is wrong with it
 * @rows: rows that there are
 * @first: number of the first
 * @last: number of the last
 * @seals: good seals
 * @sealed: the last row that a good seal vouches for, or 0
 * @seal: the last good seal
 * @removed: rows before @first that retention let go, as signed
 * @key: whose signatures they are
 * @has_key: there was a signature
 */
struct chain_verdict {
	uint64_t faults;
	uint64_t row;
	char fault[CHAIN_FAULT_LEN];
	uint64_t rows;
	uint64_t first, last;
	uint64_t seals;
	uint64_t sealed;
	struct chain_seal seal;
	uint64_t removed;
	struct chain_key key;
	bool has_key;
};

/* Hears of each row in order; what it is given is valid during the call. */
typedef void (*chain_row_fn)(void *arg, const struct chain_row *row);

/* chain_reader.c */
sqlite3 *chain_open(const char *path, char **error);
void chain_close(sqlite3 *db);
int chain_rows(sqlite3 *db, chain_row_fn call, void *arg, char **error);
bool chain_sound(sqlite3 *db, char **error);

/* chain_verify.c */
int chain_verify(sqlite3 *db, const struct chain_trust *trust,
		   chain_row_fn call, void *arg,
		   struct chain_verdict *verdict, char **error);

#endif /* LENSCAP_CHAIN_H */
