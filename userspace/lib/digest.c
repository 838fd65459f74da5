// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tells one policy from another.
 */
#include <endian.h>

#include <sodium.h>

#include "digest.h"

_Static_assert(POLICY_DIGEST_LEN == crypto_hash_sha256_BYTES,
	       "a digest is a SHA-256");

/**
 * digest_bundle() - digest of a bundle
 * @bundle: it
 * @digest: result: SHA-256 of the number of files, then of each file its
 *	length and its bytes; numbers are 64 bits, big endian
 *
 * Names do not count: those of inventories are in the policy's own bytes, and
 * the same policy has to be the same wherever it lies.
 */
void digest_bundle(const struct policy_bundle *bundle,
		   uint8_t digest[POLICY_DIGEST_LEN])
{
	crypto_hash_sha256_state state;
	uint64_t number = htobe64(bundle->count);

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const unsigned char *)&number,
				  sizeof(number));
	for (size_t i = 0; i < bundle->count; i++) {
		const struct policy_file *file = &bundle->files[i];

		number = htobe64(file->len);
		crypto_hash_sha256_update(&state,
					  (const unsigned char *)&number,
					  sizeof(number));
		crypto_hash_sha256_update(&state,
					  (const unsigned char *)file->text,
					  file->len);
	}
	crypto_hash_sha256_final(&state, digest);
}
