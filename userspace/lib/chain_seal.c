// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the history's hashes and signatures are made of.
 */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "chain.h"

_Static_assert(CHAIN_KEY_LEN == crypto_sign_PUBLICKEYBYTES, "public key");
_Static_assert(CHAIN_SECRET_LEN == crypto_sign_SECRETKEYBYTES, "secret key");
_Static_assert(CHAIN_SIGNATURE_LEN == crypto_sign_BYTES, "signature");
_Static_assert(CHAIN_HASH_LEN >= crypto_generichash_BYTES_MIN &&
	       CHAIN_HASH_LEN <= crypto_generichash_BYTES_MAX, "hash");

/**
 * chain_hash() - hash of a row
 * @previous: hash of the row before it; zeroes before the first
 * @row: the row; its own hash is not looked at
 * @hash: result: BLAKE2b, 32 bytes, of @previous, number and time (64 bits
 *	each), length (32 bits) and bytes of the kind, and those of the body;
 *	numbers are big endian
 */
void chain_hash(const uint8_t previous[CHAIN_HASH_LEN],
		  const struct chain_row *row,
		  uint8_t hash[CHAIN_HASH_LEN])
{
	uint64_t seq = htobe64(row->seq);
	uint64_t when = htobe64((uint64_t)row->time);
	uint32_t kind_len = htobe32((uint32_t)row->kind_len);
	uint32_t body_len = htobe32((uint32_t)row->body_len);
	const struct {
		const void *bytes;
		size_t len;
	} parts[] = {
		{ previous, CHAIN_HASH_LEN },
		{ &seq, sizeof(seq) },
		{ &when, sizeof(when) },
		{ &kind_len, sizeof(kind_len) },
		{ row->kind, row->kind_len },
		{ &body_len, sizeof(body_len) },
		{ row->body, row->body_len },
	};
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, CHAIN_HASH_LEN);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].len)
			crypto_generichash_update(&state, parts[i].bytes,
						  parts[i].len);
	crypto_generichash_final(&state, hash, CHAIN_HASH_LEN);
}

/**
 * chain_hex() - bytes as hexadecimal text
 * @bytes: they
 * @len: how many
 * @text: result, %CHAIN_HEX(len) bytes
 */
void chain_hex(const uint8_t *bytes, size_t len, char *text)
{
	sodium_bin2hex(text, CHAIN_HEX(len), bytes, len);
}

/**
 * chain_unhex() - hexadecimal text as bytes
 * @text: it, or NULL
 * @bytes: result
 * @len: how many there must be
 */
bool chain_unhex(const char *text, uint8_t *bytes, size_t len)
{
	size_t used;

	return text && strlen(text) == 2 * len &&
	       !sodium_hex2bin(bytes, len, text, 2 * len, NULL, &used, NULL) &&
	       used == len;
}

/* The text that is signed; @size is plenty. Return: its length. */
static size_t mark_text(enum chain_mark_kind kind,
			const struct chain_mark *mark, char *text,
			size_t size)
{
	char hash[CHAIN_HEX(CHAIN_HASH_LEN)];

	chain_hex(mark->hash, sizeof(mark->hash), hash);
	return (size_t)snprintf(text, size,
		"lenscap-history-%s-1\ngateway %s\nseq %" PRIu64 "\nhash %s\ntime %" PRId64 "\n",
		kind == CHAIN_SEAL ? "seal" : "anchor", mark->gateway,
		mark->seq, hash, mark->time);
}

/**
 * chain_sign() - sign a mark
 * @kind: as what
 * @seal: its mark is signed; receives key and signature
 * @secret: the secret key, which holds the public one
 */
void chain_sign(enum chain_mark_kind kind, struct chain_seal *seal,
		  const uint8_t secret[CHAIN_SECRET_LEN])
{
	char text[320];
	size_t len = mark_text(kind, &seal->mark, text, sizeof(text));

	crypto_sign_detached(seal->signature, NULL,
			     (const unsigned char *)text, len, secret);
	crypto_sign_ed25519_sk_to_pk(seal->key.bytes, secret);
}

/**
 * chain_signed() - is the signature good?
 * @kind: as what it is to be
 * @seal: it; whether its key is to be believed is another question
 */
bool chain_signed(enum chain_mark_kind kind,
		    const struct chain_seal *seal)
{
	char text[320];
	size_t len = mark_text(kind, &seal->mark, text, sizeof(text));

	return !crypto_sign_verify_detached(seal->signature,
					    (const unsigned char *)text, len,
					    seal->key.bytes);
}

/**
 * chain_seal_json() - a seal as it stands in a row, and in a file
 * @seal: it
 */
json_t *chain_seal_json(const struct chain_seal *seal)
{
	char hash[CHAIN_HEX(CHAIN_HASH_LEN)];
	char key[CHAIN_HEX(CHAIN_KEY_LEN)];
	char signature[CHAIN_HEX(CHAIN_SIGNATURE_LEN)];

	chain_hex(seal->mark.hash, sizeof(seal->mark.hash), hash);
	chain_hex(seal->key.bytes, sizeof(seal->key.bytes), key);
	chain_hex(seal->signature, sizeof(seal->signature), signature);
	return json_pack("{s:s, s:I, s:s, s:I, s:s, s:s}",
			 "gateway", seal->mark.gateway,
			 "seq", (json_int_t)seal->mark.seq, "hash", hash,
			 "time", (json_int_t)seal->mark.time, "key", key,
			 "signature", signature);
}

/**
 * chain_seal_parse() - read what chain_seal_json() has written
 * @json: it, perhaps with more in it, or anything else, or NULL
 * @seal: result
 */
bool chain_seal_parse(const json_t *json, struct chain_seal *seal)
{
	const char *gateway, *hash, *key, *signature;
	json_int_t seq, when;

	memset(seal, 0, sizeof(*seal));
	if (!json ||
	    json_unpack((json_t *)json, "{s:s, s:I, s:s, s:I, s:s, s:s}",
			"gateway", &gateway, "seq", &seq, "hash", &hash,
			"time", &when, "key", &key, "signature",
			&signature) < 0 ||
	    seq < 0 || strlen(gateway) >= sizeof(seal->mark.gateway))
		return false;
	memcpy(seal->mark.gateway, gateway, strlen(gateway));
	seal->mark.seq = (uint64_t)seq;
	seal->mark.time = when;
	return chain_unhex(hash, seal->mark.hash, CHAIN_HASH_LEN) &&
	       chain_unhex(key, seal->key.bytes, CHAIN_KEY_LEN) &&
	       chain_unhex(signature, seal->signature,
			     CHAIN_SIGNATURE_LEN);
}
