/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finding and loading lenscap-pcapng.so.
 */
#ifndef LENSCAP_CLI_PCAPNG_LOAD_H
#define LENSCAP_CLI_PCAPNG_LOAD_H

#include "../wiretap/pcapng.h"

/**
 * pcapng_load() - load what writes pcapng files
 * @error: receives why not, to be freed
 *
 * It stays loaded until the program ends.
 *
 * Return: the writer, or NULL.
 */
const struct pcapng_writer *pcapng_load(char **error);

#endif /* LENSCAP_CLI_PCAPNG_LOAD_H */
