/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captures: refused frames that go to NFLOG while a client is connected.
 */
#ifndef LENSCAPD_CAPTURE_H
#define LENSCAPD_CAPTURE_H

#include <jansson.h>

#include "client.h"

struct connection;
struct daemon;

json_t *capture_begin(struct daemon *daemon, struct connection *connection,
		      const json_t *request, struct client_error *err);
json_t *capture_list(struct client *client, struct client_error *err);

#endif /* LENSCAPD_CAPTURE_H */
