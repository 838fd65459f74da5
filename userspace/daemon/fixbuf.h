/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libfixbuf, loaded when an output asks for IPFIX: a gateway without one needs
 * neither the library nor GLib.
 */
#ifndef LENSCAPD_FIXBUF_H
#define LENSCAPD_FIXBUF_H

#include <fixbuf/public.h>

/**
 * struct fixbuf - what is used of it, by its own names
 */
struct fixbuf {
	__typeof__(fbInfoModelAlloc) *model_alloc;
	__typeof__(fbInfoModelFree) *model_free;
	__typeof__(fbTemplateAlloc) *template_alloc;
	__typeof__(fbTemplateAppendSpecArray) *template_append;
	__typeof__(fbTemplateFreeUnused) *template_free;
	__typeof__(fbSessionAlloc) *session_alloc;
	__typeof__(fbSessionAddTemplate) *session_add;
	__typeof__(fbSessionExportTemplate) *session_export;
	__typeof__(fbExporterAllocBuffer) *exporter_alloc;
	__typeof__(fbExporterGetMsgLen) *exporter_length;
	__typeof__(fBufAllocForExport) *buf_alloc;
	__typeof__(fBufFree) *buf_free;
	__typeof__(fBufSetAutomaticMode) *buf_automatic;
	__typeof__(fBufSetInternalTemplate) *buf_internal;
	__typeof__(fBufSetExportTemplate) *buf_external;
	__typeof__(fBufAppend) *buf_append;
	__typeof__(fBufEmit) *buf_emit;
	__typeof__(g_clear_error) *clear_error;
};

const struct fixbuf *fixbuf_load(const char **why);

#endif /* LENSCAPD_FIXBUF_H */
