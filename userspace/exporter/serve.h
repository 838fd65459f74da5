/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * HTTP: /metrics, and a page that points there.
 */
#ifndef LENSCAP_EXPORTER_SERVE_H
#define LENSCAP_EXPORTER_SERVE_H

#include "auth.h"
#include "scrape.h"

/**
 * struct service - what is served, and to whom
 * @source: where the metrics come from
 * @auth: who may read; NULL: everybody
 * @certificate: for TLS, PEM; NULL: no TLS
 * @key: the same
 */
struct service {
	struct source source;
	const struct auth *auth;
	const char *certificate, *key;
};

struct MHD_Daemon *serve_start(const struct service *service, int fd);
void serve_stop(struct MHD_Daemon *http);

#endif /* LENSCAP_EXPORTER_SERVE_H */
