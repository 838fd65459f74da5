/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A seeded hash of two words, in four multiplications.
 *
 * Not cryptographic. What it protects are tables in which a sender can only
 * look (devices) or in which a collision costs a record that is then counted as
 * lost (drop records). To aim at either, one would have to learn the seed,
 * and no frame tells anything about it but by the time that a lookup takes.
 */
#ifndef _LENSCAP_HASH_H
#define _LENSCAP_HASH_H

#include <lenscap/env.h>

/* Odd, with about as many ones as zeros; otherwise without meaning. */
#define LC_HASH_A	0x9e3779b97f4a7c15ULL
#define LC_HASH_B	0xd6e8feb86659fd93ULL

/* Both halves of the product: each bit of it depends on all bits below it, and
 * the upper half mixes what the lower one cannot.
 */
static inline u64 lc_fold(u64 a, u64 b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (u64)product ^ (u64)(product >> 64);
}

/**
 * lc_hash() - a hash of two words
 * @seed: two secret words
 * @a: a word
 * @b: another
 *
 * Context: any.
 */
static inline u64 lc_hash(const u64 *seed, u64 a, u64 b)
{
	u64 h = lc_fold(a ^ seed[0], LC_HASH_A) ^ lc_fold(b ^ seed[1], LC_HASH_B);

	return lc_fold(h ^ seed[1], LC_HASH_A ^ seed[0]);
}

/**
 * lc_hash_one() - a hash of one word
 * @seed: two secret words
 * @a: the word
 *
 * Context: any.
 */
static inline u64 lc_hash_one(const u64 *seed, u64 a)
{
	return lc_fold(lc_fold(a ^ seed[0], LC_HASH_A) ^ seed[1], LC_HASH_B);
}

#endif /* _LENSCAP_HASH_H */
