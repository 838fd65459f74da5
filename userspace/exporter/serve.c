// SPDX-License-Identifier: GPL-2.0-only
/*
 * HTTP: /metrics, and a page that points there.
 *
 * A thread per connection: a daemon that is slow to answer one scrape, or a
 * reader that is slow to take one, holds up nobody else. There are few of them,
 * and each ends when nothing moves for a while.
 */
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "metrics.h"
#include "say.h"
#include "serve.h"

#define CONNECTIONS	16
#define IDLE_SECONDS	15
#define HEADER_BYTES	16384	/* of a request; more is refused */
#define STACK_BYTES	262144
#define BLOCK_BYTES	65536

#define REALM "lenscap"

static const char index_page[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\"><head><title>lenscap-exporter</title></head>\n"
	"<body><h1>lenscap-exporter " LENSCAP_VERSION "</h1>\n"
	"<p><a href=\"/metrics\">Metrics</a> of Lenscap, for Prometheus.</p>\n"
	"</body></html>\n";

/**
 * struct body - an answer to /metrics on its way out
 * @snapshot: what it tells
 * @page: how far it is
 * @out: text that was written, but not taken yet
 * @at: first byte of @out that was not taken
 */
struct body {
	struct snapshot *snapshot;
	struct page page;
	struct out out;
	size_t at;
};

static ssize_t take_body(void *arg, uint64_t position, char *buffer, size_t max)
{
	struct body *body = arg;
	size_t len = body->out.len - body->at;

	(void)position;
	if (!len) {
		body->out.len = 0;
		body->at = 0;
		while (body->out.len < max &&
		       page_next(&body->page, &body->out))
			;
		len = body->out.len;
	}
	if (!len)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (len > max)
		len = max;
	memcpy(buffer, body->out.bytes + body->at, len);
	body->at += len;
	return (ssize_t)len;
}

static void free_body(void *arg)
{
	struct body *body = arg;

	snapshot_free(body->snapshot);
	out_free(&body->out);
	free(body);
}

static enum MHD_Result send_response(struct MHD_Connection *connection,
				     unsigned int status, const char *type,
				     struct MHD_Response *response)
{
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
				"no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW,
					"GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result send_text(struct MHD_Connection *connection,
				 unsigned int status, const char *type,
				 const char *text)
{
	return send_response(connection, status, type,
			     MHD_create_response_from_buffer(strlen(text),
				(void *)text, MHD_RESPMEM_PERSISTENT));
}

static enum MHD_Result send_metrics(struct MHD_Connection *connection,
				    const struct service *service, bool head)
{
	const char *accept = MHD_lookup_connection_value(connection,
		MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	struct body *body = mem_alloc(sizeof(*body));
	struct MHD_Response *response;

	memset(body, 0, sizeof(*body));
	/* Who asks for the head alone need not wait for the daemon. */
	if (!head)
		body->snapshot = scrape(&service->source);
	body->page.snapshot = body->snapshot;
	body->page.format = format_choose(accept);
	body->page.profiles = service->source.profiles;
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN,
		BLOCK_BYTES, take_body, body, free_body);
	if (!response) {
		free_body(body);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept");
	return send_response(connection, MHD_HTTP_OK,
			     format_type(body->page.format), response);
}

static bool permitted(struct MHD_Connection *connection,
		      const struct auth *auth)
{
	char *password = NULL;
	char *name;
	bool good;

	if (!auth)
		return true;
	name = MHD_basic_auth_get_username_password(connection, &password);
	good = name && password && auth_check(auth, name, password);
	MHD_free(name);
	MHD_free(password);
	return good;
}

static enum MHD_Result refuse(struct MHD_Connection *connection)
{
	static const char text[] = "a user and a password are needed\n";
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), (void *)text,
						MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	result = MHD_queue_basic_auth_fail_response(connection, REALM,
						    response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *connection,
			      const char *url, const char *method,
			      const char *version, const char *data,
			      size_t *size, void **state)
{
	const struct service *service = arg;
	bool head = !strcmp(method, MHD_HTTP_METHOD_HEAD);

	(void)version;
	(void)data;
	(void)size;
	(void)state;
	if (!permitted(connection, service->auth))
		return refuse(connection);
	if (strcmp(url, "/metrics") != 0 && strcmp(url, "/") != 0)
		return send_text(connection, MHD_HTTP_NOT_FOUND, "text/plain",
				 "nothing is here; the metrics are at /metrics\n");
	if (!head && strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return send_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
				 "text/plain",
				 "this can only be read: use GET or HEAD\n");
	if (!strcmp(url, "/"))
		return send_text(connection, MHD_HTTP_OK,
				 "text/html; charset=utf-8", index_page);
	return send_metrics(connection, service, head);
}

static void log_http(void *arg, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void log_http(void *arg, const char *format, va_list args)
{
	(void)arg;
	(void)fputs("lenscap-exporter: HTTP: ", stderr);
	(void)vfprintf(stderr, format, args);
}

/**
 * serve_start() - begin to serve
 * @service: what; must outlive the service
 * @fd: a listening socket, which belongs to the service from now on
 *
 * Return: for serve_stop(), or NULL after having said why not.
 */
struct MHD_Daemon *serve_start(const struct service *service, int fd)
{
	unsigned int flags = MHD_USE_THREAD_PER_CONNECTION |
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
		MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)service->key },
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)service->certificate },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_Daemon *http;

	if (service->certificate)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	http = MHD_start_daemon(flags, 0, NULL, NULL, answer, (void *)service,
		MHD_OPTION_EXTERNAL_LOGGER, log_http, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES,
		MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES,
		MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (!http)
		say("cannot serve HTTP%s", service->certificate ?
		    "S: do certificate and key belong together, and are they PEM?" :
		    "");
	return http;
}

/**
 * serve_stop() - end the service and its connections
 * @http: from serve_start()
 */
void serve_stop(struct MHD_Daemon *http)
{
	MHD_stop_daemon(http);
}
